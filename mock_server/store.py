"""What is remembered: accounts, ledgers, the inbox; as values, and as the protocol of a store."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from mock_server.answers import Answer
from mock_server.campaign import Accepted, Outcome, State
from mock_server.decoding import Unreadable
from mock_server.reading import Kind, Note, Reading


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived.

    Header names are in small letters; ``body`` has at most one byte more than the twin reads.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = True
    """Whether the body is as long as the Content-Length said."""

    @property
    def content_type(self) -> str:
        """The Content-Type header, empty where there is none."""
        return self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class Account:
    """One login and what is set for it. The key itself is not kept."""

    login: str
    key_digest: bytes
    credit: Decimal
    """The credit it starts with, in euros."""
    voice_addon: bool = True
    strict: bool = False
    region: str = "FR"
    """Where its national numbers belong: ISO 3166, two letters."""

    def has_key(self, key: str) -> bool:
        """Whether this is the account's key; takes the same time whatever the answer."""
        return hmac.compare_digest(self.key_digest, digest(self.login, key))


def digest(login: str, key: str) -> bytes:
    """What is kept of a key: enough to recognise it, not to use it."""
    return hashlib.sha256(f"{login}\0{key}".encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One request to the imitated API and everything that became of it."""

    at: datetime
    login: str
    """The ``api-login`` that was sent, known or not."""
    request: Request
    answer: Answer
    strict: bool = False
    reading: Reading | None = None
    """None where it did not come to a reading: no sign-in, or an unreadable body."""
    unreadable: Unreadable | None = None
    outcome: Outcome | None = None
    id: int = 0
    notes_left_out: int = 0
    """How many notes a store has dropped because there were too many to keep."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of the reading and of the decision."""
        read = self.reading.notes if self.reading else ()
        return (*read, *self.outcome.advice) if isinstance(self.outcome, Accepted) else read

    @property
    def repairs(self) -> int:
        """How many notes strict mode refuses: the value of ``Twin-Notes``."""
        return sum(note.kind is not Kind.ADVICE for note in self.notes)

    @property
    def advice(self) -> int:
        """How many notes are mere advice: the value of ``Twin-Advice``."""
        return len(self.notes) - self.repairs

    @property
    def verdict(self) -> str:
        """Whether the API would send: ``accepted`` or ``refused``."""
        return "accepted" if isinstance(self.outcome, Accepted) else "refused"

    def summary(self) -> dict[str, Any]:
        """The entry as one row of a list."""
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "login": self.login,
            "method": self.request.method,
            "path": self.request.path,
            "verdict": self.verdict,
            "status": self.answer.status,
            "notes": self.repairs,
            "advice": self.advice,
            "high_stakes": sum(note.high_stakes for note in self.notes),
        }

    def document(self) -> dict[str, Any]:
        """The whole entry; ``raw_base64`` is there only where the body was no UTF-8."""
        try:
            raw = {"raw": self.request.body.decode()}
        except UnicodeDecodeError:
            raw = {
                "raw": self.request.body.decode(errors="backslashreplace"),
                "raw_base64": base64.b64encode(self.request.body).decode(),
            }
        details = {
            "content_type": self.request.content_type,
            **raw,
            "strict": self.strict,
            "unreadable": (
                {
                    "where": self.unreadable.where,
                    "came": self.unreadable.came,
                    "wanted": self.unreadable.wanted,
                }
                if self.unreadable
                else None
            ),
            "body": self.reading.value if self.reading else None,
            "faults": [fault.document() for fault in self.reading.faults] if self.reading else [],
            "answer": {"status": self.answer.status, "body": self.answer.value},
            "campaign": self.outcome.document() if isinstance(self.outcome, Accepted) else None,
        }
        notes = [note.document() for note in self.notes]
        return self.summary() | details | {"notes": notes, "notes_left_out": self.notes_left_out}


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries as rows, oldest first; how many are kept, how many were dropped for room."""

    requests: list[dict[str, Any]]
    kept: int
    evicted: int


class Ledger(Protocol):
    """One account's money and memory, held by one request alone."""

    def state(self, request_id: str | None, since: datetime) -> State:
        """The state now; a ``request_id`` used before ``since`` counts as unused."""

    def apply(self, campaign: Accepted, at: datetime) -> None:
        """Charge the campaign, count its ticket and remember its ``request_id``."""


class Store(Protocol):
    """Where everything is kept. All of it may be called from several threads at once."""

    def account(self, new: Account) -> Account:
        """The account of that login; if there is none, ``new`` becomes it."""

    def known(self, login: str) -> Account | None:
        """The account of that login, if there is one."""

    def ledger(self, account: Account) -> AbstractContextManager[Ledger]:
        """The account's ledger, opened if it is new; held until the context ends."""

    def add(self, entry: Entry) -> Entry:
        """Put the entry into the inbox; the same entry with its id."""

    def find(self, number: int) -> dict[str, Any] | None:
        """The document of the entry with that id, if it is still there."""

    def page(self, login: str | None, since: int, limit: int) -> Page:
        """At most ``limit`` entries with an id above ``since``, of one login or of all."""

    def reset(self) -> None:
        """Forget every account, ledger and entry; ids go on."""
