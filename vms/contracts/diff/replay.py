"""Runs the requests of one contract's callers against the twin of the other.

This is the proof behind a finding: an old caller's valid request, what the old API makes of it, and
what the new one makes of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import jsonschema_rs

from mock_server.core.handler import Twin
from mock_server.store.entries import Request
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import Account, digest
from vms.contracts.diff.generated_clients import CannotSendError, Client
from vms.contracts.loaded import LoadedContract
from vms.contracts.parameters import Parameter, parameters

_LOGIN: Final = "diff"
_CALLED, _OPTED_OUT = "+33612345678", "+33698765432"
_REQUEST: Final[dict[str, Any]] = {
    "text": "Your parcel waits at the counter until Friday.",
    "recipients": [{"phone_number": _CALLED}, {"phone_number": _OPTED_OUT}],
}
_FIRST_REFUSAL: Final = 300
ANSWER: Final = "answer"
"""What a run is about that is about what comes back."""
_CAMPAIGN: Final = (
    "number_of_contacts",
    "total_cost",
    "estimated_duration",
    "simulated",
    "send_at",
)
# The parameter that decides a figure, whichever request shows it.
_DECIDED_BY: Final = {"simulated": "simulation_mode", "send_at": "send_at"}


class Outcome(StrEnum):
    """What happens to a request that was fine: refused, read differently, or its answer unread."""

    FAILS = "fails"
    READ_DIFFERENTLY = "read differently"
    UNREADABLE_ANSWER = "answer not readable"


@dataclass(frozen=True, slots=True)
class Run:
    """One request that is no longer what it was; ``about`` is the parameter that it is about."""

    about: str
    outcome: Outcome
    body: Mapping[str, Any]
    difference: str

    def __str__(self) -> str:
        return f"{self.outcome}: {self.difference}"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the requests of one loaded's callers met at the twin of the other."""

    requests: int
    runs: tuple[Run, ...]


def behaviour(
    callers: LoadedContract, server: LoadedContract, client: Client | None = None
) -> Behaviour:
    """Send every valid request of ``callers`` to the twins of both.

    Args:
        callers: whose contract the callers know.
        server: whose twin they meet.
        client: the generated client that sends and reads; by default the contract itself does.

    The requests are the contract's examples and, for each parameter, the edges of what is valid:
    each word of an enumeration, both booleans, the shortest and the longest text, the fewest and
    the most items, null. One of the two contacts has opted out.
    """
    home, away = _Caller(callers, callers, client), _Caller(callers, server, client)
    requests, runs = 0, dict[str, Run]()
    # What cannot be sent at all is shown of each request.
    with suppress(CannotSendError):
        for run in away.lost():
            runs[str(run)] = run
    for about, body in _requests(callers):
        requests += 1
        try:
            entry, other = home.send(body), away.send(body)
        except CannotSendError as error:
            run = Run(about, Outcome.FAILS, body, f"the client cannot send this: {error}")
            runs.setdefault(str(run), run)
            continue
        for part, outcome, difference in _differences(home, entry, away, other):
            run = Run(part or about, outcome, body, difference)
            runs.setdefault(str(run), run)
    return Behaviour(requests, tuple(runs.values()))


