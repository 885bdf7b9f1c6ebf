"""Many threads at once, and many requests one after the other: sums are exact, bounds are kept."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from common import BODY, NOON, SEND, Clock
from mock_server.contract.loader import Contract, load
from mock_server.core.handler import Twin
from mock_server.core.inbox import Inbox, Query
from mock_server.http.app import create_app
from mock_server.http.served import ServeOptions
from mock_server.store.memory import MemoryStore

pytestmark = [pytest.mark.long, pytest.mark.unmeasured]

SENDERS, OTHERS, EACH = 64, 16, 25
LOGINS = [f"login {n}" for n in range(8)]
PASSING = [f"passing {n}" for n in range(8)]


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can: what is not held by a lock breaks."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def together(jobs: list[Callable[[], None]]) -> list[BaseException]:
    """Run every job in a thread of its own, all from the same moment; what went wrong."""
    start, failures = threading.Barrier(len(jobs)), list[BaseException]()

    def run(job: Callable[[], None]) -> None:
        try:
            start.wait(30)
            job()
        except BaseException as failure:  # noqa: BLE001  (told to the test)
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 60
    for thread in threads:
        thread.join(max(0, until - time.monotonic()))
    assert not [thread for thread in threads if thread.is_alive()], "they wait for each other"
    return failures


def inbox(store: MemoryStore) -> Inbox:
    return Twin(load(), store, clock=lambda: NOON).inbox


def sends(client: FlaskClient, logins: list[str], seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  (no secret)
    for n in range(EACH):
        login = dice.choice(logins)
        body = BODY | {"text": "a" * dice.choice([1, 451]), "request_id": f"{seed} {n}"}
        headers = {"api-login": login, "api-key": "k"}
        response = client.post(SEND, json=body, headers=headers)
        assert response.status_code in {201, 500}, response.text


def disturbs(client: FlaskClient, seed: int) -> None:
    """Reset accounts that pass, and set up the others, their sums apart."""
    dice = random.Random(seed)  # noqa: S311  (no secret)
    fault = {"fault": "status", "status": 500, "probability": 0.2}
    for _ in range(EACH):
        login = f"/_twin/accounts/{dice.choice(LOGINS)}"
        asked = dice.choice(
            [
                lambda: client.delete(f"/_twin/accounts/{dice.choice(PASSING)}"),
                lambda login=login: client.put(f"{login}/clock", json={"advance": 1}),
                lambda login=login: client.put(f"{login}/faults", json={"faults": [fault]}),
                lambda login=login: client.put(login, json={"opt_outs": ["+33698765432"]}),
                lambda: client.get("/_twin/accounts"),
                lambda: client.get("/_twin/requests?wait=0.001&login=nobody"),
            ]
        )()
        assert asked.status_code < 300, asked.text


@pytest.mark.usefixtures("restless")
def test_sums_are_exact_whoever_else_does_what(contract: Contract) -> None:
    store = MemoryStore(most_entries=10_000, most_bytes=2**30)
    app = create_app(Twin(contract, store), ServeOptions(workers=2 * OTHERS))
    jobs: list[Callable[[], None]] = [
        lambda n=n: sends(app.test_client(), LOGINS if n % 4 else PASSING, n)
        for n in range(SENDERS)
    ]
    jobs += [lambda n=n: disturbs(app.test_client(), n) for n in range(OTHERS)]

    assert together(jobs) == []

    client = app.test_client()
    arrived = 0
    for login in LOGINS:
        account = client.get(f"/_twin/accounts/{login}").json
        page = inbox(store).page(Query(login=login, limit=10_000))
        arrived += len(page.requests)
        costs = [Decimal(row["total_cost"]) for row in page.requests if row["total_cost"]]
        tickets = [
            client.get(f"/_twin/requests/{row['id']}").json["campaign"]["ticket_number"]
            for row in page.requests
            if row["total_cost"]
        ]
        assert sum(costs) == Decimal(account["spent"]) == 150 - Decimal(account["credit"])
        assert len({*tickets}) == len(tickets) == account["campaigns"]
    assert arrived == EACH * SENDERS * 3 // 4


@pytest.mark.usefixtures("restless")
def test_no_reader_misses_a_request(contract: Contract) -> None:
    """Who goes on from the last id they saw sees each request once."""
    store = MemoryStore(most_entries=10_000, most_bytes=2**30)
    app, done, seen = create_app(Twin(contract, store)), threading.Event(), list[int]()

    def read() -> None:
        finished = False
        while not finished:
            finished = done.is_set()
            page = inbox(store).page(Query(since=seen[-1] if seen else 0, limit=10_000))
            seen.extend(row["id"] for row in page.requests)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    failures = together([lambda n=n: sends(app.test_client(), LOGINS, n) for n in range(16)])
    done.set()
    reader.join(30)

    assert failures == []
    assert seen == [*range(1, 16 * EACH + 1)]


@pytest.mark.usefixtures("restless")
def test_an_account_is_reset_while_it_is_sent_to(contract: Contract) -> None:
    """What is answered after the last reset is what the account was charged for."""
    store = MemoryStore(most_entries=10_000, most_bytes=2**30)
    app = create_app(Twin(contract, store))

    def reset() -> None:
        client = app.test_client()
        for _ in range(EACH):
            assert client.delete("/_twin/accounts/ada").status_code == 204

    def send(seed: int) -> None:
        sends(app.test_client(), ["ada"], seed)

    assert together([*[lambda n=n: send(n) for n in range(16)], reset, reset]) == []

    send(99)
    account = app.test_client().get("/_twin/accounts/ada").json
    rows = inbox(store).page(Query(login="ada", limit=10_000)).requests
    assert sum(Decimal(row["total_cost"]) for row in rows) == Decimal(account["spent"])
    assert len(rows) == account["campaigns"]


@pytest.mark.parametrize("most_accounts", [1, 7])
def test_memory_is_bounded(contract: Contract, most_accounts: int) -> None:
    store = MemoryStore(most_entries=10, most_bytes=50_000, most_accounts=most_accounts)
    client = create_app(Twin(contract, store, clock=Clock())).test_client()
    for n in range(300):
        headers = {"api-login": f"login {n}", "api-key": "k"}
        client.post(SEND, json=BODY | {"request_id": str(n)}, headers=headers)
        client.delete(f"/_twin/accounts/nobody {n}")

    accounts, evicted = store.accounts()
    page = inbox(store).page(Query(limit=1_000))
    assert (len(accounts), evicted) == (most_accounts, 300 - most_accounts)
    assert (page.kept, page.evicted) == (10, 290)
    assert sum(entry.size for entry in store._entries.values()) == store._bytes <= 50_000  # noqa: SLF001  (what it counts)


def test_the_counts_of_faults_are_bounded(contract: Contract) -> None:
    store = MemoryStore()
    client = create_app(Twin(contract, store, clock=Clock())).test_client()
    for _ in range(50):
        rule = {"fault": "status", "status": 500}
        client.put("/_twin/accounts/ada/faults", json={"faults": [rule]})
        client.post(SEND, json=BODY, headers={"api-login": "ada", "api-key": "k"})

    account = store.known("ada")
    assert account is not None
    assert len(store.balance(account).counts) == 1


@given(st.lists(st.sampled_from(["open", "set", "forget", "send"]), max_size=30), st.data())
def test_the_bound_of_accounts_holds_in_any_order(
    contract: Contract, steps: list[str], data: st.DataObject
) -> None:
    store = MemoryStore(most_accounts=3)
    client = create_app(Twin(contract, store, clock=Clock())).test_client()
    configured = set[str]()
    for step in steps:
        login = data.draw(st.sampled_from("abcdefg"))
        path = f"/_twin/accounts/{login}"
        if step == "set":
            client.put(path, json={})
            configured.add(login)
        elif step == "forget":
            client.delete(path)
            configured.discard(login)
        else:
            client.post(SEND, json=BODY, headers={"api-login": login, "api-key": "k"})

        there = {known.login for known, _ in store.accounts()[0]}
        assert configured - {login} <= there
        assert len(there) <= max(3, len(configured) + 1)
