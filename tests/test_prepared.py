"""Prepared recipients: what is kept, what is told, and how frames are cut from it."""

from __future__ import annotations

import csv
import hashlib
import json
import pickle
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import ROOT
from voice_client import Contact, prepared
from voice_client.errors import InvalidRequest, VoiceError
from voice_client.frames import sizes
from voice_client.members import NAMES
from voice_client.prepared import Frame, Prepared, prepare
from voice_client.problems import Problem, SourceError

ADA, BEN, CYD = "+33612345678", "+33698765432", "+442079460018"


def numbers(count: int) -> list[str]:
    return [f"+336{index:08}" for index in range(count)]


def contacts(ready: Prepared, **given_: int) -> list[dict[str, str]]:
    """What the frames say, all together."""
    found = list[dict[str, str]]()
    for frame in ready.frames(**given_):
        found += json.loads(frame.contacts)
    return found


def told(source: Any, **given_: Any) -> list[str]:
    """The lines of the error."""
    with pytest.raises(SourceError) as caught:
        prepare(source, **given_)
    return str(caught.value).splitlines()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ── What is kept ─────────────────────────────────────────────────────


def test_numbers_are_kept_normalised_and_in_order() -> None:
    with prepare([ADA, "00 33 6 98 76 54 32", Contact(" tel:+44-2079-460018")]) as ready:
        assert contacts(ready) == [{"phone_number": number} for number in (ADA, BEN, CYD)]
        assert (ready.total, ready.duplicates, ready.remarks) == (3, 0, ())


def test_the_other_members_are_kept_as_they_are() -> None:
    contact = Contact("00" + ADA[1:], first_name=' Zoë\u2028\n"', last_name=None, param1="")

    with prepare([contact]) as ready:
        (frame,) = ready.frames()

    assert frame.contacts.decode() == (
        '[{"phone_number":"+33612345678",'
        '"first_name":" Zoë\u2028\\n\\"","last_name":null,"param1":""}]'
    )


def test_the_callers_contact_is_not_changed() -> None:
    contact = Contact("00" + ADA[1:], first_name="Ada")

    prepare([contact]).close()

    assert contact == Contact("00" + ADA[1:], first_name="Ada")


def test_the_first_of_several_recipients_with_one_number_is_kept() -> None:
    source = [ADA, BEN, Contact(ADA, first_name="Ada"), "0033 612345678", BEN]

    with prepare(source) as ready:
        assert contacts(ready) == [{"phone_number": ADA}, {"phone_number": BEN}]
        assert (ready.total, ready.duplicates) == (2, 3)


def test_numbers_that_differ_in_length_alone_are_two() -> None:
    with prepare(["+1234567", "+12345670", "+123456700"]) as ready:
        assert ready.total == 3


def test_a_region_is_where_national_numbers_are_dialled() -> None:
    with prepare(["06 12 34 56 78", Contact("0698765432"), CYD], region="fr") as ready:
        assert [contact["phone_number"] for contact in contacts(ready)] == [ADA, BEN, CYD]


@pytest.mark.parametrize("region", ["XX", ""])
def test_an_unknown_region_is_told_before_anything_is_read(region: str) -> None:
    def never() -> Iterator[str]:
        pytest.fail("read")
        yield ADA

    with pytest.raises(InvalidRequest, match=f"region '{region}'"):
        prepare(never(), region=region)


def test_a_byte_order_mark_is_remarked_on(folder: Path) -> None:
    (folder / "a.csv").write_text(ADA, encoding="utf-8-sig")

    with prepare(Path("a.csv")) as ready:
        assert ready.remarks == ("a.csv begins with a byte order mark, which was skipped",)
        assert ready.total == 1


def test_a_format_is_handed_on(folder: Path) -> None:
    (folder / "a.txt").write_text(f'"{ADA}"', encoding="utf-8")

    with prepare(Path("a.txt"), format="jsonl") as ready:
        assert ready.total == 1


def test_the_hash_is_that_of_compact_json_one_contact_a_line() -> None:
    lines = f'{{"phone_number":"{ADA}"}}\n{{"phone_number":"{BEN}","first_name":"é"}}\n'

    with prepare([ADA, Contact(BEN, first_name="é")]) as ready:
        assert ready.sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_the_hash_is_that_of_every_recipient() -> None:
    lines = "".join(f'{{"phone_number":"{number}"}}\n' for number in numbers(2500))

    with prepare(numbers(2500)) as ready:
        assert ready.sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_a_number_and_a_contact_that_has_nothing_else_are_the_same() -> None:
    with prepare([ADA]) as number, prepare([Contact(ADA)]) as contact:
        assert number.sha256 == contact.sha256


