"""What holds for every two OpenAPI documents: `vms diff` is sound, calm, and never at a loss."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, note, settings
from hypothesis import strategies as st

import diff_score
import spec
from mock_server.contract.document import ContractError
from vms.contracts.diff import render
from vms.contracts.diff.comparison import comparison
from vms.contracts.diff.findings import Finding
from vms.contracts.loaded import Document

_BASE: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {"title": "Things", "version": "1.0.0"},
    "paths": {},
}
_READ: Final = [
    yaml.safe_load((folder / f"{side}.yaml").read_text("utf-8"))
    for folder in diff_score.cases()
    for side in ("old", "new")
]


def _document(value: object, name: str = "new.json") -> Document:
    return Document.of(Path(name), json.dumps(value))


def _findings(old: object, new: object) -> tuple[Finding, ...]:
    return comparison(_document(old, "old.json"), _document(new)).findings


# ── schemas ────────────────────────────────────────────────────────────────

_NAMES: Final = st.sampled_from(["a", "b", "ab"])
_VALUES: Final = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 2, 5, 1.5, "", "a", "b", "ab", "abc", "aaaaaa"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=5,
)
_BOUND: Final = st.integers(0, 3)
_TYPES: Final = st.sampled_from(
    ["string", "integer", "number", "boolean", "object", "array", ["string", "null"]]
)
_PLAIN: Final = st.fixed_dictionaries(
    {},
    optional={
        "type": _TYPES,
        "enum": st.lists(_VALUES, min_size=1, max_size=3),
        "minLength": _BOUND,
        "maxLength": _BOUND,
        "minimum": _BOUND,
        "exclusiveMaximum": _BOUND,
        "multipleOf": st.sampled_from([1, 2, 3, 0.5]),
        "pattern": st.sampled_from(["^a", "b$", ".*", "^.{2}$"]),
        "minItems": _BOUND,
        "maxItems": _BOUND,
        "uniqueItems": st.booleans(),
        "maxProperties": _BOUND,
        "description": st.just("Words."),
    },
)


def _larger(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array"]),
            "properties": st.dictionaries(_NAMES, inner, max_size=3),
            "required": st.lists(_NAMES, max_size=2, unique=True),
            "additionalProperties": st.booleans() | inner,
            "items": inner,
            "allOf": some,
            "anyOf": some,
            # Without oneOf: whether a value has two shapes at once, no rule decides.
            "not": inner,
        },
    )


_SCHEMAS: Final = st.recursive(_PLAIN | st.booleans(), _larger, max_leaves=4)


def _parts(value: Any) -> list[tuple[Any, Any]]:
    """Every holder of a value within a value, with its name or number there."""
    found = list[tuple[Any, Any]]()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        names: Any = (
            one if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        )
        for name in names:
            found.append((one, name))
            waiting.append(one[name])
    return found


@st.composite
def _edits(draw: st.DrawFn, schema: Any) -> Any:
    """A schema that is like another, but for a keyword or two."""
    edited = deepcopy(schema)
    for _ in range(draw(st.integers(1, 2))):
        holders = [holder for holder, _ in _parts([edited]) if isinstance(holder, dict)]
        schemas = [*([edited] if isinstance(edited, dict) else []), *holders]
        if not schemas:
            return draw(_SCHEMAS)
        one = draw(st.sampled_from(schemas))
        other = draw(_PLAIN | _larger(_PLAIN))
        if one and draw(st.booleans()):
            del one[draw(st.sampled_from(sorted(one)))]
        else:
            one.update(other)
    return edited


def _sent(schema: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return _BASE | {"paths": {"/": {"post": {"requestBody": {"content": content}}}}}


def _answered(schema: Any) -> dict[str, Any]:
    answer = {"description": "It.", "content": {"application/json": {"schema": schema}}}
    return _BASE | {"paths": {"/": {"post": {"responses": {"200": answer}}}}}


def _closed(schema: Any) -> Any:
    """The schema without members that it does not describe: old requests have none of those."""
    if not isinstance(schema, dict):
        return {"unevaluatedProperties": False} if schema is True else schema
    closed = schema | {"unevaluatedProperties": False}
    for keyword in ("items", "additionalProperties"):
        if isinstance(closed.get(keyword), dict):
            closed[keyword] = _closed(closed[keyword])
    return closed | _applied(schema)


def _applied(schema: dict[str, Any]) -> dict[str, Any]:
    """The members and items of a schema, and of what is applied in its place, closed."""
    found = dict[str, Any]()
    if "properties" in schema:
        found["properties"] = {name: _closed(one) for name, one in schema["properties"].items()}
    for keyword in ("allOf", "anyOf"):
        if keyword in schema:
            found[keyword] = [
                one | _applied(one) if isinstance(one, dict) else one for one in schema[keyword]
            ]
    return found


def _opened(schema: Any) -> Any:
    """The schema with all other members: whoever reads an answer passes over those."""
    opened = deepcopy(schema)
    for holder, name in [([opened], 0), *_parts(opened)]:
        if isinstance(holder, dict) and name == "additionalProperties" and holder[name] is False:
            holder[name] = True
    return opened


def _is_harmless(found: tuple[Finding, ...]) -> bool:
    return all(one.severity == "harmless" for one in found)


def _is_valid(schema: Any, value: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(schema).is_valid(value)


def _usable(schema: Any) -> bool:
    try:
        jsonschema_rs.Draft202012Validator(schema)
    except ValueError:
        return False
    return True


@st.composite
def _pairs(draw: st.DrawFn) -> tuple[Any, Any, list[Any]]:
    """Two schemas that are alike, and values to try with both."""
    old = draw(_SCHEMAS.filter(_usable))
    new = draw(_edits(old).filter(_usable))
    return old, new, draw(st.lists(_VALUES, min_size=20, max_size=40))


def _noted(old: object, new: object) -> tuple[Finding, ...]:
    found = _findings(old, new)
    note(str([(one.severity, one.rule) for one in found]))
    return found


@pytest.mark.long
@given(st.data())
def test_what_the_old_schema_takes_the_new_one_takes_if_no_change_is_worse_than_harmless(
    data: st.DataObject,
) -> None:
    old, new, values = data.draw(_pairs())
    found = _noted(_sent(old), _sent(new))

    closed = _closed(old)
    refused = [one for one in values if _is_valid(closed, one) and not _is_valid(new, one)]

    assert not (refused and _is_harmless(found))


@pytest.mark.long
@given(st.data())
def test_an_answer_of_the_new_schema_is_one_of_the_old_if_no_change_is_worse_than_harmless(
    data: st.DataObject,
) -> None:
    old, new, values = data.draw(_pairs())
    found = _noted(_answered(old), _answered(new))

    opened = _opened(old)
    unexpected = [one for one in values if _is_valid(new, one) and not _is_valid(opened, one)]

    assert not (unexpected and _is_harmless(found))


# ── documents ──────────────────────────────────────────────────────────────

_OWN: Final = [
    yaml.safe_load(path.read_text("utf-8"))
    for path in (spec.FILE, *sorted((spec.FILE.parent / "versions").glob("*.yaml")))
]
_OFTEN_EDITED: Final = frozenset(
    [
        "additionalProperties",
        "casts",
        "code",
        "default",
        "description",
        "enum",
        "fallback",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "minItems",
        "minLength",
        "minimum",
        "names",
        "operationId",
        "parameters",
        "pattern",
        "properties",
        "required",
        "security",
        "stakes",
        "statuses",
        "summary",
        "type",
        "uniqueItems",
        "value",
        "x-status",
    ]
)
_STRANGE: Final = st.sampled_from(
    [None, True, 0, -1.5, "", "x", "200", [], {}, [None], [[]], {"": 1}, {"$ref": "#"}]
)


def _nudged(value: Any) -> Any:
    """A value of the same type, but another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return value[:-1] or [*value, *value]
    if isinstance(value, dict):
        return dict(list(value.items())[1:])
    return value + ("x" if isinstance(value, str) else 1) if value is not None else 0


