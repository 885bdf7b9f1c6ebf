"""What `vms diff` calls silent, breaking and harmless, and how it tells."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import respx
from click.testing import CliRunner, Result

from common import ROOT
from mock_server.contract import of
from mock_server.contract_file import ContractFile
from vms.changes import structure
from vms.changes.comparison import Comparison, comparison
from vms.changes.findings import Finding, Severity
from vms.changes.sources import Side, side
from vms.cli import vms

CONTRACT = ROOT / "openapi/voice-campaign.yaml"
TEXT = CONTRACT.read_text("utf-8")
OLDER = str(ROOT / "openapi/versions/0.2.0.yaml")
NOW = str(CONTRACT)
GIT = shutil.which("git") or "git"


@pytest.fixture(autouse=True)
def no_redocly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found without a second opinion; contract_tests have the real one."""
    monkeypatch.setattr(structure, "COMMAND", "no-such-redocly")


def changed(*pairs: tuple[str, str]) -> Side:
    text = TEXT
    for old, new in pairs:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    file = ContractFile.parsed(Path("new.yaml"), text)
    return Side(file, of(file))


def found(*pairs: tuple[str, str], back: bool = False) -> Comparison:
    sides = [side(NOW), changed(*pairs)]
    return comparison(*reversed(sides)) if back else comparison(*sides)


