"""Accounts through the whole twin: clocks, faults, magic, the inbox, and what is hidden."""

from __future__ import annotations

import json
import logging
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from common import BODY, NOON, SEND, Clock
from mock_server.contract.admin_schemas import check
from mock_server.contract.loader import Contract, load
from mock_server.core.handler import Twin
from mock_server.http import waiting
from mock_server.http.app import create_app
from mock_server.http.served import ServeOptions
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import Account, digest

NUMBER, OTHER = "+33612345678", "+33698765432"


class Login:
    """One login, as code under test and as its tests see it."""

    def __init__(self, client: FlaskClient, login: str = "ada", key: str = "a-key") -> None:
        self.client, self.login, self.key = client, login, key
        self.slept = list[float]()

    def send(self, prefer: str = "", key: str | None = None, **body: object) -> TestResponse:
        headers = {"api-login": self.login, "api-key": key or self.key}
        if prefer:
            headers["Prefer"] = prefer
        with patch("time.sleep", self.slept.append):
            return self.client.post(SEND, json=BODY | body, headers=headers)

    def ask(self, method: str, what: str = "", **given: Any) -> TestResponse:
        return self.client.open(f"/_twin/accounts/{self.login}{what}", method=method, **given)

    def put(self, what: str = "", **settings: object) -> Any:
        response = self.ask("PUT", what, json=settings)
        assert response.status_code == 200, response.text
        return response.json

    def inject(self, *rules: dict[str, Any], seed: int = 0) -> Any:
        return self.put("/faults", faults=rules, seed=seed)

    def counts(self) -> list[tuple[int, int]]:
        faults = self.ask("GET", "/faults").json["faults"]
        return [(fault["tried"], fault["met"]) for fault in faults]

    @property
    def account(self) -> Any:
        return self.ask("GET").json

    @property
    def credit(self) -> str:
        return str(self.account["credit"])

    def rows(self, **query: object) -> list[Any]:
        asked = {"login": self.login, **query}
        return list(self.client.get("/_twin/requests", query_string=asked).json["requests"])

    def latest(self) -> Any:
        return self.client.get(f"/_twin/requests/{self.rows()[-1]['id']}").json


@pytest.fixture
def ada(client: FlaskClient) -> Login:
    return Login(client)


@pytest.fixture
def grace(client: FlaskClient) -> Login:
    return Login(client, "grace")


# ── accounts ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "settings",
    [
        {"credit": "1.00"},
        {"mode": "strict"},
        {"voice_addon": False},
        {"region": "US"},
        {"opt_outs": [OTHER]},
        {"callback_url": "http://localhost/"},
        {"tariff": {"price": "1.00"}},
    ],
    ids=str,
)
@pytest.mark.unmeasured
def test_what_is_named_is_set_and_the_rest_is_kept(ada: Login, settings: dict[str, Any]) -> None:
    before = ada.put()
    after = ada.put(**settings)

    assert {name for name in after if after[name] != before[name]} == settings.keys()


def test_a_new_account_is_what_a_request_would_open(ada: Login, grace: Login) -> None:
    ada.put()
    grace.send()
    same = {"mode", "voice_addon", "region", "tariff", "opt_outs", "callback_url", "clock"}

    assert {name: ada.account[name] for name in same} == {
        name: grace.account[name] for name in same
    }
    assert ada.credit == "150.00"


def test_credit_is_what_is_left(ada: Login) -> None:
    ada.send()
    ada.put(credit="0.07")
    ada.send()

    account = ada.account
    assert (account["credit"], account["spent"], account["campaigns"]) == ("0.02", "0.10", 2)
    assert ada.send().json["code"] == 104


def test_without_a_key_the_first_that_comes_is_taken(ada: Login) -> None:
    ada.put()
    assert not ada.account["key_set"]

    assert [ada.send(key=key).status_code for key in ("first", "second", "first")] == [
        201,
        401,
        201,
    ]
    assert ada.account["key_set"]


def test_a_key_that_is_set_is_the_only_one(ada: Login) -> None:
    ada.put(key="the key")

    assert [ada.send(key=key).status_code for key in ("another", "the key")] == [401, 201]


def test_a_key_can_be_changed(ada: Login) -> None:
    ada.send(key="old")
    ada.put(key="new")

    assert [ada.send(key=key).status_code for key in ("old", "new")] == [401, 201]


def test_a_key_can_be_taken_back(ada: Login) -> None:
    ada.send(key="old")
    ada.put(key=None)

    assert [ada.send(key=key).status_code for key in ("new", "old")] == [201, 401]


@pytest.mark.parametrize(("closed", "status"), [(False, 201), (True, 401)])
def test_an_account_that_takes_a_key_while_it_is_reset_does_not_come_back(
    contract: Contract,
    closed: bool,  # noqa: FBT001  (a row of the table)
    status: int,
) -> None:
    """The account is read, then reset, and only then takes its key."""

    class ResetOnce(MemoryStore):
        resets = 1

        def known(self, login: str) -> Account | None:
            account = super().known(login)
            if account and self.resets:
                self.resets -= 1
                self.forget(login)
            return account

    ada = Login(create_app(Twin(contract, ResetOnce(), closed=closed)).test_client())
    ada.put(credit="0.00", mode="strict")

    assert ada.send(text=1).status_code == status
    account = ada.ask("GET")
    assert account.status_code == (404 if closed else 200)
    assert account.json.get("mode") == (None if closed else "lenient")


