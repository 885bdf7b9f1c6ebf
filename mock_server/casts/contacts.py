"""Casts of lists, contacts and phone numbers."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from mock_server.casts import phone_numbers
from mock_server.json_values import Json


def split(value: Json) -> Json:
    r"""A text with commas, semicolons or line breaks, as the list of its parts.

    >>> split("+33612345678, +33698765432;\n+33611111111")
    ['+33612345678', '+33698765432', '+33611111111']
    >>> split("+33612345678"), split(",;"), split([1])
    ('+33612345678', ',;', [1])
    """
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in re.split(r"[,;\r\n]", value)]
    return [part for part in parts if part] if len(parts) > 1 and any(parts) else value


def listed(value: Json) -> Json:
    """A list: of a single item, or of the members of an object numbered like a list.

    >>> listed({"phone_number": "+33612345678"}), listed("+33612345678"), listed(33612345678)
    ([{'phone_number': '+33612345678'}], ['+33612345678'], [33612345678])

    A list with holes is sent as an object by PHP's json_encode:

    >>> listed({"0": "a", "2": "b"}), listed(["a"]), listed(None), listed(True), listed("")
    (['a', 'b'], ['a'], None, True, '')
    """
    if isinstance(value, list) or value is None or isinstance(value, bool) or value in ("", {}):
        return value
    if isinstance(value, dict) and all(name.isascii() and name.isdigit() for name in value):
        return list(value.values())
    return [value]


def contact(value: Json) -> Json:
    """A contact that has the bare number.

    >>> contact("+33612345678"), contact(33612345678)
    ({'phone_number': '+33612345678'}, {'phone_number': 33612345678})
    >>> contact({"phone_number": "+33612345678"}), contact(None), contact(True)
    ({'phone_number': '+33612345678'}, None, True)
    """
    if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        return {"phone_number": value}
    return value


_PUNCTUATION: Final = re.compile(
    r"[\s./()\[\]\u00ad\u00b7\u2022]|[\u2010-\u2015\u2212-]|[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_DOUBLE_ZERO: Final = re.compile("00[1-9][0-9]*")
_TRUNK_ZERO: Final = re.compile(r"^(\s*(?:\+|00)[\d\s.-]+)\(0\)")


def phone_punctuation(value: Json) -> Json:
    r"""A phone number without its prefix, punctuation, blanks and invisible characters.

    >>> phone_punctuation("tel:+33 6.12-34(56)78"), phone_punctuation("\u202a+3361\u202c")
    ('+33612345678', '+3361')

    The zero in parentheses is dialled inside the country only; wide digits are digits:

    >>> phone_punctuation("+33 (0)6 12 34 56 78"), phone_punctuation("\uff0b\uff13\uff13")
    ('+33612345678', '+33')
    >>> phone_punctuation("call me"), phone_punctuation(5)
    ('call me', 5)
    """
    if not isinstance(value, str):
        return value
    plain = unicodedata.normalize("NFKC", value).strip()
    if plain[:4].lower() == "tel:":
        plain = plain[4:]
    if "(0)" in plain:
        plain = _TRUNK_ZERO.sub(r"\1", plain)
    number = _PUNCTUATION.sub("", plain)
    return number if _DIGITS.fullmatch(number) else value


_DIGITS: Final = re.compile(r"\+?[0-9]+")


def phone_double_zero(value: Json) -> Json:
    """A phone number with a plus sign for its leading 00.

    >>> phone_double_zero("0033612345678"), phone_double_zero("0612345678"), phone_double_zero(None)
    ('+33612345678', '0612345678', None)
    """
    return f"+{value[2:]}" if isinstance(value, str) and _DOUBLE_ZERO.fullmatch(value) else value


def phone_national(value: Json, region: str) -> Json:
    """A national number of the region with its country code, if the region's numbering plan has it.

    >>> phone_national("0612345678", "FR"), phone_national("2015550123", "US")
    ('+33612345678', '+12015550123')
    >>> [phone_national(value, "FR") for value in ("0012", "+33612345678", None)]
    ['0012', '+33612345678', None]
    """
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return phone_numbers.international(value, region) or value
    return value


def phone_plus(value: Json) -> Json:
    """A plus sign before digits that are a valid number once it stands there.

    >>> [phone_plus(value) for value in ("33612345678", "12015550123", "612345678", [])]
    ['+33612345678', '+12015550123', '612345678', []]
    """
    if (
        isinstance(value, str)
        and value.isascii()
        and value.isdigit()
        and phone_numbers.is_valid(f"+{value}")
    ):
        return f"+{value}"
    return value
