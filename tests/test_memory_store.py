"""The store in memory: its bounds, its worlds, and who waits for it."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import msgspec
import pytest

from common import NOON
from mock_server.contract.loader import Contract, load
from mock_server.core.accounts import opened
from mock_server.core.handler import Twin
from mock_server.core.inbox import Inbox, Page, Query
from mock_server.core.injection import Preference
from mock_server.http import waiting
from mock_server.store.entries import Accepted, Entry, Refused, Request
from mock_server.store.injection_plan import Count, InjectionPlan
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import Account, Balance, Ledger, StaleAccountError, Store, digest

CONTRACT = load()


def entry(size: int = 0, login: str = "ada") -> Entry:
    return Entry(NOON, login, Request("POST", "/", {}, b"a" * size), Refused("not-found"))


def inbox(store: MemoryStore, clock: Callable[[], datetime] = lambda: NOON) -> Inbox:
    return Twin(CONTRACT, store, clock=clock).inbox


def wait(store: MemoryStore, query: Query, clock: Callable[[], datetime] = lambda: NOON) -> Page:
    """The entries that fit, as soon as there are some."""
    looked_into = inbox(store, clock)
    waiting.block(
        waiting.Wait(
            time.monotonic() + 60,
            lambda: bool(looked_into.page(query).requests),
            changes_by_itself=query.state is not None,
        ),
        store,
    )
    return looked_into.page(query)


def ids(store: MemoryStore) -> list[int]:
    return [row["id"] for row in inbox(store).page(Query(limit=1000)).requests]


def test_the_newest_entries_are_kept() -> None:
    store = MemoryStore(most_entries=2)
    for _ in range(5):
        store.add(entry())

    assert ids(store) == [4, 5]


def test_what_had_to_go_is_counted() -> None:
    store = MemoryStore(most_entries=2)
    for _ in range(5):
        store.add(entry())

    page = inbox(store).page(Query(limit=1))
    assert (page.kept, page.evicted) == (2, 3)


def test_the_bytes_are_bounded_too() -> None:
    store = MemoryStore(most_bytes=5_000)
    for _ in range(5):
        store.add(entry(1_000))

    assert ids(store) == [4, 5]


def test_the_last_entry_is_kept_however_large_it_is() -> None:
    store = MemoryStore(most_bytes=100)
    store.add(entry(1_000))
    store.add(entry(1_000))

    assert ids(store) == [2]


def test_room_is_made_again_after_a_reset() -> None:
    store = MemoryStore(most_bytes=5_000)
    for _ in range(3):
        store.add(entry(1_000))
    store.reset()
    store.add(entry(1_000))

    assert ids(store) == [4]
    assert inbox(store).page(Query(limit=1)).evicted == 0


@pytest.mark.parametrize("body", [b"plain", b"\xff\x00", "é".encode()])
def test_a_body_is_kept_as_it_arrived(body: bytes) -> None:
    store = MemoryStore()
    store.add(Entry(NOON, "ada", Request("POST", "/", {}, body), Refused("not-found")))

    found = inbox(store).find(1)
    assert found is not None
    if "raw_base64" in found:
        assert base64.b64decode(found["raw_base64"]) == body
    else:
        assert found["raw"].encode() == body


def account(login: str = "ada", credit: str = "10.00") -> Account:
    return Account(login, digest(login, "k"), Decimal(credit))


def campaign(request_id: str | None = None, **given: object) -> Accepted:
    charged = Accepted("voice_1", 1, Decimal("0.05"), 30, Decimal("9.95"), simulated=False)
    return msgspec.structs.replace(charged, request_id=request_id, **given)


def unchanged(known: Account, _: Balance) -> Account:
    return known


def test_it_is_a_store() -> None:
    store: Store = MemoryStore()

    assert store.known("ada") is None


# ── worlds ────────────────────────────────────────────────────────


def test_a_login_is_opened_once() -> None:
    store = MemoryStore()

    first = store.open(account())

    assert store.open(account(credit="99.00")) == first


def test_the_longest_unused_world_makes_room() -> None:
    store = MemoryStore(most_accounts=2)
    for login in ("ada", "grace"):
        store.open(account(login))
    store.known("ada")
    store.open(account("edsger"))

    accounts, evicted = store.accounts()
    assert ([known.login for known, _ in accounts], evicted) == (["ada", "edsger"], 1)


def test_a_world_that_was_set_up_makes_no_room() -> None:
    store = MemoryStore([account("given")], most_accounts=2)
    store.change(account("set"), unchanged)
    for n in range(5):
        store.open(account(f"passing {n}"))

    accounts, evicted = store.accounts()
    assert {known.login for known, _ in accounts} == {"given", "set", "passing 4"}
    assert evicted == 4


def test_a_reset_brings_the_given_accounts_back() -> None:
    store = MemoryStore([account("given")])
    store.open(account())
    store.reset()

    assert [known.login for known, _ in store.accounts()[0]] == ["given"]


def test_a_forgotten_world_is_another_when_it_is_there_again() -> None:
    store = MemoryStore()
    first = store.open(account())
    store.forget("ada")
    store.open(account())

    with pytest.raises(StaleAccountError), store.ledger(first):
        pass


def test_a_world_that_nobody_knows_has_no_ledger() -> None:
    with pytest.raises(StaleAccountError), MemoryStore().ledger(account()):
        pass


def test_the_balance_of_a_world_that_is_gone_is_what_it_began_with() -> None:
    assert MemoryStore().balance(account()).credit == Decimal("10.00")


def test_what_is_refused_opens_no_world() -> None:
    store = MemoryStore()

    def refuse(_: Account, __: Balance) -> Account:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.change(account(), refuse)

    assert store.known("ada") is None


def test_only_the_counts_of_injected_faults_are_kept() -> None:
    store = MemoryStore()
    for _ in range(3):

        def inject(known: Account, _: Balance) -> Account:
            return replace(known, faults=known.faults.only(0, [{"fault": "reset"}]))

        changed, _ = store.change(account(), inject)
        with store.ledger(changed) as ledger:
            ledger.count({changed.faults.last_id: Count(1, 1)})

    assert store.balance(changed).counts == {3: Count(1, 1)}
    store.change(account(), lambda known, _: replace(known, faults=InjectionPlan()))
    assert store.balance(changed).counts == {}


def test_a_request_id_is_forgotten_where_nobody_asks_for_it_any_more() -> None:
    store = MemoryStore()
    with store.ledger(store.open(account())) as ledger:
        for hour in range(5):
            ledger.charge(campaign(f"id {hour}"), NOON + timedelta(hours=hour))

        used = [
            ledger.state(f"id {hour}", NOON + timedelta(hours=3)).request_id_used
            for hour in range(5)
        ]

    assert used == [None, None, None, *(NOON + timedelta(hours=hour) for hour in (3, 4))]


def test_the_latest_request_is_that_of_the_latest_moment() -> None:
    store = MemoryStore()
    opened = store.open(account())
    with store.ledger(opened) as ledger:
        for seconds in (2, 3, 1):
            ledger.remember(msgspec.structs.replace(entry(), at=NOON + timedelta(seconds=seconds)))

    assert store.balance(opened).latest == NOON + timedelta(seconds=3)


# ── the inbox of a world ────────────────────────────────────────────────────────


class Reset(MemoryStore):
    """Is reset between the first reading and the decision."""

    resets = 1

    def ledger(self, account: Account) -> AbstractContextManager[Ledger]:
        if self.resets:
            self.resets -= 1
            self.forget(account.login)
            self.open(replace(account, credit=Decimal("1.00")))
        return super().ledger(account)


def test_a_request_that_was_read_before_a_reset_is_read_anew() -> None:
    store = Reset()
    headers = {"api-login": "ada", "api-key": "k", "content-type": "application/json"}
    body = b'{"text": "Hi.", "recipients": [{"phone_number": "+33612345678"}]}'

    handled = Twin(CONTRACT, store).handle(Request("POST", CONTRACT.url_path, headers, body))

    assert handled.answer.value["residual_credit"] == 0.95
    assert ids(store) == [1]


def test_what_is_preferred_is_answered_though_the_account_is_reset_meanwhile() -> None:
    headers = {"api-login": "ada", "api-key": "k", "content-type": "application/json"}
    request = Request("POST", CONTRACT.url_path, headers, b"{}")

    handled = Twin(CONTRACT, Reset()).handle(request, Preference.of("code=403"))

    assert handled.answer.status == 403


def test_a_key_is_not_given_to_an_account_that_was_reset_meanwhile() -> None:
    class Reset(MemoryStore):
        """Is reset between the look at an account without a key and the key's being taken."""

        resets = 1

        def known(self, login: str, *, used: bool = True) -> Account | None:
            account = super().known(login, used=used)
            if self.resets:
                self.resets -= 1
                self.reset()
            return account

    store = Reset([replace(account(), key_digest=None)])
    headers = {"api-login": "ada", "api-key": "k", "content-type": "application/json"}

    handled = Twin(CONTRACT, store).handle(Request("POST", CONTRACT.url_path, headers, b"{}"))

    assert handled.answer.status == 400
    assert [known.generation for known, _ in store.accounts()[0]] == [2]


