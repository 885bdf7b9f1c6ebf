"""The async client does what the other one does; and what is its own: it can be cancelled."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import anyio
import anyio.lowlevel
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doors import (
    ACCEPTED,
    AFTER,
    ASYNC,
    AWAY,
    BEFORE,
    DOORS,
    HERE,
    KEY,
    LOGIN,
    NUMBERS,
    OUT_OF_CREDIT,
    REPEATED,
    SYNC,
    Api,
    Closed,
    Door,
    Parts,
    Script,
    Time,
    always,
    error,
    good,
    numbers,
    numbers_of,
    status,
)
from voice_client import (
    AsyncVoiceClient,
    CampaignAccepted,
    Contact,
    InvalidRequest,
    Progress,
    Retries,
    VoiceClient,
    VoiceError,
)

both = pytest.mark.parametrize("door", DOORS, ids=repr)


# ── the same as the other one ────────────────────────────────────────────

texts = st.text(max_size=20)
zones = st.sampled_from(["Europe/Paris", "America/New_York", "Asia/Kolkata"]).map(ZoneInfo)
offsets = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
moments = st.datetimes(datetime(1890, 1, 1), datetime(2100, 1, 1), timezones=zones | offsets)
people = st.lists(
    st.from_regex(r"\+[0-9]{7,16}", fullmatch=True)
    | texts
    | st.builds(Contact, st.just("+33612345678"), first_name=texts, param1=st.none() | texts)
    | st.integers(),
    max_size=4,
)
options = st.fixed_dictionaries(
    {},
    optional={
        "sender": st.from_regex(r"[a-zA-Z0-9]{3,20}", fullmatch=True) | texts,
        "send_at": moments | st.datetimes() | texts,
        "purpose": st.sampled_from(["alert", "wholesale", "other"]),
        "voice_language": st.sampled_from(["fr-FR", "en-GB", "xx"]),
        "simulation_mode": st.booleans() | st.just("true"),
        "auto_optimize_text": st.booleans(),
        "list_name": texts,
        "request_id": st.none() | texts,
        "mode": st.just("simu"),
    },
)
settings = st.fixed_dictionaries(
    {"base_url": st.sampled_from([HERE, AWAY, f"{HERE}/behind/"])},
    optional={"validate": st.just("off"), "real_calls": st.booleans()},
)


def outcome(door: Door, script: Script, *arguments: Any, **given_options: Any) -> Any:
    """What can be seen of a call: its requests, its waits, and how it ended."""
    time = Time()
    told = door.told(script, *arguments, time=time, **given_options)
    requests = [
        (request.method, str(request.url), request.headers.multi_items(), request.content)
        for request in script.requests
    ]
    timeouts = [request.extensions["timeout"] for request in script.requests]
    return requests, timeouts, time.slept, look(told)


def look(told: Any) -> Any:
    if not isinstance(told, VoiceError):
        return (type(told), str(told)) if isinstance(told, Exception) else told
    return type(told), str(told), {**vars(told)}, look(told.__cause__)


@given(texts | st.just("Hello."), people, options, settings)
def test_both_send_the_same_bytes_or_refuse_alike(
    text: str, recipients: list[Any], chosen: dict[str, Any], setup: dict[str, Any]
) -> None:
    one, other = (
        outcome(door, Script(good), text, recipients, setup=setup, **chosen) for door in DOORS
    )

    assert one == other


ANSWERS: list[Any] = [
    good,
    *BEFORE.values(),
    *AFTER.values(),
    status(400, json=REPEATED),
    status(400, json=OUT_OF_CREDIT),
    status(400, content=b"{"),
    status(403),
    status(404),
    status(429),
    status(503, "Mon, 23 Nov 2026 12:00:09 GMT"),
    status(503, "99999"),
    status(201, content=b"\xff"),
    status(201, json={**ACCEPTED, "total_cost": "much"}),
    status(201, json=ACCEPTED),
    error(httpx.PoolTimeout),
    error(httpx.LocalProtocolError, "k3y"),
    lambda: httpx.Response(201, headers={"Content-Encoding": "gzip"}, stream=Parts(b"no gzip")),
]


@given(
    st.lists(st.sampled_from(ANSWERS), min_size=6, max_size=6),
    st.sampled_from([{}, {"request_id": "mine"}, {"simulation_mode": True}]),
    st.builds(Retries, attempts=st.integers(1, 6)),
)
def test_both_try_alike_and_raise_the_same(
    answers: list[Any], chosen: dict[str, Any], retries: Retries
) -> None:
    setup = {"retries": retries}

    one, other = (
        outcome(door, Script(*answers), "Hello.", NUMBERS, setup=setup, **chosen) for door in DOORS
    )

    assert one == other


@given(
    st.integers(1, 12),
    st.integers(1, 5),
    st.dictionaries(
        st.sampled_from(numbers(12)), st.lists(st.sampled_from([*BEFORE, *AFTER]), max_size=3)
    ),
    st.booleans(),
)
def test_both_send_campaigns_alike(
    count: int,
    largest: int,
    faults: dict[str, list[str]],
    marks: bool,  # noqa: FBT001
) -> None:
    def sent(door: Door) -> Any:
        api, told = Api(faults), list[Progress]()
        summary = door.send_campaign(
            api,
            "Hello.",
            numbers(count),
            largest_frame=largest,
            concurrency=1,
            request_ids=marks,
            progress=told.append,
        )
        return summary, told, api.sent, [request.content for request in api.requests]

    assert sent(SYNC) == sent(ASYNC)


# ── its own ──────────────────────────────────────────────────────────────


def client_of(answer: Any, **given_settings: Any) -> AsyncVoiceClient:
    transport = httpx.MockTransport(answer)
    return AsyncVoiceClient(LOGIN, KEY, base_url=HERE, transport=transport, **given_settings)


def test_a_closed_client_sends_nothing() -> None:
    async def main() -> None:
        client = client_of(always(good))
        await client.aclose()
        with pytest.raises(InvalidRequest, match="this client is closed; make another one"):
            await client.send("Hello.", NUMBERS)
        with pytest.raises(InvalidRequest, match="this client is closed; make another one"):
            await client.send_campaign("Hello.", NUMBERS)

    anyio.run(main)


def test_a_closed_client_of_the_other_kind_sends_nothing_either() -> None:
    client = VoiceClient(LOGIN, KEY, base_url=HERE, transport=httpx.MockTransport(always(good)))
    client.close()

    with pytest.raises(InvalidRequest, match="closed"):
        client.send("Hello.", NUMBERS)
    with pytest.raises(InvalidRequest, match="closed"):
        client.send_campaign("Hello.", NUMBERS)


@both
def test_a_client_is_open_until_it_is_left(door: Door) -> None:
    if door is SYNC:
        transport = httpx.MockTransport(always(good))
        with VoiceClient(LOGIN, KEY, base_url=HERE, transport=transport) as one:
            assert one.send("Hello.", NUMBERS) == one.send("Hello.", NUMBERS)
        assert one._http.is_closed  # noqa: SLF001
        return

    async def main() -> None:
        async with client_of(always(good)) as other:
            assert await other.send("Hello.", NUMBERS) == await other.send("Hello.", NUMBERS)
        assert other._http.is_closed  # noqa: SLF001

    anyio.run(main)


class Carrier(Closed, httpx.MockTransport):
    """It remembers whether it was closed."""


@both
@pytest.mark.parametrize("real_calls", [False, True])
def test_a_client_that_is_left_closes_its_transport(door: Door, *, real_calls: bool) -> None:
    carrier = Carrier(always(good))

    door.send(always(good), setup={"transport": carrier, "real_calls": real_calls})

    assert carrier.closed


def test_several_tasks_may_use_one() -> None:
    script, told = Script(*[good] * 5), list[CampaignAccepted]()

    async def main() -> None:
        async with client_of(script) as client:

            async def one(number: str) -> None:
                told.append(await client.send("Hello.", [number]))

            async with anyio.create_task_group() as group:
                for number in numbers(5):
                    group.start_soon(one, number)

    anyio.run(main)

    assert sorted(numbers_of(request)[0] for request in script.requests) == numbers(5)
    assert len(told) == 5


def steps_of(path: Path) -> list[tuple[int, str]]:
    lines = path.read_bytes().splitlines()[1:]
    return [(step["frame"], step["state"]) for step in map(json.loads, lines)]


class Slow:
    """An API that answers the frames that it is told to, and leaves the others waiting."""

    def __init__(self, *answered: int) -> None:
        self.api = Api()
        self.waiting = 0
        self.cancelled = 0
        self._answered = {numbers(20)[2 * number] for number in answered}

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if numbers_of(request)[0] in self._answered:
            return self.api(request)
        self.waiting += 1
        try:
            await anyio.sleep_forever()
        except BaseException:
            self.cancelled += 1
            raise
        raise AssertionError


async def campaign(answer: Any, journal: Path, **given_options: Any) -> Any:
    async with client_of(answer) as client:
        return await client.send_campaign(
            "Hello.", numbers(20), largest_frame=2, journal=journal, **given_options
        )


def test_a_cancelled_campaign_leaves_those_on_their_way_in_doubt(tmp_path: Path) -> None:
    journal, slow = tmp_path / "campaign.jsonl", Slow(0)

    async def main() -> None:
        with anyio.CancelScope() as scope:
            await campaign(slow, journal, concurrency=3, progress=lambda _: scope.cancel())
        assert scope.cancelled_caught

    anyio.run(main)

    assert dict(steps_of(journal)) == {0: "sent", 1: "sending", 2: "sending"}
    assert slow.cancelled == slow.waiting

    summary = ASYNC.send_campaign(
        slow.api, "Hello.", numbers(20), largest_frame=2, journal=journal, resume=True
    )
    assert [one.number for one in summary.unknown] == [1, 2]
    assert len(slow.api.called) == len({*slow.api.called}) == 16


def test_a_cancelled_task_is_cancelled(tmp_path: Path) -> None:
    """By asyncio's own means, as a web server does it."""
    journal, slow = tmp_path / "campaign.jsonl", Slow(0)

    async def main() -> None:
        told = asyncio.Event()
        task = asyncio.create_task(
            campaign(slow, journal, concurrency=2, progress=lambda _: told.set())
        )
        await told.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    anyio.run(main)

    assert dict(steps_of(journal))[0] == "sent"
    assert "sent" not in [state for number, state in steps_of(journal) if number]


