"""The transport without a socket: what httpx and the client's users see through it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import anyio
import anyio.to_thread
import h11
import httpx
import pytest

import mock_server
from common import BODY, SEND
from mock_server.testing.account import VoiceTwin
from mock_server.testing.transport import InProcess
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


# ── as over a port ─────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=[True, False], ids=["port", "in process"])
def either(request: pytest.FixtureRequest) -> Iterator[VoiceTwin]:
    """A twin over a port, and one in process: what is true of one has to be of the other."""
    with mock_server.running(http=request.param) as twin:
        yield twin


def sync_client(twin: VoiceTwin, **given: Any) -> httpx.Client:
    return httpx.Client(
        transport=twin.transport, base_url=twin.base_url, headers=twin.headers, **given
    )


def async_client(twin: VoiceTwin, **given: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=twin.async_transport, base_url=twin.base_url, headers=twin.headers, **given
    )


@pytest.mark.unmeasured
def test_an_answer_knows_how_long_it_took_its_request_and_its_version(either: VoiceTwin) -> None:
    with sync_client(either) as client:
        response = client.post(SEND, json=BODY)

    assert response.elapsed > timedelta()
    assert response.request.url.path == SEND
    assert (response.http_version, response.reason_phrase) == ("HTTP/1.1", "Created")
    assert response.is_closed
    assert response.num_bytes_downloaded == len(response.content)


def test_an_async_answer_knows_how_long_it_took_its_request_and_its_version(
    either: VoiceTwin,
) -> None:
    async def one() -> httpx.Response:
        async with async_client(either) as client:
            return await client.post(SEND, json=BODY)

    response = asyncio.run(one())

    assert response.elapsed > timedelta()
    assert response.request.url.path == SEND
    assert (response.http_version, response.reason_phrase) == ("HTTP/1.1", "Created")


@pytest.mark.parametrize("way", ["iter_bytes", "iter_raw", "iter_lines", "iter_text"])
def test_an_answer_can_be_streamed_and_is_not_there_before(either: VoiceTwin, way: str) -> None:
    with sync_client(either) as client, client.stream("POST", SEND, json=BODY) as response:
        assert not response.is_closed
        with pytest.raises(httpx.ResponseNotRead):
            response.content  # noqa: B018  (it raises)
        parts = list(getattr(response, way)())

    text = b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    assert json.loads(text)["number_of_contacts"] == 1
    assert response.elapsed > timedelta()


def test_an_async_answer_can_be_streamed_and_is_not_there_before(either: VoiceTwin) -> None:
    async def one() -> bytes:
        async with (
            async_client(either) as client,
            client.stream("POST", SEND, json=BODY) as response,
        ):
            with pytest.raises(httpx.ResponseNotRead):
                response.content  # noqa: B018  (it raises)
            return b"".join([part async for part in response.aiter_bytes()])

    assert json.loads(asyncio.run(one()))["number_of_contacts"] == 1


def test_an_answer_that_nobody_read_is_gone_when_its_stream_ends(either: VoiceTwin) -> None:
    with sync_client(either) as client, client.stream("POST", SEND, json=BODY) as response:
        pass

    assert response.is_closed
    with pytest.raises(httpx.StreamClosed):
        response.read()


def test_hooks_see_the_request_and_an_answer_that_is_not_read_yet(either: VoiceTwin) -> None:
    seen = list[object]()

    def answered(response: httpx.Response) -> None:
        seen.append(response.is_stream_consumed)
        seen.append(response.read())

    hooks = {"request": [lambda request: seen.append(request.url.path)], "response": [answered]}
    with sync_client(either, event_hooks=hooks) as client:
        response = client.post(SEND, json=BODY)

    assert seen == [SEND, False, response.content]


def test_async_hooks_see_the_request_and_an_answer_that_is_not_read_yet(
    either: VoiceTwin,
) -> None:
    seen = list[object]()

    async def asked(request: httpx.Request) -> None:
        seen.append(request.url.path)

    async def answered(response: httpx.Response) -> None:
        seen.append(response.is_stream_consumed)
        seen.append(await response.aread())

    async def one() -> httpx.Response:
        hooks = {"request": [asked], "response": [answered]}
        async with async_client(either, event_hooks=hooks) as client:
            return await client.post(SEND, json=BODY)

    response = asyncio.run(one())

    assert seen == [SEND, False, response.content]


def test_a_body_that_was_streamed_is_spent(either: VoiceTwin) -> None:
    with sync_client(either) as client:
        content = (part for part in [b"{}"])
        request = client.build_request("POST", SEND, content=content)
        client.send(request)

        with pytest.raises(httpx.RequestNotRead):
            request.content  # noqa: B018  (it raises)
        with pytest.raises(httpx.StreamConsumed):
            client.send(request)


REFUSED: dict[str, tuple[type[Exception], dict[str, Any], str]] = {
    "a key with a line break": (
        httpx.LocalProtocolError,
        {"headers": {"api-key": "a-key\n"}},
        r"Illegal header value b'a-key\\n'",
    ),
    "a key with a blank": (
        httpx.LocalProtocolError,
        {"headers": {"api-key": " a-key"}},
        "Illegal header value b' a-key'",
    ),
    "a name with a blank": (
        httpx.LocalProtocolError,
        {"headers": {"api key": "a"}},
        "Illegal header name b'api key'",
    ),
    "two hosts": (
        httpx.LocalProtocolError,
        {"headers": [("Host", "a"), ("host", "b")]},
        "multiple Host",
    ),
    "less than it says": (
        h11.LocalProtocolError,
        {"headers": {"Content-Length": "9"}, "content": b"{}"},
        "Too little data for declared Content-Length",
    ),
    "more than it says": (
        h11.LocalProtocolError,
        {"headers": {"Content-Length": "1"}, "content": b"{}"},
        "Too much data for declared Content-Length",
    ),
    "no scheme": (
        httpx.UnsupportedProtocol,
        {"url": "//127.0.0.1/x"},
        "missing an 'http://' or 'https://' protocol",
    ),
    "another scheme": (
        httpx.UnsupportedProtocol,
        {"url": "ftp://127.0.0.1/x"},
        "unsupported protocol 'ftp://'",
    ),
}


@pytest.mark.parametrize(("kind", "given", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_leave_over_a_port_does_not_leave_in_process(
    either: VoiceTwin, kind: type[Exception], given: dict[str, Any], message: str
) -> None:
    options = {"url": either.base_url + SEND, **given}

    with httpx.Client(transport=either.transport) as client, pytest.raises(kind, match=message):
        client.post(**options)


def test_a_length_that_is_said_twice_alike_is_said_once(either: VoiceTwin) -> None:
    with sync_client(either) as client:
        headers = [("Content-Length", "2"), ("content-length", "2")]

        assert client.post(SEND, content=b"{}", headers=headers).status_code == 400


def test_the_answer_to_head_has_no_body(either: VoiceTwin) -> None:
    with sync_client(either) as client:
        response = client.head(SEND)

    assert (response.status_code, response.content) == (405, b"")


def test_a_transport_can_be_closed_and_used_again(either: VoiceTwin) -> None:
    with either.transport as transport:
        for _ in range(2):
            with httpx.Client(transport=transport, headers=either.headers) as client:
                assert client.post(either.url, json=BODY).status_code == 201


def test_an_async_transport_can_be_closed(either: VoiceTwin) -> None:
    async def one() -> int:
        async with either.async_transport as transport:
            request = httpx.Request("POST", either.url, json=BODY, headers=either.headers)
            response = await transport.handle_async_request(request)
            await response.aread()
            return response.status_code

    assert asyncio.run(one()) == 201


def test_a_client_that_gives_up_does_not_wait_for_a_late_answer(
    twin: VoiceTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, given_up, answered = threading.Event(), threading.Event(), threading.Event()

    def sleep(_: float) -> None:
        begun.set()
        # So long only where the client waits, which is what must not be.
        given_up.wait(10)
        answered.set()

    monkeypatch.setattr(time, "sleep", sleep)
    twin.faults.delay(4)

    async def give_up() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(post_async, twin)
            await anyio.to_thread.run_sync(begun.wait)
            group.cancel_scope.cancel()
        assert not answered.is_set()
        given_up.set()

    asyncio.run(give_up())

    twin.assert_sent(times=1)


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


@pytest.mark.parametrize("seconds", [4.5, 5])
def test_a_delay_within_the_read_timeout_is_waited_for(
    twin: VoiceTwin, slept: list[float], seconds: float
) -> None:
    twin.faults.delay(seconds)

    assert post(twin, timeout=5).status_code == 201
    assert slept == [seconds]


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
@pytest.mark.unmeasured
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
