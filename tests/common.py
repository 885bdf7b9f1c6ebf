"""The small vocabulary of these tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import jinja2
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

ROOT = Path(__file__).parents[1]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEND = "/v1/public/voice-campaign/send"
SIGNED_IN = {"api-login": "ada@example.com", "api-key": "a-key"}
BODY = {"text": "Hello.", "recipients": [{"phone_number": "+33612345678"}]}


class CompiledTemplates(jinja2.BytecodeCache):
    """Templates, compiled once for every application of the tests."""

    kept: ClassVar[dict[str, bytes]] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


Send = Callable[..., TestResponse]


def account(client: FlaskClient, **settings: object) -> Any:
    """The account that signs in, with these settings."""
    return put(client, "", settings)


def phone(client: FlaskClient, number: str, **settings: object) -> Any:
    """A phone of that account, with these settings."""
    return put(client, f"/phones/{number}", settings)


def put(client: FlaskClient, path: str, settings: object) -> Any:
    """What the control plane answers to settings of the account that signs in."""
    response = client.put(f"/_twin/accounts/{SIGNED_IN['api-login']}{path}", json=settings)
    assert response.status_code == 200, response.text
    return response.json
