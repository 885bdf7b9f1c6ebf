"""Hides the numbers of people in what the inbox shows."""

from __future__ import annotations

import re
from typing import Final

from mock_server.json_values import Json

# What people, forms (%20, +) and JSON (\u00a0) write between digits; nothing that parts two values.
_BETWEEN: Final = r'(?:[^\w",:%\\]|_|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}){0,3}'
# No date, and no seconds of a time.
_NO_TIME: Final = r'(?!(?:19|20)\d\d-[01]\d-[0-3]\d(?:T|"|$))(?!(?<=\d\d:\d\d:)\d\d\.)'
NUMBER: Final = re.compile(rf"(?<!\d){_NO_TIME}\+?\(?\d(?:{_BETWEEN}\d){{6,}}")
"""What may be a phone number in a text: seven digits or more, however they are separated."""
_SHOWN_BEFORE: Final = 4
_SHOWN_AFTER: Final = 2
_LEAST: Final = 1_000_000
# Digits that are not a phone number, and useless when masked.
_PLAIN: Final = frozenset(
    {
        "at",
        "bytes",
        "code",
        "evidence",
        "id",
        "residual_credit",
        "send_at",
        "status",
        "ticket_number",
        "total_cost",
    }
)
# Under these the names are the sender's; none can be trusted to name what stands there.
_FOREIGN: Final = frozenset({"after", "before"})
# A body that is not text: no pattern finds digits in it.
_LEFT_OUT: Final = "raw_base64"


def masked(value: Json, plain: frozenset[str] = _PLAIN) -> Json:
    """A JSON value with most digits of every number of people hidden, in texts and by themselves.

    >>> masked({"phone_number": "+33612345678", "raw": '{"to": "06 12 34 56 78"}'})
    {'phone_number': '+336••••••78', 'raw': '{"to": "06 1••••••••78"}'}
    """
    if isinstance(value, dict):
        return {
            masked(name): inner
            if name in plain
            else masked(inner, frozenset() if name in _FOREIGN else plain)
            for name, inner in value.items()
            if name != _LEFT_OUT
        }
    if isinstance(value, list):
        return [masked(inner, plain) for inner in value]
    if isinstance(value, str):
        return NUMBER.sub(lambda found: _hidden(found[0]), value)
    if isinstance(value, int | float) and abs(value) >= _LEAST:
        return _hidden(str(value))
    return value


def _hidden(number: str) -> str:
    hidden = "•" * (len(number) - _SHOWN_BEFORE - _SHOWN_AFTER)
    return f"{number[:_SHOWN_BEFORE]}{hidden}{number[-_SHOWN_AFTER:]}"
