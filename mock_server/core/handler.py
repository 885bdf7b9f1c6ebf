"""The twin itself: sign in, read, decide, remember. Knows no Flask and does no I/O of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from mock_server.contract.model import Contract
from mock_server.core.accounts import opened
from mock_server.core.call_records import CallRecords
from mock_server.core.campaign_policy import CampaignPolicy, Clock, Order
from mock_server.core.inbox import Inbox, all_notes
from mock_server.core.injection import Facts, Injection, Preference, inject
from mock_server.core.request_reading import RequestReader, Understood
from mock_server.core.responses import Answer, Responses
from mock_server.reading import coercion
from mock_server.reading.coercion import Note, Reading
from mock_server.reading.decoding import Reason
from mock_server.store.entries import Accepted, Entry, Outcome, Refused, Request, Tally
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import (
    Account,
    Balance,
    Ledger,
    StaleAccountError,
    State,
    Store,
    digest,
)


def wall_clock() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


UNCHECKED: Final = object()
"""Stands for a body that nobody has put to `Twin.fast_check` yet."""
_MOST_KEYS: Final = 10_000
# What a reading depends on; the others are forgotten, and with them the key.
_KEPT_HEADERS: Final = ("content-type", "content-encoding")


class Handled(msgspec.Struct, frozen=True):
    """A request that was handled: its entry in the inbox, and its answer."""

    entry: Entry
    answer: Answer | None
    """None where the connection ends before there is one."""
    reading: Reading | None = None
    """None where nobody had to read the body, or could."""
    injected: Injection | None = None

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of the reading and of the decision."""
        return all_notes(self.reading, self.entry)


