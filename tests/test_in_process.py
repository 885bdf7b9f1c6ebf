"""The transport without a socket: what httpx and the client's users see through it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

import mock_server
from common import BODY, SEND
from mock_server.in_process import InProcess
from mock_server.testing import VoiceTwin
from voice_api.api.voice_campaign import send_voice_campaign
from voice_api.client import AuthenticatedClient
from voice_api.models import CampaignAccepted, Contact, VoiceCampaign
from voice_client import AcceptedButUnreadable, OutcomeUnknown, Refused, Timeout, VoiceClient

NUMBER = "+33612345678"


@pytest.fixture
def twin() -> Iterator[VoiceTwin]:
    with mock_server.running(http=False) as twin:
        yield twin


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The sleeps of this test; nobody waits for them."""
    sleeps = list[float]()
    monkeypatch.setattr(time, "sleep", sleeps.append)
    return sleeps


def post(twin: VoiceTwin, timeout: float | None = 5.0) -> httpx.Response:
    with httpx.Client(transport=twin.transport, base_url=twin.base_url, timeout=timeout) as client:
        return client.post(SEND, json=BODY, headers=twin.headers)


async def post_async(twin: VoiceTwin) -> httpx.Response:
    async with httpx.AsyncClient(
        transport=twin.async_transport, base_url=twin.base_url, timeout=5
    ) as client:
        return await client.post(SEND, json=BODY, headers=twin.headers)


def voice_client(twin: VoiceTwin, timeout: float = 5.0) -> VoiceClient:
    return VoiceClient(
        twin.login,
        twin.key,
        base_url=twin.base_url,
        transport=twin.transport,
        timeout=Timeout(read=timeout),
        sleep=lambda _: None,
    )


# ── carrying ─────────────────────────────────────────────────────────────


def test_a_client_is_answered_as_at_a_socket(twin: VoiceTwin) -> None:
    response = post(twin)

    assert (response.status_code, response.headers["Twin-Notes"]) == (201, "0")
    assert response.json()["ticket_number"] == twin.messages[0].ticket_number


def test_an_async_client_is_answered_as_at_a_socket(twin: VoiceTwin) -> None:
    response = asyncio.run(post_async(twin))

    assert (response.status_code, response.headers["Twin-Notes"]) == (201, "0")
    assert response.json()["ticket_number"] == twin.messages[0].ticket_number


def test_async_clients_are_answered_at_once_and_each_by_its_own_answer(twin: VoiceTwin) -> None:
    async def many() -> list[httpx.Response]:
        return await asyncio.gather(*(post_async(twin) for _ in range(20)))

    tickets = {response.json()["ticket_number"] for response in asyncio.run(many())}

    assert tickets == {message.ticket_number for message in twin.messages}
    assert len(tickets) == 20


def test_a_body_that_is_streamed_arrives_whole(twin: VoiceTwin) -> None:
    async def streamed() -> httpx.Response:
        async def chunks():
            yield b'{"text": "Hello.", "recipients": ["'
            yield NUMBER.encode()
            yield b'"]}'

        async with httpx.AsyncClient(
            transport=twin.async_transport, base_url=twin.base_url
        ) as client:
            headers = {**twin.headers, "Content-Type": "application/json"}
            return await client.post(SEND, content=chunks(), headers=headers)

    assert asyncio.run(streamed()).status_code == 201
    assert twin.messages[0].numbers == [NUMBER]


def test_a_refusal_is_carried_as_it_is(twin: VoiceTwin) -> None:
    twin.set(credit="0")

    response = post(twin)

    assert (response.status_code, response.json()["code"]) == (400, 104)


def test_nothing_listens_where_a_client_without_the_transport_would_go(twin: VoiceTwin) -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.post(twin.base_url + SEND, json=BODY, headers=twin.headers, trust_env=False)


def test_a_login_beyond_ascii_arrives_as_at_a_socket(twin: VoiceTwin) -> None:
    headers = {b"api-login": "é日@example.com".encode(), b"api-key": b"a-key"}

    with (
        mock_server.running() as served,
        httpx.Client(base_url=served.base_url, trust_env=False) as far,
        httpx.Client(base_url=twin.base_url, transport=twin.transport) as near,
    ):
        answers = [client.post(SEND, json=BODY, headers=headers) for client in (near, far)]

    assert answers[0].status_code == 201
    assert answers[0].json() == answers[1].json()


def test_a_path_is_the_one_that_was_asked(twin: VoiceTwin) -> None:
    with httpx.Client(transport=twin.transport, base_url=twin.base_url) as client:
        client.post("/v1//é%2Fx?a=b%20c", headers=twin.headers)

    assert [request.document["path"] for request in twin.requests] == ["/v1//é/x"]


def test_any_application_is_carried() -> None:
    def application(environ, start_response):
        write = start_response("200 OK", [("X-Asked", environ["QUERY_STRING"])])
        write(b"one ")
        return [b"two ", environ["SERVER_PORT"].encode()]

    with httpx.Client(transport=InProcess(application)) as client:
        response = client.get("https://twin/?a=b%20c")

    assert response.text == "one two 443"
    assert response.headers["X-Asked"] == "a=b%20c"


# ── injected faults ─────────────────────────────────────────────────────────────


def test_a_reset_is_a_read_error(twin: VoiceTwin) -> None:
    twin.faults.reset()

    with pytest.raises(httpx.ReadError, match="Connection reset by peer") as raised:
        post(twin)

    assert raised.value.request.url.path == SEND


def test_a_dropped_connection_is_a_protocol_error(twin: VoiceTwin) -> None:
    twin.faults.drop_after_commit()

    with pytest.raises(httpx.RemoteProtocolError, match="disconnected without sending") as raised:
        post(twin)

    assert raised.value.request.url.path == SEND


