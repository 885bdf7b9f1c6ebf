"""Campaigns that call somebody, and how phones behave, as values.

A campaign is kept, its calls are not: `core.calls` works each out from the campaign.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import cast

import msgspec

from mock_server.store.entries import Accepted, Entry


class Phone(msgspec.Struct, frozen=True):
    """How a phone behaves: of the shape PhoneSettings in ``openapi/twin.yaml``."""

    outcome: str = "answered"
    shares: dict[str, float] = msgspec.field(default_factory=dict)
    """Of every outcome the share of calls that end so; the others end as ``outcome`` states."""
    ring_seconds: float | None = None
    """How long it rings at the live pace; None as long as the contract states."""
    listening_seconds: float | None = None
    """None listens to the end."""
    keys: str = ""
    keys_after: float = 0
    """Seconds after the answer."""
    opts_out: bool = False


class Begun(msgspec.Struct, frozen=True):
    """What held of the account when the campaign was due: the calls depend on nothing later."""

    phones: Mapping[str, Phone] = MappingProxyType({})
    """By number, or by prefix with an asterisk."""
    seed: int = 0
    is_live: bool = False
    """Whether phones ring and people talk for as long as they would."""
    has_receiver: bool = False
    """Whether receipts are sent."""
    opt_outs: frozenset[str] = frozenset()
    """Who had opted out."""


class Move(msgspec.Struct, frozen=True):
    """What was done by hand in a call."""

    index: int
    """Which of the campaign's contacts was called."""
    action: str
    """``answer``, ``reject``, ``press`` or ``hang-up``."""
    at: datetime
    """By the account's clock."""
    keys: str = ""
    opts_out: bool = False


class Campaign(msgspec.Struct, frozen=True):
    """A campaign that was accepted and is not simulated."""

    entry: Entry
    begun: Begun | None = None
    """None until it is due."""
    moves: tuple[Move, ...] = ()
    receipts: frozenset[int] = frozenset()
    """Of which contacts somebody has taken on the receipt, by their place in the request."""
    opt_outs: frozenset[int] = frozenset()
    """Whose opting out in a call has become known to the account."""
    closed: bool = False
    """Whether nothing is left to be done."""

    @property
    def id(self) -> int:
        """That of its request."""
        return self.entry.id

    @property
    def accepted(self) -> Accepted:
        """The decision on it."""
        return cast("Accepted", self.entry.outcome)

    @property
    def due(self) -> datetime:
        """When it is sent, by the account's clock."""
        send_at = self.accepted.send_at
        return send_at or self.entry.at

    @property
    def contacts(self) -> int:
        """How many contacts it names, those who are left out among them."""
        return self.accepted.contacts + len(self.accepted.left_out)
