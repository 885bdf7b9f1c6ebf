"""The twin without a socket: a transport for httpx, sync and async, that calls the application."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

import anyio.to_thread
import h11
import httptools
import httpx

from mock_server.http import imitated, wsgi
from mock_server.http.heads import LARGEST_HEAD, parsed, reason
from mock_server.http.imitated import Reply
from mock_server.http.served import Served
from mock_server.reading.decoding import LARGEST_BODY

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

BASE_URL: Final = "http://127.0.0.1:9"
"""What a client of the transport may call the twin. Nothing listens there (port 9 is "discard"), so
a client that goes around the transport reaches nobody."""
_PORTS: Final = {"http": 80, "https": 443}
_NO_SCHEME: Final = "is missing an 'http://' or 'https://' protocol."


class InProcess(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests to the application and answers back, injected faults included.

    What httpx refuses to send to a socket is refused here too. A fault that ends the connection
    raises what httpx raises at a socket. A delay longer than the client's read timeout raises
    ``httpx.ReadTimeout`` at once: no test waits for it. What only a socket has is not there: the
    extensions ``network_stream`` and ``trace``; and a wait for the inbox goes on where the client's
    time is up.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._served = Served.of(application)

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
        reply = self._reply(request, body)
        if reply.delay:
            _sleep(reply.delay, request)
        if reply.reset:
            raise httpx.ReadError("[Errno 104] Connection reset by peer", request=request)
        if reply.hang_up:
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            )
        lines = [*reply.headers, ("Date", formatdate(usegmt=True)), ("Server", wsgi.SERVER)]
        return httpx.Response(
            reply.status,
            headers=[(n.encode("latin-1"), v.encode("latin-1")) for n, v in lines],
            # Not content, which is read before the client has seen it.
            stream=httpx.ByteStream(b"" if request.method == "HEAD" else reply.body),
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": httpx.codes.get_reason_phrase(reply.status).encode(),
            },
        )

    def _reply(self, request: httpx.Request, body: bytes) -> Reply:
        url = request.url
        if url.scheme not in _PORTS:
            found = f"has an unsupported protocol '{url.scheme}://'." if url.scheme else _NO_SCHEME
            raise httpx.UnsupportedProtocol(f"Request URL {found}", request=request)
        data = _written(request, len(body))
        if len(data) > LARGEST_HEAD:
            return wsgi.plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            head = parsed(data)
        except (httptools.HttpParserError, ValueError) as error:
            return wsgi.plain(HTTPStatus.BAD_REQUEST, reason(error))
        if self._served is None or head.is_control:
            reached_by = url.scheme, url.host, url.port or _PORTS[url.scheme]
            return wsgi.call(self._application, wsgi.environ(head, body, reached_by))
        return imitated.reply(self._served, head.request(body[: LARGEST_BODY + 1]))


def _written(request: httpx.Request, length: int) -> bytes:
    """The head as httpx writes it to a socket, by the library that writes it there.

    Raises:
        httpx.LocalProtocolError: they fit no HTTP.
        h11.LocalProtocolError: they do not fit the body.
    """
    try:
        target = request.extensions.get("target", request.url.raw_path)
        written = h11.Request(method=request.method, target=target, headers=request.headers.raw)
    except h11.LocalProtocolError as error:
        raise httpx.LocalProtocolError(str(error), request=request) from error
    stated = int(dict(written.headers).get(b"content-length", 0))
    if stated != length and "transfer-encoding" not in request.headers:
        much = "little" if length < stated else "much"
        # httpx lets this one through as it is.
        raise h11.LocalProtocolError(f"Too {much} data for declared Content-Length")
    lines = b"".join([b"%b: %b\r\n" % line for line in written.headers.raw_items()])
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (written.method, written.target, lines)


def _sleep(seconds: float, request: httpx.Request) -> None:
    patience = request.extensions.get("timeout", {}).get("read")
    if patience is not None and seconds > patience:
        raise httpx.ReadTimeout("timed out", request=request)
    time.sleep(seconds)
