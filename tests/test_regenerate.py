"""The generated client: as the contract generates it, and what an edit does to it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

import regenerate
from voice_api import meta


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the generated package."""
    return shutil.copytree(
        regenerate.PACKAGE, tmp_path / "voice_api", ignore=shutil.ignore_patterns("__pycache__")
    )


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A copy of the contract."""
    return shutil.copy(regenerate.CONTRACT, tmp_path / "voice-campaign.yaml")


def check(contract: Path, package: Path) -> int:
    return regenerate.main(["check", "--contract", str(contract), "--package", str(package)])


def test_the_client_in_the_tree_is_what_the_contract_generates() -> None:
    assert regenerate.drift(regenerate.CONTRACT, regenerate.PACKAGE) == ""


def test_any_edit_of_the_contract_is_drift(contract: Path, package: Path) -> None:
    contract.write_bytes(contract.read_bytes() + b"# a comment\n")

    assert check(contract, package) == 1


def test_writing_the_client_ends_the_drift(contract: Path, package: Path) -> None:
    contract.write_bytes(contract.read_bytes() + b"# a comment\n")
    arguments = ["write", "--contract", str(contract), "--package", str(package)]

    assert regenerate.main(arguments) == 0
    assert check(contract, package) == 0


def test_drift_shows_the_difference_and_the_command_that_mends_it(
    contract: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = package / "client.py"
    client.write_text(client.read_text("utf-8").replace("import ssl\n", ""), "utf-8")

    check(contract, package)

    shown = capsys.readouterr()
    assert "+import ssl" in shown.out
    assert "./noxw -s generate" in shown.err


@pytest.mark.parametrize(
    ("name", "shown"), [("stale.py", "stale.py: only in the tree"), ("models/new.py", "-x = 1")]
)
def test_a_file_too_many_is_drift(
    contract: Path, package: Path, capsys: pytest.CaptureFixture[str], name: str, shown: str
) -> None:
    (package / name).write_text("" if name == "stale.py" else "x = 1", "utf-8")

    assert check(contract, package) == 1
    assert shown in capsys.readouterr().out


def test_a_file_too_few_is_drift(
    contract: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (package / "py.typed").unlink()

    assert check(contract, package) == 1
    assert "py.typed: only in a fresh generation" in capsys.readouterr().out


def test_a_clean_tree_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert regenerate.main(["check"]) == 0
    assert "as generated from voice-campaign.yaml" in capsys.readouterr().out


def test_a_contract_that_the_generator_refuses_leaves_the_client_alone(
    contract: Path, package: Path
) -> None:
    contract.write_text("openapi: 3.1.0\n", "utf-8")
    before = regenerate.drift(regenerate.CONTRACT, package)

    assert check(contract, package) == 2
    assert regenerate.drift(regenerate.CONTRACT, package) == before


def test_the_client_is_stamped_with_its_contract() -> None:
    expected = hashlib.sha256(regenerate.CONTRACT.read_bytes()).hexdigest()
    assert expected == meta.CONTRACT_SHA256
