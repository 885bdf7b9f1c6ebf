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

# Of the country codes none begins another (ITU-T E.164, list of assigned codes): all have three
# digits but these.
_CODE: Final = "1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3}"
# Only behind these codes a number may begin with a zero (libphonenumber 9). Behind any other one it
# is dialled within the country alone, as is a second one.
_OWN_ZERO: Final = (
    "39|47|225|226|227|229|241|242|247|250|267|268|378|501|507|676|679|687|800|853|881|888|974|992"
)
# In Hungary, the prefix is 06. Nearly every number is known by its first digits to have none.
_TRUNK: Final = rf"(?=\+[0-9]{{1,3}}0)(\+(?!{_OWN_ZERO})(?>{_CODE}))(?:(?<=\+36)06|0+)"
_trunk_prefix: Final = re.compile(_TRUNK).match

# The French plan numbers the departments overseas, too: ten digits with a 0 before them call
# +33, +262, +590, +594, +596 and +508 alike (ARCEP decision 2018-0881).
_DIALLED_AS_IN_FRANCE: Final = ("FR", "BL", "GF", "GP", "MF", "MQ", "PM", "RE", "YT")
_FRENCH_DIGITS: Final = 9
"""Without the 0."""
_FRENCH: Final = "33|262|508|59[046]"
# What the nine digits begin with behind each code. 06 39 98 is for films, on the mainland.
_OVERSEAS: Final = {
    "262": "26[239]|268[89]|639(?!98)|69[23]|7092|7093[5-7]",
    "508": "708",
    "590": "590|5987|69[01]|7090",
    "594": "594|5988|694|7093[0-3]",
    "596": "596|5989|69[67]|7091",
}
# From abroad these have six digits, without it; libphonenumber has nine for the mainland, too.
_SAINT_PIERRE: Final = "508"
_foreign = "|".join(rf"(?!{code})(?:{_FRENCH})0*(?:{those})" for code, those in _OVERSEAS.items())
_ELSEWHERE: Final = (
    # First what most numbers do not have.
    rf"(?=\+(?:{_FRENCH})0*(?:26|5[09]|6[39]|70))"
    rf"\+(?=(?:{_FRENCH})0*([0-9]{{{_FRENCH_DIGITS}}})(?![0-9]))"
    rf"(?:{_foreign}|(?:{_FRENCH})0*{_SAINT_PIERRE})"
)
_elsewhere: Final = re.compile(_ELSEWHERE).match

# No country code begins with 0 (ITU-T E.164, list of assigned codes): whoever writes +06 has put a
# plus sign before a national number. And whoever writes +330 calls nobody, or the same as +33.
_PATTERN: Final = rf"(?!\+0|{_TRUNK}|{_ELSEWHERE})(?:{meta.PHONE_NUMBER})"

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
    national = digits.removeprefix("0")
    if region in _DIALLED_AS_IN_FRANCE and len(national) == _FRENCH_DIGITS:
        result = _as_in_france(digits, national, region)
    else:
        result = _international(digits, region)
    if result is None or not is_normalised(result):
        raise NumberError(number, _WANTED, f"the numbering plan of {region} has no such number")
    if (
        result != f"+{digits}"
        and _has_code(digits, region)
        and _international(f"+{digits}", region)
    ):
        remedy = f"it may be {result} or +{digits}; write the one that is meant"
        raise NumberError(number, _WANTED, remedy)
    return result


def _as_in_france(digits: str, national: str, region: str) -> str | None:
    """The number of whichever part of France is called so; None if that is not known."""
    if national.startswith(_SAINT_PIERRE):
        return _international(national.removeprefix(_SAINT_PIERRE), "PM")
    _, *overseas = _DIALLED_AS_IN_FRANCE
    # libphonenumber takes many of their numbers for those of the mainland, too. What begins with 8
    # is free or dear, and dialled alike in all of them.
    if region != "FR" and (own := _international(digits, region)):
        return own
    if not national.startswith("8"):
        found = {_international(digits, other) for other in overseas} - {None}
        if found:
            return found.pop() if len(found) == 1 else None
    return _international(digits, "FR")


def _has_code(digits: str, region: str) -> bool:
    """Whether they begin with the country code of the region."""
    import phonenumbers  # noqa: PLC0415  (optional, and slow to import)

    return digits.startswith(str(phonenumbers.country_code_for_region(region)))


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
    if found := _elsewhere(digits):
        # The six digits of Saint-Pierre stand behind their code already.
        codes = (code for code, those in _OVERSEAS.items() if re.match(those, found[1]))
        return f"write it as it is dialled from abroad: +{next(codes, '')}{found[1]}"
    if prefix := _trunk_prefix(digits):
        return f"write it as it is dialled from abroad: {prefix[1]}{digits[prefix.end() :]}"
    return f"it has {len(digits) - 1} digits, where {_LENGTHS[0]} to {_LENGTHS[-1]} are possible"
