"""OpenAPI files as they come: how they are read, what their references lead to, what is refused.

By `vms.contracts.openapi` and `vms.contracts.loaded`.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import respx
from click.testing import CliRunner, Result

from common import ROOT
from mock_server.contract.document import ContractError
from openapi_documents import PLACES, edited, findings, rated
from vms.cli import vms
from vms.contracts.diff.comparison import comparison
from vms.contracts.loaded import Document, document

HEAD = "openapi: 3.1.0\ninfo: {title: A, version: 1.0.0}\n"


def ran(*arguments: object) -> Result:
    return CliRunner().invoke(vms, [str(one) for one in arguments])


def of(text: str) -> Document:
    return Document.of(Path("a.yaml"), text)


def in_components(schema: str) -> str:
    return f"{HEAD}paths: {{}}\ncomponents:\n  schemas:\n    A: {schema}\n"


REFUSED = {
    "not closed": ("a: [", "a.yaml:2: not valid YAML"),
    "control characters": ("a: \x07", "a.yaml:1: not valid YAML: unacceptable character"),
    "nothing": ("", "a.yaml:1: the file is not a mapping"),
    "a list": ("- 1", "a.yaml:1: the file is not a mapping"),
    "Swagger": ('swagger: "2.0"', "a.yaml:1: Swagger 2.0; expected OpenAPI 3.0 or 3.1"),
    "another version": ("openapi: 4.0.0", "a.yaml:1: OpenAPI 4.0.0; expected OpenAPI 3.0 or 3.1"),
    "no version": ("info: {}", "a.yaml:1: not an OpenAPI document"),
    "brackets too deep": ("[" * 9999, "not valid YAML: more than 200 levels"),
    "lists too deep": ("- " * 9999, "not valid YAML: more than 200 levels"),
    "JSON too deep": ('{"a":' * 9999, "not valid YAML: more than 200 levels"),
    "an alias within itself": (f"{HEAD}a: &a [*a]", "a.yaml:3: an alias within itself"),
    "more with aliases than can be": (
        f"{HEAD}a0: &a0 [1]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)),
        "too large with all aliases followed",
    ),
    "a name that is a list": (f"{HEAD}? [1]\n: 2\n", "a.yaml:3: a name that is not text"),
    "a version that is a number": (
        "openapi: 3.1",
        "a.yaml:1: OpenAPI 3.1; expected it written out, such as 3.1.0",
    ),
    "a name that stands twice": (
        f"{HEAD}a:\n  200: 1\n  '200': 2\n",
        "a.yaml:5: the name '200' stands twice, first in line 4; expected it once",
    ),
    "a name that stands twice in JSON": (
        '{"openapi": "3.1.0",\n"a": 1,\n"a": "NaN"}',
        "a.yaml:3: the name 'a' stands twice, first in line 2; expected it once",
    ),
    "NaN in JSON": (
        '{"openapi": "3.1.0",\n"a": NaN}',
        "a.yaml:2: NaN, which JSON does not have; expected a number",
    ),
    "an infinite number": (f"{HEAD}a: .inf\n", "a.yaml:3: .inf is not a number that JSON can"),
    "a number of 5000 digits": (
        f"{HEAD}a: {'9' * 5000}\n",
        "a.yaml:3: 99999999999999999999 is not a number that JSON can hold",
    ),
    "leniency without the keys at the top": (
        f"{HEAD}paths:\n  /:\n    x-lenient: 1\n",
        "a.yaml:5: /paths/~1/x-lenient: x-lenient, but no x-casts; expected a contract as",
    ),
    "a schema within its own allOf": (
        in_components("{allOf: [{$ref: '#/components/schemas/A'}]}"),
        "a.yaml:6: /components/schemas/A: a schema within its own allOf; expected one that ends",
    ),
    "a number that is none": (f"{HEAD}a: !!int x\n", "a.yaml:3: "),
    "a merge of text": (f"{HEAD}a: {{<<: 1}}\n", "a.yaml:3: "),
}


@pytest.mark.parametrize(("text", "refused"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_openapi_is_refused_in_a_sentence(text: str, refused: str) -> None:
    with pytest.raises(ContractError) as error:
        of(text)

    assert refused in str(error.value)
    assert "\n" not in str(error.value)


READ = {
    "JSON": json.dumps({"openapi": "3.0.3", "info": {"version": "1.0.0"}}),
    "YAML that begins like JSON": "{openapi: 3.0.3, info: {version: 1.0.0}}",
    "YAML of many brackets that are closed": f"{HEAD}a: '{'[' * 300}'\n",
    "NaN as a text": "openapi: 3.1.0\ninfo: {version: 1.0.0, title: NaN}",
    "leniency as a word": "openapi: 3.1.0\ninfo: {version: 1.0.0, title: x-lenient}",
    "two merges": "b: &b {version: 1.0.0}\nopenapi: 3.1.0\ninfo:\n  <<: *b\n  <<: *b\n",
    "a merge": "b: &b {version: 1.0.0}\nopenapi: 3.1.0\ninfo:\n  <<: *b\n",
}


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_openapi_is_read_from_json_and_yaml(text: str) -> None:
    assert of(text).version == "1.0.0"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("200: 2020-01-01", {"200": "2020-01-01"}),
        ("no: no", {"no": "no"}),
        ("a: null, b: ~, c: , d: Null", dict.fromkeys("abcd")),
        ("true: True", {"true": True}),
        (
            "a: 010, b: 0o10, c: 0x10, d: -1, e: 1_000, f: 12:30",
            {"a": 10, "b": 8, "c": 16} | {"d": -1, "e": "1_000", "f": "12:30"},
        ),
        ("a: 1e3, b: 1.5, c: .5, d: 1.", {"a": 1000.0, "b": 1.5, "c": 0.5, "d": 1.0}),
    ],
)
def test_values_have_the_types_of_yaml_1_2(text: str, value: object) -> None:
    assert of(f"{HEAD}a: {{{text}}}").openapi.document["a"] == value


def test_a_version_that_is_not_there_is_empty() -> None:
    assert of("openapi: 3.1.0\ninfo: 1").version == ""


@pytest.mark.parametrize(
    ("pointer", "line"),
    [
        *((("info",), 2), (("paths", "/"), 3), (("info", "x"), 2)),
        *((("list", 0), 5), (("list", 1), 6), (("list", 2), 4), (("list", 7), 4)),
    ],
)
def test_a_place_has_its_line_or_that_of_what_should_have_it(
    pointer: tuple[str | int, ...], line: int
) -> None:
    assert of(f"{HEAD}paths: {{/: {{}}}}\nlist:\n- 1\n- 2\n").openapi.line(pointer) == line


def test_a_part_of_another_file_may_be_in_an_all_of(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("type: object", "utf-8")
    path = tmp_path / "a.yaml"
    path.write_text(in_components("{allOf: [{$ref: b.yaml}]}"), "utf-8")

    assert document(str(path)).version == "1.0.0"


def test_an_empty_name_is_neither_the_shipped_contract_nor_gits_index() -> None:
    done = ran("diff", ROOT / "openapi/voice-campaign.yaml", "")

    assert done.exit_code == 2
    assert "an empty name: no such file" in done.output


# ── references ─────────────────────────────────────────────────────────

LED = {
    "an anchor": ("#name", {"$anchor": "name", "type": "string"}),
    "a pointer with escapes": ("#/components/schemas/a~1b%20c", {"type": "string"}),
    "a pointer into a list": (
        "#/components/schemas/a~1b%20c/allOf/1",
        {"allOf": [{}, {"type": "string"}]},
    ),
}


@pytest.mark.parametrize(("reference", "schema"), LED.values(), ids=LED)
def test_a_reference_leads_where_it_says(reference: str, schema: object) -> None:
    components = {("components", "schemas", "a/b c"): schema}
    plain = edited({PLACES["request"]: {"type": "string"}} | components)
    referred = edited({PLACES["request"]: {"$ref": reference}} | components)

    assert findings(plain, referred) == ()


@pytest.mark.parametrize(
    ("reference", "refused"),
    [
        ("#/components/schemas/B", "a reference to '#/components/schemas/B'; expected one to"),
        ("#/components/schemas/A/allOf/5", "expected one to something that is there"),
        ("#/components/schemas/A/x-list/1", "expected one to something that is there"),
        ("#nobody", "expected one to something that is there"),
        ("#/components/schemas/A", "a reference in a circle"),
        ("nowhere.yaml", "a reference to 'nowhere.yaml'; expected a file"),
        (
            "https://a.test/b.yaml#/c",
            "which would be fetched; expected one to a file, or --remote-refs",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused_at_its_line(
    reference: str, refused: str
) -> None:
    with pytest.raises(ContractError, match=r"^a\.yaml:6: ") as error:
        of(in_components(f"{{$ref: '{reference}', x-list: [1]}}"))

    assert refused in str(error.value)


def parts(folder: Path, *, size: int) -> Path:
    """A contract in three files."""
    (folder / "parts").mkdir(parents=True)
    root = edited({PLACES["request"]: {"$ref": "parts/thing.yaml#/Thing"}})
    (folder / "api.json").write_text(json.dumps(root), "utf-8")
    (folder / "parts/thing.yaml").write_text(
        "Thing:\n  properties:\n    name: {$ref: its%20names.yaml}\n    other: {$ref: '#/Other'}\n"
        "    back: {$ref: '../api.json#/components/securitySchemes'}\nOther: {type: string}\n",
        "utf-8",
    )
    (folder / "parts/its names.yaml").write_text(f"type: string\nmaxLength: {size}\n", "utf-8")
    return folder / "api.json"


def test_references_to_other_files_are_followed_and_found_there(tmp_path: Path) -> None:
    old, new = (parts(tmp_path / str(size), size=size) for size in (9, 8))

    (found,) = comparison(document(str(old)), document(str(new))).findings

    assert found.rule == "bound-tightened"
    assert str(found.new) == f"{tmp_path / '8/parts/its names.yaml'}:2"


def test_references_of_a_revision_are_followed_in_that_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts(tmp_path / "api", size=9)
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.test"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "First."]):
        subprocess.run([*git, *command], check=True)
    (tmp_path / "api/parts/its names.yaml").write_text("type: string\nmaxLength: 8\n", "utf-8")

    output = ran("diff", "HEAD:api/api.json", "api/api.json").output

    assert "old HEAD:api/parts/its names.yaml:2, new api/parts/its names.yaml:2" in output


@respx.mock
def test_references_to_other_hosts_are_followed_only_if_that_is_asked_for(tmp_path: Path) -> None:
    root = edited({PLACES["request"]: {"$ref": "https://a.test/thing.yaml"}})
    (tmp_path / "api.json").write_text(json.dumps(root), "utf-8")
    respx.get("https://a.test/thing.yaml").respond(text="$ref: more.yaml#/More")
    respx.get("https://a.test/more.yaml").respond(text="More: {type: string}")

    refused = ran("diff", tmp_path / "api.json", tmp_path / "api.json")
    followed = ran("diff", tmp_path / "api.json", tmp_path / "api.json", "--remote-refs")

    assert (refused.exit_code, "--remote-refs" in refused.stderr) == (2, True)
    assert (followed.exit_code, "0 silent, 0 breaking" in followed.output) == (0, True)


# ── sizes ────────────────────────────────────────────────────────────────


def chain(length: int, last: str) -> dict[str, object]:
    """Schemas of which each has the next as a member."""
    schemas: dict[tuple[str | int, ...], object] = {
        ("components", "schemas", f"S{number}"): {
            "properties": {"next": {"$ref": f"#/components/schemas/S{number + 1}"}}
        }
        for number in range(length)
    }
    schemas["components", "schemas", f"S{length}"] = {"type": last}
    return edited({PLACES["request"]: {"$ref": "#/components/schemas/S0"}} | schemas)


@pytest.mark.unmeasured
def test_a_thousand_schemas_within_each_other_are_compared() -> None:
    assert rated(findings(chain(1000, "string"), chain(1000, "null"))) == "breaking type-changed"


def test_schemas_that_are_deeper_than_can_be_compared_are_refused() -> None:
    text = "a0: &a0 {type: string}\n" + "".join(
        f"a{number}: &a{number} {{allOf: [*a{number - 1}]}}\n" for number in range(1, 3000)
    )
    deep = of(
        f"{HEAD}{text}paths:\n  /:\n    post:\n      requestBody:\n        content:\n"
        "          text/plain:\n            schema: *a2999\n"
    )

    with pytest.raises(ContractError, match="deeper than can be compared"):
        comparison(deep, deep)
