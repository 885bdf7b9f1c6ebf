"""What a type checker must tell a user; an ignore that is not needed is an error (nox -s types)."""
# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx

from voice_client import (
    AsyncVoiceClient,
    Progress,
    Recipient,
    Retries,
    Timeout,
    VoiceCampaignOptions,
    VoiceClient,
    prepare,
)

MANY = ["+33612345678"]


def wrong_sends(client: VoiceClient) -> None:
    """Each line has one mistake."""
    client.send("Hello.", MANY, voice_language="fr_FR")  # type: ignore[call-overload]
    client.send("Hello.", MANY, voice_gender="Male")  # type: ignore[call-overload]
    client.send("Hello.", MANY, purpose="marketing")  # type: ignore[call-overload]
    client.send("Hello.", MANY, type="vocal_sms")  # type: ignore[call-overload]
    client.send("Hello.", MANY, mode="simu")  # type: ignore[call-overload]
    client.send("Hello.", MANY, simulation_mode="true")  # type: ignore[call-overload]
    client.send("Hello.", MANY, send_at="2026-12-01")  # type: ignore[call-overload]
    client.send("Hello.", MANY, list_name=None)  # type: ignore[call-overload]
    client.send("Hello.", MANY, request_id=5)  # type: ignore[call-overload]
    client.send(None, MANY)  # type: ignore[call-overload]
    client.send("Hello.", [5])  # type: ignore[list-item]
    client.send("Hello.", None)  # type: ignore[call-overload]
    client.send("Hello.", [{"phone_number": "+33612345678"}])  # type: ignore[list-item]
    client.send("Hello.", Path("numbers.csv"))  # type: ignore[call-overload]
    client.send("Hello.")  # type: ignore[call-overload]
    client.send("Hello.", [Recipient("+33612345678", first_name=5)])  # type: ignore[arg-type]


def wrong_results(client: VoiceClient) -> None:
    """What a result may be, and what it has."""
    str(client.send("Hello.", MANY, request_id="mine").ticket_number)  # type: ignore[union-attr]
    str(client.send("Hello.", MANY).ticket)  # type: ignore[attr-defined]
    str(client.send_campaign("Hello.", MANY).ticket_number)  # type: ignore[attr-defined]


def wrong_callback(told: str) -> None:
    """Not what progress is given."""
    raise NotImplementedError(told)


def wrong_campaigns(client: VoiceClient) -> None:
    """Each line has one mistake."""
    client.send_campaign("Hello.", MANY, request_id="mine")  # type: ignore[call-arg]
    client.send_campaign("Hello.", MANY, voice_language="fr_FR")  # type: ignore[arg-type]
    client.send_campaign("Hello.", MANY, journal="campaign.jsonl")  # type: ignore[arg-type]
    client.send_campaign("Hello.", MANY, format="xlsx")  # type: ignore[arg-type]
    client.send_campaign("Hello.", MANY, progress=wrong_callback)  # type: ignore[arg-type]
    client.send_campaign("Hello.", MANY, resend=3)  # type: ignore[arg-type]
    client.send_campaign("Hello.", MANY, concurrent=3)  # type: ignore[call-arg]


def wrong_clients() -> None:
    """Each line has one mistake."""
    VoiceClient("ada", "k", validate="lenient")  # type: ignore[arg-type]
    VoiceClient("ada", "k", timeout=5)  # type: ignore[arg-type]
    VoiceClient("ada", "k", retries=3)  # type: ignore[arg-type]
    VoiceClient("ada", "k", "http://127.0.0.1:8010")  # type: ignore[call-arg]
    VoiceClient("ada", "k", transport=httpx.AsyncHTTPTransport())  # type: ignore[arg-type]
    AsyncVoiceClient("ada", "k", transport=httpx.HTTPTransport())  # type: ignore[arg-type]
    Timeout(read=None)  # type: ignore[arg-type]
    Retries(attempts="3")  # type: ignore[arg-type]
    prepare(MANY, region=33)  # type: ignore[arg-type]


async def wrong_awaits(client: AsyncVoiceClient) -> None:
    """Each line has one mistake."""
    str(client.send("Hello.", MANY).ticket_number)  # type: ignore[attr-defined]
    await client.send("Hello.", MANY, voice_language="fr_FR")  # type: ignore[call-overload]
    with client:  # type: ignore[attr-defined]
        pass


def wrong_changes(told: Progress, timeout: Timeout) -> None:
    """What is told is told."""
    told.sent = 5  # type: ignore[misc]
    timeout.read = 5  # type: ignore[misc]


WRONG_OPTIONS: VoiceCampaignOptions = {"voice_language": "fr_FR"}  # type: ignore[typeddict-item]
WRONG_NAMES: VoiceCampaignOptions = {"language": "fr-FR"}  # type: ignore[typeddict-unknown-key]
WRONG_MARK: VoiceCampaignOptions = {"request_id": "mine"}  # type: ignore[typeddict-unknown-key]
WRONG_MOMENT: VoiceCampaignOptions = {"send_at": datetime.now(UTC).isoformat()}  # type: ignore[typeddict-item]
