"""The imitated API over HTTP: bytes to a request, an answer to bytes."""

from __future__ import annotations

import logging
from typing import Final

import flask
from werkzeug.wsgi import LimitedStream

from mock_server import faults
from mock_server.decoding import LARGEST_BODY
from mock_server.edge import CONTROL, problem, served_twin
from mock_server.faults import Preference
from mock_server.headers import REPEATED
from mock_server.masking import masked
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
    # Flask's own path has one slash less where there were two.
    environ = flask.request.environ
    path = _as_sent(environ.get("PATH_INFO", ""))
    if path == CONTROL or path.startswith(f"{CONTROL}/"):
        return None
    headers = {name.lower(): value for name, value in flask.request.headers.items()}
    body, complete = _bounded(flask.request)
    request = Request(
        flask.request.method,
        path,
        headers,
        body,
        complete=complete,
        query=_as_sent(environ.get("QUERY_STRING", "")),
        repeated=environ.get(REPEATED, frozenset()),
    )
    prefer = Preference.of(headers.get("prefer", ""))
    try:
        entry = served_twin().handle(request, prefer)
    except LookupError as error:
        return problem(404, "Prefer", str(prefer), str(error))
    return _encode(entry)


def _as_sent(text: str) -> str:
    """A text of the WSGI environ, which has its bytes as Latin-1."""
    return text.encode("latin-1").decode(errors="replace")


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
    if entry.injected is not None:
        entry.injected.delivery().put_into(flask.request.environ)
    if entry.answer is None:
        return flask.Response()
    leaves = faults.sent(entry.answer, entry.injected.fault if entry.injected else None)
    response = flask.Response(leaves.body, entry.answer.status, content_type=leaves.content_type)
    response.headers.update(
        {
            **entry.answer.headers,
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
    status = entry.answer.status if entry.answer else "no answer"
    request, repairs = entry.request, entry.repairs
    asked = printable(masked(f"{request.method} {request.path}"))
    met = f" · injected: {entry.injected}" if entry.injected else ""
    _log.info("%s %s · %d notes · %s%s", status, asked, repairs, seen, met)
    warnings = dict[tuple[str, str | None], list[str]]()
    for note in entry.notes:
        if note.high_stakes:
            told = (note.rule.summary, note.did_you_mean)
            warnings.setdefault(told, []).append(note.path or "body")
    for (summary, meant), (first, *others) in warnings.items():
        where = f"{first} and {len(others)} more" if others else first
        hint = f" Did you mean {meant}?" if meant else ""
        _log.warning("high stakes: %s: %s%s · %s", printable(masked(where)), summary, hint, seen)
