"""Delivery receipts: what became of a call, as the API tells it to a URL of yours.

The receiver must answer in about a second, with an empty body. So read the receipt, hand it over to
a queue or a table, and answer; whatever takes longer happens elsewhere.

No signature comes with a receipt: anybody who knows the URL can send one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from types import NoneType
from typing import Any, Final, TypeAlias, cast, get_args, get_type_hints
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from voice_api import models
from voice_api.models import DeliveryReceipt, ReceiptDetails
from voice_api.types import Unset
from voice_client.errors import VoiceError

# A receipt takes about a third of a kilobyte.
_LARGEST_BODY: Final = 2**20
# A receipt is two deep; what is deeper than this breaks whoever compares or prints it.
_DEEPEST: Final = 32
_MOST_FORM_FIELDS: Final = 1_000
_LONGEST_SHOWN: Final = 80
_FORM: Final = "application/x-www-form-urlencoded"
_META_DATA: Final = "meta_data"
_IN_META_DATA: Final = re.compile(rf"{_META_DATA}\[([^][]+)\]")
# The API tells its callbacks apart by the date that is there (official: the callbacks page).
_DATE: Final = "delivery_date"
_OTHER_DATES: Final = {"reception_date": "inbound", "stop_date": "stop"}
_PARIS: Final = "Europe/Paris"

_Object: TypeAlias = dict[str, object]


class ReceiptError(VoiceError):
    """A body that is no delivery receipt, or a receipt without a readable date.

    ``where`` is the body, or a member's name or path; ``came`` is what was there, ``wanted`` what
    should have been, ``advice`` what to do.
    """

    def __init__(self, where: str, came: str, wanted: str, advice: str) -> None:
        super().__init__(where, came, wanted, advice)
        self.where = where
        self.came = came
        self.wanted = wanted
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.where}: {self.came}; wanted {self.wanted}; {self.advice}"


class OtherCallback(ReceiptError):  # noqa: N818  (named by what happened, as its family is)
    """A callback of another kind, for one URL may serve several.

    ``kind`` is "inbound", an answer to a message, or "stop", an opt-out.
    """

    def __init__(self, where: str, came: str, wanted: str, advice: str) -> None:
        super().__init__(where, came, wanted, advice)
        self.kind = _OTHER_DATES[where.removeprefix("/")]


def parse_receipt(body: bytes, content_type: str | None = None) -> DeliveryReceipt:
    """The receipt in the body of a request, be it JSON or a form.

    >>> receipt = parse_receipt(b"message_id=voice_1&number=%2B336&status=BUSY&call_duration=0")
    >>> receipt.number, receipt.status, receipt.meta_data
    ('+336', 'BUSY', ReceiptDetails(pressed_keys_code=<...>, call_duration=0, ...))

    All three generations of receipts become the same object: texts become what the contract says,
    and details of the call that stand beside the status, as the oldest receipts have them, are
    found in ``meta_data``. A status is any word, for the API has more than it lists. What the
    contract does not know is kept in ``additional_properties``.

    Args:
        body: the bytes as they came, at most 1 MiB.
        content_type: the header of that name. The bytes are believed rather than it: what begins
            as JSON does is JSON, and else what has an equals sign is a form.

    Raises:
        OtherCallback: it is an inbound message or an opt-out.
        ReceiptError: it is no receipt.
    """
    members = _decoded(body, content_type or "")
    for name, kind in _OTHER_DATES.items():
        if _is_told(members, name) and not _is_told(members, _DATE):
            raise OtherCallback(
                f"/{name}",
                f"{_shown(members[name])} and no {_DATE}, so this is the callback of kind {kind}",
                "a delivery receipt",
                "hand it to what handles those, or give them a URL of their own in your account",
            )
    return DeliveryReceipt.from_dict(_gathered(members))


def delivered_at(receipt: DeliveryReceipt) -> datetime:
    """The moment in ``delivery_date``, with a time zone.

    A date without a zone is Central European Time, kept in Paris, the vendor's home. That is
    official for dates in requests (the README of its PHP SDK, see the contract's ``paris_time``),
    and assumed for receipts. Of an hour that Paris has twice, it is the first; in an hour that
    Paris skips, the offset is that of the hour before.

    >>> receipt = DeliveryReceipt("voice_1", "+336", "BUSY", delivery_date="2018-10-03 16:42:51")
    >>> delivered_at(receipt)
    datetime.datetime(2018, 10, 3, 16, 42, 51, tzinfo=zoneinfo.ZoneInfo(key='Europe/Paris'))

    Raises:
        ReceiptError: there is no date, it is no time, or this system has no time zones.
    """
    told = receipt.delivery_date
    moment = _moment(told.strip()) if isinstance(told, str) else None
    if moment is None:
        came = _shown(told) if isinstance(told, str) else "nothing"
        wanted = "a time such as 2018-10-03 16:42:51"
        raise ReceiptError(f"/{_DATE}", came, wanted, "take the time at which the receipt came")
    if moment.tzinfo is not None:
        return moment
    try:
        return moment.replace(tzinfo=ZoneInfo(_PARIS))
    except ZoneInfoNotFoundError as error:
        came = "this system has no time zones"
        raise ReceiptError(f"/{_DATE}", came, _PARIS, "pip install tzdata") from error


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if _TIME.match(text) else None
    except ValueError:
        return None


# Python reads a date alone as midnight, which nobody has said.
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}")


# ── from bytes to members ─────────────────────────────────────────────


_BYTES: Final = "hand over the bytes before your framework reads them"
_KEEP: Final = "keep the body: the contract (DeliveryReceipt) may have to learn what is sent now"


def _decoded(body: bytes, content_type: str) -> _Object:
    if len(body) > _LARGEST_BODY:
        limit = f"at most {_LARGEST_BODY} bytes"
        raise ReceiptError("body", f"{len(body)} bytes", limit, "limit bodies in your web server")
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        came = f"byte 0x{error.object[error.start]:02x} at {error.start}"
        raise ReceiptError("body", came, "UTF-8", _BYTES) from error
    if not text:
        raise ReceiptError("body", "nothing", "a JSON object or a form", _BYTES)
    is_form = "=" in text or content_type.partition(";")[0].strip().lower() == _FORM
    if is_form and not text.startswith(_JSON_BEGINS):
        return _form(text)
    value = _json(text, "body")
    if not isinstance(value, dict):
        raise ReceiptError("body", _shown(value), "a JSON object or a form", _KEEP)
    return cast("_Object", value)


_JSON_BEGINS: Final = ("{", "[", '"')
_TOO_DEEP: Final = f"lists or objects more than {_DEEPEST} deep"


def _json(text: str, where: str) -> object:
    try:
        value: object = json.loads(text, object_pairs_hook=_united)
        if not _is_deep(value):
            # NaN and the infinities are no JSON, and half of a character is no text.
            json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
            return value
        came = _TOO_DEEP
    except RecursionError:
        came = _TOO_DEEP
    except UnicodeEncodeError as error:
        came = f"half of a character, \\u{ord(error.object[error.start]):04x}"
    except ValueError as error:
        came = f"no JSON: {error}"
    raise ReceiptError(where, came, "a JSON object", _KEEP)


def _form(text: str) -> _Object:
    try:
        fields = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FORM_FIELDS
        )
    except UnicodeDecodeError as error:
        came = f"a form with %{error.object[error.start]:02X}"
        raise ReceiptError("body", came, "UTF-8", _KEEP) from error
    except ValueError as error:
        came = f"a form of more than {_MOST_FORM_FIELDS} fields"
        raise ReceiptError("body", came, "a delivery receipt", _KEEP) from error
    inside, outside = list[tuple[str, object]](), list[tuple[str, object]]()
    for name, value in fields:
        within = _IN_META_DATA.fullmatch(name)
        if within:
            inside.append((within[1], value))
        else:
            outside.append((name, value))
    return _united([*outside, (_META_DATA, _united(inside))] if inside else outside)


def _united(pairs: Iterable[tuple[str, object]]) -> _Object:
    """An object of these members; of two with one name, the last, unless the contract knows it."""
    members = _Object()
    for name, value in pairs:
        if name in _KNOWN and members.setdefault(name, value) != value:
            came = f"{_shown(members[name])}, and {_shown(value)} too"
            raise ReceiptError(name, came, "one value", _KEEP)
        members[name] = value
    return members


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        inside = chain.from_iterable(map(_children, level))
        level = [child for child in inside if _is_container(child)]
        if not level:
            return False
    return True


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("_Object", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


def _is_container(value: object) -> bool:
    return isinstance(value, dict | list)


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


# ── from members to those of the contract ─────────────────────────────


def _is_told(members: _Object, name: str) -> bool:
    return members.get(name) not in (None, "")


def _gathered(members: _Object) -> _Object:
    """The receipt, with the details of the call in their place."""
    receipt = _read(members, _RECEIPT, "")
    details = cast("_Object", receipt.get(_META_DATA, {}))
    beside = {name: members[name] for name in _DETAILS if name in members and name not in details}
    moved = _read(beside, _DETAILS, "")
    kept = {name: value for name, value in receipt.items() if name not in beside}
    return kept | {_META_DATA: details | moved} if moved else kept


def _read(raw: _Object, members: Mapping[str, _Member], path: str) -> _Object:
    """What came, with the types of the contract; what it does not know, as it came."""
    value = dict(raw)
    for name, member in members.items():
        came = raw.get(name)
        if came is None or (_is_blank(came) and not member.kind.may_be_blank):
            if member.required:
                advice = f"there are {_shown(list(raw))}; {_KEEP}"
                raise ReceiptError(f"{path}/{name}", "nothing", member.kind.wanted, advice)
            # An empty field says no more than null does, and null no more than no member does,
            # unless the contract has it.
            value.pop(name, None)
            if member.nullable and name in raw:
                value[name] = None
            continue
        value[name] = member.kind.read(came)
        if value[name] is None:
            raise ReceiptError(f"{path}/{name}", _shown(came), member.kind.wanted, _KEEP)
    return value


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _text(value: object) -> str | None:
    """A text; a whole number is how PHP may write one that has digits only.

    >>> _text("3545"), _text(3545), _text(35.45), _text(True)
    ('3545', '3545', None, None)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    """A whole number.

    >>> _whole(35), _whole("35"), _whole(35.0), _whole(" 35.0 ")
    (35, 35, 35, 35)
    >>> _whole(35.5), _whole("35.5"), _whole("half a minute"), _whole(True)
    (None, None, None, None)
    """
    if isinstance(value, str):
        digits = _WHOLE.fullmatch(value.strip())
        return int(digits[1]) if digits else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    """A number.

    >>> _number(0.05), _number("0.05"), _number("5e-2"), _number(1), _number("1")
    (0.05, 0.05, 0.05, 1.0, 1.0)
    >>> _number("0,05"), _number("NaN"), _number("1e999"), _number(10**400), _number(False)
    (None, None, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


# More digits than these no number of the kind has, and int() refuses some thousands.
_WHOLE: Final = re.compile(r"([+-]?[0-9]{1,300})(?:[.]0+)?")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?")


def _details(value: object) -> _Object | None:
    """An object, or the text of one; an empty list is how PHP writes an object without members."""
    value = _json(value, f"/{_META_DATA}") if isinstance(value, str) else value
    if value == []:
        return {}
    if not isinstance(value, dict):
        return None
    return _read(cast("_Object", value), _DETAILS, f"/{_META_DATA}")


@dataclass(frozen=True, slots=True)
class _Kind:
    wanted: str
    # The value, or None if it cannot be one.
    read: Callable[[object], object]
    may_be_blank: bool = False


_KINDS: Final[Mapping[Any, _Kind]] = {
    str: _Kind("a text", _text, may_be_blank=True),
    int: _Kind("a whole number", _whole),
    float: _Kind("a number", _number),
    ReceiptDetails: _Kind("an object", _details),
}


@dataclass(frozen=True, slots=True)
class _Member:
    kind: _Kind
    nullable: bool
    required: bool


def _members_of(model: type[attrs.AttrsInstance]) -> Mapping[str, _Member]:
    """The members of a generated model; one of a kind that nothing here reads stops the start."""
    hints = get_type_hints(model, localns=vars(models))
    members = dict[str, _Member]()
    for field in attrs.fields(model):
        if field.init:
            kinds = set(get_args(hints[field.name]) or (hints[field.name],))
            (kind,) = kinds - {NoneType, Unset}
            members[field.name] = _Member(
                _KINDS[kind], nullable=NoneType in kinds, required=Unset not in kinds
            )
    return members


_RECEIPT: Final = _members_of(DeliveryReceipt)
_DETAILS: Final = _members_of(ReceiptDetails)
_KNOWN: Final = _RECEIPT.keys() | _DETAILS.keys()
