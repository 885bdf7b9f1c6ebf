"""The command line, command by command."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from common import BODY, ROOT
from mock_server.contract.loader import Contract
from mock_server.contract.rule_table import markdown, rules
from mock_server.http.served import ServeOptions
from vms import __main__ as entry_point
from vms.cli import vms

TEN_MISTAKES = {
    "text": 20261224,
    "recipients": "+33612345678",
    "sender": "My Co!",
    "send_at": "soon",
    "purpose": "WHOLESALE",
    "type": None,
    "voice_gender": "robot",
    "voice_language": "fr_FR",
    "get_back_pressed_keys": "yes",
    "mode": "simu",
}


def run(*arguments: str, stdin: object = None) -> Result:
    given = stdin if stdin is None or isinstance(stdin, bytes) else json.dumps(stdin)
    return CliRunner().invoke(vms, arguments, input=given, catch_exceptions=False)


def test_explain_shows_a_note_for_each_mistake(tmp_path: Path) -> None:
    path = tmp_path / "payload.json"
    path.write_text(json.dumps(TEN_MISTAKES), "utf-8")

    document = json.loads(run("explain", "--json", str(path)).output)

    assert {note["path"].split("/")[1] for note in document["notes"]} == set(TEN_MISTAKES)


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "shown",
    [
        "201 accepted · 1 contact of 30 s for 0.05 €",
        '20261224 → "20261224"',
        "documented [1]",
        "[1] vendor-page: “If the parameter has the wrong type",
        "high stakes",
        "did you mean simulation_mode?",
        '"residual_credit": 149.95',
    ],
)
def test_explain_shows_rule_change_and_evidence(shown: str) -> None:
    assert shown in run("explain", "-", stdin=TEN_MISTAKES).output


def test_explain_tells_each_evidence_once() -> None:
    output = run("explain", "-", stdin=TEN_MISTAKES).output

    told = re.findall(r"(?m)^\[\d+\] (.*)", output)
    assert len(told) == len(set(told))


def test_explain_says_when_nothing_was_repaired() -> None:
    assert "valid as sent" in run("explain", "-", stdin=BODY).output


def test_explain_says_what_is_refused_and_why() -> None:
    output = run("explain", "-", stdin=BODY | {"voice_language": "tlh"}).output

    assert '"tlh" → 442 Voice language not supported.' in output


def test_explain_says_why_a_body_cannot_be_read() -> None:
    output = run("explain", "-", stdin=b'{"text": ').output

    assert "line 1, column 10: not valid JSON: Expecting value" in output


def test_explain_tells_a_simulation_from_a_send() -> None:
    body = BODY | {"simulation_mode": True, "send_at": "2999-01-01T00:00:00Z"}

    assert "simulated, 1 contact" in run("explain", "-", stdin=body).output
    assert "at 2999-01-01T00:00:00+00:00" in run("explain", "-", stdin=body).output


def test_explain_counts_contacts() -> None:
    body = BODY | {"recipients": ["+33612345678", "+33698765432"]}

    assert "2 contacts" in run("explain", "-", stdin=body).output


def test_explain_reads_national_numbers_of_the_region_named() -> None:
    result = run(
        "explain", "--json", "--region", "us", "-", stdin=BODY | {"recipients": "2015550123"}
    )

    assert json.loads(result.output)["body"]["recipients"] == [{"phone_number": "+12015550123"}]


def test_a_region_that_does_not_exist_is_an_error_of_use() -> None:
    result = run("explain", "--region", "xx", "-", stdin=BODY)

    assert (result.exit_code, "'XX' is not a country" in result.output) == (2, True)


def test_names_in_a_payload_move_no_cursor() -> None:
    output = run("explain", "-", stdin=BODY | {"a\x1b[2J\nb": 1, "[bold]": "[/]"}).output

    assert "\x1b" not in output
    assert "/a\\x1b[2J\\nb" in output


ADVISED = {"sender": "Nanterredomus"}
STRICTLY = (
    (BODY, 0),
    (BODY | {"text": 1}, 1),
    (BODY | {"voice_language": "xx"}, 1),
    # Advice alone is no repair; beside one, or beside a refusal, it excuses nothing.
    (BODY | ADVISED, 0),
    (BODY | ADVISED | {"text": 1}, 1),
    (BODY | ADVISED | {"voice_language": "xx"}, 1),
    # A refusal without a single repair.
    (b"[]", 1),
    ({}, 1),
)


@pytest.mark.unmeasured
@pytest.mark.parametrize(("body", "code"), STRICTLY)
def test_strict_exits_with_1_on_any_repair_or_refusal(body: object, code: int) -> None:
    assert run("explain", "--strict", "-", stdin=body).exit_code == code


@pytest.mark.parametrize("body", [BODY | {"text": 1}, BODY | {"voice_language": "xx"}])
@pytest.mark.unmeasured
def test_without_strict_explaining_succeeds(body: object) -> None:
    assert run("explain", "-", stdin=body).exit_code == 0


def test_a_missing_file_is_an_error_of_use() -> None:
    result = run("explain", "nowhere.json")

    assert (result.exit_code, "nowhere.json" in result.output) == (2, True)


@pytest.mark.parametrize("command", [["explain", "-"], ["rules"]])
def test_a_broken_contract_is_one_line(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("openapi: 3.1.0\nx-oops: 1\n", "utf-8")

    result = run(*command, "--contract", str(path), stdin=BODY)

    assert (result.exit_code, len(result.output.splitlines())) == (2, 1)


@pytest.mark.unmeasured
def test_rules_are_listed_as_a_table() -> None:
    output = run("rules").output

    assert "recipients[].phone_number" in output
    assert "documented" in output


def test_rules_are_printed_as_json(contract: Contract) -> None:
    assert json.loads(run("rules", "--json").output) == rules(contract)


def test_rules_are_printed_as_a_page(contract: Contract) -> None:
    assert run("rules", "--markdown").output == markdown(contract)


@pytest.mark.parametrize(
    "shown",
    [
        "1. The vendor's example, through the generated client",
        '"residual_credit": 149.95',
        "2. A sloppy request",
        '"FEMALE" → "female"',
        "did you mean simulation_mode?",
        "The client raised ValidationFailed: 400: Payload validation error. (voice_language: 442",
        "The inbox has all 4 requests: http://127.0.0.1:",
    ],
)
def test_the_demo_shows(shown: str, demo: str) -> None:
    assert shown in demo


@pytest.fixture(scope="module")
def demo() -> str:
    return run("demo").output


def test_the_demo_is_plain_where_there_is_no_terminal(demo: str) -> None:
    assert "\x1b" not in demo


def test_the_demo_says_so_if_the_twin_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    result = CliRunner().invoke(vms, ["demo"])

    assert (result.exit_code, "the twin did not start" in result.output) == (1, True)


def test_the_command_names_the_extra_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vms.cli", None)

    with pytest.raises(SystemExit, match=r"pip install 'vms-kit\[twin\]'"):
        entry_point.main()


@pytest.mark.unmeasured
def test_an_output_of_another_encoding_is_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vms", "explain", "-"],
        input=json.dumps(BODY | {"text": 5}).encode(),
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )

    assert b"5 \\u2192" in done.stdout


def test_the_command_is_there_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vms", "--help"], capture_output=True, text=True, check=True
    )

    assert "Unofficial" in done.stdout


def served(monkeypatch: pytest.MonkeyPatch, *given: str) -> ServeOptions:
    """The options with which `vms serve` would serve."""
    got = list[ServeOptions]()
    monkeypatch.setattr("vms.serve.serve", lambda options, *_: got.append(options))
    CliRunner().invoke(vms, ["serve", *given], catch_exceptions=False)
    return got[0]


@pytest.mark.parametrize(
    ("given", "option", "value"),
    [
        ((), "closed", False),
        (("--closed",), "closed", True),
        (("--mask",), "mask", True),
        (("--workers", "2"), "workers", 2),
        (("--allow-host", "twin"), "hosts", ("twin",)),
        (("--tls-key", "pyproject.toml"), "tls_key", Path("pyproject.toml")),
        (("--allow-origin", "https://a.example"), "origins", ("https://a.example",)),
        (("--allow-callback", "b.example"), "callback_hosts", ("b.example",)),
        (("--accounts", "pyproject.toml"), "accounts", Path("pyproject.toml")),
        ((), "token", None),
    ],
)
def test_serve_passes_its_options_on(
    monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], option: str, value: object
) -> None:
    monkeypatch.chdir(ROOT)

    assert getattr(served(monkeypatch, *given), option) == value


def test_serve_makes_a_token_where_others_can_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert served(monkeypatch, "--host", "0.0.0.0").token  # noqa: S104  (a name in a test)


@pytest.mark.parametrize(
    ("given", "has_browser", "opened", "output"),
    [
        ([], True, [], "Inbox:       http://twin:1/_twin/"),
        (["--open"], True, ["http://twin:1/_twin/"], "Stop with Ctrl-C."),
        (["--open"], False, ["http://twin:1/_twin/"], "There is no browser to open it with."),
        (
            ["--open", "--host", "0.0.0.0"],  # noqa: S104  (nothing listens)
            True,
            ["http://twin:1/_twin/#token=a-token"],
            "Bearer a-token",
        ),
    ],
)
def test_serve_opens_the_page_in_a_browser_and_signs_it_in(
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    has_browser: bool,  # noqa: FBT001  (a case of a table)
    opened: list[str],
    output: str,
) -> None:
    urls = list[str]()
    monkeypatch.setattr("vms.serve.serve", lambda _, ready, *__: ready("http://twin:1"))
    monkeypatch.setattr("vms.serve.secrets.token_urlsafe", lambda: "a-token")
    monkeypatch.setattr(
        "vms.serve.webbrowser.open", lambda url: bool(urls.append(url)) or has_browser
    )

    result = CliRunner().invoke(vms, ["serve", *given], catch_exceptions=False)

    assert urls == opened
    assert output in result.output


@pytest.mark.parametrize(("all_", "this"), [("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")])  # noqa: S104  (nothing listens)
def test_serve_on_all_addresses_opens_that_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, all_: str, this: str
) -> None:
    urls = list[str]()
    monkeypatch.setattr("vms.serve.serve", lambda _, ready, *__: ready(f"http://{all_}:1"))
    monkeypatch.setattr("vms.serve.webbrowser.open", lambda url: not urls.append(url))

    CliRunner().invoke(vms, ["serve", "--open"], catch_exceptions=False)

    assert urls == [f"http://{this}:1/_twin/"]


def test_serve_refuses_a_wrong_file_of_accounts_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "accounts.toml"
    path.write_text("[accounts.ada]\ncredit = -1\n", "utf-8")

    result = CliRunner().invoke(vms, ["serve", "--port", "0", "--accounts", str(path)])

    assert result.exit_code == 2
    assert 'accounts."ada".credit: got -1; expected euros from 0' in result.output
    assert result.output.count("\n") == 1


def test_a_copy_of_the_contract_is_written_and_never_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "new/contract.yaml"

    first, second = (CliRunner().invoke(vms, ["contract", str(path)]) for _ in range(2))

    assert (first.exit_code, second.exit_code) == (0, 2)
    shipped = ROOT / "openapi/voice-campaign.yaml"
    assert path.read_text("utf-8") == shipped.read_text("utf-8")
    assert second.output == f"Error: {path}: cannot be written: File exists\n"


def test_the_contract_is_printed_on_request() -> None:
    done = CliRunner().invoke(vms, ["contract", "-"])

    assert done.output == (ROOT / "openapi/voice-campaign.yaml").read_text("utf-8")
