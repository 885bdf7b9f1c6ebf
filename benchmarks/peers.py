"""How fast is the twin beside Prism, and beside a mock that one writes by hand?

``vms serve --quiet``, Prism (which logs nothing) and fastify with ajv (which checks the body by the
contract's schema, counts its recipients, and keeps nothing) get the same bodies of the same
contract from `wrk` over 16 connections. Every server is started anew in every round and takes its
turn; the server has one core, and the load another. What to trust are the ratios: of each round
one, and the median of them is printed. The other rows are about the twin alone.

A run in which an answer was not 2xx, or a socket failed, gives no figure. Nothing here fails: what
is missed, or could not be measured, is printed. For Linux and macOS.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table

import load
import payloads
import plugin
from load import NoFigureError, Run
from mock_server.contract.loader import load as load_contract
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.store.entries import Request

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "benchmarks.md"
README: Final = ROOT / "README.md"


# ── the rows ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Row:
    """One figure that is printed, with the least that it must be and what is aimed at."""

    measure: str
    """The measurement in `MEASURES` that it comes from."""
    name: str
    unit: str
    floor: float
    goal: float
    lower: bool = True
    """Whether less is better."""

    def verdict(self, value: float) -> str:
        """Which of the two it reaches."""
        sign = 1 if self.lower else -1
        if sign * value <= sign * self.goal:
            return "goal"
        return "floor" if sign * value <= sign * self.floor else "MISSED"

    def shown(self, value: float) -> str:
        """A value of this row, with its unit."""
        digits = 2 if self.unit in {"x", "s"} else 1 if self.unit == "ms" else 0
        return f"{value:,.{digits}f} {self.unit}"


def _times(name: str, floor: float, goal: float) -> Row:
    return Row("peers", name, "x", floor, goal, lower=False)


ROWS: Final = {
    "prism-1": _times("requests/s, 1 recipient, against Prism", 6, 9),
    "prism-500": _times("requests/s, 500 recipients, against Prism", 2.5, 3),
    "fastify-1": _times("requests/s, 1 recipient, against fastify + ajv", 0.8, 1.1),
    "fastify-500": _times("requests/s, 500 recipients, against fastify + ajv", 0.9, 1.15),
    "repair": _times("requests/s, every parameter repaired, against Prism on a clean body", 1, 2),
    "p99-1": Row("peers", "p99, 1 recipient, against Prism's", "x", 0.6, 0.3),
    "p99-500": Row("peers", "p99, 500 recipients, against Prism's", "x", 0.6, 0.3),
    "handle-1": Row("handle", "`Twin.handle`, 1 recipient", "µs", 30, 15),
    "handle-500": Row("handle", "`Twin.handle`, 500 recipients", "µs", 150, 110),
    "client": Row(
        "client", "a send of the generated client in process, against respx", "x", 2, 1.5
    ),
    "start": Row("start", "start to first answer", "s", 0.6, 0.4),
    "memory": Row("memory", "memory after 100,000 requests", "MB", 100, 80),
    "flat": Row("memory", "the same, against after 10,000", "x", 1.1, 1.05),
    "idle": Row(
        "idle",
        "requests/s with 10,000 connections idle and 500 answers delayed, against before",
        "x",
        floor=0.7,
        goal=0.9,
        lower=False,
    ),
    "ready": Row("fixture", "fixture with a port: ready", "ms", 60, 20),
    "stopped": Row("fixture", "fixture with a port: stopped", "ms", 30, 10),
}
"""Floors and goals; no other place has them."""

IN_README: Final = ("prism-1", "prism-500", "fastify-1", "repair")

Figure: TypeAlias = float | str
"""A value in the unit of its row, or why there is none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long everything takes."""

    rounds: int = 3
    warm_up: int = 3
    """Seconds: until Node has compiled what it runs."""
    seconds: int = 3


QUICK: Final = Plan(rounds=1, warm_up=1, seconds=1)


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured: figures by the key of their row, and the runs behind the ratios."""

    figures: dict[str, Figure] = field(default_factory=dict)
    runs: dict[tuple[str, str], list[Run | str]] = field(default_factory=dict)
    """By server and body; of each round one, or why it gave none."""
    notes: list[str] = field(default_factory=list)


