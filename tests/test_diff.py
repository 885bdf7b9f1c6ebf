"""What `vms diff` calls silent, breaking and harmless, and how it tells."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import respx
from click.testing import CliRunner, Result

from common import ROOT
from openapi_documents import PLACES, edited
from vms.cli import vms
from vms.contracts.diff.comparison import Comparison, _unclaimed, comparison
from vms.contracts.diff.findings import Finding, numbers
from vms.contracts.diff.render import escaped
from vms.contracts.diff.replay import Behaviour, Outcome, Run
from vms.contracts.loaded import Document, document
from vms.contracts.parameters import parameters

pytestmark = pytest.mark.long

CONTRACT = ROOT / "openapi/voice-campaign.yaml"
TEXT = CONTRACT.read_text("utf-8")
OLDER = str(ROOT / "openapi/versions/0.2.0.yaml")
NOW = str(CONTRACT)
GIT = shutil.which("git") or "git"


@cache
def now() -> Document:
    return document(NOW)


def changed(*pairs: tuple[str, str]) -> Document:
    text = TEXT
    for old, new in pairs:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return Document.of(Path("new.yaml"), text)


def found(*pairs: tuple[str, str], back: bool = False) -> Comparison:
    sides = [now(), changed(*pairs)]
    return comparison(*reversed(sides)) if back else comparison(*sides)


def rated(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    return {(one.rule, str(one.severity)) for one in findings}


LIST_NAME = re.search(r"        list_name:\n(?: {10}.*\n)+", TEXT)[0]
LANGUAGES = re.search(r"enum: \[en-US, .*\]", TEXT)[0]
FEWER_LANGUAGES = re.sub(r", [^,]+\]", "]", LANGUAGES)
MORE_LANGUAGES = LANGUAGES.replace("en-US", "en-US, xx-XX")
RECEIVED = '        "200":\n          description: Received.'
REQUEST_ID = "casts: [blank_to_null, text]\n"
SILENT = {
    "a parameter is gone": (
        [(LIST_NAME, ""), ("                  list_name: October appointments\n", "")],
        "member-removed-from-closed",
    ),
    "a parameter has a near name": (
        [("        get_back_pressed_keys:\n", "        get_pressed_keys:\n")],
        "closed-member-renamed",
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
        "pattern-changed",
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
                "casts: [blank_to_null, text]\n            fallback: ignore",
                "casts: [blank_to_null, text]\n            fallback: reject",
            )
        ],
        "fallback-changed",
    ),
    "another code": ([("{code: 120, message", "{code: 121, message")], "error-code-changed"),
    "another code of an answer": (
        [("                    code: 104\n", "                    code: 105\n")],
        "error-code-changed",
    ),
    "another header": ([("name: api-key\n", "name: x-api-key\n")], "scheme-changed"),
    "other stakes": (
        [
            (
                f"{REQUEST_ID}            fallback: ignore\n            stakes: high",
                f"{REQUEST_ID}            fallback: ignore",
            )
        ],
        "stakes-changed",
    ),
    "other stakes of a rule": ([("    stakes: high\n", "")], "stakes-changed"),
    "another type of what is ignored": (
        [
            (
                "        list_name:\n          type: string",
                "        list_name:\n          type: integer",
            )
        ],
        "type-changed",
    ),
    "a member that contacts must have": (
        [("      required: [phone_number]\n", "      required: [phone_number, last_name]\n")],
        "member-became-required",
    ),
    "more repairs of high stakes": (
        [("casts: [blank_to_null, text]\n", "casts: [blank_to_null, text, trim]\n")],
        "high-stakes-cast-added",
    ),
    "one cast more, and the others in another order": (
        [("casts: [text, trim, squeeze]", "casts: [squeeze, trim, text, lower]")],
        "casts-reordered",
    ),
    "the price under the name of the balance": (
        [
            ("          cost: total_cost\n", "          cost: residual_credit\n"),
            ("          residual: residual_credit\n", "          residual: total_cost\n"),
        ],
        "answer-meaning-changed",
    ),
    "a member of the receipt less": (
        [
            (re.search(r"        pressed_keys_code:\n(?: {10}.*\n)+", TEXT)[0], ""),
            ('                    pressed_keys_code: "3545"\n', ""),
        ],
        "member-removed",
    ),
    "another status of a busy line": (
        [("statuses: {voice: BUSY,", "statuses: {voice: REFUSED,")],
        "calls-changed",
    ),
    "another retry": ([("value: [1, 5, 30, 300]", "value: [2, 5, 30, 300]")], "calls-changed"),
    "a higher price": ([('          value: "0.05"', '          value: "0.50"')], "term-changed"),
}
SILENT |= {
    "a webhook that may lack a member": (
        [("      required: [message_id, ", "      required: [")],
        "member-became-optional",
    ),
    "a form of a webhook less": (
        [
            (
                re.search(r"          application/x-www-form.*\n(?: {12}.*\n)+", TEXT)[0],
                "",
            )
        ],
        "media-type-removed",
    ),
    "another answer to a webhook": (
        [
            (
                '        "200":\n          description: Rec',
                '        "204":\n          description: Rec',
            )
        ],
        "success-removed",
    ),
}
BREAKING = {
    "a parameter more that is required": (
        [("required: [text, recipients]", "required: [text, recipients, type]")],
        "member-became-required",
    ),
    "another type of what is refused": (
        [("        text:\n          type: string", "        text:\n          type: integer")],
        "type-changed",
    ),
    "another magic key": (
        [("    magic-unauthorized:\n", "    magic-wrong-key:\n")],
        "magic-changed",
    ),
    "another path": ([("voice-campaign/send:", "voice-campaigns/send:")], "path-removed"),
    "another method": (
        [("    post:\n      operationId: send", "    put:\n      operationId: send")],
        "operation-removed",
    ),
    "another server": (
        [("url: https://api.octopush.com", "url: https://api.example.com")],
        "server-changed",
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
        "required-member-removed",
    ),
    "a member that may be missing": (
        [("total_cost, estimated_duration, residual", "total_cost, residual")],
        "member-became-optional",
    ),
    "a member of another type": (
        [
            (
                "          type: integer\n          minimum: 1\n          description: Of one call",
                "          type: number\n          minimum: 1\n          description: Of one call",
            )
        ],
        "type-widened",
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
        "required-member-added",
    ),
    "refusals that name no parameter": (
        [
            ("      required: [code, message, errors]\n", "      required: [code, message]\n"),
            (re.search(r"        errors:\n          type: object\n(?: {10}.*\n)+", TEXT)[0], ""),
        ],
        "required-member-removed",
    ),
}
WARNING = {
    "another operation": (
        [("operationId: sendVoiceCampaign", "operationId: sendCampaign")],
        "operation-id-changed",
    ),
}
HARMLESS = {
    "no type any more": (
        [("        list_name:\n          type: string\n", "        list_name:\n")],
        "type-widened",
    ),
    "one success instead of any": ([('        "2XX":\n', '        "201":\n')], "status-narrowed"),
    "a format of an answer": (
        [
            (
                "        ticket_number:\n          type: string\n",
                "        ticket_number:\n          type: string\n          format: uuid\n",
            )
        ],
        "format-tightened",
    ),
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
        "null-allowed",
    ),
    "a parameter more": (
        [
            (
                "        list_name:\n",
                LIST_NAME.replace("list_name", "list_note") + "        list_name:\n",
            )
        ],
        "member-added",
    ),
    "a member of the answer more": (
        [
            (
                "        number_of_contacts:\n",
                "        sent_at:\n          type: string\n        number_of_contacts:\n",
            )
        ],
        "member-added",
    ),
    "a hint less": ([("names: [gender]", "names: [sex]")], "other-names-changed"),
    "an enumeration opened": ([(f"          {LANGUAGES}\n", "")], "enum-dropped"),
    "a member of the receipt more": (
        [
            (
                "        call_duration:\n",
                "        ringing:\n          type: integer\n        call_duration:\n",
            )
        ],
        "member-added",
    ),
    "a list in the answer": (
        [
            (
                "        number_of_contacts:\n",
                """\
        parts:
          type: array
          items: {type: object, properties: {part: {type: string}}}
        number_of_contacts:
