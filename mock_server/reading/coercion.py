"""From a decoded body to a Reading: what is kept, what was repaired and why, what is in violation.

One driver asks the schema *whether*, takes the casts for *how*, compares before and after, and
alone writes notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote_plus

from mock_server.casts import Cast
from mock_server.contract.model import Contract, Fallback, Field, FieldError, Rule, squashed
from mock_server.json_values import Json, same
from mock_server.reading.decoding import ParseWarning, escaped

# Stands for a key that somebody sent in the query.
_HIDDEN: Final = "hidden"


class Kind(StrEnum):
    """What happened to a value."""

    REPAIR = "repair"
    DEFAULT = "default"
    IGNORED = "ignored"
    ADVICE = "advice"


class Note(NamedTuple):
    """One thing the API would do without a word.

    ``path`` is a JSON Pointer into the body, or ``query/`` and a name in the query of the URL.
    A named tuple, because a broken frame makes thousands, each in a third of a dataclass's time.
    """

    path: str
    kind: Kind
    rule: Rule
    before: Json
    after: Json
    high_stakes: bool = False
    did_you_mean: str | None = None

    @property
    def field(self) -> str:
        """The top-level parameter the note is about; empty for the body as a whole."""
        return top_level(self.path)

    @property
    def in_query(self) -> bool:
        """Whether it is about the query of the URL."""
        return self.path.startswith("query/")

    def document(self) -> dict[str, Any]:
        """The note as the control plane shows it."""
        document = {
            "path": self.path,
            "kind": self.kind.value,
            "rule": self.rule.name,
            "summary": self.rule.summary,
            "before": self.before,
            "after": self.after,
            "evidence": self.rule.evidence.document(),
            "stakes": "high" if self.high_stakes else "normal",
        }
        return document | {"did_you_mean": self.did_you_mean} if self.did_you_mean else document


@dataclass(frozen=True, slots=True)
class Violation:
    """A value that no rule could repair and that cannot be left out: the request is refused."""

    path: str
    reason: str
    before: Json
    error: FieldError

    @property
    def field(self) -> str:
        """The top-level parameter that is in violation."""
        return top_level(self.path)

    def document(self) -> dict[str, Any]:
        """The violation as the control plane shows it."""
        return {
            "path": self.path,
            "reason": self.reason,
            "before": self.before,
            "error": self.error.document(),
            "evidence": self.error.evidence.document(),
        }


def top_level(path: str) -> str:
    """The parameter of the body, or of the query, that a path leads into; empty for the body."""
    first = path.split("/", 2)[1] if path else ""
    return first.replace("~1", "/").replace("~0", "~") if "~" in first else first


@dataclass(frozen=True, slots=True)
class Reading:
    """A body as the API reads it. Without violations, ``value`` is valid under the contract."""

    value: dict[str, Json]
    notes: tuple[Note, ...] = ()
    violations: tuple[Violation, ...] = ()

    @property
    def repairs(self) -> tuple[Note, ...]:
        """The notes that strict mode refuses: everything but advice."""
        return tuple(note for note in self.notes if note.kind is not Kind.ADVICE)


def read(
    contract: Contract,
    body: dict[str, Json],
    casts: Mapping[str, Cast],
    warnings: Sequence[ParseWarning] = (),
    query: str = "",
) -> Reading:
    """The body as the API reads it. ``body`` is left as it is.

    A body that is valid as sent comes back itself, without a walk. Of ``query``, that of the URL,
    each parameter is noted.
    """
    parsing = (
        *query_notes(contract, query),
        *(_warning_note(contract, warning) for warning in warnings),
    )
    if contract.clean(body):
        return Reading(body, parsing)
    walk = _Walk(contract, casts)
    value = walk.body(body)
    return Reading(value, (*parsing, *walk.notes, *walk.advice), tuple(walk.violations))


def read_first_level(
    contract: Contract, body: dict[str, Json], casts: Mapping[str, Cast]
) -> Reading:
    """The body as a simulation reads it: each parameter, but not the items of a list."""
    walk = _Walk(contract, casts, items=False)
    value = walk.body(body)
    return Reading(value, (*walk.notes, *walk.advice), tuple(walk.violations))


def without_key(contract: Contract, query: str) -> str:
    """The query of a URL with a word in the place of each key."""
    return "&".join(_without_key(part, contract.key_header) for part in query.split("&"))


def _without_key(part: str, header: str) -> str:
    """Some join parts with a semicolon, as HTML 4 recommended, or with the "&amp;" of HTML."""
    pieces = part.split(";")
    for number, piece in enumerate(pieces):
        name, _, value = piece.partition("=")
        if value and _names(unquote_plus(name), header):
            # Whatever follows may be part of the key.
            return ";".join([*pieces[:number], f"{name}={_HIDDEN}"])
    return part


def _names(name: str, header: str) -> bool:
    """Whether a name in the query is that of a header, as people write it.

    >>> [_names(name, "api-key") for name in ("apiKey", "x-api-key", "auth[api_key]", "api")]
    [True, True, True, False]
    """
    return squashed(_BRACKETS.sub("", name)).endswith(squashed(header))


_BRACKETS: Final = re.compile(r"[][]")


def query_notes(contract: Contract, query: str) -> Iterator[Note]:
    """What is not read, because it does not stand in the body."""
    body = contract.body
    headers = (contract.login_header, contract.key_header)
    for number, (name, value) in enumerate(parse_qsl(query, keep_blank_values=True)):
        head, _, inner = name.partition("[")
        known = body.members.get(head) or body.members.get(inner.rstrip("]"))
        meant = known or body.meant(head, guess=number < _MOST_GUESSES)
        yield Note(
            f"query/{escaped(name)}",
            Kind.IGNORED,
            contract.rules["query"],
            value,
            None,
            high_stakes=known is not None
            or any(_names(name, header) for header in headers)
            or (meant is not None and meant.high_stakes),
            did_you_mean=meant.name if meant and not known else None,
        )


def _warning_note(contract: Contract, warning: ParseWarning) -> Note:
    rule = contract.decoding[warning.rule]
    lost = contract.body.at(warning.path) if warning.rule == "duplicate" else None
    kind = Kind.IGNORED if warning.rule == "duplicate" else Kind.REPAIR
    return Note(
        warning.path,
        kind,
        rule,
        warning.before,
        warning.after,
        rule.high_stakes or (lost is not None and lost.high_stakes),
    )


class _Absent:
    """Stands for a value that is left out."""


_ABSENT: Final = _Absent()
# Looking for a near name costs up to half a millisecond; a body can hold a hundred thousand unknown
# names.
_MOST_GUESSES: Final = 100


class _Walk:
    """One walk over one body; gathers notes and violations in the order of the body."""

    def __init__(
        self, contract: Contract, casts: Mapping[str, Cast], *, items: bool = True
    ) -> None:
        self.notes = list[Note]()
        self.advice = list[Note]()
        self.violations = list[Violation]()
        self._contract = contract
        self._casts = casts
        self._items = items
        self._guesses = dict[tuple[int, str], Field | None]()

    def body(self, value: dict[str, Json]) -> dict[str, Json]:
        """The body as it is read."""
        whole = self._contract.body
        if whole.accepts(value):
            self._advise(whole, value, "")
            return value
        return self._members(whole, value, "")

    def _members(self, field: Field, value: dict[str, Json], path: str) -> dict[str, Json]:
        """The object with each member read; required ones that are absent are violations."""
        kept = dict[str, Json]()
        for name, raw in value.items():
            member = field.members.get(name)
            if member is None:
                self._unknown(field, name, raw, path)
            elif not isinstance(
                repaired := self._value(member, raw, f"{path}/{escaped(name)}"), _Absent
            ):
                kept[name] = repaired
        for name, member in field.members.items():
            if name in field.required and value.get(name) is None and not member.accepts(None):
                self.violations.append(
                    Violation(f"{path}/{name}", "required", None, member.error("required"))
                )
        return kept

    def _value(self, field: Field, raw: Json, path: str) -> Json | _Absent:
        if field.accepts(raw):
            self._advise(field, raw, path)
            return raw
        if raw is None:
            return self._null(field, path)
        noted, advised = len(self.notes), len(self.advice)
        value, accepted = self._cast(field, raw, path)
        if accepted:
            self._advise(field, value, path)
            return value
        value, reason = self._inside(field, value, path)
        if not isinstance(value, _Absent) and self._accepts(field, value):
            self._advise_itself(field, value, path)
            return value
        del self.advice[advised:]
        if reason != "items":
            # Repairs that did not help do not count; what was ignored may be the reason.
            self.notes[noted:] = [
                note for note in self.notes[noted:] if note.kind is not Kind.REPAIR
            ]
        if field.fallback is Fallback.REJECT:
            reason = reason or field.refusing_keyword(value)
            self.violations.append(Violation(path, reason, raw, field.error(reason)))
            return _ABSENT
        return self._last_resort(field, raw, path)

    def _cast(self, field: Field, value: Json, path: str) -> tuple[Json, bool]:
        """The value after as many casts as it takes, and whether it is valid then."""
        for rule in field.casts:
            repaired = self._casts[rule.name](value)
            if not same(value, repaired):
                self.notes.append(Note(path, Kind.REPAIR, rule, value, repaired, rule.high_stakes))
                value = repaired
                if field.accepts(value):
                    return value, True
        return value, False

    def _inside(self, field: Field, value: Json, path: str) -> tuple[Json | _Absent, str]:
        """The value with its members or items read, and a reason if that made it less."""
        if isinstance(value, list) and field.items is not None:
            return self._list(field, field.items, value, path)
        if isinstance(value, dict) and field.members:
            return self._object(field, value, path), ""
        return value, ""

    def _list(
        self, field: Field, item: Field, value: list[Json], path: str
    ) -> tuple[list[Json], str]:
        if not self._items or not field.whole(value):
            return value, ""
        read = [self._value(item, raw, f"{path}/{index}") for index, raw in enumerate(value)]
        kept = [repaired for repaired in read if repaired is not _ABSENT]
        return kept, "items" if len(kept) < len(value) else ""

    def _object(self, field: Field, value: dict[str, Json], path: str) -> Json | _Absent:
        before = len(self.violations)
        kept = self._members(field, value, path)
        if len(self.violations) > before:
            # The object is left out as a whole, and so are its violations.
            del self.violations[before:]
            return _ABSENT
        return kept

    def _accepts(self, field: Field, value: Json) -> bool:
        return field.accepts(value) if self._items else field.whole(value)

    def _null(self, field: Field, path: str) -> Json | _Absent:
        rule = self._contract.rules["null_as_absent"]
        if field.default_evidence is not None:
            note = Note(path, Kind.DEFAULT, rule, None, field.default, field.high_stakes)
            self.notes.append(note)
            return field.default
        if field.fallback is not Fallback.REJECT:
            self.notes.append(Note(path, Kind.IGNORED, rule, None, None, field.high_stakes))
        # A required member that is absent is a violation, which _members() adds.
        return _ABSENT

    def _last_resort(self, field: Field, raw: Json, path: str) -> Json | _Absent:
        general = self._contract.rules[field.fallback]
        if field.fallback is Fallback.DEFAULT:
            # The evidence is that of the value: which default there is, is often our own guess.
            rule = replace(general, evidence=field.default_evidence or field.evidence)
            note = Note(path, Kind.DEFAULT, rule, raw, field.default, field.high_stakes)
            self.notes.append(note)
            return field.default
        rule = replace(general, evidence=field.evidence)
        self.notes.append(Note(path, Kind.IGNORED, rule, raw, None, field.high_stakes))
        return _ABSENT

    def _advise(self, field: Field, value: Json, path: str) -> None:
        """Note where only the wider of two readings allows a value, or anything inside it."""
        self._advise_itself(field, value, path)
        if field.members and isinstance(value, dict):
            for name, member in value.items():
                self._advise(field.members[name], member, f"{path}/{name}")
        if field.items is not None and isinstance(value, list) and self._items:
            for index, item in enumerate(value):
                self._advise(field.items, item, f"{path}/{index}")

    def _advise_itself(self, field: Field, value: Json, path: str) -> None:
        for advice in field.advice:
            if not advice.fits(value):
                shown = len(value) if isinstance(value, list) else value
                self.advice.append(Note(path, Kind.ADVICE, advice.rule, shown, shown))

    def _unknown(self, field: Field, name: str, raw: Json, path: str) -> None:
        asked = (id(field), name)
        if asked not in self._guesses:
            guess = len(self._guesses) < _MOST_GUESSES
            self._guesses[asked] = field.meant(name, guess=guess)
        meant = self._guesses[asked]
        self.notes.append(
            Note(
                f"{path}/{escaped(name)}",
                Kind.IGNORED,
                self._contract.rules["unknown"],
                raw,
                None,
                high_stakes=meant is not None and meant.high_stakes,
                did_you_mean=meant.name if meant else None,
            )
        )
