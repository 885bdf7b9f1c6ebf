"""The generated client: as the contract generates it, and what an edit does to it."""

from __future__ import annotations

import ast
import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from shutil import copy, copytree, ignore_patterns
from typing import get_args, get_type_hints

import pytest
import yaml
from click.testing import CliRunner, Result

from common import ROOT
from openapi_documents import PLACES, edited
from vms.cli import vms
from vms.contracts import client_parts
from vms.contracts import generate as generated
from voice_api import meta
from voice_api.options import VoiceCampaignOptions

CONTRACT = ROOT / "openapi/voice-campaign.yaml"
PACKAGE = ROOT / "generated/voice_api"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the generated package."""
    return copytree(PACKAGE, tmp_path / "voice_api", ignore=ignore_patterns("__pycache__"))


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A copy of the contract."""
    return copy(CONTRACT, tmp_path / "voice-campaign.yaml")


@pytest.fixture
def as_in_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is generated is what stands in the tree, without the seconds that generating takes."""

    def copied(_: Path, package: Path) -> None:
        copytree(PACKAGE, package, ignore=ignore_patterns("__pycache__"))

    monkeypatch.setattr(generated, "_make", copied)


def ran(command: str, contract: Path, package: Path) -> Result:
    return CliRunner().invoke(vms, [command, str(contract), str(package)])


@pytest.mark.unmeasured
def test_the_client_in_the_tree_is_what_the_contract_generates() -> None:
    done = ran("drift", CONTRACT, PACKAGE)

    assert (done.exit_code, done.output) == (
        0,
        "voice_api: as generated from voice-campaign.yaml\n",
    )


@pytest.mark.unmeasured
def test_any_edit_of_the_contract_is_drift_until_the_client_is_written(
    contract: Path, package: Path
) -> None:
    contract.write_bytes(contract.read_bytes() + b"# a comment\n")

    assert ran("drift", contract, package).exit_code == 1
    assert ran("generate", contract, package).exit_code == 0
    assert ran("drift", contract, package).exit_code == 0


@pytest.mark.parametrize("name", ["nowhere", "foreign"])
def test_drift_of_what_is_no_client_is_one_sentence(
    contract: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign/meta.py").write_text("AUTHOR = 'Ada'\n", "utf-8")

    done = ran("drift", contract, tmp_path / name)

    assert done.exit_code == 2
    assert "expected" in done.stderr.splitlines()[-1]
    assert done.stdout == ""


@pytest.mark.usefixtures("as_in_the_tree")
def test_drift_shows_the_difference_and_the_command_that_mends_it(
    contract: Path, package: Path
) -> None:
    client = package / "client.py"
    client.write_text(client.read_text("utf-8").replace("import ssl\n", ""), "utf-8")

    done = ran("drift", contract, package)

    assert "+import ssl" in done.stdout
    assert f"vms generate {contract} {package}" in done.stderr


@pytest.mark.usefixtures("as_in_the_tree")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("stale.py", "stale.py: only in the tree"),
        ("models/new.py", "-x = 1\n\\ No newline at end of file\n"),
    ],
)
def test_a_file_too_many_is_drift(contract: Path, package: Path, name: str, shown: str) -> None:
    (package / name).write_text("" if name == "stale.py" else "x = 1", "utf-8")

    done = ran("drift", contract, package)

    assert done.exit_code == 1
    assert shown in done.output


@pytest.mark.usefixtures("as_in_the_tree")
def test_a_file_too_few_is_drift(contract: Path, package: Path) -> None:
    (package / "py.typed").unlink()

    done = ran("drift", contract, package)

    assert done.exit_code == 1
    assert "py.typed: only in a fresh generation" in done.output


@pytest.mark.unmeasured
def test_a_contract_that_cannot_be_read_leaves_the_client_alone(
    contract: Path, package: Path
) -> None:
    contract.write_text("openapi: 3.1.0\n", "utf-8")

    assert ran("drift", contract, package).exit_code == 2
    assert ran("generate", contract, package).exit_code == 2
    assert ran("drift", CONTRACT, package).exit_code == 0


def test_what_the_generator_says_of_a_contract_is_told(contract: Path, package: Path) -> None:
    text = contract.read_text("utf-8")
    contract.write_text(text.replace("operationId: sendVoiceCampaign", "operationId: [a]"), "utf-8")

    done = ran("generate", contract, package)

    assert done.exit_code == 2
    assert "openapi-python-client refused the contract" in done.output
    assert "operationId" in done.output


def test_a_folder_that_holds_something_else_is_left_alone(contract: Path, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/mine.py").touch()

    done = ran("generate", contract, tmp_path / "src")

    assert done.exit_code == 2
    assert "not a generated client" in done.output
    assert (tmp_path / "src/mine.py").exists()


@pytest.mark.parametrize(
    "text", [b"AUTHOR = 'Ada'\n", b"AUTHOR = 'Zo\xeb'\n"], ids=["ASCII", "Latin-1"]
)
def test_a_foreign_package_with_a_meta_module_is_left_alone(
    contract: Path, tmp_path: Path, text: bytes
) -> None:
    mine = tmp_path / "src/meta.py"
    mine.parent.mkdir()
    mine.write_bytes(text)

    done = ran("generate", contract, mine.parent)

    assert done.exit_code == 2
    assert "has no meta.py with CONTRACT_SHA256" in done.output
    assert mine.exists()


@pytest.fixture
def made_of_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is generated is one file, without the seconds that generating takes."""

    def made(_: Path, fresh: Path) -> None:
        fresh.mkdir()
        (fresh / "meta.py").write_text('CONTRACT_SHA256 = "new"\n', "utf-8")

    monkeypatch.setattr(generated, "_make", made)


