"""From the bytes of a request to a WSGI application, and back: for the server and the transport.

Not a2wsgi: that begins an application in a thread before its body is there, folds api_login into
api-login, and reads a path as UTF-8 which an application expects as its bytes.
"""

from __future__ import annotations

import functools
import io
import logging
import sys
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from mock_server.http.imitated import REPEATED, Reply

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

_NONE: Final = frozenset[str]()

_log = logging.getLogger("mock_server")


@functools.lru_cache(maxsize=256)
def _name(name: bytes) -> str:
    return name.decode("latin-1").lower()


def headers(lines: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], frozenset[str]]:
    r"""The headers by their names in lower case, and the names that were sent more than once.

    The values of one that was are joined by a comma (RFC 9110, 5.3).

    >>> headers([(b"A", b"1"), (b"b", b"\xe9"), (b"a", b"2")])
    ({'a': '1, 2', 'b': 'é'}, frozenset({'a'}))
    """
    found, repeated = dict[str, str](), _NONE
    for name, value in lines:
        # httptools leaves the blanks behind a value.
        key, text = _name(name), value.decode("latin-1").strip(" \t")
        if key in found:
            found[key] += f", {text}"
            repeated |= {key}
        else:
            found[key] = text
    return found, repeated


def environ(
    method: str,
    target: bytes,
    lines: Iterable[tuple[bytes, bytes]],
    body: bytes,
    url: tuple[str, str, int],
) -> WSGIEnvironment:
    """What an application gets; ``url`` is the scheme, host and port that it is reached by."""
    path, _, query = target.partition(b"?")
    scheme, host, port = url
    made: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(body),
        # A body that is sent in chunks has no length; here it has an end.
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    found, made[REPEATED] = headers(lines)
    for name, value in found.items():
        # Else api_login would be api-login.
        if "_" not in name:
            key = name.upper().replace("-", "_")
            made[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = value
    return made


def call(application: WSGIApplication, made: WSGIEnvironment) -> Reply:
    """What the application answers; never raises.

    An application that raises a ConnectionResetError or a ConnectionAbortedError asks the
    connection to end so (`imitated.before`).
    """
    started, content = list[tuple[str, list[tuple[str, str]]]](), list[bytes]()

    def start_response(
        status: str, headers: list[tuple[str, str]], _: object = None, /
    ) -> Callable[[bytes], object]:
        started[:] = [(status, headers)]
        return content.append

    try:
        body = application(made, start_response)
        try:
            content += body
        finally:
            if hasattr(body, "close"):
                body.close()
        ((status, lines),) = started
        reply = Reply(int(status.split()[0]), lines, b"".join(content))
    except (ConnectionResetError, ConnectionAbortedError) as error:
        return Reply(0, [], b"", hang_up=True, reset=isinstance(error, ConnectionResetError))
    except Exception:  # noqa: BLE001  (whatever an application raises)
        _log.debug("an application failed", exc_info=True)
        return plain(HTTPStatus.INTERNAL_SERVER_ERROR)
    has_length = any(name.lower() == "content-length" for name, _ in lines)
    if not has_length and reply.status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
        lines.append(("Content-Length", str(len(reply.body))))
    return reply


def plain(status: HTTPStatus) -> Reply:
    """An answer of the server itself."""
    body = status.phrase.encode()
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    return Reply(status.value, headers, body)
