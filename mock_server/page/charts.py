"""Pictures as numbers that a template draws with: credit over time, calls, their outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from mock_server.store.entries import Accepted, Entry

WIDTH: Final = 720
HEIGHT: Final = 160


@dataclass(frozen=True, slots=True)
class Ledger:
    """The credit of an account over time: a line of steps in a box of `WIDTH` by `HEIGHT`."""

    line: str
    """The points of an SVG polyline."""
    lowest: Decimal
    highest: Decimal
    first: datetime
    last: datetime
    charges: tuple[tuple[float, float, int, Decimal, Decimal], ...]
    """Each charge: x, y, the id of its request, its cost, and what was left."""


def ledger(entries: Sequence[Entry]) -> Ledger | None:
    """The credit after each of these campaigns, oldest first; None without any."""
    charged = [
        (entry, entry.outcome)
        for entry in entries
        if isinstance(entry.outcome, Accepted) and not entry.outcome.simulated
    ]
    if not charged:
        return None
    first, last = charged[0][0].at, charged[-1][0].at
    before = charged[0][1].residual + charged[0][1].cost
    credits_ = [before, *(campaign.residual for _, campaign in charged)]
    low, high = min(credits_), max(credits_)
    seconds = (last - first).total_seconds() or 1.0
    span = high - low or Decimal(1)

    def y(credit: Decimal) -> float:
        return round(HEIGHT - 10 - float((credit - low) / span) * (HEIGHT - 20), 1)

    points = [f"0,{y(before)}"]
    charges = list[tuple[float, float, int, Decimal, Decimal]]()
    level = y(before)
    for entry, campaign in charged:
        # A little space before the first, so that its step is seen.
        x = round(20 + (entry.at - first).total_seconds() / seconds * (WIDTH - 40), 1)
        points += [f"{x},{level}", f"{x},{y(campaign.residual)}"]
        level = y(campaign.residual)
        charges.append((x, level, entry.id, campaign.cost, campaign.residual))
    points.append(f"{WIDTH},{level}")
    return Ledger(" ".join(points), low, high, first, last, tuple(charges))


@dataclass(frozen=True, slots=True)
class Share:
    """How many calls have one outcome, and its part of a bar from 0 to 100."""

    outcome: str
    count: int
    x: float
    width: float


def shares(counts: Mapping[str, int]) -> list[Share]:
    """The outcomes of calls, most frequent first, as parts of one bar."""
    whole, x, made = sum(counts.values()), 0.0, list[Share]()
    for outcome, count in sorted(counts.items(), key=lambda one: -one[1]):
        width = 100 * count / whole
        made.append(Share(outcome, count, round(x, 2), round(width, 2)))
        x += width
    return made


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a call's time, from 0 to 100 of the longest call that is shown."""

    name: str
    x: float
    width: float
    seconds: int


def timelines(documents: Sequence[Mapping[str, Any]], now: datetime) -> list[list[Stretch]]:
    """For each call how long it waited, rang and talked until now, on one scale."""
    parts = [_stretches(call, now) for call in documents]
    longest = max((sum(seconds for _, seconds in part) for part in parts), default=0) or 1
    made = list[list[Stretch]]()
    for part in parts:
        line, x = list[Stretch](), 0.0
        for name, seconds in part:
            width = 100 * seconds / longest
            line.append(Stretch(name, round(x, 2), round(width, 2), round(seconds)))
            x += width
        made.append(line)
    return made


def _stretches(call: Mapping[str, Any], now: datetime) -> list[tuple[str, float]]:
    names = ("queued", "ringing", "answered")
    moments = [
        datetime.fromisoformat(call[name]) if call[name] else None
        for name in ("due_at", "ringing_at", "answered_at", "ended_at")
    ]
    end = moments[3] or now
    found = list[tuple[str, float]]()
    for number, name in enumerate(names):
        begin = moments[number]
        if begin is None or begin > end:
            continue
        over = next((later for later in moments[number + 1 : 3] if later is not None), end)
        found.append((name, max(0.0, (over - begin).total_seconds())))
    return [(name, seconds) for name, seconds in found if seconds]
