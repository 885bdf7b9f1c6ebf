"""`vms send`: what it asks, says and sends, against a real twin."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypedDict

import httpx
import phonenumbers
import pytest
from click.testing import CliRunner, Result

import mock_server
from mock_server.testing.account import VoiceTwin
from vms import interrupts, send_report, send_warnings, sending_progress
from vms.cli import vms
from vms.send_options import of_the_contract
from voice_client import (
    CampaignSummary,
    FrameReport,
    Progress,
    Runtime,
    State,
    VoiceCampaignOptions,
    VoiceClient,
    VoiceError,
)

pytestmark = pytest.mark.long

KEY = "a-key-that-nobody-may-see"
NUMBERS = ("+33612345678", "+33698765432", "+33612121212")
_logins = count(1)
_files = count(1)

Action = Callable[[], object]


@pytest.fixture(scope="module")
def shared() -> Iterator[VoiceTwin]:
    with mock_server.running(key=KEY) as twin:
        yield twin


@pytest.fixture
def twin(shared: VoiceTwin) -> VoiceTwin:
    """A new account."""
    return shared.another(f"ada-{next(_logins)}@example.com")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return listed(tmp_path, NUMBERS)


def listed(folder: Path, lines: Any) -> Path:
    path = folder / f"numbers-{next(_files)}.csv"
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def many(total: int) -> list[str]:
    return [f"+336{number:08}" for number in range(total)]


def send(twin: VoiceTwin, *arguments: object, typed: str | None = None, **changed: str) -> Result:
    """The command with its text, as somebody gives it to whom this account belongs."""
    words = ["send", *map(str, arguments)]
    if not {"--text", "--text-file"} & set(words):
        words += ["--text", "Hello."]
    environment = twin.environment | changed
    return CliRunner().invoke(vms, words, input=typed, env=environment, catch_exceptions=False)


def summary(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def sent_numbers(twin: VoiceTwin) -> list[str]:
    """Every number that is called, as often as it is."""
    return [number for message in twin.messages for number in message.numbers]


def arrived(twin: VoiceTwin) -> list[dict[str, Any]]:
    """The bodies of what was sent, as they came."""
    return [json.loads(message.document["raw"]) for message in twin.messages]


@pytest.fixture
def when_asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Action], None]:
    """Do something between the dry run and the send; it counts as a yes."""

    def answer(action: Action) -> None:
        monkeypatch.setattr("vms.send._ask", lambda _: action())

    return answer


# ── what it sends ─────────────────────────────────────────────────────────────


def test_everybody_in_a_file_is_called_once(twin: VoiceTwin, source: Path) -> None:
    result = send(twin, source, "--yes")

    assert result.exit_code == 0
    assert sorted(sent_numbers(twin)) == sorted(NUMBERS)


def test_single_numbers_are_called_and_leave_no_file(
    twin: VoiceTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = send(twin, "--to", NUMBERS[0], "--to", "+33 6 98 76 54 32", "--yes")

    assert (result.exit_code, sent_numbers(twin)) == (0, list(NUMBERS[:2]))
    assert list(tmp_path.iterdir()) == []


def test_national_numbers_are_those_of_the_region(twin: VoiceTwin) -> None:
    send(twin, "--to", "0612345678", "--region", "FR", "--yes")

    assert sent_numbers(twin) == [NUMBERS[0]]


def test_a_file_of_another_suffix_is_read_as_it_is_told_to(twin: VoiceTwin, tmp_path: Path) -> None:
    path = tmp_path / "numbers.txt"
    path.write_text(f"{NUMBERS[0]}\n", "utf-8")

    send(twin, path, "--format", "csv", "--yes")

    assert sent_numbers(twin) == [NUMBERS[0]]


@pytest.mark.parametrize("rest", ["", "\n", "\r\n"])
def test_a_text_file_is_read_without_its_mark_and_last_line_break(
    twin: VoiceTwin, tmp_path: Path, rest: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(f"\N{BYTE ORDER MARK}Héllo,\nyou.{rest}\r\n".encode())

    send(twin, "--to", NUMBERS[0], "--text-file", path, "--yes")

    assert arrived(twin)[0]["text"] == f"Héllo,\nyou.{rest}"


def test_frames_are_as_large_as_they_are_told_to_be(twin: VoiceTwin, source: Path) -> None:
    send(twin, source, "--frame-size", 1, "--yes")

    assert len(twin.messages) == 3


@pytest.mark.unmeasured
@pytest.mark.parametrize("offset", ["Z", "+00:00", "-07:00"])
def test_a_moment_may_have_any_offset_from_utc(twin: VoiceTwin, offset: str) -> None:
    given = f"2999-01-01T12:00:00{offset}"

    send(twin, "--to", NUMBERS[0], "--send-at", given, "--yes")

    twin.assert_sent(times=1, send_at=datetime.fromisoformat(given))


def test_the_parameters_of_the_contract_are_sent_as_given(twin: VoiceTwin) -> None:
    given = ["--voice-language", "fr-FR", "--send-at", "2999-01-01T12:00:00+02:00"]
    given += ["--sender", "Nanterre", "--no-auto-optimize-text", "--get-back-pressed-keys"]

    send(twin, "--to", NUMBERS[0], *given, "--yes")

    twin.assert_sent(
        times=1,
        voice_language="fr-FR",
        send_at=datetime(2999, 1, 1, 10, tzinfo=UTC),
        sender="Nanterre",
        auto_optimize_text=False,
        get_back_pressed_keys=True,
    )


def test_a_switch_that_is_not_given_is_not_a_no(twin: VoiceTwin) -> None:
    send(twin, "--to", NUMBERS[0], "--yes")

    assert arrived(twin)[0]["auto_optimize_text"] is True


@pytest.mark.unmeasured
def test_request_ids_are_those_of_the_campaign_and_its_key(twin: VoiceTwin) -> None:
    to = ("--to", NUMBERS[0], "--request-ids", "--yes")

    codes = [
        send(twin, *to).exit_code,
        send(twin, *to, "--key-of-campaign", "2").exit_code,
        send(twin, *to).exit_code,
    ]

    ids = [body["request_id"] for body in arrived(twin)]
    assert (codes, len(set(ids)), len(twin.messages)) == ([0, 0, 0], 2, 2)


# ── what makes no sense ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "wanted FILE, or --to, and not both"),
        (["numbers.csv", "--to", NUMBERS[0]], "wanted FILE, or --to, and not both"),
        (
            ["--to", NUMBERS[0], "--text", "a", "--text-file", "b"],
            "wanted --text or --text-file, and not both",
        ),
        (["--to", NUMBERS[0], "--format", "csv"], "--format is for FILE"),
        (["/dev/stdin", "--format", "csv"], "/dev/stdin is a stream, beside which no journal"),
        (["--to", NUMBERS[0], "--resume"], "--resume needs the --journal of that campaign"),
        (["numbers.csv", "--resend", "1"], "--resend says what to --resume with"),
        (["numbers.csv", "--was-sent", "1"], "--was-sent is for what you --resume"),
        (["numbers.csv", "--resume", "--was-sent", "1", "--dry-run"], "--was-sent is written down"),
        (["--to", NUMBERS[0], "--text-file", "nowhere"], "nowhere: cannot be read: No such file"),
        (["--to", NUMBERS[0], "--send-at", "soon"], "'soon' is no moment; write 2026-12-24T18:"),
        (
            ["--to", NUMBERS[0], "--send-at", "2026-12-24T18:00"],
            "write 2026-12-24T18:00:00+01:00, with the offset from UTC that is meant, or 2026-12-2",
        ),
        (["--to", NUMBERS[0], "--text", ""], "the contract allows no such request"),
        (["--to", NUMBERS[0], "--region", "XX"], "region 'XX' has no numbering plan"),
        (["nowhere.csv"], "nowhere.csv: wanted a file to read; No such file"),
        (["numbers.txt"], "say --format csv or --format jsonl"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_leaves(
    twin: VoiceTwin, given: list[str], told: str
) -> None:
    result = send(twin, *given, "--yes")

    assert (result.exit_code, result.stdout, twin.requests) == (2, "", [])
    assert told in " ".join(result.stderr.split())


def test_there_is_no_text_without_an_option(twin: VoiceTwin) -> None:
    words = ["send", "--to", NUMBERS[0], "--yes"]

    result = CliRunner().invoke(vms, words, env=twin.environment, catch_exceptions=False)

    assert (result.exit_code, "wanted --text or --text-file" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Hé".encode("latin-1"), "no UTF-8 at byte 1; save it as UTF-8"),
        ("Hello.".encode("utf-16"), "got UTF-16; save it as UTF-8"),
        ("Hello.".encode("utf-16-le"), "got NUL, as UTF-16 has"),
    ],
)
def test_a_text_file_that_is_no_utf_8_is_refused(
    twin: VoiceTwin, tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)

    result = send(twin, "--to", NUMBERS[0], "--text-file", path, "--yes")

    assert (result.exit_code, twin.requests) == (2, [])
    assert f"{path}: {told}" in result.stderr


def test_a_pipe_is_sent_where_a_journal_is_named(twin: VoiceTwin, tmp_path: Path) -> None:
    pipe, journal = tmp_path / "numbers.csv", tmp_path / "journal.jsonl"
    os.mkfifo(pipe)
    refused = send(twin, pipe, "--yes")
    writer = threading.Thread(target=pipe.write_text, args=(f"{NUMBERS[0]}\n",))
    writer.start()

    result = send(twin, pipe, "--journal", journal, "--yes")

    writer.join()
    assert (refused.exit_code, result.exit_code, len(twin.messages)) == (2, 0, 1)


def test_a_text_that_is_no_utf_8_is_refused_by_its_name(twin: VoiceTwin) -> None:
    text = b"caf\xe9".decode(errors="surrogateescape")

    result = send(twin, "--to", NUMBERS[0], "--text", text, "--yes")

    assert (result.exit_code, twin.requests) == (2, [])
    assert "--text: got e9; expected UTF-8" in result.stderr


def test_advice_for_programmers_is_left_out(twin: VoiceTwin) -> None:
    result = send(twin, "--to", NUMBERS[0], "--sender", "!", "--yes")

    assert (result.exit_code, "/sender" in result.stderr) == (2, True)
    assert "validate=" not in result.stderr


def test_without_a_key_it_says_where_the_key_belongs(
    twin: VoiceTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VMS_KEY", raising=False)
    environment = {name: value for name, value in twin.environment.items() if name != "VMS_KEY"}
    words = ["send", "--to", NUMBERS[0], "--text", "Hello.", "--yes"]

    result = CliRunner().invoke(vms, words, env=environment, catch_exceptions=False)

    assert result.exit_code == 2
    assert "VMS_KEY is not set; the key is read from there alone" in result.stderr


def test_login_and_address_may_be_options(twin: VoiceTwin) -> None:
    given = ["--login", twin.login, "--base-url", twin.base_url, "--to", NUMBERS[0], "--yes"]

    result = send(twin, *given, VMS_LOGIN="nobody", VMS_BASE_URL="http://127.0.0.1:9")

    assert (result.exit_code, len(twin.messages)) == (0, 1)


def test_every_mistake_of_a_file_is_told_with_its_line(twin: VoiceTwin, tmp_path: Path) -> None:
    path = listed(tmp_path, ["phone_number,first_name", "+33612345678,Ada", "06 12,Al", "call,Bo"])

    result = send(twin, path, "--yes")

    assert (result.exit_code, result.stdout, twin.requests) == (2, "", [])
    places = [line.split(": ")[0] for line in result.stderr.splitlines()[:2]]
    assert places == [f"{path}:3", f"{path}:4"]
    assert result.stderr.endswith("Nothing was sent.\n")


def test_what_was_left_out_of_a_file_is_told(twin: VoiceTwin, tmp_path: Path) -> None:
    path = listed(tmp_path, [f"\N{BYTE ORDER MARK}{NUMBERS[0]}", NUMBERS[1], NUMBERS[0]])

    result = send(twin, path, "--dry-run")

    assert result.stdout.startswith("Recipients: 2; 1 left out whose number had come before\n")
    assert f"{path} begins with a byte order mark, which was skipped\n" in result.stdout


# ── the contract's options ────────────────────────────────────────────────────


def test_every_parameter_of_the_contract_is_an_option_but_the_simulation() -> None:
    offered = {option.name for option in of_the_contract()}

    assert offered == VoiceCampaignOptions.__annotations__.keys() - {"simulation_mode"}


def test_no_option_of_the_contract_hides_one_of_the_command() -> None:
    own = {word for option in vms.commands["send"].params for word in option.opts}
    theirs = {word for option in of_the_contract() for word in option.opts}

    assert own & theirs == set()


def test_the_help_has_what_the_contract_says_of_a_parameter() -> None:
    helped = CliRunner().invoke(vms, ["send", "--help"]).output

    assert "--purpose [alert|wholesale]" in helped
    assert "--auto-optimize-text / --no-auto-optimize-text" in helped
    assert "True to leave out contacts who opted out." in helped


class Grown(TypedDict, total=False):
    """As a contract may look some day."""

    volume: int
    "How loud."
    speed: float
    tone: Literal["low", "high"]
    tags: list[str]
    "In no word."
    from_: str


def test_a_new_parameter_becomes_an_option() -> None:
    made = {option.name: option for option in of_the_contract(Grown)}

    assert {name: option.type.name for name, option in made.items()} == {
        "volume": "integer",
        "speed": "float",
        "tone": "choice",
        "from_": "text",
    }
    assert [option.help for option in made.values()] == ["How loud.", None, None, None]
    assert made["from_"].opts == ["--from"]


def test_the_help_tells_every_exit_code() -> None:
    helped = CliRunner().invoke(vms, ["send", "--help"]).output

    listed_codes = helped.partition("Exits with")[2].partition("Options:")[0]
    codes = [line.split()[0] for line in listed_codes.splitlines() if line.strip()]
    assert codes == [str(code.value) for code in send_report.Exit]


# ── another machine ───────────────────────────────────────────────────────────


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the twin were on another machine."""
    monkeypatch.setattr("vms.send.is_this_machine", lambda _: False)
    monkeypatch.setattr("voice_client.guard.is_this_machine", lambda _: False)


