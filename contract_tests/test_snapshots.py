"""What the real API answered once, against the twin of today; `nox -s parity` asks it."""

from __future__ import annotations

from dataclasses import asdict

import pytest

import detect
import figures
from mock_server.contract.loader import Contract
from vms.parity import snapshots
from vms.parity.asking import Parity

KEPT = detect.HERE / "snapshots"


def test_the_twin_answers_as_the_real_api_did(contract: Contract) -> None:
    path = KEPT / "api.octopush.com.json"
    acknowledged = snapshots.acknowledged(KEPT / "acknowledged.toml")

    result = Parity(contract, path, acknowledged=acknowledged).recorded()

    figures.write("parity", asdict(result))
    assert (result.different, result.outdated) == ({}, {})
    if not path.exists():
        pytest.skip("nobody has observed the real API yet: nox -s parity -- --help")
