"""A body as it was sent, beside what the API read: line by line, each with its notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final

from mock_server.json_values import Json, same
from mock_server.page.visible import Part, compared, written
from mock_server.reading.decoding import escaped

MOST_LINES: Final = 2_000
"""A body of 1 MiB can have a hundred thousand; nobody reads them."""
# What is short and has no note inside stands on one line.
_SHORT: Final = 72
# Of a list, so many items without a note are shown before the others are counted.
_SHOWN_ITEMS: Final = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One value: as sent and as read, each None where there is none."""

    path: str
    depth: int
    name: str
    sent: tuple[Part, ...] | None
    read: tuple[Part, ...] | None
    state: str
    """``same``, ``changed``, ``ignored``, ``default``, ``refused``, or ``folded`` for several."""
    notes: tuple[int, ...] = ()
    """The numbers of its notes, from 1."""


@dataclass(slots=True)
class Comparison:
    """The lines of a body, and how many more there are."""

    lines: list[Line] = field(default_factory=list)
    left_out: int = 0


def compare(
    sent: Mapping[str, Json] | None,
    entry: Mapping[str, Any],
    defaults: Mapping[str, Json],
    most: int = MOST_LINES,
) -> Comparison:
    """Compare what was sent with what was read, in ``most`` lines.

    ``entry`` is the document of the request. The lines of ``defaults``, the parameters that are
    absent, come on top.
    """
    walk = _Walk(entry["notes"], entry["violations"])
    lines = walk.members(sent or {}, entry["body"] or {}, "", 0)
    made = Comparison(list(islice(lines, most)), sum(1 for _ in lines))
    for name, value in defaults.items():
        if name not in (sent or {}):
            parts = (Part(written(value)),)
            made.lines.append(Line(f"/{escaped(name)}", 0, name, None, parts, "default"))
    return made


class _Walk:
    """One walk over two values; yields their lines in the order of what was sent."""

    def __init__(
        self, notes: Sequence[Mapping[str, Any]], violations: Sequence[Mapping[str, Any]]
    ) -> None:
        self._notes = dict[str, list[int]]()
        self._ignored, self._inside = set[str](), {""}
        self._refused = {str(one["path"]) for one in violations}
        for number, note in enumerate(notes, 1):
            self._notes.setdefault(note["path"], []).append(number)
            if note["kind"] == "ignored":
                self._ignored.add(note["path"])
        for path in (*self._notes, *self._refused):
            while path and path not in self._inside:
                self._inside.add(path)
                path = path.rpartition("/")[0]  # noqa: PLW2901  (upwards)

    def members(
        self, sent: Mapping[str, Json], read: Mapping[str, Json], path: str, depth: int
    ) -> Iterator[Line]:
        """The lines of an object's members."""
        for name, value in sent.items():
            here = f"{path}/{escaped(name)}"
            if name in read:
                yield from self._both(name, value, read[name], here, depth)
            else:
                yield self._alone(name, value, here, depth)
        for name in [name for name in read if name not in sent]:
            here, parts = f"{path}/{escaped(name)}", (Part(written(read[name])),)
            yield Line(here, depth, name, None, parts, "changed", self._of(here))

    def _both(self, name: str, sent: Json, read: Json, path: str, depth: int) -> Iterator[Line]:
        text = written(sent)
        is_short = len(text) <= _SHORT and path not in self._inside
        if isinstance(sent, dict) and isinstance(read, dict) and not is_short:
            if len(sent) == 1 == len(read) and sent.keys() == read.keys():
                # On one line with what it is in: a frame has hundreds of contacts with a number.
                for inner in self.members(sent, read, path, depth):
                    own = (*self._of(path), *inner.notes)
                    yield replace(inner, name=f"{name} {inner.name}", notes=own)
                return
            yield Line(path, depth, name, (), (), "same", self._of(path))
            yield from self.members(sent, read, path, depth + 1)
        elif isinstance(sent, list) and isinstance(read, list) and not is_short:
            yield Line(path, depth, name, (), (), "same", self._of(path))
            yield from self._items(sent, read, path, depth + 1)
        elif same(sent, read):
            parts = (Part(text),)
            yield Line(path, depth, name, parts, parts, "same", self._of(path))
        else:
            left, right = compared(text, written(read))
            yield Line(path, depth, name, left, right, "changed", self._of(path))

    def _items(
        self, sent: Sequence[Json], read: Sequence[Json], path: str, depth: int
    ) -> Iterator[Line]:
        """The lines of a list's items; those that were left out have nothing beside them."""
        places = [f"{path}/{index}" for index in range(len(sent))]
        left_out = {place for place in places if place in self._ignored}
        if len(sent) - len(left_out) != len(read):
            left_out = set(places[len(read) :])
        rest = iter(read)
        folded = 0
        for index, (value, here) in enumerate(zip(sent, places, strict=True)):
            if here in left_out:
                yield self._alone(str(index), value, here, depth)
                continue
            other = next(rest)
            if here in self._inside or index < _SHOWN_ITEMS:
                yield from self._both(str(index), value, other, here, depth)
            else:
                folded += 1
        if folded:
            more = (Part(f"{folded:,} more, read as they were sent"),)
            yield Line(path, depth, "…", more, more, "folded")

    def _alone(self, name: str, value: Json, path: str, depth: int) -> Line:
        state = "refused" if path in self._refused else "ignored"
        parts = (Part(written(value), differs=True),)
        return Line(path, depth, name, parts, None, state, self._of(path))

    def _of(self, path: str) -> tuple[int, ...]:
        return tuple(self._notes.get(path, ()))
