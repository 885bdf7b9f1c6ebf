"""Casts of texts and booleans."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mock_server.json_values import Json


def text(value: Json) -> Json:
    """A number or a boolean, as text.

    >>> text(12345), text(0.5), text(True), text(33612345678.0)
    ('12345', '0.5', 'true', '33612345678')
    >>> text("as it is"), text(None), text(["a list"])
    ('as it is', None, ['a list'])
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        # Python writes no integer of over 4,300 digits; decoding lets none through.
        return str(value) if abs(value) < _LONGEST_INTEGER else value
    if isinstance(value, float):
        return (
            str(int(value)) if value.is_integer() and abs(value) < _EXACT_INTEGERS else repr(value)
        )
    return value


_LONGEST_INTEGER: Final = 10**4000
# Up to here every integer has its own double (IEEE 754: 53 bits of significand).
_EXACT_INTEGERS: Final = 2**53


def trim(value: Json) -> Json:
    r"""A text without white space and invisible characters at its ends.

    >>> trim("  fr-FR\n"), trim("\u200bfr-FR\ufeff"), trim(5)
    ('fr-FR', 'fr-FR', 5)
    """
    if not isinstance(value, str):
        return value
    start, end = 0, len(value)
    while start < end and _is_blank(value[start]):
        start += 1
    while end > start and _is_blank(value[end - 1]):
        end -= 1
    return value[start:end]


def _is_blank(character: str) -> bool:
    # Most are letters, which are known at once.
    if character.isalnum():
        return False
    # Cc are control characters, Cf the invisible ones (zero width space, byte order mark).
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf"}


def squeeze(value: Json) -> Json:
    r"""A text whose runs of white space are one blank each.

    >>> squeeze("one\n\n  two\u00a0three"), squeeze(None)
    ('one two three', None)
    """
    return re.sub(r"\s+", " ", value) if isinstance(value, str) else value


def lower(value: Json) -> Json:
    """A text in small letters.

    >>> lower("FEMALE"), lower(True)
    ('female', True)
    """
    return value.lower() if isinstance(value, str) else value


def alphanumeric(value: Json) -> Json:
    """A text of which only a-z, A-Z and 0-9 are left.

    >>> alphanumeric("Nanterre-dom"), alphanumeric("Café 24"), alphanumeric(7)
    ('Nanterredom', 'Caf24', 7)
    """
    return re.sub(r"[^a-zA-Z0-9]+", "", value) if isinstance(value, str) else value


def blank_to_null(value: Json) -> Json:
    r"""Null for a text of nothing but white space.

    >>> blank_to_null("") is None, blank_to_null(" \t") is None, blank_to_null("a")
    (True, True, 'a')
    """
    return None if isinstance(value, str) and not value.strip() else value


# The spellings of click's BoolParamType; which of them the API knows is unknown (grade: assumed).
_WORDS: Final[Mapping[str, bool]] = MappingProxyType(
    dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True)
    | dict.fromkeys(("false", "f", "no", "n", "off", "0"), False)
)


def boolean(value: Json) -> Json:
    """True or false for the common words and numbers, in any case and between blanks.

    >>> [boolean(v) for v in ("true", " YES ", "on", "1", 1, 1.0)]
    [True, True, True, True, True, True]
    >>> [boolean(v) for v in ("false", "No", "off", "0", 0, 0.0)]
    [False, False, False, False, False, False]
    >>> boolean("simu"), boolean(2), boolean([True])
    ('simu', 2, [True])
    """
    if isinstance(value, str):
        return _WORDS.get(trim(value).lower(), value)
    if isinstance(value, int | float) and value in {0, 1}:
        return bool(value)
    return value