def rated(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    return {(one.rule, str(one.severity)) for one in findings}


LIST_NAME = re.search(r"        list_name:\n(?: {10}.*\n)+", TEXT)[0]
LANGUAGES = re.search(r"enum: \[en-US, .*\]", TEXT)[0]
FEWER_LANGUAGES = re.sub(r", [^,]+\]", "]", LANGUAGES)
MORE_LANGUAGES = LANGUAGES.replace("en-US", "en-US, xx-XX")
REQUEST_ID = "casts: [blank_to_null, text]\n"
SILENT = {
    "a parameter is gone": (
        [(LIST_NAME, ""), ("                  list_name: October appointments\n", "")],
        "parameter-removed",
    ),
    "a parameter has a near name": (
        [("        get_back_pressed_keys:\n", "        get_pressed_keys:\n")],
        "parameter-renamed",
    ),
    "another default": (
        [
            (
                "          type: boolean\n          default: true",
                "          type: boolean\n          default: false",
            )
        ],
        "default-changed",
    ),
    "a default that the twin applies": ([("value: female", "value: male")], "default-changed"),
    "a lower bound": ([("maxLength: 1224", "maxLength: 160")], "bound-tightened"),
    "a higher minimum": (
        [("          minItems: 1\n", "          minItems: 2\n")],
        "bound-tightened",
    ),
    "another pattern": (
        [
            ("^\\+[0-9]{7,16}$", "^\\+[0-9]{7,15}$"),
            ('- phone_number: "+2222333334444555"\n', '- phone_number: "+222233333444455"\n'),
        ],
        "bound-tightened",
    ),
    "a language less": ([(LANGUAGES, FEWER_LANGUAGES)], "enum-value-removed"),
    "a cast less": ([("casts: [text, trim, squeeze]", "casts: [text, trim]")], "cast-removed"),
    "casts in another order": (
        [("casts: [text, trim, squeeze]", "casts: [trim, text, squeeze]")],
        "casts-reordered",
    ),
    "another last resort": (
        [
            (
                "casts: [blank_to_null, text]\n            otherwise: ignore",
                "casts: [blank_to_null, text]\n            otherwise: reject",
            )
        ],
        "last-resort-changed",
    ),
    "another code": ([("{code: 120, message", "{code: 121, message")], "error-code-changed"),
    "another code of an answer": (
        [("                    code: 104\n", "                    code: 105\n")],
        "error-code-changed",
    ),
    "another header": ([("name: api-key\n", "name: x-api-key\n")], "header-renamed"),
    "other stakes": (
        [
            (
                f"{REQUEST_ID}            otherwise: ignore\n            stakes: high",
                f"{REQUEST_ID}            otherwise: ignore",
            )
        ],
        "stakes-changed",
    ),
    "other stakes of a rule": ([("    stakes: high\n", "")], "stakes-changed"),
    "a higher price": ([('          value: "0.05"', '          value: "0.50"')], "term-changed"),
}
BREAKING = {
    "a parameter more that is required": (
        [("required: [text, recipients]", "required: [text, recipients, type]")],
        "parameter-required",
    ),
    "another type": (
        [
            (
                "        list_name:\n          type: string",
                "        list_name:\n          type: integer",
            )
        ],
        "type-changed",
    ),
    "another path": ([("voice-campaign/send:", "voice-campaigns/send:")], "path-changed"),
    "another method": (
        [("    post:\n      operationId: send", "    put:\n      operationId: send")],
        "method-changed",
    ),
    "another server": (
        [("url: https://api.octopush.com", "url: https://api.example.com")],
        "server-changed",
    ),
    "another operation": (
        [("operationId: sendVoiceCampaign", "operationId: sendCampaign")],
        "operation-renamed",
    ),
    "a member of the answer less": (
        [
            ("                    estimated_duration: 30\n", ""),
            ("                    estimated_duration: 30\n", ""),
            ("          duration: estimated_duration\n", ""),
            ("total_cost, estimated_duration, residual", "total_cost, residual"),
            (
                re.search(r"        estimated_duration:\n(?: {10}.*\n)+", TEXT)[0],
                "",
            ),
        ],
        "answer-member-removed",
    ),
    "a member that may be missing": (
        [("total_cost, estimated_duration, residual", "total_cost, residual")],
        "answer-member-optional",
    ),
    "a member of another type": (
        [
            (
                "          type: integer\n          minimum: 1\n          description: Of one call",
                "          type: number\n          minimum: 1\n          description: Of one call",
            )
        ],
        "answer-type-changed",
    ),
    "another status": ([("x-status: 403", "x-status: 402")], "status-changed"),
}
BREAKING |= {
    "a parameter more, and required": (
        [
            (
                "        list_name:\n",
                LIST_NAME.replace("list_name", "note") + "        list_name:\n",
            ),
            ("required: [text, recipients]", "required: [text, recipients, note]"),
        ],
        "parameter-required",
    ),
    "refusals that name no parameter": (
        [
            ("      required: [code, message, errors]\n", "      required: [code, message]\n"),
            (re.search(r"        errors:\n          type: object\n(?: {10}.*\n)+", TEXT)[0], ""),
        ],
        "answer-member-removed",
    ),
}
HARMLESS = {
    "a longer text": ([("maxLength: 1224", "maxLength: 2000")], "bound-loosened"),
    "a language more": ([(LANGUAGES, MORE_LANGUAGES)], "enum-value-added"),
    "a cast more": (
        [("casts: [text, trim, squeeze]", "casts: [text, trim, squeeze, lower]")],
        "cast-added",
    ),
    "null is allowed": (
        [
            (
                "        list_name:\n          type: string",
                '        list_name:\n          type: [string, "null"]',
            )
        ],
        "type-widened",
    ),
    "a parameter more": (
        [
            (
                "        list_name:\n",
                LIST_NAME.replace("list_name", "list_note") + "        list_name:\n",
            )
        ],
        "parameter-added",
    ),
    "a member of the answer more": (
        [
            (
                "        number_of_contacts:\n",
                "        sent_at:\n          type: string\n        number_of_contacts:\n",
            )
        ],
        "answer-member-added",
    ),
    "a status more": (
        [
            (
                '        "403":\n',
                '        "404":\n          description: Not found.\n        "403":\n',
            )
        ],
        "status-added",
    ),
}
PLANTED = [
    pytest.param(pairs, rule, severity, id=name)
    for severity, table in (("silent", SILENT), ("breaking", BREAKING), ("harmless", HARMLESS))
    for name, (pairs, rule) in table.items()
]


@pytest.mark.parametrize(("pairs", "rule", "severity"), PLANTED)
def test_a_planted_change_is_rated_as_designed(
    pairs: list[tuple[str, str]], rule: str, severity: str
) -> None:
    assert (rule, severity) in rated(found(*pairs).findings)


@pytest.mark.parametrize(("pairs", "rule", "severity"), PLANTED)
def test_nothing_worse_is_said_of_a_planted_change(
    pairs: list[tuple[str, str]], rule: str, severity: str
) -> None:
    worst = found(*pairs).findings[0]

    assert (worst.rule, str(worst.severity)) == (rule, severity)


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("Message text (from", "The text (from")],
        [("# The contract of", "# A contract of")],
        [("Send a voice campaign\n", "Send one voice campaign\n")],
        [("message: Text missing.", "message: No text.")],
    ],
    ids=["nothing", "a description", "a comment", "a summary", "a message"],
)
def test_what_changes_no_call_is_no_finding(pairs: list[tuple[str, str]]) -> None:
    assert found(*pairs).findings == ()


def test_a_status_that_is_gone_breaks() -> None:
    pairs = HARMLESS["a status more"][0]

    assert ("status-removed", "breaking") in rated(found(*pairs, back=True).findings)