def test_of_two_keys_at_once_one_is_taken(contract: Contract) -> None:
    """Both requests have read the account before either has set its key."""

    class Together(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self.both = threading.Barrier(2)

        def change(self, *given: Any, **more: Any) -> Any:
            if self.known("ada"):
                self.both.wait(10)
            return super().change(*given, **more)

    twin = Twin(contract, Together())
    Login(create_app(twin).test_client()).put()
    logins = [Login(create_app(twin).test_client(), key=key) for key in ("one", "two")]

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda one: one.send().status_code, logins)) == [201, 401]


def test_a_strict_account_refuses_repairs(ada: Login, grace: Login) -> None:
    ada.put(mode="strict")

    assert [login.send(text=1).status_code for login in (ada, grace)] == [400, 201]
    assert ada.latest()["strict"]


def test_without_the_voice_addon_all_is_forbidden(ada: Login) -> None:
    ada.put(voice_addon=False)

    assert ada.send().status_code == 403


def test_without_the_voice_addon_no_body_is_read(ada: Login) -> None:
    ada.put(voice_addon=False)
    ada.send(mode="simu")

    entry = ada.latest()
    assert (entry["body"], entry["notes"]) == (None, [])


def test_national_numbers_belong_to_the_region(ada: Login) -> None:
    ada.put(region="US")
    ada.send(recipients="(202) 555-0123")

    assert ada.rows(number="+12025550123")


def test_another_tariff_changes_the_cost(ada: Login) -> None:
    ada.put(tariff={"price": "0.1001", "billing_step": 60, "characters_a_second": 1})

    answer = ada.send(text="a" * 61).json

    assert (answer["total_cost"], answer["estimated_duration"]) == (0.2002, 120)
    assert ada.account["spent"] == "0.2002"


def test_the_tariff_goes_back_to_that_of_all(ada: Login) -> None:
    before = ada.put()["tariff"]
    ada.put(tariff={"price": "9.00"})

    assert ada.put(tariff=None)["tariff"] == before


def test_whole_numbers_may_have_a_point(ada: Login) -> None:
    ada.put(tariff={"billing_step": 30.0, "characters_a_second": 15.0})

    assert ada.send().status_code == 201


# ── opt-outs ────────────────────────────────────────────────────────

BOTH = [{"phone_number": NUMBER}, {"phone_number": OTHER}]


def test_who_opted_out_is_left_out_where_that_is_asked_for(ada: Login) -> None:
    ada.put(opt_outs=[OTHER])

    answer = ada.send(recipients=BOTH, auto_delete_optout_contacts=True).json

    assert (answer["number_of_contacts"], answer["total_cost"]) == (1, 0.05)
    (note,) = ada.latest()["notes"]
    assert (note["rule"], note["before"], note["after"]) == ("opt_outs_removed", 2, 1)


@pytest.mark.parametrize("asked", [{}, {"auto_delete_optout_contacts": False}])
def test_who_opted_out_is_called_otherwise_and_that_is_said(
    ada: Login, asked: dict[str, bool]
) -> None:
    ada.put(opt_outs=[OTHER])

    response = ada.send(recipients=BOTH, **asked)

    assert response.json["number_of_contacts"] == 2
    (note,) = ada.latest()["notes"]
    assert (note["kind"], note["rule"], note["stakes"], note["before"]) == (
        "advice",
        "opt_outs_called",
        "high",
        [OTHER],
    )
    assert response.headers["Twin-Notes"] == "0"


PAST = {"send_at": "2018-10-03T07:42:39-07:00"}


@pytest.mark.parametrize(
    ("body", "rules"),
    [
        (PAST, ["opt_outs_called", "past"]),
        (PAST | {"auto_delete_optout_contacts": True}, ["opt_outs_removed", "past"]),
        (PAST | {"simulation_mode": True}, ["opt_outs_called", "past"]),
        (
            PAST | {"auto_delete_optout_contacts": True, "simulation_mode": True},
            ["past", "simulation_passes"],
        ),
    ],
)
def test_of_two_advices_of_the_decision_both_are_given(
    ada: Login, body: dict[str, Any], rules: list[str]
) -> None:
    ada.put(opt_outs=[OTHER])

    response = ada.send(recipients=BOTH, **body)

    assert [note["rule"] for note in ada.latest()["notes"]] == rules
    assert response.headers["Twin-Advice"] == "2"


def test_advice_of_the_reading_and_of_the_decision_is_counted_together(ada: Login) -> None:
    response = ada.send(sender="Nanterredomus", mode="simu", **PAST)

    (row,) = ada.rows()
    assert response.headers["Twin-Advice"] == "2"
    assert (row["notes"], row["advice"]) == (1, 2)


def test_high_stakes_of_the_reading_and_of_the_decision_are_counted_together(ada: Login) -> None:
    ada.put(opt_outs=[OTHER])
    ada.send(recipients=BOTH, mode="simu")

    (row,) = ada.rows()
    notes = ada.latest()["notes"]
    assert [note["stakes"] for note in notes] == ["high", "high"]
    assert row["high_stakes"] == 2


def test_where_everybody_opted_out_nothing_is_sent(ada: Login) -> None:
    ada.put(opt_outs=[NUMBER, OTHER])

    response = ada.send(recipients=BOTH, auto_delete_optout_contacts=True)

    assert (response.status_code, [*response.json["errors"]]) == (400, ["recipients"])
    assert ada.credit == "150.00"


def test_who_opted_out_elsewhere_is_called_without_a_word(ada: Login, grace: Login) -> None:
    grace.put(opt_outs=[NUMBER])

    assert ada.send().headers["Twin-Advice"] == "0"


