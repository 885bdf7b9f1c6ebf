"""One POST after the other to a receiver that may do anything: bounded in time and bytes.

Not httpx: its limits hold for each read, not for the whole answer, and it resolves the name by
itself. Here the address that was checked is the one that is connected to.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

import httptools

TAKEN: Final = range(200, 300)
"""The statuses by which a receiver takes a receipt."""
USER_AGENT: Final = "vms-twin"
# Of an answer, which should have no body.
_MOST_BYTES: Final = 2**16
_MOST_SHOWN: Final = 500
_CHUNK: Final = 2**14
_PORTS: Final = {"http": 80, "https": 443}


class NoAnswerError(Exception):
    """The receiver gave no answer: why."""


class CallbackAnswer(NamedTuple):
    """What a receiver answered: the status, and the beginning of the body."""

    status: int
    text: str


class Receiver:
    """A receiver of callbacks; a context that closes the connection at its end.

    ``seconds`` is how long an answer may take from the first byte of the connection. Only loopback
    is connected to, and ``hosts``, whatever their names resolve to; ``allowed_by`` is the option
    that names those.
    """

    def __init__(
        self,
        url: str,
        hosts: frozenset[str],
        seconds: float,
        allowed_by: str = "--allow-callback",
    ) -> None:
        parts = urlsplit(url)
        self._scheme, self._host = parts.scheme, parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._netloc = parts.netloc.rpartition("@")[2]
        self._is_allowed, self._allowed_by = self._host in hosts, allowed_by
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._until = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def post(self, content_type: str, body: bytes) -> CallbackAnswer:
        """What the receiver answers to this body; a redirect is an answer like any other.

        Raises:
            NoAnswerError: there was none in time, or none that is HTTP.
        """
        self._until = time.monotonic() + self._seconds
        reused = self._socket is not None
        request = (
            f"POST {self._target} HTTP/1.1\r\nHost: {self._netloc}\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
            f"User-Agent: {USER_AGENT}\r\n\r\n"
        ).encode() + body
        try:
            try:
                return self._exchanged(request)
            except _ClosedError:
                # A receiver may close a connection that rests; then nothing of this was read.
                if not reused:
                    raise
                self._close()
                return self._exchanged(request)
        except (OSError, NoAnswerError) as error:
            self._close()
            if isinstance(error, TimeoutError):
                raise NoAnswerError(f"no answer within {self._seconds:g} s") from error
            raise NoAnswerError(str(error)) from error

    def _exchanged(self, request: bytes) -> CallbackAnswer:
        connection = self._connected()
        answer = _Answer()
        # What was sent to a closed connection comes back as a reset, sooner or later.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.settimeout(self._left())
            connection.sendall(request)
            while not answer.is_over:
                connection.settimeout(self._left())
                if not (received := connection.recv(_CHUNK)):
                    break
                answer.feed(received)
        if answer.status is None:
            raise _ClosedError("the connection was closed without an answer")
        if not answer.may_go_on:
            self._close()
        return CallbackAnswer(answer.status, answer.text)

    def _connected(self) -> socket.socket:
        if self._socket is None:
            connection = socket.create_connection(self._address(), self._left())
            self._socket = connection
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._scheme == "https":
                context = ssl.create_default_context()
                self._socket = context.wrap_socket(connection, server_hostname=self._host)
        return self._socket

    def _address(self) -> tuple[str, int]:
        """Where to connect to, resolved now and checked."""
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        address = str(found[0][4][0])
        if not self._is_allowed and not ipaddress.ip_address(address).is_loopback:
            raise NoAnswerError(
                f"{self._host} is {address}, which is not this machine; "
                f"for this one start with {self._allowed_by} {self._host}"
            )
        return address, self._port

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


class _ClosedError(NoAnswerError):
    """The connection ended without a byte of an answer."""


class _Answer:
    """An answer as it arrives; what httptools calls."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.is_over = self.may_go_on = False
        self._body = b""
        self._bytes = 0
        self._parser = httptools.HttpResponseParser(self)
        self._get_status: Callable[[], int] = self._parser.get_status_code

    def feed(self, received: bytes) -> None:
        self._bytes += len(received)
        try:
            self._parser.feed_data(received)
        except httptools.HttpParserError as error:
            raise NoAnswerError(f"the answer is not valid HTTP ({error})") from error
        if self._bytes > _MOST_BYTES:
            self.is_over, self.may_go_on = True, False
            if self.status is None:
                raise NoAnswerError(f"an answer whose head is more than {_MOST_BYTES} bytes")

    @property
    def text(self) -> str:
        return self._body.decode(errors="replace")

    def on_headers_complete(self) -> None:
        self.status = self._get_status()

    def on_body(self, body: bytes) -> None:
        self._body = (self._body + body)[:_MOST_SHOWN]

    def on_message_complete(self) -> None:
        self.is_over, self.may_go_on = True, self._parser.should_keep_alive()
