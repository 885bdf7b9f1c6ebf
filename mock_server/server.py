"""The twin behind granian, a WSGI server written in Rust (why: docs/decisions/0003-server.md)."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from granian.constants import HTTPModes, Interfaces
from granian.server import Server

if TYPE_CHECKING:
    import flask

# Seconds between two looks whether the server answers.
_POLL: Final = 0.01
# A request that is still being answered when the server stops is cut off after so many seconds.
_LONGEST_STOP: Final = 1


class CannotListenError(Exception):
    """The address cannot be listened on: where, and why."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve.

    ``workers`` are the requests answered at once: threads of one process, because the inbox lives
    in its memory. ``port`` 0 takes a free one. ``hosts`` and ``token`` are those of
    `app.create_app`.
    """

    host: str = "127.0.0.1"
    port: int = 8010
    strict: bool = False
    workers: int = 4
    quiet: bool = False
    contract: Path | None = None
    hosts: tuple[str, ...] = ()
    token: str | None = None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server bound to ``host``.

    Raises:
        CannotListenError: no such host.
    """
    return ipaddress.ip_address(_address(host)).is_loopback


def serve(options: Options, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; ``ready`` gets the URL once it is answered.

    This process only supervises: the twin is built in the server's own, and a contract that
    cannot be used ends both, with one line on standard error.

    Raises:
        CannotListenError: the host is unknown, or the port is taken or not allowed.
    """
    address = _address(options.host)
    with _reserved(address, options.port) as port:
        server = Server(
            "mock_server",
            address,
            port,
            interface=Interfaces.WSGI,
            blocking_threads=options.workers,
            http=HTTPModes.http1,
            websockets=False,
            log_enabled=False,
            workers_kill_timeout=_LONGEST_STOP,
        )
        server.on_startup(lambda: _tell_when_ready(options.host, address, port, ready))
        server.serve(target_loader=partial(_build_in_worker, options), wrap_loader=False)


def build(options: Options) -> flask.Flask:
    """The application as the server's process runs it, with its log on standard error.

    Raises:
        ContractError: the contract cannot be used.
    """
    # Not above: the supervisor would carry all of it, too.
    from mock_server.app import create_app
    from mock_server.contract import load
    from mock_server.twin import Twin

    logging.basicConfig(
        level=logging.WARNING if options.quiet else logging.INFO,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    twin = Twin(load(options.contract), strict=options.strict)
    return create_app(twin, hosts=options.hosts, token=options.token)


def _build_in_worker(options: Options) -> flask.Flask:
    from mock_server.contract_file import ContractError

    _end_with(os.getppid())
    try:
        return build(options)
    except ContractError as error:
        sys.exit(f"Error: {error}")


def _end_with(supervisor: int) -> None:
    """End this process when its supervisor is gone without a word, and with it its port."""

    def watch() -> None:
        # A signal that this thread took would not wake the main one, which waits for it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        while os.getppid() == supervisor:
            time.sleep(_LONGEST_STOP)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _address(host: str) -> str:
    try:
        return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise CannotListenError(f"--host {host}: no such host ({error}); try 127.0.0.1") from error


@contextlib.contextmanager
def _reserved(address: str, port: int) -> Iterator[int]:
    """The port to listen on; a free one is held for the server until the context ends.

    granian shares its port (SO_REUSEPORT) and would join another twin there without a word, so a
    given port is first bound alone.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        try:
            if port:
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                holder.bind((address, port))
                holder.close()
            else:
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                holder.bind((address, 0))
                port = holder.getsockname()[1]
        except OSError as error:
            raise CannotListenError(
                f"{address}:{port}: {error.strerror}; try --port 0 for a free one"
            ) from error
        yield port


def _tell_when_ready(host: str, address: str, port: int, ready: Callable[[str], None]) -> None:
    def watch() -> None:
        # An address that stands for all of them is asked on loopback.
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104
        while not _answers(reachable, port):
            time.sleep(_POLL)
        ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    # If the server ends before it answers, so does the process, and this with it.
    threading.Thread(target=watch, daemon=True).start()


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True
