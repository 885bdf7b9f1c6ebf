"""How fast does ``vms serve`` start, answer and stop, and how large does it get?

The client is some threads of http.client in this process, each with a connection that is kept
alive, on the same processors: requests/s are those of the pair. What to trust is the server's own
processor time, and the ratios that ``--against granian`` prints (the same application behind
another server; install it first).
Nothing here fails: a target that is missed is printed, not raised. For Linux and macOS.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from statistics import median
from typing import Final
from urllib.parse import urlsplit

import psutil

from mock_server.contract import Contract, load

OURS: Final = "vms serve"
REQUESTS: Final = 50_000
CONNECTIONS: Final = 16
_FRAME: Final = 500
# For so many requests with one recipient there is one with a frame of them.
_REQUESTS_A_FRAME: Final = 10
_ONE_MARKED_IN: Final = 10
_FEWEST_LOGINS: Final = 8
_ROUNDS: Final = 5
_GIVE_UP: Final = 30.0
_TELL_EVERY: Final = 2.0
# So that the server has seen a connection close, or rest, before it is stopped.
_SETTLE: Final = 0.2
_MB: Final = 1_000_000
_MOST_SECONDS: Final = 1.0
_MOST_MB: Final = 100.0


# The same application behind another server, with as many threads as `vms serve` has.
PEERS: Final = {
    "granian": """
import socket
import threading
import time
from granian.server import Server
from mock_server.app import create_app

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
server = Server(
    "mock_server",
    "127.0.0.1",
    port,
    interface="wsgi",
    blocking_threads=32,
    log_enabled=False,
    workers_kill_timeout=1,
)


def tell():
    with socket.socket() as client:
        while client.connect_ex(("127.0.0.1", port)):
            time.sleep(0.01)
    print(f"Listening on http://127.0.0.1:{port}", flush=True)


server.on_startup(threading.Thread(target=tell, daemon=True).start)
server.serve(target_loader=create_app, wrap_loader=False)
""",
    "waitress": """
import logging
import waitress
from mock_server.app import create_app

logging.getLogger("waitress").setLevel(logging.ERROR)
server = waitress.create_server(create_app(), host="127.0.0.1", port=0, threads=32)
print(f"Listening on http://127.0.0.1:{server.effective_port}", flush=True)
server.run()
""",
}


# ── the server ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Size:
    """The memory of a server's processes, in MB; the parent first."""

    rss: tuple[float, ...]
    pss: tuple[float, ...] | None
    """A page that n processes share, others than the server's too, counts one nth; Linux only."""


