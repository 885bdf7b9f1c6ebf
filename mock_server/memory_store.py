"""The store in memory: bounded, for one process.

Locks are taken in one order, a world's and then the store's, so that none waits in a circle.
"""

from __future__ import annotations

import pickle
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from mock_server.campaign import Accepted, State
from mock_server.faults import Count
from mock_server.store import Account, Balance, Entry, Page, Query, WorldGoneError

MOST_ENTRIES: Final = 1_000
# A thousand frames of 500 recipients, as the seed advises, would be about 40 MB.
MOST_BYTES: Final = 16 * 2**20
# A world without a request takes about 1 kB.
MOST_ACCOUNTS: Final = 10_000
# A body of 1 MiB can need a hundred thousand; nobody reads them, and they would take 50 MB.
MOST_NOTES: Final = 5_000
# Of one account within 24 hours; about 150 bytes each.
MOST_REQUEST_IDS: Final = 10_000
# Seconds.
_LOOK_AGAIN: Final = 0.05


@dataclass(frozen=True, slots=True)
class _Kept:
    """An entry, pickled: notes share their rules there, which takes a third of the document."""

    number: int
    login: str
    verdict: str
    fields: frozenset[str]
    rules: frozenset[str]
    stakes: frozenset[str]
    at: datetime
    row: dict[str, Any]
    campaign: Accepted | None
    pickled: bytes

    @classmethod
    def of(cls, entry: Entry) -> _Kept:
        """The entry, of its headers only the Content-Type: so no key is kept."""
        headers = {"content-type": entry.request.content_type}
        without_key = replace(entry, request=replace(entry.request, headers=headers))
        notes, faults = entry.notes, entry.reading.faults if entry.reading else ()
        return cls(
            number=entry.id,
            login=entry.login,
            verdict=entry.verdict,
            fields=frozenset({note.field for note in notes} | {fault.field for fault in faults}),
            rules=frozenset(note.rule.name for note in notes),
            stakes=frozenset("high" if note.high_stakes else "normal" for note in notes),
            at=entry.at,
            row=entry.summary(entry.at),
            # Without what takes room: the state is asked of it, no more.
            campaign=replace(entry.campaign, advice=()) if entry.campaign else None,
            pickled=pickle.dumps(_shortened(without_key)),
        )

    def numbered(self, number: int) -> _Kept:
        return replace(self, number=number, row=self.row | {"id": number})

    def entry(self) -> Entry:
        entry: Entry = pickle.loads(self.pickled)  # noqa: S301  (written above, by this process)
        return replace(entry, id=self.number)

    def state(self, now: datetime) -> str | None:
        return self.campaign.state(now) if self.campaign else None

    def fits(self, query: Query, now: datetime) -> bool:
        return (
            self.number > query.since
            and query.login in {None, self.login}
            and query.verdict in {None, self.verdict}
            and query.state in {None, self.state(now)}
            and (query.field is None or query.field in self.fields)
            and (query.rule is None or query.rule in self.rules)
            and (query.stakes is None or query.stakes in self.stakes)
            and (query.after is None or self.at >= query.after)
            and (query.before is None or self.at < query.before)
            and (query.number is None or self._calls(query.number))
        )

    def _calls(self, number: str) -> bool:
        # Texts stand in a pickle as they are; most entries need not be opened to say no.
        if number.encode() not in self.pickled:
            return False
        reading = self.entry().reading
        contacts = reading.value.get("recipients", ()) if reading else ()
        return any(contact.get("phone_number") == number for contact in contacts)