def test_a_reset_is_a_read_error_for_an_async_client_too(twin: VoiceTwin) -> None:
    twin.faults.reset()

    with pytest.raises(httpx.ReadError):
        asyncio.run(post_async(twin))


def test_a_delay_within_the_read_timeout_is_waited_for(twin: VoiceTwin, slept: list[float]) -> None:
    twin.faults.delay(4.5)

    assert post(twin, timeout=5).status_code == 201
    assert slept == [4.5]


def test_a_delay_beyond_the_read_timeout_raises_at_once(
    twin: VoiceTwin, slept: list[float]
) -> None:
    twin.faults.delay(5.5)

    with pytest.raises(httpx.ReadTimeout) as raised:
        post(twin, timeout=5)

    assert slept == []
    assert raised.value.request.url.path == SEND


def test_a_delay_beyond_the_read_timeout_raises_at_once_for_an_async_client_too(
    twin: VoiceTwin, slept: list[float]
) -> None:
    twin.faults.delay(5.5)

    with pytest.raises(httpx.ReadTimeout):
        asyncio.run(post_async(twin))

    assert slept == []


def test_a_client_without_a_read_timeout_waits_for_any_delay(
    twin: VoiceTwin, slept: list[float]
) -> None:
    twin.faults.delay(300)

    assert post(twin, timeout=None).status_code == 201
    assert slept == [300]


def test_what_was_answered_too_late_is_sent_all_the_same(twin: VoiceTwin) -> None:
    twin.faults.delay(5.5)

    with pytest.raises(httpx.ReadTimeout):
        post(twin, timeout=5)

    twin.assert_sent(times=1)


# ── clients ─────────────────────────────────────────────────────────────


def generated(twin: VoiceTwin, args: dict[str, object]) -> AuthenticatedClient:
    return AuthenticatedClient(
        base_url=twin.base_url, token=twin.key, prefix="", auth_header_name="api-key",
        headers={"api-login": twin.login}, httpx_args=args,
    )  # fmt: skip


def campaign() -> VoiceCampaign:
    return VoiceCampaign(text="Hello.", recipients=[Contact(NUMBER)])


def test_the_generated_client_sends_over_it(twin: VoiceTwin) -> None:
    client = generated(twin, {"transport": twin.transport})

    answer = send_voice_campaign.sync(client=client, body=campaign())

    assert isinstance(answer, CampaignAccepted)
    twin.assert_sent(times=1, number=NUMBER, text="Hello.")


def test_the_generated_client_sends_over_it_asynchronously(twin: VoiceTwin) -> None:
    client = generated(twin, {"transport": twin.async_transport})

    answer = asyncio.run(send_voice_campaign.asyncio(client=client, body=campaign()))

    assert isinstance(answer, CampaignAccepted)
    twin.assert_sent(times=1, number=NUMBER, text="Hello.")


def test_voice_client_sends_over_it(twin: VoiceTwin) -> None:
    with voice_client(twin) as client:
        answer = client.send("Hello.", [NUMBER])

    assert answer.ticket_number == twin.messages[0].ticket_number
    twin.assert_no_repairs()


def test_voice_client_does_not_know_the_outcome_of_a_dropped_answer(twin: VoiceTwin) -> None:
    twin.faults.drop_after_commit()

    with voice_client(twin) as client, pytest.raises(OutcomeUnknown):
        client.send("Hello.", [NUMBER])

    twin.assert_sent(times=1)


def test_voice_client_does_not_know_the_outcome_of_a_late_answer(twin: VoiceTwin) -> None:
    twin.faults.delay(6)

    with voice_client(twin) as client, pytest.raises(OutcomeUnknown, match="ReadTimeout"):
        client.send("Hello.", [NUMBER])

    twin.assert_sent(times=1)


def test_voice_client_does_not_know_the_outcome_of_a_reset(twin: VoiceTwin) -> None:
    twin.faults.reset()

    with voice_client(twin) as client, pytest.raises(OutcomeUnknown, match="ReadError"):
        client.send("Hello.", [NUMBER])

    twin.assert_nothing_sent()


@pytest.mark.parametrize("fault", ["truncate", "garble"])
def test_voice_client_knows_that_an_unreadable_answer_was_an_acceptance(
    twin: VoiceTwin, fault: str
) -> None:
    twin.faults.add(fault)

    with voice_client(twin) as client, pytest.raises(AcceptedButUnreadable):
        client.send("Hello.", [NUMBER])

    twin.assert_sent(times=1)


def test_voice_client_knows_that_an_answer_without_a_ticket_was_an_acceptance(
    twin: VoiceTwin,
) -> None:
    twin.faults.missing_field("ticket_number")

    with voice_client(twin) as client, pytest.raises(AcceptedButUnreadable, match="ticket_number"):
        client.send("Hello.", [NUMBER])

    twin.assert_sent(times=1)


def test_voice_client_reads_an_answer_whatever_its_content_type(twin: VoiceTwin) -> None:
    twin.faults.wrong_content_type()

    with voice_client(twin) as client:
        assert client.send("Hello.", [NUMBER]).number_of_contacts == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_voice_client_does_not_know_the_outcome_of_a_server_error(
    twin: VoiceTwin, status: int
) -> None:
    twin.faults.status(status)

    with voice_client(twin) as client, pytest.raises(OutcomeUnknown, match=str(status)):
        client.send("Hello.", [NUMBER])


def test_voice_client_is_refused_where_the_rate_is_limited(twin: VoiceTwin) -> None:
    twin.faults.rate_limit(retry_after=7)

    with voice_client(twin) as client, pytest.raises(Refused) as raised:
        client.send("Hello.", [NUMBER])

    assert raised.value.status == 429
