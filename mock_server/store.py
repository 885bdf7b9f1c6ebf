"""What is remembered: accounts, ledgers, the inbox; as values, and as the protocol of a store."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from mock_server.answers import Answer
from mock_server.campaign import Accepted, Outcome, State, Tariff
from mock_server.clocks import WorldClock
from mock_server.decoding import Unreadable
from mock_server.faults import Count, Injected, Plan
from mock_server.fields import Contract
from mock_server.reading import Kind, Note, Reading


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived.

    Header names are in small letters, and the values of one that came again are joined by a comma;
    ``repeated`` names those. ``body`` has at most one byte more than the twin reads. ``query`` is
    what stands behind the question mark, as it was sent.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = True
    """Whether the body is as long as the Content-Length said."""
    query: str = ""
    repeated: frozenset[str] = frozenset()

    @property
    def content_type(self) -> str:
        """The Content-Type header, empty where there is none."""
        return self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class Account:
    """One login and everything that is set for it, as one value: a request reads it once.

    The key itself is not kept. ``world`` tells an account from a later one of the same login.
    """

    login: str
    key_digest: bytes | None
    """None takes the first key that comes."""
    credit: Decimal
    """The credit it starts with, in euros."""
    voice_addon: bool = True
    strict: bool = False
    region: str = "FR"
    """Where its national numbers belong: ISO 3166, two letters."""
    tariff: Tariff | None = None
    opt_outs: frozenset[str] = frozenset()
    callback_url: str | None = None
    clock: WorldClock = field(default_factory=WorldClock)
    faults: Plan = field(default_factory=Plan)
    world: int = 0

    def has_key(self, key: str) -> bool:
        """Whether this is the account's key; takes the same time whatever the answer."""
        wanted = self.key_digest
        return wanted is not None and hmac.compare_digest(wanted, digest(self.login, key))


def opened(contract: Contract, login: str) -> Account:
    """The account that a login opens by itself; no key belongs to it yet."""
    terms = contract.terms
    magic = contract.magic.login(login)
    settings = magic.does if magic else {}
    return Account(
        login,
        None,
        Decimal(settings.get("credit", terms.opening_credit)),
        voice_addon=settings.get("voice_addon", True),
        strict=settings.get("mode") == "strict",
        region=terms.default_region,
    )


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
    answer: Answer | None
    """None where the connection ended before there was one."""
    strict: bool = False
    reading: Reading | None = None
    """None where it did not come to a reading: no sign-in, or an unreadable body."""
    unreadable: Unreadable | None = None
    outcome: Outcome | None = None
    id: int = 0
    injected: Injected | None = None
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
        """Whether the API would send: ``accepted``, ``refused``, or ``injected`` if unasked."""
        if self.injected is not None and self.injected.instead:
            return "injected"
        return "accepted" if isinstance(self.outcome, Accepted) else "refused"

    @property
    def campaign(self) -> Accepted | None:
        """What is sent, if anything is."""
        return self.outcome if isinstance(self.outcome, Accepted) else None

    def summary(self, now: datetime) -> dict[str, Any]:
        """The entry as one row of a list, at a moment of its account's clock."""
        campaign = self.campaign
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "login": self.login,
            "method": self.request.method,
            "path": self.request.path,
            "verdict": self.verdict,
            "status": self.answer.status if self.answer else None,
            "notes": self.repairs,
            "advice": self.advice,
            "high_stakes": sum(note.high_stakes for note in self.notes),
            "state": campaign.state(now) if campaign else None,
            "total_cost": str(campaign.cost) if campaign else None,
            "injected": self.injected.document() if self.injected else None,
        }

    def document(self, now: datetime) -> dict[str, Any]:
        """The whole entry, at a moment of its account's clock.

        ``raw_base64`` is there only where the body was no UTF-8.
        """
        try:
            raw = {"raw": self.request.body.decode()}
        except UnicodeDecodeError:
            raw = {
                "raw": self.request.body.decode(errors="backslashreplace"),
                "raw_base64": base64.b64encode(self.request.body).decode(),
            }
        details = {
            "query": self.request.query,
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
            "answer": {
                "status": self.answer.status if self.answer else None,
                "body": self.answer.value if self.answer else {},
            },
            "campaign": self.campaign.document() if self.campaign else None,
        }
        notes = [note.document() for note in self.notes]
        return self.summary(now) | details | {"notes": notes, "notes_left_out": self.notes_left_out}


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries are asked for; None asks for all. The names are those of the control plane."""

    login: str | None = None
    verdict: str | None = None
    state: str | None = None
    field: str | None = None
    rule: str | None = None
    stakes: str | None = None
    number: str | None = None
    after: datetime | None = None
    before: datetime | None = None
    since: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries as rows, oldest first; how many are kept, how many were dropped for room.

    ``evicted`` is about the login that was asked for, or about all.
    """

    requests: list[dict[str, Any]]
    kept: int
    evicted: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What became of an account until now; money in euros."""

    credit: Decimal
    spent: Decimal
    campaigns: int
    counts: Mapping[int, Count]
    latest: datetime | None
    """When its latest request came, by its own clock."""
    evicted: int
    request_ids_forgotten: int = 0
    """How many were forgotten before their time, to make room."""


class WorldGoneError(Exception):
    """The account was reset since it was read; read it again."""


class Ledger(Protocol):
    """One account's money and memory, held by one request alone."""

    def state(self, request_id: str | None, since: datetime) -> State:
        """The state now; a ``request_id`` used before ``since`` counts as unused."""

    def counts(self) -> Mapping[int, Count]:
        """How often each injected fault was tried and met."""

    def count(self, changed: Mapping[int, Count]) -> None:
        """Remember these counts."""

    def apply(self, campaign: Accepted, at: datetime) -> None:
        """Charge the campaign, count its ticket and remember its ``request_id``."""

    def saw(self, at: datetime) -> None:
        """Remember when the latest request came."""


