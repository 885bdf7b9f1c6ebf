"""A WSGI application behind cheroot, whose sockets are in reach.

Why cheroot: docs/decisions/0004-cheroot.md.
"""

from __future__ import annotations

import contextlib
import io
import ipaddress
import logging
import os
import queue
import re
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote_to_bytes

import flask
from cheroot import wsgi
from cheroot.server import HTTPConnection, HTTPRequest
from werkzeug.exceptions import ClientDisconnected

from mock_server import accounts_file
from mock_server.accounts_file import AccountsFileError
from mock_server.app import create_app
from mock_server.contract import load
from mock_server.contract_file import ContractError
from mock_server.delivery import HANG_UP
from mock_server.headers import in_environ
from mock_server.memory_store import MemoryStore
from mock_server.settings import Settings
from mock_server.store import Account, opened
from mock_server.twin import Twin

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from _typeshed.wsgi import WSGIApplication

# The selector wakes up so often: nothing but that delays the end.
_TICK: Final = 0.02
# A request that is still being answered when the server stops is cut off after so many seconds.
_LONGEST_STOP: Final = 1
# A connection may rest, and a request may pause, for so many seconds.
_LONGEST_REST: Final = 60
# Connections that wait to be accepted.
_BACKLOG: Final = 128
_LARGEST_HEAD: Final = 2**16
# More of a body that the application left unread is not read either: the connection ends.
_LARGEST_REST: Final = 2**20
# A name and a value (RFC 9110, 5.1 and 5.5).
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\0\r\n]*)\r\n")
# They say whom a request is for and where it ends.
_ONLY_ONCE: Final = frozenset({b"Content-Length", b"Host", b"Transfer-Encoding"})
# SO_LINGER, on, 0 seconds: a socket that is closed resets its connection.
_RESET: Final = struct.pack("ii", 1, 0)

_log = logging.getLogger("mock_server")


class CannotListenError(Exception):
    """The address cannot be listened on: where, and why."""


# ── the twin in the foreground ─────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve.

    ``workers`` are the requests answered at once: threads of this process, because the inbox lives
    in its memory; half of them may wait for the inbox. ``port`` 0 takes a free one. ``accounts``
    is an `accounts_file`, ``closed`` is `Twin`'s, and the last five are those of `app.create_app`.
    """

    host: str = "127.0.0.1"
    port: int = 8010
    strict: bool = False
    workers: int = 32
    quiet: bool = False
    contract: Path | None = None
    accounts: Path | None = None
    closed: bool = False
    mask: bool = False
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    callback_hosts: tuple[str, ...] = ()
    token: str | None = None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to ``host``.

    Raises:
        CannotListenError: no such host.
    """
    return ipaddress.ip_address(_address(host)).is_loopback


