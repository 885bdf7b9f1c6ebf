"""Prepared recipients: normalised, checked, each number once, and kept outside the memory."""

from __future__ import annotations

import hashlib
import tempfile
from array import array
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import accumulate, islice
from threading import Lock
from typing import IO, Final, Self, cast

from voice_client.errors import InvalidRequest
from voice_client.findings import AFTER, BEFORE, Findings
from voice_client.frames import LARGEST, sizes
from voice_client.numbers import are_normalised, is_normalised, known_region
from voice_client.problems import SourceError
from voice_client.sources import Format, Item, Source, name_of, read

_WRITTEN: Final = 1000
"""Recipients written, and told to `progress`, at a time; or a few more."""
_PART: Final = 200
"""Items looked at together. In a part with anything odd in it, each is looked at by itself."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One part of a campaign.

    ``number`` counts frames from 0, ``first`` is the index of its first recipient from 0, ``size``
    its number of recipients, ``contacts`` the JSON array of them in UTF-8.
    """

    number: int
    first: int
    size: int
    contacts: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Recipients that can be sent: a file without a name, which is gone once it is closed.

    ``total`` counts the recipients, ``duplicates`` those left out because their number had come
    before, ``remarks`` is what is worth knowing about the source. ``sha256`` (hexadecimal) tells
    whether two sources say the same: it is that of the contacts as compact JSON, one a line.

    Use it as a context manager, or `close` it. Several threads may ask it for frames.
    """

    total: int
    duplicates: int
    remarks: tuple[str, ...]
    sha256: str
    _spool: IO[bytes] = field(repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _offsets: dict[int, array[int]] = field(default_factory=dict[int, "array[int]"], repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the recipients."""
        self._spool.close()

    def frames(self, largest: int = LARGEST, *, start: int = 0) -> Iterator[Frame]:
        """The frames from number ``start`` on; those before are not read again.

        Args:
            largest: recipients in a frame, 1 or more; see `frames.sizes`.
            start: from 0; the number of frames is allowed, and leaves none.

        Raises:
            InvalidRequest: there is no such frame, or this is closed.
        """
        frame_sizes = sizes(self.total, largest)
        if not 0 <= start <= len(frame_sizes):
            raise InvalidRequest(f"no frame {start}; wanted 0 to {len(frame_sizes)}")
        offsets = self._frame_offsets(largest, frame_sizes)
        return self._read(frame_sizes, offsets, start)

    def _frame_offsets(self, largest: int, frame_sizes: tuple[int, ...]) -> array[int]:
        with self._lock:
            self._check_open()
            if largest not in self._offsets:
                self._spool.seek(0)
                lengths = (sum(map(len, islice(self._spool, size))) for size in frame_sizes)
                self._offsets[largest] = array("Q", accumulate(lengths, initial=0))
            return self._offsets[largest]

    def _read(
        self, frame_sizes: tuple[int, ...], offsets: array[int], start: int
    ) -> Iterator[Frame]:
        first = sum(frame_sizes[:start])
        for number in range(start, len(frame_sizes)):
            with self._lock:
                self._check_open()
                self._spool.seek(offsets[number])
                lines = self._spool.read(offsets[number + 1] - offsets[number])
            # JSON has no line breaks within a text, so each ends a contact.
            contacts = b"[%b]" % lines[:-1].replace(b"\n", b",")
            yield Frame(number, first, frame_sizes[number], contacts)
            first += frame_sizes[number]

    def _check_open(self) -> None:
        if self._spool.closed:
            raise InvalidRequest("these recipients are closed; prepare them again")


