"""Phone numbers: their form is repaired, and nothing is guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from voice_api import meta
from voice_client.errors import InvalidRequest
from voice_client.problems import FaultError

# The country codes, by their first digit, of the plans whose national prefix is 0 while none of
# their numbers begins with a single 0 (ITU-T list of dialling procedures; libphonenumber 9 has the
# same). Not Italy's, which keeps its zero, nor Rwanda's, where 06 begins numbers.
_PREFIX_IS_ZERO: Final = {
    2: "0 7 11 12 13 18 31 32 33 34 43 49 51 52 54 55 56 60 61 62 63 64 65 91",
    3: "1 2 3 53 55 58 59 70 73 74 77 80 81 82 83 85 86 87 89",
    4: "0 1 3 4 6 9 21 23",
    5: "1 3 4 5 7 8 08 90 91 93 94 95 96 98",
    6: "0 1 2 3 4 6 86",
    8: "1 2 4 6 50 55 56 80 86",
    9: "0 1 2 3 4 5 8 61 62 63 64 66 67 70 71 72 76 77 94 95 96",
}
_codes = "|".join(
    f"{first}(?:{'|'.join(others.split())})" for first, others in _PREFIX_IS_ZERO.items()
)
# In Hungary, the prefix is 06. Nearly every number is known by its first digits to have none.
_TRUNK: Final = rf"(?=\+[0-9]{{2,3}}0)\+(?:(?:{_codes})0(?=[1-9])|3606)"
_trunk_prefix: Final = re.compile(_TRUNK).match

# No country code begins with 0 (ITU-T E.164, list of assigned codes): whoever writes +06 has put a
# plus sign before a national number. And whoever writes +330 calls nobody, or the same as +33.
_PATTERN: Final = rf"(?!\+0|{_TRUNK})(?:{meta.PHONE_NUMBER})"

is_normalised: Final = re.compile(_PATTERN).fullmatch
"""A match if a text already is what `normalised` returns, else None."""
_lines_are_normalised: Final = re.compile(rf"(?:{_PATTERN}\n)+", re.MULTILINE).fullmatch

_WANTED: Final = "a plus sign, country code and number"
_LENGTHS: Final = [count for count in range(1, 33) if is_normalised("+" + "1" * count)]
_SPREADSHEET: Final = "a spreadsheet wrote it as a number: format the column as text"

# What else is written where ASCII has a character of its own, and what spreadsheets and address
# books copy along: soft hyphen, joiners, zero width characters, direction marks, byte order mark.
# Not U+202E, which shows the digits behind it in reverse.
_AS_ASCII: Final = {
    **dict.fromkeys((0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF)),
    **dict.fromkeys((*range(0x200B, 0x2010), *range(0x202A, 0x202E))),
    **dict.fromkeys((*range(0x2060, 0x2065), *range(0x2066, 0x206A))),
    **dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "),
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63), "-"),
    # The wide characters of East Asian text.
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
}
# The rest of ASCII is in it, because str.translate is slow with what it does not find.
_SEPARATORS: Final = {code: code for code in range(128)} | dict.fromkeys(map(ord, "./()-"))
# 3.36E+10, and 33612345678.0 or .00: digits that are no longer, or never were, those of a number.
_AS_A_NUMBER: Final = re.compile(
    r"[+-]?[0-9]+(?:[.,][0-9]+)?[eE][+-]?[0-9]+|\+?[0-9]{7,}[.,](?:[0-9]{1,2}|0+)"
)


# The French plan numbers the departments overseas, too: ten digits with a 0 before them call
# +33, +262, +590, +594, +596 and +508 alike (ARCEP decision 2018-0881).
_DIALLED_AS_IN_FRANCE: Final = ("FR", "BL", "GF", "GP", "MF", "MQ", "PM", "RE", "YT")
_FRENCH_DIGITS: Final = 9
"""Without the 0."""
# From abroad its numbers have six digits; libphonenumber takes the nine for a mainland number.
_SAINT_PIERRE: Final = "508"


class NumberError(FaultError):
    """A text that is no phone number, with what to do about it."""


def normalised(number: str, region: str | None = None) -> str:
    r"""The number as the contract has it: a plus sign and 7 to 16 digits.

    What does not count is left out: surrounding white space, invisible characters, ``tel:`` before
    it, and separators. A leading 00 becomes a plus sign, digits of other scripts become ASCII ones.

    >>> normalised(" tel:+33 (6) 12.34-56/78\u200e"), normalised("0033612345678")
    ('+33612345678', '+33612345678')

    Args:
        number: as somebody wrote it.
        region: the country where numbers without a country code are dialled, as two letters of
            ISO 3166; without it such numbers are refused. Needs the library ``phonenumberslite``.

    Raises:
        NumberError: it is no number, or it would have to be guessed which one.
        InvalidRequest: there is no such region, or the library is not installed.
    """
    if is_normalised(number):
        return number
    text = _in_ascii(number).strip()
    if text[:4].lower() == "tel:":
        text = text[4:]
    text = text.replace(" ", "")
    if _AS_A_NUMBER.fullmatch(text) or text.endswith((".0", ",0")):
        raise NumberError(number, _WANTED, _SPREADSHEET)
    if "(0)" in text:
        # In most countries that zero is not dialled from abroad, in Italy it is.
        raise NumberError(number, _WANTED, "write it as it is dialled from abroad, without (0)")
    digits = text.translate(_SEPARATORS)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if is_normalised(digits):
        return digits
    if region is not None and digits.isdecimal():
        return _national(number, digits, known_region(region))
    raise NumberError(number, _WANTED, _remedy(digits))


def are_normalised(numbers: Collection[str]) -> bool:
    r"""Whether there are some, and each already is what `normalised` returns.

    >>> are_normalised(["+33612345678", "+442079460018"]), are_normalised(["+33612345678\n"])
    (True, False)
    """
    lines = "\n".join(numbers) + "\n"
    return lines.count("\n") == len(numbers) and _lines_are_normalised(lines) is not None


@lru_cache(maxsize=1)
def known_region(region: str) -> str:
    """The region in capital letters.

    Raises:
        InvalidRequest: it has no numbering plan, or the library with the plans is not installed.
    """
    try:
        import phonenumbers  # noqa: PLC0415  (optional, and slow to import)
    except ImportError:
        raise InvalidRequest(
            "a region needs a library with the numbering plans: pip install phonenumberslite"
        ) from None
    if region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidRequest(
            f"region {region!r} has no numbering plan; wanted two letters, such as FR or GB"
        )
    return region.upper()


def _in_ascii(number: str) -> str:
    """The number without invisible characters; what is still not ASCII does not belong in it."""
    if number.isascii():
        return number
    visible = number.translate(_AS_ASCII)
    return "".join(str(unicodedata.decimal(character, character)) for character in visible)


def _national(number: str, digits: str, region: str) -> str:
    result = _international(digits, region)
    national = digits.removeprefix("0")
    if region in _DIALLED_AS_IN_FRANCE and len(national) == _FRENCH_DIGITS:
        if national.startswith(_SAINT_PIERRE):
            result = _international(national.removeprefix(_SAINT_PIERRE), "PM")
        elif result is None:
            others = {_international(digits, other) for other in _DIALLED_AS_IN_FRANCE} - {None}
            result = others.pop() if len(others) == 1 else None
    if result is None or not is_normalised(result):
        raise NumberError(number, _WANTED, f"the numbering plan of {region} has no such number")
    return result


def _international(digits: str, region: str) -> str | None:
    import phonenumbers  # noqa: PLC0415  (optional, and slow to import)

    try:
        parsed = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _remedy(digits: str) -> str:
    """What to do about a number from which everything that does not count has been removed."""
    rest = digits.removeprefix("+")
    if not rest:
        return "there is none"
    if any(map(str.isalpha, rest)):
        return "write it without letters; an extension cannot be dialled"
    if not rest.isdecimal():
        odd = next(character for character in rest if not character.isdecimal())
        return f"write one number, without {odd!r}"
    if rest == digits:
        return "begin with + and the country code, or say in which region it is dialled"
    return _remedy_abroad(digits)


def _remedy_abroad(digits: str) -> str:
    """What to do about digits behind a plus sign."""
    if digits.startswith("+0"):
        return "no country code begins with 0"
    if prefix := _trunk_prefix(digits):
        code, _, _ = prefix[0].rpartition("0")
        return f"write it as it is dialled from abroad: {code}{digits[prefix.end() :]}"
    return f"it has {len(digits) - 1} digits, where {_LENGTHS[0]} to {_LENGTHS[-1]} are possible"
