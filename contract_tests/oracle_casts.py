"""What each cast of the contract does, written from its summary there, with nothing of the twin's.

One mistake must not hide in both, so nothing is shared: no pattern, no table, no helper.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import phonenumbers

import spec

REGION: Final = spec.OPERATION["x-campaign"]["default_region"]["value"]
_DIGITS: Final = frozenset(string.digits)
_PLAIN: Final = frozenset(string.ascii_letters + string.digits)


def text(value: Any) -> Any:
    if value is True or value is False:
        return str(value).lower()
    if isinstance(value, float) and value == int(value) and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, int) and abs(value) >= 10**4000:
        return value
    return str(value) if isinstance(value, int | float) else value


def trim(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    shown = [not (c.isspace() or unicodedata.category(c) in ("Cc", "Cf")) for c in value]
    if True not in shown:
        return ""
    return value[shown.index(True) : len(shown) - shown[::-1].index(True)]


def squeeze(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    squeezed = ""
    for character in value:
        if not character.isspace():
            squeezed += character
        elif not squeezed.endswith(" "):
            squeezed += " "
    return squeezed


def lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def alphanumeric(value: Any) -> Any:
    return "".join(c for c in value if c in _PLAIN) if isinstance(value, str) else value


def boolean(value: Any) -> Any:
    word = value if value is True or value is False else lower(trim(text(value)))
    known = {
        **dict.fromkeys(("true", "yes", "on", "t", "y", "1"), True),
        **dict.fromkeys(("false", "no", "off", "f", "n", "0"), False),
    }
    if isinstance(value, float) and value not in (0.0, 1.0):
        return value
    return known.get(word, value) if isinstance(word, str) else value


def blank_to_null(value: Any) -> Any:
    return None if isinstance(value, str) and value.split() == [] else value


def language_tag(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    letters = set(string.ascii_letters)
    if len(value) in (2, 3) and set(value) <= letters:
        return value.lower()
    for separator in "-_ ":
        language, found, rest = value.partition(separator)
        if found and len(language) in (2, 3) and set(language) <= letters:
            region, _, _ = rest.replace("@", ".").partition(".")
            by_letters = len(region) == 2 and set(region) <= letters
            by_number = len(region) == 3 and set(region) <= _DIGITS
            if by_letters or by_number:
                return f"{language.lower()}-{region.upper()}"
    return value


# Where most speakers of a language with two supported regions live (Unicode CLDR: likely subtags).
_MOST_SPEAKERS: Final = {"en": "en-US", "es": "es-ES"}


def language_region(value: Any) -> Any:
    if value == "es-419":
        return "es-LA"
    if not isinstance(value, str):
        return value
    supported = spec.FIELDS["voice_language"]["enum"]
    of_this = [tag for tag in supported if tag.split("-")[0] == value]
    return _MOST_SPEAKERS.get(value, of_this[0] if of_this else value)


def split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    commas = value
    for separator in ";\r\n":
        commas = commas.replace(separator, ",")
    parts = [part.strip() for part in commas.split(",")]
    return list(filter(None, parts)) if len(parts) > 1 and any(parts) else value


def listed(value: Any) -> Any:
    if isinstance(value, list | bool) or value is None or value in ("", {}):
        return value
    if isinstance(value, dict) and all(name and set(name) <= _DIGITS for name in value):
        return [*value.values()]
    return [value]


def contact(value: Any) -> Any:
    is_number = isinstance(value, int | float) and value is not True and value is not False
    return {"phone_number": value} if is_number or isinstance(value, str) else value


_DROPPED_CATEGORIES: Final = frozenset(("Pd", "Cf", "Zs"))
_DROPPED: Final = frozenset("./()[]\u00b7\u2022\u2212 \t\n\r\f\v\u2028\u2029\x1c\x1d\x1e\x1f\x85")


def phone_punctuation(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    folded = unicodedata.normalize("NFKC", value).strip()
    if folded.casefold().startswith("tel:"):
        folded = folded[4:]
    before, trunk, after = folded.partition("(0)")
    country = before.strip()
    if trunk and (country.startswith(("+", "00"))) and set(country[1:]) <= _DIGITS | set(" .-\t"):
        folded = before + after
    number = "".join(
        c
        for c in folded
        if c not in _DROPPED and unicodedata.category(c) not in _DROPPED_CATEGORIES
    )
    digits = number.removeprefix("+")
    return number if digits and set(digits) <= _DIGITS else value


def phone_double_zero(value: Any) -> Any:
    is_it = isinstance(value, str) and value[:2] == "00" and value[2:3] not in ("", "0")
    return "+" + value[2:] if is_it and set(value) <= _DIGITS else value


def _plan(number: str, region: str | None) -> str | None:
    """The number with its country code, if a numbering plan has it."""
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def phone_national(value: Any) -> Any:
    if not (isinstance(value, str) and value and set(value) <= _DIGITS):
        return value
    country = f"+{phonenumbers.country_code_for_region(REGION)}"
    full = _plan(value, REGION)
    # What already has the country code is no national number; phone_plus says the rest.
    return full if full and full.startswith(country) and value != full[1:] else value


def phone_plus(value: Any) -> Any:
    if not (isinstance(value, str) and value and set(value) <= _DIGITS):
        return value
    full = f"+{value}"
    return full if _plan(full, None) == full else value


def unix_seconds(value: Any) -> Any:
    digits = text(value) if value is not True and value is not False else ""
    if not (isinstance(digits, str) and 9 <= len(digits) <= 11 and set(digits) <= _DIGITS):
        return value
    return f"{datetime(1970, 1, 1) + timedelta(seconds=int(digits)):%Y-%m-%dT%H:%M:%S}Z"


def _like(value: object, shape: str) -> bool:
    """Whether a text is shaped so: 9 stands for any digit, all else for itself."""
    return isinstance(value, str) and len(value) == len(shape) and all(
        c in _DIGITS if s == "9" else c == s for c, s in zip(value, shape, strict=True)
    )  # fmt: skip


_DAY: Final = "9999-99-99"


def date_midnight(value: Any) -> Any:
    return f"{value}T00:00:00" if _like(value, _DAY) else value


def date_separator(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    day, rest = value[:10], value[10:]
    time = rest.lstrip()
    is_it = _like(day, _DAY) and time != rest and _like(time[:5], "99:99")
    return f"{day}T{time}" if is_it else value


def date_seconds(value: Any) -> Any:
    if not (isinstance(value, str) and _like(value[11:16], "99:99") and value[10:11] == "T"):
        return value
    if not set(value[:10]) <= _DIGITS | {"-"}:
        return value
    rest = value[16:]
    zone = rest.lstrip()
    offset = zone in {"Z", "z", "UTC", "GMT"} or zone[:1] in ("+", "-") or rest == ""
    return f"{value[:16]}:00{rest}" if offset and (zone or not rest) else value


def offset_colon(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    for name in ("Z", "UTC", "GMT"):
        if value.endswith(name) and _is_clock(value.removesuffix(name).rstrip()):
            return f"{value.removesuffix(name).rstrip()}Z"
    for shape in ("99:99", "9999", "99"):
        head, tail = value[: -len(shape) - 1], value[-len(shape) - 1 :]
        if tail[:1] in ("+", "-") and _like(tail[1:], shape) and _is_clock(head.rstrip()):
            digits = tail[1:].replace(":", "").ljust(4, "0")
            return f"{head.rstrip()}{tail[0]}{digits[:2]}:{digits[2:]}"
    return value


def _is_clock(value: str) -> bool:
    """Whether a text ends with a T and hours, minutes and seconds."""
    _, found, time = value.rpartition("T")
    return bool(found) and _like(time[:6], "99:99:") and bool(time[6:]) and (
        set(time[6:]) <= _DIGITS | {"."}
    )  # fmt: skip


def paris_time(value: Any) -> Any:
    if not (isinstance(value, str) and _is_clock(value) and _like(value[8:9], "9")):
        return value
    try:
        moment = datetime.strptime(value[:19], "%Y-%m-%dT%H:%M:%S")  # noqa: DTZ007  (the zone comes later)
    except ValueError:
        return value
    offset = moment.replace(tzinfo=ZoneInfo("Europe/Paris")).utcoffset()
    if offset is None or offset.total_seconds() % 60:
        return value
    minutes = int(offset.total_seconds()) // 60
    return f"{value}+{minutes // 60:02}:{minutes % 60:02}"


_CASTS: Final = (
    *(text, trim, squeeze, lower, alphanumeric, boolean, blank_to_null),
    *(language_tag, language_region, split, listed, contact),
    *(phone_punctuation, phone_double_zero, phone_national, phone_plus),
    *(unix_seconds, date_midnight, date_separator, date_seconds, offset_colon, paris_time),
)
CASTS: Final[dict[str, Callable[[Any], Any]]] = {cast.__name__: cast for cast in _CASTS}

if unknown := spec.CASTS - CASTS.keys():
    raise LookupError(
        f"the contract has casts that the oracle does not know: {', '.join(sorted(unknown))}; "
        "write each in contract_tests/oracle_casts.py, from its summary in x-casts"
    )
