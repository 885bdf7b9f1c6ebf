"""Delivery receipts and opt-out callbacks: from a call to the bytes that a receiver gets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from mock_server.contract.call_terms import CallTerms
from mock_server.core.calls import Call, Message

# Dates without a zone are those of the vendor's home (the contract's ``paris_time``).
_PARIS: Final = ZoneInfo("Europe/Paris")
_CHANNEL: Final = "voice_sms"
_CONTENT_TYPES: Final = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


def receipt(call: Call, message: Message, terms: CallTerms, generation: str) -> dict[str, Any]:
    """The receipt of a call that is over, as ``generation`` (of ``x-calls``) writes it.

    Keys are there only where the campaign asks for them.
    """
    status = terms.outcomes[call.outcome].statuses[generation]
    basics = {
        "message_id": call.campaign.accepted.ticket,
        "number": call.number,
        "status": status,
        "delivery_date": _date(call),
    }
    keys = {"pressed_keys_code": call.keys} if message.keys_asked else {}
    if generation == "voice":
        durations = {"call_duration": str(call.heard), "charged_duration": str(call.charged)}
        return basics | durations | keys
    details = keys | {"call_duration": call.heard, "charged_duration": call.charged}
    members = {"channel": _CHANNEL, **basics, "meta_data": details}
    if generation == "unified":
        return members
    accepted = call.campaign.accepted
    more = {
        "list_name": message.list_name,
        "unit_price": float(accepted.cost / accepted.contacts),
    }
    return members | more


def opt_out(call: Call) -> dict[str, Any]:
    """The callback for somebody who opted out in a call; its text is the key."""
    return {
        "message_id": call.campaign.accepted.ticket,
        "number": call.number,
        "text": call.keys,
        "stop_date": _date(call),
    }


def _date(call: Call) -> str:
    return call.ended.astimezone(_PARIS).strftime("%Y-%m-%d %H:%M:%S")


def encoded(members: Mapping[str, Any], form: str) -> tuple[str, bytes]:
    """The Content-Type and the body, as ``json`` or ``form``.

    A form is as PHP writes one: brackets for what is inside, nothing for null.

    >>> encoded({"number": "+336", "list_name": None, "meta_data": {"call_duration": 5}}, "form")
    ('application/x-www-form-urlencoded', b'number=%2B336&meta_data%5Bcall_duration%5D=5')
    """
    if form == "json":
        return _CONTENT_TYPES[form], json.dumps(members, ensure_ascii=False).encode()
    return _CONTENT_TYPES[form], urlencode(list(_fields(members))).encode()


def _fields(members: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in members.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}[{inner}]", text) for inner, text in _fields(value))
        elif value is not None:
            yield name, str(value)
