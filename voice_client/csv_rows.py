"""Recipients from CSV: one a row, the columns named as the contact's members."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from typing import Final

from voice_api.models import Contact
from voice_client.members import NAMES, PHONE, suggestion
from voice_client.problems import Problem, SourceError

_DELIMITERS: Final = (",", ";", "\t")


def recipients(name: str, lines: Iterator[str]) -> Iterator[tuple[int, str | Contact | Problem]]:
    """Each row's first line, from 1, and what stands in it; blank rows are skipped.

    The first row names the columns, unless there is but one and it begins with a number. An empty
    cell leaves its member out. Blanks after a delimiter do not count.

    Args:
        name: of the file, for what is told.
        lines: with their line breaks.

    Raises:
        SourceError: the columns are not those of a contact, or the file is no CSV.
    """
    rows = _rows(name, lines)
    line, first = next(rows, (1, [PHONE]))
    columns = _columns(name, line, first)
    if columns is None:
        columns = [PHONE]
        rows = chain([(line, first)], rows)
    for line, row in rows:
        if len(row) == len(columns) == 1:
            yield line, row[0]
            continue
        members = {column: cell for column, cell in zip(columns, row, strict=False) if cell.strip()}
        if "" in members or any(map(str.strip, row[len(columns) :])):
            wanted = "cells in named columns only"
            remedy = "put a cell with a delimiter in it in quotes"
            yield line, Problem(name, line, row, wanted, remedy)
            continue
        number = members.pop(PHONE, "")
        yield line, Contact.from_dict({PHONE: number, **members}) if members else number


def _rows(name: str, lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows in which something stands, each with the line it begins in."""
    skipped = 0
    for first in lines:
        if first.strip():
            break
        skipped += 1
    else:
        return
    held = [first]
    start = skipped + 1
    try:
        delimiter = _delimiter(first)
        held.clear()
        reader = csv.reader(
            _held(chain([first], lines), held),
            delimiter=delimiter,
            skipinitialspace=True,
            strict=True,
        )
        for row in reader:
            if "".join(row).strip():
                yield start, row
            held.clear()
            start = skipped + reader.line_num + 1
    except csv.Error as error:
        remedy = f"{error}; close the quotes that begin in this row, and double those in a cell"
        problem = Problem(name, start, held[0].rstrip(), "a row of CSV", remedy)
        raise SourceError([problem]) from None


def _held(lines: Iterator[str], held: list[str]) -> Iterator[str]:
    """The lines, each kept in ``held`` too, so that a row that is none can be shown."""
    for line in lines:
        held.append(line)
        yield line


def _delimiter(first: str) -> str:
    """That by which the first line has most names of members, else most cells."""

    def names_and_cells(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([first], delimiter=delimiter))
        return sum(_key(cell) in NAMES for cell in cells), len(cells)

    return max(_DELIMITERS, key=names_and_cells)


def _key(cell: str) -> str:
    return cell.strip().lower()


def _columns(name: str, line: int, first: list[str]) -> list[str] | None:
    """The member in each column, "" where none is named; None if the first row is no header."""
    columns = [_key(cell) for cell in first]
    named = [column for column in columns if column]
    if not set(NAMES).intersection(named) and any(map(_looks_like_a_number, named)):
        if len(named) == 1:
            return None
        example = "phone_number,first_name"
        wanted = "the names of the columns first"
        remedy = f"begin the file with a line such as {example}"
        raise SourceError([Problem(name, line, first, wanted, remedy)])
    some = f"columns among {', '.join(NAMES)}"
    problems = [
        Problem(name, line, cell, some, suggestion(cell))
        for column, cell in zip(columns, first, strict=True)
        if column and column not in NAMES
    ]
    problems += [
        Problem(name, line, column, "each column once", "rename one or leave it out")
        for column in dict.fromkeys(named)
        if named.count(column) > 1
    ]
    if not problems and PHONE not in named:
        problems = [Problem(name, line, first, f"a column {PHONE}", "name that of the numbers")]
    if problems:
        raise SourceError(problems)
    return columns


def _looks_like_a_number(cell: str) -> bool:
    """Whether a cell is rather a number, perhaps a bad one, than a name such as param1."""
    return sum(map(str.isdecimal, cell)) > sum(map(str.isalpha, cell))
