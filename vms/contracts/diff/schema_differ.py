"""Compares two schemas by what they allow."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import Any, Final

from vms.contracts.diff.changes import READ, About, Change, Role
from vms.contracts.diff.shapes import EVERY_TYPE, HIGHEST, LOWEST, SCALARS, Shape
from vms.contracts.openapi import At

_BOUNDS: Final = ("minimum", "maximum", *LOWEST, *HIGHEST)
# What fits the first fits the second.
_WITHIN: Final = frozenset({("int32", "int64"), ("float", "double")})
_NUMBER_FORMATS: Final = frozenset({"int32", "int64", "float", "double"})
_MOST_SHOWN: Final = 60
# Below it, two names of the same shape have nothing to do with each other.
_NEAR: Final = 0.6


class SchemaDiffer:
    """Compares schemas; each pair once in each role, wherever it is used."""

    def __init__(self, same: dict[tuple[object, ...], bool] | None = None) -> None:
        self._seen = set[tuple[object, ...]]()
        # Without a call for each level: references may be a thousand levels deep.
        self._waiting = list[tuple[Shape, Shape, About, Role]]()
        self._same_pairs = {} if same is None else same

    def compare(self, old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        """Every change between two schemas."""
        self._waiting.append((old, new, about, role))
        while self._waiting:
            pair = self._waiting.pop()
            key = (pair[0].key, pair[1].key, pair[3])
            if key not in self._seen:
                self._seen.add(key)
                yield from self._compared(*pair)

    def _compared(self, old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        if len(old.choices) != len(new.choices):
            old, new = old.flat, new.flat
        if len(old.choices) != len(new.choices):
            yield from self._choice_or_none(old, new, about, role)
            return
        types = list(self._types(old, new, about, role))
        yield from types
        yield from self._values(old, new, about, role)
        yield from self._default(old, new, about, role)
        if any(one.kind == "type-changed" for one in types):
            return
        yield from self._bounds(old, new, about, role)
        yield from self._texts(old, new, about, role)
        yield from self._members(old, new, about, role)
        yield from self._others(old, new, about, role)
        self._items(old, new, about, role)
        for (keyword, ones), (other, others) in zip(old.choices, new.choices, strict=True):
            if keyword != other:
                kind = "one-shape-only" if other == "oneOf" else "several-shapes"
                yield Change(kind, role, about, old.place(keyword), new.place(other))
            yield from self._alternatives(ones, others, (old, new), about, role)
        yield from self._keywords(old, new, about, role)
        yield from self._discriminator(old, new, about, role)

    # ── values ──────────────────────────────────────────────────────

    def _types(self, old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        before, after = old.types, new.types
        if before == after:
            return
        if before < after:
            kind = "null-allowed" if after - before == {"null"} else "type-widened"
        elif after < before:
            kind = "null-refused" if before - after == {"null"} else "type-narrowed"
        elif role is Role.PARAMETER and after <= {"string", "null"} and before <= SCALARS:
            # All that stands in an address or a header is text.
            kind = "type-widened"
        else:
            kind = "type-changed"
        places = (old.place("type", "nullable", "enum", "const"), new.place("type", "nullable"))
        if kind in {"null-allowed", "null-refused"}:
            places = _null_places(old, new)
        yield Change(kind, role, about, *places, _types(before), _types(after))

    def _values(self, old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        before, after = old.values, new.values
        if before is None and after is None:
            return
        places = old.place("enum", "const"), new.place("enum", "const")
        if before is None or after is None:
            kind = "enum-set" if before is None else "enum-dropped"
            shown = _shown((after or before or {}).values())
            yield Change(kind, role, about, *places, shown, shown)
            return
        if lost := [value for key, value in before.items() if key not in after]:
            yield Change("enum-value-removed", role, about, *places, _shown(lost), "")
        if won := [value for key, value in after.items() if key not in before]:
            yield Change("enum-value-added", role, about, *places, "", _shown(won))

    def _default(self, old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        if old.default == new.default or role in READ:
            return
        places = old.place("default"), new.place("default")
        before, after = (
            "" if shape.default is None else _shown([at.value])
            for shape, at in zip((old, new), places, strict=True)
        )
        if old.default is None:
            yield Change("default-set", role, about, old.at, places[1], "", after)
        elif new.default is None:
            yield Change("default-dropped", role, about, places[0], new.at, before, "")
        else:
            yield Change("default-changed", role, about, *places, before, after)

    def _bounds(self, old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        for keyword in _BOUNDS:
            before, after = old.bound(keyword), new.bound(keyword)
            if before is None and after and keyword in LOWEST and old.all(keyword):
                # What is written out is promised.
                before = (0.0, False)
            if before == after:
                continue
            names = keyword, f"exclusive{keyword.capitalize()}"
            places = old.place(*names), new.place(*names)
            shown = (
                "unbounded" if one is None else f"{keyword} {one[0]:g}{' itself excluded' * one[1]}"
                for one in (before, after)
            )
            if before is None or after is None:
                kind = "bound-set" if before is None else "bound-dropped"
                few = keyword == "maxProperties" and after and after[0] < len(old.members)
                kind = "bound-tightened" if few and before is None else kind
            else:
                sign = 1 if keyword.startswith("min") else -1
                tighter = (sign * after[0], after[1]) > (sign * before[0], before[1])
                kind = "bound-tightened" if tighter else "bound-loosened"
            yield Change(kind, role, about, *places, *shown)
        yield from self._multiples(old, new, about, role)
        if old.unique != new.unique:
            kind = "bound-tightened" if new.unique else "bound-loosened"
            places = old.place("uniqueItems"), new.place("uniqueItems")
            words = ("items that differ" if one.unique else "any items" for one in (old, new))
            yield Change(kind, role, about, *places, *words)

    @staticmethod
    def _multiples(old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        before, after = old.multiple, new.multiple
        if before == after:
            return
        if before is None or (after is not None and _divides(before, after)):
            kind = "bound-tightened"
        elif after is None or _divides(after, before):
            kind = "bound-loosened"
        else:
            kind = "bound-changed"
        places = old.place("multipleOf"), new.place("multipleOf")
        words = (
            f"a multiple of {float(one):g}" if one else "any number" for one in (before, after)
        )
        yield Change(kind, role, about, *places, *words)

    def _texts(self, old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        for keyword in ("pattern", "format"):
            before, after = old.texts(keyword), new.texts(keyword)
            is_number = old.types != new.types and {*before, *after} <= _NUMBER_FORMATS
            if before.keys() == after.keys() or is_number:
                continue
            words = ", ".join(before), ", ".join(after)
            if before.keys() < after.keys() or (words[1], words[0]) in _WITHIN:
                kind = f"{keyword}-tightened"
            elif after.keys() < before.keys() or words in _WITHIN:
                kind = f"{keyword}-loosened"
            else:
                kind = f"{keyword}-changed"
            yield Change(kind, role, about, old.place(keyword), new.place(keyword), *words)

    # ── objects and lists ───────────────────────────────────────────────

    def _members(self, old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        renamed = dict(self._renamed(old, new, _hidden(role), role))
        done = {*renamed, *renamed.values()}
        for name in dict.fromkeys((*old.members, *new.members, *old.required, *new.required)):
            if name not in done:
                yield from self._member(name, (old, new), about.below(name), role)
        for name, other in renamed.items():
            needed = name in old.required if role in READ else other in new.required
            kind = "required-member-renamed" if needed else "member-renamed"
            if not needed and role not in READ and new.others is False:
                kind = "closed-member-renamed"
            places = old.members[name].at, new.members[other].at
            yield Change(kind, role, about.below(name), *places, name, other)

    def _member(
        self, name: str, pair: tuple[Shape, Shape], about: About, role: Role
    ) -> Iterator[Change]:
        old, new = pair
        before, after = (_shown_member(shape, name, role) for shape in pair)
        is_described = name in old.members
        needed = name in old.required, name in new.required
        if before is not None and after is None and is_described:
            yield self._gone(name, before, pair, about, role)
        elif after is not None and before is None:
            kind = "required-member-added" if needed[1] else "member-added"
            yield Change(kind, role, about, old.at, after.at)
        elif needed[0] != needed[1] and before is not None:
            kind = "member-became-required" if needed[1] else "member-became-optional"
            at = new.required.get(name) or (after.at if after else new.place("required"))
            yield Change(kind, role, about, old.required.get(name) or old.at, at)
        if before is not None and after is not None:
            self._waiting.append((before, after, about, role))

    @staticmethod
    def _gone(
        name: str, before: Shape, pair: tuple[Shape, Shape], about: About, role: Role
    ) -> Change:
        old, new = pair
        after = new.members.get(name)
        place = new.at if after is None else after.place(_hidden(role))
        if role in READ:
            kind = "required-member-removed" if name in old.required else "member-removed"
        elif after is not None:
            kind = "member-hidden"
        else:
            kind = "member-removed-from-closed" if new.others is False else "member-removed"
        return Change(kind, role, about, before.at, place)

    def _renamed(
        self, old: Shape, new: Shape, hidden: str, role: Role
    ) -> Iterator[tuple[str, str]]:
        """The members that have another name: listed as such, or near and of the same shape."""
        come = [
            name
            for name, one in new.members.items()
            if name not in old.members and not one.has(hidden)
        ]
        for name, one in old.members.items():
            if name in new.members or one.has(hidden):
                continue
            former = [other for other in come if name in _former(new.members[other])]
            near = difflib.get_close_matches(name, come, len(come) or 1, _NEAR)
            alike = (other for other in near if self._same(one, new.members[other], role))
            other = next(chain(former, alike), None)
            if other is not None:
                come.remove(other)
                yield name, other

    def _others(self, old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        before, after = old.others, new.others
        places = old.place("additionalProperties"), new.place("additionalProperties")
        if isinstance(before, At) and isinstance(after, At):
            pair = Shape(old.file, before), Shape(new.file, after)
            self._waiting.append((*pair, about.below("*"), role))
        elif after is False and before is not False:
            yield Change("closed", role, about, *places)
        elif before is False and after is not False:
            yield Change("opened", role, about, *places)
        elif isinstance(after, At) or isinstance(before, At):
            kind = "others-narrowed" if isinstance(after, At) else "others-widened"
            yield Change(kind, role, about, *places)

    def _items(self, old: Shape, new: Shape, about: About, role: Role) -> None:
        if old.item or new.item:
            one, other = (shape.item or _free(shape) for shape in (old, new))
            self._waiting.append((one, other, about.item, role))

    def _choice_or_none(self, old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        """One of them is a choice of schemas, and the other one schema, or several choices."""
        if len(old.choices) + len(new.choices) > 1:
            places = old.place("oneOf", "anyOf"), new.place("oneOf", "anyOf")
            yield Change("choices-changed", role, about, *places)
            return
        yield from self._alternatives(old.wholes, new.wholes, (old, new), about, role)

    def _alternatives(
        self,
        olds: list[Shape],
        news: list[Shape],
        pair: tuple[Shape, Shape],
        about: About,
        role: Role,
    ) -> Iterator[Change]:
        gone, come = list[Shape](), list(news)
        for one in olds:
            twin = next((other for other in come if self._same(one, other, role)), None)
            if twin is None:
                gone.append(one)
            else:
                come.remove(twin)
        for one in list(gone):
            other = _counterpart(one, come)
            if other is not None:
                gone.remove(one)
                come.remove(other)
                self._waiting.append((one, other, about, role))
        if len(gone) == len(come) and len(olds) == len(news):
            pairs = zip(gone, come, strict=True)
            self._waiting += [(one, other, about, role) for one, other in pairs]
            return
        old, new = (shape.place("oneOf", "anyOf") for shape in pair)
        for one in gone:
            at = one.used if len(olds) > 1 else old
            yield Change("alternative-removed", role, about, at, new, _called(one), "")
        for one in come:
            at = one.used if len(news) > 1 else new
            yield Change("alternative-added", role, about, old, at, "", _called(one))

    def _same(self, old: Shape, new: Shape, role: Role) -> bool:
        key = (old.key, new.key, role)
        if key not in self._same_pairs:
            # What stands within itself is the same where all else is.
            self._same_pairs[key] = True
            found = SchemaDiffer(self._same_pairs).compare(old, new, About(), role)
            self._same_pairs[key] = next(found, None) is None
        return self._same_pairs[key]

    @staticmethod
    def _discriminator(old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        places = old.place("discriminator"), new.place("discriminator")
        before, after = (
            None if at.pointer[-1:] != ("discriminator",) else (at.member("propertyName"), at)
            for at in places
        )
        if before is None or after is None:
            return
        names = [
            {name: str(at.value) for name, at in one.below("mapping")} for _, one in (before, after)
        ]
        lost = [name for name in names[0] if name not in names[1]]
        if before[0] != after[0]:
            words = str(before[0]), str(after[0])
            yield Change("discriminator-changed", role, about, *places, *words)
        for name in lost:
            then = [key for key in names[1] if names[1][key] == names[0][name]]
            kind = "mapping-renamed" if then else "mapping-removed"
            yield Change(kind, role, about, *places, name, ", ".join(then))

    @staticmethod
    def _keywords(old: Shape, new: Shape, about: About, role: Role) -> Iterator[Change]:
        for keyword in dict.fromkeys((*old.unknown, *new.unknown)):
            before, after = old.unknown.get(keyword, {}), new.unknown.get(keyword, {})
            if before.keys() == after.keys():
                continue
            more, less = before.keys() < after.keys(), after.keys() < before.keys()
            kind = "keyword-set" if more else "keyword-dropped" if less else "keyword-changed"
            places = old.place(keyword), new.place(keyword)
            yield Change(kind, role, about, *places, keyword, keyword)


def _null_places(old: Shape, new: Shape) -> tuple[At, At]:
    """Where null is allowed in one of them, and the use of the schema in the other."""
    if "null" in new.types:
        more = (at for keyword, at in new.nulls.items() if keyword not in old.nulls)
        return old.used, next(more, new.place("type"))
    less = (at for keyword, at in old.nulls.items() if keyword not in new.nulls)
    return next(less, old.place("type")), new.used


def _free(shape: Shape) -> Shape:
    """A schema that allows anything, where the other document has one that does not."""
    return Shape(shape.file, shape.at._replace(value={}))


def _hidden(role: Role) -> str:
    """What keeps a member out of what is read, or sent."""
    return "writeOnly" if role in READ else "readOnly"


def _shown_member(shape: Shape, name: str, role: Role) -> Shape | None:
    found = shape.members.get(name)
    if found is None:
        # What must be there and is described nowhere may be anything.
        return _free(shape) if name in shape.required else None
    return None if found.has(_hidden(role)) else found


def _counterpart(one: Shape, come: Iterable[Shape]) -> Shape | None:
    """The alternative that is the same one, changed: of the same name, or of the same tag."""
    for other in come:
        if one.names.keys() & other.names.keys():
            return other
        tags = [
            {(name, key) for name, inner in shape.members.items() for key in inner.values or ()}
            for shape in (one, other)
        ]
        if tags[0] & tags[1]:
            return other
    return None


def _called(shape: Shape) -> str:
    """What an alternative is called in a sentence."""
    return next(iter(shape.names), "") or _types(shape.types - {"null"})


def _former(shape: Shape) -> set[str]:
    """The names that it had before, where the contract lists them."""
    lenient = shape.place("x-lenient").value
    listed = lenient.get("former", ()) if isinstance(lenient, dict) else ()
    return {one["name"] for one in listed if isinstance(one, dict) and "name" in one}


def _divides(one: Fraction, other: Fraction) -> bool:
    """Whether every multiple of ``other`` is one of ``one``."""
    return (other / one).denominator == 1


def _types(types: frozenset[str]) -> str:
    shown = types - ({"integer"} if "number" in types else set())
    if types == EVERY_TYPE:
        return "any type"
    return " or ".join(sorted(shown)) or "nothing"


def _shown(values: Iterable[Any]) -> str:
    text = ", ".join("null" if value is None else str(value) for value in values)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} …"