def test_another_machine_is_sent_nothing_without_real_calls() -> None:
    words = ["send", "--to", NUMBERS[0], "--text", "Hello.", "--yes", "--login", "ada"]
    environment = {"VMS_KEY": KEY, "VMS_BASE_URL": "http://192.0.2.1"}

    result = CliRunner().invoke(vms, words, env=environment, catch_exceptions=False)

    assert result.exit_code == 2
    assert "http://192.0.2.1 is not this machine" in result.stderr
    assert "add --real-calls" in result.stderr


@pytest.mark.usefixtures("elsewhere")
def test_without_real_calls_no_request_leaves_at_all(twin: VoiceTwin) -> None:
    result = send(twin, "--to", NUMBERS[0], "--yes")

    assert (result.exit_code, twin.requests) == (2, [])


@pytest.mark.usefixtures("elsewhere")
def test_another_machine_may_be_asked_for_the_price(twin: VoiceTwin) -> None:
    result = send(twin, "--to", NUMBERS[0], "--dry-run")

    assert (result.exit_code, len(twin.requests), twin.messages) == (0, 1, [])


@pytest.mark.usefixtures("elsewhere")
def test_with_real_calls_another_machine_is_sent_to(twin: VoiceTwin) -> None:
    result = send(twin, "--to", NUMBERS[0], "--real-calls", "--yes")

    assert (result.exit_code, len(twin.messages)) == (0, 1)


