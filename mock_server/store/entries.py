"""What arrived and how it was decided, as values: the inbox keeps these."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from mock_server.contract.model import FieldError, Tariff
from mock_server.reading.coercion import Kind, Note
from mock_server.reading.decoding import Reason

_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Request(msgspec.Struct, frozen=True):
    """What arrived.

    Header names are in lower case, and the values of one that was sent again are joined by a
    comma. ``body`` has at most one byte more than the twin reads.
    ``query`` is that of the URL, as it was sent.
    """

    method: str
    path: str
    headers: Mapping[str, str] = _NO_HEADERS
    body: bytes = b""
    complete: bool = True
    """Whether the body is as long as the Content-Length stated."""
    query: str = ""

    @property
    def content_type(self) -> str:
        """The Content-Type header, empty where there is none."""
        return self.headers.get("content-type", "")


class Accepted(msgspec.Struct, frozen=True):
    """A campaign that is sent, or simulated. Money in euros, duration in seconds of one call."""

    ticket: str
    contacts: int
    cost: Decimal
    duration: int
    residual: Decimal
    simulated: bool
    send_at: datetime | None = None
    """When it is sent, if not at once."""
    request_id: str | None = None
    advice: tuple[Note, ...] = ()
    left_out: tuple[str, ...] = ()
    """The numbers that are not called, because they opted out; as often as they were named."""
    tariff: Tariff | None = None
    """What it cost the account, if not what campaigns cost everyone."""

    def state(self, now: datetime) -> str:
        """Whether it is ``sent``, ``scheduled`` or ``simulated`` at a moment."""
        if self.simulated:
            return "simulated"
        return "scheduled" if self.send_at is not None and self.send_at > now else "sent"

    def document(self) -> dict[str, Any]:
        """The campaign as the control plane shows it; money as decimal text."""
        return {
            "ticket_number": self.ticket,
            "number_of_contacts": self.contacts,
            "total_cost": str(self.cost),
            "estimated_duration": self.duration,
            "residual_credit": str(self.residual),
            "simulated": self.simulated,
            "send_at": self.send_at.isoformat() if self.send_at else None,
            "request_id": self.request_id,
        }


class Refused(msgspec.Struct, frozen=True):
    """A request that is not sent: its answer's name in the catalogue, the parameters at fault."""

    answer: str
    errors: Mapping[str, FieldError] = MappingProxyType({})
    sign_in: Reason | None = None
    """Why nobody is signed in, if that is so."""


Outcome: TypeAlias = Accepted | Refused


class Injected(Protocol):
    """What fault injection did to a request (`core.injection.Injection`)."""

    def document(self) -> dict[str, Any]:
        """What the inbox shows."""


class Tally(msgspec.Struct, frozen=True):
    """How many notes a request drew, and what they are about: enough to find it in the inbox."""

    repairs: int = 0
    """Notes that strict mode refuses: the value of ``Twin-Notes``."""
    advice: int = 0
    """The value of ``Twin-Advice``."""
    high_stakes: int = 0
    rules: frozenset[str] = frozenset()
    fields: frozenset[str] | None = frozenset()
    """Top-level parameters with a note or a violation; None where there are too many to keep."""

    @classmethod
    def of(cls, notes: tuple[Note, ...], violations: tuple[Any, ...]) -> Tally:
        """The tally of these notes, and of the `reading.coercion.Violation` beside them."""
        if not notes and not violations:
            return NOTHING_NOTED
        advice = high_stakes = 0
        rules, fields = set[str](), {violation.field for violation in violations}
        for note in notes:
            advice += note.kind is Kind.ADVICE
            high_stakes += note.high_stakes
            rules.add(note.rule.name)
            fields.add(note.field)
        kept = frozenset(fields) if len(fields) <= _MOST_FIELDS else None
        return cls(len(notes) - advice, advice, high_stakes, frozenset(rules), kept)


# A body of 1 MiB can have a hundred thousand unknown names; the contract has 14.
_MOST_FIELDS: Final = 64
NOTHING_NOTED: Final = Tally()


class Entry(msgspec.Struct, frozen=True):
    """One request to the imitated API, and what cannot be worked out again: moment and decision.

    The reading and its notes are: the same request gives the same reading (`core.inbox`).
    """

    at: datetime
    login: str
    """The ``api-login`` that was sent, known or not."""
    request: Request
    """Its headers are those that the reading depends on: so no key is kept."""
    outcome: Outcome | None
    """None where an injected fault stands in the API's place."""
    strict: bool = False
    region: str | None = None
    """Where national numbers belonged; None where the body was not read."""
    tally: Tally = NOTHING_NOTED
    injected: Injected | None = None
    id: int = 0

    @property
    def verdict(self) -> str:
        """Whether the API would send: ``accepted``, ``refused``, or ``injected`` if unasked."""
        if self.outcome is None:
            return "injected"
        return "accepted" if isinstance(self.outcome, Accepted) else "refused"

    @property
    def calls(self) -> bool:
        """Whether phones ring for it."""
        return isinstance(self.outcome, Accepted) and not self.outcome.simulated

    @property
    def campaign(self) -> Accepted | None:
        """What is sent, if anything is."""
        return self.outcome if isinstance(self.outcome, Accepted) else None

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return _SIZE + len(self.request.body) + len(self.request.path)


# Measured with tracemalloc over 10,000 entries of a small body.
_SIZE: Final = 1_000
