"""What arrived, for whoever looks: entries as documents, their readings worked out once more."""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, cast

from mock_server.contract.model import Contract
from mock_server.core.injection import Injection
from mock_server.core.request_reading import RequestReader
from mock_server.core.responses import Answer, Responses
from mock_server.json_values import Json
from mock_server.reading.coercion import Note, Reading
from mock_server.reading.decoding import Unreadable
from mock_server.store.entries import Accepted, Entry, Refused
from mock_server.store.protocol import Store

# A body of 1 MiB can draw a hundred thousand; nobody reads them.
MOST_NOTES: Final = 5_000
# Read in 2 ms at most, however much has to be repaired.
_SHORT: Final = 2**12


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
class Message:
    """What a voice reads, and which voice, as the API read them."""

    text: str
    language: str
    gender: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries as rows, oldest first; how many are kept, how many were dropped for space.

    ``evicted`` is about the login that was asked for, or about all.
    """

    requests: list[dict[str, Any]]
    kept: int
    evicted: int


@dataclass(frozen=True, slots=True)
class Found:
    """Some entries that fit, newest first."""

    entries: list[Entry]
    below: int | None
    """The id below which the search goes on; None where all was looked through."""


@dataclass(frozen=True, slots=True)
class Gist:
    """What a request is about in a few words, as far as that could be read."""

    text: str = ""
    number: str = ""
    """That of the first contact."""
    contacts: int = 0


class Inbox:
    """The entries of a store, read by the contract under which they arrived."""

    def __init__(
        self,
        reader: RequestReader,
        responses: Responses,
        contract: Contract,
        store: Store,
        wall: Callable[[], datetime],
    ) -> None:
        self._reader = reader
        self._responses = responses
        self._contract = contract
        self._store = store
        self._wall = wall

    def find(self, number: int) -> dict[str, Any] | None:
        """The document of the entry with that id, if it is still there."""
        entry = self._store.find(number)
        return self.document(entry) if entry else None

    def message(self, number: int) -> Message | None:
        """What the request with that id has a voice read; None where that could not be read.

        A parameter that is absent has its default.
        """
        entry = self._store.find(number)
        reading, _ = self._reading(entry) if entry else (None, None)
        if reading is None or any(one.field in _MESSAGE for one in reading.violations):
            return None
        body = self._contract.filled(reading.value)
        return Message(*(str(body.get(name)) for name in _MESSAGE))

    def page(self, query: Query) -> Page:
        """The entries that fit, oldest first."""
        entries = self._store.entries(query.login, query.since)
        fitting = (entry for entry in entries if self._fits(entry, query))
        rows = (self._row(entry, self.answer(entry)) for entry in fitting)
        kept, evicted = self._store.kept(query.login)
        return Page(list(islice(rows, query.limit)), kept, evicted)

    def newest(self, query: Query, below: int | None = None, seconds: float = math.inf) -> Found:
        """The newest entries that fit, of those with ids below one, newest first.

        It stops after ``limit`` of them, at the id ``since``, or after so many seconds.
        """
        until = time.monotonic() + seconds
        found = list[Entry]()
        for entry in self._store.newest(below):
            if entry.id <= query.since:
                break
            if query.login in {None, entry.login} and self._fits(entry, query):
                found.append(entry)
            if len(found) == query.limit or time.monotonic() >= until:
                return Found(found, entry.id)
        return Found(found, None)

    def gist(self, entry: Entry) -> Gist:
        """What a row of a list shows of an entry: as it was read, or as sent where it is long."""
        value: Any = None
        if len(entry.request.body) <= _SHORT:
            reading, _ = self._reading(entry)
            value = reading.value if reading else None
        elif not isinstance(decoded := self._reader.decoded(entry.request), Unreadable):
            value = decoded.value
        if not isinstance(value, dict):
            return Gist()
        contacts = value.get("recipients")
        contacts = contacts if isinstance(contacts, list) else []
        first = contacts[0] if contacts else ""
        number = first.get("phone_number", "") if isinstance(first, dict) else first
        return Gist(str(value.get("text", "")), str(number), len(contacts))

    def sent(self, entry: Entry) -> dict[str, Json] | None:
        """The body of an entry as it was sent, decoded; None where it is unreadable."""
        decoded = self._reader.decoded(entry.request)
        return None if isinstance(decoded, Unreadable) else decoded.value

    def strict_answer(self, entry: Entry) -> Answer | None:
        """What strict mode answers in place of the lenient answer; None if it is the same."""
        reading, _ = self._reading(entry)
        refused = self._reader.strict(reading) if reading else None
        answer = self._responses.answer(refused) if refused else None
        return None if answer == self.answer(entry) else answer

    def row(self, entry: Entry) -> dict[str, Any]:
        """The entry as a row of a list."""
        return self._row(entry, self.answer(entry))

    def document(self, entry: Entry) -> dict[str, Any]:
        """The whole entry at this moment of its account's clock.

        ``raw_base64`` is there only where the body is not UTF-8.
        """
        body = entry.request.body
        try:
            raw = {"raw": body.decode()}
        except UnicodeDecodeError:
            raw = {
                "raw": body.decode(errors="backslashreplace"),
                "raw_base64": base64.b64encode(body).decode(),
            }
        reading, unreadable = self._reading(entry)
        answer = self.answer(entry)
        sign_in = entry.outcome.sign_in if isinstance(entry.outcome, Refused) else None
        notes = self._notes(reading, entry)
        return {
            **self._row(entry, answer),
            "query": entry.request.query,
            "content_type": entry.request.content_type,
            **raw,
            "strict": entry.strict,
            "sign_in": sign_in.document() if sign_in else None,
            "unreadable": unreadable.document() if unreadable else None,
            "body": reading.value if reading else None,
            "violations": [one.document() for one in reading.violations] if reading else [],
            "answer": {
                "status": answer.status if answer else None,
                "body": answer.value if answer else {},
            },
            "campaign": entry.campaign.document() if entry.campaign else None,
            "notes": [note.document() for note in notes[:MOST_NOTES]],
            "notes_left_out": max(0, len(notes) - MOST_NOTES),
        }

    def answer(self, entry: Entry) -> Answer | None:
        """The answer that it had; None where the connection was reset before there was one."""
        if entry.outcome is not None:
            return self._responses.answer(entry.outcome)
        injected = cast("Injection | None", entry.injected)
        return injected.answer(self._contract) if injected else None

    def _reading(self, entry: Entry) -> tuple[Reading | None, Unreadable | None]:
        if entry.region is None:
            return None, None
        found = self._reader.again(entry.request, entry.region)
        return (None, found) if isinstance(found, Unreadable) else (found, None)

    def _notes(self, reading: Reading | None, entry: Entry) -> tuple[Note, ...]:
        return all_notes(reading, entry) if reading else self._reader.query_notes(entry.request)

    def _row(self, entry: Entry, answer: Answer | None) -> dict[str, Any]:
        campaign = entry.campaign
        return {
            "id": entry.id,
            "at": entry.at.isoformat(),
            "login": entry.login,
            "method": entry.request.method,
            "path": entry.request.path,
            "verdict": entry.verdict,
            "status": answer.status if answer else None,
            "notes": entry.tally.repairs,
            "advice": entry.tally.advice,
            "high_stakes": entry.tally.high_stakes,
            "state": self._state(entry),
            "total_cost": str(campaign.cost) if campaign else None,
            "injected": entry.injected.document() if entry.injected else None,
        }

    def _state(self, entry: Entry) -> str | None:
        if entry.campaign is None:
            return None
        account, wall = self._store.known(entry.login, used=False), self._wall()
        return entry.campaign.state(account.clock.now(wall) if account else wall)

    def _fits(self, entry: Entry, query: Query) -> bool:
        tally = entry.tally
        return (
            query.verdict in {None, entry.verdict}
            and (query.rule is None or query.rule in tally.rules)
            and (query.stakes is None or _has_stakes(entry, query.stakes))
            and (query.after is None or entry.at >= query.after)
            and (query.before is None or entry.at < query.before)
            and (query.state is None or query.state == self._state(entry))
            and (query.field is None or self._is_about(entry, query.field))
            and (query.number is None or self._calls(entry, query.number))
        )

    def _is_about(self, entry: Entry, field: str) -> bool:
        if entry.tally.fields is not None:
            return field in entry.tally.fields
        reading, _ = self._reading(entry)
        violations = reading.violations if reading else ()
        noted = {note.field for note in self._notes(reading, entry)}
        return field in noted | {violation.field for violation in violations}

    def _calls(self, entry: Entry, number: str) -> bool:
        body = entry.request.body
        clean = not entry.tally.repairs and b"\\" not in body
        # What is valid as sent has the number as it is; so most entries need not be read.
        if clean and number.encode() not in body:
            return False
        reading, _ = self._reading(entry)
        contacts = reading.value.get("recipients", ()) if reading else ()
        return any(contact.get("phone_number") == number for contact in contacts)


# In the order of Message.
_MESSAGE: Final = ("text", "voice_language", "voice_gender")


def _has_stakes(entry: Entry, stakes: str) -> bool:
    high, notes = entry.tally.high_stakes, entry.tally.repairs + entry.tally.advice
    return high > 0 if stakes == "high" else notes > high


def all_notes(reading: Reading | None, entry: Entry) -> tuple[Note, ...]:
    """The notes of the reading and of the decision."""
    read = reading.notes if reading else ()
    return (*read, *entry.outcome.advice) if isinstance(entry.outcome, Accepted) else read
