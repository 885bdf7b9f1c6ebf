"""Forms made from JSON Schemas: of the contract for a request, of ``twin.yaml`` for settings.

A form is sent as JSON by the page's script, to the API that the schema is of; so what it may hold
stands in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mock_server.page.visible import written

Schema = Mapping[str, Any]
Follow = Callable[[Schema], Schema]
"""From a schema to the one that its ``$ref`` leads to, or itself."""

_KINDS: Final = {"string": "text", "integer": "number", "number": "number", "boolean": "choice"}
# A text that may have more is edited on several lines.
_ONE_LINE: Final = 200
# With so many choices or fewer they are named among the bounds.
_BOUNDS: Final = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "above {}"),
    ("maximum", "at most {}"),
    ("pattern", "of the pattern {}"),
    ("format", "{}"),
)


@dataclass(frozen=True, slots=True)
class FormField:
    """One input of a form.

    ``kind`` is ``text``, ``long`` (several lines), ``number``, ``choice``, ``lines`` (a list, one
    item a line), ``group`` (an object), ``groups`` (a list of objects), ``value`` (a number or a
    text, as JSON has it) or ``json`` (anything).
    """

    path: str
    """Where its value stands, names joined by dots."""
    name: str
    kind: str
    required: bool
    description: str
    bounds: str
    default: str | None
    """As JSON; None where there is none."""
    choices: tuple[tuple[str, str], ...]
    """Each as JSON, and as it is shown."""
    nullable: bool
    fields: tuple[FormField, ...]


def fields_of(schema: Schema, follow: Follow, path: str = "") -> tuple[FormField, ...]:
    """The fields of an object's schema, required ones first."""
    schema = follow(schema)
    required = schema.get("required", ())
    found = [
        _field(name, follow(part), follow, f"{path}{name}", required=name in required)
        for name, part in schema.get("properties", {}).items()
        if "const" not in follow(part)
    ]
    return tuple(sorted(found, key=lambda one: not one.required))


def _field(name: str, schema: Schema, follow: Follow, path: str, *, required: bool) -> FormField:
    kind, fields = _kind(schema, follow, path)
    return FormField(
        path=path,
        name=name,
        kind=kind,
        required=required,
        description=" ".join(str(schema.get("description", "")).split()),
        bounds=", ".join(_bounds(schema)),
        default=written(schema["default"]) if "default" in schema else None,
        choices=tuple(_choices(schema)),
        nullable="null" in _types(schema),
        fields=fields,
    )


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _kind(schema: Schema, follow: Follow, path: str) -> tuple[str, tuple[FormField, ...]]:
    if "enum" in schema:
        return "choice", ()
    if any(_types(part) in (["string"], ["number"]) for part in schema.get("oneOf", ())):
        return "value", ()
    types = [one for one in _types(schema) if one != "null"]
    if types == ["object"] and schema.get("properties"):
        return "group", fields_of(schema, follow, f"{path}.")
    if types == ["array"]:
        items = follow(schema.get("items", {}))
        if _types(items) == ["object"] and items.get("properties"):
            return "groups", fields_of(items, follow)
        return ("lines" if _types(items) == ["string"] else "json"), ()
    kind = _KINDS.get(types[0], "json") if len(types) == 1 else "json"
    if kind == "text" and schema.get("maxLength", 0) > _ONE_LINE and "pattern" not in schema:
        kind = "long"
    return kind, ()


def _choices(schema: Schema) -> Iterator[tuple[str, str]]:
    values = schema.get("enum", [True, False] if "boolean" in _types(schema) else [])
    yield from ((written(value), "null" if value is None else str(value)) for value in values)


def _bounds(schema: Schema) -> Iterator[str]:
    for keyword, words in _BOUNDS:
        if keyword in schema:
            shown = words.format(schema[keyword])
            yield shown.removesuffix("s") if schema[keyword] == 1 else shown
