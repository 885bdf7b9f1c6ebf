"""Calls: what a campaign brings about when it is due, worked out from phones, seed and moment."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from common import BODY, NOON, ROOT, SEND, SIGNED_IN, Clock, Send, account, phone
from mock_server.contract.loader import Contract, load
from mock_server.core.call_records import CallQuery
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.store.entries import Request
from mock_server.store.memory import MOST_ENTRIES, MOST_RECEIPTS, MemoryStore

NUMBER, OTHER = "+33612345678", "+33698765432"
LOGIN = SIGNED_IN["api-login"]
CONTRACT = load()


def to(*numbers: str, **others: object) -> dict[str, Any]:
    """A campaign to these numbers."""
    return BODY | {"recipients": [{"phone_number": number} for number in numbers]} | others


def listed(client: FlaskClient, **query: object) -> Any:
    response = client.get("/_twin/calls", query_string=query)
    assert response.status_code == 200, response.text
    return response.json


def calls(client: FlaskClient, **query: object) -> list[Any]:
    return list(listed(client, **query)["calls"])


def outcomes(client: FlaskClient, **query: object) -> list[str]:
    return [call["outcome"] for call in calls(client, **query)]


# ── which campaigns call ─────────────────────────────────────────────


def test_an_accepted_campaign_makes_one_call_a_contact(send: Send, client: FlaskClient) -> None:
    ticket = send(to(NUMBER, OTHER)).json["ticket_number"]

    first, second = calls(client)
    moment = NOON.isoformat()
    assert first == {
        "id": "1-0",
        "request": 1,
        "login": LOGIN,
        "ticket_number": ticket,
        "number": NUMBER,
        "outcome": "completed",
        "due_at": moment,
        "ringing_at": moment,
        "answered_at": moment,
        "ended_at": moment,
        "seconds_heard": 1,
        "seconds_charged": 30,
        "cost": "0.05",
        "keys": "",
        "opts_out": False,
    }
    assert (second["id"], second["number"]) == ("1-1", OTHER)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (to(NUMBER, simulation_mode=True), {}),
        (to(NUMBER, voice_language="xx"), {}),
        (to(NUMBER), {"Prefer": "code=403"}),
        (to("+33639980500"), {}),
    ],
    ids=["simulated", "refused", "preferred", "magic fault"],
)
def test_what_is_not_sent_calls_nobody(
    send: Send, client: FlaskClient, body: object, headers: dict[str, str]
) -> None:
    send(body, headers=SIGNED_IN | headers)

    assert calls(client) == []


def test_a_campaign_whose_answer_is_lost_calls(send: Send, client: FlaskClient) -> None:
    client.post(
        f"/_twin/accounts/{LOGIN}/faults", json={"fault": "missing_field", "field": "total_cost"}
    )
    send(to(NUMBER))

    assert outcomes(client) == ["completed"]


def test_a_scheduled_campaign_calls_once_when_it_is_due(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    due = NOON + timedelta(hours=1)
    send(to(NUMBER, send_at=due.isoformat()))

    (before,) = calls(client)
    assert (before["outcome"], before["due_at"]) == ("scheduled", due.isoformat())
    assert (before["ringing_at"], before["ended_at"], before["cost"]) == (None, None, "0.00")
    assert listed(client)["cost"] == "0.00"
    clock.now = due
    (after,) = calls(client)
    assert (after["outcome"], after["ended_at"], after["cost"]) == (
        "completed",
        due.isoformat(),
        "0.05",
    )


def test_a_clock_that_stands_still_starts_no_call(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    client.put(f"/_twin/accounts/{LOGIN}/clock", json={"frozen": True})
    send(to(NUMBER, send_at=(NOON + timedelta(hours=1)).isoformat()))
    clock.now = NOON + timedelta(days=1)
    assert outcomes(client) == ["scheduled"]

    client.put(f"/_twin/accounts/{LOGIN}/clock", json={"advance": 3600})

    assert outcomes(client) == ["completed"]


def test_a_campaign_at_the_end_of_time_is_shown(send: Send, client: FlaskClient) -> None:
    send(to(NUMBER, send_at="9999-12-31T23:59:59-14:00"))

    assert outcomes(client) == ["scheduled"]


def test_a_call_reads_the_number_as_the_api_does(send: Send, client: FlaskClient) -> None:
    send({"text": "Hello.", "recipients": "06 12 34 56 78"})

    assert [call["number"] for call in calls(client)] == [NUMBER]


# ── the page ─────────────────────────────────────────────────────────


def rows(section: str) -> list[list[str]]:
    """The cells of a table of docs/calls.md."""
    page = (ROOT / "docs/calls.md").read_text("utf-8")
    found = re.search(rf"<!-- {section} -->\n\n.*\n.*\n((?:\|.*\n)+)", page)
    assert found is not None
    return [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in found[1].splitlines()]


def test_the_pages_outcomes_are_the_contracts() -> None:
    generations = ("voice", "unified", "2025")

    assert rows("outcomes") == [
        [one.name, one.summary, *(one.statuses[name] for name in generations)]
        for one in CONTRACT.calls.outcomes.values()
    ]


def test_the_pages_generations_are_the_contracts() -> None:
    assert rows("generations") == [
        [one.name, one.summary] for one in CONTRACT.calls.generations.values()
    ]


def test_the_pages_terms_are_the_contracts() -> None:
    calls = CONTRACT.calls

    for name, value, grade in rows("terms"):
        written = str(getattr(calls, name)).strip("(,)")
        assert (value, grade) == (written, calls.evidence[name].grade)


def test_the_pages_bounds_are_the_stores() -> None:
    page = (ROOT / "docs/calls.md").read_text("utf-8")

    assert f"{MOST_ENTRIES:,} requests" in page
    assert f"{MOST_RECEIPTS:,} receipts" in page


# ── how they end ─────────────────────────────────────────────────────

MAGIC = {
    "+33639981486": ("busy", 0, 0, ""),
    "+33639981603": ("refused", 0, 0, ""),
    "+33639981408": ("no_answer", 0, 0, ""),
    "+33639981404": ("unreachable", 0, 0, ""),
    "+33639981012": ("completed", 60, 60, "12#"),
    "+33639981005": ("completed", 5, 30, ""),
    "+33639981009": ("completed", 60, 60, "9"),
}


def test_every_magic_phone_is_tried() -> None:
    assert MAGIC.keys() == CONTRACT.calls.phones.keys()


@pytest.mark.parametrize("number", MAGIC)
def test_a_magic_phone_does_what_it_says(send: Send, client: FlaskClient, number: str) -> None:
    send(to(number, text="a" * 900))

    (call,) = calls(client)
    got = (call["outcome"], call["seconds_heard"], call["seconds_charged"], call["keys"])
    assert got == MAGIC[number]


def test_every_way_a_call_ends_is_the_contracts(send: Send, client: FlaskClient) -> None:
    account(client, opt_outs=[OTHER])
    send(to(*MAGIC, OTHER, auto_delete_optout_contacts=True))

    assert {*outcomes(client)} == CONTRACT.calls.outcomes.keys()


def test_a_busy_line_does_not_ring_and_a_refused_call_does(send: Send, client: FlaskClient) -> None:
    send(to("+33639981486", "+33639981603"))

    rang = [call["ringing_at"] is not None for call in calls(client)]
    answered = [call["answered_at"] for call in calls(client)]
    assert (rang, answered) == ([False, True], [None, None])


# ── money and opt-outs ───────────────────────────────────────────────


def test_who_opted_out_is_neither_called_nor_charged(send: Send, client: FlaskClient) -> None:
    account(client, opt_outs=[OTHER])
    answer = send(to(OTHER, NUMBER, OTHER, auto_delete_optout_contacts=True)).json

    page = listed(client)
    assert [call["outcome"] for call in page["calls"]] == ["opted_out", "completed", "opted_out"]
    assert [call["cost"] for call in page["calls"]] == ["0.00", "0.05", "0.00"]
    assert Decimal(page["cost"]) == Decimal(str(answer["total_cost"]))


def test_who_opted_out_is_called_where_the_campaign_does_not_care(
    send: Send, client: FlaskClient
) -> None:
    account(client, opt_outs=[OTHER])
    send(to(OTHER))

    assert outcomes(client) == ["completed"]


def test_who_opts_out_later_was_called(send: Send, client: FlaskClient) -> None:
    send(to(OTHER, auto_delete_optout_contacts=True))
    account(client, opt_outs=[OTHER])

    assert outcomes(client) == ["completed"]


def test_who_opts_out_in_a_call_is_left_out_of_the_next_campaign(
    send: Send, client: FlaskClient
) -> None:
    phone(client, OTHER, opts_out=True)
    send(to(NUMBER, OTHER))
    answer = send(to(NUMBER, OTHER, auto_delete_optout_contacts=True)).json

    assert answer["number_of_contacts"] == 1
    assert outcomes(client) == ["completed", "completed", "completed", "opted_out"]
    assert [call["keys"] for call in calls(client)] == ["", "9", "", ""]
    assert account(client)["opt_outs"] == [OTHER]


def test_who_hangs_up_before_the_key_does_not_opt_out(send: Send, client: FlaskClient) -> None:
    phone(client, OTHER, opts_out=True, keys="12", keys_after=3, listening_seconds=2)
    send(to(OTHER, text="a" * 900))

    (call,) = calls(client)
    assert (call["keys"], call["opts_out"], account(client)["opt_outs"]) == ("", False, [])


def test_who_presses_a_key_as_the_last_thing_has_pressed_it(
    send: Send, client: FlaskClient
) -> None:
    phone(client, OTHER, keys="12", keys_after=2, listening_seconds=2)
    send(to(OTHER, text="a" * 900))

    assert [call["keys"] for call in calls(client)] == ["12"]


def test_nobody_opts_out_twice(send: Send, client: FlaskClient, twin: Twin) -> None:
    phone(client, OTHER, opts_out=True)
    send(to(OTHER))
    calls(client)
    send(to(OTHER))

    with patch.object(twin.store, "change", side_effect=AssertionError):
        calls(client)


def test_nobody_listens_longer_than_the_text(send: Send, client: FlaskClient) -> None:
    phone(client, NUMBER, listening_seconds=600)
    send(to(NUMBER, text="a" * 450))

    (call,) = calls(client)
    assert (call["seconds_heard"], call["seconds_charged"]) == (30, 30)


def test_calls_keep_the_tariff_that_they_were_accepted_under(
    send: Send, client: FlaskClient
) -> None:
    account(client, tariff={"price": "0.01", "billing_step": 1})
    answer = send(to(NUMBER, text="a" * 450)).json
    account(client, tariff={"price": "5.00"})

    assert Decimal(listed(client)["cost"]) == Decimal(str(answer["total_cost"])) == Decimal("0.30")


_TEXTS = st.integers(1, 1224).map("a".__mul__)
_NUMBERS = st.lists(st.sampled_from([NUMBER, OTHER, *MAGIC]), min_size=1, max_size=8)
_CAMPAIGNS = st.lists(st.tuples(_TEXTS, _NUMBERS, st.booleans()), min_size=1, max_size=4)


@given(campaigns=_CAMPAIGNS, listens=st.one_of(st.none(), st.integers(0, 90)))
def test_calls_cost_at_most_what_was_charged_and_exactly_so_if_all_are_heard(
    campaigns: list[tuple[str, list[str], bool]], listens: int | None
) -> None:
    twin = Twin(CONTRACT, clock=Clock())
    client = create_app(twin).test_client()
    settings = {} if listens is None else {"listening_seconds": listens}
    phone(client, "*", **settings)
    contacts = 0
    for text, numbers, flag in campaigns:
        body = to(*numbers, text=text, auto_delete_optout_contacts=flag)
        sent = client.post(SEND, json=body, headers=SIGNED_IN)
        contacts += len(numbers) if sent.status_code == 201 else 0

    page = listed(client)
    assert sum(page["counts"].values()) == len(page["calls"]) == contacts
    spent = Decimal(account(client)["spent"])
    cost = sum(Decimal(call["cost"]) for call in page["calls"])
    assert cost == Decimal(page["cost"]) <= spent
    heard = {number for _, numbers, _ in campaigns for number in numbers} <= {NUMBER, OTHER}
    if heard and listens is None:
        assert cost == spent


# ── phones ───────────────────────────────────────────────────────────


def test_of_what_is_set_the_number_counts_first_then_magic_then_the_longest_prefix(
    send: Send, client: FlaskClient
) -> None:
    phone(client, "*", outcome="no_answer")
    phone(client, "+336*", outcome="refused")
    phone(client, "+3361*", outcome="unreachable")
    phone(client, NUMBER, outcome="busy")
    phone(client, "+33639981486", outcome="answered")
    send(to(NUMBER, "+33612345679", OTHER, "+447700900123", "+33639981486", "+33639981603"))

    expected = ["busy", "unreachable", "refused", "no_answer", "completed", "refused"]
    assert outcomes(client) == expected


def test_a_phone_that_was_set_is_shown_until_it_is_reset(client: FlaskClient) -> None:
    shown = phone(client, NUMBER, outcome="busy", shares={"refused": 0.5})
    url = f"/_twin/accounts/{LOGIN}/phones"

    assert shown == {
        "number": NUMBER,
        "outcome": "busy",
        "shares": {"refused": 0.5},
        "ring_seconds": None,
        "listening_seconds": None,
        "keys": "",
        "keys_after": 0,
        "opts_out": False,
    }
    assert client.get(f"{url}/{NUMBER}").json == shown
    assert client.get(url).json == {"phones": [shown]}
    client.delete(f"{url}/{NUMBER}")
    assert client.get(url).json == {"phones": []}
    assert client.get(f"{url}/{NUMBER}").json["expected"] == (
        "a number or prefix that was set, as it was set"
    )


def test_a_phone_of_no_account_is_neither_found_nor_reset(client: FlaskClient) -> None:
    url = f"/_twin/accounts/nobody/phones/{NUMBER}"

    assert client.get(url).status_code == 404
    assert client.delete(url).status_code == 204
    assert client.get("/_twin/accounts").json["accounts"] == []


@pytest.mark.parametrize(
    ("number", "settings", "where"),
    [
        ("0612345678", {}, "phone"),
        ("+33612345678*5", {}, "phone"),
        (NUMBER, {"outcome": "completed"}, "outcome"),
        (NUMBER, {"keys": "1a"}, "keys"),
        (NUMBER, {"shares": {"busy": 0.7, "refused": 0.4}}, "shares"),
        (NUMBER, {"shares": {"lost": 0.7}}, "shares.lost"),
        (NUMBER, {"colour": "red"}, "colour"),
    ],
)
def test_a_phone_that_cannot_be_is_refused(
    client: FlaskClient, number: str, settings: dict[str, Any], where: str
) -> None:
    response = client.put(f"/_twin/accounts/{LOGIN}/phones/{number}", json=settings)

    assert (response.status_code, response.json["where"]) == (400, where)
    assert client.get("/_twin/accounts").json["accounts"] == []


@pytest.mark.parametrize(
    "shares",
    [
        {"busy": 0.1, "refused": 0.2, "answered": 0.7},
        # As doubles these are a little more.
        {"busy": 0.2, "refused": 0.4, "no_answer": 0.3, "answered": 0.1},
    ],
)
def test_shares_that_add_up_to_one_are_taken(client: FlaskClient, shares: dict[str, float]) -> None:
    assert phone(client, "*", shares=shares)["shares"] == shares


def test_no_more_phones_are_set_than_are_documented(client: FlaskClient, twin: Twin) -> None:
    phone(client, NUMBER)
    known = twin.store.known(LOGIN)
    assert known is not None
    many = {f"+3361000{number:04}": known.phones[NUMBER] for number in range(1000)}
    twin.store.change(known, lambda one, _: replace(one, phones=many))

    response = client.put(f"/_twin/accounts/{LOGIN}/phones/{OTHER}", json={})

    assert (response.status_code, response.json["where"]) == (400, "phones")


def test_a_phone_that_is_set_later_changes_no_call_that_is_over(
    send: Send, client: FlaskClient
) -> None:
    send(to(NUMBER))
    phone(client, NUMBER, outcome="busy")
    send(to(NUMBER))

    assert outcomes(client) == ["completed", "busy"]


def test_a_scheduled_call_meets_the_phone_as_it_is_then(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    send(to(NUMBER, send_at=(NOON + timedelta(hours=1)).isoformat()))
    phone(client, NUMBER, outcome="busy")
    clock.now = NOON + timedelta(hours=1)

    assert outcomes(client) == ["busy"]


MANY = [f"+336{number:08}" for number in range(400)]


def mixed(seed: int) -> list[str]:
    client = create_app(Twin(CONTRACT, clock=Clock())).test_client()
    account(client, seed=seed)
    phone(client, "*", shares={"busy": 0.25, "no_answer": 0.25}, outcome="refused")
    client.post(SEND, json=to(*MANY), headers=SIGNED_IN)
    return outcomes(client, limit=1000)


def test_shares_are_drawn_by_the_seed_alone() -> None:
    first = mixed(7)

    assert first == mixed(7) != mixed(8)
    counts = Counter(first)
    assert counts.keys() == {"busy", "no_answer", "refused"}
    assert all(60 <= counts[outcome] <= 140 for outcome in ("busy", "no_answer"))


def test_another_campaign_of_the_account_draws_anew(send: Send, client: FlaskClient) -> None:
    phone(client, "*", shares={"busy": 0.5})
    for _ in range(2):
        send(to(*MANY))

    ends = outcomes(client, limit=1000)
    assert ends[:400] != ends[400:]


# ── the list ─────────────────────────────────────────────────────────


def test_a_large_campaign_is_read_page_by_page(send: Send, client: FlaskClient) -> None:
    phone(client, "*", shares={"busy": 0.5})
    send(to(*MANY))
    send(to(NUMBER))
    seen, since = list[str](), {}
    while page := calls(client, limit=150, **since):
        seen += [call["number"] for call in page]
        since = {"since": page[-1]["id"]}

    assert seen == [*MANY, NUMBER]
    counts = listed(client, limit=1)["counts"]
    assert sum(counts.values()) == 401
    assert len(calls(client, outcome="busy", limit=1000)) == counts["busy"]


def test_calls_are_found_by_login_ticket_and_number(send: Send, client: FlaskClient) -> None:
    ticket = send(to(NUMBER)).json["ticket_number"]
    send(to(NUMBER, OTHER))
    send(to(OTHER), headers={"api-login": "grace", "api-key": "k"})

    found = {
        "login": calls(client, login="grace"),
        "ticket": calls(client, ticket=ticket),
        "number": calls(client, number=OTHER),
        "none": calls(client, ticket="voice_0"),
    }
    ids = {name: [call["id"] for call in those] for name, those in found.items()}
    assert ids == {"login": ["3-0"], "ticket": ["1-0"], "number": ["2-1", "3-0"], "none": []}


@pytest.mark.parametrize(
    "query", ["number=%20336", "number=+33612345678", "since=7", "limit=0", "page=2"]
)
def test_a_query_that_means_nothing_is_refused(client: FlaskClient, query: str) -> None:
    response = client.get(f"/_twin/calls?{query}")

    assert (response.status_code, response.json["where"]) == (400, query.partition("=")[0])


def test_who_waits_gets_the_call_when_it_is_due(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    send(to(NUMBER, send_at=(NOON + timedelta(hours=1)).isoformat()))
    found = list[Any]()
    thread = threading.Thread(
        target=lambda: found.extend(calls(client, outcome="completed", wait=30))
    )
    thread.start()
    clock.now = NOON + timedelta(hours=1)
    thread.join()

    assert [call["number"] for call in found] == [NUMBER]


def test_a_reset_account_has_no_calls(send: Send, client: FlaskClient) -> None:
    send(to(NUMBER))
    send(to(NUMBER), headers={"api-login": "grace", "api-key": "k"})
    assert len(calls(client)) == 2
    client.delete(f"/_twin/accounts/{LOGIN}")
    assert [call["login"] for call in calls(client)] == ["grace"]

    client.post("/_twin/reset")

    assert calls(client) == []


def request(*numbers: str, login: str = LOGIN) -> Request:
    body = msgspec.json.encode(to(*numbers))
    headers = {"api-login": login, "api-key": "k", "content-type": "application/json"}
    return Request("POST", SEND, headers, body)


@pytest.mark.parametrize("bound", [{"most_entries": 2}, {"most_bytes": 2_500}])
def test_the_oldest_campaigns_are_dropped_and_counted(
    contract: Contract, bound: dict[str, int]
) -> None:
    twin = Twin(contract, MemoryStore(**bound))
    for login in ("ada", "ada", "grace"):
        twin.handle(request(NUMBER, login=login))
        # Whether it was looked for makes no difference.
        assert twin.store.campaigns(None)
    assert [campaign.id for campaign in twin.store.campaigns(None, closed=False)] == [2, 3]

    counts = {login: twin.calls.page(CallQuery(login)) for login in ("ada", "grace", None, "x")}
    assert {login: len(page.calls) for login, page in counts.items()} == {
        "ada": 1,
        "grace": 1,
        None: 2,
        "x": 0,
    }
    assert [page.evicted for page in counts.values()] == [1, 0, 1, 1]


def test_the_calls_of_an_account_that_was_forgotten_for_space_stay(contract: Contract) -> None:
    twin = Twin(contract, MemoryStore(most_accounts=1, most_entries=2))
    for login in ("ada", "grace", "joan"):
        twin.handle(request(NUMBER, login=login))

    page = twin.calls.page(CallQuery())

    assert [call["login"] for call in page.calls] == ["grace", "joan"]
    assert (page.counts, page.evicted) == ({"completed": 2}, 1)


def test_a_campaign_with_nothing_left_to_do_is_closed(contract: Contract) -> None:
    twin = Twin(contract)
    twin.handle(request(NUMBER))
    assert len(twin.store.campaigns(None, closed=False)) == 1

    twin.calls.catch_up()

    assert twin.store.campaigns(None, closed=False) == []
    assert twin.store.campaign(1) == twin.store.campaigns(None)[0]
    assert twin.store.campaign(2) is None


def test_a_clock_that_is_set_back_takes_back_no_call(send: Send, client: FlaskClient) -> None:
    due, url = (NOON + timedelta(hours=1)).isoformat(), f"/_twin/accounts/{LOGIN}/clock"
    send(to(NUMBER, send_at=due))
    for moment in (due, NOON.isoformat()):
        assert client.put(url, json={"now": moment}).status_code == 200
    phone(client, NUMBER, outcome="busy")

    client.put(url, json={"now": due})

    assert outcomes(client) == ["completed"]


def test_a_campaign_is_begun_by_one_alone(contract: Contract) -> None:
    twin = Twin(contract)
    twin.handle(request("+33639981009"))
    (campaign,) = twin.store.campaigns(None)

    assert twin.store.settle(campaign, msgspec.structs.replace(campaign))
    assert not twin.store.settle(campaign, campaign)
    with patch.object(twin.store, "settle", return_value=False):
        twin.calls.catch_up()
    opened = twin.store.known(LOGIN)
    assert opened is not None
    assert opened.opt_outs == frozenset()


def test_an_opt_out_does_not_bring_back_an_account_that_was_reset(contract: Contract) -> None:
    twin = Twin(contract)
    twin.handle(request("+33639981009"))
    settle = twin.store.settle

    def slow(*campaigns: Any) -> bool:
        won = settle(*campaigns)
        twin.store.forget(LOGIN)
        return won

    with patch.object(twin.store, "settle", slow):
        twin.calls.catch_up()

    assert twin.store.known(LOGIN) is None


def test_few_requests_are_read_again_at_once(contract: Contract) -> None:
    twin = Twin(contract)
    for number in range(20):
        twin.handle(request(f"+336{number:08}"))

    for _ in range(2):
        page = twin.calls.page(CallQuery())
        assert [call["number"] for call in page.calls] == [f"+336{n:08}" for n in range(20)]
