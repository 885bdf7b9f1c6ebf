"""From the bytes of a request to a WSGI application, and back: for the server and the transport.

Not a2wsgi: that begins an application in a thread before its body is there, folds api_login into
api-login, and reads a path as UTF-8 which an application expects as its bytes.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from mock_server.http.heads import Head
from mock_server.http.imitated import Reply, about, header_lines
from mock_server.http.live import News
from mock_server.speech.recordings import Recording

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

SERVER: Final = "vms-kit"
"""The header of that name."""
CHUNKED: Final = "Transfer-Encoding: chunked\r\n"
STREAMED: Final = "mock_server.streamed"
"""Where the environ has it, the server can send a `Recording` while it is rendered, and `News` as
something changes: an application answers with them in the place of a body."""

_log = logging.getLogger("mock_server")


def environ(head: Head, body: bytes, url: tuple[str, str, int]) -> WSGIEnvironment:
    """What an application gets; ``url`` is the scheme, host and port that it is reached by."""
    path, _, query = head.target.partition(b"?")
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
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    if head.length is not None:
        made["CONTENT_LENGTH"] = str(head.length)
    for name, value in head.headers.items():
        # Else api_login would be api-login.
        if "_" not in name:
            key = name.upper().replace("-", "_")
            made[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
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
        if isinstance(body, Recording):
            ((status, lines),) = started
            return Reply(int(status.split()[0]), header_lines(lines) + CHUNKED, b"", recording=body)
        if isinstance(body, News):
            ((status, lines),) = started
            return Reply(int(status.split()[0]), header_lines(lines) + CHUNKED, b"", news=body)
        try:
            content += body
        finally:
            if hasattr(body, "close"):
                body.close()
        ((status, lines),) = started
        code, whole = int(status.split()[0]), b"".join(content)
    except (ConnectionResetError, ConnectionAbortedError) as error:
        return Reply(0, "", b"", hang_up=True, reset=isinstance(error, ConnectionResetError))
    except Exception:  # noqa: BLE001  (whatever an application raises)
        _log.debug("an application failed", exc_info=True)
        return plain(HTTPStatus.INTERNAL_SERVER_ERROR)
    has_length = any(name.lower() == "content-length" for name, _ in lines)
    if not has_length and code not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
        lines.append(("Content-Length", str(len(whole))))
    return Reply(code, header_lines(lines), whole)


def plain(status: HTTPStatus, reason: str = "") -> Reply:
    """An answer of the server itself, and why it gives that, if there is more to it."""
    body = f"{status.phrase}: {reason}".encode() if reason else status.phrase.encode()
    return Reply(status.value, about("text/plain", body), body)
