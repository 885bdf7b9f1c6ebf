"""What is checked by type checkers (nox -s types) also runs, and misses nothing."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import httpx
import pytest

import voice_client
from common import ROOT
from doors import HERE, KEY, LOGIN, Api, always, body_of, status
from voice_client import AsyncVoiceClient, VoiceClient

FOLDER = ROOT / "tests" / "typing"


@pytest.fixture(scope="module")
def user() -> ModuleType:
    """The module of a user."""
    spec = importlib.util.spec_from_file_location("a_user", FOLDER / "user_of_the_client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's files are."""
    (tmp_path / "numbers.csv").write_text("phone_number\n+33612345678\n")
    (tmp_path / "numbers.jsonl").write_text('"+33612345678"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VMS_LOGIN", LOGIN)
    monkeypatch.setenv("VMS_KEY", KEY)
    monkeypatch.setenv("VMS_BASE_URL", HERE)
    return tmp_path


def client_of(answer: Any) -> VoiceClient:
    return VoiceClient(LOGIN, KEY, base_url=HERE, transport=httpx.MockTransport(answer))


@pytest.mark.usefixtures("folder")
def test_what_a_user_writes_runs(user: ModuleType) -> None:
    api = Api()
    with client_of(api) as client:
        assert user.one(client) == user.marked(client) == "voice_+33612345678"
        assert user.every_option(client).number_of_contacts == 2
        assert user.kept_options(client).number_of_contacts == 1
        assert user.what_became_of_it(client) == "sent"
        assert user.prepared(client)
    assert repr(user.settings()) == repr(user.from_the_environment()).replace(HERE, f"{HERE}:8010")
    assert body_of(api.requests[2]).keys() >= {"sender", "send_at", "purpose", "list_name"}


def test_a_campaign_of_a_user_runs(user: ModuleType, folder: Path) -> None:
    with client_of(Api()) as client:
        client.send_campaign(
            "Hello.",
            folder / "numbers.csv",
            journal=folder / "campaign.jsonl",
            request_ids=True,
            largest_frame=300,
            list_name="October",
        )
        with pytest.raises(voice_client.InvalidRequest, match="no frame 3 to resend"):
            user.many(client)


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("code", "told"), [(400, "Bad Request"), (429, "sent"), (302, "302 "), (503, "sent")]
)
def test_what_a_user_does_about_errors_runs(user: ModuleType, code: int, told: str) -> None:
    with client_of(always(status(code))) as client:
        assert user.what_became_of_it(client).startswith(told)


def test_what_a_user_writes_with_await_runs(
    user: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = AsyncVoiceClient(LOGIN, KEY, base_url=HERE, transport=httpx.MockTransport(Api()))
    monkeypatch.setattr(user, "AsyncVoiceClient", lambda *_, **__: made)

    summary = anyio.run(user.asynchronously)

    assert (summary.complete, folder.exists()) == (True, True)


def test_each_wrong_use_is_expected_to_be_told() -> None:
    """A line without an ignore would not be noticed if it were told no more."""
    source = (FOLDER / "wrong_uses.py").read_text("utf-8")
    lines = source.splitlines()
    wrong = [
        lines[statement.lineno - 1]
        for part in ast.parse(source).body
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
        if part.name != "wrong_callback"
        for statement in part.body[1:]
    ]

    assert len(wrong) > 30
    assert [line for line in wrong if "# type: ignore[" not in line] == []
