"""The zero that is dialled at home before a number, and from abroad is not."""

from __future__ import annotations

import re
from typing import Final

# Calling codes whose national numbers may begin with 0: those in the metadata of libphonenumber
# 9.0 (PhoneMetadata.xml, generalDesc) whose pattern allows it, such as Italy's +39 06.
_KEEP_IT: Final = (
    "39|47|62|66|81|82|91|225|226|227|229|241|242|247|250|267|268|359|378|501|507|598|676|679|687"
    "|800|853|881|888|974|992"
)
# ITU-T E.164, list of assigned codes: 1 and 7 alone, these of two digits, and all others of three.
_OF_TWO: Final = "2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
_OF_THREE: Final = "(?:2[1-689]|3[578]|42|5[09]|6[7-9]|8[0578]|9[679])[0-9]"

PATTERN: Final = rf"\+(?!(?:{_KEEP_IT})0)(?:[17]|{_OF_TWO}|{_OF_THREE})0"
"""The beginning of a number with a trunk zero: +33 0… is +33 …, but +39 0… is itself."""
begins_with_it: Final = re.compile(PATTERN).match
"""A match if a number, as the contract has it, begins so, else None."""
REMEDY: Final = "leave out the 0 after the country code: it is not dialled from abroad"
