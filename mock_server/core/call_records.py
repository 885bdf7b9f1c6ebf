"""The calls of a store's campaigns, for whoever looks, and what calls bring about: opt-outs."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, Self, cast

import msgspec

from mock_server.contract.model import Contract, Tariff
from mock_server.core.accounts import opened
from mock_server.core.calls import Call, Message, calls
from mock_server.core.request_reading import RequestReader
from mock_server.reading.coercion import Reading
from mock_server.store.call_plan import Begun, Campaign, Move
from mock_server.store.protocol import Account, Balance, StaleAccountError, Store

NEVER: Final = datetime.max.replace(tzinfo=UTC)
PLAYED: Final = {
    "answer": "ringing",
    "reject": "ringing",
    "press": "answered",
    "hang-up": "answered",
}
"""What can be done by hand in a call, and in which state."""
# Of 500 contacts each takes about 50 kB.
_MOST_MESSAGES: Final = 16
# Campaigns whose next moment is remembered; of another it is worked out at every look.
_MOST_LIVE: Final = 1_000


@dataclass(frozen=True, slots=True)
class CallQuery:
    """Which calls are asked for; None asks for all. The names are those of the control plane."""

    login: str | None = None
    ticket: str | None = None
    number: str | None = None
    outcome: str | None = None
    since: str | None = None
    """The id of a call: those after it."""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class CallPage:
    """Some calls as documents, oldest first, and totals of all that fit, whatever their outcome."""

    calls: list[dict[str, Any]]
    counts: dict[str, int]
    """How many calls have each outcome."""
    cost: Decimal
    """What the seconds charged cost, in euros."""
    evicted: int
    """How many requests of the login, or of all, were dropped to make space, and their calls."""


class CallStateError(Exception):
    """Something cannot be done by hand in a call that is in this state."""


class _Next(NamedTuple):
    """When something is to be done for a campaign, by its account's clock; or `NEVER`."""

    opt_out: datetime
    """When the next call ends in which somebody opted out."""
    receipt: datetime
    """When the next call ends of which nobody has taken on the receipt."""

    @classmethod
    def of(cls, campaign: Campaign, every: Iterable[Call]) -> Self:
        opt_out = receipt = NEVER
        for call in every:
            if call.opts_out and call.index not in campaign.opt_outs:
                opt_out = min(opt_out, call.ended)
            if call.index not in campaign.receipts:
                receipt = min(receipt, call.ended)
        return cls(opt_out, receipt)


