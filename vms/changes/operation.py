"""What a change does besides the request's parameters: address, headers, answers and terms."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from mock_server.contract.document import Pointer
from vms.changes.findings import Finding, Severity
from vms.changes.sources import Side

_TERMS: Final = {
    "opening_credit": "tests that count on it",
    "price": "whoever pays",
    "billing_step": "whoever pays",
    "characters_a_second": "whoever pays",
    "request_id_hours": "people being called: a repeat may ring twice",
    "smallest_frame": "whoever sends campaigns in frames",
    "largest_frame": "whoever sends campaigns in frames",
    "default_region": "people being called: national numbers belong to another country",
    "opt_out_flag": "people who opted out: they would be called",
}
_EVERYBODY: Final = "client code: every call"
_READERS: Final = "client code that reads the answer, when the money is gone"
_REGENERATE: Final = "Regenerate the client."


class Operations:
    """Compares the one operation of two contracts, and what stands around it."""

    def __init__(self, old: Side, new: Side) -> None:
        self._old, self._new = old, new

    def findings(self) -> Iterator[Finding]:
        """Every change but those of parameters."""
        yield from self._address()
        yield from self._headers()
        yield from self._sign_in()
        yield from self._statuses()
        yield from self._members()
        yield from self._named_answers()
        yield from self._meanings()
        yield from self._webhooks()
        yield from self._magic()
        yield from self._calls()
        yield from self._terms()
        yield from self._rules()

    def _address(self) -> Iterator[Finding]:
        one, other = self._old.contract, self._new.contract
        for rule, about, before, after in (
            ("path-changed", "path", one.url_path, other.url_path),
            ("method-changed", "method", one.method, other.method),
            ("media-type-changed", "media type", one.media_type, other.media_type),
        ):
            if before != after:
                yield self._finding(
                    (Severity.BREAKING, rule, about),
                    f"The {about} is {after}; it was {before}.",
                    _EVERYBODY,
                    "Regenerate the client; as long as both answer, the old one goes on working.",
                    (self._old.at[:2], self._new.at[:2]),
                )
        at: Pointer = ("servers", 0, "url")
        urls = [side.file.at(at) for side in (self._old, self._new)]
        if urls[0] != urls[1]:
            what = f"The server is {urls[1]}; it was {urls[0]}."
            ids = Severity.BREAKING, "server-changed", "server"
            yield self._finding(ids, what, _EVERYBODY, "Look for the old host.", (at, at))
        names = [side.operation.get("operationId") for side in (self._old, self._new)]
        if names[0] != names[1]:
            yield self._finding(
                (Severity.BREAKING, "operation-renamed", "operationId"),
                f"The operation is {names[1]}; it was {names[0]}.",
                "client code: the generated function has another name",
                _REGENERATE,
                ((*self._old.at, "operationId"), (*self._new.at, "operationId")),
            )
        bodies = [side.operation["requestBody"].get("required") for side in (self._old, self._new)]
        if bodies[0] != bodies[1]:
            yield self._finding(
                (Severity.BREAKING, "body-required-changed", "the body"),
                f"A request {'must' if bodies[1] else 'need not'} have a body now.",
                "client code: the generated function has another signature",
                _REGENERATE,
                ((*self._old.at, "requestBody"), (*self._new.at, "requestBody")),
            )

    def _headers(self) -> Iterator[Finding]:
        one, other = self._old.contract, self._new.contract
        for scheme, before, after in (
            ("api-login", one.login_header, other.login_header),
            ("api-key", one.key_header, other.key_header),
        ):
            if before != after:
                at = ("components", "securitySchemes", scheme, "name")
                yield self._finding(
                    (Severity.SILENT, "header-renamed", scheme),
                    f"The {scheme} goes into the header {after}; it was {before}. Whoever sends "
                    "the old one is not signed in, and no compiler sees it.",
                    _EVERYBODY,
                    f"{_REGENERATE} Look for {before} in proxies and scripts.",
                    (at, at),
                )

    def _sign_in(self) -> Iterator[Finding]:
        names = [side.operation.get("security", []) for side in (self._old, self._new)]
        if names[0] != names[1]:
            yield self._finding(
                (Severity.BREAKING, "sign-in-changed", "security"),
                f"Signing in takes {_told(names[1])}; it took {_told(names[0])}.",
                _EVERYBODY,
                _REGENERATE,
                ((*self._old.at, "security"), (*self._new.at, "security")),
            )
        schemes = [
            side.file.document["components"]["securitySchemes"] for side in (self._old, self._new)
        ]
        for scheme in sorted(schemes[0].keys() & schemes[1].keys()):
            for keyword in ("type", "in"):
                one_kind, other_kind = [some[scheme].get(keyword) for some in schemes]
                if one_kind != other_kind:
                    where: Pointer = ("components", "securitySchemes", scheme)
                    yield self._finding(
                        (Severity.SILENT, "sign-in-moved", scheme),
                        f"{keyword} of {scheme} is {other_kind}; it was {one_kind}. Whoever sends "
                        "it as before is not signed in, and no compiler sees it.",
                        _EVERYBODY,
                        _REGENERATE,
                        (where, where),
                    )

    # ── answers ──────────────────────────────────────────────────────────

    def _statuses(self) -> Iterator[Finding]:
        before, after = (side.operation["responses"] for side in (self._old, self._new))
        at, to = (*self._old.at, "responses"), (*self._new.at, "responses")
        for status in before.keys() - after.keys():
            yield self._finding(
                (Severity.BREAKING, "status-removed", status),
                f"{status} is no longer documented: the client has no type for it.",
                "client code that handles it",
                _REGENERATE,
                ((*at, status), None),
            )
        for status in after.keys() - before.keys():
            yield self._finding(
                (Severity.HARMLESS, "status-added", status),
                f"{status} is documented now.",
                "nobody",
                "Nothing, or handle it.",
                (None, (*to, status)),
            )

    def _members(self) -> Iterator[Finding]:
        before, after = _answer_members(self._old), _answer_members(self._new)
        for place in before.keys() - after.keys():
            if place.rpartition(".")[0] in before.keys() - after.keys():
                continue
            yield self._finding(
                (Severity.BREAKING, "answer-member-removed", place),
                f"{place} is no longer answered.",
                _READERS if place.startswith("2") else "client code that reads refusals",
                "Before you send with an old client: it cannot read the answer.",
                (before[place][1], None),
            )
        for place in after.keys() - before.keys():
            what = f"{place} is answered, too."
            ids = Severity.HARMLESS, "answer-member-added", place
            yield self._finding(ids, what, "nobody", "Nothing.", (None, after[place][1]))
        for place in before.keys() & after.keys():
            yield from self._member(place, before[place], after[place])

    def _member(self, place: str, one: _Member, other: _Member) -> Iterator[Finding]:
        at = (one[1], other[1])
        hit = _READERS if place.startswith("2") else "client code that reads refusals"
        if one[2] and not other[2]:
            ids = Severity.BREAKING, "answer-member-optional", place
            what = f"{place} may be missing from the answer."
            yield self._finding(ids, what, hit, _REGENERATE, at)
        for keyword in ("type", "enum", "pattern", "format"):
            before, after = one[0].get(keyword), other[0].get(keyword)
            if before != after:
                yield self._finding(
                    (Severity.BREAKING, f"answer-{keyword}-changed", place),
                    f"{keyword} of {place} is {after}; it was {before}.",
                    hit,
                    f"{_REGENERATE} Look for what takes the answer apart.",
                    at,
                )

    def _named_answers(self) -> Iterator[Finding]:
        one, other = self._old.contract.answers, self._new.contract.answers
        for name in sorted(one.keys() & other.keys()):
            before, after = one[name], other[name]
            at = (_answer_at(self._old, name), _answer_at(self._new, name))
            if before.status != after.status:
                yield self._finding(
                    (Severity.BREAKING, "status-changed", name),
                    f"{name} is answered with {after.status}; it was {before.status}.",
                    "client code that looks at the status",
                    f"Search your code for {before.status}.",
                    at,
                )
            codes = _codes(before.value), _codes(after.value)
            if codes[0] != codes[1]:
                yield self._finding(
                    (Severity.SILENT, "error-code-changed", name),
                    f"{name} is answered with the code {codes[1]}; it was {codes[0]}.",
                    "client code that looks at the code",
                    f"Search your code for {codes[0]}.",
                    at,
                )

    # ── what a campaign costs, and what becomes of the rest ────────────

    def _meanings(self) -> Iterator[Finding]:
        """Members of the answer that keep their names and change their meanings."""
        before, after = (side.contract.terms.answer for side in (self._old, self._new))
        members = _answer_members(self._new)
        for meaning in sorted(before.keys() | after.keys()):
            one, other = before.get(meaning), after.get(meaning)
            # A member that is gone has a finding of its own.
            if one == other or (one is not None and f"2XX.{one}" not in members):
                continue
            old = (*self._old.at, "x-campaign", "answer")
            new = (*self._new.at, "x-campaign", "answer")
            yield self._finding(
                (Severity.SILENT, "answer-meaning-changed", f"2XX.{one or other}"),
                f"The {meaning} is answered as {other or 'nothing'}; it was {one or 'nothing'}.",
                _READERS,
                "Look at every place that reads the answer.",
                (old, new),
            )

    def _webhooks(self) -> Iterator[Finding]:
        """What the receivers of receipts read; no compiler sees bytes that come from outside."""
        before, after = (_webhook_members(side) for side in (self._old, self._new))
        hit = "whoever receives receipts: what became of a call is lost"
        for place in sorted(before.keys() - after.keys()):
            if place.rpartition(".")[0] in before.keys() - after.keys():
                continue
            yield self._finding(
                (Severity.SILENT, "webhook-member-removed", place),
                f"{place} is no longer sent.",
                hit,
                "Regenerate the client, and look at every receiver.",
                (before[place][1], None),
            )
        for place in sorted(after.keys() - before.keys()):
            ids = Severity.HARMLESS, "webhook-member-added", place
            yield self._finding(
                ids, f"{place} is sent, too.", "nobody", "Nothing.", (None, after[place][1])
            )
        for place in sorted(before.keys() & after.keys()):
            for keyword in ("type", "enum", "pattern", "format"):
                one, other = before[place][0].get(keyword), after[place][0].get(keyword)
                if one != other:
                    yield self._finding(
                        (Severity.SILENT, f"webhook-{keyword}-changed", place),
                        f"{keyword} of {place} is {_told(other)}; it was {_told(one)}.",
                        hit,
                        "Regenerate the client, and look at every receiver.",
                        (before[place][1], after[place][1]),
                    )

    def _magic(self) -> Iterator[Finding]:
        """What forces an outcome at the twin; nothing of the real API."""
        before, after = (side.file.document["x-magic"] for side in (self._old, self._new))
        one, other = (self._old.contract.answers, self._new.contract.answers)
        at: Pointer = ("x-magic",)
        if before != after:
            yield self._finding(
                (Severity.BREAKING, "magic-changed", "x-magic"),
                "Magic values force other outcomes at the twin.",
                "whoever tests against the twin",
                "Look for the values that changed in your tests.",
                (at, at),
            )
        for name in sorted(one.keys() - other.keys()):
            yield self._finding(
                (Severity.BREAKING, "named-answer-removed", name),
                f"The answer {name} has no such name any more.",
                "whoever tests against the twin, by Prefer or by faults",
                "Look for the name in your tests.",
                (_answer_at(self._old, name), None),
            )

    def _calls(self) -> Iterator[Finding]:
        """How phones behave, and what receipts say of it."""
        if self._old.contract.calls != self._new.contract.calls:
            places = (
                ("x-calls",) if "x-calls" in side.file.document else None
                for side in (self._old, self._new)
            )
            yield self._finding(
                (Severity.SILENT, "calls-changed", "x-calls"),
                "Calls end in other ways at the twin, or their receipts say so in other words.",
                "whoever receives receipts, and whoever tests against the twin",
                "Look at every receiver, and for the values that changed in your tests.",
                (next(places), next(places)),
            )

    def _terms(self) -> Iterator[Finding]:
        before, after = (side.operation["x-campaign"] for side in (self._old, self._new))
        for name, hit in _TERMS.items():
            one, other = (_value(terms[name]) for terms in (before, after))
            renamed = name == "opt_out_flag" and one not in self._new.contract.body.members
            if one != other and not renamed:
                yield self._finding(
                    (Severity.SILENT, "term-changed", name),
                    f"{name} is {other}; it was {one}.",
                    hit,
                    "Look at what counts on it: budgets, tests, retries.",
                    ((*self._old.at, "x-campaign", name), (*self._new.at, "x-campaign", name)),
                )

    def _rules(self) -> Iterator[Finding]:
        one, other = self._old.contract, self._new.contract
        decoding = (*self._old.at, "requestBody", "x-decoding")
        checks = (*self._old.at, "x-campaign", "checks")
        for before, after, at in (
            (one.rules, other.rules, ("x-rules",)),
            (one.casts, other.casts, ("x-casts",)),
            (one.decoding, other.decoding, decoding),
            (one.terms.checks, other.terms.checks, checks),
        ):
            to = at if len(at) == 1 else (*self._new.at, *at[len(self._old.at) :])
            for name in sorted(before.keys() & after.keys()):
                if before[name].high_stakes != after[name].high_stakes:
                    yield self._finding(
                        (Severity.SILENT, "stakes-changed", name),
                        f"The stakes of the rule {name} are "
                        f"{'high' if after[name].high_stakes else 'normal'} now.",
                        "client code and whoever tests against the twin",
                        "Look again at what depends on it.",
                        ((*at, name), (*to, name)),
                    )

    def _finding(
        self,
        ids: tuple[Severity, str, str],
        what: str,
        hit: str,
        remedy: str,
        at: tuple[Pointer | None, Pointer | None],
    ) -> Finding:
        old, new = at
        return Finding(
            *ids,
            what,
            hit,
            remedy,
            None if old is None else self._old.place(old),
            None if new is None else self._new.place(new),
        )


_Member = tuple[Mapping[str, Any], Pointer, bool]
"""Schema, place, and whether it is always there."""


def _answer_members(side: Side) -> dict[str, _Member]:
    """Every member of every answer, such as ``2XX.ticket_number``."""
    schemas = {
        status: (media["schema"], (*side.at, "responses", status, "content", kind, "schema"))
        for status, response in side.operation["responses"].items()
        for kind, media in response.get("content", {}).items()
    }
    return _members(side, schemas)


def _webhook_members(side: Side) -> dict[str, _Member]:
    """Every member of what is sent to a URL of the customer, such as ``deliveryReceipt.status``."""
    schemas = {
        name: (
            media["schema"],
            ("webhooks", name, method, "requestBody", "content", kind, "schema"),
        )
        for name, item in (side.file.document.get("webhooks") or {}).items()
        for method, operation in item.items()
        if isinstance(operation, dict)
        for kind, media in operation.get("requestBody", {}).get("content", {}).items()
        if "schema" in media
    }
    return _members(side, schemas)


def _members(
    side: Side, schemas: Mapping[str, tuple[Mapping[str, Any], Pointer]]
) -> dict[str, _Member]:
    found = dict[str, _Member]()

    def walk(path: str, schema: Mapping[str, Any], pointer: Pointer, *, required: bool) -> None:
        schema, pointer = side.file.follow(schema, pointer)
        found.setdefault(path, (schema, pointer, required))
        for keyword in ("anyOf", "oneOf", "allOf"):
            for index, option in enumerate(schema.get(keyword, ())):
                always = required and keyword == "allOf"
                walk(path, option, (*pointer, keyword, index), required=always)
        needed = schema.get("required", ())
        for name, member in schema.get("properties", {}).items():
            below = (*pointer, "properties", name)
            walk(f"{path}.{name}", member, below, required=required and name in needed)
        if isinstance(others := schema.get("additionalProperties"), dict):
            walk(f"{path}.*", others, (*pointer, "additionalProperties"), required=False)
        if isinstance(items := schema.get("items"), dict):
            walk(f"{path}[]", items, (*pointer, "items"), required=False)

    for name, (schema, pointer) in schemas.items():
        walk(name, schema, pointer, required=True)
    return {path: member for path, member in found.items() if "." in path}


def _answer_at(side: Side, name: str) -> Pointer:
    for status, response in side.operation["responses"].items():
        for media_type, media in response.get("content", {}).items():
            if name in media.get("examples", {}):
                return (*side.at, "responses", status, "content", media_type, "examples", name)
    return ("x-answers", name)


def _codes(value: Mapping[str, Any]) -> str:
    """The codes of a refusal: the flat one, and those of its parameters."""
    named = value.get("errors")
    errors = [
        str(error.get("code", ""))
        for error in (named.values() if isinstance(named, dict) else ())
        if isinstance(error, dict)
    ]
    return " ".join(filter(None, (str(value.get("code", "")), *errors)))


def _told(value: object) -> str:
    """A value of the contract, as a sentence has it."""
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


def _value(term: Any) -> object:  # noqa: ANN401  (a YAML value)
    return term["value"] if isinstance(term, dict) else term
