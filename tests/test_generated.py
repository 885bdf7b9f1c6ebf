"""The generated client: as the contract generates it, and what an edit does to it."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest
from click.testing import CliRunner, Result

from common import ROOT
from vms import generated
from vms.cli import vms
from voice_api import meta

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

    monkeypatch.setattr(generated, "generate", copied)


def ran(command: str, contract: Path, package: Path) -> Result:
    return CliRunner().invoke(vms, [command, str(contract), str(package)])


def test_the_client_in_the_tree_is_what_the_contract_generates() -> None:
    done = ran("drift", CONTRACT, PACKAGE)

    assert (done.exit_code, done.output) == (
        0,
        "voice_api: as generated from voice-campaign.yaml\n",
    )


def test_any_edit_of_the_contract_is_drift_until_the_client_is_written(
    contract: Path, package: Path
) -> None:
    contract.write_bytes(contract.read_bytes() + b"# a comment\n")

    assert ran("drift", contract, package).exit_code == 1
    assert ran("generate", contract, package).exit_code == 0
    assert ran("drift", contract, package).exit_code == 0


@pytest.mark.usefixtures("as_in_the_tree")
def test_without_a_client_all_of_it_is_drift(contract: Path, tmp_path: Path) -> None:
    done = ran("drift", contract, tmp_path / "nowhere")

    assert done.exit_code == 1
    assert "+import ssl" in done.output


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
    ("name", "shown"), [("stale.py", "stale.py: only in the tree"), ("models/new.py", "-x = 1")]
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


def test_a_contract_that_cannot_be_read_leaves_the_client_alone(
    contract: Path, package: Path
) -> None:
    contract.write_text("openapi: 3.1.0\n", "utf-8")

    assert ran("drift", contract, package).exit_code == 2
    assert ran("generate", contract, package).exit_code == 1
    assert ran("drift", CONTRACT, package).exit_code == 0


def test_what_the_generator_says_of_a_contract_is_told(contract: Path, package: Path) -> None:
    text = contract.read_text("utf-8")
    contract.write_text(text.replace("operationId: sendVoiceCampaign", "operationId: [a]"), "utf-8")

    done = ran("generate", contract, package)

    assert done.exit_code == 1
    assert "openapi-python-client refused the contract" in done.output
    assert "operationId" in done.output


def test_a_folder_that_holds_something_else_is_left_alone(contract: Path, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/mine.py").touch()

    done = ran("generate", contract, tmp_path / "src")

    assert done.exit_code == 1
    assert "no generated client" in done.output
    assert (tmp_path / "src/mine.py").exists()


@pytest.mark.parametrize("command", ["generate", "drift"])
def test_a_generator_that_is_not_installed_is_named(
    contract: Path, package: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(generated, "GENERATOR", "no-such-generator")

    done = ran(command, contract, package)

    assert done.exit_code in {1, 2}
    assert "no-such-generator is not installed; pip install 'vms-kit[maintain]'" in done.output


def test_without_griffe_both_clients_cannot_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "griffe", None)
    monkeypatch.delitem(sys.modules, "vms.changes.surface", raising=False)

    done = CliRunner().invoke(vms, ["diff", str(CONTRACT), str(CONTRACT), "--python"])

    assert done.exit_code == 2
    assert "griffe is not installed" in done.output


def test_the_client_is_stamped_with_its_contract() -> None:
    assert sha256(CONTRACT.read_bytes()).hexdigest() == meta.CONTRACT_SHA256
