"""The twin without a socket: a transport for httpx, sync and async, that calls the application."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import unquote_to_bytes

import anyio.to_thread
import httpx

from mock_server.delivery import HANG_UP, SLEEP

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

BASE_URL: Final = "http://127.0.0.1:9"
"""What a client of the transport may call the twin. Nothing listens there (port 9 is "discard"), so
a client that goes around the transport reaches nobody."""
_PORTS: Final = {"http": 80, "https": 443}
_Start: TypeAlias = tuple[str, list[tuple[str, str]]]


class InProcess(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests to the application and answers back, injected faults included.

    A fault that ends the connection raises what httpx raises at a socket. A delay longer than the
    client's read timeout raises ``httpx.ReadTimeout`` at once: no test waits for it.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        # Not httpx.WSGITransport, which knows no path or header beyond ASCII and takes longer.
        line, started, content = _Line(request), list[_Start](), list[bytes]()

        def start_response(
            status: str, headers: list[tuple[str, str]], _: object = None, /
        ) -> Callable[[bytes], object]:
            started[:] = [(status, headers)]
            return content.append

        environ = _environ(request)
        environ[HANG_UP], environ[SLEEP] = line.hang_up, line.sleep
        body = self._application(environ, start_response)
        content += body
        if hasattr(body, "close"):
            body.close()
        ((status, headers),) = started
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return httpx.Response(int(status.split()[0]), headers=raw, content=b"".join(content))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request in a thread, so that a delay does not hold up the event loop."""
        await request.aread()
        return await anyio.to_thread.run_sync(self.handle_request, request)


def _environ(request: httpx.Request) -> dict[str, Any]:
    path, _, query = request.url.raw_path.partition(b"?")
    environ: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.url.scheme,
        "wsgi.input": io.BytesIO(request.read()),
        # A body that is sent in chunks has no length; here it has an end.
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": request.url.host,
        "SERVER_PORT": str(request.url.port or _PORTS[request.url.scheme]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
    }
    for name, value in request.headers.raw:
        key = name.decode("latin-1").upper().replace("-", "_")
        known = key in {"CONTENT_TYPE", "CONTENT_LENGTH"}
        environ[key if known else f"HTTP_{key}"] = value.decode("latin-1")
    return environ


class _Line:
    """What stands for the connection of one request."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request

    def hang_up(self, reset: bool) -> None:  # noqa: FBT001  (a HangUp)
        if reset:
            raise httpx.ReadError("[Errno 104] Connection reset by peer", request=self._request)
        raise httpx.RemoteProtocolError(
            "Server disconnected without sending a response.", request=self._request
        )

    def sleep(self, seconds: float) -> None:
        patience = self._request.extensions.get("timeout", {}).get("read")
        if patience is not None and seconds > patience:
            raise httpx.ReadTimeout("timed out", request=self._request)
        time.sleep(seconds)
