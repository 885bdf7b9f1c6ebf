"""What does the fixture ``voice_twin`` cost a suite in process? Start, stop, a send, the import.

A send of `VoiceClient` to the twin stands beside the same send to a canned answer of respx, both
measured in turns: the ratio is what to trust, because the machine and its other work move both.
What it costs on a port, and what a send of the generated client costs, peers.py prints.
Nothing here fails: a target that is missed is printed, not raised.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

import respx

import mock_server
from mock_server.testing.account import VoiceTwin
from voice_api.api.voice_campaign import send_voice_campaign
from voice_api.client import AuthenticatedClient
from voice_api.models import Contact, VoiceCampaign
from voice_client import VoiceClient

_STARTS: Final = 20
_IMPORTS: Final = 9
_SENDS: Final = 20
_TEXT: Final = "Your parcel waits at the counter until Friday."
_NUMBER: Final = "+33612345678"
_CANNED: Final = "http://127.0.0.1:8010"
_ACCEPTED: Final = {
    "ticket_number": "voice_5f44ebf9e47b7",
    "number_of_contacts": 1,
    "total_cost": 0.05,
    "estimated_duration": 30,
    "residual_credit": 149.95,
}
_IMPORT: Final = """
import time, pytest
start = time.perf_counter()
import mock_server.testing.pytest_plugin
print(time.perf_counter() - start)
"""

Send = Callable[[], object]


# ── start and stop ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Starts:
    """How long each took, in seconds: until the first account, one more account, and the end."""

    ready: list[float] = field(default_factory=list)
    accounts: list[float] = field(default_factory=list)
    stopped: list[float] = field(default_factory=list)


def starts(*, http: bool) -> Starts:
    """Start and stop a twin some times, on a port or in process."""
    found = Starts()
    for _ in range(_STARTS):
        start = time.perf_counter()
        with contextlib.ExitStack() as stack:
            twin = stack.enter_context(mock_server.running(http=http))
            found.ready.append(time.perf_counter() - start)
            found.accounts.append(_took(twin.another))
            found.stopped.append(_took(stack.close))
    return found


def _took(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


# ── one send ─────────────────────────────────────────────────────────────


def sends(name: str, seconds: float) -> tuple[list[float], list[float]]:
    """The same send to the twin in process and to a canned answer of respx, in turns.

    Args:
        name: which of `CLIENTS` sends.
        seconds: for how long, both together.

    Returns:
        The processor time of each in seconds.
    """
    sending = CLIENTS[name]
    with (
        mock_server.running(http=False) as twin,
        respx.mock as router,
        sending(twin.base_url, twin) as to_twin,
        sending(_CANNED, None) as to_respx,
    ):
        twin.set(credit="999999999")
        router.post(url__startswith=_CANNED).respond(201, json=_ACCEPTED)
        return _in_turns(to_twin, to_respx, router.calls.reset, seconds)


@contextlib.contextmanager
def _generated(base_url: str, twin: VoiceTwin | None) -> Iterator[Send]:
    campaign = VoiceCampaign(text=_TEXT, recipients=[Contact(_NUMBER)])
    with AuthenticatedClient(
        base_url=base_url,
        token="a-key",  # noqa: S106  (any key will do)
        prefix="",
        auth_header_name="api-key",
        headers={"api-login": "twin@example.com"},
        httpx_args={"transport": twin.transport} if twin else {},
    ) as client:
        yield lambda: send_voice_campaign.sync_detailed(client=client, body=campaign).parsed


@contextlib.contextmanager
def _voice_client(base_url: str, twin: VoiceTwin | None) -> Iterator[Send]:
    transport = twin.transport if twin else None
    with VoiceClient("twin@example.com", "a-key", base_url=base_url, transport=transport) as client:
        yield lambda: client.send(_TEXT, [_NUMBER])


CLIENTS: Final = {"generated client": _generated, "VoiceClient": _voice_client}


def _in_turns(
    one: Send, other: Send, clear: Callable[[], object], seconds: float
) -> tuple[list[float], list[float]]:
    took = list[float](), list[float]()
    for send in (one, other):
        average(send)
    gc.collect()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for send, times in zip((one, other), took, strict=True):
            times.append(average(send))
        # respx keeps every call; a test would have few.
        clear()
    return took


def average(send: Send) -> float:
    """The processor time of one call in seconds, on the average of a few."""
    start = time.process_time()
    for _ in range(_SENDS):
        send()
    return (time.process_time() - start) / _SENDS


# ── the import ─────────────────────────────────────────────────────────────


def imports() -> None:
    """What the plugin adds to pytest where no test uses it."""
    alone = [float(_output(sys.executable, "-c", _IMPORT)) for _ in range(_IMPORTS)]
    _line("import of the plugin, after pytest's", _milliseconds(alone), "50 ms", most=50)
    collect = (sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")
    with_it, without = list[float](), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing():\n    pass\n", "utf-8")
        for _ in range(_IMPORTS):
            with_it.append(_took(lambda: _output(*collect, folder)))
            without.append(_took(lambda: _output(*collect, "-p", "no:voice_twin", folder)))
    _line("pytest --collect-only, with the plugin", _milliseconds(with_it))
    _line("pytest --collect-only, without it", _milliseconds(without))
    added = 1000 * (median(with_it) - median(without))
    _line("what it adds", f"{added:.1f} ms", "50 ms", most=50)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# ── the table ─────────────────────────────────────────────────────────────


def _milliseconds(times: list[float]) -> str:
    return f"{1000 * median(times):.2f} ms"


def _line(name: str, value: str, target: str = "", *, most: float | None = None) -> None:
    met = "" if most is None else "met" if float(value.split(maxsplit=1)[0]) <= most else "MISSED"
    told = f"  {target}: {met}" if met else ""
    print(f"{name:<45} {value:>12}{told}", flush=True)


def main() -> None:
    """Measure each and print a line for it as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2, help="for the sends (default: 2)")
    seconds: float = parser.parse_args().seconds
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs; medians")
    found = starts(http=False)
    _line("ready", _milliseconds(found.ready), "100 ms", most=100)
    _line("one more account", _milliseconds(found.accounts))
    _line("stop", _milliseconds(found.stopped), "50 ms", most=50)
    ours, canned = sends("VoiceClient", seconds)
    _line("send, to the twin", _milliseconds(ours))
    _line("send, to respx", _milliseconds(canned))
    _line("send, twin to respx", f"{median(ours) / median(canned):.2f} x", "2 x", most=2)
    imports()


if __name__ == "__main__":
    main()
