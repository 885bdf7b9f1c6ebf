"""What the provider decides: cost, duration, ticket, credit, simulation, repeats.

Everything that changes from call to call is handed in: the moment, the tickets, the account and
the state of its ledger.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from msgspec import UNSET

from mock_server.contract.fast_check import LONGEST_DATE_TIME
from mock_server.contract.model import Contract, FieldError, Tariff
from mock_server.json_values import Json
from mock_server.reading.coercion import Kind, Note, Reading
from mock_server.store.entries import Accepted, Outcome, Refused
from mock_server.store.protocol import Account, State

Clock: TypeAlias = Callable[[], datetime]
Tickets: TypeAlias = Callable[[str, int, str], str]

PAYLOAD: Final = "unsupported-language"
"""The answer whose shape every payload error takes: the vendor's own example."""


class Numbers(Protocol):
    """Phone numbers, which are counted more often than looked at."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[str]: ...


class Order(msgspec.Struct, frozen=True):
    """What a body asks for, as far as the decision depends on it; defaults are filled in."""

    text: str
    numbers: Numbers
    simulated: bool = False
    send_at: str | None = None
    request_id: str | None = None
    without_opt_outs: bool = False


class _Numbers(msgspec.Struct, frozen=True):
    """The numbers of a checked body, which are collected where somebody asks for them."""

    contacts: list[Any]

    def __len__(self) -> int:
        return len(self.contacts)

    def __iter__(self) -> Iterator[str]:
        return iter([contact.phone_number for contact in self.contacts])


class CampaignPolicy:
    """Decides on orders; keeps nothing."""

    def __init__(
        self, contract: Contract, *, tickets: Tickets | None = None, tariff: Tariff | None = None
    ) -> None:
        self._contract = contract
        self._tickets = tickets or ticket
        self.tariff = tariff or contract.terms.tariff
        in_example = contract.answers["simulated"].value
        self._simulated_ticket: str = in_example[contract.terms.answer["ticket"]]
        self._remembers = timedelta(hours=contract.terms.request_id_hours)
        parameters = ("simulation_mode", "send_at", "request_id", contract.terms.opt_out_flag)
        members = contract.body.members
        self._defaults = [members[name].default if name in members else None for name in parameters]
        self._checked = contract.fast_check.getter(parameters) if contract.fast_check else tuple

    def order(self, body: Mapping[str, Json], *, items: bool = True) -> Order:
        """What a body asks for that was read without a violation.

        Without ``items``, those of the list were not read: they are counted, whatever they are.
        """
        filled = self._contract.filled(body)
        recipients = filled["recipients"]
        return Order(
            filled["text"],
            [contact["phone_number"] for contact in recipients] if items else recipients,
            filled.get("simulation_mode") is True,
            filled.get("send_at"),
            filled.get("request_id"),
            filled.get(self._contract.terms.opt_out_flag) is True,
        )

    def checked_order(self, body: Any) -> Order:  # noqa: ANN401  (see FastCheck)
        """The same of what `FastCheck` decoded."""
        simulated, send_at, request_id, without_opt_outs = self._checked(body)
        defaults = self._defaults
        return Order(
            body.text,
            _Numbers(body.recipients),
            (defaults[0] if simulated is UNSET else simulated) is True,
            defaults[1] if send_at is UNSET else send_at,
            defaults[2] if request_id is UNSET else request_id,
            (defaults[3] if without_opt_outs is UNSET else without_opt_outs) is True,
        )

    def forgets_before(self, now: datetime) -> datetime:
        """A ``request_id`` used at this moment or before may be used again."""
        return now - self._remembers

    def strict(self, reading: Reading) -> Refused:
        """The refusal of a body that had to be repaired."""
        body = self._contract.body
        errors = dict[str, FieldError]()
        for note in reading.repairs:
            # One on a parameter without a name has the path "/".
            if not note.path:
                errors["body"] = body.error("body")
            elif note.in_query:
                errors[note.path] = body.error("query")
            else:
                errors[note.field] = body.members.get(note.field, body).error("strict")
        return Refused(PAYLOAD, errors | dict(violated(reading).errors))

    def send(self, account: Account, order: Order, state: State, now: datetime) -> Outcome:
        """The decision on a real send.

        A repeated ``request_id`` comes before the credit: a repeat would not be charged.
        """
        used = state.request_id_used
        if order.request_id is not None and used is not None and used > self.forgets_before(now):
            return self._refused("request_id", "repeated")
        called, opted_out, left_out = self._called(order, account.opt_outs)
        if not called:
            return self._refused("recipients", "items")
        duration, cost = self._price(account, order, called)
        if cost > state.credit:
            return Refused("out-of-credit")
        send_at, late = self._when(order, now)
        return Accepted(
            self._tickets(account.login, state.issued, self._contract.terms.ticket_prefix),
            called,
            cost,
            duration,
            state.credit - cost,
            simulated=False,
            send_at=send_at,
            request_id=order.request_id,
            advice=(*opted_out, *late),
            left_out=left_out,
            tariff=account.tariff,
        )

    def simulate(
        self, account: Account, order: Order, real: Outcome, state: State, now: datetime
    ) -> Accepted:
        """The decision on a simulated send, by its first-level reading.

        It notes where a ``real`` send would end differently.
        """
        contacts = len(order.numbers)
        duration, cost = self._price(account, order, contacts)
        send_at, late = self._when(order, now)
        return Accepted(
            self._simulated_ticket,
            contacts,
            cost,
            duration,
            state.credit,
            simulated=True,
            send_at=send_at,
            advice=(*_opt_outs_called(real), *late, *self._passes(contacts, real)),
        )

    def _refused(self, parameter: str, reason: str) -> Refused:
        error = self._contract.body.members[parameter].error(reason)
        return Refused(PAYLOAD, {parameter: error})

    def _price(self, account: Account, order: Order, contacts: int) -> tuple[int, Decimal]:
        tariff = account.tariff or self.tariff
        duration = tariff.duration(order.text)
        return duration, tariff.cost(contacts, duration)

    def _called(
        self, order: Order, opt_outs: frozenset[str]
    ) -> tuple[int, tuple[Note, ...], tuple[str, ...]]:
        """How many contacts are called, the advice on those who opted out, who is left out."""
        numbers = order.numbers
        if not opt_outs or opt_outs.isdisjoint(numbers):
            return len(numbers), (), ()
        opted_out = [number for number in numbers if number in opt_outs]
        if order.without_opt_outs:
            called = len(numbers) - len(opted_out)
            note = self._advice("/recipients", "opt_outs_removed", len(numbers), called)
            return called, (note,), tuple(opted_out)
        return len(numbers), (self._advice("/recipients", "opt_outs_called", opted_out, None),), ()

    def _when(self, order: Order, now: datetime) -> tuple[datetime | None, tuple[Note, ...]]:
        if order.send_at is None:
            return None, ()
        is_short = len(order.send_at) <= LONGEST_DATE_TIME
        moment, in_utc = (_moment if is_short else _moment.__wrapped__)(order.send_at)
        if in_utc is not None and in_utc > now:
            return moment, ()
        return None, (self._advice("/send_at", "past", order.send_at, None),)

    def _passes(self, contacts: int, real: Outcome) -> tuple[Note, ...]:
        if isinstance(real, Accepted):
            if real.contacts == contacts:
                return ()
            return (self._advice("/recipients", "simulation_passes", contacts, real.contacts),)
        if not real.errors:
            answer = self._contract.answers[real.answer].value
            return (self._advice("", "simulation_passes", None, answer),)
        return tuple(
            self._advice(f"/{name}", "simulation_passes", None, error.document())
            for name, error in real.errors.items()
        )

    def _advice(self, path: str, check: str, before: Json, after: Json) -> Note:
        rule = self._contract.terms.checks[check]
        return Note(path, Kind.ADVICE, rule, before, after, rule.high_stakes)


def violated(reading: Reading) -> Refused:
    """The refusal of a body with violations."""
    errors = dict[str, FieldError]()
    for violation in reading.violations:
        # The first violation of a parameter speaks for it.
        errors.setdefault(violation.field, violation.error)
    return Refused(PAYLOAD, errors)


def _opt_outs_called(real: Outcome) -> tuple[Note, ...]:
    """What a simulation reports, too: that a real send would call who opted out."""
    advice = real.advice if isinstance(real, Accepted) else ()
    return tuple(note for note in advice if note.rule.name == "opt_outs_called")


def ticket(login: str, number: int, prefix: str) -> str:
    """The ticket of an account's nth campaign: the prefix and 13 hexadecimal digits.

    So is the one that the vendor's page shows. Within an account no ticket comes twice: an odd
    factor permutes the numbers below 2**52.

    >>> ticket("ada@example.com", 0, "voice_"), ticket("ada@example.com", 1, "voice_")
    ('voice_a42f46e5dd258', 'voice_e90029675ced3')
    """
    factor, start = _ticket_numbers(login)
    return f"{prefix}{(start + factor * number) % 2**52:013x}"


@lru_cache(maxsize=1_000)
def _ticket_numbers(login: str) -> tuple[int, int]:
    digest = hashlib.blake2b(login.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return int.from_bytes(digest[:8]) % 2**52 | 1, int.from_bytes(digest[8:]) % 2**52


_LEAP_SECOND: Final = re.compile(r"(T\d\d:\d\d):60")


def instant(text: str) -> datetime | None:
    """The moment an RFC 3339 text names; None if Python's years (1 to 9999) do not reach it.

    >>> instant("2018-10-03t07:42:39-07:00").isoformat()
    '2018-10-03T07:42:39-07:00'
    >>> instant("2016-12-31t23:59:60z").isoformat(), instant("0000-01-01T00:00:00Z")
    ('2016-12-31T23:59:59+00:00', None)
    """
    text = text.upper()
    try:
        return datetime.fromisoformat(_LEAP_SECOND.sub(r"\1:59", text) if ":60" in text else text)
    except ValueError:
        return None


# The frames of a campaign have the same.
@lru_cache(maxsize=256)
def _moment(text: str) -> tuple[datetime | None, datetime | None]:
    """The moment, and the same in UTC, where two are compared twenty times as fast."""
    moment = instant(text)
    try:
        return moment, moment and moment.astimezone(UTC)
    except OverflowError:
        return moment, moment
