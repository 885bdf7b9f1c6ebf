"""The request schema of a contract, compiled: what it accepts is valid as sent.

One typed decoder (msgspec) checks types, enums, lengths and closed names while it decodes; patterns
and formats are checked afterwards, those of list items once over all items together. It is sound
and not complete: what it does not accept, or cannot compile, takes the general path, which stays
the only place of semantics. A law compares the two (contract_tests/test_fast_check.py).
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from operator import attrgetter
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union, cast

import msgspec

from mock_server.contract.document import TIGHTER

Check: TypeAlias = Callable[[Any], object]
Count: TypeAlias = Callable[[Any], int]
Column: TypeAlias = Callable[[list[Any]], list[Any]]

# Whole numbers that a double holds exactly; larger ones take the general path.
_LARGEST_NUMBER: Final = 2**53
_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
# The keywords that are compiled; all others are left to the general path.
_KEYWORDS: Final = frozenset(
    {
        "additionalProperties",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "properties",
        "required",
        "type",
    }
)
# RFC 3339 without what is rare in it (small letters, leap seconds).
_DATE_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
LONGEST_DATE_TIME: Final = len("2018-10-03T07:42:39.123456789-07:00")
"""Characters of the longest; what is longer is worked out each time, and never kept."""


class _CannotCompileError(Exception):
    """A schema, or a part of it, that the general path must check."""


@dataclass(frozen=True, slots=True)
class FastCheck:
    """One compiled schema of an object."""

    variants: Sequence[tuple[Callable[[bytes], Any], Count, Check | None]]
    """What decodes a body, counts its quotes and checks it: first by a narrower schema, if there is
    one, which is quicker, then by the whole."""
    attributes: Mapping[str, str]
    """The attribute of the decoded value for each property that could be compiled."""

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> FastCheck | None:
        """The check for a schema without references, or None if it cannot be compiled."""
        try:
            whole = _merged(schema)
            narrow = _narrow(whole)
            nodes = [_object(one) for one in ([whole] if narrow == whole else [narrow, whole])]
        except _CannotCompileError:
            return None
        variants = [
            (msgspec.json.Decoder(node.type).decode, cast("Count", node.quotes), node.check)
            for node in nodes
        ]
        return cls(variants, nodes[-1].attributes)

    def __call__(self, raw: bytes) -> Any:  # noqa: ANN401  (a type made at load)
        """The decoded body, an attribute for each property (``UNSET`` where it is absent).

        None if the body may not be valid as sent: then the general path decides.
        """
        for decode, quotes, check in self.variants:
            try:
                value = decode(raw)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue
            # msgspec keeps the last of two equal names silently, so the names and texts that it
            # kept are counted: each has two quotes, and no others stand in the body but escaped.
            seen = (_ESCAPE.sub(b"", raw) if b"\\" in raw else raw).count(b'"')
            is_valid = seen == quotes(value) and (check is None or check(value))
            return value if is_valid else None
        return None

    def getter(self, names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
        """What takes these properties from a decoded body, ``UNSET`` for those that are absent."""
        attributes = [self.attributes.get(name) for name in names]
        if all(attributes):
            return _getter(tuple(filter(None, attributes)))
        return lambda value: tuple(
            getattr(value, attribute) if attribute else msgspec.UNSET for attribute in attributes
        )


@dataclass(frozen=True, slots=True)
class _Node:
    """One schema: its type for msgspec, and what msgspec does not check of it."""

    type: Any
    check: Check | None = None
    pattern: str | None = None
    """The one pattern of a text, if it can be checked over all items of a list at once."""
    quotes: Count | int = 0
    """How many quotes a value has; a number where all have as many."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, _Node] = field(default_factory=dict)
    required: frozenset[str] = frozenset()


