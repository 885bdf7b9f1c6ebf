"""What a user writes; mypy and pyright must have nothing to say about it (nox -s types)."""
# pyright: strict

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import assert_type

import httpx

from voice_client import (
    AcceptedButUnreadable,
    AlreadyAccepted,
    AsyncVoiceClient,
    CampaignAccepted,
    CampaignSummary,
    FieldError,
    FrameReport,
    OutcomeUnknown,
    Prepared,
    Progress,
    RateLimited,
    Recipient,
    Refused,
    Retries,
    Runtime,
    ServerError,
    State,
    Timeout,
    VoiceCampaignOptions,
    VoiceClient,
    VoiceError,
    prepare,
)


def one(client: VoiceClient) -> str:
    """The ticket of a plain send needs no look at what it is."""
    campaign = client.send("Hello.", ["+33612345678"], voice_language="fr-FR")
    assert_type(campaign, CampaignAccepted)
    assert_type(campaign.total_cost, float)
    return campaign.ticket_number


def marked(client: VoiceClient) -> str:
    """That of one with a mark does."""
    campaign = client.send("Hello.", ["+33612345678"], request_id="mine")
    assert_type(campaign, CampaignAccepted | AlreadyAccepted)
    if isinstance(campaign, AlreadyAccepted):
        return campaign.request_id
    return campaign.ticket_number


def every_option(client: VoiceClient) -> CampaignAccepted:
    """All parameters of the contract, each with its type."""
    return client.send(
        "Hello.",
        [Recipient("+33612345678", first_name="Ada", param1=None), "+33698765432"],
        sender="Clinique",
        send_at=datetime(2999, 12, 1, 9, tzinfo=UTC),
        purpose="alert",
        type="voice_sms",
        voice_gender="male",
        voice_language="en-GB",
        auto_delete_optout_contacts=True,
        get_back_pressed_keys=True,
        simulation_mode=True,
        auto_optimize_text=False,
        list_name="October appointments",
    )


def numbers() -> Iterator[str]:
    """Recipients need not be a list."""
    yield "+33612345678"


OPTIONS: VoiceCampaignOptions = {"voice_gender": "female", "simulation_mode": True}


def kept_options(client: VoiceClient) -> CampaignAccepted:
    """Options that are kept in a dictionary."""
    return client.send("Hello.", numbers(), **OPTIONS)


def what_became_of_it(client: VoiceClient) -> str:
    """The family of errors, and what each of them knows."""
    try:
        client.send("Hello.", ("+33612345678",))
    except RateLimited as error:
        assert_type(error.retry_after, float | None)
    except Refused as error:
        field: FieldError | None = error.errors.get("voice_language")
        assert_type(error.status, int)
        assert_type(error.code, int)
        return error.message if field is None else field.message
    except ServerError as error:
        assert_type(error.retry_after, float | None)
    except (OutcomeUnknown, AcceptedButUnreadable) as error:
        return str(error)
    except VoiceError:
        return "nothing was sent"
    return "sent"


def progress(told: Progress) -> None:
    """A callback."""
    assert_type(told.cost, Decimal)
    assert_type(told.credit_left, Decimal | None)
    assert_type(told.eta, float | None)


def many(client: VoiceClient) -> CampaignSummary:
    """A campaign from a file."""
    summary = client.send_campaign(
        "Hello.",
        Path("numbers.csv"),
        journal=Path("campaign.jsonl"),
        resume=True,
        request_ids=True,
        resend=[3],
        region="FR",
        format="csv",
        concurrency=8,
        largest_frame=300,
        progress=progress,
        **kept(),
    )
    assert_type(summary.unknown, tuple[FrameReport, ...])
    assert_type(summary.stopped, str | None)
    assert_type([one.state for one in summary.problems], list[State])
    return summary


def kept() -> VoiceCampaignOptions:
    """Options from elsewhere."""
    return {"list_name": "October"}


def prepared(client: VoiceClient) -> bool:
    """A campaign of prepared recipients, dry and then real."""
    with prepare(numbers()) as recipients:
        assert_type(recipients, Prepared)
        dry = client.send_campaign("Hello.", recipients, simulate=True)
        return dry.complete and client.send_campaign("Hello.", recipients).complete


def settings() -> VoiceClient:
    """All settings of a client."""
    with VoiceClient(
        "ada@example.com",
        "a-key",
        base_url="http://127.0.0.1:8010",
        real_calls=False,
        validate="off",
        timeout=Timeout(read=60),
        retries=Retries(attempts=5),
        transport=httpx.MockTransport(lambda _: httpx.Response(201)),
        runtime=Runtime(now=lambda: datetime.now(UTC)),
        sleep=lambda _: None,
    ) as client:
        assert_type(client, VoiceClient)
        return client


def from_the_environment() -> VoiceClient:
    """No argument is needed."""
    return VoiceClient()


async def asynchronously() -> CampaignSummary:
    """The same with await."""

    async def sleep(seconds: float) -> None:
        raise NotImplementedError(seconds)

    async with AsyncVoiceClient("ada", "k", sleep=sleep) as client:
        assert_type(client, AsyncVoiceClient)
        plain = await client.send("Hello.", numbers(), voice_language="fr-FR")
        assert_type(plain, CampaignAccepted)
        with_mark = await client.send("Hello.", numbers(), request_id="mine")
        assert_type(with_mark, CampaignAccepted | AlreadyAccepted)
        await client.send_campaign("Hello.", numbers(), simulate=True, **OPTIONS)
        return await client.send_campaign("Hello.", Path("numbers.jsonl"), progress=progress)
