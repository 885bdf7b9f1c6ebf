"""Sources of recipients: an iterable, a CSV file or a JSON Lines file, read one at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

from voice_api.models import Contact
from voice_client import csv_rows, files, json_lines
from voice_client.errors import InvalidRequest
from voice_client.problems import Problem, Remark, SourceError

Source: TypeAlias = Iterable[str | Contact] | os.PathLike[str]
"""Numbers and contacts, or the path of a file of them."""
Format: TypeAlias = Literal["csv", "jsonl"]
Item: TypeAlias = str | Contact | Problem | Remark
"""A recipient as it stands in the source, or what is to be told about the place where it is not."""

_Reader: TypeAlias = Callable[[str, Iterator[str]], Iterator[tuple[int, str | Contact | Problem]]]
_Items: TypeAlias = Generator[tuple[int, Item], None, None]

_READERS: Final[Mapping[str, _Reader]] = {
    "csv": csv_rows.recipients,
    "jsonl": json_lines.recipients,
}
_SUFFIXES: Final[Mapping[str, str]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_PLAIN: Final = frozenset({str, Contact})
_PART: Final = 200
"""Items of an iterable that are taken at a time."""


def read(source: Source, format: Format | None = None) -> _Items:  # noqa: A002
    """Each line of a file, or item of an iterable, by its number from 1; nothing is kept.

    A recipient is yielded as it stands there; numbers and the types of members are not checked.
    A problem is yielded if what comes after it can still be read, else raised.

    Args:
        source: numbers and contacts, or the path of a UTF-8 file.
        format: of the file; without it, the suffix says (csv, tsv; jsonl, ndjson).

    Raises:
        InvalidRequest: the arguments name no source; before anything is read.
        SourceError: the file cannot be read, or not to its end.
    """
    if isinstance(source, os.PathLike):
        name = os.fsdecode(source)
        return _file(name, _reader(name, format))
    if format is not None:
        raise InvalidRequest(f"format={format!r} is for a file, and there is none")
    return _items(_iterator(source))


def name_of(source: Source) -> str | None:
    """The path of a file as it was given; None if there is no file."""
    return os.fsdecode(source) if isinstance(source, os.PathLike) else None


def _reader(name: str, given: str | None) -> _Reader:
    if given is not None and given not in _READERS:
        raise InvalidRequest(f"no such format: {given!r}; there are {', '.join(_READERS)}")
    chosen = given or _SUFFIXES.get(Path(name).suffix.lower())
    if chosen is None:
        raise InvalidRequest(
            f"{name!r} does not end in {', '.join(_SUFFIXES)}; "
            "say format='csv' or format='jsonl', and save a spreadsheet as CSV UTF-8 before"
        )
    return _READERS[chosen]


def _file(name: str, reader: _Reader) -> _Items:
    try:
        with Path(name).open("rb") as raw:
            if raw.peek(len(files.UTF8_MARK)).startswith(files.UTF8_MARK):
                raw.read(len(files.UTF8_MARK))
                yield 1, Remark(f"{name} begins with a byte order mark, which was skipped")
            yield from reader(name, files.lines(name, raw))
    except OSError as error:
        remedy = error.strerror or str(error)
        raise SourceError([Problem(name, None, None, "a file to read", remedy)]) from None


def _iterator(source: object) -> Iterator[object]:
    wanted = "wanted a list of numbers, such as ['+33612345678']"
    if isinstance(source, str | bytes | bytearray):
        raise InvalidRequest(
            f"recipients is one text; {wanted}, or for a file pathlib.Path('numbers.csv')"
        )
    if isinstance(source, Mapping):
        raise InvalidRequest(f"recipients is a mapping; {wanted}")
    try:
        return iter(cast("Iterable[object]", source))
    except TypeError:
        raise InvalidRequest(f"recipients is {source!r}; {wanted}") from None


def _items(items: Iterator[object]) -> _Items:
    first = 1
    # To ask each by itself takes as long as to check its number.
    while part := list(islice(items, _PART)):
        if _PLAIN.issuperset(map(type, part)):
            yield from enumerate(cast("list[str | Contact]", part), first)
        else:
            yield from ((index, _item(index, item)) for index, item in enumerate(part, first))
        first += len(part)


def _item(index: int, item: object) -> Item:
    if isinstance(item, Contact):
        return item
    if isinstance(item, str):
        # The text itself: a member of an enumeration shows itself otherwise.
        return str.__str__(item)
    return Problem(None, index, item, "a str or a Contact", "a number in quotes, or Contact(...)")