def _node(schema: Mapping[str, Any]) -> _Node:
    schema = _merged(schema)
    if unknown := schema.keys() - _KEYWORDS:
        raise _CannotCompileError(*unknown)
    if "enum" in schema:
        return _enum(schema)
    kinds = _listed(schema.get("type", ()))
    if not kinds or {"integer", "number"} <= {*kinds}:
        raise _CannotCompileError("type")
    nodes = [_of_kind(kind, schema) for kind in kinds]
    if len(nodes) == 1:
        return nodes[0]
    if {"array", "object"} & {*kinds}:
        raise _CannotCompileError("type")
    checks = [node.check for node in nodes if node.check]
    return _Node(
        Union[tuple(node.type for node in nodes)],  # noqa: UP007  (made at load)
        # Numbers, booleans and null need none, so there is at most one, that of the text.
        partial(_if_text, checks[0]) if checks else None,
        quotes=lambda value: 2 if isinstance(value, str) else 0,
    )


def _if_text(check: Check, value: Any) -> bool:  # noqa: ANN401  (a JSON value)
    return not isinstance(value, str) or bool(check(value))


def _of_kind(kind: str, schema: Mapping[str, Any]) -> _Node:
    match kind:
        case "null" | "boolean":
            return _Node(bool if kind == "boolean" else None)
        case "integer" | "number":
            low = max(schema.get("minimum", -_LARGEST_NUMBER), -_LARGEST_NUMBER)
            high = min(schema.get("maximum", _LARGEST_NUMBER), _LARGEST_NUMBER)
            bounds = msgspec.Meta(ge=low, le=high)
            if isinstance(low, float) or isinstance(high, float):
                raise _CannotCompileError("minimum")
            whole = Annotated[int, bounds]
            if kind == "integer":
                return _Node(whole)
            return _Node(whole | Annotated[float, bounds])
        case "string":
            return _text(schema)
        case "array":
            return _list(schema)
        case "object":
            return _object(schema)
        case _:
            raise _CannotCompileError("type")


