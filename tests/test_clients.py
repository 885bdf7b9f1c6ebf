"""Generated clients compared: what breaks in Python, and what a real one sends and can read."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree

import pytest

from common import BODY, ROOT
from vms.contracts import generate as generated
from vms.contracts.diff.generated_clients import CannotSendError, Client, clients
from vms.contracts.diff.python_surface import breakages
from vms.contracts.diff.replay import behaviour
from vms.contracts.loaded import LoadedContract, document


def loaded(name: str) -> LoadedContract:
    found = document(name).lenient
    assert found is not None
    return found


@pytest.fixture(scope="module")
def client() -> Client:
    return Client(ROOT / "generated/voice_api", "_client_of_the_tree")


ACCEPTED = {
    "ticket_number": "voice_5f44ebf9e47b7",
    "number_of_contacts": 1,
    "total_cost": 0.05,
    "estimated_duration": 30,
    "residual_credit": 149.95,
}


def test_a_real_client_sends_its_defaults_too(client: Client) -> None:
    sent = json.loads(client.encoded(BODY))

    assert sent == BODY | {
        "auto_delete_optout_contacts": False,
        "auto_optimize_text": True,
        "get_back_pressed_keys": False,
        "simulation_mode": False,
    }


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (201, ACCEPTED, ""),
        (401, {"code": 401, "message": "Unauthorized."}, ""),
        (201, {}, "the client raised KeyError('ticket_number')"),
        (402, ACCEPTED, "the client knows no answer with 402"),
    ],
)
def test_what_a_real_client_cannot_read_is_told(
    client: Client, status: int, answer: object, why: str
) -> None:
    assert client.cannot_read(status, answer) == why


@pytest.mark.unmeasured
def test_a_real_client_meets_nothing_new_at_the_twin_of_its_contract(client: Client) -> None:
    own = loaded(str(ROOT / "openapi/voice-campaign.yaml"))

    assert behaviour(own, own, client).runs == ()


OPERATION = "api/voice_campaign/send_voice_campaign.py"


def edited(folder: Path, name: str, old: str, new: str) -> Client:
    """The client, had its contract been another one in this place."""
    package = copytree(ROOT / "generated/voice_api", folder / "voice_api")
    text = (package / name).read_text("utf-8")
    assert old in text
    (package / name).write_text(text.replace(old, new), "utf-8")
    return Client(package, f"_client_{folder.name}")


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        (
            "models/voice_campaign.py",
            'text = d.pop("text")',
            'text = d.pop("text")\n        d.pop("priority")',
            "it requires 'priority'",
        ),
        (OPERATION, "body: VoiceCampaign,", "body: VoiceCampaign, dry: bool,", "it raised TypeErr"),
        (OPERATION, '_kwargs["json"]', '_kwargs["data"]', "it does not send JSON"),
        (OPERATION, "    body: VoiceCampaign,\n) -> dict", "    data: str,\n) -> dict", "no body"),
    ],
    ids=["a required parameter", "a required query parameter", "a form", "no body"],
)
def test_what_a_client_cannot_send_is_told(
    tmp_path: Path, name: str, old: str, new: str, why: str
) -> None:
    client = edited(tmp_path, name, old, new)

    with pytest.raises(CannotSendError, match=why):
        client.encoded(BODY)


def test_what_a_client_cannot_send_is_a_run_that_fails(tmp_path: Path) -> None:
    formed = edited(tmp_path, OPERATION, '_kwargs["json"]', '_kwargs["data"]')
    own = loaded(str(ROOT / "openapi/voice-campaign.yaml"))

    (run,) = behaviour(own, own, formed).runs

    assert str(run) == "fails: the client cannot send this: it does not send JSON"


def test_a_client_with_an_optional_body_sends_it(tmp_path: Path, client: Client) -> None:
    optional = edited(tmp_path, OPERATION, "body: VoiceCampaign,", "body: VoiceCampaign | None,")

    assert optional.encoded(BODY) == client.encoded(BODY)


def test_a_generated_client_of_no_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path, package: Path) -> None:
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise ValueError('no')", "utf-8")

    monkeypatch.setattr(generated, "generate", broken)
    own = document(str(ROOT / "openapi/voice-campaign.yaml"))

    with pytest.raises(generated.CannotGenerateError, match="of no use"), clients(own, own):
        pass


def package(folder: Path, code: str) -> Path:
    path = folder / "some_api"
    path.mkdir(parents=True)
    (path / "__init__.py").write_text(code, "utf-8")
    return path


OLD = "from json import dumps\na: int = 1\ndef send(text: str, count: int = 1) -> None: ...\n"


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (OLD, []),
        (OLD.replace("a: int = 1\n", ""), ["some_api.a: Public object was removed"]),
        (
            OLD.replace("text: str", "text: bytes"),
            ["some_api.send(text): Type was changed to bytes; it was str"],
        ),
        (
            OLD.replace("a: int = 1", "a: str = 1"),
            ["some_api.a(a): Type was changed to str; it was int"],
        ),
        (
            OLD.replace(", count: int = 1", ""),
            ["some_api.send: Parameter was removed"],
        ),
        (OLD + "b = 2\n", []),
    ],
    ids=["nothing", "a name", "a parameter's type", "a type", "a parameter", "a name more"],
)
def test_each_break_of_python_is_told(tmp_path: Path, new: str, told: list[str]) -> None:
    assert breakages(package(tmp_path / "1", OLD), package(tmp_path / "2", new)) == told
