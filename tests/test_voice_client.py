"""The door to the generated client: what it sends, returns and raises."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from voice_client import (
    AcceptedButUnreadable,
    ConfigurationError,
    Contact,
    InvalidRequest,
    NotSent,
    OutcomeUnknown,
    Refused,
    VoiceClient,
    VoiceError,
)
from voice_client.guard import SimulationGuard

# More than RFC 3339 can write.
HALF_A_MINUTE = timezone(timedelta(seconds=30))
ACCEPTED = {
    "ticket_number": "voice_5f44ebf9e47b7",
    "number_of_contacts": 1,
    "total_cost": 0.05,
    "estimated_duration": 30,
    "residual_credit": 149.95,
}
NUMBERS = ["+33612345678"]
Answer = Callable[[httpx.Request], httpx.Response]


def client_of(answer: Answer, base_url: str = "http://127.0.0.1", **given: Any) -> VoiceClient:
    transport = httpx.MockTransport(answer)
    settings = {"base_url": base_url, "transport": transport, "sleep": lambda _: None, **given}
    return VoiceClient("ada", "a-key", **settings)


def sent(text: str = "Hello.", recipients: Any = NUMBERS, **options: Any) -> httpx.Request:
    """The request that leaves for these arguments."""
    requests = list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(201, json=ACCEPTED)

    with client_of(answer) as client:
        client.send(text, recipients, **options)
    return requests[0]


def payload(**options: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(sent(**options).content)
    return body


def test_both_headers_are_sent() -> None:
    headers = sent().headers

    assert (headers["api-login"], headers["api-key"]) == ("ada", "a-key")


def test_numbers_and_contacts_are_sent_as_contacts() -> None:
    body = payload(recipients=["+33612345678", Contact("+33698765432", first_name="Ada")])

    assert body["recipients"] == [
        {"phone_number": "+33612345678"},
        {"phone_number": "+33698765432", "first_name": "Ada"},
    ]


def test_options_are_sent_by_the_contracts_names() -> None:
    body = payload(type="voice_sms", voice_language="fr-FR", simulation_mode=True)

    assert (body["type"], body["voice_language"], body["simulation_mode"]) == (
        "voice_sms",
        "fr-FR",
        True,
    )


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2099, 12, 1, 9, tzinfo=UTC), "2099-12-01T09:00:00+00:00"),
        (datetime(2099, 12, 1, 9, tzinfo=ZoneInfo("Europe/Paris")), "2099-12-01T09:00:00+01:00"),
        (
            datetime(2099, 12, 1, 9, tzinfo=timezone(timedelta(seconds=30))),
            "2099-12-01T08:59:30+00:00",
        ),
    ],
)
def test_a_moment_is_sent_with_an_offset_of_whole_minutes(moment: datetime, text: str) -> None:
    assert payload(send_at=moment)["send_at"] == text


def test_the_result_is_the_generated_model() -> None:
    with client_of(lambda _: httpx.Response(200, json=ACCEPTED)) as client:
        assert client.send("Hello.", NUMBERS).to_dict() == ACCEPTED


INVALID: dict[str, dict[str, Any]] = {
    "no such option: mode": {"mode": "simu"},
    "recipients is one text": {"recipients": "+33612345678"},
    "has no time zone": {"send_at": datetime(2026, 12, 1)},
    "send_at is '2026-12-01'; wanted": {"send_at": "2026-12-01"},
    "make no request: 'NoneType'": {"recipients": None},
    "make no request: 'int' object": {"recipients": 5},
    "cannot be written as JSON: Object of type": {"list_name": object()},
}


@pytest.mark.parametrize(("message", "options"), INVALID.items(), ids=INVALID)
def test_arguments_that_make_no_request_never_leave(message: str, options: Any) -> None:
    with pytest.raises(InvalidRequest, match=message):
        sent(**options)


@pytest.mark.parametrize(
    ("login", "key"),
    [("", "k"), ("l", ""), ("l\n", "k"), ("é", "k"), ("l", " k"), ("l", "k "), (5, "k")],
)
def test_credentials_that_no_header_can_carry_are_invalid(login: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match="empty or no plain text"):
        VoiceClient(login, key)


@pytest.mark.parametrize("url", ["", "127.0.0.1:8010", "ftp://127.0.0.1"])
def test_a_url_without_its_scheme_is_invalid(url: str) -> None:
    with pytest.raises(ConfigurationError, match="has no http://"):
        VoiceClient("ada", "a-key", base_url=url)


def test_a_closed_client_sends_nothing() -> None:
    client = client_of(lambda _: httpx.Response(201, json=ACCEPTED))
    client.close()

    with pytest.raises(InvalidRequest, match="closed"):
        client.send("Hello.", NUMBERS)


def test_a_header_that_cannot_be_sent_is_not_shown() -> None:
    client = client_of(raising(httpx.LocalProtocolError("Illegal header value b'a-key'")))

    with pytest.raises(NotSent) as caught:
        client.send("Hello.", NUMBERS)

    assert "a-key" not in "".join(traceback.format_exception(caught.value))


def test_a_url_that_is_none_is_invalid() -> None:
    with pytest.raises(ConfigurationError):
        VoiceClient("ada", "a-key", base_url="http://localhost:http")


def test_a_refusal_names_the_parameters_at_fault() -> None:
    body = {
        "code": 400,
        "message": "Payload validation error.",
        "errors": {"voice_language": {"code": 442, "message": "Voice language not supported."}},
    }

    with (
        client_of(lambda _: httpx.Response(400, json=body)) as client,
        pytest.raises(Refused) as caught,
    ):
        client.send("Hello.", NUMBERS)

    assert caught.value.errors["voice_language"].code == 442


@pytest.mark.parametrize(("status", "code"), [(400, 104), (401, 401), (403, 403)])
def test_a_flat_refusal_has_code_and_message(status: int, code: int) -> None:
    body = {"code": code, "message": "No."}

    with (
        client_of(lambda _: httpx.Response(status, json=body)) as client,
        pytest.raises(Refused, match=f"{status}: No.") as caught,
    ):
        client.send("Hello.", NUMBERS)

    assert (caught.value.status, caught.value.code, caught.value.errors) == (status, code, {})


def raising(error: Exception) -> Answer:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


OUTCOMES: dict[str, tuple[Answer, type[VoiceError]]] = {
    "no connection": (raising(httpx.ConnectError("refused")), NotSent),
    "no connection in time": (raising(httpx.ConnectTimeout("")), NotSent),
    "no answer in time": (raising(httpx.ReadTimeout("")), OutcomeUnknown),
    "a dropped connection": (raising(httpx.RemoteProtocolError("gone")), OutcomeUnknown),
    "an undocumented status": (lambda _: httpx.Response(502, text="<html>"), OutcomeUnknown),
    "a redirect": (lambda _: httpx.Response(302, headers={"Location": "/"}), OutcomeUnknown),
    "a garbled refusal": (lambda _: httpx.Response(400, text="<html>"), Refused),
    "an undocumented refusal": (lambda _: httpx.Response(404, json={}), Refused),
    "a garbled failure": (lambda _: httpx.Response(500, text="{"), OutcomeUnknown),
    "a garbled success": (lambda _: httpx.Response(201, text="{"), AcceptedButUnreadable),
    "a success without a ticket": (lambda _: httpx.Response(201, json={}), AcceptedButUnreadable),
    "a success that is a list": (lambda _: httpx.Response(201, json=[]), AcceptedButUnreadable),
    "a success of nulls": (
        lambda _: httpx.Response(201, json=dict.fromkeys(ACCEPTED)),
        AcceptedButUnreadable,
    ),
    "a success that is too deep": (
        lambda _: httpx.Response(201, content=b"[" * 100_000),
        AcceptedButUnreadable,
    ),
    "a proxy that does not answer": (raising(httpx.ProxyError("no")), NotSent),
    "a header that cannot be sent": (raising(httpx.LocalProtocolError("a-key")), NotSent),
}


@pytest.mark.parametrize(("answer", "error"), OUTCOMES.values(), ids=OUTCOMES)
def test_every_failure_says_what_became_of_the_request(
    answer: Answer, error: type[VoiceError]
) -> None:
    with client_of(answer) as client, pytest.raises(error):
        client.send("Hello.", NUMBERS)


def test_the_key_is_never_shown() -> None:
    client = client_of(raising(httpx.ReadTimeout("")))

    with pytest.raises(VoiceError) as caught:
        client.send("Hello.", NUMBERS)

    assert "a-key" not in f"{client!r} {caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    "url", ["https://api.octopush.com", "http://127.0.0.1.example.com", "http://10.0.0.1"]
)
def test_a_real_call_is_held_back(url: str) -> None:
    with (
        client_of(lambda _: httpx.Response(201, json=ACCEPTED), base_url=url) as client,
        pytest.raises(NotSent, match="would call people for money"),
    ):
        client.send("Hello.", NUMBERS)


def test_the_real_api_is_where_a_client_sends_if_it_is_not_told_otherwise() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(201, json=ACCEPTED))

    with (
        VoiceClient("ada", "a-key", transport=transport) as client,
        pytest.raises(NotSent, match=r"api\.octopush\.com"),
    ):
        client.send("Hello.", NUMBERS)


def test_a_simulation_may_leave_this_machine() -> None:
    answer = httpx.Response(201, json=ACCEPTED)

    with client_of(lambda _: answer, base_url="https://api.example.com") as client:
        assert client.send("Hello.", NUMBERS, simulation_mode=True).number_of_contacts == 1


def test_a_real_call_leaves_if_it_is_asked_for() -> None:
    answer = httpx.Response(201, json=ACCEPTED)
    base_url = "https://api.example.com"

    with client_of(lambda _: answer, base_url=base_url, real_calls=True) as client:
        assert client.send("Hello.", NUMBERS).number_of_contacts == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"simulation_mode": "true"}',
        b'{"simulation_mode": 1}',
        b'{"simulation_mode": true, "text": ' + b"[" * 100_000,
    ],
    ids=lambda body: body[:30],
)
def test_the_guard_looks_at_the_bytes(body: bytes) -> None:
    guard = SimulationGuard(httpx.MockTransport(lambda _: httpx.Response(201)))

    with pytest.raises(NotSent):
        guard.handle_request(httpx.Request("POST", "https://api.example.com", content=body))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_a_twin_on_this_machine_needs_no_permission(host: str) -> None:
    answer = httpx.Response(201, json=ACCEPTED)

    with client_of(lambda _: answer, base_url=f"http://{host}:8010") as client:
        assert client.send("Hello.", NUMBERS).number_of_contacts == 1
