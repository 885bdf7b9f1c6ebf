"""What was sent to receivers, as values: each receipt with its attempts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Attempt(msgspec.Struct, frozen=True):
    """One attempt to hand over a receipt, and what the receiver answered."""

    at: datetime
    """By the clock outside all accounts."""
    status: int | None
    """None without an answer in time."""
    answer: str
    """The beginning of the answer's body, or why there was none."""

    def document(self) -> dict[str, Any]:
        """What the control plane shows."""
        return {"at": self.at.isoformat(), "status": self.status, "answer": self.answer}


class Receipt(msgspec.Struct, frozen=True):
    """One receipt, or one opt-out callback, and how far it has come."""

    id: str
    """That of the call; with ``-stop`` behind it, of an opt-out; with ``-again``, of a double."""
    login: str
    number: str
    """Who was called."""
    url: str
    content_type: str
    body: bytes
    state: str = "pending"
    """``pending``, ``delivered``, ``failed``, ``lost`` or ``unsent``."""
    attempts: tuple[Attempt, ...] = ()

    def document(self) -> dict[str, Any]:
        """What the control plane shows."""
        return {
            "id": self.id,
            "login": self.login,
            "number": self.number,
            "url": self.url,
            "content_type": self.content_type,
            "body": self.body.decode(),
            "state": self.state,
            "attempts": [attempt.document() for attempt in self.attempts],
        }