class CallRecords:
    """Works out calls from the campaigns of a store."""

    def __init__(
        self,
        contract: Contract,
        reader: RequestReader,
        store: Store,
        tariff: Tariff,
        wall: Callable[[], datetime],
    ) -> None:
        self._contract = contract
        self._reader = reader
        self._store = store
        self._tariff = tariff
        self._wall = wall
        self._messages = OrderedDict[int, Message]()
        self._nexts = OrderedDict[int, tuple[Campaign, _Next]]()
        self._lock = threading.Lock()

    # ── what calls bring about ───────────────────────────────────────

    def catch_up(self, login: str | None = None) -> None:
        """Do what is due of the login's campaigns, or of all: begin calls, add opt-outs."""
        for campaign in self._store.campaigns(login, closed=False):
            account = self.account(campaign)
            now = account.clock.now(self._wall())
            if campaign.begun is None:
                if campaign.due <= now:
                    self._settle(campaign, _begun(campaign, account), account, now)
            elif self._next(campaign).opt_out <= now:
                self._settle(campaign, campaign, account, now)

    def caught_up(self, account: Account) -> Account:
        """The account with the opt-outs of calls that are over by now."""
        self.catch_up(account.login)
        return self._store.known(account.login) or account

    def expect_opt_outs(self, account: Account) -> None:
        """Have every request of the account look at its calls first."""
        self._change(account, lambda now: replace(now, may_opt_out=True))

    def claim(self, campaign: Campaign, most: int) -> list[Call]:
        """Take so many of the calls that are over and that nobody has taken, as they ended.

        Whoever gets a call, and nobody else, makes its receipt.
        """
        now = self.now(campaign)
        every = list(self.of(campaign))
        over = [call for call in every if call.ended <= now and call.index not in campaign.receipts]
        taken = sorted(over, key=lambda call: call.ended)[:most]
        receipts = campaign.receipts.union(call.index for call in taken)
        after = _closed(msgspec.structs.replace(campaign, receipts=receipts), every)
        return taken if self._store.settle(campaign, after) else []

    def seconds_to_receipt(self, campaign: Campaign) -> float:
        """How long until the next receipt is to be made; after the last, until `NEVER`.

        Of a campaign that has not begun, how long until it does.
        """
        due = campaign.due if campaign.begun is None else self._next(campaign).receipt
        return (due - self.now(campaign)).total_seconds()

    def play(self, call_id: str, action: str, pressed: Mapping[str, Any]) -> dict[str, Any] | None:
        """Do something by hand in a call: what it is then, or None where nobody is called so.

        Raises:
            CallStateError: it cannot be done in the state that the call is in.
        """
        self.catch_up()
        number, index = _place(call_id)
        while (campaign := self._store.campaign(number)) is not None:
            account, now = self.account(campaign), self.now(campaign)
            call = next((one for one in self.of(campaign) if one.index == index), None)
            if call is None:
                return None
            if (state := call.state(now)) != PLAYED[action]:
                raise CallStateError(state)
            move = Move(index, action, now, **pressed)
            after = msgspec.structs.replace(campaign, moves=(*campaign.moves, move))
            if self._settle(campaign, after, account, now):
                if move.opts_out:
                    self.expect_opt_outs(account)
                return next(one for one in self.of(after) if one.index == index).document(now)
        return None

    def _settle(self, before: Campaign, after: Campaign, account: Account, now: datetime) -> bool:
        """Put ``after``, and what its calls that are over bring about, in place of a campaign."""
        every = list(self.of(after))
        opt_outs = {
            call.index: call.number
            for call in every
            if call.opts_out and call.ended <= now and call.index not in after.opt_outs
        }
        after = msgspec.structs.replace(after, opt_outs=after.opt_outs.union(opt_outs))
        if not self._store.settle(before, _closed(after, every)):
            return False
        if not account.opt_outs.issuperset(opt_outs.values()):
            self._change(
                account, lambda now: replace(now, opt_outs=now.opt_outs.union(opt_outs.values()))
            )
        return True

    def _change(self, account: Account, how: Callable[[Account], Account]) -> None:
        def changed(now: Account, _: Balance) -> Account:
            if now.generation != account.generation:
                raise StaleAccountError
            return how(now)

        # It may be reset meanwhile, and its calls with it.
        with suppress(StaleAccountError):
            self._store.change(opened(self._contract, account.login), changed)

    def _next(self, campaign: Campaign) -> _Next:
        """When something is to be done for a campaign that has begun."""
        if campaign.begun is not None and not campaign.begun.is_live:
            # All that it brings about, but for receipts, was done when it began.
            has_receipts = len(campaign.receipts) < campaign.contacts
            return _Next(NEVER, campaign.due if has_receipts else NEVER)
        with self._lock:
            known, found = self._nexts.get(campaign.id, (None, None))
        if found is None or known is not campaign:
            found = _Next.of(campaign, self.of(campaign))
            with self._lock:
                self._nexts[campaign.id] = (campaign, found)
                self._nexts.move_to_end(campaign.id)
                if len(self._nexts) > _MOST_LIVE:
                    self._nexts.popitem(last=False)
        return found

    # ── for whoever looks ────────────────────────────────────────────

    def page(self, query: CallQuery) -> CallPage:
        """The calls that fit, at this moment of their accounts' clocks."""
        self.catch_up(query.login)
        shown, counts, cost = list[dict[str, Any]](), Counter[str](), Decimal("0.00")
        since = _place(query.since)
        for campaign, now in self._campaigns(query):
            for call in self.of(campaign):
                if query.number not in {None, call.number}:
                    continue
                state = call.state(now)
                counts[state] += 1
                cost += call.cost if state == call.outcome else 0
                if (
                    len(shown) < query.limit
                    and query.outcome in {None, state}
                    and (campaign.id, call.index) > since
                ):
                    shown.append(call.document(now))
        _, evicted = self._store.kept(query.login)
        return CallPage(shown, dict(counts), cost, evicted)

    def _campaigns(self, query: CallQuery) -> Iterator[tuple[Campaign, datetime]]:
        """The campaigns that fit, each with what time it is for its account."""
        for campaign in self._store.campaigns(query.login):
            if query.ticket in {None, campaign.accepted.ticket}:
                yield campaign, self.now(campaign)

    def now(self, campaign: Campaign) -> datetime:
        """What time it is for the campaign's account."""
        return self.account(campaign).clock.now(self._wall())

    def of(self, campaign: Campaign) -> Iterator[Call]:
        """Every call of a campaign."""
        return calls(campaign, self.message(campaign), self._contract.calls, self._tariff)

    def message(self, campaign: Campaign) -> Message:
        """What the campaign's request has for each call; the newest few are kept."""
        with self._lock:
            if campaign.id in self._messages:
                self._messages.move_to_end(campaign.id)
                return self._messages[campaign.id]
        entry = campaign.entry
        # An accepted request was read, so it can be read again.
        reading = cast("Reading", self._reader.again(entry.request, entry.region or ""))
        filled = self._contract.filled(reading.value)
        numbers = tuple(contact["phone_number"] for contact in filled["recipients"])
        message = Message(
            filled["text"],
            numbers,
            filled.get("get_back_pressed_keys") is True,
            filled.get("list_name"),
            filled.get("auto_delete_optout_contacts") is True,
        )
        with self._lock:
            self._messages[campaign.id] = message
            if len(self._messages) > _MOST_MESSAGES:
                self._messages.popitem(last=False)
        return message

    def account(self, campaign: Campaign) -> Account:
        """The campaign's account; one that was forgotten to make space is as at its opening."""
        login = campaign.entry.login
        return self._store.known(login, used=False) or opened(self._contract, login)


def _begun(campaign: Campaign, account: Account) -> Campaign:
    begun = Begun(
        account.phones,
        account.seed,
        account.pace == "live",
        account.callback_url is not None,
        account.opt_outs,
    )
    return msgspec.structs.replace(campaign, begun=begun)


def _closed(campaign: Campaign, every: Iterable[Call]) -> Campaign:
    """The campaign, closed if nothing is left to be done; receipts without a receiver can wait."""
    left = _Next.of(campaign, every)
    waits = campaign.begun is not None and campaign.begun.has_receiver and left.receipt != NEVER
    return msgspec.structs.replace(campaign, closed=left.opt_out == NEVER and not waits)


def _place(call: str | None) -> tuple[int, int]:
    """Where a call stands among all."""
    if call is None:
        return (0, 0)
    campaign, _, index = call.partition("-")
    return (int(campaign), int(index))
