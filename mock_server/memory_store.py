"""The store in memory: bounded, for one process."""

from __future__ import annotations

import pickle
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final, NamedTuple

from mock_server.campaign import Accepted, State
from mock_server.store import Account, Entry, Page

MOST_ENTRIES: Final = 1_000
# A thousand frames of 500 recipients, as the seed advises, would be about 40 MB.
MOST_BYTES: Final = 16 * 2**20


# A body of 1 MiB can need a hundred thousand; nobody reads them, and they would take 50 MB.
MOST_NOTES: Final = 5_000


class _Kept(NamedTuple):
    summary: dict[str, Any]
    entry: bytes
    """The entry, pickled: notes share their rules there, which takes a third of the document."""


class MemoryStore:
    """Keeps the newest entries within two bounds, and every account until it is reset.

    ``accounts`` are there from the start, and again after a reset.
    """

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        *,
        most_entries: int = MOST_ENTRIES,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._given = tuple(accounts)
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._last_id = 0
        self._empty()

    def _empty(self) -> None:
        self._accounts = {account.login: account for account in self._given}
        self._ledgers = dict[str, _MemoryLedger]()
        self._entries = OrderedDict[int, _Kept]()
        self._bytes = 0
        self._evicted = 0

    def account(self, new: Account) -> Account:
        """See `store.Store.account`."""
        with self._lock:
            return self._accounts.setdefault(new.login, new)

    def known(self, login: str) -> Account | None:
        """See `store.Store.known`."""
        with self._lock:
            return self._accounts.get(login)

    @contextmanager
    def ledger(self, account: Account) -> Iterator[_MemoryLedger]:
        """See `store.Store.ledger`. A reset in between leaves the caller with the ledger it has."""
        with self._lock:
            ledger = self._ledgers.setdefault(account.login, _MemoryLedger(account.credit))
        with ledger.lock:
            yield ledger

    def add(self, entry: Entry) -> Entry:
        """See `store.Store.add`. Of the headers only the Content-Type is kept, so no key is."""
        with self._lock:
            self._last_id += 1
            number = self._last_id
        entry = replace(entry, id=number)
        headers = {"content-type": entry.request.content_type}
        without_key = replace(entry, request=replace(entry.request, headers=headers))
        kept = _Kept(entry.summary(), pickle.dumps(_shortened(without_key)))
        with self._lock:
            self._entries[number] = kept
            self._bytes += len(kept.entry)
            while self._is_over():
                _, dropped = self._entries.popitem(last=False)
                self._bytes -= len(dropped.entry)
                self._evicted += 1
        return entry

    def _is_over(self) -> bool:
        # The newest entry is kept however large it is: its link was just given out.
        too_large = self._bytes > self._most_bytes and len(self._entries) > 1
        return too_large or len(self._entries) > self._most_entries

    def find(self, number: int) -> dict[str, Any] | None:
        """See `store.Store.find`."""
        with self._lock:
            kept = self._entries.get(number)
        if kept is None:
            return None
        entry: Entry = pickle.loads(kept.entry)  # noqa: S301  (written above, by this process)
        return entry.document()

    def page(self, login: str | None, since: int, limit: int) -> Page:
        """See `store.Store.page`."""
        with self._lock:
            rows = [kept.summary for number, kept in self._entries.items() if number > since]
            kept_now, evicted = len(self._entries), self._evicted
        return Page(
            list(islice((row for row in rows if login in {None, row["login"]}), limit)),
            kept_now,
            evicted,
        )

    def reset(self) -> None:
        """See `store.Store.reset`."""
        with self._lock:
            self._empty()


def _shortened(entry: Entry) -> Entry:
    """The entry with no more notes than are kept."""
    if entry.reading is None or (left_out := len(entry.reading.notes) - MOST_NOTES) <= 0:
        return entry
    reading = replace(entry.reading, notes=entry.reading.notes[:MOST_NOTES])
    return replace(entry, reading=reading, notes_left_out=left_out)


class _MemoryLedger:
    __slots__ = ("_credit", "_issued", "_used", "lock")

    def __init__(self, credit: Decimal) -> None:
        self.lock = threading.Lock()
        self._credit = credit
        self._issued = 0
        # In the order of use, so that what has run out stands first.
        self._used = dict[str, datetime]()

    def state(self, request_id: str | None, since: datetime) -> State:
        """See `store.Ledger.state`."""
        while self._used and next(iter(self._used.values())) < since:
            del self._used[next(iter(self._used))]
        used = self._used.get(request_id) if request_id is not None else None
        return State(self._credit, self._issued, used)

    def apply(self, campaign: Accepted, at: datetime) -> None:
        """See `store.Ledger.apply`."""
        self._credit -= campaign.cost
        self._issued += 1
        if campaign.request_id is not None:
            self._used.pop(campaign.request_id, None)
            self._used[campaign.request_id] = at