# ── an account alone ────────────────────────────────────────────────────────


def test_a_reset_forgets_that_account_alone(ada: Login, grace: Login) -> None:
    for login in (ada, grace):
        login.put(mode="strict")
        login.inject({"fault": "garble"})
        login.send(request_id="one")

    assert ada.ask("DELETE").status_code == 204

    assert (ada.ask("GET").status_code, ada.rows()) == (404, [])
    assert (grace.account["credit"], grace.account["mode"]) == ("149.95", "strict")
    assert (len(grace.rows()), grace.counts()) == (1, [(1, 1)])


def test_a_reset_account_begins_anew(ada: Login) -> None:
    ada.put(credit="0.05", mode="strict")
    first = ada.send(request_id="one", key="old").json["ticket_number"]
    ada.ask("DELETE")

    again = ada.send(request_id="one", key="new", text=1).json

    assert (again["residual_credit"], again["ticket_number"]) == (149.95, first)


def test_an_account_that_is_not_there_can_be_reset(ada: Login) -> None:
    assert ada.ask("DELETE").status_code == 204


def test_a_given_account_comes_back_as_it_was_given(contract: Contract) -> None:
    given = Account("ada", digest("ada", "a-key"), Decimal("1.00"), strict=True)
    twin = Twin(contract, MemoryStore([given]), closed=True)
    ada = Login(create_app(twin).test_client())
    ada.put(credit="0.00", mode="lenient", key="another")
    ada.ask("DELETE")

    assert (ada.credit, ada.account["mode"]) == ("1.00", "strict")
    assert ada.send().status_code == 201


def test_an_account_can_be_opened_where_strangers_may_not_sign_in(contract: Contract) -> None:
    client = create_app(Twin(contract, closed=True)).test_client()
    ada, grace = Login(client), Login(client, "grace")
    ada.put()

    assert [login.send().status_code for login in (ada, grace)] == [201, 401]


def test_strangers_make_space_but_what_was_set_up_stays(contract: Contract) -> None:
    client = create_app(Twin(contract, MemoryStore(most_accounts=3))).test_client()
    Login(client, "set").put(mode="strict")
    for n in range(10):
        Login(client, f"passing {n}").send()

    body = client.get("/_twin/accounts").json
    assert [account["login"] for account in body["accounts"]] == ["set", "passing 8", "passing 9"]
    assert body["evicted"] == 8


def test_the_longest_unused_account_stands_first(client: FlaskClient) -> None:
    for login in ("ada", "grace", "ada"):
        Login(client, login).send()

    accounts = client.get("/_twin/accounts").json["accounts"]
    assert [account["login"] for account in accounts] == ["grace", "ada"]


@pytest.mark.parametrize("login", ["a b", "a%2Bb", "é", "a@b.c", "%", "?#"])
def test_a_login_of_odd_characters_has_its_account(client: FlaskClient, login: str) -> None:
    from urllib.parse import quote  # noqa: PLC0415

    path = f"/_twin/accounts/{quote(login, safe='')}"

    assert client.put(path, json={}).json["login"] == login


# ── clocks ────────────────────────────────────────────────────────


def test_a_clock_can_be_frozen_set_advanced_and_released(ada: Login, clock: Clock) -> None:
    seen = [ada.put("/clock", now="2026-12-24T18:00:00+01:00", frozen=True)["now"]]
    clock.now += timedelta(hours=1)
    seen.append(ada.ask("GET", "/clock").json["now"])
    seen.append(ada.put("/clock", advance=60.5)["now"])
    seen.append(ada.put("/clock", frozen=False)["now"])
    clock.now += timedelta(hours=1)
    seen.append(ada.ask("GET", "/clock").json["now"])

    assert [moment.removeprefix("2026-12-24T").removesuffix("+00:00") for moment in seen] == [
        "17:00:00",
        "17:00:00",
        "17:01:00.500000",
        "17:01:00.500000",
        "18:01:00.500000",
    ]


def test_two_clocks_are_independent(ada: Login, grace: Login) -> None:
    ada.put("/clock", advance=3600)
    for login in (ada, grace):
        login.send()

    assert [login.rows()[0]["at"][11:19] for login in (ada, grace)] == ["13:00:00", "12:00:00"]


@pytest.mark.parametrize(("seconds", "status"), [(24 * 3600 - 1, 400), (24 * 3600, 201)])
def test_a_request_id_is_remembered_for_a_day_of_the_accounts_clock(
    ada: Login, seconds: int, status: int
) -> None:
    ada.send(request_id="one")
    ada.put("/clock", advance=seconds)

    assert ada.send(request_id="one").status_code == status


def test_a_scheduled_campaign_is_sent_when_its_time_comes(ada: Login, grace: Login) -> None:
    for login in (ada, grace):
        login.send(send_at="2026-11-23T13:00:00Z")
    states = [ada.rows()[0]["state"]]
    for seconds in (3599, 1):
        ada.put("/clock", advance=seconds)
        states.append(ada.rows()[0]["state"])

    assert states == ["scheduled", "scheduled", "sent"]
    assert ada.latest()["state"] == "sent"
    assert grace.latest()["state"] == "scheduled"


def test_what_is_past_is_past_by_the_accounts_clock(ada: Login, grace: Login) -> None:
    ada.put("/clock", advance=7200)

    advice = [
        login.send(send_at="2026-11-23T13:00:00Z").headers["Twin-Advice"] for login in (ada, grace)
    ]

    assert advice == ["1", "0"]
    assert ada.latest()["notes"][0]["rule"] == "past"


