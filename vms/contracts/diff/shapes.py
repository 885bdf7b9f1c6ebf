"""A JSON Schema as what it allows: references, ``allOf`` and the two ways to write null put aside.

A `Shape` gathers every keyword of a schema, of what its ``$ref`` leads to and of its ``allOf``,
each with the place where it stands, so that two ways to write the same are the same.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cached_property
from typing import Any, Final

from vms.contracts.diff.meanings import ANNOTATIONS, canonical, meaning
from vms.contracts.openapi import At, OpenApi

EVERY_TYPE: Final = frozenset({"null", "boolean", "object", "array", "number", "integer", "string"})
SCALARS: Final = EVERY_TYPE - {"object", "array"}
_TRIVIAL: Final = frozenset({"", ".*", "^.*$", "^", "$", "^.*", ".*$", "[\\s\\S]*"})
_WHOLE: Final = frozenset({"integer", "null"})
_VALUES: Final = frozenset({"type", "enum", "const", "nullable"})
# Of display alone.
_HINTS: Final = frozenset({"password"})
# What 3.1 has in the place of formats of 3.0.
_ENCODED: Final = {
    ("contentEncoding", "base64"): "byte",
    ("contentMediaType", "application/octet-stream"): "binary",
}
_ONLY_NULL: Final = ({"type": "null"}, {"type": ["null"]}, {"const": None}, {"enum": [None]})
LOWEST: Final = ("minLength", "minItems", "minProperties", "minContains")
HIGHEST: Final = ("maxLength", "maxItems", "maxProperties", "maxContains")
# What is compared by its meaning.
UNDERSTOOD: Final = frozenset(
    {
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maximum",
        "minimum",
        "multipleOf",
        "nullable",
        "oneOf",
        "pattern",
        "properties",
        "required",
        "type",
        "unevaluatedProperties",
        "uniqueItems",
        *LOWEST,
        *HIGHEST,
    }
)
_KNOWN: Final = UNDERSTOOD | ANNOTATIONS


class Shape:
    """What one schema allows."""

    def __init__(
        self, file: OpenApi, at: At, *more: At, base: Shape | None = None, nullable: bool = False
    ) -> None:
        """What ``at`` allows, of what ``more`` and ``base`` without its choices allow, too."""
        self.file = file
        self.used = at
        """Where it is used, before any reference is followed."""
        self.at = file.behind(at)
        self.nulls = dict[str, At]()
        """Where null is allowed, by the keyword that does so."""
        self._is_false = False
        self.parts: list[At] = [] if base is None else [*base.parts]
        self._nullable = set[int]()
        """Of which parts null is valid, too."""
        self.names = dict[str, None]()
        """What people call it: the component that it is, and its title."""
        self._choices = list[tuple[str, list[At], bool]]()
        # A choice of what it is a choice of adds nothing.
        known = {id(part.value) for part in self.parts}
        for one in (at, *more):
            self._gather(one, known, nullable=nullable, alone=not more)

    def _gather(self, at: At, known: set[int], *, nullable: bool, alone: bool) -> None:
        self._is_false |= at.value is False
        # What stands twice, or within itself, allows what it allows once.
        if not isinstance(at.value, dict) or id(at.value) in known:
            return
        known.add(id(at.value))
        self._describe(at, alone=alone)
        nullable |= at.value.get("nullable") is True
        if "$ref" in at.value:
            self._gather(self.file.behind(at), known, nullable=nullable, alone=alone)
        if set(at.value) - {"$ref"}:
            self.parts.append(at)
            if nullable:
                self._nullable.add(id(at.value))
        parts = list(at.items("allOf"))
        for part in parts:
            self._gather(part, known, nullable=nullable, alone=alone and len(parts) == 1)
        for keyword in ("oneOf", "anyOf"):
            every = list(at.items(keyword))
            nulls = [one for one in every if self._is_null(one)]
            self.nulls |= dict(zip((keyword,), nulls, strict=False))
            if len(every) - len(nulls) == 1:
                # A choice of one is none.
                (one,) = (one for one in every if one not in nulls)
                self._gather(one, known, nullable=nullable or bool(nulls), alone=alone)
            elif every:
                self._choices.append((keyword, every, nullable or bool(nulls)))

    def _describe(self, at: At, *, alone: bool) -> None:
        """Note its names, and where it allows null."""
        is_component = at.pointer[:-1] == ("components", "schemas")
        names = (at.pointer[-1] if is_component else None, at.value.get("title"))
        self.names |= {str(name): None for name in names if alone and isinstance(name, str)}
        for keyword in ("nullable", "type", "enum"):
            found = at.get(keyword)
            if found and (found.value is True or None in _list(found) or "null" in _list(found)):
                self.nulls.setdefault(keyword, found)

    @property
    def key(self) -> object:
        """What it is known by again while it is being compared."""
        # What has no keywords has nothing within it, so its place will do.
        return tuple(id(part.value) for part in self.parts) or (self._is_false, self.at.pointer)

    def all(self, keyword: str) -> list[At]:
        """The keyword wherever it stands."""
        return [found for part in self.parts if (found := part.get(keyword)) is not None]

    def place(self, *keywords: str) -> At:
        """Where the first of the keywords stands; the schema itself where none does."""
        for keyword in keywords:
            for found in self.all(keyword):
                return found
        return self.at

    # ── which values ────────────────────────────────────────────────

    @cached_property
    def types(self) -> frozenset[str]:
        """The types that are allowed; a number may be an integer."""
        return self.types_within(frozenset())

    def types_within(self, above: frozenset[int]) -> frozenset[str]:
        """The same for a choice of another, of which these values are being asked already."""
        types = frozenset[str]() if self._is_false else EVERY_TYPE
        for part in self.parts:
            if "type" in part.value:
                given = part.value["type"]
                given = given if isinstance(given, list) else [given]
                own = EVERY_TYPE.intersection(map(str, given))
                if id(part.value) in self._nullable:
                    own |= {"null"}
                if "number" in own:
                    own |= {"integer"}
                types &= own
        for _, every, nullable in self._choices:
            behind = [self.file.behind(one) for one in every]
            # A choice within itself adds nothing to what it allows.
            others = [one for one in behind if id(one.value) not in above]
            below = above | {id(one.value) for one in others}
            own = frozenset().union(*(Shape(self.file, one).types_within(below) for one in others))
            types &= own | ({"null"} if nullable else set())
        values = self.values
        if values is not None:
            found = {_type_of(value) for value in values.values()}
            types &= found | ({"number"} if "integer" in found and "number" in types else set())
        # A multiple of a whole number is one.
        is_whole = self._multiple is not None and self._multiple.denominator == 1
        return types - {"number"} if is_whole else types

    @cached_property
    def values(self) -> dict[Any, Any] | None:
        """The values that are listed, by what makes them the same; None where any will do."""
        found: dict[Any, Any] | None = None
        for part in self.parts:
            for keyword in ("enum", "const"):
                if keyword in part.value:
                    given = part.value[keyword]
                    listed = given if keyword == "enum" and isinstance(given, list) else [given]
                    own = {canonical(value): value for value in listed}
                    if id(part.value) in self._nullable:
                        own.setdefault(canonical(None), None)
                    found = own if found is None else {k: v for k, v in found.items() if k in own}
        return found

    def bound(self, keyword: str) -> tuple[float, bool] | None:
        """The tightest of a bound, and whether it is excluded itself."""
        lower = keyword.startswith("min")
        found = list[tuple[float, bool]]()
        for part in self.parts:
            given = part.value.get(keyword)
            exclusive = part.value.get(f"exclusive{keyword.capitalize()}")
            if _is_number(given):
                found.append((float(given), exclusive is True))
            if _is_number(exclusive):
                found.append((float(exclusive), True))
        if not found:
            return None
        tightest = (max if lower else min)(value for value, _ in found)
        tight = (tightest, any(out for value, out in found if value == tightest))
        if self.types <= _WHOLE:
            # More than 0 is at least 1.
            within = tightest + (tight[1] if lower else -tight[1])
            tight = (float((math.ceil if lower else math.floor)(within)), False)
        nothing = (0.0, False) if keyword in LOWEST else None
        return None if tight == nothing else tight

    def texts(self, keyword: str) -> dict[str, At]:
        """Every pattern or format, where each stands."""
        return {
            str(found.value): found
            for found in self.all(keyword)
            if str(found.value) not in (_TRIVIAL if keyword == "pattern" else _HINTS)
        } | {
            _ENCODED[name, found.value]: found
            for name in ("contentEncoding", "contentMediaType")
            for found in self.all(name)
            if keyword == "format" and (name, found.value) in _ENCODED
        }

    @property
    def multiple(self) -> Fraction | None:
        """Of what a number must be a multiple; any integer is one of 1."""
        found = self._multiple
        return None if found and found.numerator == 1 and self.types <= _WHOLE else found

    @cached_property
    def _multiple(self) -> Fraction | None:
        found: Fraction | None = None
        for one in self.all("multipleOf"):
            if _is_number(one.value) and one.value > 0:
                own = Fraction(str(one.value))
                found = own if found is None else _common_multiple(found, own)
        return found

    @property
    def unique(self) -> bool:
        """Whether items must differ."""
        return any(one.value is True for one in self.all("uniqueItems"))

    # ── members and items ───────────────────────────────────────────────

    @cached_property
    def required(self) -> dict[str, At]:
        """The members that must be there, each with where that stands."""
        found = dict[str, At]()
        for part in self.parts:
            names = part.get("required")
            # OpenAPI 3.0 files have a boolean there, left over from parameters.
            if names is not None and isinstance(names.value, list):
                found |= {str(name): names for name in names.value}
        return found

    @cached_property
    def members(self) -> dict[str, Shape]:
        """The members that are described."""
        found = dict[str, list[At]]()
        for part in self.parts:
            for name, inner in part.below("properties"):
                found.setdefault(name, []).append(inner)
        return {name: Shape(self.file, *some) for name, some in found.items()}

    @cached_property
    def others(self) -> At | bool:
        """The schema of members that are not described; False where there may not be any."""
        found: At | bool = True
        for one in (*self.all("additionalProperties"), *self.all("unevaluatedProperties")):
            if one.value is False:
                return False
            if isinstance(one.value, dict) and one.value:
                found = one
        return found

    @cached_property
    def item(self) -> Shape | None:
        """What each item of a list is; None where it may be anything."""
        found = self.all("items")
        return Shape(self.file, *found) if found else None

    @cached_property
    def choices(self) -> list[tuple[str, list[Shape]]]:
        """Each ``oneOf`` and ``anyOf``: its schemas, but null alone, which is one of `types`."""
        return [
            (keyword, [Shape(self.file, one) for one in every if not self._is_null(one)])
            for keyword, every, _ in self._choices
        ]

    @property
    def flat(self) -> Shape:
        """The same without choices of types alone, or of values alone: a choice is another way."""
        if len(self._choices) != 1:
            return self
        keyword, every, nullable = self._choices[0]
        some = [Shape(self.file, one) for one in every]
        plain = [set().union(*(part.value for part in one.parts)) - ANNOTATIONS for one in some]
        value: dict[str, Any] = {}
        if all(keywords == {"type"} for keywords in plain):
            value["type"] = sorted(set().union(*(one.types for one in some)))
        elif all({"enum", "const"} & found and found <= _VALUES for found in plain):
            value["enum"] = [one for shape in some for one in (shape.values or {}).values()]
        else:
            return self
        value |= {"nullable": True} if nullable else {}
        return Shape(self.file, self.place(keyword)._replace(value=value), base=self)

    @property
    def wholes(self) -> list[Shape]:
        """Each schema of its choices with all that they share; itself where it has none."""
        return [
            Shape(self.file, one, base=self, nullable=nullable)
            for _, every, nullable in self._choices
            for one in every
            if not self._is_null(one)
        ] or [self]

    def _is_null(self, at: At) -> bool:
        return self.file.behind(at).value in _ONLY_NULL

    def has(self, keyword: str) -> bool:
        """Whether a flag such as ``readOnly`` is set."""
        return any(one.value is True for one in self.all(keyword))

    @cached_property
    def default(self) -> Any:  # noqa: ANN401  (a JSON value)
        """The default, as what makes it the same; None where there is none."""
        found = self.all("default")
        return canonical(found[0].value) if found else None

    @cached_property
    def unknown(self) -> dict[str, dict[Any, At]]:
        """Keywords whose meaning is not compared, only whether their values are the same."""
        found = dict[str, dict[Any, At]]()
        for part in self.parts:
            for keyword in part.value:
                at = part.get(keyword)
                if at and keyword not in _KNOWN and not keyword.startswith("x-"):
                    found.setdefault(keyword, {})[meaning(at.value, keyword)] = at
        return found


def _common_multiple(one: Fraction, other: Fraction) -> Fraction:
    parts = one.numerator * other.denominator, other.numerator * one.denominator
    return Fraction(math.lcm(*parts), one.denominator * other.denominator)


def _list(at: At) -> list[Any]:
    return at.value if isinstance(at.value, list) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _type_of(value: object) -> str:
    if value is None:
        return "null"
    for kind, name in ((bool, "boolean"), (str, "string"), (list, "array"), (dict, "object")):
        if isinstance(value, kind):
            return name
    return "number" if isinstance(value, float) and not value.is_integer() else "integer"
