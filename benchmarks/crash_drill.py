"""Is everybody called once, however often the sender is killed?

Each campaign is sent by a process of its own, to a twin that breaks off before and after it has
taken a request, and garbles answers. The process is killed (SIGKILL) at moments of its progress,
and started again until it ends by itself. Then the twin's own inbox is held against the list of
recipients; the sender's word counts only where it says that it does not know.

A sender that keeps no journal, and just starts again, shows what this check is able to find.
Everything is drawn from fixed seeds, but how far a sender has come when it dies differs from run to
run. Nothing here fails: a promise that is broken is printed. For Linux and macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

import mock_server
from mock_server.testing.account import VoiceTwin

CAMPAIGNS: Final = 12
RECIPIENTS: Final = 6_000
FRAME: Final = 200
_MOST_KILLS: Final = 2
# A sender that has been started so often goes round in circles.
_MOST_STARTS: Final = 60
# Seconds.
_LOOK_AGAIN: Final = 0.001
_WAIT: Final = 0.02
_LATER: Final = 0.004
_PAGE: Final = 1_000
_CREDIT: Final = "1000000"
_DONE: Final = {"sent", "already sent"}

FAULTS: Final = (
    {"fault": "status", "status": 503, "probability": 0.04},
    {"fault": "reset", "probability": 0.04},
    {"fault": "drop_after_commit", "probability": 0.08},
    {"fault": "garble", "probability": 0.04},
)
"""Two before the campaign is taken, one after, and an answer that nobody can read."""

_SENDER: Final = """
import json, sys
from pathlib import Path
from voice_client import Retries, VoiceClient

login, key, base_url, numbers, journal, frame, request_ids = json.loads(sys.argv[1])
kept = {"journal": Path(journal), "resume": Path(journal).exists()} if journal else {}
retries = Retries(first=0.01, longest=0.05)
with VoiceClient(login, key, base_url=base_url, retries=retries) as client:
    summary = client.send_campaign(
        "Your parcel is here.",
        Path(numbers),
        largest_frame=frame,
        request_ids=request_ids,
        **kept,
    )
