"""The calls of a campaign, each worked out from the campaign, the phones, the moment and a seed.

The same input gives the same calls, so that none need be kept.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from mock_server.contract.call_terms import CallTerms
from mock_server.contract.model import Tariff
from mock_server.store.call_plan import Campaign, Phone

OPTED_OUT: Final = "opted_out"
# Of a phone that is answered; all other outcomes of phones are those of calls, too.
_COMPLETED: Final = "completed"
_ANY_END: Final = "*"


class Message(msgspec.Struct, frozen=True):
    """What a campaign has for each of its calls."""

    text: str
    numbers: tuple[str, ...]
    keys_asked: bool = False
    list_name: str | None = None


class Call(msgspec.Struct, frozen=True):
    """One call, from its beginning to its end; moments by the account's clock."""

    campaign: Campaign
    index: int
    number: str
    outcome: str
    """How it ends."""
    due: datetime
    ringing: datetime | None
    """None where no phone rings."""
    answered: datetime | None
    ended: datetime
    heard: int = 0
    """Seconds."""
    charged: int = 0
    """Seconds: every billing step that was begun."""
    cost: Decimal = Decimal("0.00")
    """In euros, what so many seconds cost."""
    keys: str = ""
    opts_out: bool = False

    @property
    def id(self) -> str:
        """The id of the request, and the place among its contacts."""
        return f"{self.campaign.id}-{self.index}"

    def state(self, now: datetime) -> str:
        """Its outcome, or ``scheduled`` until it has one."""
        return self.outcome if now >= self.ended else "scheduled"

    def document(self, now: datetime) -> dict[str, Any]:
        """The call as the control plane shows it at a moment; nothing of what is yet to come."""
        over = now >= self.ended
        return {
            "id": self.id,
            "request": self.campaign.id,
            "login": self.campaign.entry.login,
            "ticket_number": self.campaign.accepted.ticket,
            "number": self.number,
            "outcome": self.state(now),
            "due_at": self.due.isoformat(),
            "ringing_at": _past(self.ringing, now),
            "answered_at": _past(self.answered, now),
            "ended_at": _past(self.ended, now),
            "seconds_heard": self.heard if over else 0,
            "seconds_charged": self.charged if over else 0,
            "cost": str(self.cost if over else Decimal("0.00")),
            "keys": self.keys if over else "",
            "opts_out": self.opts_out if over else False,
        }


def _past(moment: datetime | None, now: datetime) -> str | None:
    return moment.isoformat() if moment is not None and moment <= now else None


def calls(campaign: Campaign, message: Message, terms: CallTerms, tariff: Tariff) -> Iterator[Call]:
    """Every call of a campaign, in the order of its contacts.

    ``tariff`` is what campaigns cost everyone. One that has not begun has calls that are yet to
    come, however they end.
    """
    tariff = campaign.accepted.tariff or tariff
    begun = campaign.begun
    phones = _Phones(begun.phones if begun else {}, terms)
    speech = -(-len(message.text) // tariff.characters_a_second)
    due = campaign.due
    left_out = Counter(campaign.accepted.left_out)
    for index, number in enumerate(message.numbers):
        if left_out[number]:
            # All of a number are left out, or none.
            yield Call(campaign, index, number, OPTED_OUT, due, None, None, due)
            continue
        phone = phones.of(number)
        outcome = phone.outcome
        if phone.shares and begun is not None:
            outcome = _drawn(phone, f"{begun.seed} {campaign.accepted.ticket} {index}")
        if outcome != "answered":
            ringing = None if outcome in {"busy", "unreachable"} else due
            yield Call(campaign, index, number, outcome, due, ringing, None, due)
            continue
        heard = speech
        if phone.listening_seconds is not None:
            heard = min(speech, math.ceil(phone.listening_seconds))
        charged = tariff.billing_step * max(1, -(-heard // tariff.billing_step))
        keys = phone.keys or (terms.opt_out_key if phone.opts_out else "")
        is_in_time = phone.keys_after <= heard
        yield Call(
            campaign,
            index,
            number,
            _COMPLETED,
            due,
            due,
            due,
            due,
            heard,
            charged,
            tariff.cost(1, charged),
            keys if is_in_time else "",
            phone.opts_out and is_in_time,
        )


class _Phones:
    """How each phone behaves: as set for its number, by magic, as set for the longest prefix."""

    def __init__(self, phones: Mapping[str, Phone], terms: CallTerms) -> None:
        magic = {number: phone_of(value.does) for number, value in terms.phones.items()}
        exact = {name: phone for name, phone in phones.items() if not name.endswith(_ANY_END)}
        self._exact = magic | exact
        prefixes = sorted(phones.keys() - exact.keys(), key=len, reverse=True)
        self._prefixes = [(name.removesuffix(_ANY_END), phones[name]) for name in prefixes]

    def of(self, number: str) -> Phone:
        if (phone := self._exact.get(number)) is not None:
            return phone
        fitting = (phone for prefix, phone in self._prefixes if number.startswith(prefix))
        return next(fitting, _DEFAULT)


_DEFAULT: Final = Phone()


def phone_of(settings: Mapping[str, Any]) -> Phone:
    """The phone of checked PhoneSettings.

    >>> phone_of({"keys": "12#"}).keys
    '12#'
    """
    return msgspec.convert(settings, Phone)


def _drawn(phone: Phone, chance: str) -> str:
    """One of the outcomes, each by its share."""
    drawn = random.Random(chance).random()  # noqa: S311  (no secret)
    for outcome, share in phone.shares.items():
        drawn -= share
        if drawn < 0:
            return outcome
    return phone.outcome