@st.composite
def _spoiled(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """A document with a few values gone, strange, a little different, or in the place of others."""
    spoiled = deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        parts = [(holder, name) for holder, name in _parts(spoiled) if name != "openapi"]
        if not parts:
            break
        holder, name = draw(st.sampled_from(parts))
        kind = draw(st.sampled_from(["gone", "nudged", "strange", "moved", "reference"]))
        if kind == "gone":
            del holder[name]
        elif kind == "nudged":
            holder[name] = _nudged(holder[name])
        elif kind == "strange":
            holder[name] = deepcopy(draw(_STRANGE))
        elif kind == "moved":
            other, key = draw(st.sampled_from(parts))
            holder[name] = deepcopy(other[key])
        else:
            names = sorted(document.get("components", {}).get("schemas", {})) or ["x"]
            holder[name] = {"$ref": f"#/components/schemas/{draw(st.sampled_from(names))}"}
    return spoiled


@st.composite
def _edited(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """A contract of ours with a few other values, of which most are none that it refuses."""
    edited = deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        parts = [(holder, name) for holder, name in _parts(edited) if name in _OFTEN_EDITED]
        holder, name = draw(st.sampled_from(parts))
        if draw(st.integers(0, 3)):
            holder[name] = _nudged(holder[name])
        else:
            del holder[name]
    return edited


def _compared(old: dict[str, Any], new: dict[str, Any]) -> None:
    try:
        result = comparison(_document(old, "old.json"), _document(new))
    except ContractError:
        return
    for form in render.FORMS:
        render.rendered(result, form)


@pytest.mark.long
@given(st.data())
def test_whatever_a_document_has_it_is_compared_or_refused_in_a_sentence(
    data: st.DataObject,
) -> None:
    document = data.draw(st.sampled_from(_READ))
    spoiled = data.draw(_spoiled(document))

    _compared(document, spoiled)
    _compared(spoiled, document)


@pytest.mark.long
@settings(max_examples=settings().max_examples // 5)
@given(st.data())
def test_whatever_a_contract_of_ours_has_it_is_compared_or_refused_in_a_sentence(
    data: st.DataObject,
) -> None:
    document = data.draw(st.sampled_from(_OWN))

    _compared(document, data.draw(_edited(document)))