problems = [(one.number, one.first, one.size, one.state) for one in summary.problems]
print(json.dumps({"sent": summary.sent, "problems": problems}))
"""


# ── what is promised ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Mode:
    """How a campaign is sent."""

    name: str
    journal: bool = True
    request_ids: bool = False


MARKED: Final = Mode("journal, request_ids", request_ids=True)
UNMARKED: Final = Mode("journal alone")
NAIVE: Final = Mode("just starts again", journal=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What became of the recipients of some campaigns, and of the processes that sent them.

    ``lost``: not called, and nobody says so. ``doubled``: called more than once. ``in_doubt``: in a
    frame that the sender says it does not know of, or has not sent; ``rang`` of them were called.
    ``strangers``: called, and not in the list. ``disputed``: the sender's summary and its journal
    do not say the same.
    """

    recipients: int = 0
    starts: int = 0
    kills: int = 0
    faults: int = 0
    repeats: int = 0
    lost: int = 0
    doubled: int = 0
    in_doubt: int = 0
    rang: int = 0
    strangers: int = 0
    disputed: int = 0

    def __add__(self, other: Found) -> Found:
        return Found(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def keeps(self, mode: Mode) -> bool:
        """Whether it is what is promised of a mode."""
        broken = self.lost or self.doubled or self.strangers or self.disputed
        return not broken and not (mode.request_ids and self.in_doubt)


def judged(
    recipients: Iterable[str], calls: Mapping[str, int], doubtful: Iterable[set[str]]
) -> Found:
    """The recipients held against the calls.

    Args:
        recipients: everybody who is to be called.
        calls: how often each number was called, by the twin's inbox.
        doubtful: who stands in a frame that the sender does not call sent, by its summary and, if
            it has one, by its journal.
    """
    everybody, (said, *others) = set(recipients), [*doubtful]
    admitted = said.intersection(*others)
    return Found(
        recipients=len(everybody),
        lost=len(everybody - calls.keys() - admitted),
        doubled=sum(count > 1 for count in calls.values()),
        in_doubt=len(admitted),
        rang=len(admitted & calls.keys()),
        strangers=len(calls.keys() - everybody),
        disputed=len(said.union(*others) - admitted),
    )


# ── one campaign ─────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Drill:
    """One campaign: so many recipients in frames of one size, and how often its sender dies."""

    mode: Mode
    seed: int
    recipients: int = RECIPIENTS
    frame: int = FRAME
    kills: int = 1
    numbers: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.recipients % self.frame:
            raise ValueError("frames of different sizes: nobody could tell who stands in which")
        numbers = (f"+336{index:08}" for index in range(self.recipients))
        object.__setattr__(self, "numbers", tuple(numbers))

    def run(self, twin: VoiceTwin, folder: Path) -> Found:
        """Send it to a new account of the twin, which is forgotten afterwards."""
        account = twin.another(f"{folder.name}-{self.seed}@example.com")
        try:
            account.set(credit=_CREDIT)
            with httpx.Client(base_url=twin.base_url, trust_env=False) as control:
                plan = {"seed": self.seed, "faults": FAULTS}
                path = f"/_twin/accounts/{quote(account.login)}/faults"
                control.put(path, json=plan).raise_for_status()
                sender = _Sender(self, account, control, folder)
                said = sender.sent()
            arrived = account.requests
            calls = Counter(
                number for message in arrived if message.is_sent for number in message.numbers
            )
            doubtful = [self._by_summary(said["problems"])]
            if self.mode.journal:
                doubtful.append(self._by_journal(sender.journal))
            found = judged(self.numbers, calls, doubtful)
            disputed = found.disputed + abs(said["sent"] + len(doubtful[0]) - self.recipients)
            return found + Found(
                starts=sender.starts,
                kills=sender.kills,
                faults=account.faults.met,
                repeats=sum(_is_repeat(message.document) for message in arrived),
                disputed=disputed - found.disputed,
            )
        finally:
            account.forget()

    def _by_summary(self, problems: Iterable[tuple[int, int, int, str]]) -> set[str]:
        return {
            number
            for _, first, size, _ in problems
            for number in self.numbers[first : first + size]
        }

    def _by_journal(self, journal: Path) -> set[str]:
        _, *steps = map(json.loads, journal.read_bytes().splitlines())
        done = {step["frame"]: step["state"] in _DONE for step in steps}
        return {
            number
            for index, number in enumerate(self.numbers)
            if not done.get(index // self.frame, False)
        }


def _is_repeat(document: Mapping[str, Any]) -> bool:
    """Whether the twin has refused a request because it knew its ``request_id``."""
    answer: Mapping[str, Any] = document["answer"]["body"]
    return document["verdict"] == "refused" and "request_id" in answer.get("errors", ())


class _Sender:
    """The process that sends a campaign, and the one that is started when it is dead."""

    def __init__(
        self, drill: Drill, account: VoiceTwin, control: httpx.Client, folder: Path
    ) -> None:
        self.journal = folder / f"{drill.seed}.journal"
        self.starts = 0
        self.kills = 0
        self._drill = drill
        self._account = account
        self._control = control
        self._latest = 0
        self._entries = 0
        self._dice = random.Random(drill.seed)  # noqa: S311  (no secret)
        numbers = folder / f"{drill.seed}.csv"
        numbers.write_text("\n".join(("phone_number", *drill.numbers)), "utf-8")
        settings = [
            account.login,
            account.key,
            account.base_url,
            str(numbers),
            str(self.journal) if drill.mode.journal else None,
            drill.frame,
            drill.mode.request_ids,
        ]
        self._command = [sys.executable, "-c", _SENDER, json.dumps(settings)]
        # What is killed while it writes down what it covered would leave half a file.
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
        }

    def sent(self) -> dict[str, Any]:
        """Start it until it ends by itself and has nothing left to do; what it says then."""
        while self.starts < _MOST_STARTS:
            said = self._start()
            if said is not None and self._is_over(said):
                return said
        raise RuntimeError(f"after {self.starts} starts it has not ended")

    def _is_over(self, said: Mapping[str, Any]) -> bool:
        if not self._drill.mode.journal:
            return True
        left = {state for _, _, _, state in said["problems"]}
        return not left if self._drill.mode.request_ids else left <= {"unknown"}

    def _start(self) -> dict[str, Any] | None:
        self.starts += 1
        with subprocess.Popen(
            self._command, stdout=subprocess.PIPE, text=True, env=self._environment
        ) as process:
            try:
                if self.kills < self._drill.kills:
                    self._kill(process)
                said, _ = process.communicate()
            finally:
                process.kill()
        if process.returncode == -signal.SIGKILL:
            self.kills += 1
            return None
        if process.returncode:
            raise RuntimeError(f"the sender ended with {process.returncode}")
        answer: dict[str, Any] = json.loads(said)
        return answer

    def _kill(self, process: subprocess.Popen[str]) -> None:
        """Kill it when it has come so far, unless it ends before."""
        # One kill in each part of the way, and the last part is left for the end.
        part = self._drill.recipients // self._drill.frame / (self._drill.kills + 1)
        steps = part * (self.kills + self._dice.random())
        seen: Callable[[], int] = self._arrived
        if self._drill.mode.journal and self._dice.getrandbits(1):
            # Two for each frame.
            seen, steps = self._written, 2 * steps
        until = max(steps, seen() + 1)
        later = self._dice.uniform(0, _LATER)
        while process.poll() is None:
            if seen() >= until:
                time.sleep(later)
                process.kill()
                return
            time.sleep(_LOOK_AGAIN)

    def _arrived(self) -> int:
        """The requests in the inbox until now."""
        asked: dict[str, str | float] = {"login": self._account.login, "since": self._latest}
        asked |= {"limit": _PAGE, "wait": _WAIT}
        rows = self._control.get("/_twin/requests", params=asked).json()["requests"]
        if rows:
            self._latest = rows[-1]["id"]
            self._entries += len(rows)
        return self._entries

    def _written(self) -> int:
        """The lines in the journal until now."""
        return self.journal.read_bytes().count(b"\n") if self.journal.exists() else 0


# ── the table ─────────────────────────────────────────────────────────────


def _tell(progress: str) -> None:
    print(f"  … {progress}", file=sys.stderr, flush=True)


def drilled(mode: Mode, campaigns: int) -> Found:
    """So many campaigns, each from a seed of its own."""
    found = Found()
    with mock_server.running() as twin, tempfile.TemporaryDirectory() as folder:
        for seed in range(campaigns):
            drill = Drill(mode, seed, kills=1 + seed % _MOST_KILLS)
            found += drill.run(twin, Path(folder))
            _tell(f"{mode.name}: {seed + 1} of {campaigns} campaigns, {found.kills} kills")
    return found


def main() -> None:
    """Send the campaigns in each mode, and print a line for it as soon as it is known."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--campaigns", type=int, default=CAMPAIGNS, metavar="N", help="in each mode"
    )
    campaigns: int = parser.parse_args().campaigns
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs")
    print(f"In each mode {campaigns} campaigns of {RECIPIENTS:,} recipients in frames of {FRAME}.")
    names = ("kills", "faults", "repeats", "lost", "doubled", "in doubt", "rang")
    print(f"{'':<22}" + "".join(f"{name:>10}" for name in names) + "  promise")
    for mode in (MARKED, UNMARKED, NAIVE):
        found = drilled(mode, campaigns)
        values = (getattr(found, name.replace(" ", "_")) for name in names)
        kept = "kept" if found.keeps(mode) else "BROKEN"
        told = "none is made" if mode is NAIVE else kept
        line = "".join(f"{value:>10,}" for value in values)
        print(f"{mode.name:<22}{line}  {told}", flush=True)
    print("repeats: requests that the twin refused, because it knew their request_id.")
    print("lost, doubled, in doubt: recipients. rang: those in doubt who were called.")


if __name__ == "__main__":
    main()
