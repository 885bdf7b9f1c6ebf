"""One HTTP/1.1 connection on an event loop: requests in, replies out, each in its turn.

What is imitated and short is answered here, in the loop; what takes long, and the control plane,
by a thread. A delay and a wait for the inbox take neither.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
import struct
import time
from asyncio import Transport
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mock_server.http import imitated, waiting, wsgi
from mock_server.http.heads import LARGEST_HEAD, Head, KnownHead, reason
from mock_server.http.imitated import MOST_DRAINED, Reply
from mock_server.json_values import printable
from mock_server.reading.decoding import LARGEST_BODY
from mock_server.speech import rendering
from mock_server.speech.recordings import Recording

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from mock_server.http.live import Followers
    from mock_server.http.server import Loop

_PART: Final = 2**16
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_log = logging.getLogger("mock_server")
RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER, on, 0 seconds: a socket that is closed resets its connection."""
_VERSIONS: Final = {"1.0", "1.1"}
_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}


def encode(reply: Reply, date: str, *, head: bool = False, close: bool = False) -> bytes:
    r"""The bytes of a reply; to HEAD without its body.

    >>> encode(Reply(204, "A: é\r\n", b""), "now")
    b'HTTP/1.1 204 No Content\r\nA: \xe9\r\nDate: now\r\nServer: vms-kit\r\n\r\n'
    """
    first = _STATUS_LINES.get(reply.status) or f"HTTP/1.1 {reply.status} \r\n"
    last = "Connection: close\r\n" if close else ""
    text = f"{first}{reply.lines}{last}Date: {date}\r\nServer: {wsgi.SERVER}\r\n\r\n"
    return text.encode("latin-1") + (b"" if head else reply.body)


def chunk(part: bytes) -> bytes:
    r"""A part of a body whose length is not known at its beginning; an empty one is its end.

    >>> chunk(b"0123456789"), chunk(b"")
    (b'a\r\n0123456789\r\n', b'0\r\n\r\n')
    """
    return b"%x\r\n%b\r\n" % (len(part), part)


@functools.lru_cache(maxsize=8)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


_NO_HEAD: Final = Head.of("", b"/", ())


class _Received(msgspec.Struct, frozen=True, gc=False):
    """A request, as far as it is there; the connection may have to end with its reply."""

    head: Head | Reply
    """Its head, or how the server itself refuses it."""
    body: bytes = b""
    complete: bool = True
    keep_alive: bool = False


