"""What became of each frame of a campaign, in a file that outlives a crash."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Final, Self, cast

from voice_client.errors import VoiceError

try:
    import fcntl
except ImportError:  # pragma: no cover  (Windows; there nobody keeps a second process out)
    fcntl = None  # type: ignore[assignment]

_FORMAT: Final = 1
# Checksums say nothing by themselves.
_MEANING: Final = {
    "recipients_sha256": " with other recipients",
    "request_sha256": " with another text or other options",
}
_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class JournalError(VoiceError):
    """The journal cannot be used: another campaign's, in use, or no journal; then nothing is sent.

    Or the disk takes no more: then no further frame leaves, and what it holds still counts.
    """


class State(StrEnum):
    """What is known of a frame. What is not in the journal was never sent."""

    SENDING = "sending"
    """It was about to leave: nobody knows whether it did."""
    SENT = "sent"
    ALREADY_SENT = "already sent"
    """Accepted by an earlier request; its ticket is not known."""
    REFUSED = "refused"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Record:
    """One step of one frame, at an aware time.

    ``ticket``, ``contacts``, ``cost`` and ``residual`` (euros, as text) are those of the answer;
    ``why`` tells of anything but a success.
    """

    frame: int
    state: State
    at: str
    ticket: str | None = None
    contacts: int | None = None
    cost: str | None = None
    residual: str | None = None
    why: str | None = None

    @property
    def moment(self) -> datetime:
        """When it was written."""
        return datetime.fromisoformat(self.at)


_NAMES: Final = tuple(one.name for one in fields(Record))


class Journal:
    """An append-only file of JSON lines: first what campaign it is, then a line a step.

    A step is on the disk before what it tells of happens. A last line that a crash has ``torn`` is
    taken off before the first step is written; any other damage is an error.
    """

    def __init__(
        self, file: IO[bytes] | None, records: Iterable[Record] = (), *, torn: bool = False
    ) -> None:
        self._file = file
        self._torn = torn
        self.latest = dict[int, Record]()
        """The last step of each frame."""
        self.in_doubt_since = dict[int, datetime]()
        """For each frame that may have been sent: when it first was about to leave."""
        for record in records:
            self._take(record)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file.

        Raises:
            JournalError: the disk still does not take what was written.
        """
        if self._file is None:
            return
        try:
            self._file.close()
        except OSError as error:
            raise JournalError(f"{self._file.name}: cannot be written: {error}") from error

    def write(self, records: Iterable[Record], *, durable: bool = False) -> None:
        """Append the steps; ``durable`` waits until the disk has all that was written so far.

        Raises:
            JournalError: the disk does not take it.
        """
        lines = list[bytes]()
        for record in records:
            self._take(record)
            known = ((name, getattr(record, name)) for name in _NAMES)
            lines.append(_line({name: value for name, value in known if value is not None}))
        if self._file is None:
            return
        try:
            if self._torn:
                self._file.truncate()
                self._torn = False
            self._file.write(b"".join(lines))
            self._file.flush()
            if durable:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise JournalError(f"{self._file.name}: cannot be written: {error}") from error

    def _take(self, record: Record) -> None:
        self.latest[record.frame] = record
        if record.state in {State.SENDING, State.UNKNOWN}:
            self.in_doubt_since.setdefault(record.frame, record.moment)
        else:
            self.in_doubt_since.pop(record.frame, None)


