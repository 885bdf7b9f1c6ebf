"""Prism (`@stoplight/prism-cli`, which many call prism-mock) on a port of its own.

The local binary is started, never npx: to end npx leaves Prism running.
"""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, Queue
from typing import Final, TypeAlias

import node
from spec import FILE

_LISTENING: Final = re.compile(r"Prism is listening on (http://\S+)")
# Ready after 2 to 4 seconds on a quiet machine.
_PATIENCE: Final = 90
_Ready: TypeAlias = Callable[[subprocess.Popen[str], Queue[str]], str]


@contextlib.contextmanager
def mock() -> Iterator[str]:
    """``prism mock`` of the contract; the URL where it listens."""
    with _running("mock", str(FILE), "--port", "0") as url:
        yield url


@contextlib.contextmanager
def silent_mock() -> Iterator[str]:
    """The same with no line for each request, which costs Prism time: for a load."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    options = ("--port", str(port), "--verboseLevel", "silent")
    with _running("mock", str(FILE), *options, ready=partial(_open, port)) as url:
        yield url


@contextlib.contextmanager
def proxy(upstream: str) -> Iterator[str]:
    """``prism proxy`` in front of a server: a response that the contract forbids becomes a 500."""
    options = ("--errors", "--validate-request=false")
    with _running("proxy", str(FILE), upstream, "--port", "0", *options) as url:
        yield url


@contextlib.contextmanager
def _running(*arguments: str, ready: _Ready | None = None) -> Iterator[str]:
    command = [str(node.NODE), str(node.installed() / "prism"), *arguments]
    process = subprocess.Popen(
        command,
        env=node.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = Queue[str]()
    # It is read to the end: a full pipe would stop Prism.
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    try:
        yield (ready or _url)(process, lines)
    finally:
        # One process, in the group of whoever runs the tests: it ends with them, too.
        process.kill()
        process.wait()
        reader.join()
        if process.stdout is not None:
            process.stdout.close()


def _read(process: subprocess.Popen[str], lines: Queue[str]) -> None:
    for line in process.stdout or ():
        lines.put(line)


def _url(process: subprocess.Popen[str], lines: Queue[str]) -> str:
    said = list[str]()
    while process.poll() is None or not lines.empty():
        try:
            said.append(lines.get(timeout=_PATIENCE))
        except Empty:
            break
        if ready := _LISTENING.search(said[-1]):
            return ready[1]
    raise RuntimeError(f"Prism did not start; it printed:\n{''.join(said)}")


def _open(port: int, process: subprocess.Popen[str], lines: Queue[str]) -> str:
    end = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return f"http://127.0.0.1:{port}"
        time.sleep(0.05)
    said = [lines.get() for _ in range(lines.qsize())]
    raise RuntimeError(f"Prism did not start; it printed:\n{''.join(said)}")
