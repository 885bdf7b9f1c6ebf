"""The twin as tests use it: in process, on a port, and one that runs already."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import count
from typing import Any

import httpx
import pytest

import mock_server
from common import BODY, NOON, SEND
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.served import ServeOptions
from mock_server.http.server import CannotListenError, Serving
from mock_server.store.memory import MemoryStore
from mock_server.testing.account import InboxOverflowError, VoiceTwin, attached

pytestmark = pytest.mark.long

NUMBER = "+33612345678"
WAYS = ("in process", "http", "attached")
_logins = count(1)


@pytest.fixture(scope="module", params=WAYS)
def shared(request: pytest.FixtureRequest) -> Iterator[VoiceTwin]:
    with mock_server.running(http=request.param != "in process") as served:
        if request.param != "attached":
            yield served
            return
        with attached(served.base_url) as host:
            yield host.account("attached@example.com", "a-key")


@pytest.fixture
def twin(shared: VoiceTwin) -> VoiceTwin:
    """A new account, reached in each of the ways."""
    return shared.another(f"ada-{next(_logins)}@example.com")


@pytest.fixture
def near() -> Iterator[VoiceTwin]:
    """A twin of its own, in process."""
    with mock_server.running(http=False) as twin:
        yield twin


def send(twin: VoiceTwin, **body: Any) -> httpx.Response:
    with httpx.Client(transport=twin.transport, base_url=twin.base_url) as client:
        return client.post(SEND, json=BODY | body, headers=twin.headers)


def later(action: Callable[[], object]) -> threading.Timer:
    """Do it in another thread, a moment after what follows has begun to wait."""
    timer = threading.Timer(0.1, action)
    timer.start()
    return timer


def failure(verify: Callable[[], object]) -> list[str]:
    with pytest.raises(AssertionError) as raised:
        verify()
    assert not isinstance(raised.value, InboxOverflowError)
    return str(raised.value).splitlines()


# ── what the code under test needs ─────────────────────────────────────────────────


@pytest.mark.unmeasured
def test_transport_and_headers_reach_the_account(twin: VoiceTwin) -> None:
    assert send(twin).status_code == 201
    assert [message.text for message in twin.messages] == ["Hello."]


def test_the_async_transport_reaches_the_account(twin: VoiceTwin) -> None:
    async def post() -> int:
        async with httpx.AsyncClient(
            transport=twin.async_transport, base_url=twin.base_url
        ) as client:
            return (await client.post(SEND, json=BODY, headers=twin.headers)).status_code

    assert asyncio.run(post()) == 201
    twin.assert_sent(times=1)


def test_the_environment_has_url_login_and_key(twin: VoiceTwin) -> None:
    assert twin.environment == {
        "VMS_BASE_URL": twin.base_url,
        "VMS_LOGIN": twin.login,
        "VMS_KEY": twin.key,
    }


def test_url_and_headers_are_those_of_the_contract(twin: VoiceTwin) -> None:
    assert twin.url == twin.base_url + SEND
    assert twin.headers == {"api-login": twin.login, "api-key": twin.key}


def test_magic_values_are_told_with_what_they_do(twin: VoiceTwin) -> None:
    number = next(value for value in twin.magic if value.endswith("429"))

    assert twin.magic[number].startswith("Refused as one request too many")
    assert send(twin, recipients=[{"phone_number": number}]).status_code == 429


def test_a_login_may_be_in_any_script(twin: VoiceTwin) -> None:
    other = twin.another("日本-é@example.com")

    assert other.credit == Decimal("150.00")


def test_it_shows_itself_without_its_key(twin: VoiceTwin) -> None:
    assert repr(twin) == f"VoiceTwin({twin.login!r}, base_url={twin.base_url!r})"


def test_another_account_is_another_account(twin: VoiceTwin) -> None:
    other = twin.another()
    send(twin)

    assert (other.login, other.key) == (f"other-{twin.login}", twin.key)
    assert other.requests == []
    assert other.credit == Decimal("150.00")
    assert twin.credit == Decimal("149.95")


def test_another_account_may_be_named(twin: VoiceTwin) -> None:
    other = twin.another("grace@example.com", "her-key")
    send(other)

    assert other.headers == {"api-login": "grace@example.com", "api-key": "her-key"}
    other.assert_sent(times=1)


def test_an_account_that_was_there_is_forgotten_by_another_of_its_login(twin: VoiceTwin) -> None:
    send(twin)

    again = twin.another(twin.login)

    assert again.requests == []


def test_the_account_has_the_key_it_was_given(twin: VoiceTwin) -> None:
    twin.key = "another-key"

    assert send(twin).status_code == 401


def test_a_login_may_have_any_character_of_a_url(twin: VoiceTwin) -> None:
    odd = twin.another("a b?c#d%41&e=f+g@example.com")
    send(odd)

    odd.assert_sent(times=1)
    assert odd.credit == Decimal("149.95")


# ── what it is like ─────────────────────────────────────────────────────────────


def test_settings_are_set(twin: VoiceTwin) -> None:
    twin.set(
        credit=Decimal("3.5"),
        tariff={"price": Decimal("0.10")},
        opt_outs={NUMBER},
        region="GB",
        voice_addon=True,
    )

    send(twin, recipients=["07911123456"])

    assert twin.messages[0].numbers == ["+447911123456"]
    assert twin.messages[0].total_cost == Decimal("0.10")
    assert twin.credit == Decimal("3.40")


@pytest.mark.unmeasured
@pytest.mark.parametrize("opt_outs", [[NUMBER], (NUMBER,), {NUMBER}, frozenset({NUMBER})])
def test_opt_outs_may_be_any_collection(near: VoiceTwin, opt_outs: Any) -> None:
    near.set(opt_outs=opt_outs)

    assert send(near, auto_delete_optout_contacts=True).status_code == 400


def test_what_is_not_named_is_kept(twin: VoiceTwin) -> None:
    twin.set(credit="7")
    twin.set(mode="strict")

    assert twin.credit == Decimal(7)


def test_strict_refuses_what_lenient_repairs(twin: VoiceTwin) -> None:
    sloppy = {"recipients": NUMBER}

    twin.strict()
    assert send(twin, **sloppy).status_code == 400
    twin.lenient()
    assert send(twin, **sloppy).status_code == 201


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"credit": -1},
            'credit: got -1; expected euros from 0, with at most four decimals, such as "12.50"',
        ),
        (
            {"colour": "red"},
            (
                'colour: got "red"; expected one of credit, key, mode, voice_addon, region, '
                "tariff, opt_outs, callback_url, callback_generation, callback_format, pace, seed"
            ),
        ),
        ({"mode": "cruel"}, 'mode: got "cruel"; expected lenient or strict'),
    ],
)
def test_a_wrong_setting_is_refused_by_field_value_and_what_was_wanted(
    twin: VoiceTwin, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        twin.set(**settings)

    assert twin.credit == Decimal("150.00")


def test_a_forgotten_account_has_nothing_of_what_it_had(twin: VoiceTwin) -> None:
    twin.set(credit="1")
    send(twin)

    twin.forget()

    assert twin.requests == []
    send(twin)
    assert twin.credit == Decimal("149.95")


def test_a_forgotten_account_has_no_credit_to_ask_for(twin: VoiceTwin) -> None:
    twin.forget()

    with pytest.raises(ValueError, match=r"^login: got .*; expected an account; a request opens"):
        _ = twin.credit


# ── the clock ─────────────────────────────────────────────────────────────


def test_a_frozen_clock_stands_still_at_a_moment(twin: VoiceTwin) -> None:
    twin.clock.freeze(NOON)
    send(twin)

    assert twin.clock.now == NOON
    assert twin.requests[0].at == NOON


def test_a_clock_freezes_where_it_is(twin: VoiceTwin) -> None:
    twin.clock.freeze()

    assert twin.clock.now == twin.clock.now


def test_a_clock_that_is_set_runs_on(twin: VoiceTwin) -> None:
    twin.clock.set(NOON)

    assert NOON < twin.clock.now < NOON + timedelta(hours=1)
    assert twin.clock.now < twin.clock.now


def test_a_released_clock_runs_on_from_where_it_stood(twin: VoiceTwin) -> None:
    twin.clock.freeze(NOON)
    twin.clock.release()

    assert NOON < twin.clock.now < NOON + timedelta(hours=1)


def test_a_clock_takes_moments_of_any_zone(twin: VoiceTwin) -> None:
    twin.clock.freeze(NOON.astimezone(timezone(timedelta(hours=5, minutes=30))))

    assert twin.clock.now == NOON


def test_a_clock_advances_by_a_timedelta_or_its_units(twin: VoiceTwin) -> None:
    twin.clock.freeze(NOON)
    twin.clock.advance(timedelta(minutes=30))
    twin.clock.advance(hours=25, seconds=1)

    assert twin.clock.now == NOON + timedelta(hours=25, minutes=30, seconds=1)


def test_a_moment_without_zone_is_refused(twin: VoiceTwin) -> None:
    said = (
        "^2026-11-23T12:00:00 has no time zone; add one: "
        r"moment\.replace\(tzinfo=UTC\)$"
    )
    naive = NOON.replace(tzinfo=None)

    for use in (twin.clock.set, twin.clock.freeze, lambda at: twin.assert_sent(send_at=at)):
        with pytest.raises(ValueError, match=said):
            use(naive)


def test_a_clock_does_not_go_back_behind_a_request(twin: VoiceTwin) -> None:
    twin.clock.freeze(NOON)
    send(twin)

    with pytest.raises(ValueError, match=r"now: got .*; expected not before 2026-11-23T12:00:00"):
        twin.clock.set(NOON - timedelta(seconds=1))


def test_a_clock_does_not_advance_backwards(twin: VoiceTwin) -> None:
    with pytest.raises(ValueError, match=r"advance: got -60.0; expected seconds from 0"):
        twin.clock.advance(minutes=-1)


# ── faults ─────────────────────────────────────────────────────────────


@pytest.mark.unmeasured
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_status_is_injected(twin: VoiceTwin, status: int) -> None:
    twin.faults.status(status, times=1)

    assert [send(twin).status_code, send(twin).status_code] == [status, 201]
    assert twin.faults.met == 1


def test_a_limited_rate_says_when_to_come_again(twin: VoiceTwin) -> None:
    twin.faults.rate_limit(retry_after=7)
    response = send(twin)

    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")


def test_a_named_answer_is_injected(twin: VoiceTwin) -> None:
    twin.faults.answer("forbidden")

    assert send(twin).status_code == 403
    twin.assert_nothing_sent()


def test_a_reset_sends_nothing(twin: VoiceTwin) -> None:
    twin.faults.reset()

    with pytest.raises(httpx.ReadError):
        send(twin)
    twin.assert_nothing_sent()


def test_what_is_dropped_after_commit_is_sent(twin: VoiceTwin) -> None:
    twin.faults.drop_after_commit()

    with pytest.raises(httpx.RemoteProtocolError):
        send(twin)
    twin.assert_sent(times=1)
    assert twin.credit == Decimal("149.95")


def test_a_truncated_body_has_so_many_bytes(twin: VoiceTwin) -> None:
    twin.faults.truncate(bytes=5)

    assert len(send(twin).content) == 5


def test_a_garbled_body_is_no_text(twin: VoiceTwin) -> None:
    twin.faults.garble()

    with pytest.raises(UnicodeDecodeError):
        send(twin).content.decode()


def test_a_wrong_content_type_is_injected(twin: VoiceTwin) -> None:
    twin.faults.wrong_content_type(times=1)
    twin.faults.wrong_content_type(content_type="image/png")

    types = [send(twin).headers["Content-Type"] for _ in range(2)]
    assert types == ["text/html; charset=utf-8", "image/png"]


def test_a_missing_field_is_missing(twin: VoiceTwin) -> None:
    twin.faults.missing_field("ticket_number")

    assert "ticket_number" not in send(twin).json()


@pytest.mark.parametrize("seconds", [0.01, (0.001, 0.01), {"median": 0.001, "sigma": 0.1}])
def test_a_delay_is_fixed_or_drawn(twin: VoiceTwin, seconds: Any) -> None:
    twin.faults.delay(seconds)
    send(twin)

    injected = twin.requests[0].injected
    assert injected is not None
    assert 0.0005 < injected["delay"] <= 0.01


def test_a_fault_meets_only_what_it_matches(twin: VoiceTwin) -> None:
    twin.faults.status(500, match={"text": "code"})

    assert [send(twin, text=text).status_code for text in ("Hello.", "Your code.")] == [201, 500]


def test_faults_are_cleared(twin: VoiceTwin) -> None:
    twin.faults.status(500)
    twin.faults.clear()

    assert send(twin).status_code == 201
    assert twin.faults.met == 0


def test_faults_are_counted(twin: VoiceTwin) -> None:
    twin.faults.status(500, times=2)
    twin.faults.status(503, times=1)

    for _ in range(5):
        send(twin)

    assert twin.faults.met == 3


def test_an_unknown_fault_or_option_is_refused(twin: VoiceTwin) -> None:
    with pytest.raises(ValueError, match=r'^fault: got "explode"; expected '):
        twin.faults.add("explode")
    with pytest.raises(ValueError, match=r"^times: got 0; expected only so many times"):
        twin.faults.reset(times=0)
    with pytest.raises(ValueError, match=r"^often: got 2; expected one of fault, times"):
        twin.faults.reset(often=2)


# ── what arrived ─────────────────────────────────────────────────────────────


@pytest.mark.unmeasured
def test_requests_are_all_and_messages_what_is_sent(twin: VoiceTwin) -> None:
    send(twin, text="One.")
    send(twin, text="")
    send(twin, text="A try.", simulation_mode=True)
    send(twin, text="Later.", send_at="2099-01-01T00:00:00Z")
    twin.faults.status(500)
    send(twin)

    assert [(m.verdict, m.state) for m in twin.requests] == [
        ("accepted", "sent"),
        ("refused", None),
        ("accepted", "simulated"),
        ("accepted", "scheduled"),
        ("injected", None),
    ]
    assert [message.text for message in twin.messages] == ["One.", "Later."]


def test_more_requests_than_a_page_has_are_all_there() -> None:
    with mock_server.running(http=False, most_entries=2_000) as twin:
        twin.set(credit="1000")
        with httpx.Client(transport=twin.transport, base_url=twin.base_url) as client:
            for _ in range(1_001):
                client.post(SEND, content=b"{}", headers=twin.headers)

        assert [message.id for message in twin.requests] == list(range(1, 1_002))


def test_a_message_that_was_sent_is_found(twin: VoiceTwin) -> None:
    send(twin, text="Hello, Ada.", purpose="alert")
    send(twin, text="Hello, Grace.")

    found = twin.assert_sent(number=NUMBER, text=re.compile("Ada"), purpose="alert", times=1)

    assert [message.text for message in found] == ["Hello, Ada."]
    assert len(twin.assert_sent()) == 2
    assert len(twin.assert_sent(text=lambda text: text.startswith("Hello"), times=2)) == 2


def test_a_moment_is_found_whatever_its_offset(twin: VoiceTwin) -> None:
    send(twin, send_at="2099-01-01T13:00:00+01:00")

    twin.assert_sent(send_at=datetime(2099, 1, 1, 12, tzinfo=UTC), state="scheduled")


def test_no_times_is_that_it_was_not_sent(twin: VoiceTwin) -> None:
    send(twin)

    assert twin.assert_sent(text="Goodbye.", times=0) == []
    assert failure(lambda: twin.assert_sent(text="Hello.", times=0))[0] == (
        'Expected 0 messages with text "Hello.", but got 1 message.'
    )


def test_a_simulation_is_no_message(twin: VoiceTwin) -> None:
    send(twin, simulation_mode=True)

    twin.assert_nothing_sent()
    twin.assert_sent(times=0)
    assert failure(twin.assert_sent)[2] == (
        f'The nearest is request {twin.requests[0].id}: 201 simulated to {NUMBER}, "Hello.":'
    )


def test_an_unknown_parameter_is_a_type_error(twin: VoiceTwin) -> None:
    with pytest.raises(TypeError, match=r"^no such parameter: sendr; there are .*, text, type,"):
        twin.assert_sent(sendr="Ada")
    with pytest.raises(TypeError, match=r"^no such parameter: sendr"):
        twin.wait_for_message(sendr="Ada", timeout=0)


def test_that_nothing_was_sent_is_so(twin: VoiceTwin) -> None:
    send(twin, text="")

    twin.assert_nothing_sent()


def test_that_nothing_was_repaired_is_so(twin: VoiceTwin) -> None:
    send(twin)

    twin.assert_no_repairs()


def test_the_inbox_is_told_line_by_line(twin: VoiceTwin) -> None:
    send(twin, text=12)
    send(twin, recipients=[])
    one, two = twin.requests

    first, repair, second, *_, refusal = twin.inbox().splitlines()

    assert first == f'request {one.id}: 201 sent to {NUMBER}, "12"'
    assert repair.startswith('    repair at /text: 12 → "12" (')
    assert second == f'request {two.id}: 400 refused, "Hello."'
    assert refusal.startswith('    refused: {"code": ')


def test_an_empty_inbox_is_told_by_nothing(twin: VoiceTwin) -> None:
    assert twin.inbox() == ""


# ── failures ─────────────────────────────────────────────────────────────


def again(twin: VoiceTwin, body: object = BODY) -> list[str]:
    """The end of a failure: how to send it again."""
    url = "http://127.0.0.1:8010" if twin.base_url.endswith(":9") else twin.base_url
    sent = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    command = (
        f"  curl -i {url}{SEND} -H 'api-login: {twin.login}' -H 'api-key: {twin.key}' "
        f"-H 'Content-Type: application/json' --data-raw '{sent}'"
    )
    hint = ["(after `vms serve` in another terminal)"] if url != twin.base_url else []
    return [command, *hint]


def test_a_failure_shows_the_nearest_the_difference_and_how_to_send_it_again(
    twin: VoiceTwin,
) -> None:
    send(twin, text="Your code is 13.")
    number = twin.requests[0].id

    lines = failure(lambda: twin.assert_sent(number=NUMBER, text="Your code is 12."))

    assert lines == [
        (
            f'Expected at least one message with number "{NUMBER}", text "Your code is 12.", '
            "but got 0 messages."
        ),
        "",
        f'The nearest is request {number}: 201 sent to {NUMBER}, "Your code is 13.":',
        f'    number  as expected: "{NUMBER}"',
        '  ≠ text    expected "Your code is 12."',
        '            got      "Your code is 13."',
        '                     differs from character 15: "3" instead of "2"',
        "",
        "Send it again with:",
        *again(twin, BODY | {"text": "Your code is 13."}),
    ]


def test_a_failure_shows_why_the_nearest_was_refused(near: VoiceTwin) -> None:
    near.set(credit="0")
    send(near)

    lines = failure(near.assert_sent)

    assert lines[0] == "Expected at least one message, but got 0 messages."
    assert lines[2] == 'The nearest is request 1: 400 refused to +33612345678, "Hello.":'
    assert lines[3] == "  All of it is as expected, but no phone rings: refused."
    assert lines[4] == "  What the API does with it:"
    assert lines[5].startswith('    refused: {"code": 104, ')


def test_a_failure_says_that_nothing_arrived(twin: VoiceTwin) -> None:
    assert failure(lambda: twin.assert_sent(times=2)) == [
        "Expected 2 messages, but got 0 messages.",
        (
            "Nothing arrived under this login at all. "
            "Does the code under test use this base URL, login and key?"
        ),
    ]


def test_a_naive_retry_after_a_lost_answer_is_caught(twin: VoiceTwin) -> None:
    twin.faults.drop_after_commit(times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        send(twin)
    send(twin)
    one, two = twin.messages

    dropped = "injected by fault: drop_after_commit (so its caller had no answer)"
    line = f'201 sent to {NUMBER}, "Hello."'
    assert failure(lambda: twin.assert_sent(times=1)) == [
        "Expected 1 message, but got 2 messages.",
        f"  request {one.id}: {line}, {dropped}, ticket {one.ticket_number}",
        f"  request {two.id}: {line}, ticket {two.ticket_number}",
        "  They are the same campaign: everyone in it is called, and paid for, once each time.",
        "  With a request_id the API refuses a repeat within 24 hours.",
    ]


def test_a_repeat_with_a_request_id_is_refused_and_not_counted(twin: VoiceTwin) -> None:
    send(twin, request_id="r1")
    send(twin, request_id="r1")

    twin.assert_sent(times=1)


def test_a_repeat_after_the_memory_of_its_request_id_is_told_without_advice(
    twin: VoiceTwin,
) -> None:
    send(twin, request_id="r1")
    twin.clock.advance(hours=25)
    send(twin, request_id="r1")

    assert failure(lambda: twin.assert_sent(times=1))[-1].startswith("  They are the same campaign")


def test_different_messages_are_not_told_as_a_repeat(twin: VoiceTwin) -> None:
    send(twin, text="One.")
    send(twin, text="Two.")

    assert len(failure(lambda: twin.assert_sent(times=1))) == 3


def test_what_was_sent_though_nothing_should_be_is_told(twin: VoiceTwin) -> None:
    send(twin)
    message = twin.messages[0]

    assert failure(twin.assert_nothing_sent) == [
        "Expected nothing to be sent, but got 1 message.",
        f'  request {message.id}: 201 sent to {NUMBER}, "Hello.", ticket {message.ticket_number}',
    ]


def test_a_scheduled_message_is_no_nothing(twin: VoiceTwin) -> None:
    send(twin, send_at="2099-01-01T00:00:00Z")

    assert "scheduled" in failure(twin.assert_nothing_sent)[1]


def test_what_had_to_be_repaired_is_told(twin: VoiceTwin) -> None:
    send(twin)
    send(twin, recipients=NUMBER)
    number = twin.requests[1].id

    lines = failure(twin.assert_no_repairs)

    assert lines[:4] == [
        "Expected every request to be valid as sent; 1 had to be repaired,",
        "which the real API does without a word.",
        "",
        f'request {number}: 201 sent to {NUMBER}, "Hello.":',
    ]
    assert lines[4].startswith(f'    repair at /recipients: "{NUMBER}" → ')
    assert lines[-len(again(twin)) - 2 :] == [
        "",
        "Send the last again with:",
        *again(twin, BODY | {"recipients": NUMBER}),
    ]


def test_what_was_refused_for_its_repairs_is_told_too(twin: VoiceTwin) -> None:
    twin.strict()
    send(twin, recipients=NUMBER)

    assert "400 refused" in failure(twin.assert_no_repairs)[3]


# ── waiting ─────────────────────────────────────────────────────────────


def test_a_message_that_is_there_is_not_waited_for(twin: VoiceTwin) -> None:
    send(twin, text="One.")
    send(twin, text="Two.")

    assert twin.wait_for_message(timeout=0).text == "One."
    assert twin.wait_for_message(text="Two.", number=NUMBER, timeout=0).text == "Two."


@pytest.mark.unmeasured
def test_a_wait_ends_with_a_message_of_another_thread(twin: VoiceTwin) -> None:
    send(twin, text="One.")
    sending = later(lambda: [send(twin, text="Not yet."), send(twin, text="Two.")])

    assert twin.wait_for_message(text="Two.", timeout=30).text == "Two."
    sending.join()


@pytest.mark.unmeasured
def test_a_wait_of_an_empty_inbox_ends_with_its_first_message(twin: VoiceTwin) -> None:
    sending = later(lambda: send(twin))

    assert twin.wait_for_message(timeout=30).text == "Hello."
    sending.join()


@pytest.mark.unmeasured
def test_a_wait_does_not_end_with_a_message_of_another_account(twin: VoiceTwin) -> None:
    other = twin.another()
    sending = later(lambda: send(other))

    failure(lambda: twin.wait_for_message(timeout=0.3))
    sending.join()


@pytest.mark.unmeasured
def test_a_wait_ends_when_a_scheduled_message_is_due(twin: VoiceTwin) -> None:
    twin.clock.freeze(NOON)
    send(twin, send_at="2026-11-23T13:00:00Z")
    advancing = later(lambda: twin.clock.advance(hours=1))

    assert twin.wait_for_message(timeout=0).state == "scheduled"
    assert twin.wait_for_message(state="sent", timeout=30).state == "sent"
    advancing.join()


def test_a_wait_that_is_over_tells_the_nearest(twin: VoiceTwin) -> None:
    send(twin)

    lines = failure(lambda: twin.wait_for_message(text="Hullo.", timeout=0.01))

    assert lines[0] == 'No message within 0.01 s with text "Hullo.".'
    assert lines[2].startswith("The nearest is request ")
    assert failure(lambda: twin.another().wait_for_message(timeout=0))[0] == (
        "No message within 0 s with any content."
    )


def test_a_wait_may_be_longer_than_the_twin_lets_one_request_wait(
    near: VoiceTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mock_server.testing.account._LONGEST_WAIT", 0.05)
    sending = later(lambda: send(near))

    assert near.wait_for_message(timeout=300).text == "Hello."
    sending.join()


# ── evictions ─────────────────────────────────────────────────────────────


@pytest.fixture
def overflown() -> Iterator[VoiceTwin]:
    with mock_server.running(http=False, most_entries=2) as twin:
        for _ in range(3):
            send(twin, text="")
        yield twin


VERIFICATIONS: list[Callable[[VoiceTwin], object]] = [
    lambda twin: twin.requests,
    lambda twin: twin.messages,
    lambda twin: twin.wait_for_message(timeout=0),
    lambda twin: twin.assert_sent(),
    lambda twin: twin.assert_sent(times=0),
    lambda twin: twin.assert_nothing_sent(),
    lambda twin: twin.assert_no_repairs(),
]


@pytest.mark.unmeasured
@pytest.mark.parametrize("verify", VERIFICATIONS)
def test_no_verification_passes_after_an_eviction(
    overflown: VoiceTwin, verify: Callable[[VoiceTwin], object]
) -> None:
    with pytest.raises(InboxOverflowError) as raised:
        verify(overflown)

    assert str(raised.value) == (
        "The inbox has dropped 1 of the requests of twin@example.com to make space, so what "
        "arrived is not known. By default it keeps 1000: assert more often, or use "
        "mock_server.running(most_entries=...)."
    )


@pytest.mark.parametrize("verify", VERIFICATIONS)
def test_no_verification_passes_if_the_eviction_comes_while_it_reads(
    verify: Callable[[VoiceTwin], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with mock_server.running(http=False, most_entries=2) as twin:
        send(twin)
        send(twin)
        ask = VoiceTwin._get  # noqa: SLF001  (between two of its questions)
        flood = iter([send, send])

        def ask_late(self: VoiceTwin, method: str, path: str, **given: Any) -> dict[str, Any]:
            answer = ask(self, method, path, **given)
            if path.startswith("requests/"):
                for late in flood:
                    late(twin, text="")
            return answer

        monkeypatch.setattr(VoiceTwin, "_get", ask_late)
        with pytest.raises(InboxOverflowError, match="has dropped 2 of the requests"):
            verify(twin)


def test_evictions_of_another_account_falsify_nothing() -> None:
    with mock_server.running(http=False, most_entries=3) as twin:
        other = twin.another()
        for _ in range(3):
            send(other)
        send(twin)

        twin.assert_sent(times=1)
        with pytest.raises(InboxOverflowError):
            other.assert_sent()


def test_the_inbox_tells_what_it_dropped(overflown: VoiceTwin) -> None:
    first, second, *_ = overflown.inbox().splitlines()

    assert first == "1 earlier ones were dropped to make space"
    assert second.startswith("request 2: ")


def test_a_forgotten_account_starts_without_evictions(overflown: VoiceTwin) -> None:
    again = overflown.another(overflown.login)

    again.assert_nothing_sent()


# ── running ─────────────────────────────────────────────────────────────


def test_a_running_twin_is_an_account_of_its_own_server() -> None:
    with mock_server.running(login="ada@example.com", key="a-key") as twin:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", twin.base_url)
        assert twin.environment["VMS_LOGIN"] == "ada@example.com"
        send(twin)
        twin.assert_sent(times=1)

    with pytest.raises(httpx.ConnectError):
        httpx.get(twin.base_url, trust_env=False)


@pytest.mark.unmeasured
def test_two_twins_run_side_by_side() -> None:
    with mock_server.running() as one, mock_server.running() as two:
        send(one)

        assert one.base_url != two.base_url
        two.assert_nothing_sent()


def test_a_running_twin_may_be_strict_for_every_account(near: VoiceTwin) -> None:
    with mock_server.running(http=False, strict=True) as twin:
        assert send(twin, recipients=NUMBER).status_code == 400
        assert send(twin.another(), recipients=NUMBER).status_code == 400
    assert send(near, recipients=NUMBER).status_code == 201


def test_a_taken_port_is_told() -> None:
    with mock_server.running() as twin:
        port = int(twin.base_url.rpartition(":")[2])

        with pytest.raises(CannotListenError), mock_server.running(port=port):
            pass


def test_a_contract_of_ones_own_is_served(tmp_path: Any) -> None:
    with pytest.raises(Exception, match="nowhere"), mock_server.running(
        http=False, contract=tmp_path / "nowhere.yaml"
    ):  # fmt: skip
        pass


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    with mock_server.running() as twin:
        send(twin)
        twin.assert_sent(times=1)


def test_a_slash_at_the_end_of_the_url_does_not_matter() -> None:
    with mock_server.running() as served, attached(f"{served.base_url}/") as host:
        assert host.base_url == served.base_url


@pytest.mark.unmeasured
def test_many_accounts_at_once_count_exactly() -> None:
    with mock_server.running() as twin, ThreadPoolExecutor(8) as pool:
        accounts = [twin.another(f"ada-{number}@example.com") for number in range(8)]
        for _ in pool.map(send, accounts * 5):
            pass

        for account in accounts:
            account.assert_sent(times=5)
            assert account.credit == Decimal("149.75")


# ── what is no twin ─────────────────────────────────────────────────────────────


def test_where_no_twin_answers_the_error_says_how_to_start_one() -> None:
    with (
        attached("http://127.0.0.1:9") as host,
        pytest.raises(ConnectionError) as raised,
    ):
        host.account("ada@example.com", "a-key")

    said = r"no twin answers at http://127\.0\.0\.1:9 \(.+\); start one with `vms serve`"
    assert re.fullmatch(said, str(raised.value))


@pytest.mark.parametrize(
    ("status", "content"),
    [
        ("404 Not Found", b"<h1>Not Found</h1>"),
        ("404 Not Found", b"[]"),
        ("404 Not Found", b'{"detail": "Not Found"}'),
        ("404 Not Found", b'"no"'),
        ("302 Found", b""),
        ("200 OK", b"<h1>Welcome</h1>"),
        ("200 OK", b"[1]"),
    ],
)
def test_another_kind_of_server_is_told_as_such(status: str, content: bytes) -> None:
    def other(_: Any, start_response: Any) -> list[bytes]:
        start_response(status, [("Content-Length", str(len(content)))])
        return [content]

    with (
        Serving(other) as serving,
        attached(serving.url) as host,
        pytest.raises(ValueError, match=r"is that a twin\?") as raised,
    ):
        host.account("ada@example.com", "a-key")

    answer = f"{serving.url}/_twin/accounts/ada%40example.com answers {status}"
    assert str(raised.value) == f"{answer}; is that a twin?"


def test_a_token_opens_a_twin_that_wants_one(contract: Any) -> None:
    application = create_app(Twin(contract, MemoryStore()), ServeOptions(token="a-token"))
    with Serving(application) as serving:
        with attached(serving.url, token="a-token") as host:
            twin = host.account("ada@example.com", "a-key")
            send(twin)
            twin.assert_sent(times=1)
        with (
            attached(serving.url, token="another") as host,
            pytest.raises(ValueError, match=r"^Authorization: got no token, or another; expected"),
        ):
            host.account("ada@example.com", "a-key")


def test_the_package_has_nothing_but_what_it_names() -> None:
    with pytest.raises(AttributeError, match="module 'mock_server' has no attribute 'runing'"):
        _ = mock_server.runing