@pytest.mark.parametrize("change", [[BEN, ADA], [ADA], [ADA, Contact(BEN, param1="")]])
def test_another_list_has_another_hash(change: list[str | Contact]) -> None:
    with prepare([ADA, BEN]) as one, prepare(change) as other:
        assert one.sha256 != other.sha256


def test_progress_is_told_now_and_then_and_at_the_end() -> None:
    seen = list[int]()

    prepare(numbers(2500), progress=seen.append).close()

    assert seen == [1000, 2000, 2500]


# ── Where it is kept ─────────────────────────────────────────────────


@pytest.mark.skipif(sys.platform == "win32", reason="there, it has a name until it is closed")
def test_nothing_that_has_a_name_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with prepare(numbers(5000)):
        assert list(tmp_path.iterdir()) == []


@pytest.fixture
def spools(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The temporary files that are made."""
    made = list[Any]()
    make = tempfile.TemporaryFile

    def kept() -> Any:
        made.append(make())
        return made[-1]

    monkeypatch.setattr(prepared.tempfile, "TemporaryFile", kept)
    return made


def raising(error: BaseException) -> Iterator[str]:
    yield ADA
    raise error


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt()])
def test_an_error_of_the_iterable_itself_is_left_alone(
    spools: list[Any], error: BaseException
) -> None:
    with pytest.raises(type(error)):
        prepare(raising(error))

    assert [spool.closed for spool in spools] == [True]


def test_what_was_read_of_a_bad_source_is_forgotten(spools: list[Any]) -> None:
    with pytest.raises(SourceError):
        prepare([*numbers(5000), "abc"])

    assert [spool.closed for spool in spools] == [True]


def test_a_file_is_closed_even_if_it_is_not_read_to_its_end(folder: Path) -> None:
    (folder / "a.csv").write_text("phone_number\n" + "abc\n" * 100_000, encoding="utf-8")

    with pytest.raises(SourceError) as caught:
        prepare(Path("a.csv"))

    # The error keeps alive whatever was not closed.
    assert caught.value.stopped_after == 1000
    assert "a.csv" not in {Path(file.path).name for file in psutil.Process().open_files()}


def test_what_is_closed_has_no_frames(spools: list[Any]) -> None:
    with prepare(numbers(1000)) as ready:
        frames = ready.frames()
        next(frames)

    assert [spool.closed for spool in spools] == [True]
    with pytest.raises(InvalidRequest, match="closed; prepare them again"):
        next(frames)
    with pytest.raises(InvalidRequest, match="closed; prepare them again"):
        ready.frames()


LONG = "x" * 1000


def many(count: int) -> Iterator[Contact]:
    return (Contact(number, param1=LONG) for number in numbers(count))


def as_csv(path: Path) -> Path:
    lines = (f"{number},{LONG}\n" for number in numbers(10_000))
    with (path / "a.csv").open("w", encoding="utf-8") as file:
        file.writelines(["phone_number,param1\n", *lines])
    return path / "a.csv"


def as_json_lines(path: Path) -> Path:
    with (path / "a.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(contact.to_dict()) + "\n" for contact in many(10_000))
    return path / "a.jsonl"


@pytest.mark.unmeasured
@pytest.mark.parametrize("made", [lambda _: many(10_000), as_csv, as_json_lines])
def test_the_memory_holds_a_part_of_a_source_only(
    tmp_path: Path, made: Callable[[Path], Any]
) -> None:
    """10 MB are read, and cut into frames of half a megabyte."""
    source = made(tmp_path)
    tracemalloc.start()
    try:
        with prepare(source) as ready:
            assert sum(frame.size for frame in ready.frames()) == 10_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 6_000_000


IN_ITS_OWN_PROCESS = """
import resource, sys
from voice_client.prepared import prepare

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with prepare(f"+336{index:08}" for index in range(250_000)) as ready:
    assert sum(frame.size for frame in ready.frames()) == 250_000
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.unmeasured
@pytest.mark.skipif(sys.platform != "linux", reason="counts kilobytes there only")
def test_a_quarter_of_a_million_numbers_needs_less_than_a_quarter_of_90_megabytes() -> None:
    command = [sys.executable, "-c", IN_ITS_OWN_PROCESS]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}"}
    run = subprocess.run(command, env=path, capture_output=True, text=True, check=True)

    assert int(run.stdout) < 22_500


# ── What is told ─────────────────────────────────────────────────────

WANTED = "wanted a plus sign, country code and number"


def test_a_bad_line_40001_is_told(folder: Path) -> None:
    lines = ["phone_number", *numbers(39_999), "3.36E+10", ADA]
    (folder / "numbers.csv").write_text("\n".join(lines), encoding="utf-8")

    (line,) = told(Path("numbers.csv"))

    assert line == (
        f"numbers.csv:40001: '3.36E+10': {WANTED}; "
        "a spreadsheet wrote it as a number: format the column as text"
    )