""",
            )
        ],
        "member-added",
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
    for severity, table in (
        ("silent", SILENT),
        ("breaking", BREAKING),
        ("warning", WARNING),
        ("harmless", HARMLESS),
    )
    for name, (pairs, rule) in table.items()
]


@pytest.mark.parametrize(("pairs", "rule", "severity"), PLANTED)
def test_a_planted_change_is_rated_as_designed_and_nothing_worse_is_said(
    pairs: list[tuple[str, str]], rule: str, severity: str
) -> None:
    worst = found(*pairs).findings[0]

    assert (worst.rule, str(worst.severity)) == (rule, severity)


@pytest.mark.unmeasured
def test_a_type_where_there_was_none_is_silent() -> None:
    result = found(*HARMLESS["no type any more"][0], back=True)

    assert rated(result.findings) == {("type-narrowed", "silent")}


@pytest.mark.parametrize(
    ("fallback", "severity", "outcome"),
    [
        ("ignore", "silent", "Such a contact is left out, and the others are called."),
        ("reject", "breaking", "Requests without it are refused."),
    ],
)
@pytest.mark.unmeasured
def test_what_an_item_must_have_is_rated_by_what_the_new_contract_does_without_it(
    fallback: str, severity: str, outcome: str
) -> None:
    result = found(
        *SILENT["a member that contacts must have"][0],
        ("[contact]\n        fallback: ignore", f"[contact]\n        fallback: {fallback}"),
    )

    (one,) = (one for one in result.findings if one.rule == "member-became-required")
    assert (str(one.severity), one.what.partition(". ")[2]) == (severity, outcome)


@pytest.mark.unmeasured
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


@pytest.mark.unmeasured
def test_a_refusal_that_is_gone_is_harmless() -> None:
    pairs = HARMLESS["a status more"][0]

    assert rated(found(*pairs, back=True).findings) == {("error-removed", "harmless")}


@pytest.mark.unmeasured
def test_the_renamed_opt_out_flag_comes_first_and_is_proven() -> None:
    first, *_ = comparison(document(OLDER), now()).findings

    assert (first.severity, first.rule) == ("silent", "closed-member-renamed")
    assert first.hit == "people who opted out: they would be called"
    assert "read differently: number_of_contacts is 2; it was 1" in first.proof


REQUIRED = ("required: [text, recipients]", "required: [text, recipients, list_name]")
REFUSED = (
    "casts: [text]\n            fallback: ignore",
    "casts: [text]\n            fallback: reject",
)


@pytest.mark.unmeasured
def test_a_required_parameter_under_another_name_breaks() -> None:
    renamed = ("        list_name:\n", "        list_named:\n")
    needs = (REQUIRED[0], REQUIRED[1].replace("list_name", "list_named"))

    first, *_ = comparison(changed(REQUIRED, REFUSED), changed(renamed, needs, REFUSED)).findings

    assert (first.rule, first.severity) == ("required-member-renamed", "breaking")


@pytest.mark.unmeasured
def test_a_parameter_that_is_no_longer_required_is_harmless() -> None:
    assert rated(found(REQUIRED, back=True).findings) == {("member-became-optional", "harmless")}


@pytest.mark.unmeasured
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
    described = re.search(rf" {{8}}{name}:\n(?: {{10}}.*\n)+? {{12}}casts: \[.*\]", TEXT)[0]
    stricter = re.sub(r"casts: \[.*\]", "casts: []", described)

    assert hit in found((described, stricter)).findings[0].hit


@pytest.mark.unmeasured
@pytest.mark.parametrize("pairs", [SILENT["another code"][0], SILENT["other stakes"][0]])
def test_a_code_and_stakes_change_no_call(pairs: list[tuple[str, str]]) -> None:
    assert found(*pairs).findings[0].hit == "client code and whoever tests against the twin"


@pytest.mark.unmeasured
def test_a_default_that_simulates_is_no_call_too_many() -> None:
    flag = re.search(r"        simulation_mode:\n(?: {10}.*\n)+? {10}default: false", TEXT)[0]

    first, *_ = found((flag, flag.replace("default: false", "default: true"))).findings

    assert first.hit == "whoever counts on calls: what was meant to ring would be simulated"


@pytest.mark.parametrize(
    ("otherwise", "fate"),
    [("ignore", "is ignored"), ("default", "becomes 'female'"), ("reject", "is refused with 400")],
)
def test_what_becomes_of_a_value_that_is_no_longer_valid_is_told(otherwise: str, fate: str) -> None:
    gender = re.search(
        r"          enum: \[male, female\]\n(?:.*\n)*?            fallback: default", TEXT
    )[0]
    kept = gender.replace("fallback: default", f"fallback: {otherwise}")
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


ADVICE = ("schema: {maxLength: 11}", "schema: {maxLength: 5}")


@pytest.mark.unmeasured
def test_what_the_runs_show_and_no_rule_knows_is_a_finding() -> None:
    assert ADVICE[0] in TEXT

    assert ("read-differently", "harmless") in rated(found(ADVICE).findings)


def test_what_only_the_runs_show_has_no_place(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    path.write_text(changed(ADVICE).openapi.text, "utf-8")

    told = ran(NOW, str(path)).output

    assert "HARMLESS  sender  (read-differently)" in told
    assert "At:" not in told


def test_what_a_rule_has_told_of_is_told_once() -> None:
    longer = ("maxLength: 20\n", "maxLength: 30\n")

    assert [one.rule for one in found(ADVICE, longer).findings] == ["bound-loosened"]


@pytest.mark.unmeasured
def test_a_harmless_finding_hides_nothing_worse_that_the_runs_show() -> None:
    """A cast more is harmless, and the runs' finding about the same parameter stays."""
    silent = Run("text", Outcome.READ_DIFFERENTLY, {}, "text is taken as another one")
    known = replace(found(*HARMLESS["a cast more"][0]).findings[0], about="text")

    (told,) = _unclaimed(Behaviour(1, (silent,)), set(), [known])

    assert (known.severity, told.severity, told.about) == ("harmless", "silent", "text")
    assert list(_unclaimed(Behaviour(1, (silent,)), set(), [told])) == []


