"""Generated clients compared: what breaks in Python, and what a real one sends and can read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common import BODY, ROOT
from vms.changes.clients import Client
from vms.changes.surface import breakages


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