def _merged(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema with those of ``allOf`` in it."""
    merged = {name: value for name, value in schema.items() if name != "allOf"}
    for other in schema.get("allOf", ()):
        for name, value in _merged(other).items():
            if name not in merged:
                merged[name] = value
            elif name in TIGHTER:
                merged[name] = TIGHTER[name](merged[name], value)
            elif merged[name] != value:
                raise _CannotCompileError("allOf")
    return merged


def _enum(schema: Mapping[str, Any]) -> _Node:
    values = schema["enum"]
    texts = [value for value in values if isinstance(value, str)]
    if schema.keys() - {"enum", "type"} or len(texts) != len(values):
        raise _CannotCompileError("enum")
    if "string" not in _listed(schema.get("type", "string")):
        raise _CannotCompileError("enum")
    return _Node(Literal[tuple(texts)], quotes=2)


def _listed(kinds: str | Sequence[str]) -> Sequence[str]:
    return [kinds] if isinstance(kinds, str) else kinds


def _text(schema: Mapping[str, Any]) -> _Node:
    meta = msgspec.Meta(min_length=schema.get("minLength"), max_length=schema.get("maxLength"))
    checks, pattern = list[Check](), None
    if "pattern" in schema:
        pattern = _in_python(schema["pattern"])
        checks.append(re.compile(pattern).search)
    if "format" in schema:
        if schema["format"] != "date-time":
            raise _CannotCompileError("format")
        checks.append(_is_date_time)
    return _Node(
        Annotated[str, meta],
        _all_of(checks),
        pattern if len(checks) == 1 else None,
        quotes=2,
    )


def _is_date_time(text: str) -> bool:
    return len(text) <= LONGEST_DATE_TIME and _is_moment(text)


# The frames of a campaign have the same.
@lru_cache(maxsize=256)
def _is_moment(text: str) -> bool:
    if _DATE_TIME.fullmatch(text) is None:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _all_of(checks: Sequence[Check]) -> Check | None:
    if len(checks) <= 1:
        return checks[0] if checks else None
    return lambda value: all(check(value) for check in checks)


# ── lists ────────────────────────────────────────────────────────────


def _list(schema: Mapping[str, Any]) -> _Node:
    if "items" not in schema:
        raise _CannotCompileError("items")
    item = _node(schema["items"])
    meta = msgspec.Meta(min_length=schema.get("minItems"), max_length=schema.get("maxItems"))
    kind = Annotated[list[item.type], meta]  # type: ignore[name-defined]  # made at load
    return _Node(kind, _of_items(item), quotes=_quotes_of_items(item))


def _of_items(item: _Node) -> Check | None:
    """What checks all items of a list, the same member of each at once."""
    if not item.attributes:
        return _of_column(item)
    columns = [
        (_column(attribute, is_required=name in item.required), check)
        for name, attribute in item.attributes.items()
        if (check := _of_column(item.members[name])) is not None
    ]
    if not columns:
        return None

    def are_valid(values: list[Any]) -> bool:
        for column, check in columns:  # noqa: SIM110  (all() takes longer than the checks)
            if not check(column(values)):
                return False
        return True

    return are_valid


def _of_column(node: _Node) -> Check | None:
    """What checks many values of one schema."""
    check = node.check
    if check is None:
        return None
    if node.pattern is None or (joined := _joined(node.pattern)) is None:
        return lambda values: all(map(check, values))

    def all_like(values: list[str]) -> bool:
        text = "\n".join(values)
        # A value with a line of its own would pass for two.
        return not values or (joined(text) is not None and text.count("\n") == len(values) - 1)

    return all_like


def _joined(pattern: str) -> Callable[[str], object] | None:
    """The pattern for any number of texts, one a line; None if one may match a line's end."""
    whole = re.fullmatch(r"\^([^|]*)\\Z", pattern.removeprefix("(?a:").removesuffix(")"))
    if whole is None or "[^" in pattern or "\\n" in pattern or "\n" in pattern:
        return None
    return re.compile(rf"(?a:{whole[1]}(?:\n{whole[1]})*+)").fullmatch


def _quotes_of_items(item: _Node) -> Count:
    """How many quotes all items of a list have, the same member of each counted at once."""
    if not item.attributes:
        return partial(_times, item.quotes)
    fixed, columns = 0, list[tuple[Column, Count | int]]()
    for name, attribute in item.attributes.items():
        quotes, is_required = item.members[name].quotes, name in item.required
        if is_required and isinstance(quotes, int):
            fixed += 2 + quotes
        else:
            columns.append((_column(attribute, is_required=is_required), quotes))

    def count(values: list[Any]) -> int:
        total = fixed * len(values)
        for column, quotes in columns:
            present = column(values)
            total += 2 * len(present) + _times(quotes, present)
        return total

    return count


def _times(quotes: Count | int, values: list[Any]) -> int:
    return quotes * len(values) if isinstance(quotes, int) else sum(map(quotes, values))


def _column(attribute: str, *, is_required: bool) -> Column:
    """What collects one member of many objects, where it is present."""
    column = _compiled("values", f"[one.{attribute} for one in values]")
    if is_required:
        return column
    return lambda values: [one for one in column(values) if one is not msgspec.UNSET]


# ── objects ──────────────────────────────────────────────────────────


def _object(schema: Mapping[str, Any]) -> _Node:
    properties, required = schema.get("properties", {}), frozenset(schema.get("required", ()))
    if schema.get("type") != "object" or schema.get("additionalProperties") is not False:
        raise _CannotCompileError("additionalProperties")
    if schema.keys() - _KEYWORDS:
        raise _CannotCompileError("object")
    compiled = dict[str, _Node]()
    for name, member in properties.items():
        try:
            compiled[name] = _node(member)
        except _CannotCompileError:
            # Unknown to the decoder, it sends the bodies that have it to the general path.
            if name in required:
                raise
    return _struct(compiled, required)


def _struct(members: Mapping[str, _Node], required: frozenset[str]) -> _Node:
    attributes = {name: _attribute(name, index) for index, name in enumerate(members)}
    made = msgspec.defstruct(
        "Body",
        [
            (attributes[name], node.type)
            if name in required
            else (attributes[name], node.type | msgspec.UnsetType, msgspec.UNSET)
            for name, node in members.items()
        ],
        rename={attribute: name for name, attribute in attributes.items()},
        forbid_unknown_fields=True,
        kw_only=True,
        gc=False,
    )
    known: dict[str, Any] = {"UNSET": msgspec.UNSET}
    quotes, checks = list[str](), list[str]()
    for index, (name, node) in enumerate(members.items()):
        known |= {f"quotes_{index}": node.quotes, f"check_{index}": node.check}
        one, is_optional = f"value.{attributes[name]}", name not in required
        count = f"2 + quotes_{index}" + ("" if isinstance(node.quotes, int) else f"({one})")
        quotes.append(f"(0 if {one} is UNSET else {count})" if is_optional else count)
        if node.check is not None:
            unset = f"{one} is UNSET or " if is_optional else ""
            checks.append(f"({unset}check_{index}({one}))")
    return _Node(
        made,
        _compiled("value", " and ".join(checks), known) if checks else None,
        quotes=_compiled("value", " + ".join(quotes) or "0", known),
        attributes=attributes,
        members=members,
        required=required,
    )


def _compiled(
    parameter: str, expression: str, known: Mapping[str, Any] = MappingProxyType({})
) -> Callable[[Any], Any]:
    """A function of an expression: it reads attributes twice as fast as ``attrgetter``.

    Nothing of a contract stands in it but what `_attribute` has made.
    """
    made: Callable[[Any], Any] = eval(f"lambda {parameter}: {expression}", dict(known))  # noqa: S307  (names of its own)
    return made


def _attribute(name: str, index: int) -> str:
    plain = name.isidentifier() and name.isascii() and not keyword.iskeyword(name)
    return name if plain and not name.startswith("_") else f"_{index}"


def _getter(attributes: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(attributes) > 1:
        return attrgetter(*attributes)
    return lambda value: tuple(getattr(value, attribute) for attribute in attributes)


def _narrow(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object without what an object in a list need not have."""
    properties = dict[str, Any]()
    for name, member in schema.get("properties", {}).items():
        items = _merged(member.get("items", {}))
        required = items.get("required", ())
        kept = {one: its for one, its in items.get("properties", {}).items() if one in required}
        narrow = {"items": {**items, "properties": kept}} if kept else {}
        properties[name] = {**member, **narrow}
    return {**schema, "properties": properties}


# ── patterns ─────────────────────────────────────────────────────────

_ATOM: Final = (
    r"(?:[^\\.$^()|?*+{}\[\]\n]"  # a character
    r"|\\[-+.*?()\[\]{}|^$/\\d]"  # an escaped one, or a digit
    r"|\[\^?(?:[^\\\]\[\n]|\\[\]\\^d-])+\])"  # one of several
)
# One repetition of any length at most, no repeated group, few options: it takes linear time.
_SIMPLE: Final = re.compile(
    rf"(\^)?((?:{_ATOM}(?:\?|\{{[0-9]+\}})?)*"
    rf"(?:{_ATOM}(?:[*+]|\{{[0-9]+,[0-9]*\}})(?:{_ATOM}(?:\?|\{{[0-9]+\}})?)*)?)(\$)?"
)
_VARIABLE: Final = re.compile(rf"{_ATOM}(?:[*+]|\{{[0-9]+,)")
_MOST_OPTIONS: Final = 8


def _in_python(pattern: str) -> str:
    r"""A pattern of JSON Schema (ECMA 262) as Python reads it the same way.

    >>> _in_python("^[a-z]*$")
    '(?a:^[a-z]*\\Z)'

    Raises:
        _CannotCompileError: it may mean something else there, or take more than linear time.
    """
    simple = _SIMPLE.fullmatch(pattern)
    repeats = _VARIABLE.search(pattern) is not None
    if simple is None or pattern.count("?") > _MOST_OPTIONS or (repeats and not simple[1]):
        raise _CannotCompileError("pattern")
    # Python's $ matches before a last line's end, too.
    end = r"\Z" if simple[3] else ""
    text = f"(?a:{simple[1] or ''}{simple[2]}{end})"
    try:
        re.compile(text)
    except re.error as error:
        raise _CannotCompileError("pattern") from error
    return text
