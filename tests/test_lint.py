"""What `vms lint` finds in a contract: planted defects, one at a time."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import openapi_documents
from common import ROOT
from openapi_documents import PLACES, Gone
from vms.cli import vms
from vms.contracts import lint

CONTRACT = ROOT / "openapi/voice-campaign.yaml"
TEXT = CONTRACT.read_text("utf-8")
GENDER = "enum: [male, female]"


@pytest.fixture(autouse=True)
def no_redocly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found without it; contract_tests have the real one."""
    monkeypatch.setattr(lint, "REDOCLY", "no-such-redocly")


def linted(path: Path, *options: str) -> Result:
    return CliRunner().invoke(vms, ["lint", str(path), *options])


def edited(folder: Path, old: str, new: str) -> Path:
    assert old in TEXT
    path = folder / "contract.yaml"
    path.write_text(TEXT.replace(old, new, 1), "utf-8")
    return path


PLANTED = {
    "no leniency": ("          x-lenient:\n", "          x-lenience:\n", "unknown x- key"),
    "no evidence": (
        "              value: female\n              evidence:\n",
        "              value: female\n              proof:\n",
        "expected the shape",
    ),
    "a mistyped keyword": ("maxLength: 1224", "maxLenght: 1224", "expected 'maxLength'?"),
    "a format of nobody": ("format: date-time", "format: datetime", "no such format"),
    "a default that is not valid": ("default: true", "default: maybe", "maybe"),
    "an example that is not valid": (
        "                  voice_gender: male\n",
        "                  voice_gender: both\n",
        "[valid-examples]",
    ),
    "an answer that is not valid": (
        "ticket_number: voice_5f44ebf9e47b7",
        "ticket_number: vocal_5f44ebf9e47b7",
        "[valid-examples]",
    ),
    "a receipt that is not valid": ("unit_price: 0.05", "unit_price: free", "[valid-examples]"),
    "a default response": (
        '        "403":\n',
        "        default:\n          description: Any other.\n        '403':\n",
        "[no-default-response]",
    ),
    "an answer without an example": (
        '        "403":\n',
        """\
        "404":
          description: None.
          content: {application/json: {schema: {$ref: "#/components/schemas/ApiError"}}}
        "403":
""",
        "[examples]",
    ),
    "a documented code without an example": ("code: 442", "code: 443", "[examples]"),
    "a status of another answer": ("x-status: 403", "x-status: 503", "[examples]"),
    "a keyword that Prism gets wrong": (
        "    ReceiptDetails:\n      type: object\n",
        "    ReceiptDetails:\n      type: object\n      unevaluatedProperties: false\n",
        "[keywords-for-prism]",
    ),
    "a quote that is not in the vendor's page": (
        "quote: Voice language not supported.",
        "quote: Voice language is not supported.",
        "[quotes]",
    ),
    "a version that is no number": ("version: 1.0.0", "version: latest", "[version]"),
    "a version that is more than a number": (
        "version: 1.0.0",
        "version: 1.0.0-beta",
        "[version]",
    ),
    "a cast that nothing uses": (
        "  paris_time:\n",
        "  squash:\n    summary: A.\n    evidence: *wrong-type\n  paris_time:\n",
        "no such cast",
    ),
    "a source that nothing cites": (
        "x-sources:\n",
        "x-sources:\n  rumour: {title: A rumour, where: example.com}\n",
        "[nothing-unused]",
    ),
    "a name of two meanings": ("names: [gender]", "names: [purpose]", "[one-meaning-a-name]"),
    "a response that is not described": (
        "          description: Forbidden to view.\n",
        "",
        "[openapi-spec-validator]",
    ),
    "a reference to nowhere": (
        'meta_data:\n          $ref: "#/components/schemas/ReceiptDetails"',
        'meta_data:\n          $ref: "#/components/schemas/Details"',
        "Details",
    ),
    "a name that stands twice": (
        "          minItems: 1\n",
        "          minItems: 1\n          minItems: 1\n",
        "stands twice",
    ),
    "a pattern that is none": (
        "pattern: ^voice_[0-9a-f]{13}",
        "pattern: ^voice_[",
        "a JSON Schema",
    ),
    "a pattern of a receipt that is none": (
        "        channel:\n          type: string\n",
        "        channel:\n          type: string\n          pattern: ^voice_[\n",
        "a JSON Schema",
    ),
    "a pattern that is none, of members that are not evaluated": (
        "    ReceiptDetails:\n      type: object\n",
        (
            "    ReceiptDetails:\n      type: object\n"
            "      unevaluatedProperties: {pattern: '^voice_['}\n"
        ),
        "a JSON Schema",
    ),
    "no YAML": ("info:\n", "info: [\n", "not valid YAML"),
    "a receipt within itself": (
        "        channel:\n          type: string\n",
        '        parent: {$ref: "#/components/schemas/DeliveryReceipt"}\n',
        "a schema within itself",
    ),
    "a key that is no header": (
        "      in: header\n      name: api-key",
        "      in: cookie\n      name: api-key",
        '/api-key/in: "header" was expected',
    ),
    "either header instead of both": (
        "        - api-login: []\n          api-key: []",
        "        - api-login: []\n        - api-key: []",
        '/post/security: [{"api-login":[]},{"api-key":[]}] has more than 1 item',
    ),
    "a body that need not be there": (
        "        required: true\n        description: UTF-8",
        "        description: UTF-8",
        '/post/requestBody: "required" is a required property',
    ),
    "a body that may be left out, as it says": (
        "        required: true\n        description: UTF-8",
        "        required: false\n        description: UTF-8",
        "/post/requestBody/required: true was expected",
    ),
    "headers of an answer": (
        '        "403":\n',
        '        "403":\n          headers: {Retry-After: {schema: {type: integer}}}\n',
        "/responses/403/headers: False schema does not allow",
    ),
    "a reference to a number": (
        "    ReceiptDetails:\n",
        '    Price: {$ref: "#/x-answers/not-found/status", maxLength: 5}\n    ReceiptDetails:\n',
        "404 is not of type",
    ),
    "a keyword beside a reference that nothing reads": (
        "    ReceiptDetails:\n",
        '    Price: {$ref: "#/components/schemas/ApiError", required: []}\n    ReceiptDetails:\n',
        "/components/schemas/Price/required: required beside a $ref",
    ),
}


