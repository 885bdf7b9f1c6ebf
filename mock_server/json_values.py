"""JSON values: their type, and when two of them are the same."""

from __future__ import annotations

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


def printable(text: str) -> str:
    r"""A text that writes no line of its own and moves no cursor.

    >>> printable("/mode\x1b[2J\n")
    '/mode\\x1b[2J\\n'
    """
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )
