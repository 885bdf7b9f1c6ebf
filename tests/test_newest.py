"""The inbox from its newest entry on, and what a request would be answered."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import BODY, NOON, SEND, Clock
from mock_server.contract.loader import Contract, load
from mock_server.core.handler import Twin
from mock_server.core.inbox import Gist, Query
from mock_server.store.entries import Entry, Refused, Request
from mock_server.store.memory import MemoryStore

CONTRACT = load()
LOGINS = st.sampled_from(["ada", "eve"])


def filled(logins: list[str], most: int) -> MemoryStore:
    store = MemoryStore(most_entries=most)
    for login in logins:
        store.add(Entry(NOON, login, Request("POST", SEND), Refused("unauthorized")))
    return store


@given(st.lists(LOGINS, max_size=12), st.integers(1, 12), st.none() | st.integers(0, 14))
def test_the_newest_come_first_whatever_was_dropped_or_forgotten(
    logins: list[str], most: int, below: int | None
) -> None:
    store = filled(logins, most)
    store.forget("eve")
    every = [entry.id for entry in store.entries(None, 0)]

    found = [entry.id for entry in store.newest(below)]

    assert found == [one for one in reversed(every) if below is None or one < below]


def test_what_is_dropped_while_somebody_looks_is_left_out() -> None:
    store = filled(["ada"] * 3, 3)
    looking = store.newest()

    assert next(looking).id == 3
    store.reset()

    assert list(looking) == []


BODIES = st.sampled_from(
    [
        BODY,
        {**BODY, "mode": "simu"},
        {**BODY, "recipients": ["0612345678", "1"]},
        {**BODY, "simulation_mode": True},
        {**BODY, "simulation_mode": True, "recipients": ["x"]},
        {**BODY, "voice_language": "tlh"},
        {**BODY, "request_id": "r"},
        {**BODY, "send_at": "2020-01-01T00:00:00"},
        {"text": "t"},
        [],
    ]
)


@given(
    st.lists(st.tuples(LOGINS, BODIES), max_size=8),
    st.builds(
        Query,
        login=st.none() | LOGINS,
        verdict=st.sampled_from([None, "accepted", "refused"]),
        stakes=st.sampled_from([None, "high"]),
        number=st.sampled_from([None, "+33612345678"]),
        since=st.integers(0, 4),
        limit=st.integers(1, 9),
    ),
)
def test_the_newest_that_fit_are_those_of_the_inbox(
    sent: list[tuple[str, object]], query: Query
) -> None:
    twin = Twin(CONTRACT, clock=Clock())
    for login, body in sent:
        twin.handle(request(login, body))
    rows = twin.inbox.page(Query(**{**fields(query), "limit": 100})).requests

    found = twin.inbox.newest(query)

    assert [twin.inbox.row(entry) for entry in found.entries] == rows[::-1][: query.limit]
    rest = twin.inbox.newest(query, found.below) if found.below else None
    assert [row["id"] for row in rows[::-1][query.limit :]][: query.limit] == (
        [entry.id for entry in rest.entries] if rest else []
    )


def fields(query: Query) -> dict[str, object]:
    return {name: getattr(query, name) for name in Query.__slots__}


def request(login: str, body: object, **given: object) -> Request:
    headers = {"api-login": login, "api-key": "k", "content-type": "application/json"}
    return Request("POST", SEND, headers, json.dumps(body).encode(), **given)


def test_a_search_that_takes_long_stops_where_it_can_go_on(contract: Contract) -> None:
    twin = Twin(contract, filled(["ada"] * 3, 3))

    found = twin.inbox.newest(Query(login="eve"), seconds=-1)

    assert (found.entries, found.below) == ([], 3)


@pytest.mark.parametrize(
    ("body", "gist"),
    [
        (BODY, Gist("Hello.", "+33612345678", 1)),
        ({**BODY, "recipients": ["0612345678"]}, Gist("Hello.", "+33612345678", 1)),
        ({"text": "a" * 5_000, "recipients": ["06"]}, Gist("a" * 5_000, "06", 1)),
        ({"text": 5, "recipients": "x" * 5_000}, Gist("5", "", 0)),
        ([], Gist()),
        (["a" * 5_000], Gist()),
    ],
    ids=["valid", "repaired", "long, so as sent", "a text for a list", "a list", "a long list"],
)
def test_a_gist_is_what_can_be_read_soon(contract: Contract, body: object, gist: Gist) -> None:
    twin = Twin(contract)

    assert twin.inbox.gist(twin.handle(request("ada", body)).entry) == gist


# ── what would be answered ───────────────────────────────────────────


@given(st.lists(BODIES, max_size=4), BODIES, st.sampled_from(["lenient", "strict"]))
def test_a_preview_is_what_would_happen_and_changes_nothing(
    before: list[object], body: object, mode: str
) -> None:
    twin = Twin(CONTRACT, clock=Clock(), strict=mode == "strict")
    for one in before:
        twin.handle(request("ada", one))
    kept, accounts = twin.store.kept(None), twin.store.accounts()

    would = twin.preview("ada", request("ada", body))

    assert (twin.store.kept(None), twin.store.accounts()) == (kept, accounts)
    did = twin.handle(request("ada", body))
    assert (would.entry.outcome, would.notes) == (did.entry.outcome, did.notes)
    assert (would.answer, would.entry.tally) == (did.answer, did.entry.tally)


def test_a_preview_of_an_account_that_is_reset_meanwhile_is_made_anew(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = Twin(contract, clock=Clock())
    twin.handle(request("ada", BODY))
    known = twin.store.known("ada")
    asked = list[str]()

    def stale(login: str, *, used: bool = True) -> object:
        asked.append(login)
        if len(asked) == 1:
            twin.store.forget("ada")
            return known
        return MemoryStore.known(twin.store, login, used=used)

    monkeypatch.setattr(twin.store, "known", stale)

    assert twin.preview("ada", request("ada", BODY)).answer.status == 201


def test_strict_mode_answers_otherwise_only_where_something_was_repaired(
    contract: Contract,
) -> None:
    twin = Twin(contract)
    clean, repaired, unreadable = (
        twin.handle(request("ada", body)).entry for body in (BODY, {**BODY, "a": 1}, [])
    )

    assert twin.inbox.strict_answer(clean) is None
    assert twin.inbox.strict_answer(repaired).status == 400
    assert twin.inbox.strict_answer(unreadable) is None
    assert twin.inbox.sent(unreadable) is None
    assert twin.inbox.sent(repaired) == {**BODY, "a": 1}