def test_a_reset_account_has_the_clock_on_the_wall(ada: Login) -> None:
    ada.put("/clock", advance=3600, frozen=True)
    ada.ask("DELETE")
    ada.put()

    assert ada.account["clock"] == {"now": NOON.isoformat(), "frozen": False}


def test_a_clock_at_either_end_of_its_years_still_answers(ada: Login) -> None:
    for moment in ("1000-01-01T00:00:00Z", "8999-12-31T23:59:59Z"):
        ada.put("/clock", now=moment)

        assert ada.send(send_at="9999-12-31T23:59:59Z", request_id=moment).status_code == 201


def test_many_who_advance_a_clock_add_up(ada: Login) -> None:
    ada.put("/clock", frozen=True)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: ada.put("/clock", advance=1), range(100)))

    assert ada.account["clock"]["now"] == (NOON + timedelta(seconds=100)).isoformat()


# ── faults ────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_gateway_answers_and_nothing_is_sent(ada: Login, status: int) -> None:
    ada.inject({"fault": "status", "status": status, "retry_after": 7})

    response = ada.send(request_id="one")

    assert (response.status_code, response.headers["Retry-After"]) == (status, "7")
    assert response.json["code"] == status
    assert (ada.credit, ada.rows()[0]["verdict"]) == ("150.00", "injected")
    ada.inject()
    assert ada.send(request_id="one").status_code == 201


def test_an_answer_of_the_catalogue_can_be_injected(ada: Login) -> None:
    ada.inject({"fault": "answer", "answer": "out-of-credit"})

    assert (ada.send().json["code"], ada.credit) == (104, "150.00")


def test_a_reset_connection_commits_nothing(ada: Login) -> None:
    ada.inject({"fault": "reset", "times": 1})

    with pytest.raises(ConnectionResetError):
        ada.send(request_id="one")

    (row,) = ada.rows()
    assert (row["status"], row["verdict"], row["state"]) == (None, "injected", None)
    assert ada.send(request_id="one").json["residual_credit"] == 149.95


def test_a_dropped_connection_has_committed(ada: Login) -> None:
    ada.inject({"fault": "drop_after_commit", "times": 1})

    with pytest.raises(ConnectionAbortedError):
        ada.send(request_id="one")

    (row,) = ada.rows()
    assert (row["verdict"], row["state"], ada.credit) == ("accepted", "sent", "149.95")
    assert ada.send(request_id="one").json["errors"]["request_id"]["code"] == 120


def test_a_refusal_is_not_dropped(ada: Login) -> None:
    ada.inject({"fault": "drop_after_commit"})

    assert ada.send(recipients=[]).status_code == 400
    assert ada.counts() == [(0, 0)]


def test_a_cut_body_is_cut(ada: Login) -> None:
    ada.inject({"fault": "truncate", "bytes": 10.0})

    response = ada.send()

    assert (response.status_code, len(response.data)) == (201, 10)
    assert ada.latest()["answer"]["body"]["ticket_number"]


def test_a_garbled_body_is_no_json(ada: Login) -> None:
    ada.inject({"fault": "garble"})

    with pytest.raises(ValueError, match="decode"):
        json.loads(ada.send().data)


def test_a_wrong_content_type_leaves_the_body(ada: Login) -> None:
    ada.inject({"fault": "content_type"})

    response = ada.send()

    assert response.mimetype == "text/html"
    assert json.loads(response.data)["total_cost"] == 0.05


def test_a_missing_field_is_missing_in_success_alone(ada: Login) -> None:
    ada.inject({"fault": "missing_field", "field": "ticket_number"})

    assert "ticket_number" not in ada.send().json
    assert "errors" in ada.send(recipients=[]).json
    assert ada.latest()["injected"] is None


def test_a_delay_is_slept_after_the_campaign_is_committed(ada: Login) -> None:
    ada.inject({"fault": "delay", "seconds": 2}, {"fault": "delay", "seconds": 0.5})

    assert ada.send().status_code == 201
    assert (ada.slept, ada.credit) == ([2.5], "149.95")
    assert ada.latest()["injected"] == {"by": "fault", "fault": None, "delay": 2.5}


def test_a_connection_is_dropped_after_the_delay(ada: Login) -> None:
    ada.inject({"fault": "delay", "seconds": 2}, {"fault": "reset"})

    with pytest.raises(ConnectionResetError):
        ada.send()

    assert ada.slept == [2]


def test_a_simulated_send_meets_faults_too(ada: Login) -> None:
    ada.inject({"fault": "drop_after_commit"})

    with pytest.raises(ConnectionAbortedError):
        ada.send(simulation_mode=True)

    assert (ada.rows()[0]["state"], ada.credit) == ("simulated", "150.00")


def test_what_is_forbidden_or_unreadable_meets_faults_too(ada: Login) -> None:
    ada.put(voice_addon=False)
    ada.inject({"fault": "status", "status": 500})

    assert ada.send().status_code == 500
    ada.put(voice_addon=True)
    headers = {"api-login": "ada", "api-key": "a-key"}
    assert ada.client.post(SEND, data=b"\xff", headers=headers).status_code == 500


def test_who_is_not_signed_in_meets_no_fault(ada: Login) -> None:
    ada.put(key="the key")
    ada.inject({"fault": "reset"})

    assert (ada.send(key="another").status_code, ada.counts()) == (401, [(0, 0)])


