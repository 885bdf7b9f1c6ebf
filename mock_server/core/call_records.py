"""The calls of a store's campaigns, for whoever looks, and what calls bring about: opt-outs."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

import msgspec

from mock_server.contract.model import Contract, Tariff
from mock_server.core.accounts import opened
from mock_server.core.calls import Call, Message, calls
from mock_server.core.request_reading import RequestReader
from mock_server.reading.coercion import Reading
from mock_server.store.call_plan import Begun, Campaign
from mock_server.store.protocol import Account, Balance, StaleAccountError, Store

# Of 500 contacts each takes about 50 kB.
_MOST_MESSAGES: Final = 16


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
        self._lock = threading.Lock()

    # ── what calls bring about ───────────────────────────────────────

    def catch_up(self, login: str | None = None) -> None:
        """Do what is due of the login's campaigns, or of all: begin calls, add opt-outs."""
        for campaign in self._store.campaigns(login, closed=False):
            account = self._account(campaign)
            if campaign.begun is None and campaign.due <= account.clock.now(self._wall()):
                self._begin(campaign, account)

    def caught_up(self, account: Account) -> Account:
        """The account with the opt-outs of calls that are over by now."""
        if not any(phone.opts_out for phone in account.phones.values()):
            return account
        self.catch_up(account.login)
        return self._store.known(account.login) or account

    def _begin(self, campaign: Campaign, account: Account) -> None:
        # Without a URL nothing is left to be done: receipts have nowhere to go.
        begun = msgspec.structs.replace(
            campaign,
            begun=Begun(account.phones, account.seed),
            closed=account.callback_url is None,
        )
        if not self._store.settle(campaign, begun):
            return
        opt_outs = frozenset(call.number for call in self.of(begun) if call.opts_out)
        if opt_outs - account.opt_outs:
            self._add(account, opt_outs)

    def _add(self, account: Account, opt_outs: frozenset[str]) -> None:
        def how(now: Account, _: Balance) -> Account:
            if now.generation != account.generation:
                raise StaleAccountError
            return replace(now, opt_outs=now.opt_outs | opt_outs)

        try:
            self._store.change(opened(self._contract, account.login), how)
        except StaleAccountError:
            # It was reset meanwhile, and its calls with it.
            return

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
                yield campaign, self._account(campaign).clock.now(self._wall())

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
        )
        with self._lock:
            self._messages[campaign.id] = message
            if len(self._messages) > _MOST_MESSAGES:
                self._messages.popitem(last=False)
        return message

    def _account(self, campaign: Campaign) -> Account:
        """The campaign's account; one that was forgotten to make space is as at its opening."""
        login = campaign.entry.login
        return self._store.known(login, used=False) or opened(self._contract, login)


def _place(call: str | None) -> tuple[int, int]:
    """Where a call stands among all."""
    if call is None:
        return (0, 0)
    campaign, _, index = call.partition("-")
    return (int(campaign), int(index))
