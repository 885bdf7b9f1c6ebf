"""The contract file, read with no help from the twin, whose reading is checked and not trusted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator, FormatChecker

FILE: Final = Path(__file__).parents[1] / "openapi" / "voice-campaign.yaml"
DOCUMENT: Final[dict[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))


def _resolved(schema: Any) -> Any:
    """The schema without references and ``x-`` keys; its patterns end where the value ends."""
    if isinstance(schema, list):
        return [_resolved(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = DOCUMENT
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return _resolved(target)
    # In Python's re a $ also stands before a last line break, so "abc\n" would pass for "abc".
    return {
        name: re.sub(r"\$$", r"\\Z", part) if name == "pattern" else _resolved(part)
        for name, part in schema.items()
        if not name.startswith("x-")
    }


BODY: Final[dict[str, Any]] = _resolved(DOCUMENT["components"]["schemas"]["VoiceCampaign"])
FIELDS: Final[dict[str, Any]] = BODY["properties"]
CONTACT: Final[dict[str, Any]] = FIELDS["recipients"]["items"]
CONTACT_FIELDS: Final[dict[str, Any]] = CONTACT["properties"]
CASTS: Final = frozenset(DOCUMENT["x-casts"])
((PATH, _ITEM),) = DOCUMENT["paths"].items()
((METHOD, OPERATION),) = ((name.upper(), part) for name, part in _ITEM.items())
CHECKS: Final = frozenset(OPERATION["x-campaign"]["checks"])
ANSWERS: Final[dict[str, dict[str, Any]]] = {
    name: example
    for response in OPERATION["responses"].values()
    for name, example in response["content"]["application/json"]["examples"].items()
}
"""Each example of an answer: ``value`` is its body, ``x-status`` its exact status."""
REQUESTS: Final[dict[str, dict[str, Any]]] = OPERATION["requestBody"]["content"][
    "application/json"
]["examples"]

NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""When every request is judged; the clock of `wire.Wire` begins there."""

_checker = FormatChecker(formats=())
_DATE_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))",
    re.ASCII | re.IGNORECASE,
)


def is_date_time(value: object) -> bool:
    """Whether a text is a date and time of RFC 3339, leap seconds included."""
    if not isinstance(value, str):
        return True
    parts = _DATE_TIME.fullmatch(value)
    if parts is None:
        return False
    year, month, day, hour, minute, second = map(int, parts.groups()[:6])
    offset = 60 * int(parts[8] or 0) + int(parts[9] or 0)
    if int(parts[8] or 0) > 23 or int(parts[9] or 0) > 59:
        return False
    if second == 60:
        in_utc = 60 * hour + minute + (offset if parts[7] == "-" else -offset)
        return in_utc % 1440 == 1439 and is_date_time(value[:17] + "59" + value[19:])
    try:
        # RFC 3339 has a year 0, datetime has not; leap years repeat every 400 years.
        datetime(2000 + year % 400, month, day, hour, minute, second)
    except ValueError:
        return False
    return True


_checker.checks("date-time")(is_date_time)


def accepts(schema: dict[str, Any], value: object) -> bool:
    """Whether the value is valid under the schema, by a library that the twin does not use."""
    return bool(Draft202012Validator(schema, format_checker=_checker).is_valid(value))


def everything_named(name: str, value: Any = DOCUMENT) -> Iterator[Any]:
    """Whatever stands under ``name``, anywhere in the contract."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key == name:
                yield member
            yield from everything_named(name, member)
    elif isinstance(value, list):
        for item in value:
            yield from everything_named(name, item)