@pytest.mark.parametrize(
    ("match", "sent"),
    [
        ({"number": OTHER}, {"recipients": "0698765432"}),
        ({"text": "code"}, {"text": "Your  code  is 1."}),
        ({"request_id": "two"}, {"request_id": "two"}),
    ],
)
def test_a_fault_meets_what_matches_as_it_is_read(
    ada: Login, match: dict[str, str], sent: dict[str, Any]
) -> None:
    ada.inject({"fault": "status", "status": 503, "match": match})

    assert [ada.send().status_code, ada.send(**sent).status_code] == [201, 503]
    assert ada.counts() == [(1, 1)]


def test_the_counts_are_told(ada: Login) -> None:
    ada.inject({"fault": "status", "status": 503, "times": 2}, {"fault": "garble"})
    for _ in range(5):
        ada.send()

    assert ada.counts() == [(5, 2), (3, 3)]


def test_the_same_faults_set_again_start_anew(ada: Login) -> None:
    rule = {"fault": "status", "status": 503, "times": 1}
    statuses = []
    for _ in range(2):
        ada.inject(rule)
        statuses += [ada.send().status_code, ada.send().status_code]

    assert statuses == [503, 201, 503, 201]
    assert ada.counts() == [(2, 1)]


def test_one_more_fault_keeps_the_counts_of_the_others(ada: Login) -> None:
    ada.inject({"fault": "delay", "seconds": 0})
    ada.send()
    ada.ask("POST", "/faults", json={"fault": "status", "status": 500})

    assert ada.send().status_code == 500
    assert ada.counts() == [(2, 2), (1, 1)]


def test_other_settings_keep_the_counts(ada: Login) -> None:
    ada.inject({"fault": "status", "status": 500, "times": 1})
    ada.send()
    ada.put(mode="strict")

    assert ada.send().status_code == 201


def test_cleared_faults_are_met_no_more(ada: Login) -> None:
    ada.inject({"fault": "status", "status": 500})
    ada.ask("DELETE", "/faults")

    assert ada.send().status_code == 201
    assert ada.account["faults"] == 0


def test_faults_that_are_cleared_leave_the_seed(ada: Login) -> None:
    ada.inject({"fault": "status", "status": 500}, seed=7)
    ada.ask("DELETE", "/faults")

    assert ada.ask("GET", "/faults").json == {"seed": 7, "faults": []}


def test_an_account_meets_its_own_faults_alone(ada: Login, grace: Login) -> None:
    ada.inject({"fault": "status", "status": 500})

    assert [login.send().status_code for login in (ada, grace)] == [500, 201]


def test_the_same_seed_injects_the_same_faults(ada: Login) -> None:
    runs = []
    for _ in range(2):
        ada.ask("DELETE")
        ada.inject({"fault": "status", "status": 500, "probability": 0.5}, seed=7)
        runs.append([ada.send().status_code for _ in range(20)])

    assert runs[0] == runs[1]
    assert set(runs[0]) == {201, 500}


def test_of_many_at_once_exactly_so_many_meet_a_fault(ada: Login) -> None:
    ada.inject({"fault": "status", "status": 500, "times": 10})

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: ada.send().status_code, range(60)))

    assert statuses.count(500) == 10
    assert ada.counts() == [(60, 10)]


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just("0612345678"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = st.sampled_from(["text", "recipients", "request_id", "send_at", "simulation_mode", "x"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, ANY_JSON), st.sampled_from(["lenient", "strict"]))
def test_whatever_is_sent_can_be_matched(ada: Login, body: dict[str, Any], mode: str) -> None:
    ada.put(mode=mode)
    ada.inject({"fault": "reset", "match": {"number": "+9", "text": "\0", "request_id": "\0"}})

    response = ada.client.post(SEND, json=body, headers={"api-login": "ada", "api-key": "a-key"})

    assert response.status_code in {201, 400}
    assert ada.client.get("/_twin/requests?number=%2B33612345678").status_code == 200


# ── Prefer ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("prefer", "status", "code"),
    [
        ("code=403", 403, 403),
        ("code=400, example=out-of-credit", 400, 104),
        ('example="unauthorized"', 401, 401),
        ("CODE=502; q=1", 502, 502),
    ],
)
def test_an_answer_can_be_preferred(ada: Login, prefer: str, status: int, code: int) -> None:
    response = ada.send(prefer)

    assert (response.status_code, response.json["code"]) == (status, code)
    assert (ada.credit, ada.rows()[0]["verdict"]) == ("150.00", "injected")
    assert ada.rows()[0]["injected"]["by"] == "prefer"


def test_other_preferences_are_ignored(ada: Login) -> None:
    assert ada.send("respond-async, dynamic=true, wait=1").status_code == 201


@pytest.mark.parametrize("prefer", ["code=418", "code=403, example=accepted", "example=teapot"])
def test_a_preference_that_no_answer_has_is_not_found(ada: Login, prefer: str) -> None:
    response = ada.send(prefer)

    assert (response.status_code, response.json["where"]) == (404, "Prefer")
    assert "403 forbidden" in response.json["expected"]
    assert ada.rows() == []


def test_a_preference_comes_before_faults_and_is_not_counted(ada: Login) -> None:
    ada.inject({"fault": "status", "status": 500})

    assert (ada.send("code=403").status_code, ada.counts()) == (403, [(0, 0)])


# ── magic ────────────────────────────────────────────────────────

