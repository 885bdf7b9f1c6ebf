"""What does `send_campaign` cost? A million recipients, beside a bare loop that posts them.

The loop has one ``httpx.Client`` and 2,000 bodies of 500 contacts that were made before its time
began; it checks nothing, keeps nothing and knows nothing afterwards. The campaign gets the numbers
from a generator: it normalises, checks and counts them, cuts frames, and keeps a journal on the
disk. Both talk to one small server, which reads each request to its end and gives a constant
answer at once. A real one takes its time (``--answer-after 0.005``), in which a campaign sends
other frames.

Each is a process of its own, and they take turns; what to trust is the ratio, because the machine
and its other work move both. Nothing here fails: a target that is missed is printed, not raised.
For Linux and macOS.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from voice_api import meta
from voice_client import VoiceClient

RECIPIENTS: Final = 1_000_000
ROUNDS: Final = 3
_FRAME: Final = meta.LARGEST_FRAME
_CONCURRENCY: Final = (1, 4, 8)
# What a campaign has if nobody says otherwise.
_USUAL: Final = 4
_FIRST: Final = 33_600_000_000
_TEXT: Final = "Your parcel waits at the counter until Friday."
_PATH: Final = "/v1/public/voice-campaign/send"
_LOGIN: Final = "ada@example.com"
_KEY: Final = "a-key"
_ACCEPTED: Final = {
    "ticket_number": "voice_5f44ebf9e47b7",
    "number_of_contacts": _FRAME,
    "total_cost": 25.0,
    "estimated_duration": 30,
    "residual_credit": 150_000_000.0,
}
_MOST_TIMES: Final = 1.3
_MOST_MB: Final = 150.0
_MB: Final = 1_000_000
# Kilobytes, but on macOS bytes.
_RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024


# ── the server ─────────────────────────────────────────────────────────────


class _Connection(asyncio.Protocol):
    """Reads requests that have a Content-Length, one after the other, and accepts each.

    Args:
        delay: how many seconds after its last byte.
    """

    _body: Final = json.dumps(_ACCEPTED).encode()
    _answer: Final = (
        b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    ) % (len(_body), _body)

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._head = b""
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers leave by."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  (tells mypy)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer if this was the last of a request."""
        if self._left:
            self._left -= len(data)
        else:
            self._head += data
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            _, _, length = head.lower().partition(b"content-length:")
            self._left = int(length.split(b"\r\n", 1)[0]) - len(body)
            self._head = b""
        if self._left:
            return
        if self._delay:
            loop = asyncio.get_running_loop()
            loop.call_later(self._delay, self._transport.write, self._answer)
        else:
            self._transport.write(self._answer)


async def _serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(delay), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