class Connection(HttpToolsProtocol):
    """A client's connection.

    Of uvicorn's class, what stands around the parser: its own cycle of a request is ASGI's, which
    has no hand on the transport and writes header names its own way.
    """

    def __init__(self, loop: Loop) -> None:
        super().__init__(loop.config, loop.state, {}, loop.loop)
        self._loop = loop
        self.since: float | None = None
        """Since when the client is waited for; None while it waits for us."""
        self._queue = deque[_Received]()
        self._answered: _Received | None = None
        """The request that is being answered, where that takes time."""
        self._give_up: Callable[[], object] | None = None
        """Ends what its answer waits for."""
        self._sends_on: Callable[[], None] | None = None
        """Sends more of its answer, where that is not all there yet or the client reads slowly."""
        self._follows = False
        """Whether its answer is what changes, which has no end."""
        self._ends = self._has_left = False
        """Nothing more is read; the client sends no more, and is gone or half so."""
        self._is_in_head = self._is_in_body = self._owes_continue = False
        self._is_between = True
        """Whether the parser is between two requests."""
        self._version = ""
        self._head = _NO_HEAD
        self._known: KnownHead | None = None
        self._chunks = list[bytes]()
        self._size = 0
        # Bytes at hand, and whether a request ended in them; bytes of a head until now.
        self._fed, self._has_ended, self._head_size = 0, False, 0

    # ── what the transport reports ──

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """A client connected: turn it away if there are too many."""
        super().connection_made(transport)
        self.since = self._loop.loop.time()
        if len(self.connections) > self._loop.most_connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        super().connection_lost(exc)
        self._loop.left()
        self._ends, self._answered = True, None
        self._queue.clear()
        if self._give_up:
            self._give_up()

    def data_received(self, data: bytes) -> None:
        """Some bytes: parts of a request, or several."""
        if self._ends:
            return
        between = self._is_between
        if between and self._known and (body := self._known.body_of(data)) is not None:
            self._queue.append(_Received(self._known.head, body, keep_alive=True))
            self._next()
            return
        self._fed, self._has_ended = len(data), False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(HTTPStatus.BAD_REQUEST, reason(error))
        if between and self._is_between:
            self._known = KnownHead.of(data, self._head)
        if self._is_in_head:
            # Where a request ended in these bytes, most of them may be its.
            self._head_size += 0 if self._has_ended else len(data)
            if self._head_size > LARGEST_HEAD:
                self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def eof_received(self) -> bool:  # type: ignore[override]  # it may stay half open
        """The client sends no more: answer what it has sent, a body that breaks off as such."""
        if self._is_in_body:
            self._whole(complete=False, keep_alive=False)
        self._ends = self._has_left = True
        # TLS has no half-closed connections; and whoever follows what changes sends no more only
        # because it has left.
        return self._answered is not None and self.scheme == "http" and not self._follows

    def pause_writing(self) -> None:
        """The client does not read: neither do we."""
        super().pause_writing()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._sends_on:
            self._sends_on()
        self._next()

    def shutdown(self) -> None:
        """Answer what was asked, and close; whoever has left is not waited for."""
        self._ends = True
        if self._answered is None or (self._has_left and self._give_up):
            self.transport.close()

    # ── what the parser finds ──

    def on_message_begin(self) -> None:
        """A request begins."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._is_between, self._is_in_head, self._head_size = False, not self._ends, 0
        self.since = self._loop.loop.time()

    def on_headers_complete(self) -> None:
        """Its head is there."""
        if self._ends:
            return
        self._is_in_head, self._is_in_body = False, True
        self._chunks, self._size = [], 0
        if self._fed > LARGEST_HEAD and self._head_length() > LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        self._version = self.parser.get_http_version()
        if self._version not in _VERSIONS:
            is_old = self._version < min(_VERSIONS)
            self._refuse(
                HTTPStatus.BAD_REQUEST if is_old else HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
            )
            return
        if self.parser.should_upgrade():
            self._is_in_body = False
            return
        self._head = head = Head.of(self.parser.get_method().decode(), self.url, self.headers)
        if head.is_control and (head.length or 0) > LARGEST_BODY:
            # The control plane refuses it by its length: none of it need be read.
            self._whole(complete=False, keep_alive=False)
        elif self.expect_100_continue:
            self._owes_continue = True
            self._next()

    def on_body(self, body: bytes) -> None:
        """Some of its body: keep what is read, and no more."""
        if not self._is_in_body:
            return
        if self._size <= LARGEST_BODY:
            self._chunks.append(body)
        self._size += len(body)
        if self._size > MOST_DRAINED:
            self._whole(complete=True, keep_alive=False)

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._has_ended = self._is_between = True
        if self._is_in_body:
            kept = self._version == "1.1" and self.parser.should_keep_alive()
            self._whole(complete=True, keep_alive=kept)

    def _stay(self, rest: bytes) -> None:
        """Read on as if the client, such as ``curl --http2``, had not asked for another protocol.

        httptools stops at such a head, and leaves the body to the other protocol.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(HTTPStatus.BAD_REQUEST)
            return
        lines = [line for line in self.headers if line[0] not in {b"connection", b"upgrade"}]
        head = b"".join(b"%s: %s\r\n" % line for line in lines)
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"%s %s HTTP/1.1\r\n%s\r\n%s" % (method, self.url, head, rest))

    def _head_length(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _whole(self, *, complete: bool, keep_alive: bool) -> None:
        """The request is to be answered, as far as it is there."""
        self._is_in_body = self._owes_continue = False
        body = b"".join(self._chunks)[: LARGEST_BODY + 1]
        self._queue.append(_Received(self._head, body, complete, keep_alive))
        self._next()

    def _refuse(self, status: HTTPStatus, why: str = "") -> None:
        """Report, after all other answers, why nothing is read any more."""
        self._is_in_head = self._is_in_body = False
        if not self._ends:
            self._ends = True
            self._queue.append(_Received(wsgi.plain(status, why)))
            self._next()

    # ── what is answered ──

    def _next(self) -> None:
        """Answer what is waiting for its turn, until something takes time."""
        while self._queue and self._answered is None:
            self._answered = self._queue.popleft()
            self.since = None
            self._answer(self._answered)
        if self._owes_continue and self._answered is None:
            self._owes_continue = False
            self.transport.write(_CONTINUE)
        if self.transport.is_closing():
            return
        # At the end it is read and thrown away: unread, it would turn the end into a reset.
        if (self._queue and not self._ends) or self.flow.write_paused:
            self.flow.pause_reading()
        else:
            self.flow.resume_reading()

    def _answer(self, received: _Received) -> None:
        served, head = self._loop.served, received.head
        if isinstance(head, Reply):
            _log.warning("%s %s", head.status, printable(head.body.decode()))
            self._deliver(head, received)
            return
        if served is None or head.is_control:
            host, port = (self.server or ("", None))[:2]
            url = (self.scheme or "http", host, port or 0)
            self._ask(wsgi.environ(head, received.body, url), received)
            return
        request = head.request(received.body, complete=received.complete)
        checked = served.twin.fast_check(request)
        if imitated.is_quick(request, checked):
            self._deliver(imitated.reply(served, request, checked), received)
        else:
            answer = functools.partial(imitated.reply, served, request, checked)
            self._loop.threads.submit(answer, lambda reply: self._deliver_later(reply, received))

    def _ask(self, environ: WSGIEnvironment, received: _Received) -> None:
        """Let the application answer; it may have the request wait for the inbox."""
        waits = list[waiting.Wait]()
        environ[waiting.LATER] = waits.append
        environ[wsgi.STREAMED] = received.keep_alive and self._loop.served is not None

        def answered(reply: Reply) -> None:
            if self._answered is not received:
                return
            if waits:
                self._give_up = self._loop.waiters.add(
                    waits[0],
                    lambda until: self._ask({**environ, waiting.UNTIL: until}, received),
                )
            else:
                self._deliver_later(reply, received)

        self._loop.threads.submit(lambda: wsgi.call(self._loop.application, environ), answered)

    def _deliver_later(self, reply: Reply, received: _Received) -> None:
        if self._answered is received:
            self._deliver(reply, received)
            self._next()

    def _deliver(self, reply: Reply, received: _Received) -> None:
        if reply.delay:
            in_time = msgspec.structs.replace(reply, delay=0)
            timer = self._loop.loop.call_later(reply.delay, self._deliver_later, in_time, received)
            self._give_up = timer.cancel
            return
        if reply.recording:
            self._stream(reply, reply.recording, received)
            return
        if reply.news and self._loop.followers:
            self._follow(reply, self._loop.followers)
            return
        self._end_answer()
        if reply.hang_up:
            self._hang_up(reset=reply.reset)
            return
        close = not received.keep_alive or (self._ends and not self._queue)
        is_head = isinstance(received.head, Head) and received.head.method == "HEAD"
        self.transport.write(encode(reply, _date(int(time.time())), head=is_head, close=close))
        if close:
            self._close()

    def _stream(self, reply: Reply, recording: Recording, received: _Received) -> None:
        """Send a recording while it is rendered, and no faster than the client reads."""
        loop, sent = self._loop.loop, 0

        def changed() -> None:
            # A loop that has been closed meanwhile.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(send_on)

        def send_on() -> None:
            nonlocal sent
            if self._answered is not received:
                return
            # Before it is looked what is there: what comes later is reported.
            has_ended = recording.has_ended
            while not self.flow.write_paused and (part := recording.part(sent, _PART)):
                sent += len(part)
                self.since = loop.time()
                self.transport.write(chunk(part))
            if not has_ended or sent < recording.size:
                return
            unsubscribe()
            self._end_answer()
            if not recording.error:
                # Without it the client knows that the answer is not whole.
                self.transport.write(chunk(b""))
            if recording.error or (self._ends and not self._queue):
                self._close()
            else:
                self._next()

        self.transport.write(encode(reply, _date(int(time.time()))))
        self.transport.write(chunk(rendering.header(None)))
        unsubscribe = recording.subscribe(changed)
        self._sends_on, self._give_up = send_on, unsubscribe
        send_on()

    def _follow(self, reply: Reply, followers: Followers) -> None:
        """Send what changes, until the client leaves or the loop stops."""

        def send(event: bytes) -> None:
            # Who does not read has the newest state when it reads again.
            if not self.flow.write_paused:
                self.since = None
                self.transport.write(chunk(event))
            elif self.since is None:
                # It may be gone: it has as long as anybody who is waited for.
                self.since = self._loop.loop.time()

        def end() -> None:
            forget()
            self._end_answer()
            self.transport.write(chunk(b""))
            self._close()

        self.transport.write(encode(reply, _date(int(time.time()))))
        forget = followers.add(send, end)
        self._give_up, self._follows = forget, True

    def _end_answer(self) -> None:
        self._answered = self._give_up = self._sends_on = None
        self.since = self._loop.loop.time()

    def _hang_up(self, *, reset: bool) -> None:
        if not reset:
            self._close()
            return
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._ends = True
        self._queue.clear()
        self.transport.abort()

    def _close(self) -> None:
        self._ends, self._is_in_head, self._is_in_body = True, False, False
        self._queue.clear()
        self.transport.close()
