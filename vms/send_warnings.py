"""What is worth knowing before a campaign is sent, though nothing of it is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

import phonenumbers

from voice_client import Prepared, VoiceCampaignOptions
from voice_client.problems import counted

_MOST_NUMBERS: Final = 3
_LONGEST_CODE: Final = 3
_DEAR: Final = {
    phonenumbers.PhoneNumberType.PREMIUM_RATE,
    phonenumbers.PhoneNumberType.SHARED_COST,
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
}
# Inmarsat, satellite systems and international networks (ITU-T E.164, list of assigned codes).
_OF_NO_COUNTRY: Final = ("+870", "+881", "+882", "+883")


def lines(prepared: Prepared, options: VoiceCampaignOptions) -> Iterator[str]:
    """What to tell before the price: who is called against expectation, and who costs more."""
    if "auto_delete_optout_contacts" not in options:
        yield "Contacts who opted out are called; --auto-delete-optout-contacts leaves them out"
    elif options["auto_delete_optout_contacts"]:
        # openapi/voice-campaign.yaml, x-campaign.checks.simulated.
        yield (
            "A dry run does not look at who opted out: fewer may be called, for less, and a "
            "frame with nobody else is refused"
        )
    if dear := list(filter(is_dear, _numbers(prepared))):
        more = len(dear) - _MOST_NUMBERS
        rest = f" and {more:,} more" if more > 0 else ""
        yield (
            f"Warning: {counted(len(dear), 'premium, shared-cost, personal or satellite number')}, "
            f"which may cost more to call: {', '.join(dear[:_MOST_NUMBERS])}{rest}"
        )


def is_dear(number: str) -> bool:
    """Whether a normalised number belongs to those for which a caller pays extra.

    >>> [is_dear(number) for number in ("+33899123456", "+33825123456", "+33612345678")]
    [True, True, False]
    """
    if number.startswith(_OF_NO_COUNTRY):
        return True
    # A full parse takes 40 microseconds, and few numbers need it.
    codes = (number[1 : 1 + length] for length in range(1, _LONGEST_CODE + 1))
    if not any(_dear(code).fullmatch(number, 1 + len(code)) for code in codes):
        return False
    return phonenumbers.number_type(phonenumbers.parse(number)) in _DEAR


@lru_cache(maxsize=1024)
def _dear(code: str) -> re.Pattern[str]:
    """What such numbers of a country code look like, behind it; nothing, if there is none."""
    patterns = (
        kind.national_number_pattern
        for plan in _plans(int(code))
        for kind in (plan.premium_rate, plan.shared_cost, plan.personal_number)
        if kind is not None and kind.national_number_pattern
    )
    return re.compile("|".join(patterns) or r"(?!)")


def _plans(code: int) -> Iterable[phonenumbers.PhoneMetadata]:
    of_no_country = phonenumbers.PhoneMetadata.metadata_for_nongeo_region(code)
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    plans = (*map(phonenumbers.PhoneMetadata.metadata_for_region, regions), of_no_country)
    return (plan for plan in plans if plan is not None)


def _numbers(prepared: Prepared) -> Iterator[str]:
    for frame in prepared.frames():
        yield from (contact["phone_number"] for contact in json.loads(frame.contacts))
