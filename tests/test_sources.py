"""Sources of recipients: what is read from iterables and files, and what is told about the rest."""

from __future__ import annotations

import codecs
import csv
import enum
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from common import ROOT
from voice_client import Contact, members
from voice_client.errors import InvalidRequest
from voice_client.problems import Problem, Remark, SourceError
from voice_client.sources import name_of, read

CONTRACT = yaml.safe_load((ROOT / "openapi" / "voice-campaign.yaml").read_text(encoding="utf-8"))
CONTACT = CONTRACT["components"]["schemas"]["Contact"]
ADA, BEN = "+33612345678", "+33698765432"
# The remedies.
UTF8 = "save it as UTF-8; a spreadsheet calls it CSV UTF-8"
CELLS = "put a cell with a delimiter in it in quotes"
QUOTES = "close the quotes that begin in this row, and double those in a cell"
HEADER = "begin the file with a line such as phone_number,first_name"
COLUMNS = "phone_number, first_name, last_name, param1, param2, param3, param4, param5"


class Folder:
    """Files to read, named as they are told."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, content: str | bytes, name: str = "numbers.csv") -> Path:
        raw = content.encode() if isinstance(content, str) else content
        (self.path / name).write_bytes(raw)
        return Path(name)

    def items(self, content: str | bytes, name: str = "numbers.csv") -> list[tuple[int, Any]]:
        return list(read(self.write(content, name)))

    def told(self, content: str | bytes, name: str = "numbers.csv") -> list[str]:
        """Every problem and remark, and nothing else."""
        found = list[str]()
        try:
            for _, item in read(self.write(content, name)):
                if isinstance(item, Problem):
                    found.append(str(item))
                elif isinstance(item, Remark):
                    found.append(item.text)
        except SourceError as error:
            found.append(str(error))
        return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


# ── Iterables ────────────────────────────────────────────────────────


def test_items_come_with_their_index_from_1() -> None:
    ben = Contact(BEN, first_name="Ben")

    assert list(read([ADA, ben])) == [(1, ADA), (2, ben)]


@pytest.mark.parametrize(
    "kind", [list, tuple, iter, dict.fromkeys, lambda items: (i for i in items)]
)
def test_any_iterable_of_numbers_will_do(kind: Any) -> None:
    source = kind([ADA, BEN])

    assert list(read(source.keys() if isinstance(source, dict) else source)) == [(1, ADA), (2, BEN)]


def test_items_are_read_a_part_at_a_time() -> None:
    taken = list[int]()

    def endless() -> Iterator[str]:
        for number in range(1_000_000_000):
            taken.append(number)
            yield ADA

    items = read(endless())
    next(items)

    assert len(taken) < 1000


def test_a_member_of_an_enumeration_is_its_text() -> None:
    class People(str, enum.Enum):  # noqa: UP042  (a StrEnum is no trouble)
        ADA = "+33612345678"

    ((_, item),) = read(People)

    assert type(item) is str
    assert item == ADA


@pytest.mark.parametrize(
    ("item", "shown"),
    [
        (33612345678, "33612345678"),
        (None, ""),
        (b"+33612345678", "b'+33612345678'"),
        ({"phone_number": ADA}, "{'phone_number': '+33612345678'}"),
        ([ADA], "['+33612345678']"),
    ],
)
def test_an_item_of_another_type_is_told_with_its_index(item: object, shown: str) -> None:
    *_, (_, problem) = read([ADA, item])
    value = f"{shown}: " if shown else ""

    assert str(problem) == (
        f"recipient 2: {value}wanted a str or a Contact; a number in quotes, or Contact(...)"
    )


def test_a_value_is_shortened() -> None:
    ((_, problem),) = read([["+336"] * 10_000])

    assert len(str(problem)) < 200


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (ADA, r"one text; wanted a list of numbers, such as \['\+33612345678'\]"),
        ("numbers.csv", r"for a file pathlib.Path\('numbers.csv'\)"),
        (b"+33612345678", "one text"),
        (bytearray(b"+33612345678"), "one text"),
        ({ADA: "Ada"}, "a mapping"),
        (None, "recipients is None"),
        (5, "recipients is 5"),
    ],
)
def test_what_is_no_source_is_invalid_before_it_is_read(source: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        read(source)


def test_a_format_is_for_files() -> None:
    with pytest.raises(InvalidRequest, match="format='csv' is for a file"):
        read([ADA], format="csv")


# ── Which file ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", ADA),
        ("a.CSV", ADA),
        ("a.tsv", ADA),
        ("a.jsonl", f'"{ADA}"'),
        ("a.ndjson", f'"{ADA}"'),
    ],
)
def test_the_suffix_says_the_format(folder: Folder, name: str, content: str) -> None:
    assert folder.items(content, name) == [(1, ADA)]


@pytest.mark.parametrize(("format_", "content"), [("csv", ADA), ("jsonl", f'"{ADA}"')])
def test_a_format_says_otherwise(folder: Folder, format_: Any, content: str) -> None:
    for name in ("a.txt", "a.csv", "a.jsonl"):
        assert list(read(folder.write(content, name), format_)) == [(1, ADA)]


@pytest.mark.parametrize("name", ["numbers", "numbers.txt", "numbers.xlsx", "numbers.json"])
def test_an_unknown_suffix_needs_a_format(name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"say format='csv' or format='jsonl'"):
        read(Path(name))


def test_an_unknown_format_is_invalid() -> None:
    with pytest.raises(InvalidRequest, match="no such format: 'xlsx'; there are csv, jsonl"):
        read(Path("numbers.csv"), "xlsx")


def test_a_file_is_named_as_it_was_given() -> None:
    assert name_of(Path("a") / "b.csv") == os.path.join("a", "b.csv")  # noqa: PTH118
    assert name_of([ADA]) is None


def test_a_missing_file_is_told(folder: Folder) -> None:
    assert str(folder.path)
    with pytest.raises(SourceError) as caught:
        list(read(Path("gone.csv")))

    assert str(caught.value) == "gone.csv: wanted a file to read; No such file or directory"
    assert caught.value.__cause__ is None


def test_a_folder_is_told(folder: Folder) -> None:
    (folder.path / "folder.csv").mkdir()

    with pytest.raises(SourceError, match=r"folder\.csv: wanted a file to read; "):
        list(read(Path("folder.csv")))


@pytest.mark.parametrize(
    ("error", "remedy"),
    [(PermissionError(13, "Permission denied"), "Permission denied"), (OSError("odd"), "odd")],
)
def test_a_file_that_may_not_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch, error: OSError, remedy: str
) -> None:
    def denied(*_: object) -> io.BufferedReader:
        raise error

    monkeypatch.setattr(Path, "open", denied)

    with pytest.raises(SourceError, match=rf"^numbers\.csv: wanted a file to read; {remedy}$"):
        list(read(Path("numbers.csv")))


# ── Text ─────────────────────────────────────────────────────────────


def test_a_byte_order_mark_is_skipped_and_remarked_on(folder: Folder) -> None:
    items = folder.items(codecs.BOM_UTF8 + f"phone_number\n{ADA}\n".encode())

    remark = Remark("numbers.csv begins with a byte order mark, which was skipped")
    assert items == [(1, remark), (2, ADA)]


@pytest.mark.parametrize("name", ["numbers.csv", "numbers.jsonl"])
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("UTF-16", codecs.BOM_UTF16_LE),
        ("UTF-16", codecs.BOM_UTF16_BE),
        ("UTF-32", codecs.BOM_UTF32_LE),
        ("UTF-32", codecs.BOM_UTF32_BE),
    ],
)
def test_another_encodings_mark_is_told(
    folder: Folder, name: str, encoding: str, mark: bytes
) -> None:
    order = "-le" if mark[0] == 0xFF else "-be"

    assert folder.told(mark + ADA.encode(encoding + order), name) == [
        f"{name}:1: {mark!r}: wanted UTF-8, not {encoding}; {UTF8}"
    ]


def test_utf_16_without_a_mark_is_told(folder: Folder) -> None:
    (told,) = folder.told(ADA.encode("utf-16-le"))

    assert told.startswith(r"numbers.csv:1: '+\x003\x00")
    assert told.endswith("wanted text without NUL; " + UTF8)


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", ["numbers.csv", "numbers.jsonl"])
def test_latin_1_is_told_with_its_line_and_bytes(folder: Folder, name: str) -> None:
    good = f"{ADA}\n" if name.endswith("csv") else f'"{ADA}"\n'
    bad = f"{ADA};Zo\xeb Ren\xe9\n".encode("latin-1")

    assert folder.told(good.encode() * 40_000 + bad + good.encode(), name) == [
        f"{name}:40001: b'2345678;Zo\\xeb Ren\\xe9': wanted UTF-8, not eb; {UTF8}"
    ]


@pytest.mark.parametrize("before", ["", "+33", "+336123456"])
def test_bytes_that_are_no_utf_8_are_shown_wherever_they_stand(folder: Folder, before: str) -> None:
    shown = before.encode() + b"\xe9 12 34 56 "

    assert folder.told(shown + b"78 and so on\n") == [
        f"numbers.csv:1: {shown.rstrip()!r}: wanted UTF-8, not e9; {UTF8}"
    ]


def test_what_comes_before_bytes_that_are_no_utf_8_is_read(folder: Folder) -> None:
    items = read(folder.write(f"{ADA}\n{BEN}\n".encode() + b"\xff"))

    assert [next(items), next(items)] == [(1, ADA), (2, BEN)]


@pytest.mark.parametrize("name", ["numbers.csv", "numbers.jsonl"])
def test_an_endless_line_is_told_before_it_fills_the_memory(folder: Folder, name: str) -> None:
    (told,) = folder.told("+3361234567 " * 50_000, name)

    assert told.startswith(f"{name}:1: '+3361234567 ")
    assert told.endswith("wanted fewer than 262,144 characters a line; one recipient a line")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "end"])
def test_lines_end_as_any_system_ends_them(folder: Folder, end: str, last: str) -> None:
    content = f"phone_number{end}{ADA}{end}{end}{BEN}{end if last else ''}"

    assert folder.items(content) == [(2, ADA), (4, BEN)]


# ── CSV ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("content", ["", "\n\n", "  \n\t\n", "phone_number\n", "phone_number"])
def test_nothing_is_read_from_a_file_with_nothing_in_it(folder: Folder, content: str) -> None:
    assert folder.items(content) == []


A_CONTACT = Contact(ADA, first_name="Ada", param1="10:30")


@pytest.mark.parametrize(
    "content",
    [
        f"phone_number,first_name,param1\n{ADA},Ada,10:30\n",
        f"phone_number;first_name;param1\n{ADA};Ada;10:30\n",
        f"phone_number\tfirst_name\tparam1\n{ADA}\tAda\t10:30\n",
        f"param1,phone_number,first_name\n10:30,{ADA},Ada\n",
        f" Phone_Number , FIRST_NAME,param1\n{ADA},Ada,10:30\n",
        f'"phone_number","first_name","param1"\n"{ADA}","Ada","10:30"\n',
        f"phone_number, first_name, param1\n{ADA}, Ada, 10:30\n",
        f'phone_number, first_name, param1\n{ADA}, "Ada", "10:30"\n',
        f"phone_number,first_name,last_name,param1\n{ADA},Ada,,10:30\n",
        f"phone_number,first_name,param1,last_name\n{ADA},Ada,10:30\n",
        f"phone_number;first_name;param1;;\n{ADA};Ada;10:30; ;\n",
        f"phone_number;first_name;param1\n{ADA};Ada;10:30;;\n",
        f"phone_number;;first_name;param1\n{ADA};;Ada;10:30\n",
    ],
)
def test_columns_are_a_contacts_members_in_any_order(folder: Folder, content: str) -> None:
    assert folder.items(content) == [(2, A_CONTACT)]


def test_every_member_has_a_column(folder: Folder) -> None:
    values = {name: f"value of {name}" for name in CONTACT["properties"]}

    ((_, contact),) = folder.items(",".join(values) + "\n" + ",".join(values.values()))

    assert contact.to_dict() == values


@pytest.mark.parametrize(
    ("content", "items"),
    [
        (f"{ADA}\n{BEN}\n", [(1, ADA), (2, BEN)]),
        (f"\n\n{ADA}\n \n{BEN}\n", [(3, ADA), (5, BEN)]),
        ("06 12 34 56 78\n3.36E+10\n", [(1, "06 12 34 56 78"), (2, "3.36E+10")]),
        ("tel:+33612345678\nabc\n", [(1, "tel:+33612345678"), (2, "abc")]),
        (f"{ADA};\n{BEN};\n", [(1, ADA), (2, BEN)]),
        (f"\n\nphone_number\n\n{ADA}\n", [(5, ADA)]),
        (f"phone_number,first_name\n,\n{ADA},\n, \n", [(3, ADA)]),
        (f'phone_number,first_name\n" "," "\n{ADA},\n\u00a0,\n', [(3, ADA)]),
        (f"phone_number,first_name\n{ADA}\n", [(2, ADA)]),
        ("phone_number,first_name\n,Ada\n", [(2, Contact("", first_name="Ada"))]),
        (f"phone_number\n  {ADA} \n", [(2, f"{ADA} ")]),
        (
            f"phone_number,first_name\n{ADA}, A \n",
            [(2, Contact(ADA, first_name="A "))],
        ),
        (
            f'phone_number,first_name\n{ADA},"A ""da"", L"\n',
            [(2, Contact(ADA, first_name='A "da", L'))],
        ),
    ],
)
def test_rows_are_read_with_the_line_they_stand_in(
    folder: Folder, content: str, items: list[object]
) -> None:
    assert folder.items(content) == items


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_are_right_behind_quoted_line_breaks(folder: Folder, end: str) -> None:
    rows = ["", "phone_number,param1", f'{ADA},"one', "", 'four"', "", f"{BEN},", "abc,"]

    assert folder.items(end.join(rows)) == [
        (3, Contact(ADA, param1=f"one{end}{end}four")),
        (7, BEN),
        (8, "abc"),
    ]


REFUSED_COLUMNS = {
    "number": ("number\n+336\n", "1: 'number'", "did you mean phone_number?"),
    "phone": ("Phone;first_name\n+336;Ada\n", "1: 'Phone'", "did you mean phone_number?"),
    "to": ("first_name,to\n", "1: 'to'", "did you mean phone_number?"),
    "a typo": ("phone_numbr\n", "1: 'phone_numbr'", "did you mean phone_number?"),
    "a blank": ("phone_number,First Name\n", "1: 'First Name'", "did you mean first_name?"),
    "a stranger": ("phone_number,shoe size\n", "1: 'shoe size'", "rename it or leave it out"),
    "as many digits as letters": ("a1\n", "1: 'a1'", "rename it or leave it out"),
    "behind blank lines": ("\n\nnumbr\n", "3: 'numbr'", "did you mean phone_number?"),
}


@pytest.mark.parametrize(
    ("content", "place", "remedy"), REFUSED_COLUMNS.values(), ids=REFUSED_COLUMNS
)
def test_an_unknown_column_is_told_with_what_was_meant(
    folder: Folder, content: str, place: str, remedy: str
) -> None:
    assert folder.told(content) == [
        f"numbers.csv:{place}: wanted columns among {COLUMNS}; {remedy}"
    ]


@pytest.mark.parametrize("other", ["a,b", "a,b,c"])
def test_the_delimiter_is_the_one_between_columns_that_are_known(
    folder: Folder, other: str
) -> None:
    (told,) = folder.told(f"phone_number;{other}\n")

    assert told.startswith(f"numbers.csv:1: '{other}': wanted columns among")


def test_every_unknown_column_is_told_at_once(folder: Folder) -> None:
    with pytest.raises(SourceError) as caught:
        folder.items("mobile;shoe;first_name;first_name\n")

    assert [problem.value for problem in caught.value.problems] == ["mobile", "shoe", "first_name"]


REFUSED_ROWS = {
    "no numbers": (
        "first_name,last_name\nAda,L\n",
        "1: ['first_name', 'last_name']: wanted a column phone_number; name that of the numbers",
    ),
    "a doubled column": (
        "phone_number,param1,Param1\n",
        "1: 'param1': wanted each column once; rename one or leave it out",
    ),
    "no header": (
        f"{ADA};Ada\n",
        f"1: ['+33612345678', 'Ada']: wanted the names of the columns first; {HEADER}",
    ),
    "numbers in columns": (
        f"{ADA},{BEN}\n",
        f"1: ['+33612345678', '+33698765432']: wanted the names of the columns first; {HEADER}",
    ),
    "too many cells": (
        f"phone_number,first_name\n{ADA},L,Ada\n{BEN},Ben\n",
        f"2: ['+33612345678', 'L', 'Ada']: wanted cells in named columns only; {CELLS}",
    ),
    "too many cells in one column": (
        f"{ADA}\n{ADA},Ada\n",
        f"2: ['+33612345678', 'Ada']: wanted cells in named columns only; {CELLS}",
    ),
    "a cell without a name": (
        f"phone_number,,first_name\n{ADA},x,Ada\n",
        f"2: ['+33612345678', 'x', 'Ada']: wanted cells in named columns only; {CELLS}",
    ),
    "quotes that stay open": (
        f'phone_number,first_name\n{ADA},"Ada\n{BEN},Ben\n',
        f"2: '{ADA},\"Ada': wanted a row of CSV; unexpected end of data; {QUOTES}",
    ),
    "quotes that stay open in the header": (
        'phone_number,"first_name\n',
        f"1: 'phone_number,\"first_name': wanted a row of CSV; unexpected end of data; {QUOTES}",
    ),
    "quotes within quotes": (
        f'\nphone_number,first_name\n{ADA},"A"da"\n',
        f"3: '{ADA},\"A\"da\"': wanted a row of CSV; ',' expected after '\"'; {QUOTES}",
    ),
    "a NUL": (
        f"{ADA}\n+336\0\n",
        rf"2: '+336\x00\n': wanted text without NUL; {UTF8}",
    ),
}


@pytest.mark.parametrize(("content", "text"), REFUSED_ROWS.values(), ids=REFUSED_ROWS)
def test_a_file_that_is_no_table_is_told_with_place_value_and_remedy(
    folder: Folder, content: str, text: str
) -> None:
    assert folder.told(content) == [f"numbers.csv:{text}"]


def test_a_first_cell_over_the_limit_is_told(folder: Folder) -> None:
    (told,) = folder.told("a" * 140_000 + "\n")

    assert told.startswith("numbers.csv:1: 'aaa")
    assert "wanted a row of CSV; field larger than field limit" in told


def test_a_field_over_the_limit_is_told_with_the_line_its_row_begins_in(folder: Folder) -> None:
    content = f'phone_number,param1\n\n{ADA},"open\n' + "b\n" * 100_000

    (told,) = folder.told(content)

    assert told == (
        f"numbers.csv:3: '{ADA},\"open': wanted a row of CSV; "
        f"field larger than field limit (131072); {QUOTES}"
    )


def test_rows_behind_a_bad_one_are_read(folder: Folder) -> None:
    _, (line, item) = folder.items(f"phone_number\n{ADA},x\n{BEN}\n")

    assert (line, item) == (3, BEN)


# ── JSON Lines ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "items"),
    [
        ("", []),
        ("\n \n", []),
        (f'"{ADA}"\n\n  "{BEN}"  \n', [(1, ADA), (3, BEN)]),
        (f'"{ADA}"\r\n"{BEN}"', [(1, ADA), (2, BEN)]),
        ('"06 12"\n', [(1, "06 12")]),
        (f'{{"phone_number": "{ADA}"}}\n', [(1, Contact(ADA))]),
        (
            f'{{"param1": "10:30", "phone_number": "{ADA}", "first_name": "Ada"}}',
            [(1, Contact(ADA, first_name="Ada", param1="10:30"))],
        ),
        (
            f'{{"phone_number": "{ADA}", "first_name": null, "last_name": ""}}',
            [(1, Contact(ADA, first_name=None, last_name=""))],
        ),
        (f'"{ADA}\\u00e9 \u00e9"', [(1, f"{ADA}\u00e9 \u00e9")]),
    ],
)
def test_each_line_is_a_number_or_a_contact(
    folder: Folder, content: str, items: list[object]
) -> None:
    assert folder.items(content, "numbers.jsonl") == items


JSON = "wanted one JSON text or object"
TYPE = f"{JSON}; a number in quotes, with its plus sign; no list around the lines"
REFUSED_LINES = {
    "no JSON": ("+336", f"'+336': {JSON}; Expecting value, at character 1"),
    "half an object": (
        "{",
        f"'{{': {JSON}; Expecting property name enclosed in double quotes, at character 2",
    ),
    "two on a line": (
        f'"{ADA}","{BEN}"',
        f'\'"{ADA}","{BEN}"\': {JSON}; Extra data, at character 15',
    ),
    "a number": ("33612345678", f"'33612345678': {TYPE}"),
    "a list": (f'["{ADA}"]', f"'[\"{ADA}\"]': {TYPE}"),
    "null": ("null", f"'null': {TYPE}"),
    "true": ("true", f"'true': {TYPE}"),
    "NaN": ("NaN", f"'NaN': {JSON}; NaN is no JSON"),
    "-Infinity": ("[-Infinity]", f"'[-Infinity]': {JSON}; -Infinity is no JSON"),
    "a member twice": (
        '{"a": 1, "a": 2}',
        f'\'{{"a": 1, "a": 2}}\': {JSON}; a stands there twice: leave one out',
    ),
    "an unknown member": (
        f'{{"number": "{ADA}"}}',
        f"'number': wanted members among {COLUMNS}; did you mean phone_number?",
    ),
    "a member in capitals": (
        f'{{"Phone_number": "{ADA}"}}',
        f"'Phone_number': wanted members among {COLUMNS}; did you mean phone_number?",
    ),
    "no number": (
        '{"first_name": "Ada"}',
        "{'first_name': 'Ada'}: wanted a member phone_number; add it",
    ),
    "nothing": ("{}", "{}: wanted a member phone_number; add it"),
}


@pytest.mark.parametrize(("content", "text"), REFUSED_LINES.values(), ids=REFUSED_LINES)
def test_a_line_that_is_no_recipient_is_told_with_place_value_and_remedy(
    folder: Folder, content: str, text: str
) -> None:
    assert folder.told(f'"{ADA}"\n{content}\n"{BEN}"', "numbers.jsonl") == [
        f"numbers.jsonl:2: {text}"
    ]


def test_every_unknown_member_is_told(folder: Folder) -> None:
    items = folder.items('{"number": "+336", "shoe": 5}', "numbers.jsonl")

    assert [item.value for _, item in items] == ["number", "shoe"]


@pytest.mark.parametrize(
    ("line", "remedy"),
    [("[" * 5000, "recursion"), ("9" * 5000, "integer string conversion")],
)
def test_a_line_that_json_gives_up_on_is_told(folder: Folder, line: str, remedy: str) -> None:
    (told,) = folder.told(line, "numbers.jsonl")

    assert told.startswith("numbers.jsonl:1: ")
    assert remedy in told


# ── Members ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given_", "text"),
    [
        ({"phone_number": 33612345678}, "33612345678: wanted a text as phone_number; in quotes: a"),
        ({"phone_number": None}, "None: wanted a text as phone_number"),
        (
            {"phone_number": ADA, "first_name": 5},
            "5: wanted a text as first_name; put it in quotes",
        ),
        ({"phone_number": ADA, "param5": [None]}, r"\[None\]: wanted a text as param5"),
        ({"phone_number": ADA, "param1": False}, "False: wanted a text as param1"),
        ({"phone_number": ADA, "param1": "\u00e9\ud83d"}, "half a surrogate pair is no text"),
        ({"phone_number": "\ud83d"}, "half a surrogate pair is no text"),
    ],
)
def test_a_member_of_another_type_is_refused(given_: Mapping[str, Any], text: str) -> None:
    with pytest.raises(members.MemberError, match=text):
        members.checked(Contact(**given_))


def test_members_are_texts_or_null_or_not_there() -> None:
    contact = Contact(ADA, first_name=None, last_name="", param1="\u00e9")

    assert members.checked(contact) == {
        "phone_number": ADA,
        "first_name": None,
        "last_name": "",
        "param1": "\u00e9",
    }


def test_the_members_are_those_of_the_contract() -> None:
    assert list(members.NAMES) == list(CONTACT["properties"])
    assert CONTACT["required"] == [members.PHONE]


def test_names_that_the_contract_knows_as_mistaken_lead_to_the_number() -> None:
    mistaken = CONTACT["properties"]["phone_number"]["x-lenient"]["mistaken"]["names"]

    assert {members.suggestion(name) for name in mistaken} == {"did you mean phone_number?"}


# ── Laws ─────────────────────────────────────────────────────────────

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
VALUES = TEXTS.filter(str.strip)


@st.composite
def contacts(draw: st.DrawFn, values: st.SearchStrategy[Any] = VALUES) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(members.NAMES[1:]), unique=True, max_size=3))
    return {"phone_number": draw(VALUES), **{name: draw(values) for name in names}}


def expected(rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    return [Contact.from_dict(row) if len(row) > 1 else row["phone_number"] for row in rows]


@given(
    st.lists(contacts(), min_size=1, max_size=6),
    st.permutations(members.NAMES),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_is_written_as_csv_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, str]],
    columns: list[str],
    delimiter: str,
    end: str,
) -> None:
    path = tmp_path_factory.getbasetemp() / "law.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        quoting: Any = csv.QUOTE_ALL
        writer = csv.DictWriter(
            file, columns, delimiter=delimiter, lineterminator=end, quoting=quoting
        )
        writer.writeheader()
        writer.writerows(rows)

    assert [item for _, item in read(path)] == expected(rows)


@given(rows=st.lists(contacts(st.none() | TEXTS), min_size=1, max_size=6), ascii_=st.booleans())
def test_whatever_is_written_as_json_lines_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], *, ascii_: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "law.jsonl"
    lines = (json.dumps(row, ensure_ascii=ascii_) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8", newline="")

    assert [(line, item) for line, item in read(path)] == [
        (line, Contact.from_dict(row)) for line, row in enumerate(rows, 1)
    ]


@given(st.binary(max_size=200), st.sampled_from(["csv", "jsonl"]))
def test_whatever_bytes_stand_in_a_file_are_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"bytes.{suffix}"
    path.write_bytes(raw)

    try:
        for line, item in read(path):
            assert line >= 1
            assert isinstance(item, str | Contact | Problem | Remark)
    except SourceError as error:
        assert error.problems  # noqa: PT017  (either will do)
