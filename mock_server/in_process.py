"""The twin without a socket: a transport for httpx, sync and async, that calls the application."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast
from urllib.parse import unquote_to_bytes

import anyio.to_thread
import h11
import httpx

from mock_server.delivery import HANG_UP, SLEEP
from mock_server.headers import in_environ

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

BASE_URL: Final = "http://127.0.0.1:9"
"""What a client of the transport may call the twin. Nothing listens there (port 9 is "discard"), so
a client that goes around the transport reaches nobody."""
_PORTS: Final = {"http": 80, "https": 443}
_NO_SCHEME: Final = "is missing an 'http://' or 'https://' protocol."
_Start: TypeAlias = tuple[str, list[tuple[str, str]]]


class InProcess(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests to the application and answers back, injected faults included.

    What httpx refuses to send to a socket is refused here too. A fault that ends the connection
    raises what httpx raises at a socket. A delay longer than the client's read timeout raises
    ``httpx.ReadTimeout`` at once: no test waits for it. What only a socket has is not there: the
    extensions ``network_stream`` and ``trace``.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            httpx.TransportError: what a socket would have raised.
        """
        return self._answer(request, b"".join(cast("httpx.SyncByteStream", request.stream)))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request in a thread, so that a delay does not hold up the event loop.

        Raises:
            httpx.TransportError: what a socket would have raised.
        """
        stream = cast("httpx.AsyncByteStream", request.stream)
        body = b"".join([part async for part in stream])
        # A client that gives up is let go; the request itself goes on, as it does at a server.
        return await anyio.to_thread.run_sync(self._answer, request, body, abandon_on_cancel=True)

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        # Not httpx.WSGITransport, which knows no path or header beyond ASCII and takes longer.
        line, started, content = _Line(request), list[_Start](), list[bytes]()

        def start_response(
            status: str, headers: list[tuple[str, str]], _: object = None, /
        ) -> Callable[[bytes], object]:
            started[:] = [(status, headers)]
            return content.append

        environ = _environ(request, body)
        environ[HANG_UP], environ[SLEEP] = line.hang_up, line.sleep
        parts = self._application(environ, start_response)
        content += parts
        if hasattr(parts, "close"):
            parts.close()
        ((status, headers),) = started
        code, _, reason = status.partition(" ")
        return httpx.Response(
            int(code),
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            # Not content, which is read before the client has seen it.
            stream=httpx.ByteStream(b"".join(content)),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": reason.encode("latin-1")},
        )


def _environ(request: httpx.Request, body: bytes) -> dict[str, Any]:
    scheme = request.url.scheme
    if scheme not in _PORTS:
        found = f"has an unsupported protocol '{scheme}://'." if scheme else _NO_SCHEME
        raise httpx.UnsupportedProtocol(f"Request URL {found}", request=request)
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(body),
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
        "SERVER_PORT": str(request.url.port or _PORTS[scheme]),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
    } | in_environ(_headers(request, len(body)))


def _headers(request: httpx.Request, length: int) -> list[tuple[str, str]]:
    """The headers as httpx writes them to a socket, by the library that writes them there.

    Raises:
        httpx.LocalProtocolError: they fit no HTTP.
        h11.LocalProtocolError: they do not fit the body.
    """
    try:
        written = h11.Request(
            method=request.method, target=request.url.raw_path, headers=request.headers.raw
        ).headers
    except h11.LocalProtocolError as error:
        raise httpx.LocalProtocolError(str(error), request=request) from error
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in written]
    stated = int(dict(headers).get("content-length", length))
    if stated != length and "transfer-encoding" not in request.headers:
        much = "little" if length < stated else "much"
        # httpx lets this one through as it is.
        raise h11.LocalProtocolError(f"Too {much} data for declared Content-Length")
    return headers


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
