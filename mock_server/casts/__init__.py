"""Pure, total functions from one JSON value to another, by the names the contract uses.

A cast knows neither field nor note. What it cannot repair it returns unchanged; it never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

from mock_server.casts import contacts, dates, languages, texts
from mock_server.json_values import Json

Cast: TypeAlias = Callable[[Json], Json]

_CASTS: Final = (
    texts.text,
    texts.trim,
    texts.squeeze,
    texts.lower,
    texts.alphanumeric,
    texts.boolean,
    texts.blank_to_null,
    languages.language_tag,
    languages.language_region,
    contacts.split,
    contacts.listed,
    contacts.contact,
    contacts.phone_punctuation,
    contacts.phone_double_zero,
    contacts.phone_plus,
    dates.unix_seconds,
    dates.date_midnight,
    dates.date_separator,
    dates.date_seconds,
    dates.offset_colon,
    dates.paris_time,
)


def table(region: str) -> Mapping[str, Cast]:
    """Every cast by its name.

    Args:
        region: where national numbers belong (ISO 3166, two letters).
    """
    national = partial(contacts.phone_national, region=region)
    return MappingProxyType(
        {cast.__name__: cast for cast in _CASTS} | {contacts.phone_national.__name__: national}
    )
