"""What makes two JSON values, or two keywords of a schema, the same."""

from __future__ import annotations

from typing import Any, Final

# What does not decide which values are valid.
ANNOTATIONS: Final = frozenset(
    {
        "$anchor",
        "$comment",
        "$defs",
        "$id",
        "$ref",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "default",
        "definitions",
        "deprecated",
        "description",
        "discriminator",
        "example",
        "examples",
        "externalDocs",
        "readOnly",
        "title",
        "writeOnly",
        "xml",
    }
)
_LITERAL: Final = frozenset({"const", "default"})
_NAMING: Final = frozenset({"dependentSchemas", "patternProperties", "properties"})
_UNORDERED: Final = frozenset({"allOf", "anyOf", "enum", "oneOf", "required", "type"})


def canonical(value: Any) -> Any:  # noqa: ANN401  (a JSON value)
    """A value that equals another where JSON has them the same: 1 is 1.0, and not true.

    >>> canonical(1) == canonical(1.0), canonical(1) == canonical(True)
    (True, False)
    """
    if isinstance(value, bool) or value is None:
        return (type(value).__name__, value)
    if isinstance(value, int | float):
        return ("number", float(value))
    if isinstance(value, str):
        return ("string", value)
    if isinstance(value, list):
        return ("array", tuple(canonical(item) for item in value))
    return ("object", frozenset((name, canonical(item)) for name, item in value.items()))


def meaning(value: Any, keyword: str) -> Any:  # noqa: ANN401  (a JSON value)
    """A keyword's value as what makes it the same: neither order nor words count in schemas."""
    if keyword in _LITERAL:
        return canonical(value)
    if isinstance(value, list):
        items = [meaning(one, "") for one in value]
        return "array", frozenset(items) if keyword in _UNORDERED else tuple(items)
    if not isinstance(value, dict):
        return canonical(value)
    if keyword == "dependentRequired":
        return "object", frozenset((name, meaning(one, "required")) for name, one in value.items())
    return "object", frozenset(
        # What stands in these is named by people, and no keyword.
        (name, meaning(one, "" if keyword in _NAMING else name))
        for name, one in value.items()
        if keyword in _NAMING or name not in ANNOTATIONS - {"$ref"}
    )