@contextmanager
def _serving(delay: float) -> Iterator[str]:
    """The server in a process of its own, as long as it is needed; its address."""
    command = [sys.executable, __file__, "--as", "server", str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.kill()


# ── who sends ─────────────────────────────────────────────────────────────


def _loop(base_url: str, recipients: int, _: int) -> dict[str, float]:
    bodies = [_body(range(first, first + _FRAME)) for first in range(0, recipients, _FRAME)]
    url = base_url + _PATH
    headers = {"api-login": _LOGIN, "api-key": _KEY, "Content-Type": "application/json"}
    with httpx.Client(headers=headers, trust_env=False) as client:
        start, used = time.perf_counter(), time.process_time()
        for body in bodies:
            client.post(url, content=body).raise_for_status()
        return {
            "seconds": time.perf_counter() - start,
            "processor": time.process_time() - used,
        }


def _body(indexes: range) -> bytes:
    contacts = [{"phone_number": f"+{_FIRST + index}"} for index in indexes]
    return json.dumps({"text": _TEXT, "recipients": contacts}, separators=(",", ":")).encode()


def _unwritten(base_url: str, recipients: int, concurrency: int) -> dict[str, float]:
    return _campaign(base_url, recipients, concurrency, keep=False)


def _campaign(
    base_url: str, recipients: int, concurrency: int, *, keep: bool = True
) -> dict[str, float]:
    read_at, on_disk = 0.0, 0.0

    def numbers() -> Iterator[str]:
        nonlocal read_at
        for number in range(_FIRST, _FIRST + recipients):
            yield f"+{number}"
        read_at = time.perf_counter()

    def fsync(file: int, real: Callable[[int], None] = os.fsync) -> None:
        nonlocal on_disk
        begin = time.perf_counter()
        real(file)
        on_disk += time.perf_counter() - begin

    os.fsync = fsync  # type: ignore[assignment]
    with (
        tempfile.TemporaryDirectory() as folder,
        VoiceClient(_LOGIN, _KEY, base_url=base_url) as client,
    ):
        journal = Path(folder, "journal") if keep else None
        start, used = time.perf_counter(), time.process_time()
        summary = client.send_campaign(
            _TEXT, numbers(), journal=journal, largest_frame=_FRAME, concurrency=concurrency
        )
        end, used = time.perf_counter(), time.process_time() - used
    if summary.sent != recipients:
        sys.exit(f"sent to {summary.sent} of {recipients}: {summary.stopped}")
    return {
        "seconds": end - start,
        "processor": used,
        "reading": read_at - start,
        "disk": on_disk,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT / _MB,
    }


_SENDERS: Final[dict[str, Callable[[str, int, int], dict[str, float]]]] = {
    "loop": _loop,
    "campaign": _campaign,
    "unwritten": _unwritten,
}


def _run(name: str, base_url: str, recipients: int, concurrency: int) -> dict[str, float]:
    """One of them in a process of its own; what it measured."""
    settings = (base_url, str(recipients), str(concurrency))
    command = [sys.executable, __file__, "--as", name, *settings]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(run.stdout)
    return found


# ── the table ─────────────────────────────────────────────────────────────


def measure(base_url: str, recipients: int, rounds: int) -> None:
    """Let them take turns, and print what that came to."""
    loops = list[dict[str, float]]()
    campaigns = {concurrency: list[dict[str, float]]() for concurrency in _CONCURRENCY}
    unwritten = list[dict[str, float]]()
    for number in range(rounds):
        _tell(f"round {number + 1} of {rounds}")
        loops.append(_run("loop", base_url, recipients, 1))
        for concurrency, found in campaigns.items():
            found.append(_run("campaign", base_url, recipients, concurrency))
        unwritten.append(_run("unwritten", base_url, recipients, _USUAL))
    names = ("seconds", "processor", "reading", "disk", "megabytes")
    print(f"{'':<27}" + "".join(f"{name:>11}" for name in names) + f"{'ratio':>8}")
    print(f"{'bare loop of httpx':<27}" + _line(loops, names[:2]))
    rows = {f"send_campaign, {count} at once": found for count, found in campaigns.items()}
    for name, found in (*rows.items(), (f"without journal, {_USUAL} at once", unwritten)):
        ratio = _median(found, "seconds") / _median(loops, "seconds")
        print(f"{name:<27}{_line(found, names)}{ratio:>8.2f}")
    usual = campaigns[_USUAL]
    ratio = _median(usual, "seconds") / _median(loops, "seconds")
    _target(f"time, {_USUAL} at once, by the loop's", ratio, _MOST_TIMES, "x")
    megabytes = max(one["megabytes"] for one in usual)
    _target(f"peak memory, {_USUAL} at once", megabytes, _MOST_MB, "MB")
    print("reading: until the last number was read and checked, in seconds. disk: how long the")
    print("journal waited for it, in seconds, while other frames were on their way.")


def _median(found: list[dict[str, float]], name: str) -> float:
    return median(one[name] for one in found)


def _line(found: list[dict[str, float]], names: tuple[str, ...]) -> str:
    return "".join(f"{_median(found, name):>11.2f}" for name in names)


def _target(name: str, value: float, most: float, unit: str) -> None:
    met = "met" if value <= most else "MISSED"
    print(f"{name}: {value:.2f} {unit}; at most {most:g} {unit}: {met}")


def _tell(progress: str) -> None:
    print(f"  … {progress}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure, and print a table; or be one of the processes that this takes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipients", type=int, default=RECIPIENTS, metavar="N")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--answer-after", type=float, default=0, metavar="SECONDS")
    parser.add_argument("--as", dest="name", choices=("server", *_SENDERS), help=argparse.SUPPRESS)
    parser.add_argument("settings", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.name == "server":
        asyncio.run(_serve(float(options.settings[0])))
    elif options.name:
        base_url, recipients, concurrency = options.settings
        print(json.dumps(_SENDERS[options.name](base_url, int(recipients), int(concurrency))))
    else:
        print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs; medians")
        print(f"{options.recipients:,} recipients in frames of {_FRAME}")
        with _serving(options.answer_after) as base_url:
            measure(base_url, options.recipients, options.rounds)


if __name__ == "__main__":
    main()