# ── against the others ─────────────────────────────────────────────────────────────

BODIES: Final[dict[str, dict[str, Any]]] = {
    "1 recipient": payloads.clean(1, 160),
    "500 recipients": payloads.clean(500, 1200),
    "every parameter repaired": payloads.broken(["06 12 34 56 78"]),
}
ONE, MANY, BROKEN = BODIES
TWIN, PRISM, FASTIFY = load.SERVERS


def peers(plan: Plan, report: Report, folder: Path) -> None:
    """Every server and every body, in turns."""
    load.wrk_command()
    _progress("packages of Prism and fastify (npm ci, where they are not installed)")
    load.install()
    for number in range(plan.rounds):
        for server, start in load.SERVERS.items():
            _progress(f"round {number + 1} of {plan.rounds}: {server}")
            with load.started(start) as url:
                for name in BODIES if server == TWIN else (ONE, MANY):
                    run = _run(url, folder / f"{name}.json", plan, example=server == PRISM)
                    report.runs.setdefault((server, name), []).append(run)

    def against(ours: str, server: str, theirs: str, of: Callable[[Run], float]) -> Figure:
        return median_ratio(report.runs[TWIN, ours], report.runs[server, theirs], of)

    for suffix, body in (("1", ONE), ("500", MANY)):
        report.figures[f"prism-{suffix}"] = against(body, PRISM, body, _rate)
        report.figures[f"fastify-{suffix}"] = against(body, FASTIFY, body, _rate)
        report.figures[f"p99-{suffix}"] = against(body, PRISM, body, _p99)
    report.figures["repair"] = against(BROKEN, PRISM, ONE, _rate)


def _run(url: str, body: Path, plan: Plan, *, example: bool) -> Run | str:
    """One run after a warm-up; ``example`` says that the answer knows nothing of the request."""
    raw = body.read_bytes()
    try:
        load.send(url, raw, None if example else len(json.loads(raw)["recipients"]))
        load.wrk(url, body, plan.warm_up)
        return load.wrk(url, body, plan.seconds)
    except NoFigureError as error:
        return str(error)


def _rate(run: Run) -> float:
    return run.rate


def _p99(run: Run) -> float:
    return run.p99


def median_ratio(
    ours: Sequence[Run | str], theirs: Sequence[Run | str], of: Callable[[Run], float]
) -> Figure:
    """The median of the ratios of each round; the first reason if a run has none."""
    ratios = list[float]()
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(one, str):
            return one
        if isinstance(other, str):
            return other
        ratios.append(of(one) / of(other))
    return median(ratios)


# ── the twin alone ─────────────────────────────────────────────────────────────

_SAMPLES: Final = 50


def handle(plan: Plan, report: Report, folder: Path) -> None:
    """`Twin.handle` in this process, by the processor's time."""
    contract = load_contract()
    twin = Twin(contract)
    settings = {"credit": load.CREDIT}
    create_app(twin).test_client().put(f"/_twin/accounts/{load.LOGIN}", json=settings)
    headers = load.HEADERS | {"content-type": "application/json"}
    for suffix, body in (("1", ONE), ("500", MANY)):
        raw = (folder / f"{body}.json").read_bytes()
        request = Request("POST", contract.url_path, headers, raw)
        took = [
            plugin.average(partial(twin.handle, request)) for _ in range(_SAMPLES * plan.rounds)
        ]
        report.figures[f"handle-{suffix}"] = 1e6 * median(took)


def client(plan: Plan, report: Report, _: Path) -> None:
    """One send of the generated client to the twin in process, and to a canned answer."""
    ours, canned = plugin.sends("generated client", plan.seconds)
    report.figures["client"] = median(ours) / median(canned)


