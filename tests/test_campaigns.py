"""Campaigns in frames: everybody once, nobody twice, and the truth about the rest."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate, count
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import NOON
from doors import (
    ACCEPTED,
    DAY,
    DOORS,
    HERE,
    KEY,
    LOGIN,
    SYNC,
    Api,
    Door,
    Time,
    body_of,
    numbers,
    numbers_of,
    status,
)
from voice_client import (
    AcceptedButUnreadable,
    AlreadyAccepted,
    AuthenticationError,
    CampaignAccepted,
    FieldError,
    ForbiddenError,
    HeldBack,
    InsufficientCredit,
    InvalidRequest,
    JournalError,
    NotSent,
    OutcomeUnknown,
    Progress,
    RateLimited,
    RepeatedRequest,
    Retries,
    ServerError,
    SourceError,
    State,
    Timeout,
    UnexpectedStatus,
    ValidationFailed,
    VoiceClient,
    prepare,
)
from voice_client import requests as made
from voice_client.campaigns import Campaign, Job, Plan, begun
from voice_client.journal import Journal
from voice_client.settings import Access

both = pytest.mark.parametrize("door", DOORS, ids=repr)
marked = pytest.mark.parametrize("marks", [False, True], ids=["plain", "marked"])
ONCE = {"retries": Retries(attempts=1)}
TWO = {"largest_frame": 2}
ACCESS = Access(LOGIN, KEY, HERE)


def first_of(number: int, size: int = 2) -> str:
    """The first number of a frame."""
    return numbers(number * size + 1)[-1]


def send(door: Door, api: Any, count: int = 6, **options: Any) -> Any:
    """What becomes of so many numbers in frames of two, one try each."""
    return door.send_campaign(
        api, "Hello.", numbers(count), **{"setup": ONCE, **TWO, "concurrency": 1, **options}
    )


def states(summary: Any) -> dict[int, State]:
    return {one.number: one.state for one in summary.problems}


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "campaign.jsonl"


# ── everybody, once ──────────────────────────────────────────────────────


@both
@given(st.integers(1, 30), st.integers(1, 9), st.integers(1, 4))
def test_frames_are_all_recipients_in_order(
    door: Door, count: int, largest: int, concurrency: int
) -> None:
    api = Api()

    summary = send(door, api, count, largest_frame=largest, concurrency=concurrency)

    frames = sorted(numbers_of(request) for request in api.requests)
    assert [number for frame in frames for number in frame] == numbers(count)
    assert max(map(len, frames)) <= largest
    assert len(frames) == -(-count // largest)
    assert (summary.complete, summary.sent, summary.total) == (True, count, count)


@both
def test_one_at_a_time_they_leave_in_order(door: Door) -> None:
    api = Api()

    send(door, api, 7)

    assert api.called == numbers(7)


@both
def test_each_frame_is_what_send_would_send(door: Door) -> None:
    api, alone = Api(), Api()

    send(door, api, 2, list_name="L", voice_gender="male")
    door.send(alone, "Hello.", numbers(2), list_name="L", voice_gender="male")

    assert body_of(api.requests[0]) == body_of(alone.requests[0])
    names = ["content-type", "api-login", "api-key", "user-agent", "content-length"]
    assert [api.requests[0].headers[name] for name in names] == [
        alone.requests[0].headers[name] for name in names
    ]


@both
def test_a_file_is_sent_with_its_doubles_left_out(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("phone_number,first_name\n+33600000001,Ada\n0033600000001,Eve\n+33600000002,\n")
    api = Api()

    summary = door.send_campaign(api, "Hello.", path)

    assert [[*frame] for _, frame in api.sent] == [["+33600000001", "+33600000002"]]
    assert (summary.total, summary.duplicates) == (2, 1)


@both
def test_what_a_format_and_a_region_are_for(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "numbers.txt"
    path.write_text('"0612345678"\n')
    api = Api()

    door.send_campaign(api, "Hello.", path, format="jsonl", region="FR")

    assert api.called == ["+33612345678"]


@both
def test_prepared_recipients_can_be_sent_twice(door: Door) -> None:
    api = Api()
    with prepare(numbers(3)) as prepared:
        for _ in range(2):
            door.send_campaign(api, "Hello.", prepared, **TWO)

    assert sorted(api.called) == sorted(numbers(3) * 2)


@both
def test_nothing_is_sent_of_a_list_with_a_mistake(door: Door, journal: Path) -> None:
    api = Api()

    with pytest.raises(SourceError):
        door.send_campaign(api, "Hello.", [*numbers(3), "abc"], journal=journal, **TWO)
    assert (api.requests, journal.exists()) == ([], False)


@both
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"concurrency": 0}, "concurrency is 0; wanted 1 or more"),
        ({"largest_frame": 0}, "largest_frame is 0; wanted 1 or more"),
        ({"resume": True}, "resume needs the journal of the campaign"),
        ({"resend": [3]}, "no frame 3 to resend; there are 3"),
        ({"resend": {-1, 0}}, "no frame -1 to resend; there are 3"),
        ({"was_sent": [3]}, "no frame 3 that was sent; there are 3"),
        ({"was_sent": [1]}, "was_sent has frame 1, which has not left; wanted one in doubt"),
        ({"resend": [1, 2], "was_sent": [2]}, "frame 2 is both in resend and in was_sent"),
    ],
    ids=str,
)
def test_a_plan_that_does_not_fit_sends_nothing(
    door: Door, wrong: dict[str, Any], message: str
) -> None:
    api = Api()

    with pytest.raises(InvalidRequest) as caught:
        send(door, api, **wrong)
    assert (str(caught.value), api.requests) == (message, [])


@both
def test_a_plan_that_does_not_fit_leaves_no_journal(door: Door, journal: Path) -> None:
    with pytest.raises(InvalidRequest):
        send(door, Api(), journal=journal, resend=[3])

    assert not journal.exists()


# ── what the summary tells ───────────────────────────────────────────────


@both
def test_a_summary_adds_up_what_the_answers_told(door: Door) -> None:
    summary = send(door, Api(price="0.07"), 5)

    assert summary.tickets == tuple(f"voice_{first_of(n)}" for n in range(3))
    assert (summary.called, summary.cost) == (5, Decimal("0.35"))
    assert summary.credit_left == Decimal("99.65")
    assert (summary.problems, summary.unknown, summary.stopped) == ((), (), None)
    assert not summary.simulated


@both
def test_whom_the_api_does_not_count_is_sent_and_not_called(door: Door) -> None:
    """Such as those who opted out."""
    fewer = status(201, json={**ACCEPTED, "number_of_contacts": 1})

    summary = send(door, lambda _: fewer(), 6)

    assert (summary.sent, summary.called, summary.complete) == (6, 3, True)


@both
def test_tickets_are_in_the_order_of_frames(door: Door) -> None:
    summary = send(door, Api(), 20, concurrency=4)

    assert summary.tickets == tuple(f"voice_{first_of(n)}" for n in range(10))


FATES: dict[str, tuple[str, State | None]] = {
    "refused": ("refused", State.NOT_SENT),
    "429": ("429", State.REFUSED),
    "400": ("400", State.REFUSED),
    "reset": ("reset", State.UNKNOWN),
    "500": ("500", State.UNKNOWN),
    "502": ("502", State.UNKNOWN),
    "503, come back": ("503, come back", State.UNKNOWN),
    "silent": ("silent", State.UNKNOWN),
    "redirect": ("redirect", State.UNKNOWN),
    "garbled": ("garbled", None),
    "cut": ("cut", None),
}


@pytest.mark.unmeasured
@both
@pytest.mark.parametrize(("fault", "state"), FATES.values(), ids=FATES)
def test_what_became_of_a_frame_is_listed(door: Door, fault: str, state: State | None) -> None:
    summary = send(door, Api({first_of(1): [fault]}), 6)

    assert states(summary) == ({} if state is None else {1: state})
    assert [(one.first, one.size) for one in summary.problems] == [(2, 2)] * (state is not None)
    assert all(one.why for one in summary.problems)
    assert summary.sent == (6 if state is None else 4)
    assert summary.complete == (state is None)
    assert summary.unknown == (summary.problems if state is State.UNKNOWN else ())


@both
def test_a_frame_that_is_accepted_unreadably_was_sent_without_a_ticket(door: Door) -> None:
    summary = send(door, Api({first_of(1): ["garbled"]}), 6)

    assert (summary.sent, len(summary.tickets), summary.called) == (6, 2, 4)


@both
def test_a_repeat_that_this_campaign_did_not_mark_is_a_refusal(door: Door) -> None:
    """Nobody was called by it, whatever the API says."""
    summary = send(door, lambda _: httpx.Response(400, json=_repeated()), 2)

    assert (states(summary), summary.sent) == ({0: State.REFUSED}, 0)


def _repeated() -> dict[str, Any]:
    return {"code": 400, "message": "No.", "errors": {"request_id": {"code": 120, "message": ""}}}


@both
def test_a_frame_tells_of_its_refusal(door: Door) -> None:
    summary = send(door, Api({first_of(0): ["400"]}), 2)

    assert summary.problems[0].why.startswith("400: Payload validation error. (recipients: 117")


def test_half_a_character_in_an_answer_is_written_down(journal: Path) -> None:
    api = status(404, content=b'{"code": 1, "message": "\\ud800"}')

    summary = send(SYNC, lambda _: api(), 2, journal=journal)

    assert states(summary) == {0: State.REFUSED}
    assert b"404: \\ud800" in journal.read_bytes()


# ── so many at once ──────────────────────────────────────────────────────


class Crowd:
    """Answers nobody before as many are inside as can be, then one of them."""

    def __init__(self, total: int, concurrency: int) -> None:
        self.most = 0
        self._api = Api()
        self._left = total
        self._wanted = concurrency
        self._inside = 0
        self._changed = threading.Condition()

    def _full(self) -> bool:
        return self._inside == min(self._wanted, self._left)

    def sync(self, request: httpx.Request) -> httpx.Response:
        with self._changed:
            self._enter()
            self._changed.notify_all()
            assert self._changed.wait_for(self._full, timeout=60)
            self._leave()
            self._changed.notify_all()
        return self._api(request)

    async def asynchronous(self, request: httpx.Request) -> httpx.Response:
        self._enter()
        # Many times as often as it takes for all the tasks to run.
        for _ in range(10_000):
            if self._full():
                break
            await anyio.lowlevel.checkpoint()
        assert self._full()
        self._leave()
        return self._api(request)

    def _enter(self) -> None:
        self._inside += 1
        self.most = max(self.most, self._inside)

    def _leave(self) -> None:
        self._inside -= 1
        self._left -= 1


@both
@pytest.mark.parametrize("concurrency", [1, 2, 4, 7, 9])
def test_as_many_are_on_their_way_as_allowed_and_no_more(
    door: Door, journal: Path, concurrency: int
) -> None:
    crowd = Crowd(7, concurrency)
    answer: Any = crowd.sync if door is SYNC else crowd.asynchronous

    summary = send(door, answer, 14, concurrency=concurrency, journal=journal)

    assert (summary.complete, crowd.most) == (True, min(concurrency, 7))
    open_frames = accumulate(1 if state == "sending" else -1 for _, state in steps_of(journal))
    assert max(open_frames) == min(concurrency, 7)


# ── the journal ──────────────────────────────────────────────────────────


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The steps in a journal, without a torn one."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.splitlines()[1:]]


def steps_of(path: Path) -> list[tuple[int, str]]:
    return [(line["frame"], line["state"]) for line in lines_of(path)]


@both
@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_frame_is_on_the_disk_before_its_request_leaves(
    door: Door, journal: Path, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    durable = [0]
    fsync = os.fsync

    def noting(number: int) -> None:
        fsync(number)
        found = os.fstat(number)
        if stat.S_ISREG(found.st_mode):
            durable[0] = found.st_size

    monkeypatch.setattr(os, "fsync", noting)
    api, seen = Api(), list[int]()

    def answer(request: httpx.Request) -> httpx.Response:
        on_disk = journal.read_bytes()[: durable[0]]
        number = numbers(10).index(numbers_of(request)[0]) // 2
        seen.append(on_disk.count(b'{"frame":%d,"state":"sending"' % number))
        return api(request)

    send(door, answer, 10, journal=journal, concurrency=concurrency)

    assert seen == [1] * 5


@both
def test_the_journal_says_what_became_of_each_frame(door: Door, journal: Path) -> None:
    faults = {first_of(1): ["silent"], first_of(2): ["400"], first_of(3): ["refused"]}

    send(door, Api({**faults, first_of(4): ["garbled"]}), 10, journal=journal)

    assert [step for step in steps_of(journal) if step[1] != "sending"] == [
        (0, "sent"),
        (1, "unknown"),
        (2, "refused"),
        (3, "not sent"),
        (4, "already sent"),
    ]


@both
def test_a_sent_frame_is_written_with_ticket_and_money(door: Door, journal: Path) -> None:
    send(door, Api(), 2, journal=journal)

    assert lines_of(journal)[1] == {
        "frame": 0,
        "state": "sent",
        "at": "2026-11-23T12:00:00+00:00",
        "ticket": f"voice_{first_of(0)}",
        "contacts": 2,
        "cost": "0.1",
        "residual": "99.9",
    }


@both
def test_the_key_is_not_in_the_journal(door: Door, journal: Path) -> None:
    send(door, Api({first_of(0): ["401"]}), 2, journal=journal)

    assert KEY not in journal.read_text()


@both
def test_a_journal_that_is_there_is_not_written_over(door: Door, journal: Path) -> None:
    send(door, Api(), journal=journal)
    api = Api()

    with pytest.raises(JournalError, match="there is a journal"):
        send(door, api, journal=journal)
    assert api.requests == []


@both
def test_a_campaign_that_is_being_sent_is_not_sent_by_another(door: Door, journal: Path) -> None:
    inner = list[str]()
    api = Api()

    def answer(request: httpx.Request) -> httpx.Response:
        if not inner:
            client = VoiceClient(LOGIN, KEY, base_url=HERE, transport=httpx.MockTransport(api))
            with client, pytest.raises(JournalError) as caught:
                client.send_campaign(
                    "Hello.",
                    numbers(6),
                    journal=journal,
                    resume=True,
                    **TWO,  # type: ignore[arg-type]
                )
            inner.append(str(caught.value))
        return api(request)

    send(door, answer, 6, journal=journal)

    assert "right now" in inner[0]
    assert api.called == numbers(6)


@both
def test_a_journal_in_use_is_not_touched_while_a_line_is_being_written(
    door: Door, journal: Path
) -> None:
    """Half a line, to another process, looks as if a crash had torn it."""
    send(door, Api(), journal=journal)
    half = journal.read_bytes() + b'{"frame":1,"sta'
    journal.write_bytes(half)
    with journal.open("rb") as first:
        fcntl.flock(first, fcntl.LOCK_EX)

        with pytest.raises(JournalError, match="right now"):
            send(door, Api(), journal=journal, resume=True)

        assert journal.read_bytes() == half


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"text": "Goodbye."}, "with another text or other options: its request_sha256"),
    "an option": ({"voice_gender": "male"}, "with another text or other options: its request_"),
    "a simulation": ({"simulate": True}, "request_sha256"),
    "more recipients": ({"recipients": numbers(7)}, "recipients is 6, this one's is 7"),
    "other recipients": (
        {"recipients": [*numbers(5), "+33699999999"]},
        "with other recipients: its ",
    ),
    "another order": ({"recipients": numbers(6)[::-1]}, "recipients_sha256"),
    "other frames": ({"largest_frame": 3}, "largest_frame is 2, this one's is 3"),
    "marks": ({"request_ids": True}, "request_ids is False, this one's is True"),
    "another mark": ({"key": "again"}, "key is '', this one's is 'again'"),
    "another address": (
        {"setup": {"base_url": "http://localhost"}},
        "base_url is 'http://127.0.0.1', this one's is 'http://localhost'",
    ),
}


@both
@pytest.mark.parametrize(("other", "message"), OTHERS.values(), ids=OTHERS)
@pytest.mark.unmeasured
def test_another_campaigns_journal_is_refused_and_says_what_differs(
    door: Door, journal: Path, other: dict[str, Any], message: str
) -> None:
    same: dict[str, Any] = {"text": "Hello.", "recipients": numbers(6), **TWO}
    door.send_campaign(Api(), **same, journal=journal)
    api, before = Api(), journal.read_bytes()

    with pytest.raises(JournalError, match="the journal of another campaign") as caught:
        door.send_campaign(api, **{**same, **other}, journal=journal, resume=True)

    assert message in str(caught.value)
    assert (api.requests, journal.read_bytes()) == ([], before)


@both
def test_another_accounts_journal_is_refused(door: Door, journal: Path) -> None:
    transport = httpx.MockTransport(Api())
    with VoiceClient("eve", "k", base_url=HERE, transport=transport) as client:
        client.send_campaign("Hello.", numbers(6), largest_frame=2, journal=journal)

    with pytest.raises(JournalError, match=f"its login is 'eve', this one's is '{LOGIN}'"):
        send(door, Api(), journal=journal, resume=True)


@both
def test_a_journal_of_frames_that_there_are_not_is_refused(door: Door, journal: Path) -> None:
    send(door, Api(), 6, journal=journal)
    journal.write_text(journal.read_text().replace('"frame":2', '"frame":3'))

    with pytest.raises(JournalError, match="the journal has a frame 3 of 3"):
        send(door, Api(), 6, journal=journal, resume=True)


@both
def test_a_damaged_journal_sends_nothing(door: Door, journal: Path) -> None:
    send(door, Api(), 6, journal=journal)
    content = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([*content[:2], content[2][9:], *content[3:]]))
    api = Api()

    with pytest.raises(JournalError, match=r"campaign\.jsonl:3: no JSON"):
        send(door, api, 6, journal=journal, resume=True)
    assert api.requests == []


# ── after a crash ────────────────────────────────────────────────────────


def cuts(content: bytes) -> Iterator[int]:
    """The end of each line, and places within it."""
    start = 0
    for line in content.splitlines(keepends=True):
        end = start + len(line)
        yield from (start + 1, (start + end) // 2, end - 1, end)
        start = end


def crashed(path: Path) -> tuple[set[int], set[int]]:
    """The frames that a torn journal says were sent, and those of which it does not know."""
    last = dict(steps_of(path))
    sent = {number for number, state in last.items() if state == "sent"}
    return sent, {number for number, state in last.items() if state == "sending"}


@pytest.mark.unmeasured
@both
@marked
@pytest.mark.parametrize("arrived", [False, True], ids=["lost", "arrived"])
def test_after_any_crash_nobody_is_called_twice_and_nobody_is_lost(
    door: Door,
    journal: Path,
    marks: bool,  # noqa: FBT001
    arrived: bool,  # noqa: FBT001
) -> None:
    options = {"journal": journal, "request_ids": marks, "concurrency": 2}
    before = Api()
    send(door, before, 6, **options)
    content = journal.read_bytes()
    assert content.count(b"\n") == 7
    for cut in cuts(content):
        journal.write_bytes(content[:cut])
        sent, doubtful = crashed(journal)
        api = Api()
        for request in before.requests:
            number = numbers(6).index(numbers_of(request)[0]) // 2
            if number in sent or (number in doubtful and arrived):
                api(request)
        api.requests.clear()

        summary = send(door, api, 6, resume=True, **options)

        asked = {numbers(6).index(numbers_of(request)[0]) // 2 for request in api.requests}
        assert asked == {0, 1, 2} - sent - (set() if marks else doubtful)
        lost = {number for number in doubtful if not arrived and not marks}
        assert sorted(api.called) == [n for n in numbers(6) if numbers(6).index(n) // 2 not in lost]
        assert {one.number for one in summary.unknown} == (set() if marks else doubtful)
        assert summary.complete == (marks or not doubtful)


@both
def test_a_finished_campaign_is_not_sent_again(door: Door, journal: Path) -> None:
    first = send(door, Api(), 6, journal=journal)
    api = Api()

    again = send(door, api, 6, journal=journal, resume=True)

    assert api.requests == []
    assert (again.complete, again.tickets, again.cost) == (True, first.tickets, first.cost)
    assert again.credit_left is None


@both
def test_what_was_refused_or_not_sent_is_sent_again(door: Door, journal: Path) -> None:
    faults = {first_of(0): ["400"], first_of(1): ["refused"], first_of(2): ["429"]}
    send(door, Api(faults), 8, journal=journal)
    api = Api()

    summary = send(door, api, 8, journal=journal, resume=True)

    assert (api.called, summary.complete) == (numbers(6), True)


@both
def test_what_was_accepted_unreadably_is_not_sent_again(door: Door, journal: Path) -> None:
    send(door, Api({first_of(0): ["garbled"], first_of(1): ["cut"]}), 4, journal=journal)
    api = Api()

    summary = send(door, api, 4, journal=journal, resume=True)

    assert (api.requests, summary.complete) == ([], True)


@both
def test_what_may_have_been_sent_is_not_sent_again_by_itself(door: Door, journal: Path) -> None:
    send(door, Api({first_of(1): ["silent"]}), 6, journal=journal)
    api = Api()

    summary = send(door, api, 6, journal=journal, resume=True)

    assert (api.requests, states(summary)) == ([], {1: State.UNKNOWN})


@both
def test_a_frame_that_never_said_how_it_ended_is_unknown(door: Door, journal: Path) -> None:
    send(door, Api(), 4, journal=journal)
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:2]))

    summary = send(door, Api(), 4, journal=journal, resume=True)

    assert (summary.sent, summary.unknown[0].number) == (2, 0)
    assert "it was about to leave when the campaign ended" in summary.unknown[0].why


@both
@pytest.mark.parametrize("fault", ["silent", "reset"])
def test_what_may_have_been_sent_is_sent_again_if_it_is_asked_for(
    door: Door, journal: Path, fault: str
) -> None:
    api = Api({first_of(1): [fault], first_of(2): [fault]})
    send(door, api, 6, journal=journal)
    api.requests.clear()

    summary = send(door, api, 6, journal=journal, resume=True, resend=[1])

    assert [numbers_of(request)[0] for request in api.requests] == [first_of(1)]
    assert states(summary) == {2: State.UNKNOWN}


@both
def test_what_was_found_out_to_have_been_sent_is_kept_and_not_sent_again(
    door: Door, journal: Path
) -> None:
    api = Api({first_of(1): ["silent"], first_of(2): ["silent"]})
    send(door, api, 6, journal=journal)
    api.requests.clear()

    first = send(door, api, 6, journal=journal, resume=True, was_sent=[0, 1])
    later = send(door, api, 6, journal=journal, resume=True)
    said_twice = send(door, api, 6, journal=journal, resume=True, was_sent=[1])

    assert api.requests == []
    assert [(one.sent, states(one)) for one in (first, later, said_twice)] == [
        (4, {2: State.UNKNOWN})
    ] * 3


@both
def test_what_was_found_out_is_on_the_disk_before_anything_leaves(
    door: Door, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(door, Api({first_of(1): ["silent"]}), journal=journal)
    synced = list[bytes]()
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(journal.read_bytes()))

    send(door, Api(), journal=journal, resume=True, was_sent=[1])

    assert b'"frame":1,"state":"already sent"' in synced[0]


@both
def test_what_was_refused_cannot_have_been_sent(door: Door, journal: Path) -> None:
    send(door, Api({first_of(1): ["400"]}), 6, journal=journal)

    with pytest.raises(InvalidRequest, match="was_sent has frame 1, which is refused"):
        send(door, Api(), 6, journal=journal, resume=True, was_sent=[1])


@both
def test_what_was_sent_is_not_sent_again_even_if_it_is_asked_for(door: Door, journal: Path) -> None:
    send(door, Api({first_of(1): ["garbled"]}), 6, journal=journal)
    api = Api()

    send(door, api, 6, journal=journal, resume=True, resend=[0, 1, 2])

    assert api.requests == []


@both
@pytest.mark.parametrize("fault", ["refused", "400", "401", "429"])
def test_a_frame_that_is_refused_when_it_is_sent_again_may_still_have_been_sent(
    door: Door, journal: Path, fault: str
) -> None:
    api = Api({first_of(0): ["silent", fault]})
    send(door, api, 2, journal=journal)

    summary = send(door, api, 2, journal=journal, resume=True, resend=[0])

    assert states(summary) == {0: State.UNKNOWN}
    assert summary.problems[0].why.startswith("it may have been sent before; sent again: ")
    assert send(door, api, 2, journal=journal, resume=True).unknown == summary.unknown


@both
def test_a_frame_that_was_refused_is_not_in_doubt_when_it_is_refused_again(
    door: Door, journal: Path
) -> None:
    api = Api({first_of(0): ["400", "400"]})
    send(door, api, 2, journal=journal)

    assert states(send(door, api, 2, journal=journal, resume=True)) == {0: State.REFUSED}


# ── marks ────────────────────────────────────────────────────────────────


@both
def test_marks_are_one_for_each_frame_and_the_same_for_the_same_campaign(
    door: Door, journal: Path
) -> None:
    api, again = Api(), Api()
    send(door, api, 6, request_ids=True)
    send(door, again, 6, request_ids=True, journal=journal)

    marks = [mark for mark, _ in api.sent]
    assert marks == [mark for mark, _ in again.sent]
    assert len({*marks}) == 3
    assert [str(mark).split("-")[1] for mark in marks] == ["0", "1", "2"]


MARKS: dict[str, dict[str, Any]] = {
    "text": {"text": "Goodbye."},
    "option": {"voice_gender": "male"},
    "recipients": {"recipients": numbers(7)},
    "frames": {"largest_frame": 3},
    "key": {"key": "again"},
    "half a character as key": {"key": "\ud800"},
}


@pytest.mark.unmeasured
@both
@pytest.mark.parametrize("other", MARKS.values(), ids=MARKS)
def test_another_campaign_has_other_marks(door: Door, other: dict[str, Any]) -> None:
    same: dict[str, Any] = {"text": "Hello.", "recipients": numbers(6), **TWO, "request_ids": True}
    api, another = Api(), Api()
    door.send_campaign(api, **same)
    door.send_campaign(another, **{**same, **other})

    assert not {mark for mark, _ in api.sent} & {mark for mark, _ in another.sent}


@both
def test_without_marks_none_is_sent(door: Door) -> None:
    api = Api()

    send(door, api, 2)

    assert "request_id" not in body_of(api.requests[0])


@both
def test_a_lost_answer_is_asked_for_again_within_the_run(door: Door) -> None:
    api = Api({first_of(1): ["silent"]})

    summary = send(door, api, 6, request_ids=True, setup={})

    assert (summary.complete, summary.sent, len(summary.tickets)) == (True, 6, 2)
    assert api.called == numbers(6)


@both
def test_the_same_campaign_is_not_sent_twice_within_a_day(door: Door) -> None:
    api = Api()
    send(door, api, 6, request_ids=True)

    again = send(door, api, 6, request_ids=True)

    assert (api.called, again.complete, again.tickets) == (numbers(6), True, ())


HOURS: dict[str, tuple[float, Timeout, bool]] = {
    "at once": (0, Timeout(), True),
    "just in time": (24 * 3600 - 600 - 240 - 1, Timeout(), True),
    "just too late": (24 * 3600 - 600 - 240, Timeout(), False),
    "the next day": (24 * 3600, Timeout(), False),
    "a patient client, in time": (24 * 3600 - 600 - 7200 - 1, Timeout(total=3600), True),
    "a patient client, too late": (24 * 3600 - 600 - 7200, Timeout(total=3600), False),
    "a client that never gives up": (1, Timeout(total=float("inf")), False),
}


@pytest.mark.unmeasured
@both
@pytest.mark.parametrize(("seconds", "timeout", "asked"), HOURS.values(), ids=HOURS)
def test_a_doubtful_frame_is_asked_for_again_while_the_api_remembers(
    door: Door,
    journal: Path,
    seconds: float,
    timeout: Timeout,
    asked: bool,  # noqa: FBT001
) -> None:
    time = Time()
    api = Api({first_of(0): ["silent"]}, time=time)
    options = {"journal": journal, "request_ids": True, "time": time}
    send(door, api, 2, setup={**ONCE, "timeout": timeout}, **options)
    time.seconds += seconds
    api.requests.clear()

    summary = send(door, api, 2, resume=True, setup={**ONCE, "timeout": timeout}, **options)

    assert (len(api.requests), len(summary.unknown)) == ((1, 0) if asked else (0, 1))
    assert api.called == numbers(2)


@both
def test_the_day_is_counted_from_the_first_time_that_it_may_have_been_sent(
    door: Door, journal: Path
) -> None:
    time = Time()
    api = Api({first_of(0): ["reset", "reset"]}, time=time)
    options = {"journal": journal, "request_ids": True, "time": time}
    send(door, api, 2, **options)
    for _ in range(2):
        time.seconds += 15 * 3600
        summary = send(door, api, 2, resume=True, **options)

    assert (len(api.requests), len(summary.unknown)) == (2, 1)


# ── when it stops ────────────────────────────────────────────────────────

HOPELESS: dict[str, tuple[Callable[[], httpx.Response], str]] = {
    "401": (status(401), "401: Unauthorized"),
    "403": (status(403), "403: Forbidden"),
    "404": (status(404), "404: Not Found"),
    "no credit": (status(400, json={"code": 104, "message": "Broke."}), "400: Broke."),
    "a parameter of all": (
        status(
            400,
            json={
                "code": 400,
                "message": "No.",
                "errors": {"text": {"code": 107, "message": "Text missing."}},
            },
        ),
        "400: No. (text: 107 Text missing.)",
    ),
    "one of all, and one of the frame": (
        status(
            400,
            json={
                "code": 400,
                "message": "No.",
                "errors": {
                    "recipients": {"code": 117, "message": "Bad."},
                    "text": {"code": 107, "message": "Text missing."},
                },
            },
        ),
        "400: No. (recipients: 117 Bad.; text: 107 Text missing.)",
    ),
}


@both
@pytest.mark.parametrize(("answer", "why"), HOPELESS.values(), ids=HOPELESS)
def test_what_would_be_answered_to_every_frame_ends_it(
    door: Door, answer: Callable[[], httpx.Response], why: str
) -> None:
    api = Api()

    def other(request: httpx.Request) -> httpx.Response:
        return answer() if numbers_of(request)[0] == first_of(1) else api(request)

    summary = send(door, other, 8)

    assert (summary.sent, summary.stopped) == (2, why)
    assert states(summary) == {1: State.REFUSED, 2: State.NOT_SENT, 3: State.NOT_SENT}
    assert [one.why for one in summary.problems] == [why] * 3


def test_the_first_reason_to_end_it_is_the_one_that_is_told() -> None:
    campaign: Campaign
    with ready(10) as campaign:
        one, other = campaign.batch(2)
        campaign.settle(one, AuthenticationError(401, 401, "Who?"))
        campaign.settle(other, ForbiddenError(403, 403, "No."))

        assert campaign.stopped == "401: Who?"


@both
@pytest.mark.parametrize("fault", ["400", "429", "refused", "silent", "garbled"])
def test_what_is_about_one_frame_does_not_end_it(door: Door, fault: str) -> None:
    summary = send(door, Api({first_of(1): [fault]}), 8)

    assert (summary.stopped, len(summary.problems)) == (None, 0 if fault == "garbled" else 1)


@both
@pytest.mark.parametrize("fault", ["429", "refused", "silent", "500", "garbled"])
def test_a_server_that_says_nothing_of_use_five_times_in_a_row_ends_it(
    door: Door, fault: str
) -> None:
    api = Api({number: [fault] for number in numbers(20)})

    summary = send(door, api, 20)

    assert len(api.requests) == 5
    assert summary.stopped.startswith("5 frames in a row without a verdict, the last: ")


@both
@pytest.mark.parametrize("between", ["none", "400"])
def test_four_in_a_row_do_not(door: Door, between: str) -> None:
    faults = {first_of(n): [between if n == 4 else "silent"] for n in range(9)}

    summary = send(door, Api(faults), 18)

    assert (summary.stopped, len(summary.unknown)) == (None, 8)


@both
def test_what_is_on_its_way_when_it_ends_is_waited_for(door: Door, journal: Path) -> None:
    """The first frame is refused while the others are still under way."""
    api = Api({first_of(0): ["401"]})
    gate = Gate(door, api, lambda number: number != first_of(0))

    summary = send(
        door, gate.answer, 12, concurrency=3, journal=journal, progress=lambda _: gate.open()
    )

    assert (summary.sent, len(api.requests)) == (4, 3)
    assert sorted(steps_of(journal)[3:]) == [(0, "refused"), (1, "sent"), (2, "sent")]


class Gate:
    """Holds requests back until it is opened."""

    def __init__(self, door: Door, api: Api, held: Callable[[str], bool]) -> None:
        self._opened = threading.Event()
        self._api = api
        self._held = held
        self.open = self._opened.set
        self.answer: Any = self._sync if door is SYNC else self._async

    def _sync(self, request: httpx.Request) -> httpx.Response:
        if self._held(numbers_of(request)[0]):
            assert self._opened.wait(60)
        return self._api(request)

    async def _async(self, request: httpx.Request) -> httpx.Response:
        while self._held(numbers_of(request)[0]) and not self._opened.is_set():
            await anyio.lowlevel.checkpoint()
        return self._api(request)


# ── credit ───────────────────────────────────────────────────────────────


@both
def test_it_stops_before_the_credit_runs_out(door: Door) -> None:
    api = Api(credit="0.25")

    summary = send(door, api, 10)

    assert (api.called, len(api.requests)) == (numbers(4), 2)
    assert summary.stopped == (
        "the credit left is 0.05 euros, and the next frame of 2 costs about 0.10; "
        "add credit, then resume"
    )


@both
def test_credit_for_exactly_the_next_frame_is_enough(door: Door) -> None:
    assert send(door, Api(credit="0.30"), 6).complete


@both
def test_once_there_is_credit_again_it_goes_on(door: Door, journal: Path) -> None:
    api = Api(credit="0.25")
    send(door, api, 10, journal=journal)
    api.credit += 1

    summary = send(door, api, 10, journal=journal, resume=True)

    assert (api.called, summary.complete, summary.stopped) == (numbers(10), True, None)
    assert (summary.cost, summary.credit_left) == (Decimal("0.5"), Decimal("0.75"))


@both
def test_the_price_of_an_earlier_run_is_remembered(door: Door, journal: Path) -> None:
    api = Api({first_of(1): ["401"]}, price="10", credit="100")
    send(door, api, 6, journal=journal)
    api.price, api.credit = Decimal("0.05"), Decimal("10.1")

    summary = send(door, api, 6, journal=journal, resume=True)

    assert summary.stopped.startswith("the credit left is 10.0 euros")


def ready(count: int, time: Time | None = None, journal: Path | None = None, **options: Any) -> Any:
    """A campaign that is sent by hand."""
    plan = Plan(largest_frame=2, journal=journal, **options)
    template = made.template("Hello.", {})
    return begun(numbers(count), template, ACCESS, plan, (time or Time()).runtime)


def taken(job: Job, credit: float, cost: float = 0.10) -> CampaignAccepted:
    return CampaignAccepted(f"voice_{job.frame.number}", job.frame.size, cost, 30, credit)


def test_frames_on_their_way_are_paid_for_first() -> None:
    campaign: Campaign
    with ready(10) as campaign:
        one, other = campaign.batch(2)
        campaign.settle(one, taken(one, 0.15))

        assert campaign.batch(1) == []
        assert campaign.stopped is None

        campaign.settle(other, taken(other, 0.15))

        assert [job.frame.number for job in campaign.batch(1)] == [2]


def test_if_they_leave_too_little_it_stops() -> None:
    campaign: Campaign
    with ready(10) as campaign:
        one, other = campaign.batch(2)
        campaign.settle(one, taken(one, 0.15))
        campaign.batch(1)
        campaign.settle(other, taken(other, 0.05))

        assert campaign.batch(2) == []
        assert "the credit left is 0.05 euros" in str(campaign.stopped)


def test_a_batch_counts_its_own_frames() -> None:
    campaign: Campaign
    with ready(10) as campaign:
        (one,) = campaign.batch(1)
        campaign.settle(one, taken(one, 0.25))

        assert [job.frame.number for job in campaign.batch(4)] == [1, 2]


def test_of_answers_that_overtake_one_another_the_least_credit_is_the_latest() -> None:
    campaign: Campaign
    with ready(10) as campaign:
        one, other = campaign.batch(2)
        campaign.settle(other, taken(other, 0.05))
        campaign.settle(one, taken(one, 0.15))

        assert campaign.progress.credit_left == Decimal("0.05")


def test_the_dearest_frame_says_what_the_next_one_costs() -> None:
    campaign: Campaign
    with ready(10) as campaign:
        one, other = campaign.batch(2)
        campaign.settle(one, taken(one, 1, cost=0.60))
        campaign.settle(other, taken(other, 0.5, cost=0.02))

        assert campaign.batch(1) == []
        assert "costs about 0.6;" in str(campaign.stopped)


def test_what_counts_nobody_is_as_dear_as_it_is() -> None:
    campaign: Campaign
    with ready(10) as campaign:
        (one,) = campaign.batch(1)
        campaign.settle(one, CampaignAccepted("voice_0", 0, 0.3, 30, 0.5))

        assert campaign.batch(1) == []


# ── simulations ──────────────────────────────────────────────────────────


@both
def test_a_simulation_calls_nobody_and_tells_the_cost(door: Door) -> None:
    api = Api(credit="0.01")

    summary = send(door, api, 6, simulate=True, request_ids=True)

    assert api.sent == []
    assert (summary.complete, summary.simulated, summary.cost) == (True, True, Decimal("0.3"))
    assert summary.credit_left == Decimal("0.01")
    for request in api.requests:
        assert body_of(request)["simulation_mode"] is True
        assert "request_id" not in body_of(request)


@both
def test_a_simulation_says_if_the_credit_does_not_pay(door: Door) -> None:
    short, enough = (
        send(door, Api(credit=credit), simulate=True).stopped for credit in ("0.25", "0.30")
    )

    assert (short, enough) == ("the credit does not pay for it: 0.05 euros missing", None)


@both
def test_a_simulation_that_was_stopped_says_what_stopped_it(door: Door) -> None:
    api = Api({first_of(1): ["401"]}, credit="0.05")

    assert "401" in send(door, api, simulate=True).stopped


@both
def test_simulate_comes_before_the_option(door: Door) -> None:
    api = Api()

    assert send(door, api, 2, simulate=True, simulation_mode=False).simulated
    assert api.sent == []


@both
def test_the_option_simulates_too(door: Door) -> None:
    api = Api()

    assert send(door, api, 2, simulation_mode=True).simulated
    assert api.sent == []


@both
@pytest.mark.parametrize("fault", ["silent", "400", "refused"])
def test_a_simulation_can_be_asked_for_again(door: Door, journal: Path, fault: str) -> None:
    api = Api({first_of(1): [fault]})
    send(door, api, 6, simulate=True, journal=journal)

    assert send(door, api, 6, simulate=True, journal=journal, resume=True).complete


@both
def test_a_simulation_that_is_refused_when_it_is_asked_for_again_is_refused(
    door: Door, journal: Path
) -> None:
    api = Api({first_of(0): ["silent", "400"]})
    send(door, api, 2, simulate=True, journal=journal)

    summary = send(door, api, 2, simulate=True, journal=journal, resume=True)

    assert states(summary) == {0: State.REFUSED}


@both
def test_a_simulated_campaigns_journal_does_not_stand_for_the_real_one(
    door: Door, journal: Path
) -> None:
    send(door, Api(), 6, simulate=True, journal=journal)

    with pytest.raises(JournalError, match="another campaign"):
        send(door, Api(), 6, journal=journal, resume=True)


# ── when it is sent ──────────────────────────────────────────────────────

SOON = NOON + timedelta(hours=1)


@both
@pytest.mark.parametrize("simulate", [False, True])
def test_a_campaign_whose_moment_has_passed_is_refused_and_not_begun(
    door: Door, journal: Path, *, simulate: bool
) -> None:
    api = Api()

    with pytest.raises(InvalidRequest, match="has passed"):
        send(door, api, send_at=NOON, journal=journal, simulate=simulate)

    assert (api.requests, journal.exists()) == ([], False)


@both
def test_a_campaign_that_was_begun_in_time_is_ended_late(door: Door, journal: Path) -> None:
    api = Api({first_of(1): ["400"]})
    send(door, api, journal=journal, send_at=SOON)

    late = Time(begin=SOON)
    summary = send(door, api, journal=journal, resume=True, send_at=SOON, time=late)

    assert (summary.complete, sorted(api.called)) == (True, numbers(6))


def slow(time: Time) -> tuple[Api, Callable[[httpx.Request], httpx.Response]]:
    """An API that takes half an hour for an answer."""
    api = Api(time=time)

    def answer(request: httpx.Request) -> httpx.Response:
        time.seconds += 1800
        return api(request)

    return api, answer


@both
@pytest.mark.parametrize("resume", [False, True])
def test_no_frame_leaves_once_the_moment_has_passed_and_resuming_sends_the_rest(
    door: Door, journal: Path, *, resume: bool
) -> None:
    time = Time()
    api, answer = slow(time)
    given = {"journal": journal, "send_at": SOON, "time": time}
    if resume:
        send(door, Api({first_of(0): ["401"]}), 8, **given)

    summary = send(door, answer, 8, resume=resume, **given)

    assert summary.stopped == (
        f"send_at {SOON.isoformat()} has passed; resume to send what is left at once"
    )
    assert (states(summary), api.called) == (dict.fromkeys((2, 3), State.NOT_SENT), numbers(4))
    assert summary.problems[0].why == summary.stopped

    assert send(door, answer, 8, **given, resume=True).complete
    assert sorted(api.called) == numbers(8)


@both
def test_a_campaign_that_ends_as_its_moment_passes_has_not_stopped(door: Door) -> None:
    time = Time()

    summary = send(door, slow(time)[1], 4, send_at=SOON, time=time)

    assert (summary.complete, summary.stopped) == (True, None)


@both
def test_a_simulation_ends_late(door: Door) -> None:
    time = Time()

    assert send(door, slow(time)[1], 8, send_at=SOON, time=time, simulate=True).complete


# ── progress ─────────────────────────────────────────────────────────────


@both
def test_progress_is_told_after_each_frame(door: Door) -> None:
    told = list[Progress]()
    time = Time()
    api = Api({first_of(1): ["400"], first_of(2): ["silent"]}, credit="10", time=time)

    def answer(request: httpx.Request) -> httpx.Response:
        time.seconds += 4
        return api(request)

    send(door, answer, 7, progress=told.append, time=time)

    credit = [Decimal("9.9")] * 3 + [Decimal("9.75")]
    cost = [Decimal("0.1")] * 3 + [Decimal("0.15")]
    assert told == [
        Progress(4, 1, 7, 2, 0, 0, cost[0], credit[0], 0.5, 10),
        Progress(4, 2, 7, 2, 2, 0, cost[1], credit[1], 0.5, 6),
        Progress(4, 3, 7, 2, 2, 2, cost[2], credit[2], 0.5, 2),
        Progress(4, 4, 7, 3, 2, 2, cost[3], credit[3], 7 / 16, 0),
    ]


def test_without_time_there_is_no_rate() -> None:
    told = list[Progress]()

    send(SYNC, Api(), 2, progress=told.append)

    assert (told[0].rate, told[0].eta) == (None, None)


@both
def test_frames_of_an_earlier_run_count_unless_they_are_sent_again(
    door: Door, journal: Path
) -> None:
    faults = {first_of(1): ["400"], first_of(2): ["silent"], first_of(3): ["refused"]}
    send(door, Api(faults), 10, journal=journal)
    told = list[Progress]()

    send(door, Api(), 10, journal=journal, resume=True, progress=told.append)

    done = [(one.frames_done, one.sent, one.failed, one.unknown) for one in told]
    assert done == [(4, 6, 0, 2), (5, 8, 0, 2)]


FATE: dict[str, tuple[Callable[[Job], Any], State]] = {
    "accepted": (lambda job: taken(job, 50), State.SENT),
    "accepted before": (lambda _: AlreadyAccepted("m"), State.ALREADY_SENT),
    "repeated": (lambda _: RepeatedRequest(400, 120, "."), State.ALREADY_SENT),
    "unreadable": (lambda _: AcceptedButUnreadable("."), State.ALREADY_SENT),
    "unknown": (lambda _: OutcomeUnknown("."), State.UNKNOWN),
    "failed": (lambda _: ServerError(500, "."), State.UNKNOWN),
    "too many": (lambda _: RateLimited(429, 1, "."), State.REFUSED),
    "not sent": (lambda _: NotSent("."), State.NOT_SENT),
    "held back": (lambda _: HeldBack("."), State.NOT_SENT),
    "refused": (lambda _: ValidationFailed(400, 1, "."), State.REFUSED),
    "recipients": (
        lambda _: ValidationFailed(400, 1, ".", {"recipients": FieldError(1, ".")}),
        State.REFUSED,
    ),
    "text": (
        lambda _: ValidationFailed(400, 1, ".", {"text": FieldError(1, ".")}),
        State.REFUSED,
    ),
    "who": (lambda _: AuthenticationError(401, 1, "."), State.REFUSED),
    "forbidden": (lambda _: ForbiddenError(403, 1, "."), State.REFUSED),
    "broke": (lambda _: InsufficientCredit(400, 104, "."), State.REFUSED),
    "odd": (lambda _: UnexpectedStatus(404, 1, "."), State.REFUSED),
}


@given(st.data(), st.integers(1, 15), st.integers(1, 5))
def test_numbers_add_up_at_every_step(data: st.DataObject, count: int, concurrency: int) -> None:
    told, fates = list[Progress](), dict[int, State]()
    campaign: Campaign
    plan = {"progress": told.append, "request_ids": True}
    with ready(count, **plan) as campaign:
        running, sizes = list[Job](), dict[int, int]()
        while True:
            running += campaign.batch(concurrency - len(running))
            if not running:
                break
            job = running.pop(data.draw(st.integers(0, len(running) - 1)))
            outcome, state = FATE[data.draw(st.sampled_from([*FATE]))]
            campaign.settle(job, outcome(job))
            fates[job.frame.number], sizes[job.frame.number] = state, job.frame.size

            def of(*those: State) -> int:
                return sum(sizes[number] for number, fate in fates.items() if fate in those)

            last = told[-1]
            assert last.sent == of(State.SENT, State.ALREADY_SENT)
            assert last.failed == of(State.REFUSED, State.NOT_SENT)
            assert last.unknown == of(State.UNKNOWN)
            assert (last.frames_done, last.total) == (len(fates), count)
            assert last.cost == Decimal("0.1") * [*fates.values()].count(State.SENT)
        summary = campaign.summary()

    left = sum(one.size for one in summary.problems)
    assert summary.sent + left == summary.total == count
    assert summary.complete == (left == 0)
    assert {one.number for one in summary.unknown} == {
        number for number, fate in fates.items() if fate == State.UNKNOWN
    }
    assert len(summary.tickets) == [*fates.values()].count(State.SENT)
    assert summary.stopped is not None or len(fates) == last.frames
    firsts = {number * 2 for number in range(8)}
    assert count % 2 or {one.first for one in summary.problems} <= firsts


# ── what goes wrong on the way ───────────────────────────────────────────


class Mine(Exception):  # noqa: N818
    """Raised by a callback."""


@both
@pytest.mark.parametrize("kind", [KeyboardInterrupt, Mine, SystemExit])
def test_an_error_of_the_callback_waits_for_the_others_and_writes_them_down(
    door: Door, journal: Path, kind: type[BaseException]
) -> None:
    api = Api()
    gate = Gate(door, api, lambda number: number != first_of(0))

    def progress(_: Progress) -> None:
        gate.open()
        raise kind

    with pytest.raises(kind):
        send(door, gate.answer, 20, concurrency=3, journal=journal, progress=progress)

    assert sorted(steps_of(journal)) == sorted(
        (number, state) for number in range(3) for state in ("sending", "sent")
    )
    assert len(api.requests) == 3


@both
def test_nothing_is_lost_or_sent_twice_after_an_interrupt(door: Door, journal: Path) -> None:
    api = Api()

    def progress(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(door, api, 20, concurrency=3, journal=journal, progress=progress)
    summary = send(door, api, 20, concurrency=3, journal=journal, resume=True)

    assert (summary.complete, sorted(api.called)) == (True, numbers(20))


@pytest.mark.parametrize("moment", range(3, 8))
def test_what_is_interrupted_before_it_leaves_is_not_in_doubt(
    journal: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """While it waits for the disk, say. An event loop raises an interrupt elsewhere."""
    api, waits, fsync = Api(), count(1), os.fsync

    def interrupted(file: int) -> None:
        fsync(file)
        if next(waits) == moment:
            raise KeyboardInterrupt

    monkeypatch.setattr("voice_client.journal.os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        send(SYNC, api, 40, concurrency=3, journal=journal)
    before = dict(steps_of(journal))
    summary = send(SYNC, api, 40, concurrency=3, journal=journal, resume=True)

    assert "not sent" in before.values()
    assert set(before.values()) <= {"sent", "not sent"}
    assert (summary.complete, sorted(api.called)) == (True, numbers(40))


def test_a_frame_that_leaves_at_the_moment_of_an_interrupt_is_not_called_held_back(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, submitted, submit = Api(), count(1), ThreadPoolExecutor.submit

    def interrupted(self: ThreadPoolExecutor, *given: Any) -> Any:
        future = submit(self, *given)
        if next(submitted) == 2:
            raise KeyboardInterrupt
        return future

    with monkeypatch.context() as patched:
        patched.setattr(ThreadPoolExecutor, "submit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            send(SYNC, api, 6, concurrency=3, journal=journal)
    before = dict(steps_of(journal))
    send(SYNC, api, 6, concurrency=3, journal=journal, resume=True)

    assert before == {0: "sent", 1: "sending", 2: "not sent"}
    assert sorted(api.called) == numbers(6)


def test_of_what_is_held_back_nothing_is_told(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the callback would take the interrupt's place, and leave the rest in doubt."""

    def interrupted(_: int) -> None:
        if journal.stat().st_size > len(journal.read_bytes().splitlines(keepends=True)[0]):
            raise KeyboardInterrupt

    def progress(_: Progress) -> None:
        raise Mine

    monkeypatch.setattr("voice_client.journal.os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        send(SYNC, Api(), 6, concurrency=3, journal=journal, progress=progress)

    assert dict(steps_of(journal)) == dict.fromkeys(range(3), "not sent")


@both
def test_a_defect_of_a_transport_is_raised_as_it_is_and_loses_nothing_else(
    door: Door, journal: Path
) -> None:
    defects = list[str]()

    class Defective(Api):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            if numbers_of(request)[0] < first_of(6):
                defects.append(numbers_of(request)[0])
                if len(defects) == 6:
                    gate.open()
                raise Mine
            return super().__call__(request)

    gate = Gate(door, Defective(), lambda number: number >= first_of(6))

    with pytest.raises(Mine):
        send(door, gate.answer, 40, concurrency=12, journal=journal)

    states_ = dict(steps_of(journal))
    assert states_ == {number: "sending" if number < 6 else "sent" for number in range(12)}


@both
@pytest.mark.parametrize("failing", range(1, 7))
def test_a_disk_that_fails_ends_it_with_an_error_of_the_family(
    door: Door, journal: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    """Whatever was written before stands, and no frame leaves that was not written down."""
    api, writes = Api(), [0]
    write = Journal.write

    def full(self: Journal, records: Any, *, durable: bool = False) -> None:
        writes[0] += 1
        if writes[0] >= failing:
            monkeypatch.setattr(os, "fsync", no_space)
            self._file = Broken(self._file)
        write(self, records, durable=durable)

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "write", full)
        with pytest.raises(JournalError, match="No space left on device"):
            send(door, api, 8, concurrency=2, journal=journal)
    monkeypatch.undo()

    written = {number for number, state in steps_of(journal) if state == "sending"}
    sent = {numbers(8).index(called[0]) // 2 for _, called in api.sent}
    assert sent <= written
    summary = send(door, api, 8, concurrency=2, journal=journal, resume=True)
    assert sorted(api.called) == sorted({*api.called})
    assert summary.sent + sum(one.size for one in summary.unknown) == 8


@both
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_ticket_is_not_lost_where_it_could_not_be_written_at_once(
    door: Door, journal: Path, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    """The step is written once more, at the latest when it ends."""
    failed = list[Any]()
    write = Journal.write

    def failing(self: Journal, records: Any, *, durable: bool = False) -> None:
        records = list(records)
        if records[0].state == State.SENT and not failed:
            failed.append(records[0])
            raise JournalError(str(error)) if isinstance(error, OSError) else error
        write(self, records, durable=durable)

    monkeypatch.setattr(Journal, "write", failing)
    with pytest.raises((KeyboardInterrupt, JournalError)):
        send(door, Api(), 6, journal=journal)

    (line,) = [one for one in lines_of(journal) if one.get("state") == "sent"]
    assert (line["frame"], line["ticket"]) == (failed[0].frame, failed[0].ticket)
    summary = send(door, Api(), 6, journal=journal, resume=True)
    assert (summary.complete, len(summary.tickets)) == (True, 3)


class Broken:
    """A file on a disk without space."""

    def __init__(self, file: Any) -> None:
        self._file = getattr(file, "_file", file)
        self.name = self._file.name

    def write(self, _: bytes) -> int:
        raise OSError(28, "No space left on device")

    def close(self) -> None:
        self._file.close()


class Killed(BaseException):
    """The process is gone: nothing is written or sent any more."""


def killing(at: int, *, after: bool, torn: int) -> Any:
    """Journal.write of a process that is killed at its n-th call, before or after it writes."""
    write, calls = Journal.write, [0]

    def killed(self: Journal, records: Any, *, durable: bool = False) -> None:
        calls[0] += 1
        if calls[0] < at:
            write(self, records, durable=durable)
            return
        if calls[0] == at and after:
            write(self, records, durable=durable)
        elif calls[0] == at and not durable:
            file: Any = self._file
            file.write(b'{"frame":0,"state":"sent","at"'[:torn])
            file.flush()
        raise Killed

    return killed


kills = st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.integers(0, 30)), max_size=3)
scripts = st.dictionaries(
    st.sampled_from(numbers(8)[::2]),
    st.lists(st.sampled_from(["none", *FATES]), max_size=4),
)


@given(kills, scripts, st.booleans(), st.sampled_from([0, 3600, 30 * 3600]))
def test_however_often_it_is_killed_nobody_is_called_twice_and_the_rest_is_told(
    tmp_path_factory: pytest.TempPathFactory,
    deaths: list[tuple[int, bool, int]],
    script: dict[str, list[str]],
    marks: bool,  # noqa: FBT001
    pause: int,
) -> None:
    journal = tmp_path_factory.mktemp("journal") / "campaign.jsonl"
    time = Time()
    api = Api(script, time=time)
    options = {"request_ids": marks, "journal": journal, "time": time}
    for at, after, torn in deaths:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Journal, "write", killing(at, after=after, torn=torn))
            try:
                send(SYNC, api, 8, resume=journal.exists(), **options)
            except Killed:
                time.seconds += pause
    script.clear()
    api.faults.clear()
    summary = send(SYNC, api, 8, resume=journal.exists(), **options)

    assert len(api.called) == len({*api.called})
    problems = {one.first: one for one in summary.problems}
    for first in range(0, 8, 2):
        if first not in problems:
            assert numbers(8)[first] in api.called
    assert all(one.state is State.UNKNOWN for one in summary.problems)
    assert not (marks and pause * len(deaths) < DAY / 2 and summary.problems)
    assert summary.stopped is None
