"""Recipients from JSON Lines: one a line, a text or an object with a contact's members."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Final, NoReturn, cast

from voice_api.models import Contact
from voice_client.members import NAMES, PHONE, suggestion
from voice_client.problems import Problem

_WANTED: Final = "one JSON text or object"


def recipients(name: str, lines: Iterator[str]) -> Iterator[tuple[int, str | Contact | Problem]]:
    """Each line's number, from 1, and what stands in it; blank lines are skipped.

    The types of members are left to `members.checked`.

    Args:
        name: of the file, for what is told.
        lines: with or without their line breaks.
    """
    for line, text in enumerate(lines, 1):
        stripped = text.strip()
        if not stripped:
            continue
        try:
            value: object = _decode(stripped)
        except json.JSONDecodeError as error:
            remedy = f"{error.msg}, at character {error.colno}"
            yield line, Problem(name, line, stripped, _WANTED, remedy)
        except (RecursionError, ValueError) as error:
            yield line, Problem(name, line, stripped, _WANTED, str(error))
        else:
            if isinstance(value, str):
                yield line, value
            elif isinstance(value, dict):
                yield from _contact(name, line, cast("dict[str, object]", value))
            else:
                remedy = "a number in quotes, with its plus sign; no list around the lines"
                yield line, Problem(name, line, stripped, _WANTED, remedy)


def _contact(
    name: str, line: int, members: dict[str, object]
) -> Iterator[tuple[int, Contact | Problem]]:
    unknown = [member for member in members if member not in NAMES]
    for member in unknown:
        some = f"members among {', '.join(NAMES)}"
        yield line, Problem(name, line, member, some, suggestion(member))
    if unknown:
        return
    if PHONE in members:
        yield line, Contact.from_dict(members)
    else:
        yield line, Problem(name, line, members, f"a member {PHONE}", "add it")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        doubled, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{doubled} stands there twice: leave one out")
    return members


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decode: Final = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant).decode
