"""The twin as a Flask application: the imitated API and the control plane, a blueprint each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from http import HTTPStatus

import flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from mock_server import answers, control, imitated
from mock_server.campaign import Refused
from mock_server.contract import load
from mock_server.delivery import delivered
from mock_server.edge import MOST_WAITING, Served, problem, served_twin
from mock_server.settings import SettingError
from mock_server.twin import Twin

_log = logging.getLogger("mock_server")


class _Ordered(DefaultJSONProvider):
    """Members in the order they were written in."""

    sort_keys = False


def create_app(  # noqa: PLR0913  (keyword-only settings)
    twin: Twin | None = None,
    *,
    hosts: Iterable[str] = (),
    token: str | None = None,
    origins: Iterable[str] = (),
    callback_hosts: Iterable[str] = (),
    mask: bool = False,
    most_waiting: int = MOST_WAITING,
) -> flask.Flask:
    """The twin as a WSGI application.

    Args:
        twin: the twin to serve; by default a lenient one with the shipped contract.
        hosts: names besides those of loopback under which the control plane may be asked.
        token: what the control plane wants as ``Authorization: Bearer``; None wants nothing.
        origins: web pages of other origins that may ask the control plane (CORS).
        callback_hosts: hosts besides those of loopback that a callback URL may have.
        mask: hide most digits of every number in the inbox.
        most_waiting: how many requests may wait for the inbox at once; fewer than threads answer.
    """
    app = flask.Flask("mock_server", static_folder=None)
    app.json = _Ordered(app)
    app.url_map.merge_slashes = False
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    Served(
        twin or Twin(load()),
        frozenset(hosts),
        token,
        frozenset(origins),
        frozenset(callback_hosts),
        mask,
        threading.Semaphore(most_waiting),
    ).put_into(app)
    app.register_blueprint(control.blueprint)
    app.register_blueprint(imitated.blueprint)
    app.after_request(_spelled_as_usual)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(SettingError, _unset)
    app.register_error_handler(Exception, _failed)
    app.wsgi_app = delivered(app.wsgi_app)  # type: ignore[assignment]  # as Flask does it
    return app


def _spelled_as_usual(response: flask.Response) -> flask.Response:
    """With the reason phrase of the standard: Flask's own is all in capitals."""
    code = response.status_code
    response.status = f"{code} {HTTPStatus(code).phrase}"
    return response


def _refused(error: HTTPException) -> flask.Response:
    """What Flask itself refuses (an unheard-of method, a malformed request), as JSON."""
    came = f"{flask.request.method} {flask.request.path}"
    return problem(error.code or 400, "request", came, error.description or error.name)


def _unset(error: SettingError) -> flask.Response:
    return problem(400, error.where, error.came, error.wanted)


def _failed(_: Exception) -> flask.Response:
    _log.exception("The twin failed; please report this.")
    answer = answers.answer(served_twin().contract, Refused("twin-failed"))
    return flask.Response(answer.body, answer.status, content_type=answers.CONTENT_TYPE)
