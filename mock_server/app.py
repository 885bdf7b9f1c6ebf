"""The twin as a Flask application: the imitated API and the control plane, a blueprint each."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException

from mock_server import answers, control, imitated
from mock_server.campaign import Refused
from mock_server.contract import load
from mock_server.edge import Served, problem, served_twin
from mock_server.twin import Twin

_log = logging.getLogger("mock_server")


class _Ordered(DefaultJSONProvider):
    """Members in the order they were written in."""

    sort_keys = False


def create_app(
    twin: Twin | None = None, *, hosts: Iterable[str] = (), token: str | None = None
) -> flask.Flask:
    """The twin as a WSGI application.

    Args:
        twin: the twin to serve; by default a lenient one with the shipped contract.
        hosts: names besides those of loopback under which the control plane may be asked.
        token: what the control plane wants as ``Authorization: Bearer``; None wants nothing.
    """
    app = flask.Flask("mock_server", static_folder=None)
    app.json = _Ordered(app)
    app.url_map.merge_slashes = False
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    Served(twin or Twin(load()), frozenset(hosts), token).put_into(app)
    app.register_blueprint(control.blueprint)
    app.register_blueprint(imitated.blueprint)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _failed)
    return app


def _refused(error: HTTPException) -> flask.Response:
    """What Flask itself refuses (an unheard-of method, a malformed request), as JSON."""
    came = f"{flask.request.method} {flask.request.path}"
    return problem(error.code or 400, "request", came, error.description or error.name)


def _failed(_: Exception) -> flask.Response:
    _log.exception("The twin failed; please report this.")
    answer = answers.answer(served_twin().contract, Refused("twin-failed"))
    return flask.Response(answer.body, answer.status, content_type=answers.CONTENT_TYPE)