class Store(Protocol):
    """Where everything is kept. All of it may be called from several threads at once."""

    def known(self, login: str) -> Account | None:
        """The account of that login, if there is one."""

    def open(self, new: Account) -> Account:
        """The account of that login; if there is none, ``new`` becomes it."""

    def change(
        self,
        new: Account,
        how: Callable[[Account, Balance], Account],
        credit: Decimal | None = None,
    ) -> tuple[Account, Balance]:
        """Open the account if there is none, and replace what is set by what ``how`` makes of it.

        Nothing else changes the account in between, and nothing is changed if ``how`` raises.
        ``credit`` becomes what is left. The account will not be forgotten to make room.
        """

    def forget(self, login: str) -> None:
        """Forget the account, its ledger and its entries; one of the given is there anew."""

    def accounts(self) -> tuple[list[tuple[Account, Balance]], int]:
        """Every account, the longest unused first, and how many were forgotten to make room."""

    def balance(self, account: Account) -> Balance:
        """What became of the account until now."""

    def ledger(self, account: Account) -> AbstractContextManager[Ledger]:
        """The account's ledger; held until the context ends.

        Raises:
            WorldGoneError: the account is no longer the one that was read.
        """

    def add(self, entry: Entry, world: int = 0) -> Entry:
        """Put the entry into the inbox; the same entry with its id.

        It is not kept if its ``world`` was reset meanwhile: the request came before.
        """

    def find(self, number: int, wall: datetime) -> dict[str, Any] | None:
        """The document of the entry with that id, if it is still there."""

    def page(self, query: Query, wall: datetime) -> Page:
        """The entries that fit, oldest first."""

    def wait(self, query: Query, seconds: float, wall: Callable[[], datetime]) -> Page:
        """The same, but wait so many seconds at most until there is one."""

    def reset(self) -> None:
        """Forget every account, ledger and entry but the given accounts; ids go on."""