FORBIDDEN = re.search(r" {16}forbidden:\n(?: {18}.*\n)+", TEXT)[0]


def test_a_named_answer_that_is_gone_is_told_to_whoever_tests() -> None:
    more = (FORBIDDEN, FORBIDDEN + FORBIDDEN.replace("forbidden:", "forbidden-too:", 1))

    assert ("named-answer-removed", "breaking") in rated(found(more, back=True).findings)


@pytest.mark.unmeasured
def test_what_hangs_on_a_member_that_is_gone_is_told_once() -> None:
    details = re.search(r"\n {8}meta_data:\n(?: {10}.*\n)+", TEXT)[0]
    shown = re.search(r"\n {18}meta_data:\n(?: {20}.*\n)+", TEXT)[0]

    about = [one.about for one in found((details, "\n"), (shown, "\n")).findings]

    assert about == ["webhook deliveryReceipt body meta_data"]


@pytest.mark.unmeasured
def test_an_answer_that_can_no_longer_be_read_is_a_finding_whatever_the_rules_say() -> None:
    less = ("          residual: residual_credit\n", "")

    first, *_ = found(less).findings

    assert (first.rule, first.severity) == ("answer-meaning-changed", "silent")
    assert any("residual_credit" in proof for proof in first.proof)


@pytest.mark.unmeasured
def test_each_proof_is_about_its_own_finding() -> None:
    dearer = ('          value: "0.05"', '          value: "0.50"')
    shorter = ("maxLength: 1224", "maxLength: 160")

    proofs = {one.about: one.proof for one in found(dearer, shorter).findings}

    assert all("total_cost" in proof for proof in proofs["price"])
    assert proofs["price"]
    assert proofs["text"]
    assert all(proof.startswith("fails: 400") for proof in proofs["text"])


