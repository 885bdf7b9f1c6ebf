"""Casts of language tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mock_server.json_values import Json

_TAG: Final = re.compile(r"([A-Za-z]{2,3})[-_ ]([A-Za-z]{2}|[0-9]{3})(?:[.@].*)?", re.DOTALL)


def language_tag(value: Json) -> Json:
    """A language tag in the common form: small language, hyphen, capital region.

    >>> [language_tag(tag) for tag in ("fr_FR", "FR-fr", "fr-fr", "fr_FR.UTF-8")]
    ['fr-FR', 'fr-FR', 'fr-FR', 'fr-FR']
    >>> language_tag("FR"), language_tag("klingon"), language_tag(33)
    ('fr', 'klingon', 33)
    """
    if not isinstance(value, str):
        return value
    if value.isascii() and value.isalpha() and len(value) in {2, 3}:
        return value.lower()
    if tag := _TAG.fullmatch(value):
        return f"{tag[1].lower()}-{tag[2].upper()}"
    return value


# The likely region of a language (Unicode CLDR, likelySubtags), for every language the vendor has
# ever listed.
_LIKELY_REGION: Final[Mapping[str, str]] = MappingProxyType(
    dict(
        pair.split("-")
        for pair in [
            "ar-EG",
            "ca-ES",
            "cs-CZ",
            "da-DK",
            "de-DE",
            "el-GR",
            "en-US",
            "es-ES",
            "fi-FI",
            "fil-PH",
            "fr-FR",
            "he-IL",
            "hi-IN",
            "hu-HU",
            "id-ID",
            "is-IS",
            "it-IT",
            "ja-JP",
            "ko-KR",
            "ms-MY",
            "nb-NO",
            "nl-NL",
            "no-NO",
            "pl-PL",
            "pt-BR",
            "ro-RO",
            "ru-RU",
            "sk-SK",
            "sv-SE",
            "th-TH",
            "tr-TR",
            "uk-UA",
            "vi-VN",
            "zh-CN",
        ]
    )
)
# UN M.49 numbers a region: 419 is Latin America, which the vendor's page writes LA.
_NUMBERED_REGION: Final[Mapping[str, str]] = MappingProxyType({"es-419": "es-LA"})


def language_region(value: Json) -> Json:
    """A bare language with the region of most speakers, a numbered region by its letters.

    >>> language_region("fr"), language_region("el"), language_region("es-419")
    ('fr-FR', 'el-GR', 'es-LA')
    >>> language_region("fr-CA"), language_region("xx"), language_region(None)
    ('fr-CA', 'xx', None)
    """
    if not isinstance(value, str):
        return value
    if region := _LIKELY_REGION.get(value):
        return f"{value}-{region}"
    return _NUMBERED_REGION.get(value, value)