def serve(options: Options, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; ``ready`` gets the URL once it is listened on.

    A contract or accounts that cannot be used end the process, with one line on standard error.

    Raises:
        CannotListenError: the host is unknown, or the port is taken or not allowed.
    """
    try:
        application = build(options)
    except (AccountsFileError, ContractError) as error:
        sys.exit(f"Error: {error}")
    serving = Serving(application, options.host, options.port, options.workers)
    with contextlib.suppress(KeyboardInterrupt), serving:
        for told in (signal.SIGINT, signal.SIGTERM):
            signal.signal(told, signal.default_int_handler)
        ready(serving.url)
        while True:
            time.sleep(_LONGEST_REST)


def build(options: Options) -> flask.Flask:
    """The application as `serve` runs it, with its log on standard error.

    Raises:
        ContractError: the contract cannot be used.
        AccountsFileError: the file of accounts cannot be used.
    """
    logging.basicConfig(
        level=logging.WARNING if options.quiet else logging.INFO,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    contract = load(options.contract)
    accounts = list[Account]()
    if options.accounts:
        settings = Settings(contract, frozenset(options.callback_hosts))
        accounts = accounts_file.read(options.accounts, settings, partial(opened, contract))
    twin = Twin(contract, MemoryStore(accounts), strict=options.strict, closed=options.closed)
    return create_app(
        twin,
        hosts=options.hosts,
        token=options.token,
        origins=options.origins,
        callback_hosts=options.callback_hosts,
        mask=options.mask,
        most_waiting=options.workers // 2,
    )


# ── any application in a thread ────────────────────────────────────────────


class Serving:
    """An application that is served by threads of this process, from `start` to `stop`.

    ``port`` 0 takes a free one, and no two servers ever share one; ``threads`` are the requests
    answered at once. The application may end a connection by `delivery.HANG_UP`.
    """

    def __init__(
        self,
        application: WSGIApplication,
        host: str = "127.0.0.1",
        port: int = 0,
        threads: int = 16,
    ) -> None:
        self._host = host
        self._server = _Server((_address(host), port), application, threads)

    @property
    def url(self) -> str:
        """Where it is reached, such as ``http://127.0.0.1:45123``; known once it has started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.bind_addr[1]}"

    def start(self) -> None:
        """Listen; from now on requests are answered.

        Raises:
            CannotListenError: the port is taken or not allowed.
        """
        self._server.prepare()
        threading.Thread(target=self._server.serve, daemon=True).start()

    def stop(self) -> None:
        """Close the port and every connection; what is still being answered has a second left."""
        self._server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _address(host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise CannotListenError(f"--host {host}: no such host ({error}); try 127.0.0.1") from error


# ── cheroot, mended where the twin needs it ────────────────────────────────


class _Chunked(io.RawIOBase):
    """A body sent in chunks, as a stream; one that breaks off is the client's fault."""

    def __init__(self, request: HTTPRequest) -> None:
        self._request = request

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        try:
            data: bytes = self._request.rfile.read(len(view))
        except (OSError, ValueError) as error:
            self._request.close_connection = True
            raise ClientDisconnected from error
        view[: len(data)] = data
        return len(data)


class _Gateway(wsgi.Gateway_10):
    """From cheroot's request to WSGI, and back."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]  # its stub says None
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]  # in cheroot
        environ |= in_environ(self.req.headers)
        environ[HANG_UP] = self._hang_up
        if self.req.chunked_read:
            environ["wsgi.input"] = _Chunked(self.req)
        if self.req.uri.startswith(b"/"):
            # cheroot takes what follows two slashes for a host, and leaves %2F as it is.
            path = self.req.uri.partition(b"?")[0]
            environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
        return environ

    def respond(self) -> None:
        super().respond()
        if self.req.chunked_read and not self.req.close_connection:
            self._read_the_rest()

    def _read_the_rest(self) -> None:
        """Leave nothing in front of the next request: neither chunks nor the lines after them."""
        try:
            while self.req.rfile.read(io.DEFAULT_BUFFER_SIZE):
                pass
            for _ in self.req.rfile.read_trailer_lines():
                pass
        except ValueError:
            self.req.close_connection = True

    def _hang_up(self, reset: bool) -> None:  # noqa: FBT001  (a delivery.HangUp)
        # So that cheroot writes nothing, and closes.
        self.req.sent_headers = self.req.close_connection = True
        if reset:
            connection = self.req.conn.socket
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            # cheroot would say goodbye (FIN) first, and the client would see that: it gets none.
            os.close(connection.detach())


class _Request(HTTPRequest):
    def __init__(self, server: _Server, connection: HTTPConnection) -> None:
        # Not strict, it takes a URL for a path, and a path that begins with two slashes.
        super().__init__(server, connection, strict_mode=False)
        self.headers = list[tuple[str, str]]()

    def parse_request(self) -> None:
        try:
            super().parse_request()
        except ValueError:
            # A URL with half an IPv6 address.
            self.simple_response("400 Bad Request")

    def header_reader(self, lines: io.BufferedIOBase, known: dict[bytes, bytes]) -> None:
        """Read the headers, as they were sent for the application, for cheroot those it knows.

        cheroot's own takes the first of two away, and of one with a second line the first line.

        Raises:
            ValueError: it is no header, or stands twice where it must not (RFC 9112).
        """
        while (line := lines.readline()) != b"\r\n":
            header = _HEADER.fullmatch(line)
            if header is None:
                raise ValueError("Illegal header line.")
            name, value = header[1], header[2].strip()
            title = name.title()
            if title in known and title in _ONLY_ONCE:
                raise ValueError(f"{title.decode()} stands twice.")
            self.headers.append((name.decode(), value.decode("latin-1")))
            # cheroot tells the names apart as little as WSGI does.
            if b"_" not in name:
                known[title] = value

    def send_headers(self) -> None:
        if getattr(self.rfile, "remaining", 0) > _LARGEST_REST:
            self.close_connection = True
        super().send_headers()


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request


class _Workers:
    """The threads that answer, in place of cheroot's pool: they never hold up the end.

    cheroot's wait for each other in steps of 0.1 s at the start, and for a slow answer at the end.
    """

    def __init__(self, server: _Server, threads: int) -> None:
        self._server = server
        self._waiting = queue.SimpleQueue[HTTPConnection | None]()
        self._busy = set[HTTPConnection]()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def put(self, connection: HTTPConnection) -> None:
        self._waiting.put(connection)

    def stop(self, timeout: float) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))
        for connection in tuple(self._busy):
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)

    def _work(self) -> None:
        while (connection := self._waiting.get()) is not None:
            self._busy.add(connection)
            kept = False
            with contextlib.suppress(Exception):
                kept = self._server.ready and connection.communicate()  # type: ignore[no-untyped-call]  # in cheroot
            self._busy.discard(connection)
            # Whatever fails here, the client is gone, or the server is about to be.
            with contextlib.suppress(Exception):
                if kept:
                    self._server.put_conn(connection)
                else:
                    connection.close()


class _Server(wsgi.Server):
    ConnectionClass = _Connection
    expiration_interval = _TICK
    keep_alive_conn_limit = None  # type: ignore[assignment]  # none, says its documentation
    max_request_header_size = _LARGEST_HEAD

    def __init__(
        self, address: tuple[str, int], application: WSGIApplication, threads: int
    ) -> None:
        super().__init__(
            address,
            application,
            server_name="vms-kit",
            request_queue_size=_BACKLOG,
            timeout=_LONGEST_REST,
            shutdown_timeout=_LONGEST_STOP,
        )
        self.gateway = _Gateway
        self.requests = _Workers(self, threads)

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:  # noqa: A002, ARG002  (as cheroot)
        """Listen at its address alone: cheroot would not tell why that fails."""
        host, port = self.bind_addr
        every = host == "::" and socket.has_dualstack_ipv6()
        try:
            listener = socket.create_server((host, port), family=family, dualstack_ipv6=every)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise CannotListenError(f"{host}:{port}: {why}; try --port 0 for a free one") from error
        # Those accepted inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket, self.bind_addr = listener, listener.getsockname()[:2]
        return listener

    def process_conn(self, conn: HTTPConnection) -> None:
        """Let it wait for a thread, if it has something to say; cheroot gives a silent one one."""
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    def clear_stats(self) -> None:
        super().clear_stats()  # type: ignore[no-untyped-call]  # in cheroot
        # They refer to the server, and `logging` to them for good: it would never be freed.
        self.stats.clear()
        self.stats["Enabled"] = False

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:  # noqa: FBT001, FBT002  (as cheroot)
        """Keep it from the terminal: what fails in here is a client that went away."""
        _log.debug("cheroot (%s): %s", logging.getLevelName(level), msg, exc_info=traceback)
