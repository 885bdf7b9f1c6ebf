"""The contract as frozen values: what is valid, how the rest is repaired, on what evidence."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from mock_server.contract.call_terms import CallTerms
from mock_server.contract.evidence import Evidence
from mock_server.contract.fast_check import FastCheck
from mock_server.contract.magic import Magic
from mock_server.json_values import Json

# No parameter's name is half as long; the search for a near one costs the more the longer both are.
_LONGEST_NAME: Final = 64
# Of short names too many are near: `node` and `mode`, `data` and `date`.
_SHORTEST_NAME: Final = 5
# 0.8 finds a wrong letter in five and a dropped ending; below it, unrelated names begin to match.
_NEAR: Final = 0.8


class Fallback(StrEnum):
    """What happens to a value that no cast can repair."""

    DEFAULT = "default"
    IGNORE = "ignore"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing the API does with what it gets.

    With high stakes it changes who is called, when, or at what cost.
    """

    name: str
    summary: str
    evidence: Evidence
    high_stakes: bool = False


@dataclass(frozen=True, slots=True)
class FieldError:
    """What a refusal reports about one parameter."""

    code: int
    message: str
    evidence: Evidence

    def document(self) -> dict[str, Any]:
        """The error as the API prints it."""
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True)
class Advice:
    """A narrower reading of the sources: ``fits`` is whether a value keeps to it."""

    rule: Rule
    fits: Callable[[Json], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter, or one item of a list: what it accepts, and the ladder for the rest."""

    name: str
    valid: str
    """What the schema asks of the value itself, in words."""
    valid_evidence: Evidence
    accepts: Callable[[Json], bool]
    refusing_keyword: Callable[[Json], str]
    casts: tuple[Rule, ...]
    fallback: Fallback
    evidence: Evidence
    errors: Mapping[str, FieldError]
    default: Json
    default_evidence: Evidence | None
    former: Mapping[str, Evidence]
    mistaken: Mapping[str, Evidence]
    advice: tuple[Advice, ...]
    high_stakes: bool
    required: frozenset[str]
    members: Mapping[str, Field]
    names: Mapping[str, str]
    """Members by the squashed spellings of their names and former names."""
    spellings: Mapping[str, str]
    """The same, and by those of common mistakes."""
    items: Field | None
    whole: Callable[[Json], bool]
    """Whether the value itself is acceptable, whatever its items are."""

    def error(self, reason: str) -> FieldError:
        """The error for a keyword that refused the value, or the field's general one."""
        return self.errors.get(reason, self.errors["any"])

    def at(self, path: str) -> Field | None:
        """The field that a JSON Pointer leads to, an item of a list by any index."""
        field: Field | None = self
        for part in path.split("/")[1:]:
            if field is None:
                return None
            field = field.items if field.items is not None else field.members.get(part)
        return field

    def meant(self, name: str, *, guess: bool = True) -> Field | None:
        """The member a caller meant by an unknown name, if any.

        Its name is the same but for case and separators, or it is formerly or mistakenly so
        called, or (with ``guess``) it is near to a name or a former one.
        """
        spelling = squashed(name)
        meant = self.spellings.get(spelling)
        if meant is None and guess and _SHORTEST_NAME <= len(spelling) <= _LONGEST_NAME:
            near = difflib.get_close_matches(spelling, self.names, n=1, cutoff=_NEAR)
            meant = self.names[near[0]] if near else None
        return self.members[meant] if meant is not None else None


@dataclass(frozen=True, slots=True)
class NamedAnswer:
    """One named answer of the catalogue: its status and the body of its example."""

    name: str
    status: int
    value: Json
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a campaign costs: a price for each contact and each billing step that is started."""

    price: Decimal
    billing_step: int
    characters_a_second: int

    def duration(self, text: str) -> int:
        """The billed seconds of one call.

        >>> tariff = Tariff(Decimal("0.05"), 30, 15)
        >>> tariff.duration("a" * 450), tariff.duration("a" * 451)
        (30, 60)
        """
        characters_a_step = self.billing_step * self.characters_a_second
        return self.billing_step * max(1, -(-len(text) // characters_a_step))

    def cost(self, contacts: int, duration: int) -> Decimal:
        """The price of calling so many contacts for so many billed seconds.

        >>> Tariff(Decimal("0.05"), 30, 15).cost(3, 60)
        Decimal('0.30')
        """
        return self.price * (contacts * (duration // self.billing_step))


@dataclass(frozen=True, slots=True)
class Terms:
    """What a campaign costs and how long things are remembered (``x-campaign``)."""

    opening_credit: Decimal
    price: Decimal
    billing_step: int
    characters_a_second: int
    request_id_hours: int
    smallest_frame: int
    largest_frame: int
    default_region: str
    opt_out_flag: str
    answer: Mapping[str, str]
    """What each member of an accepted campaign's answer is called."""
    ticket_prefix: str
    checks: Mapping[str, Rule]
    evidence: Mapping[str, Evidence]

    @property
    def tariff(self) -> Tariff:
        """What a campaign costs everyone."""
        return Tariff(self.price, self.billing_step, self.characters_a_second)


@dataclass(frozen=True, slots=True)
class Contract:
    """Everything the twin knows of the API."""

    path: Path
    sha256: str
    version: str
    url_path: str
    method: str
    media_type: str
    login_header: str
    key_header: str
    body: Field
    clean: Callable[[Json], bool]
    """Whether a body is valid as sent, under the narrow readings too: nothing to note."""
    fast_check: FastCheck | None
    """The same from bytes, sound but not complete; None where it could not be compiled."""
    rules: Mapping[str, Rule]
    casts: Mapping[str, Rule]
    decoding: Mapping[str, Rule]
    answers: Mapping[str, NamedAnswer]
    terms: Terms
    magic: Magic
    calls: CallTerms
    sources: Mapping[str, Mapping[str, str]]

    def filled(self, body: Mapping[str, Json]) -> dict[str, Json]:
        """The body with the default of every parameter that is absent."""
        absent = {
            name: member.default
            for name, member in self.body.members.items()
            if name not in body and member.default_evidence is not None
        }
        return absent | dict(body)


def squashed(name: str) -> str:
    """A name without case and separators.

    >>> squashed("Simulation-Mode"), squashed("simulationMode")
    ('simulationmode', 'simulationmode')
    """
    return "".join(character for character in name.lower() if character.isalnum())
