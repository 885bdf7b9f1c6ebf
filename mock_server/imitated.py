"""The imitated API over HTTP: bytes to a request, an answer to bytes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

import flask
from werkzeug.wsgi import LimitedStream

from mock_server import answers
from mock_server.decoding import LARGEST_BODY
from mock_server.edge import CONTROL, served_twin
from mock_server.store import Entry, Request
from mock_server.values import printable

# So much more is read and thrown away, so that a client which still writes gets its answer and
# not a reset.
_MOST_DRAINED: Final = 64 * 2**20

_log = logging.getLogger("mock_server")
blueprint = flask.Blueprint("imitated", __name__)


@blueprint.before_app_request
def imitate() -> flask.Response | None:
    """Whatever is not the control plane's, of any path and method: the twin routes by the contract.

    Before Flask's own routing has a say, which would redirect some paths and refuse some methods.
    """
    path = _path(flask.request.environ)
    if path == CONTROL or path.startswith(f"{CONTROL}/"):
        return None
    headers = {name.lower(): value for name, value in flask.request.headers.items()}
    body, complete = _bounded(flask.request)
    request = Request(flask.request.method, path, headers, body, complete=complete)
    return _encode(served_twin().handle(request))


def _path(environ: Mapping[str, Any]) -> str:
    """The path as it was sent: Flask's own has one slash less where there were two."""
    sent: str = environ.get("PATH_INFO", "")
    return sent.encode("latin-1").decode(errors="replace")


def _bounded(request: flask.Request) -> tuple[bytes, bool]:
    """The body up to one byte over what the twin reads, and whether all of it arrived.

    The rest is drained, not kept.
    """
    stated = request.content_length or 0
    stream = request.environ["wsgi.input"]
    if not request.environ.get("wsgi.input_terminated"):
        stream = LimitedStream(stream, stated)
    body = stream.read(LARGEST_BODY + 1)
    drained = 0
    while len(body) > LARGEST_BODY and drained < _MOST_DRAINED and (chunk := stream.read(2**16)):
        drained += len(chunk)
    return body, len(body) >= min(stated, LARGEST_BODY)


def _encode(entry: Entry) -> flask.Response:
    _tell(entry)
    answer = entry.answer
    response = flask.Response(answer.body, answer.status, content_type=answers.CONTENT_TYPE)
    response.headers.update(
        {
            **answer.headers,
            "Twin-Notes": str(entry.repairs),
            "Twin-Advice": str(entry.advice),
            "Twin-Request": f"{CONTROL}/requests/{entry.id}",
        }
    )
    return response


def _tell(entry: Entry) -> None:
    """Log a line for the request, and one for each rule with high stakes; no value of the body."""
    if not _log.isEnabledFor(logging.WARNING):
        return
    seen = f"{CONTROL}/requests/{entry.id}"
    status, request, repairs = entry.answer.status, entry.request, entry.repairs
    asked = printable(f"{request.method} {request.path}")
    _log.info("%s %s · %d notes · %s", status, asked, repairs, seen)
    warnings = dict[tuple[str, str | None], list[str]]()
    for note in entry.notes:
        if note.high_stakes:
            told = (note.rule.summary, note.did_you_mean)
            warnings.setdefault(told, []).append(note.path or "body")
    for (summary, meant), (first, *others) in warnings.items():
        where = f"{first} and {len(others)} more" if others else first
        hint = f" Did you mean {meant}?" if meant else ""
        _log.warning("high stakes: %s: %s%s · %s", printable(where), summary, hint, seen)
