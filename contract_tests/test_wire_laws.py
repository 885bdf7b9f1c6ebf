"""What holds for every request as it travels: bytes in, bytes out, and what stays behind.

Here to find what the pure reading cannot show: an answer that is not what was decided, a simulation
that leaves a trace, money lost to rounding, a secret or a remark that leaks into an answer.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bodies
import spec
from mock_server import casts
from mock_server.core import campaign_policy
from mock_server.core.campaign_policy import CampaignPolicy
from mock_server.reading.coercion import read, read_first_level
from telling import told
from voice_client import Runtime, VoiceClient
from wire import CONTRACT, SIGNED_IN, Answer, Wire, account, hello

pytestmark = pytest.mark.long

Body = dict[str, Any]

SENT: Final = bodies.shared((bodies.sloppy_bodies, 10), (bodies.any_bodies, 2))
VALID: Final = bodies.shared((bodies.valid_bodies, 2))
SIMULATED: Final = SENT.map(lambda body: {**body, "simulation_mode": True})
UNKNOWN: Final = bodies.shared((bodies.unknown_parameters, 2))
LOGIN: Final = SIGNED_IN["api-login"]
SCHEMAS: Final = spec.DOCUMENT["components"]["schemas"]
TABLE: Final = casts.table("FR")
RICH: Final = Decimal(10**6)


def rich(**settings: Any) -> Wire:
    """A twin whose account never runs out of credit."""
    return Wire(account(LOGIN, credit=RICH), **settings)


def balance(wire: Wire) -> dict[str, Any]:
    """What the account has, has spent and has sent."""
    shown = wire.control("GET", f"/accounts/{LOGIN}").value
    return {name: shown[name] for name in ("credit", "spent", "campaigns")}


# ── the verdict that travels is the verdict of the reading ──────────────────────────────────────


@given(body=SENT)
def test_the_answer_is_the_verdict_of_the_reading(body: Body) -> None:
    reading = read(CONTRACT, body, TABLE)
    violations = {
        violation.field: violation.error.code for violation in reversed(reading.violations)
    }
    if reading.value.get("simulation_mode") is True:
        first_level = read_first_level(CONTRACT, body, TABLE)
        violations = {
            violation.field: violation.error.code for violation in reversed(first_level.violations)
        }

    answer = rich().send(body)

    expected = (400, violations) if violations else (201, {})
    assert answer.verdict == expected, told(
        body, documented=expected, got=answer.verdict, evidence="the reading of the same body"
    )


@given(body=SENT)
def test_the_headers_count_the_notes_of_the_entry(body: Body) -> None:
    wire = rich()

    answer = wire.send(body)

    kinds = [note["kind"] for note in wire.entry(answer)["notes"]]
    advice = kinds.count("advice")
    assert (answer.headers["Twin-Notes"], answer.headers["Twin-Advice"]) == (
        str(len(kinds) - advice),
        str(advice),
    )


@given(body=SENT)
def test_a_strict_twin_accepts_just_what_is_valid_as_sent(body: Body) -> None:
    answer = rich(strict=True).send(body)

    assert (answer.status == 201) == spec.accepts(spec.BODY, body), told(
        body, documented=spec.accepts(spec.BODY, body), got=answer.verdict, evidence="the schema"
    )


@given(body=SENT, unknown=UNKNOWN)
def test_unknown_parameters_never_change_the_answer(body: Body, unknown: Body) -> None:
    assert rich().send({**unknown, **body}).body == rich().send(body).body


@given(body=VALID)
def test_what_is_valid_as_sent_is_kept_as_sent(body: Body) -> None:
    wire = rich()

    answer = wire.send(body)

    assert wire.entry(answer)["body"] == body
    assert answer.headers["Twin-Notes"] == "0"


@given(body=SENT)
def test_an_answer_has_the_members_of_the_contract_and_no_other(body: Body) -> None:
    value = rich().send(body).value

    schema = "CampaignAccepted" if "ticket_number" in value else "PayloadError"
    assert list(value) == list(SCHEMAS[schema]["properties"])


# ── a simulation leaves no trace ──────────────────────────────────────────────────────


@given(body=SIMULATED)
def test_a_simulation_changes_nothing(body: Body) -> None:
    wire = rich()
    wire.send(hello(request_id="before"))
    before = balance(wire)

    wire.send(body)

    assert balance(wire) == before


@given(body=SIMULATED)
def test_after_a_simulation_a_real_send_is_answered_as_if_there_had_been_none(body: Body) -> None:
    real = {**body, "simulation_mode": False}
    simulated_first, untouched = rich(), rich()
    simulated_first.send(body)

    assert simulated_first.send(real).body == untouched.send(real).body


@given(body=VALID)
def test_a_simulation_tells_the_cost_of_the_real_send(body: Body) -> None:
    simulated = rich().send({**body, "simulation_mode": True}).value
    real = rich().send({**body, "simulation_mode": False}).value

    for name in ("number_of_contacts", "total_cost", "estimated_duration"):
        assert simulated[name] == real[name]


@pytest.mark.parametrize("credit", ["0.00", "0.04"])
def test_a_simulation_needs_no_credit(credit: str) -> None:
    wire = Wire(account(LOGIN, credit=Decimal(credit)))

    assert wire.send(hello(simulation_mode=True)).status == 201


def test_a_simulation_does_not_use_up_its_request_id() -> None:
    wire = rich()
    wire.send(hello(simulation_mode=True, request_id="one"))

    assert wire.send(hello(request_id="one")).status == 201


# ── money ────────────────────────────────────────────────────────────


@given(script=st.lists(SENT, min_size=2, max_size=6))
def test_the_costs_that_were_told_are_the_credit_that_is_gone(script: list[Body]) -> None:
    wire = Wire(account(LOGIN, credit=Decimal("1.00")))
    answers = [wire.send(body) for body in script]

    told_costs = sum(
        Decimal(str(answer.value["total_cost"]))
        for body, answer in zip(script, answers, strict=True)
        if answer.status == 201 and not _simulated(answer)
    )
    assert Decimal(balance(wire)["credit"]) == Decimal("1.00") - told_costs


def _simulated(answer: Answer) -> bool:
    return set(answer.value["ticket_number"].removeprefix("voice_")) == {"0"}


@given(
    contacts=st.lists(st.integers(1, 3), min_size=1, max_size=5),
    price=st.decimals("0.0001", "9", places=4),
)
def test_no_price_loses_a_cent_to_rounding(contacts: list[int], price: Decimal) -> None:
    wire = Wire(account(LOGIN, credit=RICH))
    wire.control("PUT", f"/accounts/{LOGIN}", {"tariff": {"price": str(price)}})

    answers = [wire.send(hello(number)).value for number in contacts]

    assert Decimal(balance(wire)["credit"]) == RICH - price * sum(contacts)
    assert Decimal(str(answers[-1]["residual_credit"])) == RICH - price * sum(contacts)


@given(contacts=st.integers(1, 60), frame=st.integers(1, 20))
def test_frames_cost_and_call_what_the_whole_would(contacts: int, frame: int) -> None:
    whole = hello(contacts)
    numbers = whole["recipients"]
    frames = [numbers[start : start + frame] for start in range(0, contacts, frame)]
    at_once, in_frames = rich(), rich()

    at_once.send(whole)
    answers = [in_frames.send({**whole, "recipients": part}).value for part in frames]

    assert balance(in_frames)["credit"] == balance(at_once)["credit"]
    assert sum(answer["number_of_contacts"] for answer in answers) == contacts
    assert len({answer["ticket_number"] for answer in answers}) == len(frames)


@pytest.mark.parametrize(("credit", "status"), [("0.04", 400), ("0.05", 201), ("0.06", 201)])
def test_a_campaign_may_cost_all_that_is_left_and_no_cent_more(credit: str, status: int) -> None:
    wire = Wire(account(LOGIN, credit=Decimal(credit)))

    assert wire.send(hello()).status == status


@given(body=VALID)
def test_what_cannot_be_paid_changes_nothing(body: Body) -> None:
    wire = Wire(account(LOGIN, credit=Decimal("0.01")))
    real = {**body, "simulation_mode": False}

    answer = wire.send(real)

    assert (answer.status, answer.value["code"]) == (400, 104)
    assert balance(wire) == {"credit": "0.01", "spent": "0.00", "campaigns": 0}


def test_two_requests_of_one_account_are_decided_one_after_the_other() -> None:
    """The first waits at the counter for the second, which must not come in meanwhile."""
    both = threading.Barrier(2)

    def ticket(login: str, number: int, prefix: str) -> str:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(timeout=0.3)
        return campaign_policy.ticket(login, number, prefix)

    wire = Wire(
        account(LOGIN, credit=Decimal("0.05")), policy=CampaignPolicy(CONTRACT, tickets=ticket)
    )
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(wire.send, [hello(), hello()]))

    assert sorted(answer.status for answer in answers) == [201, 400]
    assert balance(wire) == {"credit": "0.00", "spent": "0.05", "campaigns": 1}


# ── time ────────────────────────────────────────────────────────────

_DAY: Final = timedelta(hours=24)
_MICROSECOND: Final = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("later", "status"),
    [(timedelta(), 400), (_DAY - _MICROSECOND, 400), (_DAY, 201), (_DAY + _MICROSECOND, 201)],
    ids=str,
)
def test_a_request_id_is_remembered_for_24_hours(later: timedelta, status: int) -> None:
    wire = rich()
    wire.send(hello(request_id="one"))
    wire.pass_time(later)

    assert wire.send(hello(request_id="one")).status == status


def test_a_refused_request_does_not_use_up_its_request_id() -> None:
    wire = rich()
    wire.send({"request_id": "one"})

    assert wire.send(hello(request_id="one")).status == 201


def test_a_request_id_belongs_to_one_account() -> None:
    wire = rich()
    wire.send(hello(request_id="one"))

    other = {**SIGNED_IN, "api-login": "bob@example.com"}
    assert wire.send(hello(request_id="one"), headers=other).status == 201


@pytest.mark.parametrize(
    ("send_at", "state"),
    [
        ("2026-11-23T12:00:01Z", "scheduled"),
        ("2026-11-23T13:00:01+01:00", "scheduled"),
        ("2026-11-23T13:00:01", "scheduled"),
        ("2026-11-23T12:00:00Z", "sent"),
        ("2026-11-23T13:00:00", "sent"),
        ("2018-10-03T07:42:39-07:00", "sent"),
    ],
)
def test_a_campaign_is_scheduled_if_its_time_is_still_to_come(send_at: str, state: str) -> None:
    wire = rich()

    assert wire.entry(wire.send(hello(send_at=send_at)))["state"] == state


@pytest.mark.parametrize(
    ("send_at", "past"), [("2026-11-23T12:00:00Z", True), ("2026-11-23T12:00:00.001Z", False)]
)
def test_a_time_that_is_now_is_past_and_so_is_said_to_be(send_at: str, *, past: bool) -> None:
    wire = rich()

    entry = wire.entry(wire.send(hello(send_at=send_at)))

    assert [note["rule"] for note in entry["notes"]] == ["past"] * past
    assert (entry["campaign"]["send_at"] is None) == past


def test_a_scheduled_campaign_is_sent_when_its_time_has_come() -> None:
    wire = rich()
    answer = wire.send(hello(send_at="2026-11-23T12:00:10Z"))
    wire.pass_time(timedelta(seconds=10))

    assert wire.entry(answer)["state"] == "sent"


def test_the_clock_that_was_set_for_an_account_is_the_one_it_lives_by() -> None:
    wire = rich()
    wire.send(hello(request_id="one"))
    wire.control("PUT", f"/accounts/{LOGIN}/clock", {"advance": _DAY.total_seconds()})

    assert wire.send(hello(request_id="one")).status == 201


# ── same input, same bytes ────────────────────────────────────────────────────────────


@given(script=st.lists(SENT, min_size=1, max_size=4))
def test_the_same_requests_have_the_same_answers_to_the_byte(script: list[Body]) -> None:
    one, other = Wire(), Wire()

    for body in script:
        first, second = one.send(body), other.send(body)
        assert (first.status, first.headers, first.body) == (
            second.status,
            second.headers,
            second.body,
        )


# ── secrets ────────────────────────────────────────────────────────────


@given(body=SENT)
def test_the_key_shows_in_no_answer_and_in_no_entry(body: Body) -> None:
    key = "a-key-that-nobody-may-see"
    wire = rich()
    sent = {"api-login": "eve@example.com", "api-key": key}

    answer = wire.send(body, headers=sent)

    shown = (str(answer), json.dumps(wire.entry(answer)), str(wire.control("GET", "/accounts")))
    assert not any(key in text for text in shown)


def test_the_key_shows_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = "a-key-that-nobody-may-see"

    Wire().send(hello(mode="simu"), headers={"api-login": "eve@example.com", "api-key": key})

    assert caplog.text
    assert key not in caplog.text


# ── from the client over the wire to the inbox ──────────────────────────────────────────────

_ZONES: Final = st.integers(-18 * 60, 18 * 60).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
_MOMENTS: Final = st.datetimes(
    datetime(1990, 1, 1),
    datetime(2100, 1, 1),
    timezones=_ZONES,
)
_OPTIONS: Final = st.fixed_dictionaries(
    {},
    optional={
        "sender": st.from_regex("[a-zA-Z0-9]{3,20}", fullmatch=True),
        "send_at": _MOMENTS,
        **{
            name: st.sampled_from(spec.FIELDS[name]["enum"])
            for name in ("purpose", "voice_gender", "voice_language")
        },
        **{
            name: st.booleans()
            for name in ("simulation_mode", "get_back_pressed_keys", "auto_optimize_text")
        },
        "list_name": st.text(max_size=20),
        "request_id": st.text(min_size=1, max_size=20).filter(str.strip),
    },
)


@given(text=st.text(min_size=1, max_size=50), options=_OPTIONS)
def test_the_twin_reads_what_the_client_was_told_to_send(text: str, options: Body) -> None:
    wire = rich()
    transport = httpx.WSGITransport(app=wire.app)
    login, key = SIGNED_IN.values()
    settings: Body = {"base_url": "http://127.0.0.1", "transport": transport}
    long_ago = Runtime(now=lambda: datetime(1980, 1, 1, tzinfo=UTC))
    with VoiceClient(login, key, **settings, runtime=long_ago) as client:
        client.send(text, ["+33612345678"], **options)

    entry = wire.control("GET", "/requests/1").value
    read_as = entry["body"]
    if (moment := options.get("send_at")) is not None:
        assert datetime.fromisoformat(read_as["send_at"]).astimezone(UTC) == (
            moment.astimezone(UTC)
        )
    expected = {"text": text, **options, "send_at": read_as.get("send_at")}
    assert {name: read_as.get(name) for name in expected} == expected
    assert [note for note in entry["notes"] if note["kind"] != "advice"] == []
