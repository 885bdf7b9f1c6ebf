"""The store in memory: bounded, for one process, under one lock."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import takewhile
from typing import Final, Self

from msgspec.structs import force_setattr

from mock_server.store.call_plan import Campaign
from mock_server.store.entries import Accepted, Entry
from mock_server.store.injection_plan import Count
from mock_server.store.protocol import Account, Balance, StaleAccountError, State
from mock_server.store.receipt_log import Receipt

MOST_ENTRIES: Final = 1_000
# Nine hundred frames of 500 recipients, as the vendor advises.
MOST_BYTES: Final = 16 * 2**20
# About a kilobyte each.
MOST_RECEIPTS: Final = 10_000
# An account without a request takes about 1 kB.
MOST_ACCOUNTS: Final = 10_000
# Of one account within 24 hours; about 150 bytes each.
MOST_REQUEST_IDS: Final = 10_000


class _Ledger:
    """An account with its money and memory; a context that holds the store's lock."""

    def __init__(self, store: MemoryStore, account: Account) -> None:
        self._store = store
        self.account = account
        self.configured = False
        self.credit = account.credit
        self.spent = Decimal("0.00")
        self.issued = 0
        self.counts_of_rules = dict[int, Count]()
        self.latest: datetime | None = None
        self.evicted = 0
        # In the order of use, so that what has run out stands first.
        self.used = dict[str, datetime]()
        self.forgotten = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.lock.release()

    def balance(self) -> Balance:
        return Balance(
            self.credit,
            self.spent,
            self.issued,
            dict(self.counts_of_rules),
            self.latest,
            self.evicted,
            self.forgotten,
        )

    def state(self, request_id: str | None, since: datetime) -> State:
        """See `protocol.Ledger.state`."""
        while self.used and next(iter(self.used.values())) < since:
            del self.used[next(iter(self.used))]
        used = self.used.get(request_id) if request_id is not None else None
        return State(self.credit, self.issued, used)

    def counts(self) -> Mapping[int, Count]:
        """See `protocol.Ledger.counts`."""
        return self.counts_of_rules

    def count(self, changed: Mapping[int, Count]) -> None:
        """See `protocol.Ledger.count`."""
        self.counts_of_rules.update(changed)

    def forget_old_counts(self) -> None:
        """Forget the counts of rules that were removed."""
        for old in self.counts_of_rules.keys() - {rule.id for rule in self.account.faults.rules}:
            del self.counts_of_rules[old]

    def charge(self, campaign: Accepted, at: datetime) -> None:
        """See `protocol.Ledger.charge`."""
        self.credit -= campaign.cost
        self.spent += campaign.cost
        self.issued += 1
        if campaign.request_id is not None:
            self.used.pop(campaign.request_id, None)
            self.used[campaign.request_id] = at
            if len(self.used) > MOST_REQUEST_IDS:
                del self.used[next(iter(self.used))]
                self.forgotten += 1

    def remember(self, entry: Entry) -> Entry:
        """See `protocol.Ledger.remember`."""
        # Threads that read the clock one after the other may come here the other way round.
        if self.latest is None or entry.at > self.latest:
            self.latest = entry.at
        return self._store.put(entry)


