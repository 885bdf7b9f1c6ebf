"""Numbering plans: the library ``phonenumbers``, imported only when a number needs it.

Its full parse costs 30 to 50 microseconds a number, 25 milliseconds for a frame of 500. So the
patterns in its metadata are asked directly where they decide alone; a test compares both ways with
each other.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata

# The kinds of number by which phonenumbers.is_valid_number decides.
_KINDS: Final = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_LONGEST_CODE: Final = 3


class _Plan(NamedTuple):
    """What of a region's metadata decides most numbers without a full parse."""

    code: int
    prefix: str
    national: re.Pattern[str]
    undecided: re.Pattern[str]
    """Digits that may begin with a country code or with the way out of the country."""
    alone: bool
    """Whether no other region shares the country code."""


def is_region(region: str) -> bool:
    """Whether there is a numbering plan for these two letters.

    >>> is_region("FR"), is_region("XX")
    (True, False)
    """
    import phonenumbers

    return region in phonenumbers.SUPPORTED_REGIONS


def international(digits: str, region: str) -> str | None:
    """The E.164 form of a national number of ``region``, or None if its plan has no such number.

    >>> [international(digits, "FR") for digits in ("0612345678", "612345678", "0012")]
    ['+33612345678', '+33612345678', None]
    >>> international("2015550123", "US"), international("01133612345678", "US")
    ('+12015550123', '+33612345678')

    Digits that already begin with the country's code are not a national number, too few are none,
    and an unknown region has none:

    >>> [international(*pair) for pair in (("33612345678", "FR"), ("5550123", "US"), ("1", "XX"))]
    [None, None, None]
    """
    plan = _plan(region)
    if plan is not None and not plan.undecided.match(digits):
        for number in (digits.removeprefix(plan.prefix), digits):
            if plan.national.fullmatch(number):
                return f"+{plan.code}{number}"
        if plan.alone:
            return None
    parsed = _parsed(digits, region)
    return None if parsed == f"+{digits}" else parsed


def is_valid(number: str) -> bool:
    """Whether a number that begins with a plus sign is one of its country's plan.

    >>> is_valid("+33612345678"), is_valid("+612345678"), is_valid("+999")
    (True, False, False)
    """
    if number.startswith("+0"):
        # No country code begins so, but int() would accept it.
        return False
    for length in range(1, _LONGEST_CODE + 1):
        for leading, national in _plans(number[1 : 1 + length]):
            if leading is None or leading.match(number, 1 + length):
                if national.fullmatch(number, 1 + length):
                    return True
                if leading is not None:
                    break
    return _parsed(number, None) is not None


@lru_cache(maxsize=256)
def _plan(region: str) -> _Plan | None:
    """What the short way needs to know of a region; None where only the full parse will do."""
    import phonenumbers

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.national_prefix_transform_rule is not None:
        return None
    code = phonenumbers.country_code_for_region(region)
    prefix = metadata.national_prefix or ""
    if (metadata.national_prefix_for_parsing or "") != prefix:
        return None
    return _Plan(
        code=code,
        prefix=prefix,
        national=_national(metadata),
        undecided=re.compile(f"{code}|{metadata.international_prefix or '00'}"),
        alone=len(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]) == 1,
    )


@lru_cache(maxsize=2048)
def _plans(code: str) -> tuple[tuple[re.Pattern[str] | None, re.Pattern[str]], ...]:
    """Of each region with this calling code: what its numbers alone begin with, and its plan."""
    import phonenumbers

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())
    found = (phonenumbers.PhoneMetadata.metadata_for_region(region) for region in regions)
    return tuple(
        (
            re.compile(metadata.leading_digits) if metadata.leading_digits else None,
            _national(metadata),
        )
        for metadata in found
        if metadata is not None
    )


def _national(metadata: PhoneMetadata) -> re.Pattern[str]:
    kinds = (getattr(metadata, kind) for kind in _KINDS)
    parts = [
        # A kind has its lengths beside its pattern, and a pattern may allow others.
        f"(?={'|'.join(f'[0-9]{{{length}}}$' for length in kind.possible_length)})"
        f"(?:{kind.national_number_pattern})"
        for kind in kinds
        if kind and kind.national_number_pattern
    ]
    # A number must fit the region's general description, too.
    general = metadata.general_desc.national_number_pattern if metadata.general_desc else ""
    return re.compile(f"(?=(?:{general})$)(?:{'|'.join(parts)})")


def _parsed(number: str, region: str | None) -> str | None:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
