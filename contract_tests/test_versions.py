"""Published contracts: sound, served, and what real old clients meet at a new twin."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import httpx
import pytest
from click.testing import CliRunner

import node
import spec
from mock_server.contract.loader import load
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import Account, digest
from vms.cli import vms
from vms.contracts.diff.generated_clients import Client
from vms.contracts.diff.replay import behaviour
from vms.contracts.generate import generate
from vms.contracts.loaded import LoadedContract, document


def loaded(name: str) -> LoadedContract:
    found = document(name).lenient
    assert found is not None
    return found


pytestmark = pytest.mark.long

VERSIONS: Final = {
    path.stem: path for path in sorted((spec.FILE.parent / "versions").glob("*.yaml"))
}
OLDER: Final = VERSIONS["0.2.0"]
NOW: Final = spec.FILE
EVERY: Final = {**VERSIONS, "now": NOW}
TEXT: Final = NOW.read_text("utf-8")
OPTED_OUT: Final = "+33698765432"
FLAG: Final = {"0.2.0": "auto_remove_blacklisted_numbers", "now": "auto_delete_optout_contacts"}


@pytest.fixture(autouse=True)
def redocly(_node_tools: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real one, where `vms` looks for it."""
    for name, value in node.environment().items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("path", EVERY.values(), ids=EVERY)
def test_no_linter_finds_anything_in_a_contract(path: Path) -> None:
    done = CliRunner().invoke(vms, ["lint", str(path), "--every"])

    assert (done.exit_code, done.stderr) == (0, "")


ONLY_REDOCLY = {
    "an unused schema": (
        "    ReceiptDetails:\n",
        "    Nobody:\n      type: object\n    ReceiptDetails:\n",
        "redocly/no-unused-components",
    ),
    "a tag without a description": (
        "    description: Voice campaigns.\n",
        "",
        "redocly/tag-description",
    ),
    "no license": (
        "  license:\n    name: MIT\n    identifier: MIT\n",
        "",
        "redocly/info-license",
    ),
    "an operation without a summary": (
        "      summary: Send a voice campaign\n",
        "",
        "redocly/operation-summary",
    ),
}


def edited(folder: Path, old: str, new: str) -> Path:
    assert old in TEXT
    path = folder / "contract.yaml"
    path.write_text(TEXT.replace(old, new, 1), "utf-8")
    return path


@pytest.mark.parametrize(("old", "new", "rule"), ONLY_REDOCLY.values(), ids=ONLY_REDOCLY)
def test_what_only_redocly_finds_is_reported(tmp_path: Path, old: str, new: str, rule: str) -> None:
    path = edited(tmp_path, old, new)

    done = CliRunner().invoke(vms, ["lint", str(path), "--every"])

    assert done.exit_code == 1
    assert f"[{rule}]" in done.output


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The package that each contract generates."""
    folder = tmp_path_factory.mktemp("clients")
    found = {name: folder / f"voice_api_{name.replace('.', '_')}" for name in EVERY}
    for name, package in found.items():
        generate(EVERY[name], package)
    return found


def imported(package: Path) -> ModuleType:
    sys.path.insert(0, str(package.parent))
    try:
        importlib.invalidate_caches()
        return importlib.import_module(package.name)
    finally:
        sys.path.remove(str(package.parent))


def twin_of(path: Path) -> httpx.WSGITransport:
    contract = load(path)
    account = Account(
        "ada",
        digest("ada", "a-key"),
        contract.terms.opening_credit,
        opt_outs=frozenset({OPTED_OUT}),
    )
    return httpx.WSGITransport(app=create_app(Twin(contract, MemoryStore([account]))))


def sent(client: ModuleType, twin: Path, body: dict[str, Any]) -> Any:
    """What the generated client makes of the twin's answer."""
    send = importlib.import_module(f"{client.__name__}.api.voice_campaign.send_voice_campaign")
    models = importlib.import_module(f"{client.__name__}.models")
    with client.AuthenticatedClient(
        base_url="http://127.0.0.1",
        token="a-key",
        prefix="",
        auth_header_name="api-key",
        headers={"api-login": "ada"},
        httpx_args={"transport": twin_of(twin)},
    ) as opened:
        return send.sync(client=opened, body=models.VoiceCampaign.from_dict(body))


BODY: Final = {
    "text": "Hello.",
    "recipients": [{"phone_number": "+33612345678"}, {"phone_number": OPTED_OUT}],
}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_published_contract_is_served_to_its_own_client(
    packages: dict[str, Path], version: str
) -> None:
    answer = sent(imported(packages[version]), VERSIONS[version], BODY)

    assert type(answer).__name__ == "CampaignAccepted"
    assert answer.number_of_contacts == 2


@pytest.mark.parametrize("version", VERSIONS)
def test_its_own_example_is_answered_with_its_own_members(version: str) -> None:
    document = loaded(str(VERSIONS[version])).file.document
    contract = load(VERSIONS[version])
    with httpx.Client(transport=twin_of(VERSIONS[version]), base_url="http://127.0.0.1") as client:
        answer = client.post(
            contract.url_path,
            json=spec.REQUESTS["one-contact"]["value"],
            headers={"api-login": "ada", "api-key": "a-key"},
        )

    operation = document["paths"][contract.url_path]["post"]
    example = operation["responses"]["2XX"]["content"]["application/json"]["examples"]["accepted"]
    assert answer.json().keys() == example["value"].keys()


@pytest.mark.parametrize(
    ("client", "twin", "called"),
    [("0.2.0", "0.2.0", 1), ("0.2.0", "now", 2), ("now", "now", 1), ("now", "0.2.0", 2)],
)
def test_an_opted_out_person_is_called_where_the_flag_has_another_name(
    packages: dict[str, Path], client: str, twin: str, called: int
) -> None:
    answer = sent(imported(packages[client]), EVERY[twin], BODY | {FLAG[client]: True})

    assert answer.number_of_contacts == called


def test_a_client_of_another_address_gets_nothing_it_knows(packages: dict[str, Path]) -> None:
    assert sent(imported(packages["0.1.0"]), NOW, BODY) is None


@pytest.mark.parametrize("version", EVERY)
def test_a_real_client_meets_nothing_new_at_its_own_twin(
    packages: dict[str, Path], version: str
) -> None:
    own = loaded(str(EVERY[version]))

    met = behaviour(own, own, Client(packages[version], f"own_{packages[version].name}"))

    assert (met.runs, met.requests > 30) == ((), True)


def test_what_a_real_old_client_meets_is_reported_with_what_breaks_in_python() -> None:
    done = CliRunner().invoke(vms, ["diff", str(OLDER), str(NOW), "--python", "--json"])

    found = json.loads(done.output)
    assert {(run["about"], run["outcome"]) for run in found["old_callers"]["runs"]} == {
        (FLAG["0.2.0"], "read differently")
    }
    differences = [run["difference"] for run in found["old_callers"]["runs"]]
    assert "number_of_contacts is 2; it was 1" in differences
    assert found["python"] == [
        f"voice_api.{where}.{FLAG['0.2.0']}: Public object was removed"
        for where in ("models.voice_campaign.VoiceCampaign", "options.VoiceCampaignOptions")
    ]
