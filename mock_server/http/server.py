"""The server: an event loop in a thread of its own, for `vms serve` and for the fixture alike.

Why so: docs/decisions/0008-an-event-loop.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import queue
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, Self, TypeVar

import flask
import uvicorn
from uvicorn.server import ServerState

from mock_server.contract.document import ContractError
from mock_server.contract.loader import load
from mock_server.core.accounts import opened
from mock_server.core.handler import Twin
from mock_server.http import waiting
from mock_server.http.app import create_app
from mock_server.http.connection import Connection
from mock_server.http.live import Followers
from mock_server.http.served import Served, ServeOptions, stop_sending
from mock_server.http.waiting import Wait
from mock_server.settings import accounts_file
from mock_server.settings.account_settings import Settings
from mock_server.settings.accounts_file import AccountsFileError
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import Account, Store

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# Seconds in which a client has to send a request, or the next one.
_PATIENCE: Final = 60.0
# Seconds that what is being answered has left: at SIGTERM less than the ten after which Docker
# kills, else as few as one who waits for a prompt may notice.
_LONGEST_END: Final = 8.0
_LONGEST_STOP: Final = 1.0
# Connections that wait to be accepted; Linux has a bound of its own, of 4096.
_BACKLOG: Final = 2**12
# An idle connection takes about 6 kB.
_MOST_CONNECTIONS: Final = 20_000
# Of the files that a process may open, so many are for connections.
_PART_OF_FILES: Final = 0.75
# How long a thread may compute while others wait, in seconds; Python's own 5 ms are as long as
# the loop would stand still at each turn beside one large body.
_SWITCH_INTERVAL: Final = 0.0005

_log = logging.getLogger("mock_server")
_T = TypeVar("_T")


class CannotListenError(Exception):
    """The address cannot be listened on, or not over TLS: where, and why."""


# ── the twin in the foreground ─────────────────────────────────────────────


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to ``host``.

    Raises:
        CannotListenError: no such host.
    """
    return ipaddress.ip_address(_address(host)).is_loopback


def serve(
    options: ServeOptions,
    ready: Callable[[str], None],
    blueprints: Sequence[flask.Blueprint] = (),
) -> None:
    """Serve until Ctrl-C or SIGTERM; ``ready`` gets the URL once it is listened on.

    SIGTERM lets what is being answered take some seconds more; a second signal does not.
    A contract or accounts that cannot be used end the process, with one line on standard error.

    Raises:
        CannotListenError: the host is unknown, the port is taken or not allowed, or the
            certificate cannot be used.
    """
    try:
        application = build(options, blueprints)
    except (AccountsFileError, ContractError) as error:
        sys.exit(f"Error: {error}")
    sys.setswitchinterval(_SWITCH_INTERVAL)
    _open_more_files()
    serving = Serving(application, options.host, options.port, options.workers, tls=_tls(options))
    ended = threading.Event()

    def end(number: int, _: object) -> None:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.default_int_handler)
        serving.longest_stop = _LONGEST_END if number == signal.SIGTERM else _LONGEST_STOP
        ended.set()

    with contextlib.suppress(KeyboardInterrupt), serving:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, end)
        ready(serving.url)
        ended.wait()


def build(options: ServeOptions, blueprints: Sequence[flask.Blueprint] = ()) -> flask.Flask:
    """The application as `serve` runs it, with its log on standard error.

    Raises:
        ContractError: the contract cannot be used.
        AccountsFileError: the file of accounts cannot be used.
    """
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_Line("%(asctime)s %(message)s"))
    level = logging.WARNING if options.quiet else logging.INFO
    logging.basicConfig(level=level, handlers=[lines])
    contract = load(options.contract)
    accounts = list[Account]()
    if options.accounts:
        settings = Settings(contract, frozenset(options.callback_hosts))
        accounts = accounts_file.read(options.accounts, settings, partial(opened, contract))
    twin = Twin(contract, MemoryStore(accounts), strict=options.strict, closed=options.closed)
    return create_app(twin, options, blueprints)


class _Line(logging.Formatter):
    """Formats each second once: that takes longer than the rest of a line."""

    def formatTime(  # noqa: N802  (logging's own name and parameters)
        self, record: logging.LogRecord, _datefmt: str | None = None
    ) -> str:
        return _time_of_day(int(record.created))


@lru_cache(maxsize=4)
def _time_of_day(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


def _tls(options: ServeOptions) -> ssl.SSLContext | None:
    """How to speak TLS, if that is asked for."""
    cert, key = options.tls_cert, options.tls_key
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        given, missing = ("--tls-cert", "--tls-key") if cert else ("--tls-key", "--tls-cert")
        raise CannotListenError(f"{given} needs {missing}, too: a certificate and its key, in PEM")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password it would ask for one at the terminal.
        context.load_cert_chain(cert, key, password="")
    except OSError as error:
        raise CannotListenError(
            f"--tls-cert {cert} --tls-key {key}: {_why(error)}; expected a certificate in PEM and "
            "its key, without a password"
        ) from error
    return context


def _why(error: OSError) -> str:
    if not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno or 0)
    return (error.reason or "not PEM").replace("_", " ").lower()


