"""When a request is sent again, when not, and how long that takes."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from itertools import pairwise
from random import Random as Chance
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import NOON
from doors import (
    ACCEPTED,
    AFTER,
    AWAY,
    BEFORE,
    DOORS,
    NUMBERS,
    OUT_OF_CREDIT,
    REPEATED,
    SYNC,
    Api,
    Bound,
    Door,
    Script,
    Time,
    always,
    body_of,
    error,
    good,
    status,
)
from voice_client import (
    AcceptedButUnreadable,
    AlreadyAccepted,
    AuthenticationError,
    CampaignAccepted,
    ForbiddenError,
    HeldBack,
    InsufficientCredit,
    InvalidRequest,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    Refused,
    RepeatedRequest,
    Retries,
    ServerError,
    Timeout,
    UnexpectedStatus,
    ValidationFailed,
)

both = pytest.mark.parametrize("door", DOORS, ids=repr)


repeated = status(400, json=REPEATED)
# What becomes of one try: its answer, and the error of a call that ends with it.
CERTAIN: dict[str, tuple[Any, type]] = {
    "no connection": (error(httpx.ConnectError, "refused"), NotSent),
    "no connection in time": (error(httpx.ConnectTimeout), NotSent),
    "no free connection": (error(httpx.PoolTimeout), NotSent),
    "no proxy": (error(httpx.ProxyError, "no"), NotSent),
    "too many": (status(429), RateLimited),
    "too many, come back": (status(429, "1"), RateLimited),
}
DOUBTFUL: dict[str, tuple[Any, type]] = {
    "silence": (error(httpx.ReadTimeout), OutcomeUnknown),
    "half sent": (error(httpx.WriteTimeout), OutcomeUnknown),
    "reset": (error(httpx.ReadError, "reset"), OutcomeUnknown),
    "hung up": (error(httpx.RemoteProtocolError, "gone"), OutcomeUnknown),
    "500": (status(500), ServerError),
    "502": (status(502), ServerError),
    "503": (status(503), ServerError),
    "500, come back": (status(500, "1"), ServerError),
    "503, come back some day": (status(503, "soon"), ServerError),
    "302": (status(302), OutcomeUnknown),
}
NOT_DONE: dict[str, tuple[Any, type]] = {
    "503, come back": (status(503, "1"), ServerError),
    "503, come back at once": (status(503, "0"), ServerError),
    "503, come back then": (status(503, "Mon, 23 Nov 2026 12:00:09 GMT"), ServerError),
}
FINAL: dict[str, tuple[Any, type]] = {
    "400": (status(400), ValidationFailed),
    "401": (status(401), AuthenticationError),
    "403": (status(403), ForbiddenError),
    "404": (status(404), UnexpectedStatus),
    "408": (status(408), UnexpectedStatus),
    "out of credit": (status(400, json=OUT_OF_CREDIT), InsufficientCredit),
    "garbled 201": (status(201, text="{"), AcceptedButUnreadable),
    "204": (status(204), AcceptedButUnreadable),
    "401, come back": (status(401, "1"), AuthenticationError),
    "201, come back": (status(201, "1"), AcceptedButUnreadable),
}


def table(*tables: dict[str, tuple[Any, type]]) -> Any:
    rows = {name: row for one in tables for name, row in one.items()}
    return pytest.mark.parametrize(("answer", "kind"), rows.values(), ids=rows)


def answers(*tables: dict[str, tuple[Any, type]]) -> Any:
    rows = {name: answer for one in tables for name, (answer, _) in one.items()}
    return pytest.mark.parametrize("answer", rows.values(), ids=rows)


PLAIN: dict[str, Any] = {}
MARKED = {"request_id": "mine"}
SIMULATED = {"simulation_mode": True}


def tried(door: Door, *answers: Any, **options: Any) -> tuple[Any, int]:
    """What becomes of a call, and how often it was tried."""
    script = Script(*answers)
    return door.told(script, "Hello.", NUMBERS, **options), len(script.requests)


# ── whether ──────────────────────────────────────────────────────────────


@both
@pytest.mark.parametrize("options", [PLAIN, MARKED, SIMULATED], ids=str)
@answers(CERTAIN, NOT_DONE)
@pytest.mark.unmeasured
def test_what_was_certainly_not_done_is_tried_again(door: Door, answer: Any, options: Any) -> None:
    outcome, tries = tried(door, answer, good, **options)

    assert (type(outcome), tries) == (CampaignAccepted, 2)


@both
@table(DOUBTFUL)
def test_what_may_have_been_sent_is_not_tried_again(door: Door, answer: Any, kind: type) -> None:
    outcome, tries = tried(door, answer, good)

    assert (type(outcome), tries) == (kind, 1)


@pytest.mark.unmeasured
@both
@pytest.mark.parametrize("options", [MARKED, SIMULATED], ids=str)
@answers(DOUBTFUL)
def test_what_may_have_been_sent_is_tried_again_where_a_repeat_calls_nobody(
    door: Door, answer: Any, options: Any
) -> None:
    outcome, tries = tried(door, answer, good, **options)

    assert (type(outcome), tries) == (CampaignAccepted, 2)


@both
@pytest.mark.parametrize("options", [PLAIN, MARKED, SIMULATED], ids=str)
@table(FINAL)
@pytest.mark.unmeasured
def test_a_verdict_is_final(door: Door, answer: Any, kind: type, options: Any) -> None:
    outcome, tries = tried(door, answer, good, **options)

    assert (type(outcome), tries) == (kind, 1)


@both
def test_what_is_held_back_is_not_tried_again(door: Door) -> None:
    time = Time()

    outcome = door.told(always(good), setup={"base_url": AWAY}, time=time)

    assert (type(outcome), time.slept) == (HeldBack, [])


@both
@pytest.mark.parametrize("mark", ["", " ", "\t\n", 5, ["a"]])
def test_a_mark_that_the_api_does_not_remember_is_none(door: Door, mark: Any) -> None:
    script = Script(error(httpx.ReadTimeout), good)

    outcome = door.told(script, "Hi.", NUMBERS, request_id=mark, setup={"validate": "off"})

    assert (type(outcome), len(script.requests)) == (OutcomeUnknown, 1)
    assert body_of(script.requests[0])["request_id"] == mark


@both
def test_a_simulation_that_is_none_is_not_tried_again(door: Door) -> None:
    script = Script(error(httpx.ReadTimeout), good)

    door.told(script, "Hi.", NUMBERS, simulation_mode="true", setup={"validate": "off"})

    assert len(script.requests) == 1


@both
@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_there_are_no_more_tries_than_attempts(door: Door, attempts: int) -> None:
    script = Script(*[error(httpx.ConnectError, "refused")] * 9)

    outcome = door.told(script, setup={"retries": Retries(attempts=attempts)})

    assert (type(outcome), len(script.requests)) == (NotSent, attempts)


@both
def test_every_try_sends_the_same(door: Door) -> None:
    script = Script(error(httpx.ReadTimeout), status(503), good)

    door.send(script, "Hello.", NUMBERS, request_id="mine")

    assert len({request.content for request in script.requests}) == 1
    assert len({tuple(request.headers.raw) for request in script.requests}) == 1


# ── what it means in the end ─────────────────────────────────────────────


@pytest.mark.unmeasured
@both
@answers(DOUBTFUL, NOT_DONE)
def test_a_repeat_of_a_doubtful_try_was_accepted_by_it(door: Door, answer: Any) -> None:
    assert tried(door, answer, repeated, **MARKED) == (AlreadyAccepted("mine"), 2)


@both
def test_a_repeat_at_the_first_try_is_not_of_this_call(door: Door) -> None:
    outcome, tries = tried(door, repeated, **MARKED)

    assert (type(outcome), tries) == (RepeatedRequest, 1)


@both
@answers(CERTAIN)
def test_a_repeat_after_tries_that_did_not_send_it_is_not_of_this_call(
    door: Door, answer: Any
) -> None:
    outcome, tries = tried(door, answer, repeated, **MARKED)

    assert (type(outcome), tries) == (RepeatedRequest, 2)


@both
def test_a_doubtful_try_is_remembered_past_those_that_did_not_send_it(door: Door) -> None:
    answers = (error(httpx.ReadTimeout), error(httpx.ConnectError, "refused"), repeated)

    assert tried(door, *answers, **MARKED) == (AlreadyAccepted("mine"), 3)


@both
def test_a_simulation_leaves_no_mark_to_be_repeated(door: Door) -> None:
    outcome, _ = tried(door, error(httpx.ReadTimeout), repeated, **SIMULATED, **MARKED)

    assert type(outcome) is RepeatedRequest


@both
def test_without_a_mark_nothing_was_accepted_by_an_earlier_try(door: Door) -> None:
    outcome, _ = tried(door, status(503, "1"), repeated)

    assert type(outcome) is OutcomeUnknown


LATER: dict[str, tuple[Any, type]] = {**CERTAIN, **FINAL}
for accepted in ("garbled 201", "204", "201, come back"):
    del LATER[accepted]


@pytest.mark.unmeasured
@both
@table(LATER)
def test_what_may_have_been_sent_is_never_told_as_not_sent(
    door: Door, answer: Any, kind: type
) -> None:
    outcome, _ = tried(door, error(httpx.ReadTimeout), *[answer] * 2, **MARKED)

    assert type(outcome) is OutcomeUnknown
    assert type(outcome.__cause__) is kind
    assert str(outcome.__cause__) in str(outcome)


@both
@answers(LATER)
def test_a_503_that_was_tried_again_leaves_it_open(door: Door, answer: Any) -> None:
    outcome, _ = tried(door, status(503, "1"), *[answer] * 2)

    assert type(outcome) is OutcomeUnknown


@pytest.mark.unmeasured
@both
@table(LATER)
def test_a_simulation_is_never_in_doubt(door: Door, answer: Any, kind: type) -> None:
    outcome, _ = tried(door, error(httpx.ReadTimeout), *[answer] * 2, **SIMULATED)

    assert type(outcome) is kind


@both
@table(
    {
        "429": (status(429, "3"), InvalidRequest),
        "503, come back": (status(503, "3"), OutcomeUnknown),
        "no connection": (error(httpx.ConnectError), InvalidRequest),
    }
)
def test_no_further_try_leaves_once_the_moment_has_passed(
    door: Door, answer: Any, kind: type
) -> None:
    moment = NOON + timedelta(seconds=0.5)

    outcome, tries = tried(door, answer, good, send_at=moment)

    assert (type(outcome), tries) == (kind, 1)
    assert f"send_at {moment.isoformat()} has passed, so the API would send at once" in str(outcome)


@both
def test_a_simulation_is_tried_again_though_its_moment_has_passed(door: Door) -> None:
    outcome, tries = tried(
        door, status(503, "3"), good, send_at=NOON + timedelta(seconds=1), **SIMULATED
    )

    assert (type(outcome), tries) == (CampaignAccepted, 2)


@both
def test_a_2xx_is_known_whatever_came_before(door: Door) -> None:
    answers = (error(httpx.ReadTimeout), status(201, text="{"))

    assert type(tried(door, *answers, **MARKED)[0]) is AcceptedButUnreadable


@both
def test_the_last_error_is_told_as_it_is_if_it_is_as_doubtful(door: Door) -> None:
    answers = (error(httpx.ReadTimeout), status(500), status(502))

    outcome, _ = tried(door, *answers, **MARKED)

    assert (type(outcome), outcome.status) == (ServerError, 502)


# ── how long ─────────────────────────────────────────────────────────────


def waits(door: Door, *answers: Any, chance: Chance | None = None, **setup: Any) -> Any:
    """What was slept before each further try."""
    time = Time(chance)
    door.told(Script(*answers), "Hi.", NUMBERS, request_id="mine", setup=setup, time=time)
    return time.slept


REFUSED = error(httpx.ConnectError, "refused")


@both
def test_the_bound_doubles_up_to_the_longest(door: Door) -> None:
    retries = Retries(attempts=8, first=0.5, longest=8)

    assert waits(door, *[REFUSED] * 8, retries=retries) == [0.5, 1, 2, 4, 8, 8, 8]


@both
def test_a_wait_may_be_none_at_all(door: Door) -> None:
    assert waits(door, REFUSED, REFUSED, good, chance=Bound(0)) == [0, 0]


@both
@pytest.mark.parametrize("told", ["7", "Mon, 23 Nov 2026 12:00:07 GMT"])
@pytest.mark.parametrize("code", [429, 500, 503])
def test_retry_after_is_honoured(door: Door, told: str, code: int) -> None:
    assert waits(door, status(code, told), good, chance=Bound(0)) == [7]


@both
def test_whoever_was_told_to_come_back_does_not_come_all_at_once(door: Door) -> None:
    assert waits(door, status(429, "7"), good) == [7.5]


@both
def test_a_date_is_counted_from_the_answer(door: Door) -> None:
    then = status(429, "Mon, 23 Nov 2026 12:00:10 GMT")

    assert waits(door, REFUSED, then, good, retries=Retries(first=4)) == [4, 6 + 8]


@both
@pytest.mark.parametrize("code", [429, 500, 503])
@pytest.mark.parametrize(("told", "slept"), [("60", [60]), ("61", []), ("9" * 400, [])])
def test_one_that_asks_for_too_much_ends_the_tries(
    door: Door, code: int, told: str, slept: Any
) -> None:
    retries = Retries(longest_asked=60)

    assert waits(door, status(code, told), good, chance=Bound(0), retries=retries) == slept


@both
@pytest.mark.parametrize(
    ("timeout", "slept"),
    [
        (Timeout(read=5, total=35), [10, 10, 10]),
        (Timeout(read=5.1, total=35), [10, 10]),
        (Timeout(read=30, total=40), [10, 10, 10]),
        (Timeout(read=30, total=39.9), [10, 10]),
        (Timeout(read=30, total=9), []),
    ],
)
def test_no_try_begins_without_time_for_its_answer(
    door: Door, timeout: Timeout, slept: list[float]
) -> None:
    retries = Retries(attempts=99, first=10, longest=10)

    assert waits(door, *[REFUSED] * 99, retries=retries, timeout=timeout) == slept


@both
def test_an_endless_retry_after_is_not_waited_for(door: Door) -> None:
    retries = Retries(longest_asked=float("inf"))

    assert waits(door, status(429, "9" * 400), good, retries=retries) == []


@pytest.mark.unmeasured
@both
def test_thousands_of_tries_are_no_trouble(door: Door) -> None:
    setup = {"retries": Retries(attempts=1100), "timeout": Timeout(total=float("inf"))}

    assert len(waits(door, *[REFUSED] * 1100, **setup)) == 1099


@both
def test_a_try_may_take_as_long_as_is_left(door: Door) -> None:
    setup = {
        "timeout": Timeout(connect=15, read=30, total=40),
        "retries": Retries(first=10, longest=20),
    }
    script = Script(REFUSED, REFUSED, good)

    door.told(script, setup=setup)

    timeouts = [request.extensions["timeout"] for request in script.requests]
    assert [one["connect"] for one in timeouts] == [15, 15, 10]
    assert [one["read"] for one in timeouts] == [30, 30, 10]


@both
def test_each_answer_may_be_as_long_as_another(door: Door) -> None:
    long = {"content": json.dumps(ACCEPTED).ljust(700_000)}

    outcome, tries = tried(door, status(500, **long), status(201, **long), **MARKED)

    assert (type(outcome), tries) == (CampaignAccepted, 2)


@both
@pytest.mark.parametrize("part", ["read", "write", "pool"])
def test_no_part_of_a_try_waits_for_ever(door: Door, part: str) -> None:
    script = Script(good)
    endless = Timeout(float("inf"), float("inf"), float("inf"))

    door.send(script, setup={"timeout": endless})

    # Sockets take no more than 24 days.
    assert script.requests[0].extensions["timeout"][part] == 86_400


@both
def test_a_try_that_comes_too_late_has_a_moment(door: Door) -> None:
    time = Time()
    script = Script(REFUSED, good)
    setup = {"sleep": lambda seconds: time.sleep(seconds + 1000)}

    door.told(script, setup=setup, time=time)

    assert script.requests[1].extensions["timeout"]["read"] == 0.001


@both
def test_each_further_try_is_told_to_the_log(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "voice_client"):
        waits(door, error(httpx.ConnectError, "no"), status(429, "7"), good)

    assert [record.getMessage() for record in caplog.records if record.name == "voice_client"] == [
        "try 1: NotSent: nothing was sent to http://127.0.0.1: ConnectError: no; again in 0.5 s",
        "try 2: RateLimited: 429: Too Many Requests; again in 8.0 s",
    ]


@given(
    st.randoms(use_true_random=True),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    st.integers(1, 40),
    st.floats(0.001, 1e6),
)
def test_each_wait_is_within_its_bound_and_all_within_the_total(
    chance: Chance, first: float, longest: float, attempts: int, total: float
) -> None:
    retries = Retries(attempts=attempts, first=first, longest=longest)
    setup = {"retries": retries, "timeout": Timeout(total=total)}

    slept = waits(SYNC, *[REFUSED] * attempts, chance=chance, **setup)

    assert all(0 <= wait <= min(first * 2**number, longest) for number, wait in enumerate(slept))
    assert sum(slept) <= total - min(30, total / 4)
    assert len(slept) < attempts


@given(st.randoms(use_true_random=True))
def test_waits_are_spread_over_all_of_the_bound(chance: Chance) -> None:
    retries = Retries(attempts=41, first=1, longest=1)

    slept = waits(SYNC, *[REFUSED] * 41, chance=chance, retries=retries)

    assert min(slept) < 0.5 < max(slept)
    assert len({*slept}) == 40


# ── at most once ─────────────────────────────────────────────────────────


faults = st.lists(st.sampled_from(["none", *BEFORE, *AFTER]), max_size=6)
SENT = {
    CampaignAccepted: {1},
    AlreadyAccepted: {1},
    AcceptedButUnreadable: {1},
    OutcomeUnknown: {0, 1},
    ServerError: {0, 1},
}


@pytest.mark.parametrize("mark", [None, "mine"])
@given(faults=faults, attempts=st.integers(1, 6))
def test_a_call_is_sent_at_most_once_and_told_truly(
    mark: str | None, faults: list[str], attempts: int
) -> None:
    api = Api({NUMBERS[0]: faults})
    setup = {"retries": Retries(attempts=attempts)}

    outcome = SYNC.told(api, "Hello.", NUMBERS, request_id=mark, setup=setup)

    assert len(api.sent) in SENT.get(type(outcome), {0})
    assert type(outcome) in SENT or isinstance(outcome, NotSent | Refused)


calls = st.tuples(st.sampled_from([None, "one", "two"]), faults)


@given(st.lists(calls, max_size=5))
def test_one_mark_is_sent_at_most_once_however_often_it_is_called_with(
    made: list[tuple[str | None, list[str]]],
) -> None:
    api = Api()
    for mark, scripted in made:
        api.faults = {NUMBERS[0]: [*scripted]}
        before = len(api.sent)

        outcome = SYNC.told(api, "Hello.", NUMBERS, request_id=mark)

        known = type(outcome) in {CampaignAccepted, AcceptedButUnreadable} and not scripted
        assert len(api.sent) - before <= 1
        assert len(api.sent) > before or not known
        if isinstance(outcome, NotSent | Refused):
            assert len(api.sent) == before
    marks = [mark for mark, _ in api.sent if mark is not None]
    assert len(marks) == len({*marks})


@given(faults)
def test_with_enough_tries_a_marked_call_is_sent_exactly_once(scripted: list[str]) -> None:
    passing = [fault for fault in scripted if fault not in {"400", "401", "garbled", "cut"}]
    api = Api({NUMBERS[0]: passing})
    setup = {"retries": Retries(attempts=7)}

    outcome = SYNC.told(api, "Hello.", NUMBERS, request_id="mine", setup=setup)

    assert api.sent == [("mine", tuple(NUMBERS))]
    assert isinstance(outcome, CampaignAccepted | AlreadyAccepted)


def test_the_waits_of_a_table_grow() -> None:
    slept = waits(SYNC, *[REFUSED] * 5, retries=Retries(attempts=5))

    assert all(before < after for before, after in pairwise(slept))
