"""The twin as a WSGI application: the imitated API, and the control plane by Flask."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from mock_server.contract.admin_schemas import SettingError
from mock_server.contract.loader import load
from mock_server.core.handler import Twin
from mock_server.http import admin_calls, imitated
from mock_server.http.served import Served, ServeOptions, problem, served


class _Ordered(DefaultJSONProvider):
    """Members in the order they were written in."""

    sort_keys = False


def create_app(
    twin: Twin | None = None,
    options: ServeOptions | None = None,
    blueprints: Sequence[flask.Blueprint] = (),
) -> flask.Flask:
    """The twin as a WSGI application.

    Args:
        twin: the twin to serve; by default a lenient one with the shipped contract.
        options: who may ask its control plane for what; by default this machine, for anything.
        blueprints: what is served besides: `page.routes.blueprint` is the page for people.
    """
    app = flask.Flask("mock_server", static_folder=None)
    app.json = _Ordered(app)
    app.url_map.merge_slashes = False
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    serving = Served(twin or Twin(load()), options or ServeOptions())
    serving.put_into(app)
    for blueprint in (admin_calls.blueprint, *blueprints):
        app.register_blueprint(blueprint)
    app.after_request(_spelled_as_common)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(SettingError, _unset)
    app.register_error_handler(Exception, _failed)
    app.wsgi_app = imitated.before(app.wsgi_app, serving)  # type: ignore[assignment]  # as Flask does it
    return app


def _spelled_as_common(response: flask.Response) -> flask.Response:
    """With the reason phrase of the standard: Flask's own is all in capitals."""
    code = response.status_code
    response.status = f"{code} {HTTPStatus(code).phrase}"
    return response


def _refused(error: HTTPException) -> flask.Response:
    """What Flask itself refuses (an unheard-of method, a malformed request), as JSON."""
    got = f"{flask.request.method} {flask.request.path}"
    return problem(error.code or 400, "request", got, error.description or error.name)


def _unset(error: SettingError) -> flask.Response:
    return problem(400, error.where, error.got, error.expected)


def _failed(_: Exception) -> flask.Response:
    reply = imitated.failed(served())
    return flask.Response(reply.body, reply.status, reply.headers)