@pytest.mark.parametrize(("old", "new", "told"), PLANTED.values(), ids=PLANTED)
def test_a_planted_defect_is_found_with_its_place(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    # The vendor's page is looked for from where the contract stands upwards.
    (tmp_path / "openapi").symlink_to(ROOT / "openapi")

    done = linted(edited(tmp_path, old, new))

    assert done.exit_code == 1
    assert told in done.output
    assert re.match(r".*contract\.yaml:\d+: ", done.output)


@pytest.mark.unmeasured
def test_a_name_of_two_meanings_is_found_behind_a_reference(tmp_path: Path) -> None:
    gender = re.search(r"        voice_gender:\n((?: {10}.*\n)+)", TEXT)
    assert gender is not None
    named = f"    Gender:\n{re.sub('(?m)^ {4}', '', gender[1])}"
    path = tmp_path / "contract.yaml"
    text = TEXT.replace(
        gender[0], '        voice_gender:\n          $ref: "#/components/schemas/Gender"\n'
    )
    text = text.replace("    Contact:\n", f"{named}    Contact:\n", 1)
    path.write_text(text.replace("names: [gender]", "names: [purpose]"), "utf-8")

    assert "/components/schemas/Gender/x-lenient: the name 'purpose'" in linted(path).output


def test_a_reference_to_a_schema_outside_components_is_followed(tmp_path: Path) -> None:
    where = "#/paths/~1v1~1public~1voice-campaign~1send/post/responses/401/content"
    old = "        delivery_date:\n          type: string\n"
    new = f"        after: {{$ref: '{where}/application~1json/schema'}}\n"

    done = linted(edited(tmp_path, old, new + old))

    assert (done.exit_code, done.stdout.split(": ")[-1]) == (0, "nothing found\n")


@pytest.mark.parametrize("path", [CONTRACT, *(ROOT / "openapi/versions").glob("*.yaml")])
def test_nothing_is_found_in_what_is_published(path: Path) -> None:
    done = linted(path)

    assert (done.exit_code, done.stdout) == (0, f"{path}: nothing found\n")


def test_the_shipped_contract_is_looked_at_if_none_is_named() -> None:
    assert "voice-campaign.yaml: nothing found" in CliRunner().invoke(vms, ["lint"]).output


def test_every_cast_is_used(tmp_path: Path) -> None:
    done = linted(edited(tmp_path, "phone_national, phone_plus]", "phone_plus]"))

    assert "/x-casts/phone_national: a cast that no parameter has" in done.output


def test_a_linter_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openapi_spec_validator", None)

    done = linted(CONTRACT)

    assert done.exit_code == 0
    assert done.stderr.count("skipped: ") == 2


def test_a_missing_linter_is_an_error_where_every_one_is_wanted() -> None:
    assert linted(CONTRACT, "--every").exit_code == 2


def redocly(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """A redocly that answers so."""
    command = folder / "fake-redocly"
    command.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n", "utf-8")
    command.chmod(0o755)
    monkeypatch.setattr(lint, "REDOCLY", str(command))


def test_what_redocly_finds_is_told_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    location = {"start": {"line": 7}, "pointer": "#/info"}
    problem = {"ruleId": "info-license", "message": "No license.", "location": [location]}
    redocly(tmp_path, monkeypatch, json.dumps({"problems": [problem]}))

    output = linted(CONTRACT).output

    assert f"{CONTRACT}:7: /info: No license.; expected" in output
    assert "[redocly/info-license]" in output


def test_what_two_linters_say_alike_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = edited(tmp_path, "code: 442", "code: 443")
    monkeypatch.setattr(lint, "_validator", lint._own_rules)  # noqa: SLF001

    (line,) = linted(path).stdout.splitlines()

    assert line.endswith("[examples]")


def test_a_redocly_that_says_nothing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redocly(tmp_path, monkeypatch, "oh no")

    assert "skipped: " in linted(CONTRACT).stderr


@pytest.mark.parametrize("answer", ["{}", "[]", '{"problems": [{}]}', '{"problems": null}'])
def test_a_redocly_whose_report_has_another_shape_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    redocly(tmp_path, monkeypatch, answer)

    done = linted(CONTRACT)

    assert done.exit_code == 0
    assert "skipped: redocly lint gave no report" in done.stderr


def test_a_redocly_that_takes_too_long_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    redocly(tmp_path, monkeypatch, "{}")
    monkeypatch.setattr(lint, "_PATIENCE", 0)

    assert "skipped: redocly lint gave no report (TimeoutExpired" in linted(CONTRACT).stderr


def test_a_fork_is_told_that_its_quotes_are_not_looked_up(tmp_path: Path) -> None:
    done = linted(edited(tmp_path, "version: 1.0.0", "version: 1.1.0"))

    assert done.exit_code == 0
    assert "skipped: quotes, the sources are not beside the contract" in done.stderr


def test_quotes_that_are_not_looked_up_are_no_linter_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = edited(tmp_path, "version: 1.0.0", "version: 1.1.0")
    redocly(tmp_path, monkeypatch, '{"problems": []}')

    assert linted(path, "--every").exit_code == 0


def test_a_member_called_contains_is_no_keyword(tmp_path: Path) -> None:
    old = "        charged_duration:\n          type: integer\n"
    done = linted(edited(tmp_path, old, f"        contains: {{type: string}}\n{old}"))

    assert "keywords-for-prism" not in done.output


def test_a_keyword_that_prism_gets_wrong_is_found_in_an_answer_itself(tmp_path: Path) -> None:
    old = "              schema:\n                anyOf:\n"
    new = f"{old}                  - {{type: array, contains: {{type: string}}}}\n"

    done = linted(edited(tmp_path, old, new))

    assert "/schema/anyOf/0/contains: the keyword contains; expected" in done.output


def test_a_contract_that_breaks_a_linter_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import openapi_spec_validator  # noqa: PLC0415  (only here)

    def broken(_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(openapi_spec_validator.OpenAPIV31SpecValidator, "iter_errors", broken)

    assert "skipped: openapi-spec-validator; RecursionError" in linted(CONTRACT).stderr


def test_a_source_whose_place_is_no_path_is_not_looked_for(tmp_path: Path) -> None:
    place = "where: dev.octopush.com/es/documentacion-api-sms/sms-transaccional"

    done = linted(edited(tmp_path, place, f"where: {'a' * 5000}"))

    assert done.exit_code == 0


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", ["list_name", "listName", "LIST-NAME", "requestMode", "lang"])
def test_a_mistaken_name_that_is_another_parameter_in_any_spelling_is_found(
    tmp_path: Path, name: str
) -> None:
    done = linted(edited(tmp_path, "names: [gender]", f"names: [gender, {name}]"))

    assert done.exit_code == 1
    assert "one meaning for a name" in done.output


def test_what_is_found_twice_is_reported_once(tmp_path: Path) -> None:
    done = linted(edited(tmp_path, "names: [gender]", "names: [purpose, purpose]"))

    assert (done.exit_code, done.stdout.count("\n")) == (1, 1)


# ── files of other people ───────────────────────────────────────────────


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
def test_an_ordinary_file_is_linted_by_the_linters_that_know_it(
    tmp_path: Path, version: str
) -> None:
    path = tmp_path / "api.json"
    answer = ("paths", "/things/{id}", "put", "responses", "200", "content", "application/json")
    example = {(*answer, "example"): {"name": {"$ref": "#/not/a/reference"}}}
    document = openapi_documents.edited({("openapi",): version, ("webhooks",): Gone} | example)
    path.write_text(json.dumps(document), "utf-8")

    done = linted(path)

    assert (done.exit_code, done.stdout) == (0, f"{path}: nothing found\n")
    assert "skipped: our own rules, which are about x-lenient" in done.stderr


def test_what_is_wrong_with_an_ordinary_file_is_found_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    path.write_text("openapi: 3.1.0\ninfo: {title: A}\npaths: {}\n", "utf-8")

    done = linted(path)

    assert done.exit_code == 1
    assert f'{path}:2: /info: "version" is a required property; expected OpenAPI' in done.output


def test_a_reference_of_an_ordinary_file_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    broken = openapi_documents.edited({PLACES["answer"]: {"$ref": "#/nowhere"}})
    path.write_text(json.dumps(broken), "utf-8")

    done = linted(path)

    assert done.exit_code == 1
    assert "a reference to '#/nowhere'; expected one to something that is there" in done.output


def test_a_version_that_the_validator_does_not_know_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("openapi_spec_validator.OpenAPIV32SpecValidator", raising=False)
    path = tmp_path / "api.yaml"
    path.write_text("openapi: 3.2.0\ninfo: {title: A, version: '1'}\npaths: {}\n", "utf-8")

    assert "skipped: openapi-spec-validator; it knows no OpenAPI 32" in linted(path).stderr


def test_what_no_linter_looked_at_is_not_said_to_be_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openapi_spec_validator", None)
    path = tmp_path / "api.json"
    path.write_text(json.dumps(openapi_documents.edited({})), "utf-8")

    done = linted(path)

    assert (done.exit_code, done.stdout) == (2, "")
    assert "no linter looked at it" in done.stderr


def test_each_default_that_its_schema_refuses_is_found_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    schemas = "".join(f"    {name}: {{type: integer, default: x}}\n" for name in "AB")
    head = "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths: {}\ncomponents:\n  schemas:\n"
    path.write_text(head + schemas, "utf-8")

    places = [line.partition(": '")[0] for line in linted(path).stdout.splitlines()]
    assert places == [f"{path}:{6 + n}: /components/schemas/{'AB'[n]}/default" for n in range(2)]


def test_an_ordinary_contract_of_several_files_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "thing.json").write_text('{"S": {"type": "string"}}', "utf-8")
    path = tmp_path / "api.json"
    whole = openapi_documents.edited({PLACES["answer"]: {"$ref": "thing.json#/S"}})
    path.write_text(json.dumps(whole), "utf-8")

    assert (linted(path).exit_code, linted(path).stdout) == (0, f"{path}: nothing found\n")


def test_a_member_of_a_receipt_may_be_called_as_a_reference_is(tmp_path: Path) -> None:
    old = "        channel:\n          type: string\n"

    assert linted(edited(tmp_path, old, f"        $ref: {{type: string}}\n{old}")).exit_code == 0
