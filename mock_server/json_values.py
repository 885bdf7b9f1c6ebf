"""JSON values: their type, and when two of them are the same."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

# Any is right at the leaves: mypy has no useful recursive type for what json.loads returns.
Json: TypeAlias = Any


def same(left: Json, right: Json) -> bool:
    """Whether two JSON values are equal *and* of equal types, all the way down.

    >>> same([1, {"a": None}], [1, {"a": None}])
    True

    Python's own equality takes ``1``, ``1.0`` and ``True`` for one another, and a repair from one
    to the other would leave no note:

    >>> 1 == True, same(1, True), same([1], [1.0])
    (True, False, False)
    """
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def strict_json(text: str | bytes) -> Json:
    """The value of a text that every JSON reader takes alike.

    >>> strict_json('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: the name "a" stands there twice

    Raises:
        ValueError: it is not valid JSON, which NaN and the infinities are not, or a name stands
            twice in an object: readers differ in which of the two they take.
        RecursionError: it is too deep.
    """
    return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict[str, Json]()
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the name {json.dumps(name)} stands there twice")
        members[name] = value
    return members


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not valid JSON")


def printable(text: str) -> str:
    r"""A text that writes no line of its own and moves no cursor.

    >>> printable("/mode\x1b[2J\n")
    '/mode\\x1b[2J\\n'
    """
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
