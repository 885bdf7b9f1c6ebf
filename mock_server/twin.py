"""The twin itself: sign in, read, decide, remember. Knows no Flask and does no I/O of its own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from mock_server import answers, casts, decoding, reading
from mock_server.campaign import Accepted, Clock, Desk, Outcome, Refused
from mock_server.casts import Cast
from mock_server.decoding import Decoded, Unreadable
from mock_server.fields import Contract
from mock_server.memory_store import MemoryStore
from mock_server.reading import Reading
from mock_server.store import Account, Entry, Request, Store, digest


def wall_clock() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Seen:
    """How far a request came: what of it was read, and the decision."""

    outcome: Outcome
    strict: bool = False
    reading: Reading | None = None
    unreadable: Unreadable | None = None


class Twin:
    """Answers requests as the real API would.

    Any non-empty login and key open an account by themselves; with ``closed`` only the store's own
    accounts may sign in. ``strict`` refuses, for every account, whatever had to be repaired.
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
        self._desk = desk or Desk(contract, clock=clock)
        self._strict = strict
        self._closed = closed
        self._tables = dict[str, Mapping[str, Cast]]()
        self._tables_lock = threading.Lock()

    def handle(self, request: Request) -> Entry:
        """Answer one request and put it into the inbox."""
        now = self._desk.now()
        seen = self._look(request, now)
        return self.store.add(
            Entry(
                at=now,
                login=request.headers.get(self.contract.login_header, ""),
                request=request,
                answer=answers.answer(self.contract, seen.outcome),
                strict=seen.strict,
                reading=seen.reading,
                unreadable=seen.unreadable,
                outcome=seen.outcome,
            )
        )

    def _look(self, request: Request, now: datetime) -> _Seen:
        if request.path != self.contract.url_path:
            return _Seen(Refused("not-found"))
        if request.method != self.contract.method:
            return _Seen(Refused("method-not-allowed"))
        account = self._sign_in(request.headers)
        if account is None:
            return _Seen(Refused("unauthorized"))
        if not account.voice_addon:
            return _Seen(Refused("forbidden"))
        return self._read(account, request, now)

    def _read(self, account: Account, request: Request, now: datetime) -> _Seen:
        strict = self._strict or account.strict
        decoded = self._decoded(request)
        if isinstance(decoded, Unreadable):
            return _Seen(Refused("unreadable"), strict, unreadable=decoded)
        table = self._table(account.region)
        read = reading.read(self.contract, decoded.value, table, decoded.slips)
        if strict and read.repairs:
            outcome: Outcome = self._desk.strict(read)
        elif read.value.get("simulation_mode") is True:
            first_level = read
            if read.notes or read.faults:
                first_level = reading.read_first_level(self.contract, decoded.value, table)
            outcome = self._simulate(account, read, first_level, now)
        else:
            outcome = self._send(account, read, now)
        return _Seen(outcome, strict, read)

    def _decoded(self, request: Request) -> Decoded | Unreadable:
        if not request.complete:
            came = f"only {len(request.body)} bytes"
            return Unreadable("body", came, "all that Content-Length says")
        return decoding.decode(request.body, request.content_type, self.contract.media_type)

    def _sign_in(self, headers: Mapping[str, str]) -> Account | None:
        login = headers.get(self.contract.login_header, "").strip()
        key = headers.get(self.contract.key_header, "").strip()
        if not login or not key:
            return None
        account = self.store.known(login)
        if account is None and not self._closed:
            terms = self.contract.terms
            account = self.store.account(
                Account(
                    login, digest(login, key), terms.opening_credit, region=terms.default_region
                )
            )
        return account if account is not None and account.has_key(key) else None

    def _send(self, account: Account, read: Reading, now: datetime) -> Outcome:
        with self.store.ledger(account) as ledger:
            outcome = self._desk.send(
                account.login, read, ledger.state(*self._asked(read, now)), now
            )
            if isinstance(outcome, Accepted):
                ledger.apply(outcome, now)
        return outcome

    def _simulate(
        self, account: Account, read: Reading, first_level: Reading, now: datetime
    ) -> Outcome:
        with self.store.ledger(account) as ledger:
            state = ledger.state(*self._asked(read, now))
        return self._desk.simulate(account.login, read, first_level, state, now)

    def _asked(self, read: Reading, now: datetime) -> tuple[str | None, datetime]:
        return read.value.get("request_id"), self._desk.forgets_before(now)

    def _table(self, region: str) -> Mapping[str, Cast]:
        with self._tables_lock:
            if region not in self._tables:
                self._tables[region] = casts.table(region)
            return self._tables[region]