@dataclass(slots=True)
class _World:
    """An account with its ledger. What is under ``lock`` belongs to one request at a time."""

    account: Account
    credit: Decimal
    configured: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    spent: Decimal = Decimal("0.00")
    issued: int = 0
    counts_of_faults: dict[int, Count] = field(default_factory=dict)
    latest: datetime | None = None
    evicted: int = 0
    # In the order of use, so that what has run out stands first.
    used: dict[str, datetime] = field(default_factory=dict)
    forgotten: int = 0

    def balance(self) -> Balance:
        return Balance(
            self.credit,
            self.spent,
            self.issued,
            dict(self.counts_of_faults),
            self.latest,
            self.evicted,
            self.forgotten,
        )

    def state(self, request_id: str | None, since: datetime) -> State:
        """See `store.Ledger.state`."""
        while self.used and next(iter(self.used.values())) < since:
            del self.used[next(iter(self.used))]
        used = self.used.get(request_id) if request_id is not None else None
        return State(self.credit, self.issued, used)

    def counts(self) -> Mapping[int, Count]:
        """See `store.Ledger.counts`."""
        return self.counts_of_faults

    def count(self, changed: Mapping[int, Count]) -> None:
        """See `store.Ledger.count`."""
        self.counts_of_faults.update(changed)

    def forget_old_counts(self) -> None:
        """Forget the counts of faults that are no longer injected."""
        ids = {rule.id for rule in self.account.faults.rules}
        for old in self.counts_of_faults.keys() - ids:
            del self.counts_of_faults[old]

    def apply(self, campaign: Accepted, at: datetime) -> None:
        """See `store.Ledger.apply`."""
        self.credit -= campaign.cost
        self.spent += campaign.cost
        self.issued += 1
        if campaign.request_id is not None:
            self.used.pop(campaign.request_id, None)
            self.used[campaign.request_id] = at
            if len(self.used) > MOST_REQUEST_IDS:
                del self.used[next(iter(self.used))]
                self.forgotten += 1

    def saw(self, at: datetime) -> None:
        """See `store.Ledger.saw`."""
        # Threads that read the clock one after the other may come here the other way round.
        self.latest = max(at, self.latest or at)