@pytest.mark.unmeasured
def test_what_more_is_required_does_not_end_the_runs() -> None:
    needs = (REQUIRED[0], REQUIRED[0].replace("]", ", purpose]"))
    old = changed(needs)

    result = comparison(old, changed(needs, ("maxLength: 1224", "maxLength: 160")))

    assert result.old_callers.requests > 30
    assert [one.about for one in result.findings if one.proof] == ["text"]


@pytest.mark.unmeasured
def test_the_upper_bounds_are_tried() -> None:
    first, *_ = found(("maxItems: 1000", "maxItems: 900")).findings

    assert first.about == "recipients"
    assert any("fails: 400" in proof for proof in first.proof)


@pytest.mark.unmeasured
def test_a_contact_member_that_is_required_under_another_name_leaves_people_out() -> None:
    needs = ("      required: [phone_number]\n", "      required: [phone_number, last_name]\n")
    named = ("        last_name: *contact-text\n", "        last_names: *contact-text\n")
    moved = (needs[0], needs[1].replace("last_name", "last_names"))

    rules = {one.rule for one in comparison(changed(needs), changed(named, moved)).findings}

    assert "required-member-renamed" in rules


RECEIPT = "        call_duration:\n          type: integer\n"


@pytest.mark.unmeasured
def test_another_type_in_a_receipt_is_silent() -> None:
    pairs = (RECEIPT, RECEIPT.replace("integer", "string"))

    assert ("type-changed", "silent") in rated(found(pairs).findings)