class MemoryStore:
    """Keeps the newest entries and the last used accounts, within bounds.

    ``accounts`` are there from the start, and again after a reset. They, and whatever was set up
    by `change`, are never forgotten to make space.
    """

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        *,
        most_entries: int = MOST_ENTRIES,
        most_bytes: int = MOST_BYTES,
        most_accounts: int = MOST_ACCOUNTS,
        most_receipts: int = MOST_RECEIPTS,
    ) -> None:
        self._given = {account.login: account for account in accounts}
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._most_accounts = most_accounts
        self._most_receipts = most_receipts
        self.lock = threading.Lock()
        self._subscribers = dict[object, Callable[[], None]]()
        self._last_id = 0
        self._last_generation = 0
        self._empty()

    def _empty(self) -> None:
        # The longest unused first.
        self._ledgers = OrderedDict[str, _Ledger]()
        self._entries = OrderedDict[int, Entry]()
        self._bytes = 0
        self._evicted = 0
        self._accounts_evicted = 0
        # Those among the entries, up to the one with this id, when somebody last looked for them: a
        # request pays nothing for its campaign.
        self._campaigns = dict[int, Campaign]()
        self._open = dict[int, Campaign]()
        self._looked_at = self._last_id
        self._receipts = OrderedDict[str, Receipt]()
        self._receipts_dropped = 0
        for account in self._given.values():
            self._opened(account).configured = True

    # ── accounts ────────────────────────────────────────────────────────

    def known(self, login: str, *, used: bool = True) -> Account | None:
        """See `protocol.Store.known`."""
        with self.lock:
            ledger = self._ledgers.get(login)
            if ledger is not None and used:
                self._ledgers.move_to_end(login)
            return ledger.account if ledger is not None else None

    def open(self, new: Account) -> Account:
        """See `protocol.Store.open`."""
        with self.lock:
            return (self._ledgers.get(new.login) or self._opened(new)).account

    def change(
        self,
        new: Account,
        how: Callable[[Account, Balance], Account],
        credit: Decimal | None = None,
    ) -> tuple[Account, Balance]:
        """See `protocol.Store.change`."""
        with self.lock:
            ledger = self._ledgers.get(new.login) or _Ledger(self, new)
            account = how(ledger.account, ledger.balance())
            if new.login not in self._ledgers:
                ledger = self._opened(new)
            ledger.account = replace(account, generation=ledger.account.generation)
            ledger.configured = True
            ledger.forget_old_counts()
            if credit is not None:
                ledger.credit = credit
            self._notify()
            return ledger.account, ledger.balance()

    def forget(self, login: str) -> None:
        """See `protocol.Store.forget`."""
        with self.lock:
            self._ledgers.pop(login, None)
            for number in [n for n, entry in self._entries.items() if entry.login == login]:
                self._drop(self._entries.pop(number))
            for name in [name for name, one in self._receipts.items() if one.login == login]:
                del self._receipts[name]
            if login in self._given:
                self._opened(self._given[login]).configured = True
            self._notify()

    def accounts(self) -> tuple[list[tuple[Account, Balance]], int]:
        """See `protocol.Store.accounts`."""
        with self.lock:
            ledgers = [(ledger.account, ledger.balance()) for ledger in self._ledgers.values()]
            return ledgers, self._accounts_evicted

    def balance(self, account: Account) -> Balance:
        """See `protocol.Store.balance`."""
        with self.lock:
            return (self._ledgers.get(account.login) or _Ledger(self, account)).balance()

    def ledger(self, account: Account) -> _Ledger:
        """See `protocol.Store.ledger`."""
        self.lock.acquire()  # Released by the ledger's __exit__.
        ledger = self._ledgers.get(account.login)
        if ledger is None or ledger.account.generation != account.generation:
            self.lock.release()
            raise StaleAccountError
        return ledger

    def _opened(self, account: Account) -> _Ledger:
        self._last_generation += 1
        ledger = _Ledger(self, replace(account, generation=self._last_generation))
        self._ledgers[account.login] = ledger
        if len(self._ledgers) > self._most_accounts:
            idle = (login for login, old in self._ledgers.items() if not old.configured)
            if (login := next(idle)) != account.login:
                del self._ledgers[login]
                self._accounts_evicted += 1
        return ledger

    # ── inbox ────────────────────────────────────────────────────────

    def add(self, entry: Entry) -> Entry:
        """See `protocol.Store.add`."""
        with self.lock:
            return self.put(entry)

    def put(self, entry: Entry) -> Entry:
        """Number the entry and keep it; only while the lock is held."""
        # Numbered where it is put: else a reader who sees 2 before 1 would never ask for 1.
        self._last_id += 1
        # Nobody else has it yet, and a copy would cost as much as the rest of this.
        force_setattr(entry, "id", self._last_id)
        self._entries[self._last_id] = entry
        self._bytes += entry.size
        # The newest entry is kept however large it is: its link was just given out.
        while len(self._entries) > self._most_entries or (
            self._bytes > self._most_bytes and len(self._entries) > 1
        ):
            _, dropped = self._entries.popitem(last=False)
            self._drop(dropped)
            self._evicted += 1
            if (ledger := self._ledgers.get(dropped.login)) is not None:
                ledger.evicted += 1
        if self._subscribers:
            self._notify()
        return entry

    def _drop(self, entry: Entry) -> None:
        self._bytes -= entry.size
        if self._campaigns:
            self._campaigns.pop(entry.id, None)
            self._open.pop(entry.id, None)

    def find(self, number: int) -> Entry | None:
        """See `protocol.Store.find`."""
        return self._entries.get(number)

    def entries(self, login: str | None, since: int) -> list[Entry]:
        """See `protocol.Store.entries`."""
        with self.lock:
            return [
                entry
                for entry in self._entries.values()
                if entry.id > since and login in {None, entry.login}
            ]

    def newest(self, below: int | None = None) -> Iterator[Entry]:
        """See `protocol.Store.newest`."""
        with self.lock:
            last = self._last_id if below is None else min(below - 1, self._last_id)
            oldest = next(iter(self._entries), last + 1)
        # Without the lock from one to the next: whoever looks through all of it stops nobody.
        for number in range(last, oldest - 1, -1):
            if (entry := self._entries.get(number)) is not None:
                yield entry

    def kept(self, login: str | None) -> tuple[int, int]:
        """See `protocol.Store.kept`."""
        with self.lock:
            asked = self._ledgers.get(login) if login is not None else None
            return len(self._entries), asked.evicted if asked else self._evicted

    # ── campaigns ────────────────────────────────────────────────────────

    def campaigns(self, login: str | None, *, closed: bool = True) -> list[Campaign]:
        """See `protocol.Store.campaigns`."""
        with self.lock:
            self._look_for_campaigns()
            return [
                campaign
                for campaign in (self._campaigns if closed else self._open).values()
                if login in {None, campaign.entry.login}
            ]

    def campaign(self, number: int) -> Campaign | None:
        """See `protocol.Store.campaign`."""
        with self.lock:
            self._look_for_campaigns()
            return self._campaigns.get(number)

    def _look_for_campaigns(self) -> None:
        oldest = next(iter(self._entries), self._last_id + 1)
        for number in range(max(self._looked_at + 1, oldest), self._last_id + 1):
            entry = self._entries.get(number)
            if entry is not None and entry.calls:
                self._campaigns[number] = self._open[number] = Campaign(entry)
        self._looked_at = self._last_id

    def settle(self, before: Campaign, after: Campaign) -> bool:
        """See `protocol.Store.settle`."""
        with self.lock:
            if self._campaigns.get(before.id) is not before:
                return False
            self._campaigns[before.id] = after
            if after.closed:
                self._open.pop(before.id, None)
            else:
                self._open[before.id] = after
            self._notify()
            return True

    def log_receipt(self, after: Receipt, before: Receipt | None) -> bool:
        """See `protocol.Store.log_receipt`."""
        with self.lock:
            if self._receipts.get(after.id) is not before:
                return False
            self._receipts[after.id] = after
            if len(self._receipts) > self._most_receipts:
                self._receipts.popitem(last=False)
                self._receipts_dropped += 1
            self._notify()
            return True

    def receipt(self, number: str) -> Receipt | None:
        """See `protocol.Store.receipt`."""
        return self._receipts.get(number)

    def receipts(self, login: str | None, since: str | None = None) -> tuple[list[Receipt], int]:
        """See `protocol.Store.receipts`."""
        with self.lock:
            # From the end: whoever reads on has come nearly there.
            newest = takewhile(lambda one: one.id != since, reversed(self._receipts.values()))
            found = [one for one in newest if login in {None, one.login}]
            return found[::-1], self._receipts_dropped

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """See `protocol.Store.subscribe`."""
        key = object()
        with self.lock:
            self._subscribers[key] = changed

        def unsubscribe() -> None:
            with self.lock:
                self._subscribers.pop(key, None)

        return unsubscribe

    def reset(self) -> None:
        """See `protocol.Store.reset`."""
        with self.lock:
            self._empty()
            self._notify()

    def _notify(self) -> None:
        for changed in self._subscribers.values():
            changed()
