"""Text files: their lines, where every byte is UTF-8 and no line is endless."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from functools import partial
from typing import Final

from voice_client.problems import Problem, SourceError

UTF8_MARK: Final = codecs.BOM_UTF8

# The marks of UTF-32 begin with those of UTF-16, so they are looked for first.
_OTHER_MARKS: Final = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
_LONGEST_LINE: Final = 2**18
"""In characters, twice the longest field that csv reads. A longer one would fill the memory."""
NOT_UTF8: Final = re.compile("[\udc80-\udcff]+")
"""What bytes that are not UTF-8 become by the error handler ``surrogateescape``."""
_AS_UTF8: Final = "save it as UTF-8; a spreadsheet calls it CSV UTF-8"


def other_encoding(content: bytes) -> tuple[bytes, str] | None:
    """The byte order mark at its beginning and the encoding that it names, other than UTF-8."""
    return next((found for found in _OTHER_MARKS.items() if content.startswith(found[0])), None)


def lines(name: str, raw: io.BufferedReader) -> Iterator[str]:
    r"""Each line with its line break (``\n``, ``\r\n`` or ``\r``), read as it is asked for.

    Args:
        name: of the file, for what is told.
        raw: behind the UTF-8 byte order mark, if there is one.

    Raises:
        SourceError: the file is in another encoding, has NUL bytes or an endless line.
    """
    if (other := other_encoding(raw.peek(4))) is not None:
        mark, encoding = other
        raise SourceError([Problem(name, 1, mark, f"UTF-8, not {encoding}", _AS_UTF8)])
    # A byte that is no UTF-8 becomes a surrogate, which no UTF-8 can be read as: so it is found in
    # its line, and not a buffer too early.
    with io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", newline="") as text:
        for number, line in enumerate(iter(partial(text.readline, _LONGEST_LINE), ""), 1):
            if not line.isascii() and (found := NOT_UTF8.search(line)):
                around = line[max(found.start() - 10, 0) : found.end() + 10].rstrip()
                value = around.encode(errors="surrogateescape")
                odd = found[0].encode(errors="surrogateescape").hex(" ")
                raise SourceError([Problem(name, number, value, f"UTF-8, not {odd}", _AS_UTF8)])
            if "\0" in line:
                raise SourceError([Problem(name, number, line, "text without NUL", _AS_UTF8)])
            if len(line) == _LONGEST_LINE:
                wanted = f"fewer than {_LONGEST_LINE:,} characters a line"
                raise SourceError([Problem(name, number, line, wanted, "one recipient a line")])
            yield line