def test_a_forgotten_world_takes_its_entries_along() -> None:
    store = MemoryStore(most_bytes=8_000)
    for login in ("ada", "grace", "ada", "grace"):
        store.open(account(login))
        store.add(entry(1_000, login))

    store.forget("ada")

    assert ids(store) == [2, 4]
    store.add(entry(1_000, "grace"))
    assert ids(store) == [2, 4, 5]


def test_what_had_to_go_is_counted_by_login() -> None:
    store = MemoryStore(most_entries=2)
    for login in ("ada", "grace"):
        store.open(account(login))
    for login in ("ada", "ada", "grace", "grace", "grace", "nobody"):
        store.add(entry(login=login))

    assert [
        inbox(store).page(Query(login=login)).evicted for login in ("ada", "grace", None, "nobody")
    ] == [2, 2, 4, 4]


def test_whoever_goes_on_from_the_last_id_misses_none() -> None:
    """An entry that becomes visible has no smaller id coming after it."""
    store = MemoryStore(most_entries=10_000)
    seen = list[int]()
    with ThreadPoolExecutor(4) as pool:
        adding = [pool.submit(store.add, entry()) for _ in range(2_000)]
        while len(seen) < len(adding):
            seen += [one.id for one in store.entries(None, seen[-1] if seen else 0)]

    assert seen == list(range(1, 2_001))