CONTRACT = load()
# What each promises, by itself: status, codes of the answer, and whether it is sent.
PROMISED: dict[str, tuple[int | None, list[int], bool]] = {
    "+33639980104": (400, [104], False),
    "+33639980107": (400, [400, 107, 103], False),
    "+33639980120": (400, [400, 120], False),
    "+33639980400": (400, [400], False),
    "+33639980401": (401, [401], False),
    "+33639980403": (403, [403], False),
    "+33639980429": (429, [429], False),
    "+33639980442": (400, [400, 442], False),
    "+33639980500": (500, [500], False),
    "+33639980502": (502, [502], False),
    "+33639980503": (503, [503], False),
    "+33639980900": (None, [], False),
    "+33639980901": (None, [], True),
    "+33639980902": (201, [], True),
    "+33639980903": (201, [], True),
    "+33639980904": (201, [], True),
    "+33639980905": (201, [], True),
    "+33639980906": (201, [], True),
}


def test_every_magic_number_is_tried() -> None:
    assert PROMISED.keys() == CONTRACT.magic.numbers.keys()


@pytest.mark.unmeasured
@pytest.mark.parametrize("number", PROMISED)
@pytest.mark.parametrize("others", [[], [NUMBER]], ids=["alone", "among others"])
def test_a_magic_number_does_what_it_says(ada: Login, number: str, others: list[str]) -> None:
    status, codes, is_sent = PROMISED[number]
    recipients = [{"phone_number": one} for one in (*others, number)]
    if status is None:
        with pytest.raises(ConnectionError):
            ada.send(recipients=recipients)
    else:
        response = ada.send(recipients=recipients)
        assert response.status_code == status
        if codes:
            inner = [error["code"] for error in response.json.get("errors", {}).values()]
            assert [response.json["code"], *inner] == codes

    (row,) = ada.rows()
    assert (row["state"] == "sent") == is_sent == (ada.credit != "150.00")
    assert row["injected"]["by"] == "magic"


def test_the_magic_of_many_requests_says_when_to_come_back(ada: Login) -> None:
    response = ada.send(recipients="+33639980429")

    assert response.headers["Retry-After"] == "1"


def test_the_magic_delay_is_slept(ada: Login) -> None:
    ada.send(recipients="+33639980906")

    assert ada.slept == [2]


@pytest.mark.parametrize(
    ("number", "error"),
    [(902, json.JSONDecodeError), (903, UnicodeDecodeError)],
)
def test_the_magic_of_a_broken_body_breaks_it(
    ada: Login, number: int, error: type[ValueError]
) -> None:
    data = ada.send(recipients=f"+33639980{number}").data

    with pytest.raises(error):
        json.loads(data)


def test_the_magic_of_html_and_of_no_ticket(ada: Login) -> None:
    assert ada.send(recipients="+33639980904").mimetype == "text/html"
    assert "ticket_number" not in ada.send(recipients="+33639980905").json


def test_magic_works_however_the_number_is_written(ada: Login) -> None:
    assert ada.send(recipients="0033 6 39-98.05.03").status_code == 503


def test_an_injected_fault_comes_before_a_magic_number(ada: Login) -> None:
    ada.inject({"fault": "status", "status": 500})

    assert ada.send(recipients="+33639980503").status_code == 500


def test_magic_for_success_is_nothing_to_a_refusal(ada: Login) -> None:
    assert ada.send(recipients="+33639980901", voice_language="xx").status_code == 400


@pytest.mark.parametrize("number", CONTRACT.magic.numbers)
def test_a_magic_number_never_rings(number: str) -> None:
    assert number.startswith(tuple(kept["prefix"] for kept in CONTRACT.magic.ranges))
    assert len(number) == len("+33612345678")


@pytest.mark.unmeasured
@pytest.mark.parametrize("value", CONTRACT.magic.numbers.values(), ids=lambda value: value.value)
def test_what_a_magic_number_does_could_be_injected(ada: Login, value: Any) -> None:
    ada.inject(value.does)


@pytest.mark.parametrize("value", CONTRACT.magic.logins.values(), ids=lambda value: value.value)
def test_what_a_magic_login_sets_could_be_set(value: Any) -> None:
    check("AccountSettings", value.does)


@pytest.mark.parametrize("key", CONTRACT.magic.keys)
def test_a_magic_key_is_refused_whatever_the_login(ada: Login, grace: Login, key: str) -> None:
    grace.send()

    assert [login.send(key=key).status_code for login in (ada, grace)] == [401, 401]
    assert ada.ask("GET").status_code == 404


@pytest.mark.unmeasured
@pytest.mark.parametrize("at", ["", "@example.com"])
@pytest.mark.parametrize(
    ("end", "body", "status"),
    [
        ("+forbidden", {}, 403),
        ("+no-credit", {}, 400),
        ("+strict", {"text": 1}, 400),
        ("+strict", {}, 201),
        ("+anything", {"text": 1}, 201),
    ],
)
def test_a_magic_login_does_what_it_says(
    client: FlaskClient, at: str, end: str, body: dict[str, Any], status: int
) -> None:
    assert Login(client, f"ada{end}{at}").send(**body).status_code == status


def test_a_magic_login_that_is_set_otherwise_is_what_was_set(client: FlaskClient) -> None:
    login = Login(client, "ada+no-credit")
    assert login.put(mode="strict")["credit"] == "0.00"

    login.put(credit="1.00")

    assert login.send().status_code == 201


def test_the_table_of_magic_has_every_value(client: FlaskClient) -> None:
    magic = CONTRACT.magic
    values = client.get("/_twin/magic").json["values"]

    assert [value["value"] for value in values] == [
        *magic.keys,
        *magic.logins,
        *magic.numbers,
        *CONTRACT.calls.phones,
    ]


