"""Which keywords of the request's schema were met by a valid and by an invalid value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

import spec

# What a keyword says something about; the others say something about any value.
_ABOUT: Final = {
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), str),
    **dict.fromkeys(("minItems", "maxItems"), list),
    **dict.fromkeys(("required", "additionalProperties"), dict),
}
_ASSERTIONS: Final = frozenset(_ABOUT) | {"type", "enum"}
_NOT_COUNTED: Final = frozenset({"default", "description", "properties", "items", "examples"})

Met: TypeAlias = "set[tuple[Keyword, bool]]"


class Keyword(NamedTuple):
    """One keyword of the schema and where it stands: ``recipients[].phone_number``, ``pattern``."""

    where: str
    name: str

    def __str__(self) -> str:
        return f"{self.where or 'body'}: {self.name}"


def _below(schema: dict[str, Any], where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield where, schema
    for name, member in schema.get("properties", {}).items():
        yield from _below(member, f"{where}.{name}".removeprefix("."))
    if "items" in schema:
        yield from _below(schema["items"], f"{where}[]")


def every() -> list[Keyword]:
    """Every keyword of the request's schema that can be kept or broken.

    Raises:
        ValueError: the contract has one that is not known here.
    """
    found = list[Keyword]()
    for where, schema in _below(spec.BODY):
        if unknown := schema.keys() - _ASSERTIONS - _NOT_COUNTED:
            raise ValueError(f"{where or 'body'}: no such keyword here: {', '.join(unknown)}")
        found += [Keyword(where, name) for name in schema if name in _ASSERTIONS]
    return found


@cache
def _keeps(keyword: Keyword) -> Callable[[Any], bool]:
    schema = next(schema for where, schema in _below(spec.BODY) if where == keyword.where)
    alone = {keyword.name: schema[keyword.name]}
    if keyword.name == "additionalProperties":
        alone["properties"] = dict.fromkeys(schema["properties"], True)
    return lambda value: spec.accepts(alone, value)


def met(bodies: Iterable[object]) -> Met:
    """The keywords that the bodies meet, each with whether the value keeps to it."""
    found: Met = set()
    for body in bodies:
        _meet(spec.BODY, body, "", found)
    return found


def _meet(schema: dict[str, Any], value: object, where: str, found: Met) -> None:
    for name in schema.keys() & _ASSERTIONS:
        keyword = Keyword(where, name)
        if isinstance(value, _ABOUT.get(name, object)):
            found.add((keyword, _keeps(keyword)(value)))
    if isinstance(value, dict):
        for name, member in schema.get("properties", {}).items():
            if name in value:
                _meet(member, value[name], f"{where}.{name}".removeprefix("."), found)
    if isinstance(value, list) and "items" in schema:
        for item in value:
            _meet(schema["items"], item, f"{where}[]", found)