def test_a_link_shows_the_entry_it_was_given_out_for() -> None:
    store = MemoryStore()
    added = [store.add(entry(login=login)) for login in ("ada", "grace")]

    documents = [inbox(store).find(one.id) for one in added]

    assert [(found["id"], found["login"]) for found in documents if found] == [
        (1, "ada"),
        (2, "grace"),
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(after=NOON), [2, 3]),
        (Query(before=NOON), [1]),
        (Query(after=NOON, before=NOON + timedelta(seconds=1)), [2]),
        (Query(after=NOON + timedelta(hours=1)), []),
    ],
)
def test_after_is_from_then_on_and_before_is_until_then(query: Query, expected: list[int]) -> None:
    store = MemoryStore()
    for seconds in (-1, 0, 1):
        store.add(msgspec.structs.replace(entry(), at=NOON + timedelta(seconds=seconds)))

    assert [row["id"] for row in inbox(store).page(query).requests] == expected


# ── waiting ────────────────────────────────────────────────────────


def arrive(store: MemoryStore) -> None:
    store.add(entry(login="ada"))


def become_due(store: MemoryStore) -> None:
    clock = store.known("ada").clock.set_to(NOON + timedelta(hours=2), NOON)
    store.change(account(), lambda known, _: replace(known, clock=clock))


@pytest.mark.parametrize(
    ("query", "happens"),
    [(Query(login="ada", since=2), arrive), (Query(login="ada", state="sent"), become_due)],
)
def test_whoever_waits_is_woken(query: Query, happens: Callable[[MemoryStore], None]) -> None:
    store = MemoryStore()
    store.open(account())
    scheduled = campaign(send_at=NOON + timedelta(hours=1))
    store.add(msgspec.structs.replace(entry(), outcome=scheduled))
    store.add(entry(login="grace"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait, store, query)
        assert not inbox(store).page(query).requests
        happens(store)

        assert len(waiting.result(timeout=10).requests) == 1


def test_nobody_is_woken_by_what_does_not_fit() -> None:
    store = MemoryStore()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait, store, Query(login="ada"))
        for login in ("grace", "ada"):
            store.add(entry(login=login))

        assert [row["login"] for row in waiting.result(timeout=10).requests] == ["ada"]


def test_a_clock_that_runs_makes_a_campaign_due_without_a_word() -> None:
    store = MemoryStore()
    store.add(msgspec.structs.replace(entry(), outcome=campaign(send_at=NOON + timedelta(hours=1))))
    looks = count()

    def clock() -> datetime:
        return NOON + timedelta(hours=1) * (next(looks) > 1)

    page = wait(store, Query(state="sent"), clock)

    assert [row["state"] for row in page.requests] == ["sent"]


def test_request_ids_are_bounded_and_those_that_had_to_go_are_counted(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mock_server.store.memory.MOST_REQUEST_IDS", 2)
    store = MemoryStore()
    account = store.open(opened(contract, "ada"))
    with store.ledger(account) as ledger:
        for name in ("first", "second", "third"):
            sent = Accepted("t", 1, Decimal("0.05"), 30, Decimal(1), False, request_id=name)  # noqa: FBT003
            ledger.charge(sent, NOON)
        remembered = [ledger.state(name, NOON).request_id_used for name in ("first", "third")]

    assert remembered == [None, NOON]
    assert store.balance(account).request_ids_forgotten == 1