@pytest.mark.unmeasured
def test_what_the_runs_of_old_callers_meet_is_counted() -> None:
    result = found(("maxLength: 1224", "maxLength: 160"))

    assert [str(run.outcome) for run in result.old_callers.runs] == ["fails"]
    assert "fails: 400" in result.findings[0].proof[0]
    assert result.new_callers.runs == ()


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("severity", "option", "code"),
    [
        ("silent", None, 0),
        ("silent", "silent", 1),
        ("silent", "breaking", 1),
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
    path.write_text(changed(*pairs).openapi.text, "utf-8")

    assert ran(NOW, str(path), *(["--fail-on", option] if option else [])).exit_code == code


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(vms, ["diff", *arguments])


@pytest.mark.unmeasured
def test_the_terminal_names_the_places_in_both_files() -> None:
    output = ran(OLDER, NOW).output

    line = TEXT.splitlines().index("        auto_delete_optout_contacts:") + 1
    assert f"new {NOW}:{line}" in output
    assert "info.version must be at least 0.3.0, which it is." in output


@pytest.mark.unmeasured
def test_the_same_is_told_as_such() -> None:
    output = ran(NOW, NOW).output

    assert "0 silent, 0 breaking, 0 warning, 0 harmless" in output
    assert "all as before" in output


@pytest.mark.unmeasured
def test_a_version_that_tells_too_little_is_named() -> None:
    output = ran(NOW, OLDER).output

    assert "info.version must be at least 2.0.0, not 0.2.0." in output


@pytest.mark.unmeasured
def test_the_shipped_contract_is_the_new_one_if_none_is_named() -> None:
    assert ran(OLDER).output.splitlines()[0] == ran(OLDER, NOW).output.splitlines()[0]


@pytest.mark.unmeasured
def test_json_has_all_of_it() -> None:
    document = json.loads(ran(OLDER, NOW, "--json").output)

    assert document["findings"][0]["severity"] == "silent"
    assert document["findings"][0]["new"]["pointer"].endswith("/auto_delete_optout_contacts")
    assert document["next_version"] == "0.3.0"


def test_markdown_is_a_table() -> None:
    output = ran(OLDER, NOW, "--markdown").output

    assert "| **silent** `closed-member-renamed` | auto_remove_blacklisted_numbers is now" in output
    assert "<br>Ran: read differently: number_of_contacts is 2" in output


def test_markdown_of_the_same_has_no_table() -> None:
    assert "|" not in ran(NOW, NOW, "--markdown").output


@pytest.mark.unmeasured
def test_github_shows_a_finding_at_its_line() -> None:
    output = ran(OLDER, NOW, "--github").output

    assert re.match(
        r"::error file=.*voice-campaign\.yaml,line=\d+,title=silent closed-member-", output
    )


@pytest.mark.unmeasured
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
@pytest.mark.unmeasured
def test_a_url_is_fetched_only_if_it_is_named() -> None:
    respx.get("https://example.com/contract.yaml").respond(text=Path(OLDER).read_text("utf-8"))

    assert "1 silent" in ran("https://example.com/contract.yaml", NOW).output


@respx.mock
def test_a_url_that_has_no_contract_is_told() -> None:
    respx.get("https://example.com/contract.yaml").respond(404)

    assert "404" in ran("https://example.com/contract.yaml", NOW).output


@respx.mock
def test_a_url_whose_contract_is_no_utf_8_is_told() -> None:
    respx.get("https://example.com/contract.yaml").respond(content=TEXT.encode("utf-16"))

    assert "contract.yaml:1: the file is UTF-16" in ran("https://example.com/contract.yaml").output


def test_a_receipt_within_itself_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    parent = '        parent: {$ref: "#/components/schemas/DeliveryReceipt"}\n'
    path.write_text(TEXT.replace("        channel:\n", f"{parent}        channel:\n", 1), "utf-8")

    done = ran(NOW, str(path))

    assert done.exit_code == 2
    assert "/DeliveryReceipt/properties/parent: a schema within itself" in done.output


@pytest.mark.unmeasured
def test_what_stands_beside_a_reference_changes_what_it_changes_elsewhere() -> None:
    named = "    Name:\n" + re.sub("(?m)^ {4}", "", LIST_NAME.partition("\n")[2])
    reference = '        list_name:\n          $ref: "#/components/schemas/Name"\n'
    moved = (LIST_NAME, reference + "          maxLength: 30\n")

    result = found(moved, ("    Contact:\n", f"{named}    Contact:\n"))

    (finding,) = result.findings
    assert finding.new is not None
    assert (finding.rule, finding.about) == ("bound-set", "list_name")
    assert finding.new.pointer.endswith("/VoiceCampaign/properties/list_name/maxLength")


@pytest.mark.parametrize("name", ["nowhere", "--output=x", "HEAD:nowhere.yaml"])
def test_what_cannot_be_had_is_told_without_a_traceback(name: str) -> None:
    done = ran("--", name, NOW)

    assert done.exit_code == 2
    assert "expected a file, a git revision" in done.output


@pytest.mark.parametrize(
    ("name", "default"),
    [("voice_gender", "female"), ("auto_delete_optout_contacts", False), ("list_name", None)],
)
def test_what_the_api_takes_where_a_parameter_is_absent_may_be_false(
    name: str, default: object
) -> None:
    lenient = document(NOW).lenient
    assert lenient is not None

    assert parameters(lenient)[name].default == default


def test_what_begins_as_an_option_does_is_not_handed_to_git(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = list[object]()
    monkeypatch.setattr(subprocess, "run", lambda *given, **_: asked.append(given))

    assert ran("--", "--output=x:y", NOW).exit_code == 2
    assert asked == []


def test_without_git_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert "expected a file, a git revision" in ran("main", NOW).output


def test_a_contract_that_does_not_load_says_where(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    path.write_text(TEXT.replace("maxLength: 1224", "maxLenght: 1224", 1), "utf-8")

    output = " ".join(ran(NOW, str(path)).output.split())

    assert re.search(r"new\.yaml:\d+: /components/schemas/VoiceCampaign/properties/text", output)
    assert "expected 'maxLength'?" in output


@pytest.mark.unmeasured
def test_a_url_is_shown_as_it_was_typed() -> None:
    url = "https://example.com/contract.yaml"
    with respx.mock:
        respx.get(url).respond(text=TEXT)
        output = ran(url, NOW).output

    assert output.startswith(f"1.0.0 ({url}) → ")


@pytest.mark.parametrize(
    "name",
    ["http://a:b/x", f"https://{'a' * 70}.example/x", "a" * 5000, "a\0b"],
    ids=["a port that is none", "a name that IDNA refuses", "an endless name", "a null byte"],
)
def test_what_is_no_name_at_all_is_told_in_one_line(name: str) -> None:
    done = ran(name, NOW)

    assert done.exit_code == 2
    assert "expected " in done.output


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", ["docs", "docs:contract.yaml"])
def test_a_branch_may_be_called_as_a_folder_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("docs", "openapi"):
        (tmp_path / folder).mkdir()
    for file in ("contract.yaml", "openapi/voice-campaign.yaml"):
        (tmp_path / file).write_text(TEXT, "utf-8")
    identity = ["-c", "user.name=Ada", "-c", "user.email=a@example.com"]
    for command in (
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "."],
        [*identity, "commit", "--quiet", "--message", "A contract"],
        ["branch", "docs"],
    ):
        subprocess.run([GIT, *command], check=True)

    assert ran(name, NOW).exit_code == 0


@pytest.mark.unmeasured
def test_a_release_candidate_is_not_yet_the_version() -> None:
    edit = ("version: 1.0.0", "version: 2.0.0-rc.1")

    assert not found(edit, ("maxLength: 1224", "maxLength: 160")).version_shows


@pytest.mark.parametrize("version", ["1.0.\u00b2", f"1.{'9' * 5000}.0"])
def test_what_is_no_number_in_a_version_counts_as_none(version: str) -> None:
    assert numbers(version)[0] == 1


@pytest.mark.unmeasured
def test_what_markdown_would_eat_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    old = "          pattern: ^\\+[0-9]{7,16}$"
    assert old in TEXT
    path.write_text(TEXT.replace(old, "          pattern: ^\\+[0-9]*$", 1), "utf-8")

    rows = ran(NOW, str(path), "--markdown").output.splitlines()

    assert any("\\[0-9\\]\\*" in row for row in rows if row.startswith("| **"))
    assert any("\\[0-9\\]\\*" in row for row in rows if row.startswith("- "))


def test_a_text_of_several_lines_stays_on_its_line_of_markdown() -> None:
    assert escaped("a\n\nb | c") == "a b \\| c"


@pytest.mark.unmeasured
def test_github_shows_what_is_gone_in_the_new_file_without_a_line(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    text = TEXT.replace(LIST_NAME, "").replace(
        "                  list_name: October appointments\n", ""
    )
    path.write_text(text, "utf-8")

    output = ran(NOW, str(path), "--github").output

    assert f"::error file={path},line=" in output


def test_github_names_no_file_where_there_is_none() -> None:
    respx_url = "https://example.com/contract.yaml"
    with respx.mock:
        respx.get(respx_url).respond(text=TEXT)
        output = ran(OLDER, respx_url, "--github").output

    assert "file=" not in output


@pytest.mark.unmeasured
def test_better_evidence_of_calls_is_no_change() -> None:
    other = ("reason: No source mentions a second try; most", "reason: Most")

    assert found(other).findings == ()


@pytest.mark.unmeasured
def test_calls_are_compared_with_the_shipped_ones_where_there_are_none() -> None:
    older, other = document(OLDER), changed(("{voice: BUSY,", "{voice: REFUSED,"))

    (one,) = (one for one in comparison(older, other).findings if one.rule == "calls-changed")
    assert (one.old, one.new is None) == (None, False)


def test_a_bound_where_none_was_is_named_beside_what_it_was() -> None:
    answer = (
        '              schema:\n                $ref: "#/components/schemas/CampaignAccepted"\n'
    )

    (one,) = found((answer, f"{answer}                maxProperties: 1\n")).findings

    assert one.what == "2XX: maxProperties 1; it was unbounded."


def test_a_form_of_a_request_that_is_gone_is_refused_before_anything_is_read() -> None:
    result = found(("          application/json:\n", "          application/hal+json:\n"))

    assert ("media-type-removed", "breaking") in rated(result.findings)


# ── files of other people ───────────────────────────────────────────────


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Two ordinary OpenAPI files: a path less, a value more in an answer."""
    old = edited({PLACES["answer"]: {"enum": ["a"]}, ("paths", "/gone"): {"get": {}}})
    new = edited({PLACES["answer"]: {"enum": ["a", "b"]}})
    for name, value in (("old", old), ("new", new)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value, indent=1), "utf-8")
    return str(tmp_path / "old.json"), str(tmp_path / "new.json")


def test_an_ordinary_file_is_said_to_be_read_as_strict(files: tuple[str, str]) -> None:
    output = ran(*files).output

    assert "0 silent, 1 breaking, 1 warning, 0 harmless" in output
    assert "Read as strict: without x-lenient nothing is silent" in output
    assert "WARNING  PUT /things/{id} 200  (enum-value-added)" in output


@pytest.mark.unmeasured
def test_the_same_files_have_the_same_findings_in_every_process(tmp_path: Path) -> None:
    more = {"parameters": [{"name": "a", "in": "query", "schema": {"$ref": "#/components/A"}}]}
    for name, size in (("old", 1), ("new", 2)):
        document = edited({("paths",): {f"/{path}": {"get": more} for path in "abcdefgh"}})
        document["components"]["A"] = {"type": "string", "minLength": size}
        (tmp_path / f"{name}.json").write_text(json.dumps(document), "utf-8")
    command = [sys.executable, "-m", "vms", "diff", "old.json", "new.json"]

    printed = {
        subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(printed) == 1


def test_sarif_has_each_finding_at_its_line(files: tuple[str, str]) -> None:
    (run,) = json.loads(ran(*files, "--sarif").output)["runs"]

    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        "enum-value-added",
        "path-removed",
    ]
    gone, more = run["results"]
    assert (gone["level"], more["level"]) == ("error", "warning")
    assert gone["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": files[1]}}}]
    place = more["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": files[1]}
    text = Path(files[1]).read_text("utf-8").splitlines()
    assert text[place["region"]["startLine"] - 1].strip() == '"enum": ['


def test_what_is_no_longer_there_is_annotated_without_a_line(files: tuple[str, str]) -> None:
    first, second = ran(*files, "--github").output.splitlines()

    assert first.startswith(f"::error file={files[1]},title=breaking path-removed::/gone is gone.")
    assert second.startswith(f"::warning file={files[1]},line=")


@pytest.mark.parametrize(
    ("option", "code"), [("silent", 0), ("breaking", 1), ("warning", 1), ("any", 1)]
)
def test_a_warning_is_failed_on_only_if_that_is_asked_for(
    files: tuple[str, str], option: str, code: int
) -> None:
    assert ran(*files, "--fail-on", option).exit_code == code
    assert ran(*reversed(files), "--fail-on", "warning").exit_code == 0


def test_clients_are_compared_of_contracts_with_leniency_only(files: tuple[str, str]) -> None:
    done = ran(*files, "--python")

    assert (done.exit_code, "--python needs two contracts with x-lenient" in done.output) == (
        2,
        True,
    )


def test_the_json_that_is_documented_has_the_members_that_there_are(
    files: tuple[str, str],
) -> None:
    page = (ROOT / "docs/how-to/check-your-contract.md").read_text("utf-8")
    documented = json.loads(page.partition("`--json`:\n\n```\n")[2].partition("```")[0])
    found = json.loads(ran(*files, "--json").output)

    assert documented.keys() == found.keys()
    assert documented["version"] == found["version"]
    assert documented["findings"][0].keys() == found["findings"][0].keys()
    assert documented["old"].keys() == found["old"].keys()


def test_a_file_that_cannot_be_read_is_named(
    files: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", broken)

    assert "old.json: cannot be read: [Errno 5] Input/output error" in ran(*files).output