def prepare(
    source: Source,
    *,
    region: str | None = None,
    format: Format | None = None,  # noqa: A002
    most_problems: int = 20,
    progress: Callable[[int], None] | None = None,
) -> Prepared:
    """Read a source once, to its end, and make sure that all of it can be sent.

    Of several recipients with one number the first is kept.

    Args:
        source: numbers and `Contact`s, or the path of a UTF-8 file of them.
        region: where numbers without a country code are dialled; see `numbers.normalised`.
        format: "csv" or "jsonl", where the file's suffix does not say.
        most_problems: how many are told in full, 1 or more; the others are counted.
        progress: called now and then with the number of recipients kept so far.

    Raises:
        InvalidRequest: the arguments name no source, or no region.
        SourceError: not all of it can be sent; it tells every place.
        OSError: the temporary file cannot be written.
    """
    known = None if region is None else known_region(region)
    findings = Findings(name_of(source), known, most_problems)
    spool = _Spool(progress)
    try:
        with closing(read(source, format)) as items:
            duplicates = _fill(spool, items, findings)
        findings.check(spool.total)
    except BaseException:
        spool.file.close()
        raise
    digest = spool.digest.hexdigest()
    return Prepared(spool.total, duplicates, tuple(findings.remarks), digest, spool.file)


def _fill(spool: _Spool, items: Iterator[tuple[int, Item]], findings: Findings) -> int:
    """Spool each recipient, and return how many were left out because they had come before."""
    numbers = set[int]()
    duplicates = 0
    ended = False
    while not ended:
        part = list[tuple[int, Item]]()
        unread: SourceError | None = None
        try:
            # What came before an error is in the part all the same.
            part.extend(islice(items, _PART))
        except SourceError as error:
            unread = error
        if (plain := _plain(part)) is not None:
            new = _new(plain, numbers)
            duplicates += len(plain) - len(new)
            lines = f"{BEFORE}{(AFTER + BEFORE).join(new)}{AFTER}" if new else ""
            spool.add(lines, len(new))
        else:
            duplicates += _one_by_one(spool, part, findings, numbers)
            if findings.enough():
                break
        if unread is not None:
            findings.problems(unread.problems)
        ended = len(part) < _PART
    spool.write()
    return duplicates


def _plain(part: list[tuple[int, Item]]) -> list[str] | None:
    """The items of a part, if all are numbers that need no repair."""
    numbers = cast("list[str]", [item for _, item in part])
    try:
        return numbers if are_normalised(numbers) else None
    except TypeError:
        # Not all of them are text; to look at each first would take as long again.
        return None


def _new(plain: list[str], numbers: set[int]) -> list[str]:
    """Those that are not among ``numbers`` yet; now they are."""
    # Two numbers are never one integer: none begins with 0. And it is half as large.
    keys = {*map(int, plain)}
    if len(keys) == len(plain) and numbers.isdisjoint(keys):
        numbers |= keys
        return plain
    return [number for number in plain if _is_new(int(number), numbers)]


def _is_new(key: int, numbers: set[int]) -> bool:
    if key in numbers:
        return False
    numbers.add(key)
    return True


def _one_by_one(
    spool: _Spool, part: list[tuple[int, Item]], findings: Findings, numbers: set[int]
) -> int:
    duplicates = 0
    for line, item in part:
        if type(item) is str and is_normalised(item):
            number, text = item, f"{BEFORE}{item}{AFTER}"
        elif (recipient := findings.recipient(line, item)) is not None:
            number, text = recipient
        elif findings.enough():
            break
        else:
            continue
        if _is_new(int(number), numbers):
            spool.add(text, 1)
        else:
            duplicates += 1
    return duplicates


class _Spool:
    """The file in which recipients wait, one a line, and what is known of it."""

    __slots__ = ("_added", "_lines", "_progress", "digest", "file", "total")

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `Prepared`)
        self.digest = hashlib.sha256()
        self.total = 0
        self._lines = list[str]()
        self._added = 0
        self._progress = progress

    def add(self, lines: str, count: int) -> None:
        """Take so many more, and write them if there are enough."""
        self._lines.append(lines)
        self._added += count
        if self._added >= _WRITTEN:
            self.write()

    def write(self) -> None:
        """Write what was added since."""
        data = "".join(self._lines).encode()
        self.file.write(data)
        self.digest.update(data)
        self.total += self._added
        self._lines.clear()
        self._added = 0
        if self._progress is not None:
            self._progress(self.total)
