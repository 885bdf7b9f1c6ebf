"""Casts of dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from mock_server.casts.texts import text
from mock_server.json_values import Json

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_BLANK_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})\s+([0-9]{2}:[0-9]{2}.*)", re.DOTALL
)
_MINUTES: Final = re.compile(
    r"([0-9-]{10}T[0-9]{2}:[0-9]{2})(\s*(?:[Zz]|UTC|GMT|[+-].*)?)", re.DOTALL
)
_OFFSET: Final = re.compile(
    r"(.*T[0-9]{2}:[0-9]{2}:[0-9.]+)\s*(?:([+-][0-9]{2}):?([0-9]{2})?|Z|UTC|GMT)", re.DOTALL
)
_NO_OFFSET: Final = re.compile(r"[0-9-]{10}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?")
# Central European Time (official: the PHP SDK's README) is kept in Paris, the vendor's home.
_PARIS: Final = "Europe/Paris"


def unix_seconds(value: Json) -> Json:
    """Seconds since 1970, as a date and time in UTC.

    >>> unix_seconds(1538577759), unix_seconds("1538577759"), unix_seconds(1538577759.0)
    ('2018-10-03T14:42:39Z', '2018-10-03T14:42:39Z', '2018-10-03T14:42:39Z')

    Milliseconds are out of range, and a short number is not such a time:

    >>> unix_seconds(1538577759000), unix_seconds("20181003"), unix_seconds(True)
    (1538577759000, '20181003', True)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    digits = text(value)
    if not re.fullmatch(r"[0-9]{9,11}", digits):
        return value
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(digits))).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


def date_midnight(value: Json) -> Json:
    """A date without a time, at midnight.

    >>> date_midnight("2018-10-03"), date_midnight("2018-10-03T07:42:39Z"), date_midnight(2018)
    ('2018-10-03T00:00:00', '2018-10-03T07:42:39Z', 2018)
    """
    return f"{value}T00:00:00" if isinstance(value, str) and _DATE.fullmatch(value) else value


def date_separator(value: Json) -> Json:
    """A date and time with a T between them.

    >>> [date_separator(value) for value in ("2021-01-01 00:01", "2021-01-01T00:01", "soon")]
    ['2021-01-01T00:01', '2021-01-01T00:01', 'soon']
    """
    if isinstance(value, str) and (parts := _DATE_BLANK_TIME.fullmatch(value)):
        return f"{parts[1]}T{parts[2]}"
    return value


def date_seconds(value: Json) -> Json:
    """A time of hours and minutes with its seconds.

    >>> date_seconds("2021-01-01T10:30"), date_seconds("2021-01-01T10:30+01:00"), date_seconds(None)
    ('2021-01-01T10:30:00', '2021-01-01T10:30:00+01:00', None)
    """
    if isinstance(value, str) and (parts := _MINUTES.fullmatch(value)):
        return f"{parts[1]}:00{parts[2]}"
    return value


def offset_colon(value: Json) -> Json:
    """A time whose offset has no blank before it, and a colon and minutes.

    >>> offset_colon("2021-01-01T00:01:00+0100"), offset_colon("2021-01-01T00:01:00 -07")
    ('2021-01-01T00:01:00+01:00', '2021-01-01T00:01:00-07:00')
    >>> offset_colon("2021-01-01T00:01:00 +01:00"), offset_colon("2021-01-01T00:01:00 UTC")
    ('2021-01-01T00:01:00+01:00', '2021-01-01T00:01:00Z')
    >>> offset_colon("soon"), offset_colon(0)
    ('soon', 0)
    """
    if not (isinstance(value, str) and (parts := _OFFSET.fullmatch(value))):
        return value
    return f"{parts[1]}{parts[2]}:{parts[3] or '00'}" if parts[2] else f"{parts[1]}Z"


def paris_time(value: Json) -> Json:
    """A time without offset, with the one that Paris has on that day.

    >>> paris_time("2021-01-01T00:01:00"), paris_time("2021-07-01T00:01:00.5")
    ('2021-01-01T00:01:00+01:00', '2021-07-01T00:01:00.5+02:00')

    Before 1911 Paris was 9 minutes and 21 seconds ahead, which an offset cannot express:

    >>> paris_time("1900-01-01T00:00:00"), paris_time("2021-02-30T00:00:00")
    ('1900-01-01T00:00:00', '2021-02-30T00:00:00')
    >>> paris_time("2021-01-01T00:00:00Z"), paris_time(None)
    ('2021-01-01T00:00:00Z', None)
    """
    if not (isinstance(value, str) and _NO_OFFSET.fullmatch(value)):
        return value
    try:
        offset = datetime.fromisoformat(value[:19]).replace(tzinfo=ZoneInfo(_PARIS)).strftime("%z")
    except ValueError:
        return value
    return f"{value}{offset[:3]}:{offset[3:]}" if len(offset) == len("+0100") else value
