"""The imitated API: from a request to the reply that leaves, whoever carries it.

The server, the transport of tests and the WSGI application all call `reply`, and each applies what
a fault does to the connection: it waits ``delay``, or ends the connection in place of an answer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec
from werkzeug.wsgi import LimitedStream

from mock_server.core.handler import UNCHECKED, Handled
from mock_server.core.injection import Preference
from mock_server.core.responses import CONTENT_TYPE, Answer
from mock_server.http.live import News
from mock_server.http.masking import masked
from mock_server.http.served import CONTROL, Served, is_control, problem_body
from mock_server.json_values import printable
from mock_server.reading.decoding import LARGEST_BODY
from mock_server.speech.recordings import Recording
from mock_server.store.entries import Refused, Request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MOST_DRAINED: Final = 64 * 2**20
"""So many bytes of a body are read and thrown away, so that a client which still writes gets its
answer and not a reset."""
# The general path takes about 25 us for each recipient that needs repair, so 2 ms for so many
# bytes; nobody else is answered meanwhile.
_LARGEST_AT_ONCE: Final = 2**12

_log = logging.getLogger("mock_server")


class Reply(msgspec.Struct, frozen=True):
    """An answer as it leaves, and how: after so many seconds, or not at all."""

    status: int
    lines: str
    """The headers as they stand on the wire, each with the end of its line."""
    body: bytes
    delay: float = 0
    hang_up: bool = False
    """The connection ends before a byte of the answer,"""
    reset: bool = False
    """and does so by a reset (RST)."""
    recording: Recording | None = None
    """What stands in the place of the body, and is sent as it is rendered."""
    news: News | None = None
    """The same, sent as something changes, without an end."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers, by their names."""
        lines = [line.partition(": ") for line in self.lines.split("\r\n")[:-1]]
        return [(name, value) for name, _, value in lines]


def is_quick(request: Request, checked: object) -> bool:
    """Whether the request is answered in so short a time that an event loop may do it itself.

    ``checked`` is the result of `Twin.fast_check`.
    """
    return checked is not None or len(request.body) <= _LARGEST_AT_ONCE


def reply(served: Served, request: Request, checked: object = UNCHECKED) -> Reply:
    """Answer a request to the imitated API; never raises."""
    asked = request.headers.get("prefer")
    prefer = Preference.of(asked) if asked else None
    try:
        handled = served.twin.handle(request, prefer, checked)
        _report(handled)
        return _reply(handled)
    except LookupError as error:
        return _plain(404, problem_body("Prefer", str(prefer), str(error)))
    except Exception:  # noqa: BLE001  (whatever it is, the client gets an answer)
        return failed(served)


def failed(served: Served) -> Reply:
    """The answer in place of one that the twin could not give; logs the current exception."""
    _log.exception("The twin failed; please report this.")
    answer = served.twin.responses.answer(Refused("twin-failed"))
    return _plain(answer.status, answer.body)


def _plain(status: int, body: bytes) -> Reply:
    return Reply(status, about(CONTENT_TYPE, body), body)


def about(content_type: str, body: bytes) -> str:
    """The header lines of a body."""
    return f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"


def header_lines(headers: Iterable[tuple[str, str]]) -> str:
    """Headers as they stand on the wire."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def _reply(handled: Handled) -> Reply:
    answer, injected, entry = handled.answer, handled.injected, handled.entry
    if answer is None:
        answer = _NOTHING
    content_type, body = injected.changed(answer) if injected else (CONTENT_TYPE, answer.body)
    first, tally = about(content_type, body), entry.tally
    if answer.headers:
        first += header_lines(answer.headers.items())
    lines = (
        f"{first}Twin-Notes: {tally.repairs}\r\nTwin-Advice: {tally.advice}\r\n"
        f"Twin-Request: {CONTROL}/requests/{entry.id}\r\n"
    )
    if injected is None:
        return Reply(answer.status, lines, body)
    return Reply(answer.status, lines, body, injected.delay, injected.hang_up, injected.reset)


# Stands where a connection is reset before there is an answer.
_NOTHING: Final = Answer(0, b"")


def _report(handled: Handled) -> None:
    """Log a line for the request, and one for each rule with high stakes; no value of the body."""
    entry = handled.entry
    seen = f"{CONTROL}/requests/{entry.id}"
    if _log.isEnabledFor(logging.INFO):
        status = handled.answer.status if handled.answer else "no answer"
        asked = printable(masked(f"{entry.request.method} {entry.request.path}"))
        met = f" · injected: {handled.injected}" if handled.injected else ""
        _log.info("%s %s · %d notes · %s%s", status, asked, entry.tally.repairs, seen, met)
    if not entry.tally.high_stakes or not _log.isEnabledFor(logging.WARNING):
        return
    warnings = dict[tuple[str, str | None], list[str]]()
    for note in handled.notes:
        if note.high_stakes:
            reason = (note.rule.summary, note.did_you_mean)
            warnings.setdefault(reason, []).append(note.path or "body")
    for (summary, meant), (first, *others) in warnings.items():
        where = f"{first} and {len(others)} more" if others else first
        hint = f" Did you mean {meant}?" if meant else ""
        _log.warning("high stakes: %s: %s%s · %s", printable(masked(where)), summary, hint, seen)


# ── under a WSGI server ────────────────────────────────────────────────────


def before(application: WSGIApplication, served: Served) -> WSGIApplication:
    """The application, which answers the control plane alone, with the imitated API in front.

    Not by its routes: they would redirect some paths, and refuse some methods, in words of their
    own. A fault that ends the connection is raised, as WSGI has no other way to do so.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = _request(environ)
        if request is None:
            return application(environ, start_response)
        given = reply(served, request)
        if given.delay:
            time.sleep(given.delay)
        if given.hang_up:
            raise (ConnectionResetError if given.reset else ConnectionAbortedError)("injected")
        status = HTTPStatus(given.status)
        start_response(f"{status} {status.phrase}", given.headers)
        return [] if request.method == "HEAD" else [given.body]

    return answer


def _request(environ: Mapping[str, Any]) -> Request | None:
    """The request of a WSGI environ, unless it is the control plane's."""
    path, query = (
        environ.get(name, "").encode("latin-1").decode(errors="replace")
        for name in ("PATH_INFO", "QUERY_STRING")
    )
    if is_control(path):
        return None
    headers = {
        key[5:].replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if value := environ.get(key):
            headers[key.replace("_", "-").lower()] = value
    body, complete = _bounded(environ)
    return Request(
        environ["REQUEST_METHOD"],
        path,
        headers,
        body,
        complete=complete,
        query=query,
    )


def _bounded(environ: Mapping[str, Any]) -> tuple[bytes, bool]:
    """The body up to one byte over what the twin reads, and whether all of it arrived.

    The rest is drained, not kept.
    """
    length = environ.get("CONTENT_LENGTH") or "0"
    stated = int(length) if length.isascii() and length.isdigit() else 0
    stream = environ["wsgi.input"]
    if not environ.get("wsgi.input_terminated"):
        stream = LimitedStream(stream, stated)
    body = stream.read(LARGEST_BODY + 1)
    drained = 0
    while len(body) > LARGEST_BODY and drained < MOST_DRAINED and (chunk := stream.read(2**16)):
        drained += len(chunk)
    return body, len(body) >= min(stated, LARGEST_BODY)
