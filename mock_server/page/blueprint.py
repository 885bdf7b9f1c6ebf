"""The blueprint of the page: who may see it, what protects it, and what all of its pages share."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import flask

from mock_server import __version__
from mock_server.contract import admin_schemas
from mock_server.contract.admin_schemas import SettingError
from mock_server.http import admin
from mock_server.http.served import CONTROL, served, served_twin
from mock_server.page import forms, visible
from mock_server.page.stakes import at_stake

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # Without any, a browser would hide the page's origin from the control plane.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}

blueprint = flask.Blueprint(
    "page",
    __name__,
    url_prefix=CONTROL,
    template_folder="templates",
    static_folder="static",
    static_url_path="/page/static",
)
blueprint.add_app_template_filter(visible.visible)
blueprint.add_app_template_filter(visible.first_words)
blueprint.add_app_template_filter(visible.plain)
blueprint.add_app_template_filter(visible.written)
blueprint.add_app_template_filter(visible.indented)
blueprint.add_app_template_filter(at_stake)


@blueprint.before_request
def admit() -> flask.Response | tuple[str, int] | None:
    """As the control plane does; but whoever lacks the token is asked for it."""
    if flask.request.endpoint in {"page.static", "page.sign_in"}:
        return None
    refused = admin.admit()
    if refused is None:
        return None
    if refused.status_code != HTTPStatus.UNAUTHORIZED:
        return problem_page(403, **refused.get_json())
    return flask.render_template("page/sign_in.html", wrong=False), 401


@blueprint.after_request
def protect(response: flask.Response) -> flask.Response:
    """With the headers that keep what is shown from running."""
    response.headers.update(_HEADERS)
    return response


@blueprint.errorhandler(SettingError)
def unset(error: SettingError) -> tuple[str, int]:
    """What was asked for in another way than the contract has it."""
    return problem_page(400, error.where, error.got, error.expected)


def problem_page(status: int, where: str, got: str, expected: str) -> tuple[str, int]:
    """What cannot be shown, and why."""
    problem = {"where": where, "got": got, "expected": expected}
    return flask.render_template("page/problem.html", problem=problem), status


def gone(part: str, where: str, got: str, expected: str) -> str:
    """What stands in the place of a part whose subject was forgotten while somebody looked."""
    problem = {"where": where, "got": got, "expected": expected}
    return flask.render_template("page/gone.html", part=part, problem=problem)


@blueprint.context_processor
def common() -> dict[str, Any]:
    """What every page shows."""
    contract = served_twin().contract
    return {"version": __version__, "contract": contract, "control": CONTROL}


@blueprint.post("/page/sign-in")
def sign_in() -> flask.typing.ResponseReturnValue:
    """Keep the token in a cookie that no script can read, and no other page sends."""
    token = served().options.token
    if token is None or not admin.has_token(flask.request.form.get("token", ""), token):
        return flask.render_template("page/sign_in.html", wrong=True), 401
    response = flask.redirect(flask.url_for("page.inbox"), 303)
    response.set_cookie(
        admin.cookie_name(),
        token,
        path=CONTROL,
        secure=flask.request.is_secure,
        httponly=True,
        samesite="Strict",
    )
    return response


def twin_schema(schema: forms.Schema) -> forms.Schema:
    """A schema of ``twin.yaml``, or the one that its ``$ref`` leads to."""
    reference = schema.get("$ref")
    return admin_schemas.schema(reference.rpartition("/")[2]) if reference else schema
