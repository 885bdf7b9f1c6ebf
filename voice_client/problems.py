"""What is wrong with recipients, as data; the text is made from it at the very end."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from voice_client.errors import InvalidRequest

_short: Final = reprlib.Repr()
# Two of these and a path still fit a line of a terminal.
_short.maxstring = _short.maxother = 60
_short.maxlist = 8


class FaultError(ValueError):
    """A value that cannot be sent, whatever source it came from.

    ``found`` is the value, ``wanted`` what should stand there, ``remedy`` what to do about it.
    """

    def __init__(self, found: object, wanted: str, remedy: str) -> None:
        super().__init__(found, wanted, remedy)
        self.found = found
        self.wanted = wanted
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{_short.repr(self.found)}: wanted {self.wanted}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a source: where, what was found, what was wanted and what to do.

    ``file`` is None for recipients that come from no file, ``line`` counts from 1 (items, where
    there is no file) and is None if the whole source is meant, ``value`` is None if there is none.

    >>> print(Problem("numbers.csv", 7, "abc", "a number", "write it without letters"))
    numbers.csv:7: 'abc': wanted a number; write it without letters
    >>> print(Problem(None, 3, 5, "a text", "put it in quotes"))
    recipient 3: 5: wanted a text; put it in quotes
    """

    file: str | None
    line: int | None
    value: object
    wanted: str
    remedy: str

    def __str__(self) -> str:
        value = "" if self.value is None else f"{_short.repr(self.value)}: "
        return f"{self._place()}: {value}wanted {self.wanted}; {self.remedy}"

    def _place(self) -> str:
        if self.file is None:
            return "recipients" if self.line is None else f"recipient {self.line}"
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a source that is not wrong, but worth knowing."""

    text: str


class SourceError(InvalidRequest):
    """The recipients cannot be sent; nothing left this process. Its text has a line a problem.

    ``problems`` are those that are shown, ``more`` counts the others that were found, and
    ``stopped_after`` is how many there were when nobody looked any further; 0 if all was read.
    """

    def __init__(self, problems: Sequence[Problem], more: int = 0, stopped_after: int = 0) -> None:
        super().__init__(problems, more, stopped_after)
        self.problems = tuple(problems)
        self.more = more
        self.stopped_after = stopped_after

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        if self.more:
            lines.append(f"and {counted(self.more, 'more problem')}")
        if self.stopped_after:
            lines.append(f"stopped looking after {counted(self.stopped_after, 'problem')}")
        return "\n".join(lines)


def counted(count: int, what: str) -> str:
    """So many of something.

    >>> counted(1, "problem"), counted(1200, "problem")
    ('1 problem', '1,200 problems')
    """
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
