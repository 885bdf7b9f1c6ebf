"""What the provider decides: cost, duration, ticket, credit, simulation, repeats.

Everything that changes from call to call is handed in: the moment, the tickets, the tariff, the
account's state.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias

from mock_server.fields import Contract, FieldError, Terms
from mock_server.reading import Kind, Note, Reading
from mock_server.values import Json

Clock: TypeAlias = Callable[[], datetime]
Tickets: TypeAlias = Callable[[str, int, str], str]


@dataclass(frozen=True, slots=True)
class State:
    """What the provider knows of an account at the moment of a request."""

    credit: Decimal
    issued: int = 0
    """How many tickets the account has had."""
    request_id_used: datetime | None = None
    """When this request's ``request_id`` was last used."""
    opt_outs: frozenset[str] = frozenset()
    """Numbers whose owners do not want to be called."""
    tariff: Tariff | None = None
    """What campaigns cost this account, if not what they cost everyone."""


@dataclass(frozen=True, slots=True)
class Accepted:
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


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is not sent: its answer's name in the catalogue, the parameters at fault."""

    answer: str
    errors: Mapping[str, FieldError] = field(default_factory=dict)


Outcome: TypeAlias = Accepted | Refused

PAYLOAD: Final = "unsupported-language"
"""The answer whose shape every payload error takes: the seed's own example."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a campaign costs: a price for each contact and each billing step that is started."""

    price: Decimal
    billing_step: int
    characters_a_second: int

    @classmethod
    def of(cls, terms: Terms) -> Tariff:
        """The tariff in the contract."""
        return cls(terms.price, terms.billing_step, terms.characters_a_second)

    def duration(self, text: str) -> int:
        """The billed seconds of one call.

        >>> tariff = Tariff(Decimal("0.05"), 30, 15)
        >>> tariff.duration("a" * 450), tariff.duration("a" * 451)
        (30, 60)
        """
        characters_a_step = self.billing_step * self.characters_a_second
        return self.billing_step * max(1, -(-len(text) // characters_a_step))

    def cost(self, contacts: int, duration: int) -> Decimal:
        """The price of calling so many contacts for so many billed seconds.

        >>> Tariff(Decimal("0.05"), 30, 15).cost(3, 60)
        Decimal('0.30')
        """
        return self.price * contacts * (duration // self.billing_step)


def ticket(login: str, number: int, prefix: str) -> str:
    """The ticket of an account's nth campaign: the prefix and 13 hexadecimal digits, as the seed's.

    Within an account no ticket comes twice: an odd factor permutes the numbers below 2**52.

    >>> ticket("ada@example.com", 0, "voice_"), ticket("ada@example.com", 1, "voice_")
    ('voice_a42f46e5dd258', 'voice_e90029675ced3')
    """
    digest = hashlib.blake2b(login.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    factor, start = int.from_bytes(digest[:8]) | 1, int.from_bytes(digest[8:])
    return f"{prefix}{(start + factor * number) % 2**52:013x}"


def instant(text: str) -> datetime | None:
    """The moment an RFC 3339 text names; None if Python's years (1 to 9999) do not reach it.

    >>> instant("2018-10-03t07:42:39-07:00").isoformat()
    '2018-10-03T07:42:39-07:00'
    >>> instant("2016-12-31t23:59:60z").isoformat(), instant("0000-01-01T00:00:00Z")
    ('2016-12-31T23:59:59+00:00', None)
    """
    try:
        return datetime.fromisoformat(re.sub(r"(T\d\d:\d\d):60", r"\1:59", text.upper()))
    except ValueError:
        return None


class Desk:
    """Decides on readings; keeps nothing."""

    def __init__(
        self,
        contract: Contract,
        *,
        tickets: Tickets = ticket,
        tariff: Tariff | None = None,
    ) -> None:
        self._contract = contract
        self._tickets = tickets
        self.tariff = tariff or Tariff.of(contract.terms)
        in_example = contract.answers["simulated"].value
        self._simulated_ticket: str = in_example[contract.terms.answer["ticket"]]

    def forgets_before(self, now: datetime) -> datetime:
        """A ``request_id`` used at this moment or before may be used again."""
        return now - timedelta(hours=self._contract.terms.request_id_hours)

    def strict(self, reading: Reading) -> Refused:
        """The refusal of a body that had to be repaired."""
        body = self._contract.body
        errors = dict[str, FieldError]()
        for note in reading.repairs:
            # One on a parameter without a name has the path "/".
            if not note.path:
                errors["body"] = body.error("body")
            else:
                # What the query has is not known there, whatever its name.
                in_body = note.path.startswith("/")
                member = body.members.get(note.field, body) if in_body else body
                errors[note.field] = member.error("strict")
        return Refused(PAYLOAD, errors | dict(_at_fault(reading).errors))

    def send(self, login: str, reading: Reading, state: State, now: datetime) -> Outcome:
        """The decision on a real send.

        A repeated ``request_id`` comes before the credit: a repeat would not be charged.
        """
        if reading.faults:
            return _at_fault(reading)
        body = self._contract.filled(reading.value)
        request_id = body.get("request_id")
        used = state.request_id_used
        if request_id is not None and used is not None and used > self.forgets_before(now):
            return Refused(
                PAYLOAD, {"request_id": self._contract.body.members["request_id"].error("repeated")}
            )
        called, opted_out = self._called(body, state)
        if not called:
            return Refused(
                PAYLOAD, {"recipients": self._contract.body.members["recipients"].error("items")}
            )
        duration, cost = self._price(body, called, state)
        if cost > state.credit:
            return Refused("out-of-credit")
        send_at, late = self._when(body, now)
        return Accepted(
            ticket=self._tickets(login, state.issued, self._contract.terms.ticket_prefix),
            contacts=called,
            cost=cost,
            duration=duration,
            residual=state.credit - cost,
            simulated=False,
            send_at=send_at,
            request_id=request_id,
            advice=(*opted_out, *late),
        )

    def simulate(
        self, login: str, reading: Reading, first_level: Reading, state: State, now: datetime
    ) -> Outcome:
        """The decision on a simulated send, by its first-level reading.

        The full ``reading`` tells what a real send would do; where that differs, it is noted.
        """
        if first_level.faults:
            return _at_fault(first_level)
        body = self._contract.filled(first_level.value)
        contacts = len(body["recipients"])
        duration, cost = self._price(body, contacts, state)
        real = self.send(login, reading, state, now)
        send_at, late = self._when(body, now)
        return Accepted(
            ticket=self._simulated_ticket,
            contacts=contacts,
            cost=cost,
            duration=duration,
            residual=state.credit,
            simulated=True,
            send_at=send_at,
            advice=(*_opt_outs_called(real), *late, *self._passes(contacts, real)),
        )

    def _price(self, body: Mapping[str, Json], contacts: int, state: State) -> tuple[int, Decimal]:
        tariff = state.tariff or self.tariff
        duration = tariff.duration(body["text"])
        return duration, tariff.cost(contacts, duration)

    def _called(self, body: Mapping[str, Json], state: State) -> tuple[int, tuple[Note, ...]]:
        """How many contacts are called, and what is to be said of those who opted out."""
        contacts = [contact["phone_number"] for contact in body["recipients"]]
        if state.opt_outs.isdisjoint(contacts):
            return len(contacts), ()
        others = [number for number in contacts if number not in state.opt_outs]
        if body.get(self._contract.terms.opt_out_flag) is True:
            note = self._advice("/recipients", "opt_outs_removed", len(contacts), len(others))
            return len(others), (note,)
        opted_out = [number for number in contacts if number in state.opt_outs]
        return len(contacts), (self._advice("/recipients", "opt_outs_called", opted_out, None),)

    def _when(
        self, body: Mapping[str, Json], now: datetime
    ) -> tuple[datetime | None, tuple[Note, ...]]:
        if (text := body.get("send_at")) is None:
            return None, ()
        moment = instant(text)
        if moment is not None and moment > now:
            return moment, ()
        return None, (self._advice("/send_at", "past", text, None),)

    def _passes(self, contacts: int, real: Outcome) -> tuple[Note, ...]:
        if isinstance(real, Accepted):
            return () if real.contacts == contacts else (
                self._advice("/recipients", "simulation_passes", contacts, real.contacts),
            )  # fmt: skip
        if not real.errors:
            return (
                self._advice(
                    "", "simulation_passes", None, self._contract.answers[real.answer].value
                ),
            )
        return tuple(
            self._advice(f"/{name}", "simulation_passes", None, error.document())
            for name, error in real.errors.items()
        )

    def _advice(self, path: str, check: str, before: Json, after: Json) -> Note:
        rule = self._contract.terms.checks[check]
        return Note(path, Kind.ADVICE, rule, before, after, rule.high_stakes)


def _opt_outs_called(real: Outcome) -> tuple[Note, ...]:
    """What a simulation says, too: that a real send would call who opted out."""
    advice = real.advice if isinstance(real, Accepted) else ()
    return tuple(note for note in advice if note.rule.name == "opt_outs_called")


def _at_fault(reading: Reading) -> Refused:
    errors = dict[str, FieldError]()
    for fault in reading.faults:
        # The first fault of a parameter speaks for it.
        errors.setdefault(fault.field, fault.error)
    return Refused(PAYLOAD, errors)