def test_every_problem_is_told_at_once(folder: Path) -> None:
    (folder / "numbers.csv").write_text(f"{ADA}\nabc\n{BEN},x\n\n06 12\n", encoding="utf-8")

    assert [line.split(":", 2)[1] for line in told(Path("numbers.csv"))] == ["2", "3", "5"]


def test_problems_before_the_end_of_what_can_be_read_are_told(folder: Path) -> None:
    (folder / "numbers.csv").write_bytes(f"{ADA}\nabc\n".encode() + b"\xff")

    assert [line.split(":", 2)[1] for line in told(Path("numbers.csv"))] == ["2", "3"]


def test_problems_of_an_iterable_are_told_by_index() -> None:
    first, second, third = told([ADA, "abc", 5, Contact(ADA, param1=7)])

    assert first.startswith("recipient 2: 'abc': wanted a plus sign")
    assert second.startswith("recipient 3: 5: wanted a str or a Contact")
    assert third.startswith("recipient 4: 7: wanted a text as param1")


def test_problems_are_data_too(folder: Path) -> None:
    (folder / "numbers.jsonl").write_text(f'"{ADA}"\n{{"phone_number": 33612345678}}\n', "utf-8")

    with pytest.raises(SourceError) as caught:
        prepare(Path("numbers.jsonl"))

    remedy = "in quotes: a number loses its plus sign"
    problem = Problem("numbers.jsonl", 2, 33612345678, "a text as phone_number", remedy)
    assert caught.value.problems == (problem,)


@pytest.mark.parametrize("before", [1, 199, 200, 201])
def test_a_file_that_breaks_off_behind_good_numbers_is_refused(folder: Path, before: int) -> None:
    (folder / "a.csv").write_bytes("".join(f"{n}\n" for n in numbers(before)).encode() + b"\xff\n")

    (line,) = told(Path("a.csv"))

    assert line.startswith(f"a.csv:{before + 1}: b'\\xff': wanted UTF-8, not ff; ")


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", ""), ("a.csv", "phone_number\n\n"), ("a.jsonl", "\n")]
)
def test_an_empty_file_is_refused(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")

    assert told(Path(name)) == [f"{name}: wanted recipients; there are none in it"]


def test_an_empty_iterable_is_refused() -> None:
    assert told([]) == ["recipients: wanted recipients; there are none in it"]


def test_nothing_but_problems_is_not_called_empty() -> None:
    assert len(told(["abc"])) == 1


@pytest.mark.parametrize(
    ("bad", "most", "last"),
    [
        (20, 20, ["recipient 20"]),
        (21, 20, ["recipient 20", "and 1 more problem"]),
        (999, 20, ["recipient 20", "and 979 more problems"]),
        (3, 2, ["recipient 2", "and 1 more problem"]),
        (3, 0, ["and 3 more problems"]),
        (1000, 20, ["and 980 more problems", "stopped looking after 1,000 problems"]),
        (1500, 1400, ["recipient 1400", "stopped looking after 1,400 problems"]),
        (5000, 20, ["and 980 more problems", "stopped looking after 1,000 problems"]),
    ],
)
def test_many_problems_are_counted(bad: int, most: int, last: list[str]) -> None:
    lines = told(["abc"] * bad, most_problems=most)

    tail = lines[-len(last) :]
    assert all(line.startswith(start) for line, start in zip(tail, last, strict=True))


def test_twenty_problems_are_told_if_nothing_else_is_said() -> None:
    with pytest.raises(SourceError) as caught:
        prepare(["abc"] * 30)

    assert (len(caught.value.problems), caught.value.more) == (20, 10)
    assert caught.value.stopped_after == 0


def test_an_endless_source_of_problems_comes_to_an_end() -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "abc"

    assert told(endless())[-1] == "stopped looking after 1,000 problems"


def test_a_source_error_is_an_invalid_request_and_crosses_processes() -> None:
    with pytest.raises(VoiceError) as caught:
        prepare(["abc", "x"], most_problems=1)

    assert isinstance(caught.value, InvalidRequest)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


# ── Frames ───────────────────────────────────────────────────────────


def test_a_frame_says_which_it_is_and_where_it_begins() -> None:
    with prepare(numbers(1001)) as ready:
        frames = [(frame.number, frame.first, frame.size) for frame in ready.frames()]

    assert frames == [(0, 0, 334), (1, 334, 334), (2, 668, 333)]


def test_the_contacts_of_a_frame_are_one_compact_json_array() -> None:
    with prepare([ADA, Contact(BEN, first_name="Ben")]) as ready:
        assert list(ready.frames()) == [
            Frame(
                0,
                0,
                2,
                b'[{"phone_number":"+33612345678"},{"phone_number":"+33698765432","first_name":"Ben"}]',
            )
        ]


def test_frames_can_be_asked_for_again_and_in_several_sizes_at_once() -> None:
    with prepare(numbers(1234)) as ready:
        both = zip(ready.frames(), ready.frames(largest=411), strict=False)
        pairs = [
            (one.first, two.first, one.contacts.count(b"+"), two.contacts.count(b"+"))
            for one, two in both
        ]
        again = contacts(ready)

    assert pairs == [(0, 0, 412, 309), (412, 309, 411, 309), (823, 618, 411, 308)]
    assert [contact["phone_number"] for contact in again] == numbers(1234)


@pytest.mark.parametrize("start", [0, 1, 5, 9, 10])
def test_a_campaign_is_resumed_at_any_frame(start: int) -> None:
    source = [Contact(number, param1="x" * int(number[-2:])) for number in numbers(95)]

    with prepare(source) as ready:
        whole = list(ready.frames(largest=10))
        rest = list(ready.frames(largest=10, start=start))

    assert rest == whole[start:]


def test_frames_before_the_first_that_is_asked_for_are_not_read(spools: list[Any]) -> None:
    with prepare(numbers(5000)) as ready:
        assert next(ready.frames()).number == 0
        seeks = list[int]()
        (spool,) = spools
        object.__setattr__(ready, "_spool", Watched(spool, seeks))
        assert [frame.number for frame in ready.frames(start=8)] == [8, 9]

    line = len(f'{{"phone_number":"{ADA}"}}\n')
    assert seeks == [8 * 500 * line, 9 * 500 * line]


class Watched:
    """A file that remembers where it was read."""

    def __init__(self, file: Any, seeks: list[int]) -> None:
        self._file = file
        self._seeks = seeks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def seek(self, offset: int) -> int:
        self._seeks.append(offset)
        return self._file.seek(offset)


@pytest.mark.parametrize(("start", "largest"), [(-1, 500), (3, 500), (0, 0), (0, -5)])
def test_there_is_no_frame_but_those_that_cover_the_total(start: int, largest: int) -> None:
    with prepare(numbers(600)) as ready, pytest.raises(InvalidRequest):
        ready.frames(largest, start=start)


def test_several_threads_may_ask_for_frames() -> None:
    with prepare(numbers(10_000)) as ready, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: contacts(ready, largest=50), range(16)))

    assert all(each == found[0] for each in found)
    assert [contact["phone_number"] for contact in found[0]] == numbers(10_000)