def test_the_renamed_opt_out_flag_comes_first_and_is_proven() -> None:
    first, *_ = comparison(side(OLDER), side(NOW)).findings

    assert (first.severity, first.rule) == ("silent", "parameter-renamed")
    assert first.hit == "people who opted out: they would be called"
    assert "read differently: number_of_contacts is 2; it was 1" in first.proof


REQUIRED = ("required: [text, recipients]", "required: [text, recipients, list_name]")
REFUSED = (
    "casts: [text]\n            otherwise: ignore",
    "casts: [text]\n            otherwise: reject",
)


def test_a_required_parameter_under_another_name_breaks() -> None:
    renamed = ("        list_name:\n", "        list_named:\n")
    needs = (REQUIRED[0], REQUIRED[1].replace("list_name", "list_named"))

    first, *_ = comparison(changed(REQUIRED, REFUSED), changed(renamed, needs, REFUSED)).findings

    assert (first.rule, first.severity) == ("required-parameter-renamed", "breaking")


def test_a_parameter_that_is_no_longer_required_is_harmless() -> None:
    assert rated(found(REQUIRED, back=True).findings) == {("parameter-optional", "harmless")}


@pytest.mark.parametrize(
    ("name", "hit"),
    [
        ("simulation_mode", "what was meant as a simulation would ring"),
        ("send_at", "at another time"),
        ("request_id", "rings twice"),
        ("phone_number", "others than was meant"),
        ("sender", "client code"),
    ],
)
def test_who_is_hit_depends_on_the_parameter(name: str, hit: str) -> None:
    described = re.search(
        rf" {{8}}{name}:\n(?: {{10}}.*\n)+? {{12}}errors:\n(?: {{14}}.*\n)*? +any: {{code: \d+",
        TEXT,
    )[0]
    recoded = re.sub(r"any: {code: \d+", "any: {code: 999", described)

    assert hit in found((described, recoded)).findings[0].hit


@pytest.mark.parametrize(
    ("otherwise", "fate"),
    [("ignore", "is ignored"), ("default", "becomes 'female'"), ("reject", "is refused with 400")],
)
def test_what_becomes_of_a_value_that_is_no_longer_valid_is_told(otherwise: str, fate: str) -> None:
    gender = re.search(
        r"          enum: \[male, female\]\n(?:.*\n)*?            otherwise: default", TEXT
    )[0]
    kept = gender.replace("otherwise: default", f"otherwise: {otherwise}")
    old, new = (
        changed((gender, kept)),
        changed((gender, kept.replace("[male, female]", "[female]"))),
    )

    assert fate in comparison(old, new).findings[0].what


def test_a_success_that_an_old_client_has_no_type_for_is_told() -> None:
    runs = found(('        "2XX":\n', '        "200":\n'), back=True).old_callers.runs

    assert [str(run) for run in runs] == [
        "answer not readable: 201, sent, but no answer with 201 is known"
    ]


def test_what_the_runs_of_old_callers_meet_is_counted() -> None:
    result = found(("maxLength: 1224", "maxLength: 160"))

    assert [str(run.fate) for run in result.old_callers.runs] == ["fails"]
    assert "fails: 400" in result.findings[0].proof[0]
    assert result.new_callers.runs == ()


@pytest.mark.parametrize(
    ("severity", "option", "code"),
    [
        ("silent", None, 0),
        ("silent", "silent", 1),
        ("silent", "any", 1),
        ("breaking", "silent", 0),
        ("breaking", "breaking", 1),
        ("harmless", "breaking", 0),
        ("harmless", "any", 1),
    ],
)
def test_it_fails_on_what_it_is_told_to(
    tmp_path: Path, severity: str, option: str | None, code: int
) -> None:
    table = {"silent": SILENT, "breaking": BREAKING, "harmless": HARMLESS}[severity]
    pairs, _ = next(iter(table.values()))
    path = tmp_path / "new.yaml"
    path.write_text(changed(*pairs).file.text, "utf-8")

    assert ran(NOW, str(path), *(["--fail-on", option] if option else [])).exit_code == code


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(vms, ["diff", *arguments])


def test_the_terminal_names_the_places_in_both_files() -> None:
    output = ran(OLDER, NOW).output

    line = TEXT.splitlines().index("        auto_delete_optout_contacts:") + 1
    assert f"new {NOW}:{line}" in output
    assert "info.version must be at least 0.3.0, which it is." in output


def test_the_same_is_told_as_such() -> None:
    output = ran(NOW, NOW).output

    assert "0 silent, 0 breaking, 0 harmless" in output
    assert "all as before" in output