# ── the inbox ────────────────────────────────────────────────────────


@pytest.fixture
def full(client: FlaskClient, clock: Clock) -> Iterator[FlaskClient]:
    """Requests 1 to 7, a minute each."""
    ada, grace = Login(client), Login(client, "grace")
    ada.send()
    clock.now += timedelta(minutes=1)
    ada.send(send_at="2030-01-01T00:00:00Z", sender="Nanterredomus")
    clock.now += timedelta(minutes=1)
    ada.send(recipients=OTHER)
    clock.now += timedelta(minutes=1)
    ada.send(mode="simu")
    clock.now += timedelta(minutes=1)
    ada.send(recipients=[], voice_gender="SHE")
    clock.now += timedelta(minutes=1)
    grace.send(simulation_mode=True)
    clock.now += timedelta(minutes=1)
    grace.send("code=500")
    return iter((client,))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("login=grace", [6, 7]),
        ("verdict=accepted", [1, 2, 3, 4, 6]),
        ("verdict=refused", [5]),
        ("verdict=injected", [7]),
        ("state=sent", [1, 3, 4]),
        ("state=scheduled", [2]),
        ("state=simulated", [6]),
        ("field=recipients", [3, 5]),
        ("field=sender", [2]),
        ("field=nothing", []),
        ("rule=unknown", [4]),
        ("stakes=high", [4]),
        ("stakes=normal", [2, 3, 5]),
        ("number=%2B33698765432", [3]),
        ("number=+33698765432", []),
        ("number=33698765432", []),
        ("number=", []),
        ("after=2026-11-23T12:03:00Z&before=2026-11-23T12:05:00Z", [4, 5]),
        ("after=2026-11-23T13:03:00+01:00&limit=1", [4]),
        ("before=0001-01-01T00:00:00%2B01:00", []),
        ("since=5&login=ada", []),
        ("state=sent&number=%2B33612345678", [1, 4]),
        ("wait=60&state=simulated", [6]),
    ],
)
@pytest.mark.usefixtures("full")
def test_the_inbox_can_be_filtered(client: FlaskClient, query: str, ids: list[int]) -> None:
    rows = client.get(f"/_twin/requests?{query}").json["requests"]

    assert [row["id"] for row in rows] == ids


def test_a_wait_ends_when_something_arrives(contract: Contract, clock: Clock) -> None:
    """The wait begins before anything is there; what wakes it comes from another thread."""
    waits = threading.Event()

    class Told(MemoryStore):
        def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
            unsubscribe = super().subscribe(changed)
            waits.set()
            return unsubscribe

    app = create_app(Twin(contract, Told(), clock=clock))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(Login(app.test_client()).rows, wait=60)
        assert waits.wait(10)
        Login(app.test_client()).send()

        assert [row["login"] for row in asked.result(timeout=10)] == ["ada"]


def test_a_wait_for_nothing_is_an_empty_list(ada: Login) -> None:
    ada.send()

    assert ada.rows(wait="0.01", state="scheduled") == []


def test_one_wait_too_many_is_told_so_and_places_are_given_back(
    contract: Contract, clock: Clock
) -> None:
    waits = threading.Event()

    class Told(MemoryStore):
        def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
            unsubscribe = super().subscribe(changed)
            waits.set()
            return unsubscribe

    app = create_app(Twin(contract, Told(), clock=clock), ServeOptions(workers=2))
    url = "/_twin/requests?wait=60"
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(app.test_client().get, url)
        assert waits.wait(10)

        second = app.test_client().get(url)

        Login(app.test_client()).send()
        assert (second.status_code, second.json["where"]) == (503, "wait")
        assert first.result(timeout=10).status_code == 200
    assert [app.test_client().get(url).status_code for _ in range(3)] == [200] * 3


def test_a_wait_that_fails_gives_its_place_back(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = create_app(twin, ServeOptions(workers=2)).test_client()

    def fail(*_: object) -> None:
        raise ValueError("on purpose")

    monkeypatch.setattr(waiting, "block", fail)

    url = "/_twin/requests?wait=1"
    assert [client.get(url).status_code for _ in range(2)] == [500, 500]


def test_what_was_dropped_is_told_by_login(contract: Contract) -> None:
    client = create_app(Twin(contract, MemoryStore(most_entries=2))).test_client()
    ada, grace = Login(client), Login(client, "grace")
    for login in (ada, ada, ada, grace):
        login.send()

    def evicted(query: str) -> int:
        return int(client.get(f"/_twin/requests{query}").json["evicted"])

    assert [evicted(query) for query in ("", "?login=ada", "?login=grace")] == [2, 2, 0]
    assert (ada.account["evicted"], grace.account["evicted"]) == (2, 0)
    assert "2 were dropped" in client.get("/_twin/requests/1").json["expected"]


# ── what is hidden ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "given",
    [
        {"json": BODY},
        {"json": {"text": f"Call {NUMBER}", "recipients": "06 12 34 56 78,+33 6 12 34 56 78"}},
        {"json": BODY | {"recipients": [33612345678]}},
        {"json": BODY | {"code": {"id": NUMBER}, "mobile": 33612345678}},
        {"data": b'{"text":"a","recipients":[33612345678]}'},
        {"data": {"text": "a", "recipients": NUMBER}},
        {"data": {"text": "a", "recipients": "06 12 34 56 78"}},
        {"data": b"\xff" + NUMBER.encode()},
        {"data": b"{" + NUMBER.encode()},
        {"json": BODY | {"recipients": [{"phone_number": NUMBER, "to": {NUMBER: NUMBER}}]}},
    ],
    ids=str,
)
@pytest.mark.unmeasured
def test_a_masked_inbox_shows_nobodys_number(twin: Twin, given: dict[str, Any]) -> None:
    client = create_app(twin, ServeOptions(mask=True)).test_client()
    ada = Login(client)
    ada.put(opt_outs=[NUMBER])
    ada.inject({"fault": "delay", "seconds": 0, "match": {"number": NUMBER}})
    client.post(SEND, headers={"api-login": "ada", "api-key": "a-key"}, **given)

    shown = [ada.client.get("/_twin/requests").json, ada.latest(), ada.account]
    shown.append(ada.ask("GET", "/faults").json)

    text = json.dumps(shown)
    assert not [part for part in ("12345678", "12 34 56", "12+34+56") if part in text]


