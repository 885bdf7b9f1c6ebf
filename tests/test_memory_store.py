"""The store in memory: its bounds, its worlds, and who waits for it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from common import NOON
from mock_server.answers import Answer
from mock_server.campaign import Accepted
from mock_server.contract import Contract
from mock_server.faults import Count, Plan
from mock_server.memory_store import MemoryStore, _Kept
from mock_server.store import (
    Account,
    Balance,
    Entry,
    Query,
    Request,
    Store,
    WorldGoneError,
    digest,
    opened,
)


def entry(size: int = 0, login: str = "ada") -> Entry:
    return Entry(NOON, login, Request("POST", "/", {}, b"a" * size), Answer(404, {}))


def ids(store: MemoryStore) -> list[int]:
    return [row["id"] for row in store.page(Query(limit=1000), NOON).requests]


def test_the_newest_entries_are_kept() -> None:
    store = MemoryStore(most_entries=2)
    for _ in range(5):
        store.add(entry())

    assert ids(store) == [4, 5]


def test_what_had_to_go_is_counted() -> None:
    store = MemoryStore(most_entries=2)
    for _ in range(5):
        store.add(entry())

    page = store.page(Query(limit=1), NOON)
    assert (page.kept, page.evicted) == (2, 3)


def test_the_bytes_are_bounded_too() -> None:
    store = MemoryStore(most_bytes=3_000)
    for _ in range(5):
        store.add(entry(1_000))

    assert ids(store) == [4, 5]


def test_the_last_entry_is_kept_however_large_it_is() -> None:
    store = MemoryStore(most_bytes=100)
    store.add(entry(1_000))
    store.add(entry(1_000))

    assert ids(store) == [2]


def test_room_is_made_again_after_a_reset() -> None:
    store = MemoryStore(most_bytes=3_000)
    for _ in range(3):
        store.add(entry(1_000))
    store.reset()
    store.add(entry(1_000))

    assert ids(store) == [4]
    assert store.page(Query(limit=1), NOON).evicted == 0


@pytest.mark.parametrize("body", [b"plain", b"\xff\x00", "é".encode()])
def test_a_body_is_kept_as_it_arrived(body: bytes) -> None:
    store = MemoryStore()
    store.add(Entry(NOON, "ada", Request("POST", "/", {}, body), Answer(404, {})))

    found = store.find(1, NOON)
    assert found is not None
    if "raw_base64" in found:
        assert base64.b64decode(found["raw_base64"]) == body
    else:
        assert found["raw"].encode() == body


def account(login: str = "ada", credit: str = "10.00") -> Account:
    return Account(login, digest(login, "k"), Decimal(credit))


def campaign(request_id: str | None = None, **given: object) -> Accepted:
    charged = Accepted("voice_1", 1, Decimal("0.05"), 30, Decimal("9.95"), simulated=False)
    return replace(charged, request_id=request_id, **given)


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

    with pytest.raises(WorldGoneError), store.ledger(first):
        pass


def test_a_world_that_nobody_knows_has_no_ledger() -> None:
    with pytest.raises(WorldGoneError), MemoryStore().ledger(account()):
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


def test_a_change_starts_again_where_the_world_was_reset_meanwhile() -> None:
    """The world's lock is held by a request; before it is let go, the world is reset."""
    store = MemoryStore()
    opened = store.open(account())

    with ThreadPoolExecutor(1) as pool:
        with store.ledger(opened) as ledger:
            ledger.apply(campaign(), NOON)
            changed = pool.submit(store.change, account(), unchanged)
            store.forget("ada")
        known, balance = changed.result(timeout=10)

    assert known.world != opened.world
    assert balance.campaigns == 0


def test_only_the_counts_of_injected_faults_are_kept() -> None:
    store = MemoryStore()
    for _ in range(3):

        def inject(known: Account, _: Balance) -> Account:
            return replace(known, faults=known.faults.only(0, [{"fault": "reset"}]))

        changed, _ = store.change(account(), inject)
        with store.ledger(changed) as ledger:
            ledger.count({changed.faults.last_id: Count(1, 1)})

    assert store.balance(changed).counts == {3: Count(1, 1)}
    store.change(account(), lambda known, _: replace(known, faults=Plan()))
    assert store.balance(changed).counts == {}


def test_a_request_id_is_forgotten_where_nobody_asks_for_it_any_more() -> None:
    store = MemoryStore()
    with store.ledger(store.open(account())) as ledger:
        for hour in range(5):
            ledger.apply(campaign(f"id {hour}"), NOON + timedelta(hours=hour))

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
            ledger.saw(NOON + timedelta(seconds=seconds))

    assert store.balance(opened).latest == NOON + timedelta(seconds=3)


