"""Findings: whatever of a source is not simply a valid number, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from voice_api.models import Contact
from voice_client.members import PHONE, checked
from voice_client.numbers import normalised
from voice_client.problems import FaultError, Problem, Remark, SourceError
from voice_client.sources import Item

BEFORE: Final = f'{{"{PHONE}":"'
"""What stands before a number in the line of a contact that has nothing else."""
AFTER: Final = '"}\n'
"""What stands behind it."""
# Enough to see that it is another file than it should be.
_MOST_COUNTED: Final = 1000
_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Findings:
    """The problems and remarks of one source.

    Args:
        file: its name, or None if it is no file.
        region: see `numbers.normalised`.
        most: problems that are kept; the others are counted.
    """

    __slots__ = ("_count", "_file", "_most", "_problems", "_region", "remarks")

    def __init__(self, file: str | None, region: str | None, most: int) -> None:
        self._file = file
        self._region = region
        self._most = most
        self._problems = list[Problem]()
        self._count = 0
        self.remarks = list[str]()

    def recipient(self, line: int, item: Item) -> tuple[str, str] | None:
        """The number of an item and its contact as a line of JSON; None if it is a finding."""
        try:
            if isinstance(item, str):
                number = normalised(item, self._region)
                return number, f"{BEFORE}{number}{AFTER}"
            if isinstance(item, Contact):
                members = checked(item)
                number = normalised(item.phone_number, self._region)
                return number, f"{_json({**members, PHONE: number})}\n"
        except FaultError as fault:
            item = Problem(self._file, line, fault.found, fault.wanted, fault.remedy)
        if isinstance(item, Remark):
            self.remarks.append(item.text)
        else:
            self.problems([item])
        return None

    def problems(self, found: Sequence[Problem]) -> None:
        """Keep problems, or count them if there are too many to show."""
        self._problems += found[: max(self._most - len(self._problems), 0)]
        self._count += len(found)

    def enough(self) -> bool:
        """Whether there are so many problems that nobody would read on."""
        return self._count >= max(self._most, _MOST_COUNTED)

    def check(self, total: int) -> None:
        """Refuse the source if anything is wrong with it.

        Raises:
            SourceError: there are problems, or no recipients.
        """
        if not total and not self._count:
            self.problems([Problem(self._file, None, None, "recipients", "there are none in it")])
        if self._count:
            more = self._count - len(self._problems)
            raise SourceError(self._problems, more, self._count if self.enough() else 0)
