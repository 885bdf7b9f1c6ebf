"""What the control plane accepts, by its own contract ``openapi/twin.yaml``, parsed once.

A refusal names the place, what it got and what was expected: the description that the contract
gives for that place.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import jsonschema_rs

from mock_server.contract.document import shipped_document
from mock_server.json_values import Json

_LONGEST_SHOWN: Final = 200
# 18 digits fit a database's integer; the inbox never gets there.
_INTEGER: Final = re.compile(r"\d{1,18}", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,9}(?:\.\d{1,20})?", re.ASCII)


class SettingError(Exception):
    """A setting that does not match the contract: where, what it got, what was expected."""

    def __init__(self, where: str, got: str, expected: str) -> None:
        super().__init__(f"{where}: got {got}; expected {expected}")
        self.where, self.got, self.expected = where, got, expected


def _contract() -> Mapping[str, Any]:
    return shipped_document("twin.yaml")


def schema(name: str) -> Mapping[str, Any]:
    """The schema of that name."""
    found: dict[str, Any] = _contract()["components"]["schemas"][name]
    return found


@functools.cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """What checks a document against the schema of that name."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": _contract()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def fault_schemas() -> Mapping[str, str]:
    """The kinds of injected faults, each with the name of its schema."""
    kinds = schema("InjectedFault")["discriminator"]["mapping"]
    return {kind: reference.rpartition("/")[2] for kind, reference in kinds.items()}


def methods() -> list[str]:
    """The HTTP methods of the control plane."""
    return sorted({method for method, _ in _operations()})


# ── query parameters ──────────────────────────────────────────────────────────


@functools.cache
def _operations() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    return {
        (method.upper(), _NAMED.sub("{}", path)): operation
        for path, item in _contract()["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


# A part of a path that is a parameter, in OpenAPI and in Flask.
_NAMED: Final = re.compile(r"[{<][^/]*[}>]")


def operation_at(method: str, route: str) -> Mapping[str, Any] | None:
    """The operation that answers a method at a route, which is written as Flask or OpenAPI do."""
    method = "GET" if method == "HEAD" else method
    return _operations().get((method, _NAMED.sub("{}", route)))


@functools.cache
def parameters(operation_id: str) -> Mapping[str, Mapping[str, Any]]:
    """The query parameters of an operation by name, each with its schema."""
    found = (one for one in _operations().values() if one["operationId"] == operation_id)
    return {
        entry["name"]: _followed(entry["schema"])
        for entry in next(found).get("parameters", ())
        if entry["in"] == "query"
    }


def query(operation_id: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The query parameters as values of their schemas; the default where one is left out.

    Raises:
        SettingError: one is unknown, or not of its schema.
    """
    known = parameters(operation_id)
    for name, text in given.items():
        if name not in known:
            expected = f"one of {', '.join(known)}" if known else "nothing in the query"
            raise SettingError(name, text, expected)
    defaults = {name: shape["default"] for name, shape in known.items() if "default" in shape}
    return defaults | {name: _parameter(name, known[name], given[name]) for name in given}


def _parameter(name: str, shape: Mapping[str, Any], text: str) -> Json:
    if shape.get("format") == "date-time":
        # In a query a plus sign means a blank.
        text = text.replace(" ", "+")
    value: Json = text
    if shape.get("type") == "integer":
        value = integer(text)
    elif shape.get("type") == "number":
        value = float(text) if _NUMBER.fullmatch(text) else None
    if jsonschema_rs.is_valid(dict(shape), value, validate_formats=True):
        return value
    choices = shape.get("enum")
    raise SettingError(
        name, text, f"one of {', '.join(choices)}" if choices else shape["description"]
    )


def integer(text: str) -> int | None:
    """The number of up to 18 ASCII digits, if the text is one.

    >>> integer("12"), integer("-1"), integer("")
    (12, None, None)
    """
    return int(text) if _INTEGER.fullmatch(text) else None


# ── documents ──────────────────────────────────────────────────────────


def check(name: str, document: Json, at: str = "") -> None:
    """Refuse a document that is not of the schema ``name``.

    Raises:
        SettingError: see there; ``at`` is where the document itself stands.
    """
    try:
        errors = sorted(validator(name).iter_errors(document), key=lambda e: len(e.instance_path))
    except ValueError as refusal:
        # Its own limit of depth.
        raise SettingError(at or "body", shown(document), f"less depth ({refusal})") from refusal
    if not errors:
        return
    error = errors[-1]
    path = list(error.instance_path)
    shape = _described(schema(name), path)
    names = list(shape.get("properties", {}))
    got: Json = functools.reduce(lambda value, part: value[part], path, document)
    expected = shape.get("description") or error.message
    if isinstance(got, dict) and names:
        unknown = [member for member in got if member not in names]
        missing = [member for member in shape.get("required", ()) if member not in got]
        if unknown:
            path, got = [*path, unknown[0]], got[unknown[0]]
            expected = f"one of {', '.join(names)}"
        elif missing:
            path, got = [*path, missing[0]], None
            described = _followed(shape["properties"][missing[0]])
            expected = described.get("description", "a value; it is required")
        else:
            expected = f"an object with at least one of {', '.join(names)}"
    raise SettingError(place(at, path), shown(got), " ".join(str(expected).split()))


def _followed(shape: Mapping[str, Any]) -> Mapping[str, Any]:
    return schema(shape["$ref"].rpartition("/")[2]) if "$ref" in shape else shape


def _described(shape: Mapping[str, Any], path: Sequence[str | int]) -> Mapping[str, Any]:
    """The schema of the value at a path, or the nearest around it that has a description."""
    for part in path:
        inside = (
            branch.get("items") if isinstance(part, int) else branch.get("properties", {}).get(part)
            for branch in (shape, *map(_followed, shape.get("oneOf", ())))
        )
        inner = _followed(next(filter(None, inside), {}))
        shape = inner if inner.keys() & {"description", "properties"} else shape
    return shape


def place(at: str, path: Iterable[str | int]) -> str:
    """Where something stands: ``at``, and the path from there.

    >>> place("faults.0", ["match", "text"]), place("", [])
    ('faults.0.match.text', 'body')
    """
    return ".".join([*([at] if at else []), *map(str, path)]) or "body"


def shown(value: Json) -> str:
    """A value as JSON, cut where it is long.

    >>> shown({"credit": -1})
    '{"credit": -1}'
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} …"