class Server:
    """A server that runs: where it listens, and what its processes use."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        parts = urlsplit(url)
        self._process = process
        self._address = (parts.hostname or "", parts.port or 0)

    def connect(self) -> http.client.HTTPConnection:
        """A new connection to it."""
        return http.client.HTTPConnection(*self._address, timeout=_GIVE_UP)

    def stop(self) -> float:
        """The seconds from Ctrl-C until the last of its processes has ended."""
        family = self._family()
        start = time.perf_counter()
        # Like a terminal, which sends it to the whole group.
        os.killpg(self._process.pid, signal.SIGINT)
        _, alive = psutil.wait_procs(family, _GIVE_UP)
        for process in alive:
            process.kill()
        return math.inf if alive else time.perf_counter() - start

    def size(self) -> Size:
        """Its memory now."""
        full = [process.memory_full_info() for process in self._family()]
        pss = [getattr(info, "pss", None) for info in full]
        return Size(
            tuple(info.rss / _MB for info in full),
            tuple(size / _MB for size in pss if size is not None) or None,
        )

    def processor_seconds(self) -> float:
        """The processor time of its processes up to now."""
        times = [process.cpu_times() for process in self._family()]
        return sum(time.user + time.system for time in times)

    def _family(self) -> list[psutil.Process]:
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children(recursive=True)]


@contextmanager
def running(name: str) -> Iterator[Server]:
    """A server on a free port, its processes in a group of their own; gone in the end."""
    ours = ["-m", "vms", "serve", "--port", "0", "--quiet"]
    command = [sys.executable, *(ours if name == OURS else ["-c", PEERS[name]])]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            url = next((word for word in line.split() if "://" in word), None)
            if url is None:
                sys.exit(f"{name} did not start; it said {line!r}")
            yield Server(process, url)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


# ── the load ─────────────────────────────────────────────────────────────


class Load:
    """Valid campaigns of so many recipients, from logins that can afford them."""

    def __init__(self, contract: Contract, recipients: int, requests: int) -> None:
        affordable = int(contract.terms.opening_credit / (contract.terms.price * recipients))
        contacts = [{"phone_number": f"+33612{n:06d}"} for n in range(recipients)]
        self.recipients = recipients
        self.requests = requests
        self._path = contract.url_path
        self._body = json.dumps({"text": "Your parcel is here.", "recipients": contacts}).encode()
        self._logins = max(_FEWEST_LOGINS, math.ceil(requests / affordable))

    def send(self, connection: http.client.HTTPConnection, number: int) -> int:
        """Send the nth request; the status of its answer."""
        body = self._body
        if number % _ONE_MARKED_IN == 0:
            body = b'{"request_id": "benchmark-%d", ' % number + body.removeprefix(b"{")
        login = f"{self.recipients}-{number % self._logins}@example.com"
        headers = {"api-login": login, "api-key": "key", "Content-Type": "application/json"}
        connection.request("POST", self._path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def send_all(server: Server, load: Load, numbers: range) -> Counter[int]:
    """Send those requests from some threads at once, and tell how far it is; the statuses."""
    answers = Counter[int]()
    lock = threading.Lock()

    def work(mine: Iterable[int]) -> None:
        connection = server.connect()
        for number in mine:
            try:
                status = load.send(connection, number)
            except (OSError, http.client.HTTPException):
                connection.close()
                status = 0
            with lock:
                answers[status] += 1
        connection.close()

    threads = [
        threading.Thread(target=work, args=(numbers[n::CONNECTIONS],)) for n in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    told = time.monotonic()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.05)
            if time.monotonic() - told > _TELL_EVERY:
                told = time.monotonic()
                _tell(f"{numbers.start + answers.total():,} of {load.requests:,} requests")
    return answers


# ── measuring ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured, and the most it may be."""

    value: float
    digits: int = 0
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured of one server."""

    figures: dict[str, Figure] = field(default_factory=dict)
    sizes: dict[str, Size] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)

    def sized(self, moment: str, size: Size) -> None:
        """Take down its memory at that moment."""
        self.sizes[moment] = size
        self.figures[f"RSS, MB, {moment}"] = Figure(sum(size.rss), 1)
        if size.pss is not None:
            self.figures[f"PSS, MB, {moment}"] = Figure(sum(size.pss), 1, _MOST_MB)


def measure(name: str, requests: int) -> Findings:
    """Start and stop that server some times, then put it under load."""
    contract = load()
    found = Findings()
    one = Load(contract, 1, requests)
    frames = Load(contract, _FRAME, max(1, requests // _REQUESTS_A_FRAME))
    _start_and_stop(name, one, found)
    with running(name) as server:
        found.answers[one.send(server.connect(), 0)] += 1
        found.sized("after the start", server.size())
        early = requests // 5
        _under_load(server, one, [range(1, early), range(early, requests)], found)
        _under_load(server, frames, [range(frames.requests)], found)
        _tell("stop")
        found.figures["stop after the load, s"] = Figure(server.stop(), 2)
    return found


def _start_and_stop(name: str, one: Load, found: Findings) -> None:
    starts, idle, connected = list[float](), list[float](), list[float]()
    for number in range(2 * _ROUNDS):
        _tell(f"{name}: start and stop, {number + 1} of {2 * _ROUNDS}")
        begin = time.perf_counter()
        with running(name) as server:
            connection = server.connect()
            found.answers[one.send(connection, 0)] += 1
            starts.append(time.perf_counter() - begin)
            stops = connected if number % 2 else idle
            if stops is idle:
                connection.close()
            time.sleep(_SETTLE)
            stops.append(server.stop())
            connection.close()
    found.figures["start to first answer, s, median"] = Figure(median(starts), 2, _MOST_SECONDS)
    found.figures["start to first answer, s, worst"] = Figure(max(starts), 2, _MOST_SECONDS)
    found.figures["stop, idle, s, median"] = Figure(median(idle), 2)
    found.figures["stop, a connection open, s, median"] = Figure(median(connected), 2)


def _under_load(server: Server, load: Load, parts: list[range], found: Findings) -> None:
    kind = "1 recipient" if load.recipients == 1 else f"{load.recipients} recipients"
    _tell(f"{load.requests:,} requests of {kind}")
    seconds, sent, used = 0.0, 0, server.processor_seconds()
    for part in parts:
        begin = time.perf_counter()
        found.answers.update(send_all(server, load, part))
        seconds += time.perf_counter() - begin
        sent += len(part)
        found.sized(f"after {part.stop:,} of {kind}", server.size())
    used = server.processor_seconds() - used
    found.figures[f"requests/s, {kind}"] = Figure(sent / seconds)
    found.figures[f"server's processor time, us, {kind}"] = Figure(1e6 * used / sent)


# ── the tables ─────────────────────────────────────────────────────────────


def _tell(progress: str) -> None:
    print(f"  … {progress}", file=sys.stderr, flush=True)


def _print_figures(found: dict[str, Findings]) -> None:
    ours, *others = found.values()
    ratio = f"{'ratio':>8}" * bool(others)
    print(f"{'':<45}" + "".join(f"{name:>11}" for name in found) + ratio + "  target")
    for name, figure in ours.figures.items():
        beside = [other.figures[name] for other in others if name in other.figures]
        line = f"{name:<45}" + "".join(
            f"{each.value:>11,.{each.digits}f}" for each in (figure, *beside)
        )
        line += "".join(f"{figure.value / other.value:>8.2f}" for other in beside)
        if figure.most is not None:
            met = "met" if figure.value <= figure.most else "MISSED"
            line += f"  at most {figure.most:g}: {met}"
        print(line)


def _print_sizes(name: str, found: Findings) -> None:
    print(f"\n{name}: memory in MB (1,000,000 bytes), its processes one by one, parent first")
    for moment, size in found.sizes.items():
        rss = " + ".join(f"{part:.1f}" for part in size.rss)
        pss = " + ".join(f"{part:.1f}" for part in size.pss) if size.pss else "not known here"
        print(f"  {moment:<35} RSS {rss:<16} PSS {pss}")
    answers = ", ".join(f"{status or 'none'}: {n:,}" for status, n in sorted(found.answers.items()))
    print(f"  answers by status: {answers}")


def main() -> None:
    """Measure, and print one table for all servers and one for the memory of each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--requests", type=int, default=REQUESTS, metavar="N", help="of 1 recipient"
    )
    parser.add_argument("--against", choices=PEERS, help="another server, for comparison")
    options = parser.parse_args()
    if options.against and not find_spec(options.against):
        parser.error(f"{options.against} is not installed; try: pip install {options.against}")
    names = [OURS, *([options.against] if options.against else [])]
    found = {name: measure(name, options.requests) for name in names}
    print(
        f"Python {platform.python_version()}, cheroot {version('cheroot')}, {os.cpu_count()} CPUs"
    )
    _print_figures(found)
    for name, findings in found.items():
        _print_sizes(name, findings)
    print(
        "\nThe target is for the sum of PSS, where a page that several processes share counts once;"
    )
    print("the sum of RSS counts it in each of them.")


if __name__ == "__main__":
    main()