def start(plan: Plan, report: Report, folder: Path) -> None:
    """From the command until the first campaign is accepted."""
    body = (folder / f"{ONE}.json").read_bytes()
    took = list[float]()
    for _ in range(3 * plan.rounds):
        begin = time.perf_counter()
        with load.started(load.served) as url:
            load.send(url, body, 1)
            took.append(time.perf_counter() - begin)
    report.figures["start"] = median(took)


def memory(_: Plan, report: Report, folder: Path) -> None:
    """The size of the process after so many requests with one recipient."""
    sizes = dict[int, float]()
    with load.started(load.product) as url:
        sent = 0
        for until in (10_000, 100_000):
            _progress(f"memory: {until:,} requests")
            while sent < until:
                sent += load.wrk(url, folder / f"{ONE}.json", 1, until - sent).requests
            sizes[until] = load.megabytes()
    report.figures["memory"] = sizes[100_000]
    report.figures["flat"] = sizes[100_000] / sizes[10_000]


def fixture(_: Plan, report: Report, __: Path) -> None:
    """A twin with a port, as the fixture has it."""
    found = plugin.starts(http=True)
    report.figures["ready"] = 1000 * median(found.ready)
    report.figures["stopped"] = 1000 * median(found.stopped)


# ── a crowd ─────────────────────────────────────────────────────────────

_IDLE: Final = 10_000
_DELAYED: Final = 500
# Files that the server, this process and wrk have open besides.
_OTHER_FILES: Final = 200
_SLOW_LOGIN: Final = "slow@example.com"
# Seconds; longer than the measurement, and the most that a fault may have is 300.
_DELAY: Final = 300
_PATIENCE: Final = 20


def idle(plan: Plan, report: Report, folder: Path) -> None:
    """The same load without and with a crowd of connections that wait."""
    load.wrk_command()
    crowd = fitting(_IDLE, raised_limit())
    if crowd < _IDLE:
        report.notes.append(f"`ulimit -n` allowed {crowd:,} idle connections, not {_IDLE:,}.")
    body = folder / f"{ONE}.json"
    ratios = list[float]()
    for number in range(plan.rounds):
        _progress(f"idle connections: round {number + 1} of {plan.rounds}")
        with load.started(load.product) as url:
            load.wrk(url, body, plan.warm_up)
            before = load.wrk(url, body, plan.seconds)
            with _crowd(url, crowd, body.read_bytes()):
                ratios.append(load.wrk(url, body, plan.seconds).rate / before.rate)
    report.figures["idle"] = median(ratios)