def test_a_version_that_tells_too_little_is_named() -> None:
    output = ran(NOW, OLDER).output

    assert "info.version must be at least 2.0.0, not 0.2.0." in output


def test_the_shipped_contract_is_the_new_one_if_none_is_named() -> None:
    assert ran(OLDER).output.splitlines()[0] == ran(OLDER, NOW).output.splitlines()[0]


def test_json_has_all_of_it() -> None:
    document = json.loads(ran(OLDER, NOW, "--json").output)

    assert document["findings"][0]["severity"] == "silent"
    assert document["findings"][0]["new"]["pointer"].endswith("/auto_delete_optout_contacts")
    assert document["next_version"] == "0.3.0"


def test_markdown_is_a_table() -> None:
    output = ran(OLDER, NOW, "--markdown").output

    assert "| **silent** `parameter-renamed` | auto_remove_blacklisted_numbers is now" in output
    assert "<br>Ran: read differently: number_of_contacts is 2" in output


def test_markdown_of_the_same_has_no_table() -> None:
    assert "|" not in ran(NOW, NOW, "--markdown").output


def test_github_shows_a_finding_at_its_line() -> None:
    output = ran(OLDER, NOW, "--github").output

    assert re.match(r"::error file=.*voice-campaign\.yaml,line=\d+,title=silent parameter-", output)


def test_a_git_revision_is_read_without_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openapi").mkdir()
    path = tmp_path / "openapi/voice-campaign.yaml"
    path.write_text(Path(OLDER).read_text("utf-8"), "utf-8")
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "Old"],
    ):
        subprocess.run([GIT, *command], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)

    assert "1 silent" in ran("HEAD", NOW).output
    assert "1 silent" in ran("HEAD:openapi/voice-campaign.yaml", NOW).output


@respx.mock
def test_a_url_is_fetched_only_if_it_is_named() -> None:
    respx.get("https://example.com/contract.yaml").respond(text=Path(OLDER).read_text("utf-8"))

    assert "1 silent" in ran("https://example.com/contract.yaml", NOW).output


@respx.mock
def test_a_url_that_has_no_contract_is_told() -> None:
    respx.get("https://example.com/contract.yaml").respond(404)

    assert "404" in ran("https://example.com/contract.yaml", NOW).output


@pytest.mark.parametrize("name", ["nowhere", "--output=x", "HEAD:nowhere.yaml"])
def test_what_cannot_be_had_is_told_without_a_traceback(name: str) -> None:
    done = ran("--", name, NOW)

    assert done.exit_code == 2
    assert "wanted a file, a git revision" in done.output


def test_without_git_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert "wanted a file, a git revision" in ran("main", NOW).output


def test_a_contract_that_does_not_load_says_where(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    path.write_text(TEXT.replace("maxLength: 1224", "maxLenght: 1224", 1), "utf-8")

    output = " ".join(ran(NOW, str(path)).output.split())

    assert re.search(r"new\.yaml:\d+: /components/schemas/VoiceCampaign/properties/text", output)
    assert "wanted 'maxLength'?" in output


def redocly(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """A redocly that answers so."""
    command = folder / "fake-redocly"
    command.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n", "utf-8")
    command.chmod(0o755)
    monkeypatch.setattr(structure, "COMMAND", str(command))


def major(pointer: str) -> str:
    place = {"pointer": f"#{pointer}", "line": 7}
    verdict = {"ruleId": "some-rule", "message": "`x` was removed."}
    change = {"impact": "major", "path": pointer, "base": place, "verdicts": [verdict]}
    minor = {"impact": "minor", "path": pointer, "base": place, "verdicts": []}
    return json.dumps({"summary": {"major": 1}, "changes": [change, minor]})


TEXT_POINTER = "/components/schemas/VoiceCampaign/properties/text"


@pytest.mark.parametrize(
    ("pointer", "more"),
    [
        ("/info/x", 1),
        (f"{TEXT_POINTER}/maxLength", 0),
        ("/components/schemas/VoiceCampaign/required", 0),
    ],
)
def test_the_second_opinion_adds_what_was_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pointer: str, more: int
) -> None:
    redocly(tmp_path, monkeypatch, major(pointer))

    result = found(("maxLength: 1224", "maxLength: 160"))

    assert result.counted(Severity.BREAKING) == more
    assert "1 major" in result.structure


@pytest.mark.parametrize("answer", ["", "oh no"])
def test_a_second_opinion_that_says_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    redocly(tmp_path, monkeypatch, answer)

    assert "gave no report" in found().structure
