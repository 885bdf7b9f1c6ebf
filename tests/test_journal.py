"""The journal: what it keeps, and which files it refuses."""

from __future__ import annotations

import fcntl
import io
import json
import os
import stat
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import NOON
from voice_client import JournalError, State
from voice_client import journal as room
from voice_client.journal import Journal, Record, open_journal

CAMPAIGN = {"recipients": 3, "request_sha256": "abc", "login": "ada", "largest_frame": 500}
HEAD = json.dumps({"journal": 1, **CAMPAIGN}, separators=(",", ":")).encode() + b"\n"
AT = NOON.isoformat()
SENT = Record(0, State.SENT, AT, "voice_1", 3, "0.15", "149.85")


def opened(path: Path, *, resume: bool = False, **other: Any) -> Journal:
    return open_journal(path, {**CAMPAIGN, **other}, resume=resume)


def written(path: Path, *records: Record) -> bytes:
    """The bytes of a journal with these steps."""
    with opened(path) as journal:
        journal.write(records)
    return path.read_bytes()


def resumed(path: Path, content: bytes) -> Journal:
    path.write_bytes(content)
    return opened(path, resume=True)


def remembered(path: Path, content: bytes) -> Journal:
    with resumed(path, content) as journal:
        return journal


def refused(path: Path, content: bytes, **other: Any) -> str:
    """Why a file is no journal of this campaign; it must not be changed."""
    path.write_bytes(content)
    with pytest.raises(JournalError) as caught:
        opened(path, resume=True, **other)
    assert path.read_bytes() == content
    return str(caught.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "campaign.jsonl"


# ── what is written ──────────────────────────────────────────────────────


def test_a_journal_begins_with_what_campaign_it_is(path: Path) -> None:
    assert written(path) == HEAD


def test_each_step_is_a_line_without_what_is_not_known(path: Path) -> None:
    sending = Record(1, State.SENDING, AT)

    lines = written(path, sending, SENT).splitlines()[1:]

    assert [json.loads(line) for line in lines] == [
        {"frame": 1, "state": "sending", "at": AT},
        {
            "frame": 0,
            "state": "sent",
            "at": AT,
            "ticket": "voice_1",
            "contacts": 3,
            "cost": "0.15",
            "residual": "149.85",
        },
    ]


def _known(record: Record) -> dict[str, Any]:
    return {name: value for name, value in asdict(record).items() if value is not None}


def test_a_step_can_be_read_by_others_before_the_journal_is_closed(path: Path) -> None:
    with opened(path) as journal:
        journal.write([SENT])

        assert path.read_bytes().count(b"\n") == 2


def test_only_durable_steps_are_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = list[int]()
    with opened(path) as journal:
        monkeypatch.setattr(os, "fsync", lambda number: sizes.append(os.fstat(number).st_size))
        journal.write([SENT])
        journal.write([SENT], durable=True)

    assert sizes == [path.stat().st_size]


def test_a_new_journal_is_on_the_disk_and_in_its_folder(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = list[tuple[bool, int]]()

    def fsync(number: int) -> None:
        found = os.fstat(number)
        synced.append((stat.S_ISDIR(found.st_mode), found.st_ino))

    monkeypatch.setattr(os, "fsync", fsync)
    written(path)

    assert synced == [(False, path.stat().st_ino), (True, path.parent.stat().st_ino)]


def test_a_folder_that_cannot_be_synced_is_none_of_our_business(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(number: int) -> None:
        if stat.S_ISDIR(os.fstat(number).st_mode):
            raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fsync)

    assert written(path) == HEAD


def test_no_more_files_are_open_than_before(path: Path) -> None:
    before = len([*Path("/dev/fd").iterdir()])
    written(path, SENT)
    resumed(path, HEAD).close()
    refused(path, b"other")

    assert len([*Path("/dev/fd").iterdir()]) <= before


def test_a_journal_without_a_file_remembers(tmp_path: Path) -> None:
    with open_journal(None, CAMPAIGN, resume=False) as journal:
        journal.write([SENT], durable=True)

    assert (journal.latest, [*tmp_path.iterdir()]) == ({0: SENT}, [])


def test_half_a_character_is_written_as_an_escape(path: Path) -> None:
    """An answer may have one, as JSON's escapes do not come in pairs."""
    odd = Record(0, State.REFUSED, AT, why="No \ud800 é.")

    content = written(path, odd)

    assert b"No \\ud800 \xc3\xa9." in content
    assert remembered(path, content).latest == {0: odd}


# ── what is remembered ───────────────────────────────────────────────────


def at(hours: float) -> str:
    return (NOON + timedelta(hours=hours)).isoformat()


def steps(*states: State) -> list[Record]:
    return [Record(0, state, at(number)) for number, state in enumerate(states)]


@pytest.mark.parametrize(
    ("states", "since"),
    [
        ([State.SENDING], 0),
        ([State.SENDING, State.UNKNOWN], 0),
        ([State.SENDING, State.UNKNOWN, State.SENDING], 0),
        ([State.SENDING, State.SENT], None),
        ([State.SENDING, State.ALREADY_SENT], None),
        ([State.SENDING, State.REFUSED], None),
        ([State.SENDING, State.NOT_SENT], None),
        ([State.SENDING, State.NOT_SENT, State.SENDING], 2),
        ([State.SENDING, State.REFUSED, State.SENDING, State.UNKNOWN], 2),
    ],
    ids=str,
)
def test_doubt_begins_with_the_first_try_that_may_have_been_sent(
    path: Path, states: list[State], since: int | None
) -> None:
    content = written(path, *steps(*states))

    journal = remembered(path, content)

    expected = {} if since is None else {0: NOON + timedelta(hours=since)}
    assert (journal.in_doubt_since, journal.latest[0].state) == (expected, states[-1])


records = st.builds(
    Record,
    frame=st.integers(0, 5),
    state=st.sampled_from(State),
    at=st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    ticket=st.none() | st.text(),
    why=st.none() | st.text(),
) | st.builds(
    Record,
    frame=st.integers(0, 5),
    state=st.just(State.SENT),
    at=st.just(AT),
    ticket=st.text(),
    contacts=st.integers(0, 500),
    cost=st.decimals(0, 1000, places=2).map(str),
    residual=st.decimals(-10, 1000, places=2).map(str),
)


@given(st.lists(records, max_size=5))
def test_a_resumed_journal_remembers_what_the_first_one_did(
    tmp_path_factory: pytest.TempPathFactory, made: list[Record]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "campaign.jsonl"
    with opened(path) as first:
        first.write(made)

    with opened(path, resume=True) as second:
        assert (second.latest, second.in_doubt_since) == (first.latest, first.in_doubt_since)


@pytest.mark.parametrize("cut", range(len(HEAD)))
@pytest.mark.unmeasured
def test_a_head_that_a_crash_has_torn_is_written_anew(path: Path, cut: int) -> None:
    with resumed(path, HEAD[:cut]) as journal:
        assert journal.latest == {}

    assert path.read_bytes() == HEAD


def test_a_line_that_a_crash_has_torn_is_taken_off_before_the_next_wherever_it_is_cut(
    path: Path,
) -> None:
    content = written(path, *steps(State.SENDING, State.SENT))
    for cut in range(len(HEAD), len(content)):
        whole = content[: content[:cut].rfind(b"\n") + 1]

        with resumed(path, content[:cut]) as journal:
            assert path.read_bytes() == content[:cut]
            journal.write([SENT])

        assert path.read_bytes() == whole + _line(SENT)


def _line(record: Record) -> bytes:
    return json.dumps(_known(record), separators=(",", ":")).encode() + b"\n"


def test_what_a_power_cut_leaves_behind_is_taken_off(path: Path) -> None:
    with resumed(path, HEAD + _line(SENT) + b"\0" * 512) as journal:
        assert journal.latest == {0: SENT}
        journal.write([SENT])

    assert path.read_bytes() == HEAD + _line(SENT) * 2


# ── which files are refused ──────────────────────────────────────────────


def test_a_journal_is_not_begun_where_there_is_one(path: Path) -> None:
    content = written(path, SENT)

    with pytest.raises(JournalError, match="there is a journal; resume that campaign"):
        opened(path)
    assert path.read_bytes() == content


def test_there_must_be_one_to_resume(path: Path) -> None:
    with pytest.raises(JournalError, match="no journal to resume"):
        opened(path, resume=True)
    assert not path.exists()


def test_its_folder_must_be_there(path: Path) -> None:
    with pytest.raises(JournalError, match="its folder is not there"):
        opened(path / "below")


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened: Is a directory"):
        opened(tmp_path, resume=True)


@pytest.mark.parametrize("name", CAMPAIGN)
def test_another_campaigns_journal_is_refused_with_what_differs(path: Path, name: str) -> None:
    message = refused(path, HEAD, **{name: "other"})
    what = " with another text or other options" if name == "request_sha256" else ""

    assert message == (
        f"{path}:1: the journal of another campaign{what}: its {name} is {CAMPAIGN[name]!r}, "
        "this one's is 'other'; resume with what it was begun with"
    )


def test_a_head_that_lacks_something_is_another_campaigns(path: Path) -> None:
    assert "its key is None, this one's is 'k'" in refused(path, HEAD, key="k")


FILES: dict[str, tuple[bytes, str]] = {
    "a list of numbers": (b"+33612345678\n+33698765432", ":1: no JSON: "),
    "a table": (b"phone_number\n+33612345678\n", ":1: no JSON: "),
    "one line without its end": (b"hello", ":1: no journal of this campaign"),
    "another head, torn": (HEAD[:30].replace(b"3", b"4"), ":1: no journal of this campaign"),
    "an object": (b"{}\n", ":1: no journal of a campaign"),
    "another version": (HEAD.replace(b'"journal":1', b'"journal":2'), ":1: no journal of a camp"),
    "no text": (b"\xff\xfe\n", ":1: no JSON: "),
    "too deep": (b"[" * 100_000 + b"\n", ":1: no JSON: "),
    "a list in place of the head": (b"[]\n", ":1: no JSON object"),
    "an empty line": (HEAD + b"\n" + _line(SENT), ":2: no JSON: "),
    "a damaged line": (HEAD + _line(SENT)[:-9] + b"\n" + _line(SENT), ":2: no JSON: "),
    "a line of something else": (HEAD + _line(SENT) + b"5\n" + _line(SENT), ":3: no JSON object"),
    "a damaged line before a torn one": (HEAD + b"{]\n" + b'{"fr', ":2: no JSON: "),
}


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES)
def test_what_is_no_journal_is_refused_and_left_as_it_is(
    path: Path, content: bytes, message: str
) -> None:
    assert f"{path}{message}" in refused(path, content)


GOOD = _known(SENT)
STEPS: dict[str, dict[str, Any]] = {
    "no state": {name: value for name, value in GOOD.items() if name != "state"},
    "no frame": {name: value for name, value in GOOD.items() if name != "frame"},
    "no time": {name: value for name, value in GOOD.items() if name != "at"},
    "another state": {**GOOD, "state": "on its way"},
    "a member more": {**GOOD, "price": 5},
    "a frame before the first": {**GOOD, "frame": -1},
    "a frame that is a text": {**GOOD, "frame": "0"},
    "a frame that is a fraction": {**GOOD, "frame": 0.5},
    "a frame that is true": {**GOOD, "frame": True},
    "no moment": {**GOOD, "at": "noon"},
    "a moment that is a number": {**GOOD, "at": 5},
    "a moment without zone": {**GOOD, "at": "2026-11-23T12:00:00"},
    "a ticket that is a number": {**GOOD, "ticket": 5},
    "a reason that is a list": {**GOOD, "why": []},
    "contacts without cost": {**GOOD, "cost": None},
    "cost without contacts": {**GOOD, "contacts": None},
    "cost without what is left": {**GOOD, "residual": None},
    "contacts that are a text": {**GOOD, "contacts": "3"},
    "contacts that are true": {**GOOD, "contacts": True},
    "a cost that is a number": {**GOOD, "cost": 0.15},
    "a cost that is none": {**GOOD, "cost": "much"},
    "a cost that is no number": {**GOOD, "cost": "NaN"},
    "an endless credit": {**GOOD, "residual": "Infinity"},
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_step_that_cannot_be_counted_with_is_refused(path: Path, step: dict[str, Any]) -> None:
    content = HEAD + json.dumps(step).encode() + b"\n"

    assert f"{path}:2: no step of a campaign: " in refused(path, content)


pieces = st.sampled_from([HEAD, _line(SENT), b"\n", b"{", b"[]\n"])


@given(st.binary() | st.lists(pieces).map(b"".join))
def test_any_file_is_a_journal_or_an_error_of_the_family(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("journal") / "campaign.jsonl"
    try:
        resumed(path, content).close()
    except JournalError:
        assert path.read_bytes() == content
    else:
        assert path.read_bytes().startswith(HEAD)


# ── who else is there ────────────────────────────────────────────────────


def test_a_journal_in_use_is_refused(path: Path) -> None:
    with opened(path):
        assert "another process sends this campaign right now" in refused_again(path)
        assert path.read_bytes() == HEAD
    opened(path, resume=True).close()


def refused_again(path: Path) -> str:
    with pytest.raises(JournalError) as caught:
        opened(path, resume=True)
    return str(caught.value)


def test_a_journal_that_somebody_else_has_locked_is_refused(path: Path) -> None:
    written(path)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        assert "another process sends this campaign right now" in refused_again(path)


def test_a_system_without_locks_keeps_a_journal_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "fcntl", None)
    content = written(path, SENT)

    assert remembered(path, content).latest == {0: SENT}


# ── a disk that is full ──────────────────────────────────────────────────


class Full(io.FileIO):
    """A file on a disk that takes so many bytes, and no more."""

    room = 0

    def write(self, data: Any, /) -> int:
        if not self.room:
            raise OSError(28, "No space left on device")
        taken = super().write(bytes(data)[: self.room]) or 0
        self.room -= taken
        return taken


def full(path: Path, space: int) -> Journal:
    raw = Full(path, "x+")
    raw.room = space
    return Journal(io.BufferedRandom(raw))


def test_a_full_disk_is_an_error_of_the_family(path: Path) -> None:
    journal = full(path, 0)

    with pytest.raises(JournalError, match=r"cannot be written: .*No space left"):
        journal.write([SENT])
    with pytest.raises(JournalError, match=r"cannot be written: .*No space left"):
        journal.close()


def test_once_there_is_room_again_no_line_is_lost_or_torn(path: Path) -> None:
    raw = Full(path, "x+")
    raw.room = 10
    journal = Journal(io.BufferedRandom(raw))
    with pytest.raises(JournalError):
        journal.write([SENT])

    raw.room = 10_000
    journal.write([Record(1, State.SENDING, AT)])
    journal.close()

    assert path.read_bytes() == _line(SENT) + _line(Record(1, State.SENDING, AT))


def failing(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_disk_that_fails_to_sync_is_an_error_of_the_family(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(path) as journal:
        monkeypatch.setattr(os, "fsync", failing)

        with pytest.raises(JournalError, match="cannot be written"):
            journal.write([SENT], durable=True)


def test_a_journal_that_cannot_be_begun_is_an_error_of_the_family(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing)

    with pytest.raises(JournalError, match=r"campaign\.jsonl: cannot be written"):
        opened(path)


def test_a_head_that_the_disk_does_not_take_is_an_error_of_the_family(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_: Callable[..., Any] = Path.open

    def opening(self: Path, mode: str) -> Any:
        open_(self, mode).close()
        return io.BufferedRandom(Full(self, "r+"))

    monkeypatch.setattr(Path, "open", opening)

    with pytest.raises(JournalError, match=r"campaign\.jsonl: cannot be written"):
        opened(path)


def test_an_interrupt_while_it_is_opened_lets_go_of_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        opened(path)
    monkeypatch.undo()

    opened(path, resume=True).close()
