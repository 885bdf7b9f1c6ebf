"""Numbers that a call costs more than usual, by the numbering plans of libphonenumber."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache

from voice_client import Prepared
from voice_client.problems import counted

_LONGEST_CODE = 3


def warnings(prepared: Prepared) -> Iterator[str]:
    """A line if there are such numbers among the recipients: how many, and the first."""
    found, first = 0, ""
    for frame in prepared.frames():
        for contact in json.loads(frame.contacts):
            if is_premium(contact["phone_number"]):
                found, first = found + 1, first or contact["phone_number"]
    if found:
        yield (
            f"Warning: {counted(found, 'premium-rate number')}, first {first}; "
            "a call there may cost more, and seldom reaches a person"
        )


def is_premium(number: str) -> bool:
    """Whether a number, as the contract has it, is a premium-rate one.

    >>> is_premium("+33899123456"), is_premium("+33612345678")
    (True, False)
    """
    for length in range(1, _LONGEST_CODE + 1):
        if pattern := _pattern(number[1 : 1 + length]):
            return pattern.fullmatch(number, 1 + length) is not None
    return False


@cache
def _pattern(code: str) -> re.Pattern[str] | None:
    """The premium-rate numbers behind a calling code; None if there is no such code."""
    import phonenumbers  # noqa: PLC0415  (slow to import)

    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ())
    metadata = phonenumbers.PhoneMetadata
    patterns = list[str]()
    for region in regions:
        if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
            plan = metadata.metadata_for_nongeo_region(int(code))
        else:
            plan = metadata.metadata_for_region(region)
        premium = plan.premium_rate if plan else None
        if premium is not None and premium.national_number_pattern:
            patterns.append(premium.national_number_pattern)
    # A code without such numbers has a pattern that nothing matches.
    return re.compile("|".join(patterns) or r"(?!)") if regions else None
