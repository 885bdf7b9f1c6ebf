"""A twin as its callers see it: bytes in, bytes out, in one process, with a clock of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from kinds import contacts as numbers
from mock_server.contract.loader import load
from mock_server.core.campaign_policy import CampaignPolicy
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import Account, digest
from spec import METHOD, NOON, PATH

CONTRACT: Final = load()
SIGNED_IN: Final = {"api-login": "ada@example.com", "api-key": "a-key"}


def hello(contacts: int = 1, **more: object) -> dict[str, Any]:
    """A small body that is valid as sent, to so many numbers."""
    return {"text": "Hello.", "recipients": numbers(contacts), **more}


def account(login: str, key: str = SIGNED_IN["api-key"], **settings: Any) -> Account:
    """An account that is there from the start, with the credit that every account opens with."""
    settings.setdefault("credit", CONTRACT.terms.opening_credit)
    return Account(login, digest(login, key), **settings)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; ``value`` is its body as JSON, or None if it is none."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        """What the body says."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def verdict(self) -> tuple[int, dict[str, int]]:
        """The status, and the code of each parameter that is blamed."""
        errors = self.value.get("errors", {}) if isinstance(self.value, dict) else {}
        return self.status, {name: error["code"] for name, error in errors.items()}


class Wire:
    """A twin and ways to talk to it. ``now`` is its wall clock, moved by `pass_time` alone."""

    def __init__(
        self,
        *accounts: Account,
        strict: bool = False,
        closed: bool = False,
        now: datetime = NOON,
        policy: CampaignPolicy | None = None,
    ) -> None:
        self.now = now
        self._twin = Twin(
            CONTRACT,
            MemoryStore(accounts),
            policy=policy,
            clock=lambda: self.now,
            strict=strict,
            closed=closed,
        )
        self.app = create_app(self._twin)
        self._client = self.app.test_client()

    def pass_time(self, by: timedelta) -> None:
        """Move the wall clock."""
        self.now += by

    def send(
        self,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        method: str = METHOD,
        path: str = PATH,
        content_type: str | None = "application/json",
    ) -> Answer:
        """One request; ``body`` goes out as JSON, bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self._client.open(
            path,
            method=method,
            data=data,
            headers=dict(SIGNED_IN if headers is None else headers),
            content_type=content_type,
        )
        return Answer(response.status_code, dict(response.headers), response.data)

    def control(self, method: str, path: str, body: object = None) -> Answer:
        """One request to the control plane; ``path`` is what stands after ``/_twin``."""
        response = self._client.open(
            f"/_twin{path}", method=method, json=body, headers={"Host": "127.0.0.1"}
        )
        return Answer(response.status_code, dict(response.headers), response.data)

    def entry(self, answer: Answer) -> dict[str, Any]:
        """What the inbox tells of the request that was answered so."""
        path = answer.headers["Twin-Request"].removeprefix("/_twin")
        return dict(self.control("GET", path).value)