class Twin:
    """Answers requests as the real API would.

    Any non-empty login and key open an account by themselves; with ``closed`` only the store's own
    accounts may sign in. ``strict`` refuses, for every account, whatever had to be repaired.
    ``clock`` is the wall clock; each account's own is set against it.
    """

    def __init__(  # noqa: PLR0913  (what is handed in, each by its name)
        self,
        contract: Contract,
        store: Store | None = None,
        *,
        policy: CampaignPolicy | None = None,
        clock: Clock = wall_clock,
        strict: bool = False,
        closed: bool = False,
    ) -> None:
        self.contract = contract
        self.store: Store = store or MemoryStore()
        self.policy = policy or CampaignPolicy(contract)
        self._clock = clock
        self._strict = strict
        self._closed = closed
        self._reader = RequestReader(contract, self.policy)
        self.responses = Responses(contract)
        self.fast_check = self._reader.fast_check
        self._opting_out = frozenset(
            number for number, value in contract.calls.phones.items() if value.does.get("opts_out")
        )
        magic_numbers = map(re.escape, (*contract.magic.numbers, *self._opting_out))
        self._magic_number = re.compile(("|".join(magic_numbers) or "(?!)").encode())
        self._keys = dict[bytes | None, int]()
        self.inbox = Inbox(self._reader, self.responses, contract, self.store, self.wall)
        self.calls = CallRecords(contract, self._reader, self.store, self.policy.tariff, self.wall)

    def wall(self) -> datetime:
        """The moment outside all accounts, in UTC."""
        return self._clock().astimezone(UTC)

    def handle(
        self,
        request: Request,
        prefer: Preference | None = None,
        checked: Any = UNCHECKED,  # noqa: ANN401  (see FastCheck)
    ) -> Handled:
        """Answer one request and put it into the inbox.

        Args:
            request: what arrived.
            prefer: the answer that it asks for, as Prism reads it.
            checked: the result of `fast_check`, where the caller has it already.

        Raises:
            LookupError: the contract has no such answer as is preferred.
        """
        preferred = prefer.rule(self.contract) if prefer else None
        if request.query:
            query = coercion.without_key(self.contract, request.query)
            request = msgspec.structs.replace(request, query=query)
        wall = self.wall()
        try:
            account = self._sign_in(request)
            if isinstance(account, Refused):
                login = request.headers.get(self.contract.login_header, "")
                unread = self._reader.unread(account.answer, request)
                entry = self.store.add(
                    Entry(wall, login, _kept(request), account, tally=unread.tally)
                )
                return Handled(entry, self.responses.answer(account), unread.reading)
            if account.may_opt_out:
                # Somebody may have done so in a call that is over.
                account = self.calls.caught_up(account)
            now = account.clock.now(wall)
            strict = self._strict or account.strict
            understood = self._understand(account, request, checked, strict=strict)
            with self.store.ledger(account) as ledger:
                decision = self._decide(account, understood, ledger, now)
                injected: Injection | None = None
                facts: Facts | None = None
                if preferred or account.faults.rules or self._may_be_magic(request, understood):
                    facts = _facts(understood, decision)
                    injected = inject(account, ledger, preferred, self.contract.magic, facts)
                outcome: Outcome | None
                if injected is not None and injected.instead:
                    outcome, answer = None, injected.answer(self.contract)
                else:
                    outcome, answer = decision, self.responses.answer(decision)
                if isinstance(outcome, Accepted) and not outcome.simulated:
                    ledger.charge(outcome, now)
                entry = ledger.remember(
                    Entry(
                        now,
                        account.login,
                        _kept(request),
                        outcome,
                        strict,
                        account.region if account.voice_addon else None,
                        _tally(understood.tally, outcome),
                        injected,
                    )
                )
            if facts is not None and not self._opting_out.isdisjoint(facts.numbers):
                self.calls.expect_opt_outs(account)
        except StaleAccountError:
            # It was reset meanwhile, and the reset counts as first: the request is read anew.
            return self.handle(request, prefer, checked)
        return Handled(entry, answer, understood.reading, injected)

    def preview(self, login: str, request: Request) -> Handled:
        """How a request of an account would be handled, whatever its key; nothing is changed.

        The entry has the id 0. Injected faults and magic values are left out.
        """
        known = self.store.known(login, used=False)
        account = known or opened(self.contract, login)
        now = account.clock.now(self.wall())
        strict = self._strict or account.strict
        understood = self._understand(account, request, UNCHECKED, strict=strict)
        try:
            with self.store.ledger(account) if known else nullcontext(_Unopened(account)) as ledger:
                outcome = self._decide(account, understood, ledger, now)
        except StaleAccountError:
            return self.preview(login, request)
        entry = Entry(
            now,
            login,
            request,
            outcome,
            strict,
            account.region if account.voice_addon else None,
            _tally(understood.tally, outcome),
        )
        return Handled(entry, self.responses.answer(outcome), understood.reading)

    # ── sign in ──────────────────────────────────────────────────────

    def _sign_in(self, request: Request) -> Account | Refused:
        if request.path != self.contract.url_path:
            return Refused("not-found")
        if request.method != self.contract.method:
            return Refused("method-not-allowed")
        # Blanks of HTTP alone: what is Latin-1 here may be a letter in UTF-8.
        login = request.headers.get(self.contract.login_header, "").strip(" \t")
        key = request.headers.get(self.contract.key_header, "").strip(" \t")
        # As RFC 9110 joins headers of one name (5.3), and no login or key has a comma.
        if "," in login or "," in key:
            return self._unauthorized(request, login, key)
        if magic := self.contract.magic.keys.get(key):
            return Refused(magic.does["answer"])
        account = self.store.known(login)
        if account is None and login and key and not self._closed:
            account = self.store.open(
                replace(opened(self.contract, login), key_digest=digest(login, key))
            )
        if account is not None and account.key_digest is None and key:
            account = self._take_key(account, digest(login, key))
        if account is None or not self._has_key(account, key):
            return self._unauthorized(request, login, key)
        return account

    def _unauthorized(self, request: Request, login: str, key: str) -> Refused:
        login_header, key_header = self.contract.login_header, self.contract.key_header
        for name, value in ((login_header, login), (key_header, key)):
            if not value or "," in value:
                another = name.replace("-", "_")
                got = f"{another}, another header" if another in request.headers else "none"
                why = Reason(name, "more than one" if value else got, "this header once")
                return Refused("unauthorized", sign_in=why)
        why = Reason(key_header, "another", "the key that was set, or else the first that was sent")
        if self.store.known(login) is None:
            why = Reason(login_header, login, "a login that has an account")
        return Refused("unauthorized", sign_in=why)

    def _has_key(self, account: Account, key: str) -> bool:
        """Whether it is the account's key: one that was is known again by Python's own hash.

        That takes a tenth of the time, and cannot be turned back into the key either.
        """
        known = hash((account.login, key))
        if self._keys.get(account.key_digest) == known:
            return True
        if not account.has_key(key):
            return False
        if len(self._keys) >= _MOST_KEYS:
            self._keys.clear()
        self._keys[account.key_digest] = known
        return True

    def _take_key(self, account: Account, key_digest: bytes) -> Account:
        """Make this the account's key, unless another request was faster.

        Raises:
            StaleAccountError: the account was reset meanwhile; it must not come back.
        """

        def how(now: Account, _: Balance) -> Account:
            if now.generation != account.generation:
                raise StaleAccountError
            return replace(now, key_digest=key_digest) if now.key_digest is None else now

        changed, _ = self.store.change(opened(self.contract, account.login), how)
        return changed

    # ── read ─────────────────────────────────────────────────────────

    def _understand(
        self,
        account: Account,
        request: Request,
        checked: Any,  # noqa: ANN401  (see FastCheck)
        *,
        strict: bool,
    ) -> Understood:
        if not account.voice_addon:
            return self._reader.unread("forbidden", request)
        if checked is UNCHECKED:
            checked = self.fast_check(request)
        if checked is not None:
            return self._reader.checked(checked)
        return self._reader.understand(request, account.region, strict=strict)

    # ── decide ───────────────────────────────────────────────────────

    def _decide(
        self, account: Account, understood: Understood, ledger: Ledger | _Unopened, now: datetime
    ) -> Outcome:
        order, simulated = understood.order, understood.simulated
        if isinstance(simulated, Refused):
            return simulated
        if isinstance(order, Refused):
            if simulated is None:
                return order
            return self.policy.simulate(account, simulated, order, ledger.state(None, now), now)
        state = ledger.state(order.request_id, self.policy.forgets_before(now))
        real = self.policy.send(account, order, state, now)
        if simulated is None:
            return real
        return self.policy.simulate(account, simulated, real, state, now)

    def _may_be_magic(self, request: Request, understood: Understood) -> bool:
        """Whether a magic number may be called; what is valid as sent has it as it stands."""
        if understood.reading is not None or b"\\" in request.body:
            return True
        return self._magic_number.search(request.body) is not None


