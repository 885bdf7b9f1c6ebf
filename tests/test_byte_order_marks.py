"""A file that begins with a byte order mark, as some editors save it, is read by each command."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from click.testing import CliRunner

from mock_server.contract.document import shipped
from vms.cli import vms
from vms.parity import snapshots

FILES = {
    "acknowledged.toml": b'"a case" = "a reason"\n',
    "snapshots.json": b'{"format": "vms-kit answers 1", "answers": {}}\n',
    "contract.yaml": shipped("voice-campaign.yaml").read_bytes(),
    "payload.json": b'{"text": "Hello.", "recipients": [{"phone_number": "+33612345678"}]}',
}
COMMANDS = {
    "acknowledged.toml": ["check", "--acknowledged"],
    "snapshots.json": ["check", "--snapshots"],
    "contract.yaml": ["rules", "--contract"],
    "payload.json": ["explain"],
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.unmeasured
def test_a_command_reads_a_file_that_begins_with_a_byte_order_mark(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(codecs.BOM_UTF8 + FILES[name])

    done = CliRunner().invoke(vms, [*COMMANDS[name], str(path)])

    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.unmeasured
def test_a_contract_is_read_through_every_door_with_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_bytes(codecs.BOM_UTF8 + FILES["contract.yaml"])

    lint = CliRunner().invoke(vms, ["lint", str(path)])
    diff = CliRunner().invoke(vms, ["diff", str(path), "--fail-on", "any"])

    assert (lint.exit_code, diff.exit_code) == (0, 0)


@pytest.mark.parametrize("content", [b"\xff\xfe{\x00", b"{{{", b"[" * 200_000, b"\xff"])
def test_answers_that_cannot_be_read_are_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kept.json"
    path.write_bytes(content)

    with pytest.raises(snapshots.SnapshotError, match="name another one, or remove it"):
        snapshots.load(path)


def test_answers_in_a_folder_s_place_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(snapshots.SnapshotError, match="cannot be read: Is a directory"):
        snapshots.load(tmp_path)
