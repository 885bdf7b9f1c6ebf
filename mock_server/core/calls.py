"""The calls of a campaign, each worked out from the campaign, the phones, the moment and a seed.

The same input gives the same calls, so that none need be kept.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from mock_server.contract.call_terms import CallTerms
from mock_server.contract.model import Tariff
from mock_server.store.call_plan import Begun, Campaign, Move, Phone

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
    without_opt_outs: bool = False


class Press(NamedTuple):
    """Keys that are pressed in a call."""

    at: datetime
    keys: str
    opts_out: bool


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
    presses: tuple[Press, ...] = ()

    @property
    def id(self) -> str:
        """The id of the request, and the place among its contacts."""
        return f"{self.campaign.id}-{self.index}"

    @property
    def keys(self) -> str:
        """Every key that is pressed."""
        return "".join([press.keys for press in self.presses])

    @property
    def opts_out(self) -> bool:
        """Whether the contact opts out in it."""
        return any(press.opts_out for press in self.presses)

    def state(self, now: datetime) -> str:
        """How far it has come: its outcome, once it has one."""
        begun = self.campaign.begun
        if begun is None or now < self.due:
            return "scheduled"
        if now >= self.ended:
            return self.outcome
        if self.ringing is None or now < self.ringing:
            return "queued"
        return "answered" if self.answered is not None and now >= self.answered else "ringing"

    def document(self, now: datetime) -> dict[str, Any]:
        """The call as the control plane shows it at a moment; nothing of what is yet to come."""
        state = self.state(now)
        is_over = state == self.outcome
        pressed = [press for press in self.presses if press.at <= now]
        return {
            "id": self.id,
            "request": self.campaign.id,
            "login": self.campaign.entry.login,
            "ticket_number": self.campaign.accepted.ticket,
            "number": self.number,
            "outcome": state,
            "due_at": self.due.isoformat(),
            "ringing_at": _past(self.ringing, now),
            "answered_at": _past(self.answered, now),
            "ended_at": _past(self.ended, now),
            "seconds_heard": self.heard if is_over else 0,
            "seconds_charged": self.charged if is_over else 0,
            "cost": str(self.cost if is_over else Decimal("0.00")),
            "keys": "".join([press.keys for press in pressed]),
            "opts_out": any(press.opts_out for press in pressed),
        }


def _past(moment: datetime | None, now: datetime) -> str | None:
    return moment.isoformat() if moment is not None and moment <= now else None


def calls(campaign: Campaign, message: Message, terms: CallTerms, tariff: Tariff) -> Iterator[Call]:
    """Every call of a campaign, in the order of its contacts.

    ``tariff`` is what campaigns cost everyone. One that has not begun has calls that are yet to
    come, however they end.
    """
    accepted = campaign.accepted
    begun = campaign.begun or Begun()
    phones = _Phones(begun.phones, terms)
    course = _Course(campaign, begun, terms, accepted.tariff or tariff, message.text)
    left_out = set(accepted.left_out)
    if message.without_opt_outs and accepted.send_at is not None:
        # They opted out after the campaign was accepted; its price stays.
        left_out |= begun.opt_outs
    moves = dict[int, list[Move]]()
    for move in campaign.moves:
        moves.setdefault(move.index, []).append(move)
    for index, number in enumerate(message.numbers):
        if number in left_out:
            due = campaign.due
            yield Call(campaign, index, number, OPTED_OUT, due, None, None, due)
        else:
            yield course.call(index, number, phones.of(number), moves.get(index, ()))


class _Course:
    """How the calls of one campaign go."""

    def __init__(
        self, campaign: Campaign, begun: Begun, terms: CallTerms, tariff: Tariff, text: str
    ) -> None:
        self._campaign = campaign
        self._begun = begun
        self._terms = terms
        self._tariff = tariff
        self._speech = -(-len(text) // tariff.characters_a_second)

    def call(self, index: int, number: str, phone: Phone, moves: Sequence[Move]) -> Call:
        """One call to a phone, with what was done by hand in it."""
        campaign, terms = self._campaign, self._terms
        due, outcome = campaign.due, phone.outcome
        if phone.shares and campaign.begun is not None:
            chance = f"{self._begun.seed} {campaign.accepted.ticket} {index}"
            outcome = _drawn(phone, chance)
        start = self._later(due, index / terms.calls_a_second)
        if outcome in {"busy", "unreachable"}:
            return Call(campaign, index, number, outcome, due, None, None, start)
        seconds = phone.ring_seconds
        if seconds is None:
            seconds = terms.no_answer_seconds if outcome == "no_answer" else terms.ring_seconds
        ended = self._later(start, seconds)
        answered = ended if outcome == "answered" else None
        for move in moves:
            if move.action == "answer":
                # From here on whoever answered does what this phone would have done.
                answered, phone = move.at, _DEFAULT
            elif move.action == "reject":
                outcome, answered, ended = "refused", None, move.at
        if answered is None:
            return Call(campaign, index, number, outcome, due, start, None, ended)
        return self._talk(index, number, start, answered, phone, moves)

    def _talk(  # noqa: PLR0913, PLR0917  (what is known of the call by then)
        self,
        index: int,
        number: str,
        ringing: datetime,
        answered: datetime,
        phone: Phone,
        moves: Sequence[Move],
    ) -> Call:
        listens: float = self._speech
        if phone.listening_seconds is not None:
            listens = min(listens, phone.listening_seconds)
        presses = list[Press]()
        for move in moves:
            if move.action == "hang-up":
                listens = (move.at - answered).total_seconds()
            if move.action == "press":
                presses.append(Press(move.at, move.keys, move.opts_out))
        heard = math.ceil(listens)
        keys = phone.keys or (self._terms.opt_out_key if phone.opts_out else "")
        if keys and phone.keys_after <= listens:
            presses.append(Press(self._later(answered, phone.keys_after), keys, phone.opts_out))
        tariff = self._tariff
        charged = tariff.billing_step * max(1, -(-heard // tariff.billing_step))
        return Call(
            self._campaign,
            index,
            number,
            _COMPLETED,
            self._campaign.due,
            ringing,
            answered,
            self._later(answered, listens),
            heard,
            charged,
            tariff.cost(1, charged),
            # On a clock that stands still all have one moment, and keep their order.
            tuple(sorted(presses, key=lambda press: press.at)),
        )

    def _later(self, moment: datetime, seconds: float) -> datetime:
        return moment + timedelta(seconds=seconds) if self._begun.is_live else moment


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
