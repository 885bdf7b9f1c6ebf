"""Cost, duration, tickets, credit, simulation and the repeated request_id."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from hypothesis import assume, example, given
from hypothesis import strategies as st

from common import BODY, Clock, Send
from mock_server.contract.loader import Contract
from mock_server.contract.model import Tariff
from mock_server.core.accounts import opened
from mock_server.core.campaign_policy import CampaignPolicy, instant, ticket
from mock_server.core.handler import Twin
from mock_server.core.responses import as_double
from mock_server.store.entries import Accepted, Request
from mock_server.store.protocol import State

TARIFF = Tariff(Decimal("0.05"), 30, 15)


@pytest.mark.parametrize(
    ("characters", "seconds"), [(1, 30), (450, 30), (451, 60), (900, 60), (901, 90), (1224, 90)]
)
def test_a_call_is_billed_by_started_half_minutes(characters: int, seconds: int) -> None:
    assert TARIFF.duration("a" * characters) == seconds


def test_every_contact_pays_for_every_step(send: Send) -> None:
    body = BODY | {"text": "a" * 451, "recipients": ["+33612345678", "+33698765432"]}

    answer = send(body).json

    assert (answer["total_cost"], answer["residual_credit"]) == (0.2, 149.8)


@given(st.text(max_size=30), st.lists(st.integers(0, 2**40), unique=True, max_size=50))
def test_no_account_gets_a_ticket_twice(login: str, numbers: list[int]) -> None:
    assert len({ticket(login, number, "voice_") for number in numbers}) == len(numbers)


def test_a_campaign_for_the_last_cent_is_sent(contract: Contract, clock: Clock) -> None:
    policy = CampaignPolicy(contract)

    outcome = policy.send(
        opened(contract, "ada"), policy.order(BODY), State(Decimal("0.05")), clock()
    )

    assert outcome.residual == Decimal("0.00")


def test_a_campaign_for_a_cent_more_is_not(send: Send) -> None:
    numbers = [f"+336{n:08}" for n in range(1000)]
    for _ in range(3):
        assert send(BODY | {"recipients": numbers}).status_code == 201

    response = send(BODY)

    assert (response.status_code, response.json) == (
        400,
        {"code": 104, "message": "Not enough credit."},
    )


def test_a_refusal_costs_nothing(send: Send) -> None:
    send({"text": "", "recipients": []})

    assert send(BODY).json["residual_credit"] == 149.95


def test_a_request_id_is_refused_when_it_comes_again(send: Send) -> None:
    send(BODY | {"request_id": "one"})

    response = send(BODY | {"request_id": "one"})

    assert response.json["errors"] == {
        "request_id": {"code": 120, "message": "Request already sent."}
    }


def test_a_repeat_costs_nothing(send: Send) -> None:
    for _ in range(3):
        send(BODY | {"request_id": "one"})

    assert send(BODY).json["residual_credit"] == 149.9


@pytest.mark.parametrize(("hours", "status"), [(23.999, 400), (24, 201), (25, 201)])
def test_a_request_id_is_forgotten_after_a_day(
    send: Send, clock: Clock, hours: float, status: int
) -> None:
    send(BODY | {"request_id": "one"})
    clock.now += timedelta(hours=hours)

    assert send(BODY | {"request_id": "one"}).status_code == status


def test_forgetting_one_request_id_leaves_the_others(send: Send, clock: Clock) -> None:
    send(BODY | {"request_id": "old"})
    clock.now += timedelta(hours=12)
    send(BODY | {"request_id": "young"})
    clock.now += timedelta(hours=13)

    assert [send(BODY | {"request_id": id_}).status_code for id_ in ("old", "young")] == [201, 400]


def test_another_account_may_use_the_same_request_id(send: Send) -> None:
    for login in ("ada", "grace"):
        headers = {"api-login": login, "api-key": "k"}
        assert send(BODY | {"request_id": "one"}, headers=headers).status_code == 201


def test_a_refused_request_does_not_use_up_its_id(send: Send) -> None:
    send(BODY | {"request_id": "one", "voice_language": "xx"})

    assert send(BODY | {"request_id": "one"}).status_code == 201


SIMULATED = BODY | {"simulation_mode": True}


def test_a_simulation_charges_nothing(send: Send) -> None:
    send(SIMULATED)

    assert send(BODY).json["residual_credit"] == 149.95


def test_a_simulation_uses_up_no_ticket(send: Send, client: FlaskClient) -> None:
    first = send(BODY).json["ticket_number"]
    client.post("/_twin/reset")
    send(SIMULATED)

    assert send(BODY).json["ticket_number"] == first


def test_a_simulation_remembers_no_request_id(send: Send) -> None:
    send(SIMULATED | {"request_id": "one"})

    assert send(BODY | {"request_id": "one"}).status_code == 201


def test_a_simulation_answers_in_the_shape_of_a_send(send: Send) -> None:
    assert send(SIMULATED).json == {
        "ticket_number": "voice_0000000000000",
        "number_of_contacts": 1,
        "total_cost": 0.05,
        "estimated_duration": 30,
        "residual_credit": 150.0,
    }


def advice(client: FlaskClient, response: object) -> list[tuple[str, str]]:
    notes = client.get(response.headers["Twin-Request"]).json["notes"]
    return [(note["path"], note["rule"]) for note in notes if note["kind"] == "advice"]


def test_a_number_that_a_send_would_refuse_passes_in_simulation(send: Send) -> None:
    response = send(SIMULATED | {"recipients": [{"phone_number": "nobody"}]})

    assert (response.status_code, response.json["number_of_contacts"]) == (201, 1)


def test_that_only_the_simulation_passes_is_noted(send: Send, client: FlaskClient) -> None:
    response = send(SIMULATED | {"recipients": [{"phone_number": "nobody"}]})

    assert advice(client, response) == [("/recipients", "simulation_passes")]


def test_contacts_that_only_the_simulation_counts_are_noted(
    send: Send, client: FlaskClient
) -> None:
    response = send(SIMULATED | {"recipients": ["nobody", "+33612345678"]})

    assert response.json["number_of_contacts"] == 2
    assert advice(client, response) == [("/recipients", "simulation_passes")]


def test_credit_that_only_the_simulation_does_not_need_is_noted(
    send: Send, client: FlaskClient
) -> None:
    for _ in range(3):
        send(BODY | {"recipients": [f"+336{n:08}" for n in range(1000)]})

    response = send(SIMULATED)

    assert (response.status_code, advice(client, response)) == (201, [("", "simulation_passes")])


def test_a_repeat_that_only_the_simulation_passes_is_noted(send: Send, client: FlaskClient) -> None:
    send(BODY | {"request_id": "one"})

    response = send(SIMULATED | {"request_id": "one"})

    assert advice(client, response) == [("/request_id", "simulation_passes")]


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "wrong",
    [
        {"text": None},
        {"text": ""},
        {"text": "a" * 1225},
        {"recipients": []},
        {"recipients": True},
        {"recipients": ["+33612345678"] * 1001},
        {"voice_language": "tlh"},
    ],
)
def test_a_simulation_refuses_wrong_parameters_as_a_send_does(
    send: Send, wrong: dict[str, object]
) -> None:
    real, simulated = send(BODY | wrong), send(SIMULATED | wrong)

    assert (simulated.status_code, simulated.json) == (400, real.json)


def test_a_scheduled_campaign_is_not_sent_at_once(send: Send, client: FlaskClient) -> None:
    response = send(BODY | {"send_at": "2026-11-24T09:00:00+01:00"})

    campaign = client.get(response.headers["Twin-Request"]).json["campaign"]
    assert campaign["send_at"] == "2026-11-24T09:00:00+01:00"


def test_a_date_in_the_past_is_sent_at_once_and_noted(send: Send, client: FlaskClient) -> None:
    response = send(BODY | {"send_at": "2018-10-03T07:42:39-07:00"})

    assert advice(client, response) == [("/send_at", "past")]
    assert client.get(response.headers["Twin-Request"]).json["campaign"]["send_at"] is None


@given(st.datetimes(), st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
def test_every_moment_that_rfc_3339_can_write_is_read(moment: object, offset: timedelta) -> None:
    minutes = abs(offset) // timedelta(minutes=1)
    sign = "-" if offset < timedelta(0) else "+"
    text = f"{moment.isoformat()}{sign}{minutes // 60:02}:{minutes % 60:02}"

    assert instant(text).utcoffset() == timedelta(minutes=minutes) * (1 if sign == "+" else -1)


def sent_at(moment: str, contract: Contract, clock: Clock) -> Accepted:
    """The decision on a campaign with this ``send_at``."""
    policy = CampaignPolicy(contract)
    order = policy.order(BODY | {"send_at": moment})
    outcome = policy.send(opened(contract, "ada"), order, State(Decimal(9)), clock())
    assert isinstance(outcome, Accepted)
    return outcome


@pytest.mark.parametrize(
    "moment",
    [
        "2026-11-23T13:00:00.1+01:00",
        f"2026-11-23T12:00:00.{'1' * 40}Z",
        # In UTC it would be in the year 10000, which Python does not have.
        "9999-12-31T23:59:59-07:00",
    ],
)
def test_a_campaign_is_sent_later_if_its_date_is_any_later(
    contract: Contract, clock: Clock, moment: str
) -> None:
    outcome = sent_at(moment, contract, clock)

    assert outcome.send_at == instant(moment)
    assert outcome.advice == ()


@pytest.mark.parametrize("moment", ["2026-11-23T13:00:00+01:00", "0001-01-01T00:00:00+07:00"])
def test_a_campaign_is_sent_at_once_if_its_date_is_not_later(
    contract: Contract, clock: Clock, moment: str
) -> None:
    outcome = sent_at(moment, contract, clock)

    assert outcome.send_at is None
    assert [note.path for note in outcome.advice] == ["/send_at"]


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, places=2) | st.decimals(0))
@example(Decimal("0.00"))
@example(Decimal("150.00"))
@example(Decimal("0.0000100"))
@example(Decimal("0.00010"))
@example(Decimal("1E+16"))
@example(Decimal("12345678901234567.89"))
def test_money_is_printed_as_a_double(amount: Decimal) -> None:
    assume(amount.is_finite())

    assert as_double(amount) == repr(float(amount))


def test_strict_names_every_parameter_that_was_repaired(contract: Contract, clock: Clock) -> None:
    twin = Twin(contract, clock=clock, strict=True)
    body = b'{"text": 1, "mode": "simu", "voice_language": "xx", "recipients": ["0612345678"]}'
    headers = {"api-login": "a", "api-key": "b", "content-type": "text/plain"}

    entry = twin.handle(Request("POST", contract.url_path, headers, body))

    assert set(entry.answer.value["errors"]) == {
        "body",
        "text",
        "mode",
        "voice_language",
        "recipients",
    }
    assert entry.answer.status == 400


def test_strict_does_not_mind_advice(contract: Contract, clock: Clock) -> None:
    twin = Twin(contract, clock=clock, strict=True)
    body = b'{"text": "a", "recipients": [{"phone_number": "+2222333334444555"}]}'
    headers = {"api-login": "a", "api-key": "b", "content-type": "application/json"}

    assert twin.handle(Request("POST", contract.url_path, headers, body)).answer.status == 201


def test_strict_blames_what_is_repaired_and_refused_for_the_refusal(
    contract: Contract, clock: Clock
) -> None:
    twin = Twin(contract, clock=clock, strict=True)
    headers = {"api-login": "a", "api-key": "b", "content-type": "application/json"}
    body = b'{"text": "a", "recipients": ["nobody"]}'

    entry = twin.handle(Request("POST", contract.url_path, headers, body))

    assert entry.entry.tally.repairs > 0
    assert entry.answer.value["errors"] == {
        "recipients": {"code": 117, "message": "No valid recipient."}
    }