def _open_more_files() -> None:
    """Let this process have as many connections as the system allows, not only 1,024."""
    with contextlib.suppress(ImportError):
        import resource

        _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))


def _most_files() -> int:
    try:
        import resource
    except ImportError:
        # Windows, which has no such limit.
        return sys.maxsize
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if files == resource.RLIM_INFINITY else files


# ── any application in a thread ────────────────────────────────────────────


class Serving:
    """An application that is served by an event loop in a thread, from `start` to `stop`.

    ``port`` 0 takes a free one, and no two servers ever share one. What takes long, and whatever is
    not the imitated API of an application of `app.create_app`, is answered by ``threads`` threads.
    A client has ``patience`` seconds to send a request, head and body, and as many to send the
    next; there may be ``most_connections`` of them. ``new_loop`` is uvloop's where there is one.
    """

    def __init__(  # noqa: PLR0913  (keyword-only settings)
        self,
        application: WSGIApplication,
        host: str = "127.0.0.1",
        port: int = 0,
        threads: int = 16,
        *,
        tls: ssl.SSLContext | None = None,
        patience: float = _PATIENCE,
        most_connections: int = _MOST_CONNECTIONS,
        new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        self._host, self._port = host, port
        self._scheme = "https" if tls else "http"
        self._make = partial(
            Loop,
            application,
            threads,
            tls,
            patience,
            most_connections,
            new_loop or _fastest_loop(),
        )
        self._loop: Loop | None = None
        self._bound = 0
        self._thread: threading.Thread | None = None
        self.longest_stop = _LONGEST_STOP
        """Seconds that what is still being answered has left when it stops."""

    @property
    def url(self) -> str:
        """Where it is reached, such as ``http://127.0.0.1:45123``; known once it has started."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{self._scheme}://{host}:{self._bound}"

    def start(self) -> None:
        """Listen; from now on requests are answered.

        Raises:
            CannotListenError: the port is taken or not allowed.
        """
        listener = _listener(_address(self._host), self._port)
        self._bound = listener.getsockname()[1]
        self._loop = self._make(listener)
        self._thread = threading.Thread(target=self._loop.run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection that rests, then the others as they are answered."""
        if self._loop and self._thread:
            self._loop.stop(self.longest_stop)
            self._thread.join()
            stop_sending(self._loop.application)
            self._loop = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _address(host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise CannotListenError(f"--host {host}: no such host ({error}); try 127.0.0.1") from error


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    every = host == "::" and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server(
            (host, port), family=family, dualstack_ipv6=every, backlog=_BACKLOG
        )
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise CannotListenError(f"{host}:{port}: {why}; try --port 0 for a free one") from error
    # Those accepted inherit it; asyncio would not set it, as this one has no protocol number.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


# ── inside of the thread ───────────────────────────────────────────────────


class Loop:
    """The event loop, and what its connections share."""

    def __init__(  # noqa: PLR0913, PLR0917  (by `Serving` alone)
        self,
        application: WSGIApplication,
        threads: int,
        tls: ssl.SSLContext | None,
        patience: float,
        most_connections: int,
        new_loop: Callable[[], asyncio.AbstractEventLoop],
        listener: socket.socket,
    ) -> None:
        self.application = application
        self.served = Served.of(application)
        self.loop = new_loop()
        self.config = uvicorn.Config(
            _unused, interface="asgi3", ws="none", lifespan="off", log_config=None, access_log=False
        )
        self.config.load()
        self.state = ServerState()
        self.threads = Threads(self.loop, threads)
        store = self.served.twin.store if self.served else None
        self.waiters = Waiters(self.loop, self.threads, store)
        self.followers = Followers(self.loop, store) if store else None
        self.most_connections = min(most_connections, int(_most_files() * _PART_OF_FILES))
        self._tls, self._patience, self._listener = tls, patience, listener
        self._stop, self._left = asyncio.Event(), asyncio.Event()
        self._longest_stop = 0.0

    def run(self) -> None:
        """Serve until `stop`; in the thread of this loop."""
        try:
            self.loop.run_until_complete(self._serve())
        finally:
            self.loop.close()

    def stop(self, longest: float) -> None:
        """End, after so many seconds at most; from another thread."""
        self._longest_stop = longest
        self.loop.call_soon_threadsafe(self._stop.set)

    async def _serve(self) -> None:
        self.loop.set_exception_handler(_log_failure)
        server = await self.loop.create_server(
            lambda: Connection(self),
            sock=self._listener,
            backlog=_BACKLOG,
            ssl=self._tls,
            ssl_handshake_timeout=self._patience if self._tls else None,
        )
        looking = [
            self.loop.create_task(self._drop_the_silent()),
            self.loop.create_task(self.waiters.look_after()),
        ]
        await self._stop.wait()
        server.close()
        for task in looking:
            task.cancel()
        self.waiters.end()
        if self.followers:
            self.followers.end()
        for connection in tuple(self.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._longest_stop):
                await self._all_left()
        for connection in tuple(self.connections):
            connection.transport.abort()
        await self._all_left()
        self.threads.end()

    async def _all_left(self) -> None:
        while self.connections:
            self._left.clear()
            await self._left.wait()

    def left(self) -> None:
        """A connection has ended."""
        self._left.set()

    @property
    def connections(self) -> set[Connection]:
        """Those that are open."""
        return self.state.connections  # type: ignore[return-value]  # uvicorn's own classes

    async def _drop_the_silent(self) -> None:
        """End connections whose client has been waited for too long; one timer for all."""
        while True:
            await asyncio.sleep(self._patience / 20)
            latest = self.loop.time() - self._patience
            for connection in tuple(self.connections):
                if connection.since is not None and connection.since < latest:
                    connection.transport.abort()


async def _unused(scope: object, receive: object, send: object) -> None:
    """What uvicorn's own cycle of a request would call."""
    raise NotImplementedError


def _log_failure(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Keep it from the terminal: what fails in here is a client that went away."""
    _log.debug("server: %s", context)


class Threads:
    """The threads that answer, begun as they are needed; they never hold up the end.

    Not a ThreadPoolExecutor: Python waits for its threads before it ends.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int) -> None:
        self._loop = loop
        self._most = most
        self._jobs = queue.SimpleQueue[Callable[[], Callable[[], None]] | None]()
        self._threads = self._busy = 0
        self._has_ended = False

    def submit(self, work: Callable[[], _T], done: Callable[[_T], None]) -> None:
        """Run ``work`` in a thread, and then ``done`` with its result in the loop."""

        def job() -> Callable[[], None]:
            result = work()

            def finish() -> None:
                self._busy -= 1
                done(result)

            return finish

        self._busy += 1
        if self._threads < min(self._busy, self._most):
            self._threads += 1
            threading.Thread(target=self._work, daemon=True).start()
        self._jobs.put(job)

    def end(self) -> None:
        """Begin nothing more."""
        self._has_ended = True
        for _ in range(self._threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None and not self._has_ended:
            finish = job()
            # A loop that has been closed meanwhile.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(finish)
            del job, finish


class Waiters:
    """The requests that wait for the inbox: they hold no thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, threads: Threads, store: Store | None
    ) -> None:
        self._loop, self._threads, self._store = loop, threads, store
        self._waiting = dict[Wait, Callable[[float], None]]()
        self._unsubscribe: Callable[[], None] | None = None
        self._news, self._is_due = asyncio.Event(), False

    def add(self, wait: Wait, resume: Callable[[float], None]) -> Callable[[], None]:
        """Call ``resume`` when something fits, or when the time is over or nobody may wait longer.

        It gets the moment until which there still is time. It is not called once what is returned
        has been called.
        """
        self._waiting[wait] = resume
        timer = self._loop.call_later(wait.until - time.monotonic(), self._resume, wait, 0.0)
        if self._unsubscribe is None and self._store is not None:
            self._unsubscribe = self._store.subscribe(self._changed)
        # Something may have arrived before it was subscribed to.
        self._changed()

        def forget() -> None:
            timer.cancel()
            self._forget(wait)

        return forget

    async def look_after(self) -> None:
        """Resume whoever need not wait any longer, each time that something has changed."""
        while True:
            await self._news.wait()
            self._news.clear()
            self._is_due = False
            began, over = self._loop.time(), self._loop.create_future()
            self._threads.submit(partial(_over, tuple(self._waiting)), over.set_result)
            for wait in await over:
                self._resume(wait, wait.until)
            now = self._loop.time()
            if any(wait.changes_by_itself for wait in self._waiting):
                self._loop.call_at(now + waiting.LOOK_AGAIN, self._news.set)
            # Whoever waits takes a fifth of the time at most, however much arrives.
            await asyncio.sleep(4 * (now - began))

    def end(self) -> None:
        """Let everybody go with what there is."""
        for wait in tuple(self._waiting):
            self._resume(wait, 0.0)

    def _resume(self, wait: Wait, until: float) -> None:
        if resume := self._forget(wait):
            resume(until)

    def _forget(self, wait: Wait) -> Callable[[float], None] | None:
        resume = self._waiting.pop(wait, None)
        if not self._waiting and self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        return resume

    def _changed(self) -> None:
        """Called by the store, in any thread, while it is locked."""
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon_threadsafe(self._news.set)


def _over(waits: tuple[Wait, ...]) -> list[Wait]:
    """Those that need not wait any longer."""
    return [wait for wait in waits if wait.is_over()]
