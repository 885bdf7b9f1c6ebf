"""What of a request matches an expectation, what comes nearest, and what is said of it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

import mock_server
from common import BODY, SEND
from mock_server.testing.account import VoiceTwin
from mock_server.testing.messages import Message, explained, fits, nearest, quoted

NUMBER = "+33612345678"


def message(number: int = 1, **given: Any) -> Message:
    """One that was accepted, as the inbox has it; ``body`` is what the API read."""
    document = {
        "id": number,
        "at": "2026-11-23T12:00:00+00:00",
        "path": SEND,
        "verdict": "accepted",
        "status": 201,
        "state": "sent",
        "notes": [],
        "total_cost": "0.05",
        "injected": None,
        "query": "",
        "content_type": "application/json",
        "raw": "{}",
        "body": {"text": "Hello.", "recipients": [{"phone_number": NUMBER}]},
        "answer": {"status": 201, "body": {}},
        "campaign": {"ticket_number": "voice_1"},
    }
    return Message(document | given)


def saying(text: str, number: int = 1) -> Message:
    return message(number, body={"text": text, "recipients": [{"phone_number": NUMBER}]})


def note(**given: Any) -> dict[str, Any]:
    return {
        "path": "/text",
        "kind": "repair",
        "before": 1,
        "after": "1",
        "summary": "A number becomes a text.",
        "stakes": "normal",
    } | given


# ── what is there ─────────────────────────────────────────────────────────────


def test_a_message_has_what_the_inbox_has() -> None:
    whole = message()

    assert (whole.id, whole.status, whole.verdict, whole.state) == (1, 201, "accepted", "sent")
    assert whole.at == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert (whole.text, whole.numbers) == ("Hello.", [NUMBER])
    assert (whole.ticket_number, whole.total_cost) == ("voice_1", Decimal("0.05"))
    assert (whole.notes, whole.repairs, whole.injected) == ([], [], None)


def test_a_request_that_could_not_be_read_has_nothing_in_it() -> None:
    unread = message(body=None, campaign=None, state=None, total_cost=None)

    assert (unread.body, unread.text, unread.numbers) == ({}, "", [])
    assert (unread.ticket_number, unread.total_cost, unread.is_sent) == (None, 0, False)


@pytest.mark.parametrize(
    ("state", "rings"), [("sent", True), ("scheduled", True), ("simulated", False), (None, False)]
)
def test_phones_ring_for_what_is_sent_or_scheduled(state: str | None, rings: object) -> None:
    assert message(state=state).is_sent is rings


def test_advice_is_no_repair() -> None:
    notes = [note(kind=kind) for kind in ("repair", "default", "ignored", "advice")]

    repairs = message(notes=notes).repairs

    assert [repair["kind"] for repair in repairs] == ["repair", "default", "ignored"]


# ── what fits ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("a", "a"),
        (1, 1),
        (True, True),
        (None, None),
        ([{"a": 1}], [{"a": 1}]),
        (re.compile("b+"), "abbc"),
        (str.isdigit, "12"),
        (lambda value: value > 1, 2),
        (datetime(2026, 12, 24, 17, tzinfo=UTC), "2026-12-24T18:00:00+01:00"),
        (datetime(2026, 12, 24, 17, tzinfo=UTC), "2026-12-24t17:00:00.000z"),
    ],
)
def test_a_value_a_pattern_a_moment_and_a_predicate_fit(expected: Any, value: Any) -> None:
    assert fits(expected, value)


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("a", "A"),
        (1, True),
        (True, 1),
        (1, 1.0),
        (1, "1"),
        (None, ""),
        ([1], [True]),
        ([1], []),
        ([1], [1, 2]),
        ({"a": 1}, {}),
        ({"a": 1}, {"a": 1, "b": 2}),
        (re.compile("b"), "a"),
        (re.compile("1"), 1),
        (str.isdigit, "x"),
        (datetime(2026, 12, 24, 18, tzinfo=UTC), "2026-12-24T18:00:00+01:00"),
        (datetime(2026, 12, 24, 18, tzinfo=UTC), "tomorrow"),
        (datetime(2026, 12, 24, 18, tzinfo=UTC), 1),
    ],
)
def test_another_value_or_the_same_of_another_type_does_not_fit(expected: Any, value: Any) -> None:
    assert not fits(expected, value)


def test_a_number_matches_if_it_is_any_of_those_called() -> None:
    two = message(body={"recipients": [{"phone_number": NUMBER}, {"phone_number": "+447400123"}]})

    assert two.matches({"number": "+447400123"})
    assert two.matches({"number": re.compile(r"^\+336")})
    assert not two.matches({"number": "+33698765432"})


def test_every_expected_value_must_be_there() -> None:
    assert message().matches({"number": NUMBER, "text": "Hello."})
    assert not message().matches({"number": NUMBER, "text": "Hullo."})


def test_a_parameter_that_was_not_sent_fits_nothing() -> None:
    assert not message().matches({"purpose": None})
    assert not message().matches({"purpose": lambda _: True})


def test_the_state_can_be_expected() -> None:
    assert message(state="scheduled").matches({"state": "scheduled"})


# ── what is nearest ─────────────────────────────────────────────────────────────


def test_the_nearest_has_most_of_the_values() -> None:
    one = message(1, body={"purpose": "wholesale"})
    two = message(2, body={"purpose": "alert", "sender": "Ada"})
    expected = {"purpose": "alert", "sender": "Ada", "text": "Hello."}

    assert nearest([two, one], expected) is two
    assert nearest([one, two], expected) is two


def test_of_texts_the_most_alike_is_nearest() -> None:
    far, near = saying("Good morning."), saying("Your code is 13.", 2)

    assert nearest([near, far], {"text": "Your code is 12."}) is near
    assert nearest([far, near], {"text": "Your code is 12."}) is near


def test_a_number_that_is_alike_is_nearer_than_another() -> None:
    near = message(1, body={"recipients": [{"phone_number": "+33612345679"}]})
    far = message(2, body={"recipients": [{"phone_number": "+447400123456"}]})
    none = message(3, body={"recipients": []})

    assert nearest([none, near, far], {"number": NUMBER}) is near


def test_a_value_that_is_there_is_nearer_than_any_that_is_alike() -> None:
    alike = message(1, body={"text": "Hello!"})
    there = message(2, body={"purpose": "alert"})
    expected = {"text": "Hello.", "purpose": "alert"}

    assert nearest([there, alike], expected) is there


def test_of_equals_the_latest_is_nearest() -> None:
    first, second = message(1), message(2)

    assert nearest([second, first], {"text": "Hullo."}) is second
    assert nearest([first, second], {"text": "Hullo."}) is second


def test_of_none_none_is_nearest() -> None:
    assert nearest([], {"text": "Hello."}) is None


# ── what is said ─────────────────────────────────────────────────────────────


def test_a_request_is_told_in_a_line() -> None:
    assert message().line() == f'request 1: 201 sent to {NUMBER}, "Hello."'


def test_of_many_numbers_the_line_has_the_first() -> None:
    contacts = [{"phone_number": f"+3361234567{digit}"} for digit in range(3)]

    line = message(body={"text": "", "recipients": contacts}, state="scheduled").line()

    assert line == "request 1: 201 scheduled to +33612345670 and 2 more"


@pytest.mark.parametrize(
    ("injected", "said"),
    [
        (
            {"by": "fault", "fault": {"fault": "reset"}, "delay": 0},
            "injected by fault: reset (so its caller had no answer)",
        ),
        (
            {"by": "magic", "fault": {"fault": "drop_after_commit"}, "delay": 0},
            "injected by magic: drop_after_commit (so its caller had no answer)",
        ),
        (
            {"by": "prefer", "fault": {"fault": "answer", "answer": "forbidden"}, "delay": 0},
            "injected by prefer: answer forbidden",
        ),
        ({"by": "fault", "fault": None, "delay": 2.5}, "injected by fault: delay of 2.5 s"),
    ],
)
def test_the_line_tells_what_was_injected(injected: dict[str, Any], said: str) -> None:
    met = message(body=None, status=None, state=None, verdict="injected", injected=injected)

    assert met.line() == f"request 1: no answer injected, {said}"


def test_differences_are_told_field_by_field() -> None:
    expected = {"number": NUMBER, "text": "Hullo.", "purpose": "alert", "state": re.compile("x")}

    assert message().differences(expected) == [
        f'    number   as expected: "{NUMBER}"',
        '  ≠ text     expected "Hullo."',
        '             got      "Hello."',
        '                      differs from character 2: "e" instead of "u"',
        '  ≠ purpose  expected "alert"',
        "             got      nothing",
        "  ≠ state    expected re.compile('x')",
        '             got      "sent"',
    ]


@pytest.mark.parametrize(
    ("expected", "got", "said"),
    [
        ("Hullo.", "Hello.", 'character 2: "e" instead of "u"'),
        ("Hello.", "Hello", 'character 6: the end instead of "."'),
        ("Hello", "Hello.", 'character 6: "." instead of the end'),
        ("", "Hello.", 'character 1: "H" instead of the end'),
        ("a b", "a\N{NO-BREAK SPACE}b", r'character 2: "\xa0" instead of " "'),
    ],
)
def test_the_first_character_that_differs_is_told(expected: str, got: str, said: str) -> None:
    assert saying(got).differences({"text": expected})[-1].endswith(f"differs from {said}")


def test_a_moment_is_told_as_the_api_has_it() -> None:
    expected = datetime(2026, 12, 24, 18, tzinfo=UTC)

    assert message(body={"send_at": "2026-12-24T18:00:00+01:00"}).differences(
        {"send_at": expected}
    ) == [
        '  ≠ send_at  expected "2026-12-24T18:00:00+00:00"',
        '             got      "2026-12-24T18:00:00+01:00"',
    ]


def test_every_note_is_told_in_a_line() -> None:
    notes = [
        note(),
        note(path="", kind="ignored", before={"txt": 1}, after=None, did_you_mean="text"),
        note(stakes="high"),
    ]

    assert message(notes=notes).outcome() == [
        '    repair at /text: 1 → "1" (A number becomes a text.)',
        '    ignored at the body: {"txt": 1} → null (A number becomes a text.) Did you mean text?',
        '    repair at /text: 1 → "1" (A number becomes a text.) HIGH STAKES',
    ]


def test_many_notes_are_cut() -> None:
    told = message(notes=[note(path=f"/{number}") for number in range(11)]).outcome()

    assert len(told) == 9
    assert told[7].startswith("    repair at /7")
    assert told[8] == "    and 3 more"


def test_eight_notes_are_all_told() -> None:
    assert len(message(notes=[note()] * 8).outcome()) == 8


def test_why_it_was_refused_is_told() -> None:
    answer = {"status": 400, "body": {"code": 101, "message": "Bad"}}

    told = message(verdict="refused", answer=answer).outcome()

    assert told == ['    refused: {"code": 101, "message": "Bad"}']


def test_a_failed_expectation_is_explained_by_the_nearest() -> None:
    messages = [saying("Good night."), message(2, notes=[note()])]

    assert explained("Wanted more.", messages, {"text": "Hullo."}, lambda _: "curl") == (
        "Wanted more.\n"
        "\n"
        f'The nearest is request 2: 201 sent to {NUMBER}, "Hello.":\n'
        '  ≠ text  expected "Hullo."\n'
        '          got      "Hello."\n'
        '                   differs from character 2: "e" instead of "u"\n'
        "  What the API does with it:\n"
        '    repair at /text: 1 → "1" (A number becomes a text.)\n'
        "\n"
        "Send it again with:\n"
        "  curl"
    )


def test_where_nothing_arrived_the_explanation_asks_for_url_login_and_key() -> None:
    assert explained("Wanted more.", [], {}, lambda _: "curl") == (
        "Wanted more.\n"
        "Nothing arrived under this login at all. "
        "Does the code under test use this base URL, login and key?"
    )


def test_a_long_value_is_cut_in_the_middle() -> None:
    told = quoted("a" * 300 + "b" * 300)

    assert told == f'"{"a" * 99} … {"b" * 99}"'


def test_a_value_with_control_characters_stays_in_its_line() -> None:
    assert quoted({"text": "a\nb\x1b"}) == r'{"text": "a\nb\u001b"}'
    assert quoted(re.compile("\x85")) == r"re.compile('\x85')"


# ── the command that sends it again ─────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def served() -> Iterator[VoiceTwin]:
    with mock_server.running() as twin:
        yield twin


@pytest.fixture
def twin(served: VoiceTwin) -> VoiceTwin:
    return served.another("it's ada@example.com", 'a key\'s "key"')


def command_for(twin: VoiceTwin) -> str:
    """The command that a failure shows."""
    with pytest.raises(AssertionError) as raised:
        twin.assert_sent(text="something else")
    return str(raised.value).rpartition("Send it again with:\n")[2]


def run(command: str) -> str:
    shell = ("sh", "-c", command)
    return subprocess.run(shell, capture_output=True, text=True, check=True).stdout


JSON = "application/json"
BODIES = [
    (b'{"text": "It\'s \\"here\\".", "recipients": ["+33612345678"]}', JSON),
    ('{"text": "Ça a coûté 3 €, 你好 🎉", "recipients": ["0612345678"]}'.encode(), JSON),
    (b'{\n  "text": "Hello.",\n  "recipients": "+33612345678"\n}\n', JSON),
    (b'{"text": "$HOME `id` \\\\ !! %s", "recipients": ["+33612345678"]}', JSON),
    (b"@/etc/hostname", JSON),
    (b"text=Hello.&recipients[0]=%2B33612345678", "application/x-www-form-urlencoded"),
    (b'{"text": "Caf\xe9", "recipients": ["+33612345678"]}', JSON),
    (b"\xef\xbb\xbf" + b'{"text": "Hello.", "recipients": ["+33612345678"]}', JSON),
    (b"\xff\xfe\x00", JSON),
    (b'{"text": "a\x00b\x1b[2J"}', JSON),
    (b"", JSON),
]


@pytest.mark.parametrize(("body", "content_type"), BODIES)
def test_the_printed_command_sends_the_same_bytes_again(
    twin: VoiceTwin, body: bytes, content_type: str
) -> None:
    headers = {**twin.headers, "Content-Type": content_type}
    httpx.post(twin.base_url + SEND, content=body, headers=headers, trust_env=False)

    printed = run(command_for(twin))

    first, again = twin.requests
    assert printed.startswith("HTTP/1.1 ")
    ours = ("raw", "raw_base64", "content_type", "path", "verdict", "status", "body", "notes")
    assert [again.document.get(name) for name in ours] == [
        first.document.get(name) for name in ours
    ]


def test_a_request_without_content_type_is_sent_again_as_json() -> None:
    command = message(content_type="").curl("http://127.0.0.1:8010", {})

    as_json = "-H 'Content-Type: application/json'"
    assert command == f"curl -i http://127.0.0.1:8010{SEND} {as_json} --data-raw '{{}}'"


def test_the_printed_command_shows_the_same_notes(twin: VoiceTwin) -> None:
    body = {**BODY, "voice_gender": "Female", "unknown": 1}
    httpx.post(twin.base_url + SEND, json=body, headers=twin.headers, trust_env=False)

    run(command_for(twin))

    first, again = (request.repairs for request in twin.requests)
    assert first
    assert again == first


@pytest.mark.parametrize(
    ("more", "why"),
    [({"verdict": "refused", "state": None}, "refused"), ({"state": "simulated"}, "simulated")],
)
def test_what_is_as_wanted_but_rings_no_phone_is_said(more: dict[str, Any], why: str) -> None:
    said = explained("No.", [message(**more)], {"text": "Hello."}, lambda _: "curl")

    assert f"All of it is as expected, but no phone rings: {why}." in said