@pytest.mark.usefixtures("made_of_one_file")
def test_a_client_that_cannot_be_replaced_is_as_it_was(
    contract: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(package.rglob("*"))
    rename = Path.rename

    def full(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)

    done = ran("generate", contract, package)

    assert ran("generate", contract, package.parent / "new_one").exit_code == 2
    assert not (package.parent / "new_one").exists()
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{package}: cannot be written: " in done.stderr
    assert sorted(package.rglob("*")) == before


@pytest.mark.usefixtures("made_of_one_file")
def test_a_client_behind_a_link_is_replaced_and_the_link_stays(
    contract: Path, package: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(package)

    done = ran("generate", contract, link)

    assert done.exit_code == 0
    assert link.is_symlink()
    assert [path.name for path in package.iterdir()] == ["meta.py"]


@pytest.mark.usefixtures("made_of_one_file")
def test_an_empty_folder_is_as_good_as_none(contract: Path, tmp_path: Path) -> None:
    (tmp_path / "new_api").mkdir()

    done = ran("generate", contract, tmp_path / "new_api")

    assert (done.exit_code, done.stderr) == (0, "")
    assert (tmp_path / "new_api/meta.py").exists()


@pytest.mark.usefixtures("made_of_one_file")
def test_nothing_is_left_beside_a_new_client(contract: Path, tmp_path: Path) -> None:
    ran("generate", contract, tmp_path / "src/new_api")

    assert [path.name for path in (tmp_path / "src").iterdir()] == ["new_api"]


def test_without_griffe_both_clients_cannot_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "griffe", None)
    monkeypatch.delitem(sys.modules, "vms.contracts.diff.python_surface", raising=False)

    done = CliRunner().invoke(vms, ["diff", str(CONTRACT), str(CONTRACT), "--python"])

    assert done.exit_code == 2
    assert "griffe is not installed" in done.output


@pytest.mark.parametrize("command", ["generate", "drift"])
def test_a_tool_that_is_not_installed_is_named(
    contract: Path, package: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(client_parts, "FORMATTER", "no-such-ruff")

    done = ran(command, contract, package)

    assert done.exit_code in {1, 2}
    assert "no-such-ruff is not installed; pip install 'vms-kit[maintain]'" in done.output


TEXT = CONTRACT.read_text("utf-8")
BODY_AT = '              $ref: "#/components/schemas/VoiceCampaign"\n'


def block(name: str, depth: int) -> str:
    """What stands below a name in the contract."""
    found = re.search(rf"(?m)^ {{{depth}}}{name}:\n((?: {{{depth + 2}}}.*\n)+)", TEXT)
    assert found is not None
    return found[1]


def moved(text: str, by: int) -> str:
    return re.sub("(?m)^(?=.)", " " * by, text) if by > 0 else re.sub(f"(?m)^ {{{-by}}}", "", text)


def read(package: Path, name: str = "options.py") -> str:
    return (package / name).read_text("utf-8")


@pytest.mark.unmeasured
def test_names_that_are_no_python_names_become_such(tmp_path: Path) -> None:
    name = block("list_name", 8)
    more = "".join(f"        {new}:\n{name}" for new in ("from", "self", "1st"))
    path = tmp_path / "contract.yaml"
    text = TEXT.replace("        list_name:\n", f"{more}        list_name:\n", 1)
    titled = text.replace("    VoiceCampaign:\n", "    VoiceCampaign:\n      title: a call\n")
    path.write_text(titled, "utf-8")

    done = ran("generate", path, tmp_path / "made")

    assert done.exit_code == 0, done.output
    (options,) = (
        node for node in ast.parse(read(tmp_path / "made")).body if isinstance(node, ast.ClassDef)
    )
    names = {ast.unparse(n.target) for n in options.body if isinstance(n, ast.AnnAssign)}
    assert options.name == "ACallOptions"
    assert names == {"from_", "self_", "field_1st", *get_type_hints(VoiceCampaignOptions)}


@pytest.mark.unmeasured
def test_a_body_written_out_and_a_parameter_elsewhere_are_generated(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    body, name, mark = block("VoiceCampaign", 4), block("list_name", 8), block("request_id", 8)
    text = TEXT.replace(f"    VoiceCampaign:\n{body}", "").replace(BODY_AT, moved(body, 8))
    for parameter, content, besides in (
        ("list_name", name, "                  enum: [a, b]\n"),
        ("request_id", mark, ""),
    ):
        where = f'                  $ref: "#/components/schemas/the_{parameter}"\n'
        text = text.replace(moved(content, 8), where + besides)
        named = f"    the_{parameter}:\n{moved(content, -4)}"
        text = text.replace("    Contact:\n", f"{named}    Contact:\n", 1)
    path.write_text(text.replace("list_name: October appointments", "list_name: a"), "utf-8")

    done = ran("generate", path, tmp_path / "made")

    assert done.exit_code == 0, done.output
    assert "class SendVoiceCampaignBodyOptions" in read(tmp_path / "made")
    assert "    request_id:" not in read(tmp_path / "made")
    assert "ListName = Literal[" in "".join(
        path.read_text("utf-8") for path in tmp_path.glob("made/models/*list_name.py")
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "              repeated: {code: 120",
            "              maxLength: {code: 120",
            "no parameter with an error 'repeated'; expected one",
        ),
        ("          pattern: ^\\+[0-9]{7,16}$\n", "", "phone_number: no pattern; expected one"),
        ("                    code: 104\n", "", "no code in the example 'out-of-credit'"),
    ],
)
def test_what_the_client_needs_and_the_contract_lacks_is_one_line(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert TEXT.count(old) == 1
    path = tmp_path / "contract.yaml"
    path.write_text(TEXT.replace(old, new), "utf-8")

    done = ran("generate", path, tmp_path / "made")

    assert (done.exit_code, len(done.output.splitlines())) == (2, 1)
    assert told in done.output
    assert not (tmp_path / "made").exists()


THING = {"type": "string"}
TWO_LISTS = {"tags": {"type": "array", "items": {"type": ["string", "null"]}}, "tags_item": THING}
PARAMETERS = ("paths", "/things/{id}", "put", "parameters")
OPERATION = {"responses": {"200": {"description": "It."}}}


def with_properties(properties: dict[str, object]) -> dict[str, object]:
    return edited({PLACES["request"]: {"type": "object", "properties": properties}})


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (with_properties({"d": THING}), "models/put_thing_body.py uses the name 'd' itself"),
        (with_properties({"to_dict": THING}), "uses the name 'to_dict' itself"),
        (with_properties({"additional_properties": THING}), "the name 'additional_properties'"),
        (with_properties(TWO_LISTS), "uses the name 'tags_item' itself"),
        (
            edited({PARAMETERS: [{"name": "params", "in": "query", "schema": THING}]}),
            "api/default/put_thing.py uses the name 'params' itself",
        ),
        (
            edited({PARAMETERS: [{"name": "body", "in": "query", "schema": THING}]}),
            "would not be valid Python (duplicate argument 'body' in function definition)",
        ),
        (
            edited(
                {
                    ("paths",): {
                        f"/{name}": {"get": OPERATION | {"operationId": name}}
                        for name in ("a", "A", "b")
                    }
                }
            ),
            "the client would have 2 of 3 operations; expected an operationId for each",
        ),
        (
            edited({("paths", "/things/{id}", "put", "description"): "\ud800"}),
            "refused the contract: UnicodeEncodeError: 'utf-8' codec can't encode character",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_client_that_would_not_work_is_one_line_and_not_written(
    tmp_path: Path, document: dict[str, object], told: str
) -> None:
    path = tmp_path / "api.json"
    path.write_text(json.dumps(document), "utf-8")

    done = ran("generate", path, tmp_path / "things_api")

    assert (done.exit_code, len(done.output.splitlines())) == (2, 1), done.output
    assert done.output.startswith(f"Error: {path}: ")
    assert told in done.output
    assert not (tmp_path / "things_api").exists()


@pytest.mark.unmeasured
def test_a_path_behind_a_reference_is_generated(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    item = edited({})["paths"]["/things/{id}"]
    document = edited(
        {
            ("paths",): {"/things/{id}": {"$ref": "#/components/pathItems/thing"}},
            ("components", "pathItems"): {"thing": item},
        }
    )
    path.write_text(json.dumps(document), "utf-8")

    done = ran("generate", path, tmp_path / "things_api")

    assert done.exit_code == 0
    assert (tmp_path / "things_api/api/default/put_thing.py").exists()


def test_a_client_of_several_files_is_refused_with_the_place(tmp_path: Path) -> None:
    (tmp_path / "thing.json").write_text(json.dumps(THING), "utf-8")
    path = tmp_path / "api.json"
    path.write_text(json.dumps(edited({PLACES["answer"]: {"$ref": "thing.json"}}), indent=1))

    done = ran("generate", path, tmp_path / "things_api")

    assert (done.exit_code, len(done.output.splitlines())) == (2, 1)
    assert re.search(r"api\.json:\d+: /paths/.*: a reference to another file", done.output)


@pytest.mark.unmeasured
def test_a_schema_behind_any_reference_is_generated(tmp_path: Path) -> None:
    sender = '{$ref: "#/components/schemas/Voice%43ampaign/properties/sender"}\n'
    path = tmp_path / "contract.yaml"
    name = f"        list_name:\n{block('list_name', 8)}"
    path.write_text(TEXT.replace(name, f"        list_name: {sender}"), "utf-8")

    done = ran("generate", path, tmp_path / "made")

    assert done.exit_code == 0, done.output
    assert "    list_name: str" in read(tmp_path / "made")


@pytest.mark.parametrize(
    "name",
    ["class", "1abc", "my pkg", "my-pkg", "json", "httpx", "\ufb01", "__pycache__", "voice_client"],
)
def test_a_package_that_could_not_be_imported_is_refused_before_anything_is_written(
    contract: Path, tmp_path: Path, name: str
) -> None:
    done = ran("generate", contract, tmp_path / "new" / name)

    assert (done.exit_code, len(done.output.splitlines())) == (2, 1)
    assert f"the package would be called {name!r}" in done.output
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("as_in_the_tree")
def test_the_ends_of_lines_that_version_control_writes_are_no_drift(
    contract: Path, package: Path
) -> None:
    for path in package.rglob("*"):
        if path.is_file():
            text = path.read_bytes().replace(b"\r\n", b"\n")
            path.write_bytes(text.replace(b"\n", b"\r\n"))

    assert ran("drift", contract, package).exit_code == 0


@pytest.mark.usefixtures("as_in_the_tree")
def test_a_package_below_a_folder_of_compiled_files_is_compared(
    contract: Path, package: Path
) -> None:
    inside = copytree(package, package.parent / "__pycache__" / package.name)
    (inside / "client.py").unlink()

    assert ran("drift", contract, inside).exit_code == 1


@pytest.mark.usefixtures("as_in_the_tree")
def test_the_folder_one_stands_in_has_no_drift(
    contract: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(package)

    assert ran("drift", contract, Path()).exit_code == 0


BODY = yaml.safe_load(CONTRACT.read_text("utf-8"))["components"]["schemas"]["VoiceCampaign"]
LENIENT = BODY["properties"]["request_id"]["x-lenient"]


@pytest.mark.parametrize(
    ("constant", "expected"),
    [
        (meta.REPEATED_REQUEST_ID, LENIENT["errors"]["repeated"]["code"]),
        (meta.LARGEST_FRAME, 500),
        (meta.SMALLEST_FRAME, 200),
        (meta.OUT_OF_CREDIT, 104),
        (meta.REQUEST_ID_HOURS, 24),
    ],
)
def test_the_client_has_the_contracts_numbers(constant: int, expected: int) -> None:
    assert constant == expected


def test_the_schema_of_a_request_is_whole_in_itself() -> None:
    schema = json.loads((PACKAGE / "request.schema.json").read_text("utf-8"))

    assert "$ref" not in json.dumps(schema)
    assert schema["properties"].keys() == BODY["properties"].keys()
    assert schema["properties"]["text"] == {"type": "string", "minLength": 1, "maxLength": 1224}


def test_the_options_are_the_parameters_that_may_be_left_out_but_for_the_mark() -> None:
    required = set(BODY["required"])

    names = set(get_type_hints(VoiceCampaignOptions))

    assert names == BODY["properties"].keys() - required - {"request_id"}
    assert VoiceCampaignOptions.__required_keys__ == frozenset()


def test_the_options_have_the_words_of_the_contract() -> None:
    kinds = get_type_hints(VoiceCampaignOptions)

    words = {name: set(get_args(kind)) for name, kind in kinds.items() if get_args(kind)}

    assert words == {
        name: set(field["enum"]) for name, field in BODY["properties"].items() if "enum" in field
    }


def test_the_client_is_stamped_with_its_contract() -> None:
    assert sha256(TEXT.encode()).hexdigest() == meta.CONTRACT_SHA256


@pytest.mark.unmeasured
def test_a_client_of_an_ordinary_file_is_generated_and_compared(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    path.write_text(json.dumps(edited({})), "utf-8")

    written = ran("generate", path, tmp_path / "things_api")
    same = ran("drift", path, tmp_path / "things_api")
    path.write_text(json.dumps(edited({PLACES["parameter"]: {"type": "string"}})), "utf-8")
    other = ran("drift", path, tmp_path / "things_api")

    assert (written.exit_code, same.exit_code, other.exit_code) == (0, 0, 1)
    assert (tmp_path / "things_api/meta.py").read_text("utf-8").splitlines()[2:4] == [
        f'CONTRACT_SHA256 = "{sha256(json.dumps(edited({})).encode()).hexdigest()}"',
        'CONTRACT_VERSION = "1.0.0"',
    ]


def test_what_the_generator_leaves_out_of_an_ordinary_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "api.json"
    content = ("paths", "/things/{id}", "put", "requestBody", "content")
    path.write_text(json.dumps(edited({content: {"x-strange/thing": {}}})), "utf-8")

    done = ran("generate", path, tmp_path / "things_api")

    assert done.exit_code == 0
    assert "openapi-python-client left out a part:" in done.stderr
