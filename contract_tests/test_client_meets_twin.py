"""The generated and the hand-written client over WSGI against the twin, in one process."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from mock_server.contract.loader import load
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from voice_api import AuthenticatedClient
from voice_api.api.voice_campaign import send_voice_campaign
from voice_api.models import CampaignAccepted, Contact, PayloadError, VoiceCampaign
from voice_client import ValidationFailed, VoiceClient

URL = "http://127.0.0.1"


@pytest.fixture(params=[False, True], ids=["lenient", "strict"])
def transport(request: pytest.FixtureRequest) -> httpx.WSGITransport:
    return httpx.WSGITransport(app=create_app(Twin(load(), strict=request.param)))


@pytest.fixture
def generated(transport: httpx.WSGITransport) -> Iterator[AuthenticatedClient]:
    with AuthenticatedClient(
        base_url=URL,
        token="a-key",
        prefix="",
        auth_header_name="api-key",
        headers={"api-login": "ada"},
        httpx_args={"transport": transport},
    ) as client:
        yield client


def campaign(**options: object) -> VoiceCampaign:
    return VoiceCampaign("Hello.", [Contact("+33612345678")], **options)


def test_the_generated_client_reads_an_accepted_campaign(generated: AuthenticatedClient) -> None:
    answer = send_voice_campaign.sync(client=generated, body=campaign())

    assert isinstance(answer, CampaignAccepted)
    assert (answer.number_of_contacts, answer.total_cost, answer.residual_credit) == (
        1,
        0.05,
        149.95,
    )


def test_the_generated_client_reads_a_refusal(generated: AuthenticatedClient) -> None:
    answer = send_voice_campaign.sync(client=generated, body=campaign(voice_language="tlh"))

    assert isinstance(answer, PayloadError)
    assert answer.errors["voice_language"].code == 442


def test_what_the_generated_client_sends_is_valid_as_sent(generated: AuthenticatedClient) -> None:
    response = send_voice_campaign.sync_detailed(client=generated, body=campaign())

    assert response.headers["Twin-Notes"] == "0"


def test_the_hand_written_client_returns_what_the_twin_accepted(
    transport: httpx.WSGITransport,
) -> None:
    with VoiceClient("ada", "a-key", base_url=URL, transport=transport) as client:
        assert client.send("Hello.", ["+33612345678"]).residual_credit == 149.95


def test_the_hand_written_client_raises_what_the_twin_refused(
    transport: httpx.WSGITransport,
) -> None:
    with (
        VoiceClient("ada", "a-key", base_url=URL, transport=transport, validate="off") as client,
        pytest.raises(ValidationFailed, match="442 Voice language not supported"),
    ):
        client.send("Hello.", ["+33612345678"], voice_language="tlh")
