"""The contract owns it: a new parameter in the file, and nothing else, is everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mock_server.contract.loader import load
from mock_server.contract.rule_table import rules
from mock_server.core.handler import Twin
from mock_server.store.entries import Entry, Request
from vms.contracts.generate import generate

ROOT = Path(__file__).parents[1]
OLD = "        list_name:\n          type: string\n"
NEW = """\
        whisper:
          type: boolean
          default: false
          description: True to have the text whispered.
          x-evidence: *policy-detail
          x-lenient:
            casts: [boolean]
            fallback: default
            default: {evidence: *default}
            errors:
              any: {code: 400, message: Not a boolean., evidence: *our-code}
            evidence: *default
"""


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contract with one more optional boolean."""
    text = (ROOT / "openapi/voice-campaign.yaml").read_text("utf-8")
    assert text.count(OLD) == 1
    path = tmp_path_factory.mktemp("edited") / "voice-campaign.yaml"
    path.write_text(text.replace(OLD, NEW + OLD), "utf-8")
    return path


def sent(contract: Path, **options: object) -> Entry:
    twin = Twin(load(contract))
    body = {"text": "Hello.", "recipients": [{"phone_number": "+33612345678"}]} | options
    headers = {"api-login": "ada", "api-key": "k", "content-type": "application/json"}
    return twin.handle(Request("POST", twin.contract.url_path, headers, json.dumps(body).encode()))


def test_it_is_valid_as_it_is(edited: Path) -> None:
    assert sent(edited, whisper=True).notes == ()


def test_it_is_cast_and_noted(edited: Path) -> None:
    (note,) = sent(edited, whisper="yes").notes

    assert (note.path, note.rule.name, note.before, note.after) == (
        "/whisper",
        "boolean",
        "yes",
        True,
    )


def test_it_gets_its_default(edited: Path) -> None:
    (note,) = sent(edited, whisper="perhaps").notes

    assert (note.kind, note.after) == ("default", False)


def test_it_is_meant_by_a_near_name(edited: Path) -> None:
    (note,) = sent(edited, Whispers=True).notes

    assert note.did_you_mean == "whisper"


def test_it_is_listed_under_the_rules(edited: Path) -> None:
    assert "whisper" in {row["field"] for row in rules(load(edited))}


def test_it_is_in_the_regenerated_client(edited: Path, tmp_path: Path) -> None:
    package = tmp_path / "voice_api"
    generate(edited, package)

    script = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from voice_api.models import VoiceCampaign;"
        "print(VoiceCampaign('Hello.', [], whisper=True).to_dict()['whisper'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert done.stdout == "True\n"


def test_without_the_edit_it_is_unknown() -> None:
    (note,) = sent(ROOT / "openapi/voice-campaign.yaml", whisper=True).notes

    assert note.rule.name == "unknown"