class _Unopened(NamedTuple):
    """The ledger of an account that nobody has opened yet."""

    account: Account

    def state(self, _: str | None, __: datetime) -> State:
        return State(self.account.credit)


def _facts(understood: Understood, outcome: Outcome) -> Facts:
    order, accepted = understood.order, isinstance(outcome, Accepted)
    if understood.reading is not None:
        body = understood.reading.value
        numbers = frozenset(one["phone_number"] for one in body.get("recipients", ()))
        return Facts(accepted, numbers, body.get("text", ""), body.get("request_id"))
    if isinstance(order, Order):
        return Facts(accepted, frozenset(order.numbers), order.text, order.request_id)
    return Facts(accepted, frozenset(), "", None)


def _kept(request: Request) -> Request:
    headers = _headers(*map(request.headers.get, _KEPT_HEADERS))
    return Request(
        request.method, request.path, headers, request.body, request.complete, request.query
    )


# Nearly all requests have the same: so their entries share one.
@lru_cache(maxsize=64)
def _headers(*values: str | None) -> Mapping[str, str]:
    named = zip(_KEPT_HEADERS, values, strict=True)
    return {name: value for name, value in named if value is not None}


def _tally(read: Tally, outcome: Outcome | None) -> Tally:
    """The tally of the reading's notes and of the decision's advice."""
    if not isinstance(outcome, Accepted) or not outcome.advice:
        return read
    advice = Tally.of(outcome.advice, ())
    fields = None if read.fields is None or advice.fields is None else read.fields | advice.fields
    return Tally(
        read.repairs,
        read.advice + advice.advice,
        read.high_stakes + advice.high_stakes,
        read.rules | advice.rules,
        fields,
    )