def test_a_masked_entry_keeps_what_is_no_number(twin: Twin) -> None:
    client = create_app(twin, ServeOptions(mask=True)).test_client()
    ada = Login(client)
    ada.put(credit="12345678.05")
    ada.send(send_at="2030-01-01T00:00:00Z", text="Hello 12.")

    entry = ada.latest()
    assert entry["campaign"]["residual_credit"] == "12345678.00"
    assert entry["answer"]["body"]["residual_credit"] == 12345678.0
    assert (entry["body"]["send_at"], entry["body"]["text"]) == (
        "2030-01-01T00:00:00Z",
        "Hello 12.",
    )


def test_without_the_mask_numbers_are_whole(ada: Login) -> None:
    ada.send()

    assert NUMBER in ada.latest()["raw"]


KEY = "a-very-secret-key"


def test_a_key_is_in_no_document_no_log_and_no_memory(
    twin: Twin, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = create_app(twin).test_client()
    ada = Login(client, key=KEY)
    shown = [str(ada.put(key=KEY))]
    ada.inject({"fault": "delay", "seconds": 0})
    ada.send(mode="x")
    ada.send("code=500")
    ada.send(key=f"{KEY}-and-more")
    shown += [client.get(f"/_twin/{path}").text for path in ("requests", "accounts")]
    shown += [client.get(f"/_twin/requests/{id_}").text for id_ in (1, 2, 3)]
    accounts = twin.store.accounts()
    entries = twin.store.entries(None, 0)

    assert client.get("/_twin/requests").json["kept"] == 3
    assert KEY not in "".join(shown) + caplog.text + repr(accounts) + repr(entries)
    assert KEY.encode() not in pickle.dumps(accounts)


def test_a_request_of_high_stakes_is_logged_without_its_values(
    ada: Login, caplog: pytest.LogCaptureFixture
) -> None:
    ada.send(**{f"mode{NUMBER}": "x", "mode": NUMBER})

    assert "high stakes" in caplog.text
    assert "12345678" not in caplog.text


def test_a_delay_leaves_a_magic_number_its_effect(ada: Login) -> None:
    ada.inject({"fault": "delay", "seconds": 2})

    answer = ada.send(recipients=[{"phone_number": "+33639980403"}])

    assert (answer.status_code, ada.slept) == (403, [2])


def test_a_magic_number_that_delays_adds_to_a_delay(ada: Login) -> None:
    ada.inject({"fault": "delay", "seconds": 3})

    ada.send(recipients=[{"phone_number": "+33639980906"}])

    assert ada.slept == [5]


def test_a_simulation_says_that_a_real_send_would_call_who_opted_out(ada: Login) -> None:
    ada.put(opt_outs=[NUMBER])

    ada.send(recipients=[{"phone_number": NUMBER}], simulation_mode=True)

    assert [note["rule"] for note in ada.latest()["notes"]] == ["opt_outs_called"]


def test_a_body_of_the_control_plane_is_bounded(ada: Login) -> None:
    answer = ada.ask("PUT", data=b" " * 2**20 + b"{}")

    assert (answer.status_code, answer.json["where"]) == (400, "body")
    assert "no more than that" in answer.json["expected"]


def test_the_largest_body_of_the_control_plane_is_read(ada: Login) -> None:
    assert ada.ask("PUT", data=b"{}".rjust(2**20)).status_code == 200


def test_what_is_injected_is_logged(ada: Login, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ada.inject({"fault": "status", "status": 503, "times": 1}, {"fault": "delay", "seconds": 2})

    ada.send()
    ada.send()

    injected = [line.partition("injected: ")[2] for line in caplog.messages if "injected" in line]
    assert injected == ["status (by fault)", "delay of 2 s (by fault)"]


def test_an_entry_with_too_many_fields_to_remember_is_found_by_each(ada: Login) -> None:
    ada.send(**{f"unknown{number}": 1 for number in range(100)})

    assert len(ada.rows(field="unknown99")) == 1
    assert ada.rows(field="unknown100") == []


def test_an_entry_with_too_many_fields_to_remember_is_found_by_what_was_refused(
    ada: Login,
) -> None:
    ada.send(text=None, **{f"unknown{number}": 1 for number in range(100)})

    assert len(ada.rows(field="text")) == 1


def test_a_valid_request_is_found_by_a_number_that_has_an_escape(ada: Login) -> None:
    body = json.dumps(BODY).replace("+", "\\u002b")

    headers = {"api-login": "ada", "api-key": "a-key", "Content-Type": "application/json"}
    ada.client.post(SEND, data=body, headers=headers)

    (row,) = ada.rows(number=NUMBER)
    assert row["notes"] == 0