def test_the_client_of_a_dry_run_could_not_call_anybody(
    twin: VoiceTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list[bool]()

    class Spied(VoiceClient):
        def __init__(self, *arguments: str, real_calls: bool, **given: Any) -> None:
            made.append(real_calls)
            super().__init__(*arguments, real_calls=real_calls, **given)

    monkeypatch.setattr("vms.sending.VoiceClient", Spied)
    send(twin, "--to", NUMBERS[0], "--real-calls", "--yes")

    assert made == [False, True]


# ── what it warns of ──────────────────────────────────────────────────────────

PASSED = "2025-12-24T18:00:00+01:00"
OPTED_OUT = "Contacts who opted out are called; --auto-delete-optout-contacts leaves them out\n"


@pytest.mark.parametrize("how", ["--yes", "--dry-run"])
def test_a_moment_that_has_passed_is_refused_with_what_to_write(twin: VoiceTwin, how: str) -> None:
    result = send(twin, "--to", NUMBERS[0], "--send-at", PASSED, how)

    assert (result.exit_code, twin.requests) == (2, [])
    assert f"Error: --send-at {PASSED} has passed" in result.stderr
    assert "leave --send-at out to send now" in result.stderr
    assert result.stderr.endswith("Nothing was sent.\n")


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Now is the year 3000, for whoever sends."""
    runtime = Runtime(now=lambda: datetime(3000, 1, 1, tzinfo=UTC))
    monkeypatch.setattr("vms.sending.Runtime", lambda: runtime)
    monkeypatch.setattr("voice_client.client.Runtime", lambda: runtime)


def test_a_moment_that_passes_while_somebody_is_asked_is_refused(
    twin: VoiceTwin,
    source: Path,
    when_asked: Callable[[Action], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    when_asked(lambda: later(monkeypatch))

    result = send(twin, source, "--send-at", "2999-12-24T18:00:00Z")

    assert (result.exit_code, twin.messages) == (2, [])
    assert "has passed" in result.stderr
    assert list(source.parent.iterdir()) == [source]


def test_what_was_begun_in_time_is_ended_late_and_says_so(
    twin: VoiceTwin, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin.set(opt_outs=[NUMBERS[1]])
    options = ("--frame-size", 1, "--auto-delete-optout-contacts", "--yes")
    options = (*options, "--send-at", "2999-12-24T18:00:00Z")
    begun = send(twin, source, *options)
    twin.set(opt_outs=[])
    later(monkeypatch)

    result = send(twin, source, *options, "--resume")

    assert (begun.exit_code, result.exit_code) == (1, 0)
    assert sorted(sent_numbers(twin)) == sorted(NUMBERS)
    assert "has passed" not in begun.stdout
    assert "The moment of --send-at has passed: what is left is sent at once\n" in result.stdout


def test_what_is_resumed_in_time_is_not_sent_late_without_a_word(
    twin: VoiceTwin,
    half: Path,
    when_asked: Callable[[Action], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = (half, "--frame-size", 2, "--send-at", "2999-12-24T18:00:00Z")
    given = (*given, "--journal", half.with_name("other.jsonl"))
    twin.set(credit="1")
    when_asked(lambda: twin.set(credit="0"))
    assert send(twin, *given).exit_code == 1
    twin.set(credit="1")
    when_asked(lambda: later(monkeypatch))

    result = send(twin, *given, "--resume")

    assert (result.exit_code, len(sent_numbers(twin))) == (2, 4)
    assert "or resume what was begun in time" in result.stderr


def test_that_those_who_opted_out_are_called_is_said_where_nothing_else_is(
    twin: VoiceTwin, source: Path
) -> None:
    told = [
        OPTED_OUT in send(twin, source, "--dry-run", *options).stdout
        for options in (
            [],
            ["--auto-delete-optout-contacts"],
            ["--no-auto-delete-optout-contacts"],
        )
    ]

    assert told == [True, False, False]


def test_that_a_simulation_does_not_look_at_who_opted_out_is_reported_where_it_matters(
    twin: VoiceTwin, source: Path
) -> None:
    told = [
        "A dry run does not look at who opted out: fewer may be called"
        in send(twin, source, "--dry-run", *options).stdout
        for options in (
            [],
            ["--auto-delete-optout-contacts"],
            ["--no-auto-delete-optout-contacts"],
        )
    ]

    assert told == [False, True, False]


def test_who_was_left_out_by_the_api_is_counted(twin: VoiceTwin, source: Path) -> None:
    twin.set(opt_outs=[NUMBERS[1]])

    result = send(twin, source, "--auto-delete-optout-contacts", "--yes")

    assert "Sent to 3 of 3 recipients: 2 calls for 0.10 €\n" in result.stdout
    assert "The API left out 1 contact, such as those who opted out\n" in result.stdout


def test_if_nobody_was_left_out_nothing_is_said_of_it(twin: VoiceTwin, source: Path) -> None:
    assert "left out" not in send(twin, source, "--auto-delete-optout-contacts", "--yes").stdout


def test_premium_numbers_draw_a_warning(twin: VoiceTwin, tmp_path: Path) -> None:
    dear = ["+33899123456", "+19002345678", "+33825123456", "+979123456789"]
    path = listed(tmp_path, ["+33612345678", *dear, "+33801234567"])

    result = send(twin, path, "--dry-run")

    assert (
        "Warning: 4 premium, shared-cost, personal or satellite numbers, "
        "which may cost more to call: "
        "+33899123456, +19002345678, +33825123456 and 1 more\n"
    ) in result.stdout


def test_three_premium_numbers_are_all_named(twin: VoiceTwin) -> None:
    numbers = ["+33899123456", "+33899123457", "+33899123458"]

    result = send(twin, *(word for one in numbers for word in ("--to", one)), "--dry-run")

    assert f"{', '.join(numbers)}\n" in result.stdout


def test_other_numbers_draw_none(twin: VoiceTwin, source: Path) -> None:
    assert "Warning" not in send(twin, source, "--dry-run").stdout


@pytest.mark.parametrize(
    "kind",
    [
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
    ],
)
def test_every_dear_number_that_the_library_knows_is_one(kind: int) -> None:
    examples = (
        phonenumbers.example_number_for_type(region, kind)
        for region in phonenumbers.SUPPORTED_REGIONS
    )
    known = [
        phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        for example in examples
        if example is not None and phonenumbers.number_type(example) == kind
    ]

    assert len(known) > 20
    assert [number for number in known if not send_warnings.is_dear(number)] == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+870773111632", True),
        ("+881612345678", True),
        ("+882341234567", True),
        ("+883510012345", True),
        ("+447012345678", True),
        ("+18765550123", False),
    ],
)
def test_satellites_are_dear_and_countries_are_not(number: str, *, expected: bool) -> None:
    assert send_warnings.is_dear(number) == expected


def test_a_trunk_zero_is_refused_before_there_is_a_price(twin: VoiceTwin) -> None:
    result = send(twin, "--to", "+330639981234", "--dry-run")

    assert (result.exit_code, twin.requests) == (2, [])
    assert "write it as it is dialled from abroad: +33639981234" in result.stderr


def test_a_number_overseas_is_read_as_it_is_dialled_in_france(twin: VoiceTwin) -> None:
    send(twin, "--to", "0692 12 34 56", "--region", "FR", "--yes")

    assert sent_numbers(twin) == ["+262692123456"]


# ── the dry run ───────────────────────────────────────────────────────────────


def test_a_dry_run_tells_the_price_and_calls_nobody(twin: VoiceTwin, source: Path) -> None:
    result = send(twin, source, "--dry-run", "--no-auto-delete-optout-contacts")

    assert (result.exit_code, twin.messages) == (0, [])
    assert result.stdout == "Recipients: 3\nDry run: 3 calls for 0.15 €\nCredit: 150.00 €\n"


def test_a_dry_run_writes_no_journal(twin: VoiceTwin, source: Path) -> None:
    send(twin, source, "--dry-run")

    assert list(source.parent.iterdir()) == [source]


def test_a_dry_run_does_not_mind_a_journal(twin: VoiceTwin, source: Path) -> None:
    send(twin, source, "--yes")

    assert send(twin, source, "--dry-run").exit_code == 0


def test_a_price_above_the_credit_stops_it(twin: VoiceTwin, source: Path) -> None:
    twin.set(credit="0.10")

    result = send(twin, source, "--yes")

    assert (result.exit_code, twin.messages) == (1, [])
    assert "Stopped: the credit does not pay for it: 0.05 euros missing\n" in result.stdout
    assert result.stdout.endswith("It does not pass, so nothing was sent.\n")


def test_a_price_that_takes_all_of_the_credit_passes(twin: VoiceTwin, source: Path) -> None:
    twin.set(credit="0.15")

    assert send(twin, source, "--yes").exit_code == 0


def test_a_dry_run_that_is_refused_stops_it(twin: VoiceTwin) -> None:
    result = send(twin, "--to", NUMBERS[0], "--yes", VMS_KEY="another")

    assert (result.exit_code, twin.messages) == (1, [])
    assert "Frame 0, recipients 1 to 1: refused: 401" in result.stdout


def test_without_every_price_it_is_not_sent(twin: VoiceTwin) -> None:
    twin.faults.garble(times=1)

    result = send(twin, "--to", NUMBERS[0], "--yes")

    assert (result.exit_code, twin.messages) == (1, [])
    assert "0 calls for 0.00 €, and 1 frame whose calls and cost are not known" in result.stdout


def test_the_dry_run_as_json_has_its_amounts_as_texts(twin: VoiceTwin, source: Path) -> None:
    document = summary(send(twin, source, "--dry-run", "--json"))

    assert document["simulated"] is True
    assert (document["cost"], document["credit_left"]) == ("0.15", "150.0")


# ── the question ──────────────────────────────────────────────────────────────


def test_with_nobody_to_ask_it_is_not_sent(twin: VoiceTwin, source: Path) -> None:
    result = send(twin, source)

    assert (result.exit_code, twin.messages) == (2, [])
    assert "nobody is there to be asked whether it may cost 0.15 €; --yes" in result.stderr
    assert list(source.parent.iterdir()) == [source]


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vms.send._somebody_is_there", lambda: True)


@pytest.mark.unmeasured
@pytest.mark.usefixtures("at_a_terminal")
@pytest.mark.parametrize("typed", ["1200\n", " 1,200 \n"])
def test_the_number_of_recipients_is_a_yes(twin: VoiceTwin, tmp_path: Path, typed: str) -> None:
    result = send(twin, listed(tmp_path, many(1200)), typed=typed)

    assert (result.exit_code, len(sent_numbers(twin))) == (0, 1200)
    assert "To call them for 60.00 €, type the number of recipients (1200): " in result.stderr


@pytest.mark.usefixtures("at_a_terminal")
@pytest.mark.parametrize("typed", ["y\n", "\n", "", "2\n", "33\n"])
def test_anything_else_is_a_no(twin: VoiceTwin, source: Path, typed: str) -> None:
    result = send(twin, source, typed=typed)

    assert (result.exit_code, twin.messages) == (2, [])
    assert "That was not 3. Nothing was sent." in result.stderr


def test_an_interrupt_at_the_question_sends_nothing(
    twin: VoiceTwin, when_asked: Callable[[Action], None]
) -> None:
    when_asked(lambda: os.kill(os.getpid(), signal.SIGINT))

    result = send(twin, "--to", NUMBERS[0])

    assert (result.exit_code, twin.messages) == (130, [])
    assert "Interrupted; nothing was sent." in result.stderr


# ── what became of it ─────────────────────────────────────────────────────────


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("total", "cost", "left", "rest"),
    [
        (3, "0.15", "149.85", ""),
        (4, "0.20", "149.80", " and 1 more"),
        (5, "0.25", "149.75", " and 2 more"),
    ],
)
def test_the_summary_tells_calls_cost_credit_and_the_first_tickets(  # noqa: PLR0913, PLR0917  (a row of the table)
    twin: VoiceTwin, tmp_path: Path, total: int, cost: str, left: str, rest: str
) -> None:
    path = listed(tmp_path, many(total))

    result = send(twin, path, "--frame-size", 1, "--concurrency", 1, "--yes")

    tickets = [str(message.ticket_number) for message in twin.messages]
    assert result.stdout.splitlines()[-3:] == [
        f"Sent to {total} of {total} recipients: {total} calls for {cost} €",
        f"Credit: {left} €",
        f"Tickets: {', '.join(tickets[:3])}{rest}",
    ]


def test_the_summary_as_json_is_all_of_standard_output(twin: VoiceTwin, source: Path) -> None:
    result = send(twin, source, "--yes", "--json")

    assert summary(result) == {
        "total": 3,
        "duplicates": 0,
        "remarks": [],
        "simulated": False,
        "sent": 3,
        "called": 3,
        "cost": "0.15",
        "credit_left": "149.85",
        "frames": 1,
        "frames_without_cost": 0,
        "tickets": [twin.messages[0].ticket_number],
        "problems": [],
        "stopped": None,
        "resume": f"vms send {source} --resume",
        "exit_code": 0,
    }
    assert "Dry run: 3 calls for 0.15 €" in result.stderr


def test_a_refused_frame_is_told_with_its_recipients(twin: VoiceTwin, source: Path) -> None:
    # A simulation does not look at who opted out.
    twin.set(opt_outs=[NUMBERS[1]])

    result = send(twin, source, "--frame-size", 1, "--auto-delete-optout-contacts", "--yes")

    assert (result.exit_code, len(twin.messages)) == (1, 2)
    assert "Frame 1, recipients 2 to 2: refused: 400" in result.stdout
    assert f"To go on: vms send {source} --resume …, with the same text" in result.stdout


def test_what_was_not_sent_for_one_reason_is_one_line(
    twin: VoiceTwin, tmp_path: Path, when_asked: Callable[[Action], None]
) -> None:
    when_asked(lambda: twin.set(credit="0.10"))

    path = listed(tmp_path, many(9))
    result = send(twin, path, "--frame-size", 1, "--concurrency", 1)

    assert (result.exit_code, len(twin.messages)) == (1, 2)
    assert "Frames 2 to 8, recipients 3 to 9: not sent: the credit left is 0" in result.stdout
    assert "Stopped: the credit left is 0" in result.stdout


def test_a_frame_without_a_readable_answer_is_sent_and_its_cost_unknown(
    twin: VoiceTwin, source: Path, when_asked: Callable[[Action], None]
) -> None:
    when_asked(lambda: twin.faults.garble(times=1))

    result = send(twin, source)

    assert (result.exit_code, len(twin.messages)) == (0, 1)
    assert "and 1 frame whose calls and cost are not known" in result.stdout
    assert "The API left out" not in result.stdout


def test_without_a_journal_there_is_nothing_to_resume(
    twin: VoiceTwin, when_asked: Callable[[Action], None]
) -> None:
    when_asked(lambda: twin.set(credit="0"))

    result = send(twin, "--to", NUMBERS[0])

    assert result.exit_code == 1
    assert result.stdout.endswith("cannot be resumed; --journal keeps one.\n")


def reported(*problems: FrameReport, total: int) -> list[str]:
    """The lines about a campaign of which nothing but these frames failed."""
    frames = total // problems[0].size
    left = total - sum(problem.size for problem in problems)
    known = CampaignSummary(
        total, 0, (), left, left, ("ticket",) * (frames - len(problems)), Decimal(0), None,
        problems, None, simulated=False,
    )  # fmt: skip
    return list(send_report.lines(send_report.Report(summary=known, frames=frames)))


def failed(number: int, state: State = State.REFUSED, why: str = "400") -> FrameReport:
    return FrameReport(number, number * 2, 2, state, why)


def test_who_was_called_does_not_stand_among_the_refused() -> None:
    lines = reported(failed(0), failed(2), failed(3), failed(5), total=14)

    assert [line for line in lines if line.startswith("Frame")] == [
        "Frame 0, recipients 1 to 2: refused: 400",
        "Frames 2 to 3, recipients 5 to 8: refused: 400",
        "Frame 5, recipients 11 to 12: refused: 400",
    ]


@pytest.mark.parametrize(
    "other", [failed(1, State.NOT_SENT), failed(1, why="401")], ids=["state", "reason"]
)
def test_neighbours_of_another_state_or_reason_have_their_own_line(other: FrameReport) -> None:
    lines = reported(failed(0), other, failed(2), total=6)

    assert len([line for line in lines if line.startswith("Frame")]) == 3


@pytest.mark.parametrize(
    ("total", "more"), [(22, []), (23, ["1 more frame"]), (26, ["4 more frames"])]
)
@pytest.mark.parametrize("state", [State.REFUSED, State.UNKNOWN])
def test_a_long_list_of_problems_is_cut_and_the_frames_left_out_are_counted(
    total: int, more: list[str], state: State
) -> None:
    # From the 19th on two frames are one line.
    whys = [f"why {number if number < 18 else number // 2}" for number in range(total)]
    problems = tuple(FrameReport(number, number, 1, state, why) for number, why in enumerate(whys))
    known = CampaignSummary(
        total, 0, (), 0, 0, (), Decimal(0), None, problems, None, simulated=False
    )

    lines = list(send_report.lines(send_report.Report(summary=known, frames=total)))

    assert len([line for line in lines if f": {state}: why" in line]) == 20
    assert [line for line in lines if " more frame" in line] == [
        f"and {rest}; --json lists every frame" for rest in more
    ]


@pytest.mark.parametrize(("total", "more"), [(20, []), (21, ["1 more frame"])])
def test_a_long_list_of_frames_in_doubt_is_cut_and_those_left_out_are_counted(
    total: int, more: list[str]
) -> None:
    problems = tuple(failed(number, State.UNKNOWN) for number in range(total))
    known = CampaignSummary(
        total, 0, (), 0, 0, (), Decimal(0), None, problems, None, simulated=False
    )
    first_numbers = dict(enumerate(many(total)))

    lines = list(
        send_report.lines(
            send_report.Report(summary=known, frames=total, first_numbers=first_numbers)
        )
    )

    assert len([line for line in lines if "--was-sent" in line]) == 20
    assert (
        lines[-len(more) :] == [f"  and {rest}; --json lists every frame" for rest in more]
        or not more
    )


# ── in doubt ──────────────────────────────────────────────────────────────────


@pytest.fixture
def in_doubt(twin: VoiceTwin, source: Path, when_asked: Callable[[Action], None]) -> Result:
    """Three frames, the second of which had no answer."""
    lost = {"number": NUMBERS[1]}
    when_asked(lambda: twin.faults.drop_after_commit(times=1, match=lost))
    return send(twin, source, "--frame-size", 1)


def test_a_lost_answer_is_told_with_how_to_find_out(in_doubt: Result, source: Path) -> None:
    assert in_doubt.exit_code == 3
    assert "Frame 1, recipients 2 to 2: unknown: sent to http://127.0.0.1" in in_doubt.stdout
    assert f"To go on: vms send {source} --resume …" in in_doubt.stdout
    told = f"frame 1: {NUMBERS[1]}; if it was sent, add --was-sent 1, else --resend\n"
    assert told in in_doubt.stdout


@pytest.mark.usefixtures("in_doubt")
def test_resuming_does_not_send_again_what_is_in_doubt(twin: VoiceTwin, source: Path) -> None:
    before = len(twin.requests)

    result = send(twin, source, "--frame-size", 1, "--resume", "--yes", "--json")

    assert (result.exit_code, len(twin.requests)) == (3, before)
    (problem,) = summary(result)["problems"]
    assert problem == {
        "frame": 1,
        "first": 2,
        "last": 2,
        "first_number": NUMBERS[1],
        "state": "unknown",
        "why": problem["why"],
    }


@pytest.mark.usefixtures("in_doubt")
def test_it_is_sent_again_if_somebody_says_so(twin: VoiceTwin, source: Path) -> None:
    given = ("--frame-size", 1, "--resume", "--resend", 1, "--yes")

    result = send(twin, source, *given)

    assert result.exit_code == 0
    assert "Dry run: 1 call for 0.05 €" in result.stdout
    assert Counter(sent_numbers(twin)) == {NUMBERS[0]: 1, NUMBERS[1]: 2, NUMBERS[2]: 1}


@pytest.mark.usefixtures("in_doubt")
def test_it_is_done_if_somebody_says_that_it_was_sent(twin: VoiceTwin, source: Path) -> None:
    before = len(twin.requests)

    result = send(twin, source, "--frame-size", 1, "--resume", "--was-sent", 1)

    assert (result.exit_code, len(twin.requests)) == (0, before)
    assert "Sent before, and not again: 3 of 3" in result.stdout
    assert send(twin, source, "--frame-size", 1, "--resume").exit_code == 0


@pytest.mark.unmeasured
@pytest.mark.parametrize("option", ["--resend", "--was-sent"])
def test_of_the_first_frame_somebody_may_say_it_too(
    twin: VoiceTwin, source: Path, when_asked: Callable[[Action], None], option: str
) -> None:
    when_asked(lambda: twin.faults.drop_after_commit(times=1))
    begun = send(twin, source)

    result = send(twin, source, "--resume", option, 0, "--yes")

    assert (begun.exit_code, result.exit_code) == (3, 0)


@pytest.mark.usefixtures("in_doubt")
def test_a_frame_that_nobody_doubts_is_not_said_to_have_been_sent(
    twin: VoiceTwin, source: Path
) -> None:
    result = send(twin, source, "--frame-size", 1, "--resume", "--was-sent", 3, "--yes")

    assert result.exit_code == 2
    assert "no frame 3 that was sent; there are 3" in result.stderr


def test_with_request_ids_the_api_is_asked_what_became_of_it(
    twin: VoiceTwin, source: Path, when_asked: Callable[[Action], None]
) -> None:
    given = (source, "--frame-size", 1, "--request-ids")
    # Its own tries find it out, unless the answer of each is lost.
    when_asked(lambda: lose_every_answer(twin))
    first = send(twin, *given)
    twin.faults.clear()

    second = send(twin, *given, "--resume", "--yes")

    assert (first.exit_code, second.exit_code) == (3, 0)
    assert "Within 24 hours that asks for frames in doubt, too" in first.stdout
    assert sorted(sent_numbers(twin)) == sorted(NUMBERS)


def lose_every_answer(twin: VoiceTwin) -> None:
    lost = {"number": NUMBERS[1]}
    twin.faults.drop_after_commit(times=1, match=lost)
    twin.faults.reset(match=lost)


# ── resuming ──────────────────────────────────────────────────────────────────


@pytest.fixture
def half(twin: VoiceTwin, tmp_path: Path, when_asked: Callable[[Action], None]) -> Path:
    """Eight of which four were sent, for want of credit."""
    path = listed(tmp_path, many(8))
    when_asked(lambda: twin.set(credit="0.20"))
    result = send(twin, path, "--frame-size", 2, "--concurrency", 1)
    assert (result.exit_code, len(sent_numbers(twin))) == (1, 4)
    return path


@pytest.mark.unmeasured
def test_resuming_is_about_what_is_left(twin: VoiceTwin, half: Path) -> None:
    twin.set(credit="0.40")

    result = send(twin, half, "--frame-size", 2, "--resume", "--yes")

    assert result.exit_code == 0
    assert "Sent before, and not again: 4 of 8\nDry run: 4 calls for 0.20 €\n" in result.stdout
    assert "Sent to 8 of 8 recipients: 8 calls for 0.40 €" in result.stdout
    assert sorted(sent_numbers(twin)) == many(8)


def test_the_question_is_about_what_is_left(
    twin: VoiceTwin, half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("vms.send._somebody_is_there", lambda: True)
    twin.set(credit="0.40")

    result = send(twin, half, "--frame-size", 2, "--resume", typed="4\n")

    assert (result.exit_code, "number of recipients (4)" in result.stderr) == (0, True)


def test_a_dry_run_may_be_about_what_is_left(twin: VoiceTwin, half: Path) -> None:
    result = send(twin, half, "--frame-size", 2, "--resume", "--dry-run")

    assert "Dry run: 4 calls for 0.20 €" in result.stdout
    assert len(sent_numbers(twin)) == 4


def test_a_dry_run_of_what_is_left_writes_nothing(twin: VoiceTwin, half: Path) -> None:
    journal = half.with_name(f"{half.name}.journal.jsonl")
    torn = journal.read_bytes() + b'{"frame":'
    journal.write_bytes(torn)

    result = send(twin, half, "--frame-size", 2, "--resume", "--dry-run")

    assert "Dry run: 4 calls" in result.stdout
    assert journal.read_bytes() == torn


def test_a_dry_run_of_a_part_reports_frames_and_recipients_of_the_whole(
    twin: VoiceTwin, half: Path
) -> None:
    twin.set(voice_addon=False)
    given = (half, "--frame-size", 2, "--resume", "--dry-run")

    shown, document = send(twin, *given).stdout, summary(send(twin, *given, "--json"))

    assert "Frames 2 to 3, recipients 5 to 8: refused" in shown
    places = [(one["frame"], one["first"], one["last"]) for one in document["problems"]]
    assert places == [(2, 5, 6), (3, 7, 8)]


def test_a_dry_run_of_a_part_tells_what_was_left_out_of_the_whole(
    twin: VoiceTwin, tmp_path: Path
) -> None:
    path = listed(tmp_path, [*NUMBERS, NUMBERS[0]])
    twin.set(opt_outs=[NUMBERS[1]])
    given = (path, "--frame-size", 1, "--auto-delete-optout-contacts", "--json")
    send(twin, *given, "--yes")

    document = summary(send(twin, *given, "--resume", "--dry-run"))

    assert (document["total"], document["duplicates"]) == (1, 1)


def test_with_nothing_left_nothing_is_sent(twin: VoiceTwin, source: Path) -> None:
    send(twin, source, "--yes")
    before = len(twin.requests)

    result = send(twin, source, "--resume", "--yes")

    assert (result.exit_code, len(twin.requests)) == (0, before)
    assert "Sent to 3 of 3 recipients: 3 calls for 0.15 €" in result.stdout


def test_a_campaign_is_not_begun_twice(twin: VoiceTwin, source: Path) -> None:
    send(twin, source, "--yes")

    result = send(twin, source, "--yes")

    assert (result.exit_code, len(twin.messages)) == (2, 1)
    told = f"{source}.journal.jsonl is there: this campaign was begun. Add --resume"
    assert told in result.stderr


def test_another_journal_makes_another_campaign(twin: VoiceTwin, source: Path) -> None:
    send(twin, source, "--yes")

    result = send(twin, source, "--journal", source.with_name("again.jsonl"), "--yes", "--json")

    assert (result.exit_code, len(twin.messages)) == (0, 2)
    assert summary(result)["resume"].endswith(f"--journal {source.with_name('again.jsonl')}")


def test_a_frame_that_is_none_cannot_be_sent_again(twin: VoiceTwin, source: Path) -> None:
    send(twin, source, "--yes")

    result = send(twin, source, "--resume", "--resend", 7, "--yes")

    assert (result.exit_code, len(twin.messages)) == (2, 1)


def test_single_numbers_are_resumed_from_the_journal_that_is_named(
    twin: VoiceTwin, tmp_path: Path
) -> None:
    given = ("--to", NUMBERS[0], "--journal", tmp_path / "a journal", "--yes")
    first = send(twin, *given, "--json")

    result = send(twin, *given, "--resume")

    assert (result.exit_code, len(twin.messages)) == (0, 1)
    again = f"vms send --to … --resume --journal '{tmp_path}/a journal'"
    assert summary(first)["resume"] == again


@pytest.mark.parametrize("changed", [["--text", "Another."], ["--login", "grace"]])
def test_another_campaign_cannot_be_resumed(
    twin: VoiceTwin, source: Path, changed: list[str]
) -> None:
    send(twin, source, "--yes")

    result = send(twin, source, "--resume", "--yes", *changed)

    assert (result.exit_code, len(twin.messages)) == (2, 1)
    assert "the journal of another campaign" in result.stderr


def test_without_a_journal_there_is_nothing_to_go_on_with(twin: VoiceTwin, source: Path) -> None:
    result = send(twin, source, "--resume", "--yes")

    assert (result.exit_code, "no journal to resume" in result.stderr) == (2, True)


def test_a_journal_that_cannot_be_begun_sends_nothing(twin: VoiceTwin, source: Path) -> None:
    result = send(twin, source, "--journal", source / "below.jsonl", "--yes")

    assert (result.exit_code, twin.messages) == (2, [])
    assert result.stderr.endswith("Nothing was sent.\n")


# ── what should not happen ────────────────────────────────────────────────────


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


def test_a_bug_before_the_send_is_one_line_with_its_place_and_without_its_text(
    twin: VoiceTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms.send.prepare", raising(KeyError(KEY)))

    result = send(twin, "--to", NUMBERS[0], "--yes")

    assert result.exit_code == 2
    assert result.stderr.startswith(
        "Error: a bug of vms-kit, please report it: KeyError at test_send_command.py:"
    )
    assert KEY not in result.output


class Breaking(VoiceClient):
    """Sends, and then something breaks that nobody has thought of."""

    error: Exception = RuntimeError(KEY)

    def send_campaign(self, *arguments: Any, **given: Any) -> Any:
        known = super().send_campaign(*arguments, **given)
        if given.get("simulate"):
            return known
        raise self.error


def test_a_bug_after_the_send_does_not_hide_what_was_sent(
    twin: VoiceTwin, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms.sending.VoiceClient", Breaking)

    result = send(twin, source, "--yes")

    assert result.exit_code == 0
    assert "Sent to 3 of 3 recipients: 3 calls for 0.15 €\nCredit: 149.85 €" in result.stdout
    assert "Stopped: a bug of vms-kit, please report it: RuntimeError at" in result.stdout
    assert KEY not in result.output


def test_a_bug_before_the_first_frame_leaves_nothing_in_doubt(
    twin: VoiceTwin, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms.sending.sending_progress.shown", broken_when("Sending"))

    result = send(twin, source, "--yes", "--json")

    assert (result.exit_code, twin.messages) == (1, [])
    assert summary(result)["sent"] == 0


def broken_when(step: str) -> Any:
    shown = sending_progress.shown

    def show(what: str, total: int | None) -> Any:
        if what == step:
            raise RuntimeError
        return shown(what, total)

    return show


def test_a_journal_that_is_gone_after_the_send_leaves_everything_in_doubt(
    twin: VoiceTwin, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Losing(Breaking):
        def send_campaign(self, *arguments: Any, **given: Any) -> Any:
            try:
                return super().send_campaign(*arguments, **given)
            except RuntimeError:
                given["journal"].unlink()
                raise

    monkeypatch.setattr("vms.sending.VoiceClient", Losing)

    result = send(twin, source, "--yes")

    assert (result.exit_code, len(twin.messages)) == (3, 1)
    assert "RuntimeError" in result.stderr
    assert "no journal to resume\nIt may have been sent" in result.stderr


def test_a_bug_in_the_summary_leaves_everything_in_doubt(
    twin: VoiceTwin, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms.send.send_report.document", raising(KeyError(KEY)))

    result = send(twin, source, "--yes", "--json")

    assert (result.exit_code, len(twin.messages)) == (3, 1)
    told = f"It may have been sent. vms send {source} --resume … tells what is known.\n"
    assert result.stderr.endswith(told)


def test_a_full_disk_in_the_middle_ends_it_and_leaves_nothing_in_doubt(
    twin: VoiceTwin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = count(1)
    fsync = os.fsync

    def full_later(number: int) -> None:
        if next(steps) > 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(number)

    monkeypatch.setattr("voice_client.journal.os.fsync", full_later)

    path = listed(tmp_path, many(9))
    result = send(twin, path, "--frame-size", 1, "--concurrency", 1, "--yes", "--json")

    document = summary(result)
    assert result.exit_code == 1
    assert "cannot be written" in document["stopped"]
    assert {problem["state"] for problem in document["problems"]} == {"not sent"}
    assert document["sent"] == len(twin.messages) > 0


def test_an_error_moves_no_cursor(twin: VoiceTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vms.send.prepare", raising(VoiceError("\x1b[2Jgone")))

    assert r"Error: \x1b[2Jgone" in send(twin, "--to", NUMBERS[0], "--yes").stderr


def test_a_line_of_the_summary_moves_no_cursor(twin: VoiceTwin, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J.csv"
    path.write_text(f"\N{BYTE ORDER MARK}{NUMBERS[0]}\n", "utf-8")

    assert r"a\x1b[2J.csv begins with" in send(twin, path, "--dry-run").stdout


def test_the_key_is_nowhere(twin: VoiceTwin, in_doubt: Result, source: Path) -> None:
    results = [
        in_doubt,
        send(twin, source, "--frame-size", 1, "--resume", "--yes", "--json"),
        send(twin, source, "--dry-run", VMS_BASE_URL=f"http://{KEY}@127.0.0.1"),
        send(twin, source, "--dry-run", VMS_KEY=f"{KEY}\n"),
        CliRunner().invoke(vms, ["send", "--help"], env=twin.environment),
    ]

    journal = Path(f"{source}.journal.jsonl").read_text("utf-8")
    assert [KEY in text for text in (*(result.output for result in results), journal)] == [
        False
    ] * 6


@pytest.mark.unmeasured
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="skipped: no /dev/full here")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_summary_that_cannot_be_printed_does_not_change_the_exit_code(
    twin: VoiceTwin, form: list[str]
) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = started(twin, "--to", NUMBERS[0], "--yes", *form, stdout=full)
        told = process.communicate()[1]

    # Without --json the price could not be told either, and then nothing is sent.
    assert (process.returncode, len(twin.messages)) == ((0, 1) if form else (2, 0))
    assert "Traceback" not in told


# ── how far it is ─────────────────────────────────────────────────────────────


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(**given: Any) -> Progress:
    known: dict[str, Any] = {
        "frames": 4,
        "frames_done": 1,
        "total": 2000,
        "sent": 1000,
        "failed": 0,
        "unknown": 0,
        "cost": Decimal(50),
        "credit_left": None,
        "rate": None,
        "eta": None,
    }
    return Progress(**known | given)


@pytest.mark.parametrize(
    ("given", "done", "told"),
    [
        ({}, 1000, "50.00 €"),
        ({"credit_left": Decimal("1.5")}, 1000, "50.00 € · 1.50 € left"),
        ({"rate": 99.6, "eta": 61.2}, 1000, "50.00 € · 100/s · 0:01:01 to go"),
        ({"failed": 3, "unknown": 4}, 1007, "50.00 € · 3 not sent · 4 unknown"),
    ],
)
def test_a_display_has_what_is_known(given: dict[str, Any], done: int, told: str) -> None:
    assert sending_progress.of(progress(**given)) == (done, told)


def test_without_a_terminal_a_line_comes_every_few_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = iter([0.0, 1.0, 4.9, 5.0, 5.0, 6.0, 10.5, 10.5])
    with sending_progress.shown("Sending", 2000, lambda: next(now)) as show:
        for done in (500, 1000, 1500, 1600, 2000):
            show(done, "1.00 €")

    assert capsys.readouterr().err.splitlines() == [
        "Sending: 1,500 of 2,000 · 1.00 €",
        "Sending: 2,000 of 2,000 · 1.00 €",
    ]


def test_a_line_has_no_total_where_nobody_knows_it(capsys: pytest.CaptureFixture[str]) -> None:
    now = count(0, 5)
    with sending_progress.shown("Reading", None, lambda: float(next(now))) as show:
        show(1000, "")

    assert capsys.readouterr().err == "Reading: 1,000\n"


def test_on_a_terminal_a_bar_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")

    with sending_progress.shown("Sending", 2000) as show:
        show(2000, "1.00 €")

    shown = terminal.getvalue()
    assert "Sending" in shown
    assert "2,000 of 2,000 1.00 €" in shown


def test_a_display_that_fails_ends_no_campaign(
    twin: VoiceTwin, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms.sending_progress._EVERY", 0)
    monkeypatch.setattr("vms.sending_progress.click.echo", raising(BrokenPipeError()))
    monkeypatch.setattr("vms.send._say", lambda *_: None)

    result = send(twin, source, "--yes")

    assert (result.exit_code, len(twin.messages)) == (0, 1)


# ── in processes of their own ─────────────────────────────────────────────────


def started(twin: VoiceTwin, *arguments: object, **given: Any) -> subprocess.Popen[str]:
    words = ["send", *map(str, arguments), "--text", "Hello."]
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | given
    return subprocess.Popen(
        [sys.executable, "-m", "vms", *words], env=os.environ | twin.environment, text=True, **given
    )


@contextmanager
def under_way(
    twin: VoiceTwin, path: Path, *arguments: object, seconds: float, frames: int
) -> Iterator[subprocess.Popen[str]]:
    """The command after so many frames; an answer takes so long, but for those of the dry run."""
    here, there = pty.openpty()
    try:
        with started(twin, path, *arguments, stdin=there) as process:
            assert process.stderr is not None
            told = ""
            while not told.endswith("): "):
                part = process.stderr.read(1)
                assert part, told
                told += part
            twin.faults.delay(seconds)
            os.write(here, f"{len(path.read_text().split())}\n".encode())
            wait_until_sent(twin, frames)
            yield process
    finally:
        os.close(here)
        os.close(there)


def wait_until_sent(twin: VoiceTwin, frames: int) -> None:
    query = {"login": twin.login, "state": "sent", "limit": 1000}
    while True:
        rows = httpx.get(f"{twin.base_url}/_twin/requests", params=query).json()["requests"]
        if len(rows) >= frames:
            return
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_waits_writes_down_and_can_be_resumed(
    twin: VoiceTwin, tmp_path: Path, number: signal.Signals
) -> None:
    path = listed(tmp_path, many(200))
    given = ("--frame-size", 10, "--concurrency", 2, "--json")
    with under_way(twin, path, *given, seconds=0.2, frames=3) as process:
        process.send_signal(number)
        told, errors = process.communicate(timeout=30)

    document = json.loads(told)
    assert (process.returncode, document["stopped"]) == (130, "interrupted")
    assert "Ctrl-C: waiting for what is on its way." in errors
    assert "Traceback" not in errors
    # Nothing is in doubt: whatever was on its way has been waited for.
    assert {problem["state"] for problem in document["problems"]} == {"not sent"}
    assert document["sent"] == len(sent_numbers(twin)) < 200
    assert document["credit_left"] is not None

    twin.faults.clear()
    assert send(twin, path, *given, "--resume", "--yes").exit_code == 0
    assert sorted(sent_numbers(twin)) == many(200)


@pytest.mark.unmeasured
def test_killed_in_the_middle_and_resumed_everybody_is_called_once(
    twin: VoiceTwin, tmp_path: Path
) -> None:
    path = listed(tmp_path, many(5000))
    twin.set(credit="1000")
    given = ("--frame-size", 100, "--request-ids")
    with under_way(twin, path, *given, seconds=0.2, frames=10) as process:
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert 1000 <= len(sent_numbers(twin)) < 5000

    twin.faults.clear()
    result = send(twin, path, *given, "--resume", "--yes")

    assert result.exit_code == 0
    assert sorted(sent_numbers(twin)) == many(5000)


@pytest.mark.unmeasured
def test_the_second_interrupt_ends_it_at_once(twin: VoiceTwin, tmp_path: Path) -> None:
    path = listed(tmp_path, many(20))
    with under_way(twin, path, seconds=30, frames=1) as process:
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        while "Ctrl-C" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)

        assert process.wait(10) == 130


@pytest.mark.unmeasured
def test_at_a_terminal_it_asks_and_shows_a_bar(twin: VoiceTwin, tmp_path: Path) -> None:
    path = listed(tmp_path, many(20))
    here, there = pty.openpty()
    with started(twin, path, "--frame-size", 5, stdin=there, stderr=there) as process:
        os.close(there)
        read_until(here, "recipients (20): ")
        os.write(here, b"20\n")
        shown = read_until(here, None)
        told = process.stdout.read() if process.stdout else ""
    os.close(here)

    assert (process.returncode, "Sending" in shown) == (0, True)
    assert "Sent to 20 of 20 recipients" in told


def read_until(descriptor: int, end: str | None) -> str:
    """What comes from a terminal, to its end or to these words."""
    text = ""
    # Linux ends a terminal that nobody writes to any more with an error.
    with contextlib.suppress(OSError):
        while (end is None or end not in text) and (part := os.read(descriptor, 4096)):
            text += part.decode()
    return text


# ── Ctrl-C by itself ──────────────────────────────────────────────────────────


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process would end, an exception is raised."""
    monkeypatch.setattr("vms.interrupts.os._exit", raising(SystemExit(130)))


@pytest.mark.usefixtures("ended")
def test_the_second_interrupt_says_what_it_leaves(capfd: pytest.CaptureFixture[str]) -> None:
    with interrupts.Interrupts() as held:
        held.hold()
        held.check()
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(SystemExit):
            os.kill(os.getpid(), signal.SIGINT)

    assert capfd.readouterr().err.splitlines() == [
        "",
        "Ctrl-C: waiting for what is on its way. Once more, and it ends at once.",
        "",
        "Ended. What was on its way may have been sent.",
    ]


@pytest.mark.usefixtures("ended")
def test_before_anything_is_sent_the_second_interrupt_says_so(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with interrupts.Interrupts():
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(SystemExit):
            os.kill(os.getpid(), signal.SIGINT)

    assert capfd.readouterr().err == "\nEnded; nothing was sent.\n"


def test_an_interrupt_is_raised_once_and_where_it_is_safe() -> None:
    with interrupts.Interrupts() as held:
        held.hold()
        os.kill(os.getpid(), signal.SIGINT)
        raised = [caught(held.check), caught(held.check)]

    assert raised == [True, False]


def caught(action: Action) -> bool:
    try:
        action()
    except KeyboardInterrupt:
        return True
    return False


def test_a_second_hangup_is_that_of_the_same_terminal() -> None:
    with interrupts.Interrupts() as held:
        held.hold()
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)

        assert caught(held.check)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupts.Interrupts() as held:
            os.kill(os.getpid(), signal.SIGHUP)
            held.check()
    finally:
        after = signal.signal(signal.SIGHUP, before)

    assert after is signal.SIG_IGN


def test_afterwards_interrupts_are_what_they_were() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with interrupts.Interrupts():
        pass

    assert [signal.getsignal(number) for number in numbers] == before