def test_what_had_come_back_before_a_cancel_is_written_down(tmp_path: Path) -> None:
    journal, slow, told = tmp_path / "campaign.jsonl", Slow(0, 1, 2), list[Progress]()

    async def main() -> None:
        with anyio.CancelScope() as scope:

            def progress(one: Progress) -> None:
                told.append(one)
                scope.cancel()

            await campaign(slow, journal, concurrency=4, progress=progress)

    anyio.run(main)

    assert dict(steps_of(journal)) == {0: "sent", 1: "sent", 2: "sent", 3: "sending"}
    assert len(told) == 1


def test_an_error_and_then_a_cancel_leaves_the_rest_in_doubt(tmp_path: Path) -> None:
    journal, slow = tmp_path / "campaign.jsonl", Slow(0)

    def failing(_: Progress) -> None:
        raise ValueError

    async def main() -> None:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:

                async def cancel_then() -> None:
                    while not journal.exists() or '"sent"' not in journal.read_text():
                        await anyio.lowlevel.checkpoint()
                    scope.cancel()

                group.start_soon(cancel_then)
                await campaign(slow, journal, concurrency=2, progress=failing)
        assert scope.cancelled_caught

    anyio.run(main)

    assert dict(steps_of(journal)) == {0: "sent", 1: "sending"}


def test_a_sleeping_call_can_be_cancelled() -> None:
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await anyio.sleep_forever()

    async def main() -> None:
        async with client_of(always(error(httpx.ConnectError)), sleep=sleep) as client:
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as group:

                    async def one() -> None:
                        await client.send("Hello.", NUMBERS)

                    group.start_soon(one)
                    while not slept:
                        await anyio.lowlevel.checkpoint()
                    scope.cancel()

    anyio.run(main)

    assert len(slept) == 1