def raised_limit() -> int:
    """How many files a process may have open, raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _IDLE + _DELAYED + load.CONNECTIONS + _OTHER_FILES
    unlimited = resource.RLIM_INFINITY
    if soft not in {unlimited, max(soft, wanted)}:
        soft = wanted if hard == unlimited else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == unlimited else soft


def fitting(connections: int, limit: int) -> int:
    """How many of these idle connections fit below a limit of open files."""
    return max(0, min(connections, limit - _DELAYED - load.CONNECTIONS - _OTHER_FILES))


@contextlib.contextmanager
def _crowd(url: str, crowd: int, body: bytes) -> Iterator[None]:
    """Idle connections, and some that wait for a delayed answer; all still do in the end."""
    slow = partial(load.control, url, login=_SLOW_LOGIN, below="/faults")
    slow("PUT", {"faults": [{"fault": "delay", "seconds": _DELAY}]})
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(_connected(url, number)) for number in range(crowd + _DELAYED)
        ]
        delayed = connections[:_DELAYED]
        for connection in delayed:
            connection.sendall(_request(body))
        end = time.monotonic() + _PATIENCE
        while (met := slow("GET")["faults"][0]["met"]) < _DELAYED:
            if time.monotonic() > end:
                raise NoFigureError(f"only {met} of {_DELAYED} delayed answers were begun")
            time.sleep(0.1)
        yield
        if gone := sum(not _waits(connection) for connection in connections):
            raise NoFigureError(f"{gone:,} of {len(connections):,} connections did not stay open")


def _connected(url: str, number: int) -> socket.socket:
    parts = urlsplit(url)
    try:
        return socket.create_connection((parts.hostname, parts.port or 0), _PATIENCE)
    except OSError as error:
        raise NoFigureError(f"after {number:,} connections: {error}") from error


def _request(body: bytes) -> bytes:
    """A campaign from the account whose answers are delayed, as it is on the wire."""
    headers = load.HEADERS | {
        "Host": "127.0.0.1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "api-login": _SLOW_LOGIN,
    }
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"POST {load.PATH} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body


def _waits(connection: socket.socket) -> bool:
    """Whether it is open, and nothing has come."""
    connection.settimeout(0)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


# ── what is printed and written ─────────────────────────────────────────────────────────────

MEASURES: Final[dict[str, Callable[[Plan, Report, Path], None]]] = {
    "peers": peers,
    "handle": handle,
    "client": client,
    "start": start,
    "memory": memory,
    "idle": idle,
    "fixture": fixture,
}
_HEAD: Final = ("", "Measured", "Floor", "Goal", "Reached")
_RUNS_HEAD: Final = ("Server", "Body", "requests/s", "p50, ms", "p99, ms", "CPU, µs", "MB")
# Of a core. The load itself must have one, and the server another.
_BUSY: Final = 0.15
_BEGIN, _END = "<!-- speed -->", "<!-- end -->"
_INTRO: Final = f"""\
# Benchmarks

{__doc__}
`python benchmarks/peers.py --write` writes this page and the README's table.
"""


def table(figures: dict[str, Figure]) -> list[tuple[str, ...]]:
    """A line for each row that was measured, in the order of `ROWS`."""
    lines = list[tuple[str, ...]]()
    for key, row in ROWS.items():
        if key not in figures:
            continue
        value = figures[key]
        measured = (
            ("none", "") if isinstance(value, str) else (row.shown(value), row.verdict(value))
        )
        floor, goal = (
            f"{'at most' if row.lower else 'at least'} {bound:g} {row.unit}"
            for bound in (row.floor, row.goal)
        )
        lines.append((row.name, measured[0], floor, goal, measured[1]))
    return lines


def runs_table(runs: dict[tuple[str, str], list[Run | str]]) -> list[tuple[str, ...]]:
    """The medians of each server and body, where all of its runs gave figures."""
    lines = list[tuple[str, ...]]()
    for (server, body), found in runs.items():
        good = [run for run in found if isinstance(run, Run)]
        if len(good) < len(found):
            continue
        middle = partial(_median, good)
        lines.append(
            (
                *(server, body, f"{middle(_rate):,.0f}"),
                *(f"{middle(lambda run: run.p50):.1f}", f"{middle(_p99):.1f}"),
                *(f"{middle(lambda run: run.processor):,.0f}",),
                f"{middle(lambda run: run.megabytes):,.0f}",
            )
        )
    return lines


def _median(runs: list[Run], of: Callable[[Run], float]) -> float:
    return median(of(run) for run in runs)


def notes(report: Report) -> list[str]:
    """What a reader must know of these figures."""
    missing = dict[str, list[str]]()
    for key, value in report.figures.items():
        if isinstance(value, str):
            missing.setdefault(value, []).append(ROWS[key].name)
    return [
        *report.notes,
        *(f"No figure for “{'”, “'.join(names)}”: {why}" for why, names in missing.items()),
    ]


def markdown(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    """A table."""
    cells = (head, ("---",) * len(head), *lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def page(report: Report, when: str) -> str:
    """docs/benchmarks.md."""
    parts = [_INTRO, f"{when}\n", markdown(_HEAD, table(report.figures))]
    parts.append(
        "What one round measured, in the median; memory is that of the server at the end.\n"
    )
    parts.append(markdown(_RUNS_HEAD, runs_table(report.runs)))
    parts += ["".join(f"- {note}\n" for note in found)] if (found := notes(report)) else []
    return "\n".join(parts)


def with_section(readme: str, report: Report, when: str) -> str:
    """The README with a few of the rows between its marks.

    Raises:
        ValueError: it has no such marks.
    """
    before, begin, rest = readme.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"README.md has no {_BEGIN} with an {_END} behind it")
    few = {key: value for key, value in report.figures.items() if key in IN_README}
    return f"{before}{begin}\n{markdown(_HEAD, table(few))}\n{when}\n{end}{after}"


def conditions(report: Report) -> str:
    """When and where this was measured, with what, and what speaks against the figures."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    memory = psutil.virtual_memory().total / 2**30
    said = (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {models[0] if models else platform.machine()},"
        f" {psutil.cpu_count()} cores, {memory:.0f} GiB; {platform.system()},"
        f" Python {platform.python_version()}, {load.versions()}."
    )
    if load.cores() is None:
        said += " Server and load were not pinned: there is one core, or no way to pin."
    found = [run for runs in report.runs.values() for run in runs if isinstance(run, Run)]
    others = max((run.others for run in found), default=0)
    if others > _BUSY:
        said += f" Other work took up to {others:.1f} cores meanwhile: measure again at rest."
    return said


