"""Thirty-odd kinds of value that callers send for a parameter, made from the parameter's schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, Final, NamedTuple, TypeAlias

import spec

Schema: TypeAlias = dict[str, Any]
ABSENT: Final = object()
"""Stands for a parameter that is not sent."""

TEXT: Final = "Your parcel waits at the counter until Friday."
CONTACT: Final = {"phone_number": "+33612345678"}
COMPANION: Final = {"phone_number": "+33698765432"}
IN_CONTACT: Final = "recipients[]."
FIELDS: Final[dict[str, Schema]] = {
    **spec.FIELDS,
    **{f"{IN_CONTACT}{name}": schema for name, schema in spec.CONTACT_FIELDS.items()},
}
"""Every parameter of the contract, those of a contact under ``recipients[].``."""


def valid(name: str, schema: Schema) -> Any:
    """A value of the parameter that is valid as sent.

    Raises:
        ValueError: the schema is of a shape that is not known here.
    """
    if "enum" in schema:
        return schema["enum"][-1]
    made: dict[str, Any] = {
        "array": [CONTACT],
        "boolean": True,
        "object": CONTACT,
        "string": TEXT if name == "text" else "October",
    }
    if schema.get("format") == "date-time":
        return "2027-01-15T10:30:00+01:00"
    if "pattern" in schema and "+" in schema["pattern"]:
        return CONTACT["phone_number"]
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind not in made or not spec.accepts(schema, made[kind]):
        raise ValueError(f"{name}: no valid value known for {schema}; add one to kinds.valid")
    return made[kind]


class Kind(NamedTuple):
    """One kind of value: what a user calls it, and how it is made of a valid value."""

    label: str
    made: Callable[[Any, Schema], Any]


def _always(value: Any) -> Callable[[Any, Schema], Any]:
    return lambda _valid, _schema: value if value is ABSENT else deepcopy(value)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def contacts(count: int) -> list[dict[str, str]]:
    """So many contacts, each with a number of its own."""
    return [{"phone_number": f"+336{index:08}"} for index in range(count)]


KINDS: Final = (
    Kind("nothing: it is left out", _always(ABSENT)),
    Kind("a valid value", lambda valid, _: deepcopy(valid)),
    Kind("null", _always(None)),
    Kind("true", _always(value=True)),
    Kind("false", _always(value=False)),
    Kind("the number 0", _always(0)),
    Kind("the number 1", _always(1)),
    Kind("the number 1.0", _always(1.0)),
    Kind("the number -7", _always(-7)),
    Kind("a fraction", _always(0.5)),
    Kind("a huge number", _always(10**30)),
    Kind("a valid value in quotes of its own", lambda valid, _: json.dumps(_as_text(valid))),
    Kind("a valid value in capitals", lambda valid, _: _as_text(valid).upper()),
    Kind("a valid value between blanks", lambda valid, _: f"  {_as_text(valid)} "),
    Kind("a valid value with a line break", lambda valid, _: f"{_as_text(valid)}\n"),
    Kind("a valid value after an invisible mark", lambda valid, _: f"\ufeff{_as_text(valid)}"),
    Kind("a valid value with underscores", lambda valid, _: _as_text(valid).replace("-", "_")),
    Kind("two letters", _always("fr")),
    Kind("an empty text", _always("")),
    Kind("blanks", _always("   ")),
    Kind("the word true", _always("true")),
    Kind("the word YES", _always("YES")),
    Kind("the word 0", _always("0")),
    Kind("a word nobody knows", _always("simu")),
    Kind("an emoji", _always("\U0001f4de")),
    Kind("a text with accents and dashes", _always("Caf\u00e9-24")),
    Kind("a NUL character", _always("a\x00b")),
    Kind("12 letters", _always("a" * 12)),
    Kind("20 letters", _always("a" * 20)),
    Kind("21 letters", _always("a" * 21)),
    Kind("1224 letters", _always("a" * 1224)),
    Kind("1225 letters", _always("a" * 1225)),
    Kind("a list of one valid value", lambda valid, _: [deepcopy(valid)]),
    Kind("an empty list", _always([])),
    Kind("a list of null", _always([None])),
    Kind("a list of 500 contacts", _always(contacts(500))),
    Kind("a list of 501 contacts", _always(contacts(501))),
    Kind("a list of 1001 contacts", _always(contacts(1001))),
    Kind("a list with a contact without a number", _always([CONTACT, {"first_name": "Ada"}])),
    Kind("an empty object", _always({})),
    Kind("an object", _always({"value": True})),
    Kind("an object numbered like a list", lambda valid, _: {"0": deepcopy(valid)}),
    Kind("a list in a list in a list", _always([[["a"]]])),
    Kind("a date and time with Z", _always("2027-01-15T10:30:00Z")),
    Kind("a date and time of 2018", _always("2018-10-03T07:42:39-07:00")),
    Kind("a date and time without an offset", _always("2027-07-15T10:30:00")),
    Kind("a date and time with a blank between", _always("2027-01-15 10:30:00+0100")),
    Kind("a date and time without seconds", _always("2027-01-15T10:30")),
    Kind("a date alone", _always("2027-01-15")),
    Kind("a day that is not", _always("2027-02-30T10:30:00Z")),
    Kind("a date in words", _always("tomorrow at noon")),
    Kind("unix seconds", _always(1800000000)),
    Kind("unix seconds in quotes", _always("1800000000")),
    Kind("unix milliseconds", _always(1800000000000)),
    Kind("a number with 00", _always("0033612345678")),
    Kind("a national number", _always("06 12 34 56 78")),
    Kind("a number without its plus", _always("33612345678")),
    Kind("a number as a JSON number", _always(33612345678)),
    Kind("a number with punctuation", _always("tel:+33 (0)6-12.34/56 78")),
    Kind("a number of 7 digits", _always("+3361234")),
    Kind("a number of 6 digits", _always("+336123")),
    Kind("a number of 16 digits", _always("+3361234567890123")),
    Kind("a number of 17 digits", _always("+33612345678901234")),
    Kind("two numbers with a comma", _always("+33612345678, +33698765432")),
)

# Beside the contract's own: names that it does not have.
UNKNOWN: Final = ("mode", "Text", "sendAt", "auto_remove_blacklisted_numbers", "colour", "", "a/b~")


class Cell(NamedTuple):
    """One kind of value as one parameter, and the body that sends it."""

    field: str
    kind: Kind
    value: Any
    body: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.field}: {self.kind.label}"


def cells(field: str, schema: Schema) -> Iterator[Cell]:
    """Every kind of value as this parameter."""
    for kind in KINDS:
        value = kind.made(valid(field, schema), schema)
        body: dict[str, Any] = {"text": TEXT, "recipients": [deepcopy(CONTACT)]}
        owner, name = body, field
        if field.startswith(IN_CONTACT):
            owner, name = body["recipients"][0], field.removeprefix(IN_CONTACT)
            body["recipients"].append(deepcopy(COMPANION))
        owner.pop(name, None)
        if value is not ABSENT:
            owner[name] = value
        yield Cell(field, kind, value, body)


def table() -> Iterator[Cell]:
    """Every kind of value as every parameter, and as names that the contract does not have."""
    for field, schema in FIELDS.items():
        yield from cells(field, schema)
    for name in UNKNOWN:
        yield from cells(name, {"type": "string"})