class _Caller:
    """A caller that knows one contract, at the twin of another, with a new account each time."""

    def __init__(
        self, knows: LoadedContract, server: LoadedContract, client: Client | None
    ) -> None:
        self._knows = knows.contract
        self._request = _common_request(knows)
        self._client = client
        self.serves = server.contract
        terms = self.serves.terms
        account = Account(
            _LOGIN,
            digest(_LOGIN, _LOGIN),
            # Enough for the largest campaign of the edges.
            max(terms.opening_credit, terms.price * 10**6),
            region=terms.default_region,
            opt_outs=frozenset({_OPTED_OUT}),
        )
        self._twin = Twin(self.serves, MemoryStore([account]))
        self._answers = {
            status: jsonschema_rs.Draft202012Validator(knows.file.alone(media["schema"]))
            for status, response in knows.operation["responses"].items()
            for media in response.get("content", {}).values()
        }

    def lost(self) -> Iterator[Run]:
        """What a change of address or of headers does to every request.

        All else is tried with the server's own, or nothing else could be seen.
        """
        knows, serves = self._knows, self.serves
        path, method = serves.url_path, serves.method
        names = (serves.login_header, serves.key_header)
        for about, sent in (
            ("path", (knows.url_path, method, names)),
            ("method", (path, knows.method, names)),
            ("api-login", (path, method, (knows.login_header, names[1]))),
            ("api-key", (path, method, (names[0], knows.key_header))),
        ):
            if sent == (path, method, names):
                continue
            met = self._sent(self._request, *sent)
            shown = json.dumps(met["answer"]["body"], ensure_ascii=False)
            yield Run(
                about, Outcome.FAILS, self._request, f"every request: {met['status']} {shown}"
            )

    def send(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What the server makes of the body, with its own address and headers: an entry."""
        serves = self.serves
        names = (serves.login_header, serves.key_header)
        return self._sent(body, serves.url_path, serves.method, names)

    def _sent(
        self, body: Mapping[str, Any], path: str, method: str, names: tuple[str, str]
    ) -> dict[str, Any]:
        headers = {**dict.fromkeys(names, _LOGIN), "content-type": self._knows.media_type}
        sent = json.dumps(body).encode() if self._client is None else self._client.encoded(body)
        request = Request(method, path, headers, sent)
        # The account is a new one for each request.
        self._twin.store.reset()
        handled = self._twin.handle(request)
        assert handled.answer is not None  # noqa: S101  (no fault was injected)
        campaign = handled.entry.campaign
        # As the inbox shows it, which would read the body once more.
        return {
            "status": handled.answer.status,
            "answer": {"body": handled.answer.value},
            "body": handled.reading.value if handled.reading else json.loads(sent),
            "campaign": campaign.document() if campaign else None,
            "notes": [note.document() for note in handled.notes],
        }

    def cannot_read(self, status: int, answer: object) -> str:
        """Why the caller's client cannot read the answer; empty if it can."""
        if self._client is not None:
            return self._client.cannot_read(status, answer)
        readers = (self._answers.get(name) for name in (str(status), f"{status // 100}XX"))
        reader = next(filter(None, readers), None)
        if reader is None:
            return f"no answer with {status} is known"
        error = next(reader.iter_errors(answer), None)
        return "" if error is None else error.message


def _differences(
    home: _Caller, before: Mapping[str, Any], away: _Caller, after: Mapping[str, Any]
) -> Iterator[tuple[str, Outcome, str]]:
    """Each with the parameter it is about, if that is not the one that the request is about."""
    if before["status"] >= _FIRST_REFUSAL:
        return  # it was refused at home, too
    answer = after["answer"]["body"]
    if after["status"] >= _FIRST_REFUSAL:
        shown = f"{after['status']} {json.dumps(answer, ensure_ascii=False)}"
        for name in _refused(answer) or [""]:
            yield name, Outcome.FAILS, shown
        return
    if why := away.cannot_read(after["status"], answer):
        yield ANSWER, Outcome.UNREADABLE_ANSWER, f"{after['status']}, sent, but {why}"
    for about, note in _new_notes(before, after):
        yield about, Outcome.READ_DIFFERENTLY, note
    taken, now_taken = home.serves.filled(before["body"]), away.serves.filled(after["body"])
    for name in sorted(home.serves.body.members.keys() & away.serves.body.members.keys()):
        one, another = taken.get(name), now_taken.get(name)
        if one != another:
            shown = f"{name} is taken as {json.dumps(another)}; it was {json.dumps(one)}"
            yield name, Outcome.READ_DIFFERENTLY, shown
    for name in _CAMPAIGN:
        one, another = before["campaign"][name], after["campaign"][name]
        if one != another:
            shown = f"{name} is {another}; it was {one}"
            yield _DECIDED_BY.get(name, ""), Outcome.READ_DIFFERENTLY, shown
    yield from _answered_differently(before, after)


def _refused(answer: object) -> list[str]:
    """The parameters that a refusal names."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return list(errors) if isinstance(errors, dict) else []


def _answered_differently(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, Outcome, str]]:
    """Members of the answer that mean something else, though the campaign is the same."""
    if any(before["campaign"][name] != after["campaign"][name] for name in _CAMPAIGN):
        return
    one, another = before["answer"]["body"], after["answer"]["body"]
    for name in sorted(one.keys() & another.keys()):
        # Both twins begin anew, so even tickets are the same but for what they begin with.
        if one[name] != another[name] and not isinstance(one[name], str):
            shown = f"the answer's {name} is {another[name]}; it was {one[name]}"
            yield ANSWER, Outcome.READ_DIFFERENTLY, shown


def _new_notes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    known = {(note["path"], note["rule"]) for note in before["notes"]}
    for note in after["notes"]:
        if (note["path"], note["rule"]) not in known:
            meant = f" Did you mean {note['did_you_mean']}?" if "did_you_mean" in note else ""
            # A client sends defaults with every request, so a note may be about another parameter:
            # /recipients/0/phone_number about recipients[].phone_number. Advice comes of the whole.
            about = re.sub(r"/\d+", "[]", note["path"]).lstrip("/").replace("/", ".")
            shown = f"{note['kind']} at {note['path']}: {note['summary']}{meant}"
            yield "" if note["kind"] == "advice" else about, shown


def _common_request(callers: LoadedContract) -> dict[str, Any]:
    """A valid request to two contacts, with what else the contract requires."""
    media = callers.operation["requestBody"]["content"][callers.contract.media_type]
    for example in ({}, *(one["value"] for one in media.get("examples", {}).values())):
        body = {**deepcopy(dict(example)), **deepcopy(_REQUEST)}
        if callers.contract.body.accepts(body):
            return body
    # Contacts that need more than a number: those of the example, as they are.
    valid = (one["value"] for one in media.get("examples", {}).values())
    return next((dict(v) for v in valid if callers.contract.body.accepts(v)), deepcopy(_REQUEST))


def _requests(callers: LoadedContract) -> Iterator[tuple[str, dict[str, Any]]]:
    media = callers.operation["requestBody"]["content"][callers.contract.media_type]
    known = parameters(callers)
    common = _common_request(callers)
    for one in known.values():
        if not one.path or one.path.endswith("[]"):
            continue
        for value in _edges(one, media):
            body = deepcopy(common)
            if one.parent == "recipients[]":
                body["recipients"][0][one.name] = value
            else:
                body[one.name] = value
            if callers.contract.body.accepts(body):
                yield one.path, body
    yield "", common
    for example in media.get("examples", {}).values():
        yield "", dict(example["value"])


def _edges(one: Parameter, media: Mapping[str, Any]) -> Iterator[Any]:
    """Valid values at the edges of a parameter; those of examples where it has a pattern alone."""
    schema = one.schema
    types = schema.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    yield from schema.get("enum", ())
    if "boolean" in types:
        yield from (True, False)
    if "null" in types:
        yield None
    if "array" in types:
        contacts = [{"phone_number": f"+336{number:08}"} for number in range(12345678, 12346678)]
        yield contacts[: schema.get("minItems", 1)]
        yield contacts[: schema.get("maxItems", len(contacts))]
    if "string" in types and "enum" not in schema:
        if "pattern" not in schema and "format" not in schema:
            yield "a" * schema.get("minLength", 1)
            yield "a" * schema.get("maxLength", 100)
        elif "minLength" in schema:
            yield "a" * schema["minLength"]
            yield "a" * schema.get("maxLength", 100)
        for example in media.get("examples", {}).values():
            values = example["value"]
            holders = [values] if one.parent == "" else values.get("recipients", [])
            yield from (holder[one.name] for holder in holders if one.name in holder)
