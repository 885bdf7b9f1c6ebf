"""Calls at the live pace: they ring and talk by the account's clock, and can be played by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from flask.testing import FlaskClient
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from common import BODY, NOON, SEND, SIGNED_IN, Clock, Send, account, phone
from mock_server.contract.loader import Contract, load
from mock_server.core import call_records
from mock_server.core.call_records import PLAYED
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.served import stop_sending

NUMBER, OTHER = "+33612345678", "+33698765432"
MAGIC_OPT_OUT = "+33639981009"
LOGIN = SIGNED_IN["api-login"]
TERMS = load().calls
RINGS, NO_ANSWER = TERMS.ring_seconds, TERMS.no_answer_seconds
SPEECH = 40
# The tariff reads 15 characters a second.
TEXT = "x" * 15 * SPEECH


@pytest.fixture(autouse=True)
def _live(client: FlaskClient) -> None:
    account(client, pace="live")


def to(*numbers: str, **others: object) -> dict[str, Any]:
    """A campaign to these numbers that talks for `SPEECH` seconds."""
    recipients = [{"phone_number": number} for number in numbers]
    return BODY | {"text": TEXT, "recipients": recipients} | others


def calls(client: FlaskClient) -> list[Any]:
    return list(client.get("/_twin/calls?limit=1000").json["calls"])


def outcomes(client: FlaskClient) -> list[str]:
    return [call["outcome"] for call in calls(client)]


def play(client: FlaskClient, action: str, call: str = "1-0", **pressed: object) -> Any:
    return client.post(f"/_twin/calls/{call}/{action}", json=pressed or None)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


# ── by themselves ────────────────────────────────────────────────────


class Course(NamedTuple):
    """How a phone behaves, and in which second its call enters which state."""

    phone: dict[str, Any]
    states: dict[float, str]


COURSES = {
    "answers": Course({}, {0: "ringing", RINGS: "answered", RINGS + SPEECH: "completed"}),
    "hangs up": Course(
        {"listening_seconds": 2.5},
        {0: "ringing", RINGS: "answered", RINGS + 2.5: "completed"},
    ),
    "rings longer": Course(
        {"ring_seconds": 20}, {0: "ringing", 20: "answered", 20 + SPEECH: "completed"}
    ),
    "refuses": Course({"outcome": "refused"}, {0: "ringing", RINGS: "refused"}),
    "does not answer": Course({"outcome": "no_answer"}, {0: "ringing", NO_ANSWER: "no_answer"}),
    "is busy": Course({"outcome": "busy"}, {0: "busy"}),
    "cannot be reached": Course({"outcome": "unreachable"}, {0: "unreachable"}),
}


@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_a_call_takes_its_time(
    send: Send, client: FlaskClient, clock: Clock, course: Course
) -> None:
    phone(client, NUMBER, **course.phone)
    send(to(NUMBER))

    before = "scheduled"
    for seconds, state in course.states.items():
        if seconds:
            clock.now = at(seconds - 0.001)
            assert outcomes(client) == [before]
        clock.now = at(seconds)
        assert outcomes(client) == [state]
        before = state


def test_calls_begin_one_after_the_other(send: Send, client: FlaskClient, clock: Clock) -> None:
    send(to(*(f"+336{number:08}" for number in range(500))))
    moment = 1.25
    clock.now = at(moment)

    counts = client.get("/_twin/calls").json["counts"]

    begun = int(moment * TERMS.calls_a_second) + 1
    assert counts == {"ringing": begun, "queued": 500 - begun}


def test_nothing_is_shown_that_is_yet_to_come(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    phone(client, NUMBER, keys="12#", keys_after=3)
    send(to(NUMBER))
    clock.now = at(RINGS + 2)

    (call,) = calls(client)

    assert (call["answered_at"], call["ended_at"]) == (at(RINGS).isoformat(), None)
    assert (call["keys"], call["seconds_heard"], call["cost"]) == ("", 0, "0.00")
    clock.now = at(RINGS + 3)
    assert calls(client)[0]["keys"] == "12#"


def test_a_clock_that_stands_still_lets_a_call_ring(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    send(to(NUMBER))
    client.put(f"/_twin/accounts/{LOGIN}/clock", json={"frozen": True})
    clock.now = at(3600)
    assert outcomes(client) == ["ringing"]

    client.put(f"/_twin/accounts/{LOGIN}/clock", json={"advance": RINGS})

    assert outcomes(client) == ["answered"]


def test_a_pace_that_is_set_changes_no_call_that_has_begun(send: Send, client: FlaskClient) -> None:
    send(to(NUMBER))

    assert account(client, pace="instant")["pace"] == "instant"

    assert outcomes(client) == ["ringing"]
    send(to(OTHER))
    assert outcomes(client) == ["ringing", "completed"]


def test_a_phone_that_is_set_changes_no_call_that_has_begun(
    send: Send, client: FlaskClient
) -> None:
    send(to(NUMBER))

    phone(client, NUMBER, outcome="busy")

    assert outcomes(client) == ["ringing"]


def test_of_campaigns_that_are_not_remembered_nothing_is_late(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    numbers = [f"+336{number:08}" for number in range(3)]
    phone(client, "*", opts_out=True)
    for number in numbers:
        send(to(number))
    with patch.object(call_records, "_MOST_LIVE", 1):
        calls(client)
        clock.now = at(RINGS + SPEECH)
        calls(client)

    assert account(client)["opt_outs"] == numbers


@pytest.mark.parametrize("number", [NUMBER, MAGIC_OPT_OUT])
def test_who_opts_out_is_called_until_the_call_is_over(
    send: Send, client: FlaskClient, clock: Clock, number: str
) -> None:
    if number == NUMBER:
        phone(client, NUMBER, opts_out=True)
    again = to(number, OTHER, auto_delete_optout_contacts=True)
    send(to(number))
    clock.now = at(RINGS + SPEECH - 1)
    assert send(again).json["number_of_contacts"] == 2

    clock.now = at(RINGS + SPEECH)

    assert send(again).json["number_of_contacts"] == 1


def test_who_opts_out_before_a_campaign_is_due_is_not_called(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    account(client, pace="instant")
    later = to(NUMBER, send_at=at(3600).isoformat())
    price = send(later | {"auto_delete_optout_contacts": True}).json["total_cost"]
    send(later)
    account(client, opt_outs=[NUMBER])
    clock.now = at(3600)

    left_out, called = calls(client)

    assert (left_out["outcome"], left_out["cost"]) == ("opted_out", "0.00")
    assert (called["outcome"], called["cost"]) == ("completed", f"{price:.2f}")


def test_who_is_listed_after_a_campaign_was_called_all_the_same(
    send: Send, client: FlaskClient, twin: Twin
) -> None:
    account(client, pace="instant")
    send(to(NUMBER, auto_delete_optout_contacts=True))

    # As another process would do it, before anybody has looked at the calls.
    known = twin.store.known(LOGIN)
    assert known is not None
    twin.store.change(known, lambda now, _: replace(now, opt_outs=frozenset({NUMBER})))

    assert outcomes(client) == ["completed"]


def test_who_is_taken_off_the_opt_outs_is_not_put_back_by_the_same_call(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    phone(client, NUMBER, opts_out=True)
    phone(client, OTHER, opts_out=True, listening_seconds=5)
    send(to(NUMBER, OTHER))
    clock.now = at(RINGS + 10)
    calls(client)
    assert account(client, opt_outs=[])["opt_outs"] == []

    clock.now = at(RINGS + SPEECH)
    calls(client)

    assert account(client)["opt_outs"] == [NUMBER]


# ── by hand ──────────────────────────────────────────────────────────


def test_a_call_is_played_by_hand(send: Send, client: FlaskClient, clock: Clock) -> None:
    phone(client, NUMBER, outcome="no_answer", keys="0")
    send(to(NUMBER))
    clock.now = at(20)
    assert play(client, "answer").json["outcome"] == "answered"
    clock.now = at(22)
    assert play(client, "press", keys="1").json["keys"] == "1"
    clock.now = at(23)
    assert play(client, "press", keys="2#").json["keys"] == "12#"
    clock.now = at(51.5)

    over = play(client, "hang-up").json

    assert over == calls(client)[0]
    assert over["outcome"] == "completed"
    assert (over["answered_at"], over["ended_at"]) == (at(20).isoformat(), at(51.5).isoformat())
    assert (over["seconds_heard"], over["seconds_charged"], over["cost"]) == (32, 60, "0.10")
    assert over["keys"] == "12#"


def test_a_call_is_rejected_by_hand(send: Send, client: FlaskClient, clock: Clock) -> None:
    send(to(NUMBER))
    clock.now = at(1)

    assert play(client, "reject").json["outcome"] == "refused"

    clock.now = at(RINGS)
    assert [(call["outcome"], call["ended_at"]) for call in calls(client)] == [
        ("refused", at(1).isoformat())
    ]


def test_keys_pressed_by_hand_stand_among_those_of_the_phone(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    phone(client, NUMBER, keys="5", keys_after=4)
    send(to(NUMBER))
    for seconds, key in ((2, "1"), (6, "9")):
        clock.now = at(RINGS + seconds)
        play(client, "press", keys=key)

    assert calls(client)[0]["keys"] == "159"


def test_keys_of_one_moment_stand_in_the_order_in_which_they_were_pressed(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    send(to(NUMBER))
    clock.now = at(RINGS)
    for key in "31#2":
        play(client, "press", keys=key)

    assert calls(client)[0]["keys"] == "31#2"


def test_who_hangs_up_presses_nothing_later(send: Send, client: FlaskClient, clock: Clock) -> None:
    phone(client, NUMBER, keys="5", keys_after=4)
    send(to(NUMBER))
    clock.now = at(RINGS + 3.5)
    play(client, "hang-up")
    clock.now = at(RINGS + 5)

    assert calls(client)[0]["keys"] == ""


@pytest.mark.parametrize("hangs_up", [True, False])
def test_who_opts_out_by_hand_is_left_out_of_the_next_campaign(
    send: Send, client: FlaskClient, clock: Clock, *, hangs_up: bool
) -> None:
    send(to(NUMBER))
    clock.now = at(RINGS)
    play(client, "press", keys="9", opts_out=True)
    if hangs_up:
        play(client, "hang-up")
    else:
        clock.now = at(RINGS + SPEECH)

    again = send(to(NUMBER, OTHER, auto_delete_optout_contacts=True))

    assert again.json["number_of_contacts"] == 1
    assert account(client)["opt_outs"] == [NUMBER]


WRONG = {
    "answer, when nothing rings": ({}, "1-0", "answer", RINGS, 409),
    "reject, when nothing rings": ({}, "1-0", "reject", RINGS, 409),
    "press, while it rings": ({}, "1-0", "press", 0, 409),
    "hang up, while it rings": ({}, "1-0", "hang-up", 0, 409),
    "answer, when it is over": ({}, "1-0", "answer", 100, 409),
    "answer, while it is busy": ({"outcome": "busy"}, "1-0", "answer", 0, 409),
    "another contact": ({}, "1-1", "answer", 0, 404),
    "another campaign": ({}, "2-0", "answer", 0, 404),
    "no id": ({}, "1", "answer", 0, 400),
    "no action": ({}, "1-0", "whisper", 0, 400),
}


@pytest.mark.parametrize(
    ("behaviour", "call", "action", "seconds", "status"), WRONG.values(), ids=WRONG
)
def test_what_cannot_be_done_changes_nothing(  # noqa: PLR0913, PLR0917  (what a row has)
    send: Send,
    client: FlaskClient,
    clock: Clock,
    behaviour: dict[str, Any],
    call: str,
    action: str,
    seconds: float,
    status: int,
) -> None:
    phone(client, NUMBER, **behaviour)
    send(to(NUMBER))
    clock.now = at(seconds)
    before = calls(client)

    response = play(client, action, call, **({"keys": "1"} if action == "press" else {}))

    assert response.status_code == status
    assert response.json.keys() == {"where", "got", "expected"}
    assert calls(client) == before


def test_of_two_who_answer_at_once_one_does(send: Send, client: FlaskClient, twin: Twin) -> None:
    send(to(NUMBER))
    client.get("/_twin/calls")
    settle, others = twin.store.settle, iter([True])

    def slow(*campaigns: Any) -> bool:
        if next(others, False):
            assert play(client, "reject").status_code == 200
        return settle(*campaigns)

    with patch.object(twin.store, "settle", slow):
        response = play(client, "answer")

    assert (response.status_code, response.json["got"]) == (409, "refused")


# ── receipts ─────────────────────────────────────────────────────────


def receipts(client: FlaskClient) -> list[tuple[str, str]]:
    found = client.get("/_twin/receipts").json["receipts"]
    return [(one["number"], one["state"]) for one in found]


def test_receipts_are_there_as_calls_end(send: Send, client: FlaskClient, clock: Clock) -> None:
    phone(client, OTHER, outcome="busy")
    send(to(NUMBER, OTHER, get_back_pressed_keys=True))
    assert receipts(client) == []
    clock.now = at(0.1)
    assert receipts(client) == [(OTHER, "unsent")]

    clock.now = at(RINGS)
    play(client, "press", keys="12#")
    play(client, "hang-up")

    assert receipts(client) == [(OTHER, "unsent"), (NUMBER, "unsent")]
    body = json.loads(client.get("/_twin/receipts").json["receipts"][1]["body"])
    assert body["meta_data"]["pressed_keys_code"] == "12#"


@pytest.fixture
def sent() -> Iterator[list[str]]:
    """The numbers in what a sender has handed to a receiver, without a connection."""
    got = list[str]()

    def post(_: str, body: bytes) -> tuple[int, str]:
        got.append(json.loads(body)["number"])
        return 200, ""

    with patch("mock_server.http.receipt_sender.Receiver") as receiver:
        receiver.return_value.__enter__.return_value.post = post
        yield got


@pytest.fixture
def sending(contract: Contract, clock: Clock, sent: list[str]) -> Iterator[FlaskClient]:  # noqa: ARG001  (it is patched)
    app = create_app(Twin(contract, clock=clock))
    client = app.test_client()
    account(client, pace="live", callback_url="http://localhost/receipts")
    yield client
    stop_sending(app)


def wait_for(client: FlaskClient, number: int) -> None:
    client.get(f"/_twin/receipts?state=delivered&skip={number - 1}&wait=10")


@pytest.mark.unmeasured
def test_receipts_leave_as_calls_end(sending: FlaskClient, clock: Clock, sent: list[str]) -> None:
    phone(sending, OTHER, outcome="busy")
    sending.post(SEND, json=to(NUMBER, OTHER), headers=SIGNED_IN)
    clock.now = at(0.1)
    wait_for(sending, 1)
    assert sent == [OTHER]

    clock.now = at(RINGS + SPEECH)
    wait_for(sending, 2)

    assert sent == [OTHER, NUMBER]
    assert sending.get("/_twin/receipts").json["matching"] == 2


def test_a_receipt_out_of_order_waits_for_the_next_call_to_end(
    sending: FlaskClient, clock: Clock, sent: list[str]
) -> None:
    phone(sending, NUMBER, outcome="busy")
    rule_ = {"fault": "receipt_out_of_order", "match": {"number": NUMBER}}
    sending.post(f"/_twin/accounts/{LOGIN}/faults", json=rule_)
    sending.post(SEND, json=to(NUMBER, OTHER), headers=SIGNED_IN)
    sending.get("/_twin/receipts?wait=10")
    clock.now = at(RINGS + SPEECH + 1)
    wait_for(sending, 2)

    assert sent == [OTHER, NUMBER]


@pytest.mark.unmeasured
def test_every_receipt_of_many_leaves_once(
    sending: FlaskClient, clock: Clock, sent: list[str]
) -> None:
    numbers = [f"+336{number:08}" for number in range(120)]
    sending.post(SEND, json=to(*numbers), headers=SIGNED_IN)
    for seconds in (0, RINGS + SPEECH, RINGS + SPEECH + 6, RINGS + SPEECH + 12):
        clock.now = at(seconds)
        over = sending.get("/_twin/calls").json["counts"].get("completed", 0)
        wait_for(sending, over)

    assert sent == numbers


def test_receipts_stand_in_the_order_in_which_calls_ended(
    send: Send, client: FlaskClient, clock: Clock
) -> None:
    phone(client, OTHER, outcome="busy")
    send(to(NUMBER, OTHER))
    clock.now = at(3600)

    assert receipts(client) == [(OTHER, "unsent"), (NUMBER, "unsent")]


# ── a law ────────────────────────────────────────────────────────────

ACTIONS = st.sampled_from(sorted(PLAYED))
CONTRACT = replace(load(), calls=replace(TERMS, calls_a_second=1))


class Playing(RuleBasedStateMachine):
    """Whatever is done by hand, whenever: calls end once, in their order, with one receipt each."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.client = create_app(Twin(CONTRACT, clock=self.clock)).test_client()
        self.over = dict[str, Any]()
        self.receipts = list[str]()
        account(self.client, pace="live")
        phone(self.client, OTHER, outcome="no_answer")
        self.client.post(SEND, json=to(NUMBER, OTHER, NUMBER), headers=SIGNED_IN)

    @rule(seconds=st.sampled_from([0.5, 1, 4, 5, 30]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += timedelta(seconds=seconds)

    @rule(action=ACTIONS, index=st.integers(0, 2))
    def somebody_plays(self, action: str, index: int) -> None:
        before = calls(self.client)[index]
        pressed = {"keys": "1"} if action == "press" else {}
        response = play(self.client, action, f"1-{index}", **pressed)

        assert response.status_code == (200 if before["outcome"] == PLAYED[action] else 409)

    @invariant()
    def what_is_over_stays_and_has_one_receipt(self) -> None:
        over = {call["id"]: call for call in calls(self.client) if call["ended_at"] is not None}
        assert self.over.items() <= over.items()
        found = self.client.get("/_twin/receipts").json["receipts"]
        assert [one["id"] for one in found][: len(self.over)] == self.receipts
        self.over, self.receipts = over, [one["id"] for one in found]
        assert sorted(self.receipts) == sorted(over)


Playing.TestCase.settings = settings(max_examples=20, stateful_step_count=20)
TestPlaying = Playing.TestCase