class MemoryStore:
    """Keeps the newest entries and the last used accounts, within bounds.

    ``accounts`` are there from the start, and again after a reset. They, and whatever was set up
    by `change`, are never forgotten to make room.
    """

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        *,
        most_entries: int = MOST_ENTRIES,
        most_bytes: int = MOST_BYTES,
        most_accounts: int = MOST_ACCOUNTS,
    ) -> None:
        self._given = {account.login: account for account in accounts}
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._most_accounts = most_accounts
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._last_id = 0
        self._last_world = 0
        self._version = 0
        self._empty()

    def _empty(self) -> None:
        # The longest unused first.
        self._worlds = OrderedDict[str, _World]()
        self._entries = OrderedDict[int, _Kept]()
        self._bytes = 0
        self._evicted = 0
        self._worlds_evicted = 0
        for account in self._given.values():
            self._opened(account).configured = True

    # ── accounts ────────────────────────────────────────────────────────

    def known(self, login: str) -> Account | None:
        """See `store.Store.known`."""
        with self._lock:
            world = self._worlds.get(login)
            if world is None:
                return None
            self._worlds.move_to_end(login)
            return world.account

    def open(self, new: Account) -> Account:
        """See `store.Store.open`."""
        with self._lock:
            return (self._worlds.get(new.login) or self._opened(new)).account

    def change(
        self,
        new: Account,
        how: Callable[[Account, Balance], Account],
        credit: Decimal | None = None,
    ) -> tuple[Account, Balance]:
        """See `store.Store.change`."""
        while True:
            with self._lock:
                known = self._worlds.get(new.login)
            world = known or _World(new, new.credit)
            with world.lock, self._lock:
                if self._worlds.get(new.login) is not known:
                    continue
                account = how(world.account, world.balance())
                if known is None:
                    world = self._opened(new)
                world.account = replace(account, world=world.account.world)
                world.configured = True
                world.forget_old_counts()
                if credit is not None:
                    world.credit = credit
                self._tell()
                return world.account, world.balance()

    def forget(self, login: str) -> None:
        """See `store.Store.forget`."""
        with self._lock:
            self._worlds.pop(login, None)
            for number in [n for n, kept in self._entries.items() if kept.login == login]:
                self._bytes -= len(self._entries.pop(number).pickled)
            if login in self._given:
                self._opened(self._given[login]).configured = True
            self._tell()

    def accounts(self) -> tuple[list[tuple[Account, Balance]], int]:
        """See `store.Store.accounts`."""
        with self._lock:
            accounts = [world.account for world in self._worlds.values()]
            evicted = self._worlds_evicted
        return [(account, self.balance(account)) for account in accounts], evicted

    def balance(self, account: Account) -> Balance:
        """See `store.Store.balance`."""
        with self._lock:
            world = self._worlds.get(account.login)
        world = world or _World(account, account.credit)
        with world.lock:
            return world.balance()

    @contextmanager
    def ledger(self, account: Account) -> Iterator[_World]:
        """See `store.Store.ledger`."""
        with self._lock:
            world = self._worlds.get(account.login)
        if world is None or world.account.world != account.world:
            raise WorldGoneError
        with world.lock:
            yield world

    def _opened(self, account: Account) -> _World:
        self._last_world += 1
        world = _World(replace(account, world=self._last_world), account.credit)
        self._worlds[account.login] = world
        if len(self._worlds) > self._most_accounts:
            idle = (login for login, old in self._worlds.items() if not old.configured)
            if (login := next(idle)) != account.login:
                del self._worlds[login]
                self._worlds_evicted += 1
        return world

    # ── inbox ────────────────────────────────────────────────────────

    def add(self, entry: Entry, world: int = 0) -> Entry:
        """See `store.Store.add`."""
        kept = _Kept.of(entry)
        with self._lock:
            # Numbered where it is put: else a reader who sees 2 before 1 would never ask for 1.
            self._last_id += 1
            entry = replace(entry, id=self._last_id)
            if world and not self._is_open(entry.login, world):
                return entry
            self._entries[entry.id] = kept.numbered(entry.id)
            self._bytes += len(kept.pickled)
            while self._is_over():
                self._drop_oldest()
            self._tell()
        return entry

    def _is_open(self, login: str, world: int) -> bool:
        known = self._worlds.get(login)
        return known is not None and known.account.world == world

    def _is_over(self) -> bool:
        # The newest entry is kept however large it is: its link was just given out.
        too_large = self._bytes > self._most_bytes and len(self._entries) > 1
        return too_large or len(self._entries) > self._most_entries

    def _drop_oldest(self) -> None:
        _, dropped = self._entries.popitem(last=False)
        self._bytes -= len(dropped.pickled)
        self._evicted += 1
        if (world := self._worlds.get(dropped.login)) is not None:
            world.evicted += 1

    def find(self, number: int, wall: datetime) -> dict[str, Any] | None:
        """See `store.Store.find`."""
        with self._lock:
            kept = self._entries.get(number)
            now = self._now(kept.login, wall) if kept else wall
        return kept.entry().document(now) if kept else None

    def page(self, query: Query, wall: datetime) -> Page:
        """See `store.Store.page`."""
        with self._lock:
            entries = [(kept, self._now(kept.login, wall)) for kept in self._entries.values()]
            asked = self._worlds.get(query.login) if query.login is not None else None
            evicted = asked.evicted if asked else self._evicted
        rows = (
            kept.row | {"state": kept.state(now)} for kept, now in entries if kept.fits(query, now)
        )
        return Page(list(islice(rows, query.limit)), len(entries), evicted)

    def wait(self, query: Query, seconds: float, wall: Callable[[], datetime]) -> Page:
        """See `store.Store.wait`."""
        until = time.monotonic() + seconds
        while True:
            with self._lock:
                seen = self._version
            page = self.page(query, wall())
            left = until - time.monotonic()
            if page.requests or left <= 0:
                return page
            with self._changed:
                if self._version == seen:
                    # A clock that runs changes states without a word.
                    self._changed.wait(left if query.state is None else min(left, _LOOK_AGAIN))

    def reset(self) -> None:
        """See `store.Store.reset`."""
        with self._lock:
            self._empty()
            self._tell()

    def _now(self, login: str, wall: datetime) -> datetime:
        world = self._worlds.get(login)
        return world.account.clock.now(wall) if world else wall

    def _tell(self) -> None:
        self._version += 1
        self._changed.notify_all()


def _shortened(entry: Entry) -> Entry:
    """The entry with no more notes than are kept."""
    if entry.reading is None or (left_out := len(entry.reading.notes) - MOST_NOTES) <= 0:
        return entry
    reading = replace(entry.reading, notes=entry.reading.notes[:MOST_NOTES])
    return replace(entry, reading=reading, notes_left_out=left_out)