def _print(report: Report, when: str) -> None:
    console = Console(width=None if sys.stdout.isatty() else 140)
    for head, lines in ((_HEAD, table(report.figures)), (_RUNS_HEAD, runs_table(report.runs))):
        if lines:
            shown = Table(*head)
            for line in lines:
                shown.add_row(*line)
            console.print(shown)
    for note in (when, *notes(report)):
        console.print(note, markup=False, highlight=False)


def document(report: Report, when: str) -> dict[str, Any]:
    """The figures, for programs."""
    figures = {
        key: {"value": None, "reason": value} if isinstance(value, str) else {"value": value}
        for key, value in report.figures.items()
    }
    runs = [
        {"server": server, "body": body, "rounds": [_run_document(run) for run in found]}
        for (server, body), found in report.runs.items()
    ]
    rows = {key: {**asdict(ROWS[key]), **figure} for key, figure in figures.items()}
    return {"measured": when, "rows": rows, "runs": runs, "notes": report.notes}


def _run_document(run: Run | str) -> dict[str, Any]:
    return {"reason": run} if isinstance(run, str) else {**asdict(run), "rate": run.rate}


def _progress(text: str) -> None:
    print(f"  … {text}", file=sys.stderr, flush=True)


def measured(names: Iterable[str], plan: Plan) -> Report:
    """Make these measurements; one that cannot be made leaves its reason."""
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        for name, body in BODIES.items():
            Path(folder, f"{name}.json").write_text(json.dumps(body), "utf-8")
        for name in names:
            _progress(name)
            try:
                MEASURES[name](plan, report, Path(folder))
            except load.FAILURES as error:
                for key, row in ROWS.items():
                    if row.measure == name:
                        report.figures.setdefault(key, str(error))
    return report


def main() -> None:
    """Measure, print, and write what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round; says little")
    parser.add_argument(
        "--only", action="append", choices=MEASURES, help="make this measurement; may be repeated"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument(
        "--write", action="store_true", help="write docs/benchmarks.md and the README's section"
    )
    options = parser.parse_args()
    if options.write and (options.quick or options.only):
        parser.error("--write publishes a whole run: leave out --quick and --only")
    report = measured(options.only or MEASURES, QUICK if options.quick else Plan())
    when = conditions(report)
    _print(report, when)
    if options.json:
        options.json.write_text(json.dumps(document(report, when), indent=2) + "\n", "utf-8")
    if options.write:
        PAGE.write_text(page(report, when), "utf-8")
        README.write_text(with_section(README.read_text("utf-8"), report, when), "utf-8")


if __name__ == "__main__":
    main()
