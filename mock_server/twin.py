"""The twin itself: sign in, read, decide, remember. Knows no Flask and does no I/O of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mock_server import answers, casts, decoding, faults, reading
from mock_server.answers import Answer
from mock_server.campaign import Accepted, Clock, Desk, Outcome, Refused, State
from mock_server.casts import Cast
from mock_server.decoding import Decoded, Unreadable
from mock_server.faults import Facts, Injected, Preference
from mock_server.fields import Contract
from mock_server.memory_store import MemoryStore
from mock_server.reading import Reading
from mock_server.store import (
    Account,
    Balance,
    Entry,
    Ledger,
    Request,
    Store,
    WorldGoneError,
    digest,
    opened,
)
from mock_server.values import Json


def wall_clock() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Considered:
    """A signed-in request, read; the decision still wants the state of the account."""

    decide: Callable[[State], Outcome]
    strict: bool = False
    reading: Reading | None = None
    unreadable: Unreadable | None = None


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
        desk: Desk | None = None,
        clock: Clock = wall_clock,
        strict: bool = False,
        closed: bool = False,
    ) -> None:
        self.contract = contract
        self.store: Store = store or MemoryStore()
        self.desk = desk or Desk(contract)
        self._clock = clock
        self._strict = strict
        self._closed = closed
        self._tables = dict[str, Mapping[str, Cast]]()
        self._tables_lock = threading.Lock()

    def wall(self) -> datetime:
        """The moment outside all accounts, in UTC."""
        return self._clock().astimezone(UTC)

    def handle(self, request: Request, prefer: Preference | None = None) -> Entry:
        """Answer one request and put it into the inbox.

        Raises:
            LookupError: the contract has no such answer as is preferred.
        """
        preferred = prefer.rule(self.contract) if prefer else None
        if request.query:
            request = replace(request, query=reading.without_key(self.contract, request.query))
        while True:
            # Whoever resets the account meanwhile came first: then all is read anew.
            with contextlib.suppress(WorldGoneError):
                return self._handle(request, preferred)

    def _handle(self, request: Request, preferred: Mapping[str, Json] | None) -> Entry:
        wall = self.wall()
        login = request.headers.get(self.contract.login_header, "")
        account = self._sign_in(request)
        if isinstance(account, Refused):
            refusal = answers.answer(self.contract, account)
            return self.store.add(Entry(wall, login, request, refusal, outcome=account))
        now = account.clock.now(wall)
        considered = self._consider(account, request, now)
        read = considered.reading
        with self.store.ledger(account) as ledger:
            request_id = read.value.get("request_id") if read else None
            known = ledger.state(request_id, self.desk.forgets_before(now))
            state = replace(known, opt_outs=account.opt_outs, tariff=account.tariff)
            decided = considered.decide(state)
            injected = self._inject(account, ledger, preferred, _facts(read, decided))
            outcome: Outcome | None = decided
            answer: Answer | None = answers.answer(self.contract, decided)
            if injected is not None and injected.instead:
                outcome, answer = None, injected.answer(self.contract)
            if isinstance(outcome, Accepted) and not outcome.simulated:
                ledger.apply(outcome, now)
            ledger.saw(now)
            entry = Entry(
                at=now,
                login=account.login,
                request=request,
                answer=answer,
                strict=considered.strict,
                reading=read,
                unreadable=considered.unreadable,
                outcome=outcome,
                injected=injected,
            )
            return self.store.add(entry, account.world)

    def _sign_in(self, request: Request) -> Account | Refused:
        if request.path != self.contract.url_path:
            return Refused("not-found")
        if request.method != self.contract.method:
            return Refused("method-not-allowed")
        if request.repeated & {self.contract.login_header, self.contract.key_header}:
            return Refused("unauthorized")
        login = request.headers.get(self.contract.login_header, "").strip()
        key = request.headers.get(self.contract.key_header, "").strip()
        if magic := self.contract.magic.keys.get(key):
            return Refused(magic.does["answer"])
        account = self.store.known(login)
        if account is None and login and key and not self._closed:
            account = self.store.open(
                replace(opened(self.contract, login), key_digest=digest(login, key))
            )
        if account is not None and account.key_digest is None and key:
            account = self._take_key(account, digest(login, key))
        return account if account and account.has_key(key) else Refused("unauthorized")

    def _take_key(self, account: Account, key_digest: bytes) -> Account:
        """Make this the account's key, unless another was faster.

        Raises:
            WorldGoneError: the account was reset meanwhile; it must not come back.
        """

        def how(now: Account, _: Balance) -> Account:
            if now.world != account.world:
                raise WorldGoneError
            return replace(now, key_digest=key_digest) if now.key_digest is None else now

        changed, _ = self.store.change(opened(self.contract, account.login), how)
        return changed

    def _consider(self, account: Account, request: Request, now: datetime) -> _Considered:
        strict = self._strict or account.strict
        if not account.voice_addon:
            return _Considered(lambda _: Refused("forbidden"))
        decoded = self._decoded(request)
        if isinstance(decoded, Unreadable):
            return _Considered(lambda _: Refused("unreadable"), strict, unreadable=decoded)
        table = self._table(account.region)
        read = reading.read(self.contract, decoded.value, table, decoded.slips, request.query)
        if strict and read.repairs:
            return _Considered(lambda _: self.desk.strict(read), strict, read)
        login, desk = account.login, self.desk
        if self.contract.filled(read.value).get("simulation_mode") is True:
            first_level = read
            if read.notes or read.faults:
                first_level = reading.read_first_level(self.contract, decoded.value, table)
            return _Considered(
                lambda state: desk.simulate(login, read, first_level, state, now), strict, read
            )
        return _Considered(lambda state: desk.send(login, read, state, now), strict, read)

    def _inject(
        self,
        account: Account,
        ledger: Ledger,
        preferred: Mapping[str, Json] | None,
        facts: Facts,
    ) -> Injected | None:
        """What stands between the API and its caller: a preference, a fault, a magic number."""
        if preferred is not None:
            return faults.alone("prefer", preferred, facts)
        injected = None
        if account.faults.rules:
            injected, changed = faults.meet(account.faults, ledger.counts(), facts)
            ledger.count(changed)
            if injected is not None and injected.fault is not None:
                return injected
        magic = self.contract.magic.numbers
        for number in sorted(facts.numbers & magic.keys()):
            if forced := faults.alone("magic", magic[number].does, facts):
                # A mere delay goes on to the next, whoever asked for it.
                return replace(forced, delay=forced.delay + (injected.delay if injected else 0))
        return injected

    def _decoded(self, request: Request) -> Decoded | Unreadable:
        if not request.complete:
            came = f"only {len(request.body)} bytes"
            return Unreadable("body", came, "all that Content-Length says")
        return decoding.decode(
            request.body,
            request.content_type,
            self.contract.media_type,
            request.headers.get("content-encoding", ""),
        )

    def _table(self, region: str) -> Mapping[str, Cast]:
        with self._tables_lock:
            if region not in self._tables:
                self._tables[region] = casts.table(region)
            return self._tables[region]


def _facts(read: Reading | None, outcome: Outcome) -> Facts:
    body = read.value if read else {}
    return Facts(
        accepted=isinstance(outcome, Accepted),
        numbers=frozenset(contact["phone_number"] for contact in body.get("recipients", ())),
        text=body.get("text", ""),
        request_id=body.get("request_id"),
    )
