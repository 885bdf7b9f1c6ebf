"""What does reading cost? The bytes of a body to a Reading, in process and without a server.

Times are those of the processor, so that waiting for it does not count; still they move with the
machine and its other work. The ratio to ``json.loads`` of the same bytes is what to trust, because
both were measured in turns. Nothing here fails: a target that is missed is printed, not raised.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from statistics import median
from typing import Any, Final

import payloads
from mock_server import casts
from mock_server.contract import loader
from mock_server.reading.coercion import Reading, read
from mock_server.reading.decoding import LARGEST_BODY, Unreadable, decode

CONTACTS: Final = 500
# A sample takes at least so long, so that the clock's own steps do not count.
_SAMPLE_SECONDS: Final = 0.002
_FEWEST_SAMPLES: Final = 7
# As many contacts as the contract takes, or the list would be refused at one look.
_NESTED_ITEMS: Final = 1_000
# With the object, the list of contacts and the contact around them, 64: the deepest that is read.
_NESTED_DEPTH: Final = 61


@dataclass(frozen=True, slots=True)
class Body:
    """One body to read, with the most milliseconds its best reading may take."""

    name: str
    raw: bytes
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one body, in milliseconds."""

    body: Body
    notes: int
    result: str
    best: float
    median: float
    times_json: float


# ── bodies ─────────────────────────────────────────────────────────────


def bodies() -> list[Body]:
    """The bodies to read; every number is a valid one of its country, but for the unmendable."""
    national = [f"06 12 {n // 10_000:02d} {n // 100 % 100:02d} {n % 100:02d}" for n in _numbers()]
    return [
        Body("1 recipient, valid", _dumped(_campaign(_valid()[:1]))),
        Body("500 recipients, valid", _dumped(_campaign(_valid())), target=1),
        Body("500 recipients, wholly broken", _dumped(payloads.broken(national)), target=15),
        Body("500 bare texts with 00", _dumped(_campaign([f"0033612{n:06d}" for n in _numbers()]))),
        Body("500 unmendable", _dumped(_campaign(["hello"] * CONTACTS))),
        Body("500 without plus, 4 countries", _dumped(_campaign(_abroad()))),
        Body("1 MiB of unknown names", _unknown_names()),
        Body("1 MiB of nested lists", _nested_lists()),
    ]


def _numbers() -> range:
    return range(CONTACTS)


def _valid() -> list[dict[str, str]]:
    return [{"phone_number": f"+33612{n:06d}"} for n in _numbers()]


def _abroad() -> list[str]:
    """Numbers of countries that share their calling code: only the library's full parse tells."""
    starts = ("12015550", "447400123", "393123450", "79123450")
    return [f"{start}{n:03d}" for n, start in zip(_numbers(), cycle(starts), strict=False)]


def _campaign(recipients: Sequence[object]) -> dict[str, Any]:
    return {"text": payloads.TEXT, "recipients": recipients}


def _unknown_names() -> bytes:
    count = (LARGEST_BODY - len("{}")) // len('"p000000":0,')
    return ("{" + ",".join(f'"p{n:06d}":0' for n in range(count)) + "}").encode()


def _nested_lists() -> bytes:
    lists = "[" * _NESTED_DEPTH + "]" * _NESTED_DEPTH
    around = _dumped(_campaign([]))
    count = (LARGEST_BODY - len(around) - _NESTED_ITEMS * len("[],")) // (len(lists) + len(","))
    contacts = ([lists] * len(range(n, count, _NESTED_ITEMS)) for n in range(_NESTED_ITEMS))
    items = ",".join(f"[{','.join(contact)}]" for contact in contacts)
    return around.replace(b"[]", f"[{items}]".encode())


def _dumped(value: object) -> bytes:
    return json.dumps(value).encode()


# ── measuring ─────────────────────────────────────────────────────────────


def measure(body: Body, reading: Callable[[bytes], Reading | Unreadable], seconds: float) -> Row:
    """Read one body for about so many seconds, and ``json.loads`` it as often, in turns.

    The garbage collector runs as it does in a server, for notes are many small objects; but what
    was there before it started is frozen, so that it is not looked through again and again.
    """
    read_it, load_it = partial(reading, body.raw), partial(json.loads, body.raw)
    outcome = read_it()
    load_it()
    loops = max(1, int(_SAMPLE_SECONDS / _timed(read_it, 1)))
    json_loops = max(1, int(_SAMPLE_SECONDS / _timed(load_it, 1)))
    gc.collect()
    gc.freeze()
    took, json_took = list[float](), list[float]()
    end = time.perf_counter() + seconds
    while len(took) < _FEWEST_SAMPLES or time.perf_counter() < end:
        took.append(_timed(read_it, loops))
        json_took.append(_timed(load_it, json_loops))
    gc.unfreeze()
    return Row(
        body=body,
        notes=0 if isinstance(outcome, Unreadable) else len(outcome.notes),
        result=_result(outcome),
        best=1000 * min(took),
        median=1000 * median(took),
        times_json=median(took) / median(json_took),
    )


def _timed(function: Callable[[], object], loops: int) -> float:
    """The processor time of one call in seconds, on the average of so many."""
    start = time.process_time()
    for _ in range(loops):
        function()
    return (time.process_time() - start) / loops


def _result(outcome: Reading | Unreadable) -> str:
    if isinstance(outcome, Unreadable):
        return "unreadable"
    return "refused" if outcome.violations else f"{len(outcome.value['recipients'])} kept"


def reader() -> Callable[[bytes], Reading | Unreadable]:
    """The twin's own way from bytes to a Reading, without the twin."""
    loaded, table = loader.load(), casts.table("FR")

    def from_bytes(raw: bytes) -> Reading | Unreadable:
        decoded = decode(raw, "application/json", loaded.media_type)
        if isinstance(decoded, Unreadable):
            return decoded
        return read(loaded, decoded.value, table, decoded.warnings)

    return from_bytes


# ── the table ─────────────────────────────────────────────────────────────


def _line(row: Row) -> str:
    target = row.body.target
    met = "" if target is None else f"{target:g} ms: {'met' if row.best <= target else 'MISSED'}"
    return (
        f"{row.body.name:<30} {len(row.body.raw):>9,} {row.notes:>7,} {row.result:>10}"
        f" {row.best:>9.3f} {row.median:>9.3f} {row.times_json:>9.1f}  {met}"
    ).rstrip()


def main() -> None:
    """Measure every body and print a line for each as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2, help="for each body (default: 2)")
    seconds: float = parser.parse_args().seconds
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs; processor time in ms")
    print(
        f"{'body':<30} {'bytes':>9} {'notes':>7} {'result':>10}"
        f" {'best':>9} {'median':>9} {'x json':>9}  target (best)"
    )
    reading = reader()
    for body in bodies():
        print(_line(measure(body, reading, seconds)), flush=True)
    print("x json: the median beside that of json.loads of the same bytes, measured in turns.")


if __name__ == "__main__":
    main()
