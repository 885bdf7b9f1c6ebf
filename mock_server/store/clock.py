"""The clock of one account: the wall clock, set ahead or behind, or standing still."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class AccountClock:
    """A clock as a value. ``wall`` is the moment outside, an aware datetime, wherever it is asked.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    >>> clock = AccountClock().set_to(noon + timedelta(hours=1), noon)
    >>> clock.now(noon + timedelta(minutes=5)).isoformat()
    '2026-11-23T13:05:00+00:00'
    >>> clock.freeze(noon).now(noon + timedelta(minutes=5)).isoformat()
    '2026-11-23T13:00:00+00:00'
    """

    ahead: timedelta = timedelta()
    frozen_at: datetime | None = None
    """What it shows while it stands still."""

    def now(self, wall: datetime) -> datetime:
        """What it shows."""
        return self.frozen_at or wall + self.ahead

    def set_to(self, moment: datetime, wall: datetime) -> AccountClock:
        """The clock showing another moment, standing or running as before."""
        return AccountClock(moment - wall, moment if self.frozen_at else None)

    def freeze(self, wall: datetime) -> AccountClock:
        """The clock standing still."""
        return AccountClock(self.ahead, self.now(wall))

    def release(self, wall: datetime) -> AccountClock:
        """The clock running on from what it shows."""
        return AccountClock(self.now(wall) - wall)