# ── the inbox of a world ────────────────────────────────────────────────────────


def test_an_entry_of_a_world_that_was_reset_is_not_kept() -> None:
    store = MemoryStore()
    opened = store.open(account())
    store.forget("ada")
    store.open(account())

    store.add(entry(), opened.world)

    assert ids(store) == []


def test_an_entry_of_a_world_that_is_gone_is_not_kept() -> None:
    store = MemoryStore()
    opened = store.open(account())
    store.reset()

    store.add(entry(), opened.world)

    assert (ids(store), store.page(Query(), NOON).evicted) == ([], 0)


def test_a_forgotten_world_takes_its_entries_along() -> None:
    store = MemoryStore(most_bytes=5_000)
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
        store.page(Query(login=login), NOON).evicted for login in ("ada", "grace", None, "nobody")
    ] == [2, 2, 4, 4]


def test_ids_are_in_the_order_in_which_entries_can_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a reader who goes on from the last id would miss one that comes late."""
    store = MemoryStore()
    slow, go_on = threading.Event(), threading.Event()
    build = _Kept.of

    def build_slowly(came: Entry) -> _Kept:
        if came.login == "slow":
            slow.set()
            assert go_on.wait(10)
        return build(came)

    monkeypatch.setattr(_Kept, "of", build_slowly)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(store.add, entry(login="slow"))
        assert slow.wait(10)
        first = store.add(entry(login="fast"))
        seen = store.page(Query(), NOON).requests[-1]["id"]
        go_on.set()
        late.result(10)

    assert seen == first.id
    assert [row["login"] for row in store.page(Query(since=seen), NOON).requests] == ["slow"]


def test_a_link_shows_the_entry_it_was_given_out_for() -> None:
    store = MemoryStore()
    added = [store.add(entry(login=login)) for login in ("ada", "grace")]

    documents = [store.find(one.id, NOON) for one in added]

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
        store.add(replace(entry(), at=NOON + timedelta(seconds=seconds)))

    assert [row["id"] for row in store.page(query, NOON).requests] == expected


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
    store.add(replace(entry(), outcome=scheduled))
    store.add(entry(login="grace"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.wait, query, 60, lambda: NOON)
        assert not store.page(query, NOON).requests
        happens(store)

        assert len(waiting.result(timeout=10).requests) == 1


def test_nobody_is_woken_by_what_does_not_fit() -> None:
    store = MemoryStore()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(store.wait, Query(login="ada"), 60, lambda: NOON)
        for login in ("grace", "ada"):
            store.add(entry(login=login))

        assert [row["login"] for row in waiting.result(timeout=10).requests] == ["ada"]


def test_a_clock_that_runs_makes_a_campaign_due_without_a_word() -> None:
    store = MemoryStore()
    store.add(replace(entry(), outcome=campaign(send_at=NOON + timedelta(hours=1))))
    moments = iter([NOON, NOON, NOON + timedelta(hours=1)])

    page = store.wait(Query(state="sent"), 60, lambda: next(moments))

    assert [row["state"] for row in page.requests] == ["sent"]


def test_waiting_ends_with_nothing_when_the_time_is_up() -> None:
    assert MemoryStore().wait(Query(), 0.01, lambda: NOON).requests == []


def test_what_changes_after_a_look_is_not_slept_over(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    moments = iter([0, 0, 0])

    def monotonic() -> float:
        moment = next(moments)
        if next(looks) == 2:
            # The first look has seen nothing, and the wait has not begun.
            store.add(entry())
        return moment

    looks = iter([1, 2, 3])
    monkeypatch.setattr("mock_server.memory_store.time.monotonic", monotonic)
    monkeypatch.setattr(threading.Condition, "wait", lambda *_: pytest.fail("it slept"))

    assert store.wait(Query(), 60, lambda: NOON).requests


def test_request_ids_are_bounded_and_those_that_had_to_go_are_counted(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mock_server.memory_store.MOST_REQUEST_IDS", 2)
    store = MemoryStore()
    account = store.open(opened(contract, "ada"))
    with store.ledger(account) as ledger:
        for name in ("first", "second", "third"):
            sent = Accepted("t", 1, Decimal("0.05"), 30, Decimal(1), False, request_id=name)  # noqa: FBT003
            ledger.apply(sent, NOON)
        remembered = [ledger.state(name, NOON).request_id_used for name in ("first", "third")]

    assert remembered == [None, NOON]
    assert store.balance(account).request_ids_forgotten == 1