def open_journal(path: Path | None, campaign: Mapping[str, Any], *, resume: bool) -> Journal:
    """The journal of a campaign, begun anew or resumed.

    Args:
        path: where it stands; None keeps it in memory alone.
        campaign: what makes the campaign the one it is; a resumed journal must say the same.
        resume: go on with a journal that is there; else there must be none.

    Raises:
        JournalError: it is there and should not be, or is not what was wanted.
    """
    if path is None:
        return Journal(None)
    try:
        file = path.open("r+b" if resume else "x+b")
    except FileExistsError as error:
        raise JournalError(
            f"{path}: there is a journal; resume that campaign, or name another file"
        ) from error
    except FileNotFoundError as error:
        what = "no journal to resume" if resume else "its folder is not there"
        raise JournalError(f"{path}: {what}") from error
    except OSError as error:
        raise JournalError(f"{path}: cannot be opened: {error.strerror}") from error
    try:
        _lock(file, path)
        head = _line({"journal": _FORMAT, **campaign})
        records = _resumed(file, path, head)
        if records is None:
            _begin(file, path, head)
        torn = file.tell() < os.fstat(file.fileno()).st_size
        return Journal(file, records or (), torn=torn)
    except BaseException:
        with suppress(OSError):
            file.close()
        raise


def _begin(file: IO[bytes], path: Path, head: bytes) -> None:
    try:
        file.write(head)
        file.flush()
        os.fsync(file.fileno())
    except OSError as error:
        raise JournalError(f"{path}: cannot be written: {error}") from error
    # Else the whole file may be gone after a power cut (fsync(2)). Not every system can.
    with suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _lock(file: IO[bytes], path: Path) -> None:
    if fcntl is None:  # pragma: no cover
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise JournalError(f"{path}: another process sends this campaign right now") from error


def _resumed(file: IO[bytes], path: Path, head: bytes) -> list[Record] | None:
    """The steps so far, without a torn last line; None if nothing was written yet.

    The next step is written behind them.
    """
    content = file.read()
    whole = content[: content.rfind(b"\n") + 1]
    # Whatever else the file may be, it is not touched before it has proved to be this journal.
    if not whole and not head.startswith(content):
        raise JournalError(f"{path}:1: no journal of this campaign; name another file")
    records = None
    if whole:
        first, *others = whole.splitlines()
        _check_campaign(_read(first, path, 1), path, _read(head, path, 1))
        records = [_record(line, path, number) for number, line in enumerate(others, 2)]
    file.seek(len(whole))
    return records


def _check_campaign(found_head: Mapping[str, Any], path: Path, head: Mapping[str, Any]) -> None:
    if found_head.get("journal") != _FORMAT:
        raise JournalError(f"{path}:1: no journal of a campaign; name another file")
    for name, wanted in head.items():
        found = found_head.get(name)
        if found != wanted:
            raise JournalError(
                f"{path}:1: the journal of another campaign{_MEANING.get(name, '')}: "
                f"its {name} is {found!r}, this one's is {wanted!r}; "
                "resume with what it was begun with"
            )


def _record(line: bytes, path: Path, number: int) -> Record:
    read = _read(line, path, number)
    try:
        known: dict[str, Any] = {**read, "state": State(read["state"])}
        record = Record(**known)
        _check(record)
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise JournalError(f"{path}:{number}: no step of a campaign: {error}") from error
    return record


def _check(record: Record) -> None:
    """Make sure that a step can be counted with; what it costs is told in the three together."""
    if type(record.frame) is not int or record.frame < 0:
        raise ValueError(f"frame is {record.frame!r}")
    if record.moment.tzinfo is None:
        raise ValueError(f"at is {record.at!r}, without a time zone")
    texts = cast("tuple[object, ...]", (record.ticket, record.why))
    if not all(isinstance(text, str | None) for text in texts):
        raise TypeError(f"ticket and why are {texts!r}")
    told = (record.contacts, record.cost, record.residual)
    if told != (None, None, None):
        contacts, cost, residual = told
        if type(contacts) is not int or not all(
            type(amount) is str and Decimal(amount).is_finite() for amount in (cost, residual)
        ):
            raise ValueError(f"contacts, cost and residual are {told!r}")


def _read(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise JournalError(f"{path}:{number}: no JSON: {error}") from error
    if not isinstance(value, dict):
        raise JournalError(f"{path}:{number}: no JSON object")
    return cast("dict[str, Any]", value)


def _line(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair, which an answer may have, is written as the escape that it was.
    return text.encode(errors="backslashreplace") + b"\n"
