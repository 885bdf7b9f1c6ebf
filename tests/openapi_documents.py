"""Small OpenAPI documents, and how a change of one is rated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from vms.contracts.diff.comparison import comparison
from vms.contracts.diff.findings import Finding, Severity
from vms.contracts.loaded import Document

_WORST_FIRST: Final = list(Severity)
THING: Final = {"type": "object", "properties": {"name": {"type": "string"}}}
BASE: Final[Mapping[str, Any]] = {
    "openapi": "3.1.0",
    "info": {"title": "Things", "version": "1.0.0"},
    "servers": [{"url": "https://api.test/v1"}],
    "security": [{"key": []}],
    "paths": {
        "/things/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
            ],
            "put": {
                "operationId": "putThing",
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
                "requestBody": {"content": {"application/json": {"schema": THING}}},
                "responses": {
                    "200": {
                        "description": "It.",
                        "headers": {"etag": {"required": True, "schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": THING}},
                    },
                    "404": {"description": "None."},
                },
                "callbacks": {
                    "done": {"{$url}": {"post": {"responses": {"204": {"description": "Good."}}}}}
                },
            },
        }
    },
    "webhooks": {
        "changed": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": THING}}},
                "responses": {"200": {"description": "Taken."}},
            }
        }
    },
    "components": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "x-key"},
            "token": {"type": "http", "scheme": "bearer"},
            "oauth": {"type": "oauth2", "flows": {}},
        }
    },
}
_PUT: Final = ("paths", "/things/{id}", "put")
_JSON: Final = ("content", "application/json", "schema")
PLACES: Final = {
    "request": (*_PUT, "requestBody", *_JSON),
    "answer": (*_PUT, "responses", "200", *_JSON),
    "parameter": (*_PUT, "parameters", 0, "schema"),
    "webhook": ("webhooks", "changed", "post", "requestBody", *_JSON),
}
"""Where a schema stands in `BASE`, by who sends or reads it."""


class Gone:
    """In the place of a value: it is taken away."""


def edited(edits: Mapping[tuple[str | int, ...], Any]) -> dict[str, Any]:
    """`BASE` with other values; what is not there yet is made."""
    document = deepcopy(dict(BASE))
    for pointer, value in edits.items():
        holder: Any = document
        for part in pointer[:-1]:
            holder = holder[part] if isinstance(part, int) else holder.setdefault(part, {})
        if value is Gone:
            del holder[pointer[-1]]
        else:
            holder[pointer[-1]] = value
    return document


def document(value: object, name: str = "new.json") -> Document:
    """A document of this value."""
    return Document.of(Path(name), json.dumps(value, indent=1))


def findings(old: object, new: object) -> tuple[Finding, ...]:
    """What changed between two values."""
    return comparison(document(old, "old.json"), document(new)).findings


def rated(found: Iterable[Finding]) -> str:
    """The worst severity, and every rule with it: ``breaking type-changed``; empty for nothing."""
    found = list(found)
    worst = min((_WORST_FIRST.index(one.severity) for one in found), default=None)
    rules = {one.rule for one in found if _WORST_FIRST.index(one.severity) == worst}
    return "" if worst is None else " ".join([_WORST_FIRST[worst], *sorted(rules)])