# ── Laws ─────────────────────────────────────────────────────────────

# Without a zero where one may not be dialled.
NUMBERS = st.from_regex(r"\+[1-9]{4}[0-9]{3,12}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=9)
CONTACTS = st.builds(
    lambda number, members: {"phone_number": number, **members},
    NUMBERS,
    st.dictionaries(st.sampled_from(NAMES[1:]), TEXTS.filter(str.strip), max_size=2),
)


def written(folder: Path, rows: Iterable[dict[str, str]]) -> list[Any]:
    """The same recipients as a list, as CSV and as JSON Lines."""
    with (folder / "law.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, NAMES, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    with (folder / "law.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return [[Contact(**row) for row in rows], folder / "law.csv", folder / "law.jsonl"]


@given(rows=st.lists(CONTACTS, min_size=1, max_size=8))
def test_a_list_and_the_files_written_from_it_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]
) -> None:
    hashes = set[str]()
    for source in written(tmp_path_factory.getbasetemp(), rows):
        with prepare(source) as ready:
            hashes.add(ready.sha256)

    assert len(hashes) == 1


@given(
    st.lists(st.one_of(NUMBERS, st.sampled_from([ADA, BEN])), min_size=1, max_size=60),
    st.integers(1, 20),
)
def test_every_number_is_in_one_frame_once(source: list[str], largest: int) -> None:
    with prepare(source) as ready:
        frames = list(ready.frames(largest))
        found = [contact["phone_number"] for contact in contacts(ready, largest=largest)]

    assert found == list(dict.fromkeys(source))
    assert (ready.total, ready.duplicates) == (len(found), len(source) - len(found))
    assert tuple(frame.size for frame in frames) == sizes(len(found), largest)
    assert [frame.first for frame in frames] == [
        sum(frame.size for frame in islice(frames, number)) for number in range(len(frames))
    ]


@given(st.lists(st.one_of(NUMBERS, st.text()), min_size=1, max_size=30))
def test_a_source_is_prepared_whole_or_refused_whole(source: list[str]) -> None:
    """Every item is a recipient, a duplicate or a problem; nothing is dropped without a word."""
    try:
        ready = prepare(source)
    except SourceError as error:
        assert 1 <= len(error.problems) + error.more <= len(source)  # noqa: PT017  (one of two)
    else:
        with ready:
            assert ready.total + ready.duplicates == len(source)
