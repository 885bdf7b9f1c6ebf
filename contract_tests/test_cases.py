"""Every row of cases/ holds, and the table itself is honest."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import pytest

import spec
from mock_server import casts
from mock_server.contract.loader import Contract
from mock_server.reading import coercion, decoding
from vms.parity import cases
from vms.parity.cases import IN_CONTACT, UNSAID


def _written(value: object) -> str:
    """JSON text, in which 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One row; cases/README.md says what each key means. A key that is not here stops the run."""

    label: str
    field: str | None = None
    raw: Any = UNSAID
    body: Any = UNSAID
    sent: Any = UNSAID
    encoding: str = "utf-8"
    content_type: str = "application/json"
    query: str = ""
    region: str = "FR"
    same: bool = False
    value: Any = UNSAID
    absent: bool = False
    dropped: bool = False
    unreadable: dict[str, str] | None = None
    notes: list[Any] = dataclasses.field(default_factory=list)
    violations: dict[str, int] = dataclasses.field(default_factory=dict)
    grade: str | None = None
    seen: str | None = None

    def __str__(self) -> str:
        """The label, which is the name of the test."""
        return self.label

    def decoded(self) -> decoding.Decoded | decoding.Unreadable:
        """What arrives at the reading."""
        if self.sent is not UNSAID:
            return decoding.decode(self.sent.encode(self.encoding), self.content_type)
        return decoding.Decoded(self._laid(self.raw) if self.body is UNSAID else self.body)

    def kept(self) -> object:
        """What the reading is expected to keep."""
        if self.body is UNSAID and self.sent is UNSAID:
            return self._laid(self.raw if self.same else self.value)
        return self.body if self.same else self.value

    def _laid(self, value: Any) -> dict[str, Any]:
        """The minimal body with the value as the row's parameter."""
        assert self.field is not None
        return cases.laid(self.field, value, dropped=self.dropped)


ROWS: Final = tuple(Row(**entry) for entry in cases.rows())
_READ: Final = [row for row in ROWS if row.unreadable is None]


def _read(row: Row, contract: Contract) -> coercion.Reading:
    decoded = row.decoded()
    assert isinstance(decoded, decoding.Decoded), decoded
    table = casts.table(row.region)
    return coercion.read(contract, decoded.value, table, decoded.warnings, row.query)


def _shown(note: coercion.Note, wanted: Any) -> object:
    """As much of the note as the row speaks of."""
    document = {"did_you_mean": None, **note.document()}
    return {name: document[name] for name in wanted} if isinstance(wanted, dict) else note.rule.name


@pytest.mark.parametrize("row", _READ, ids=str)
def test_a_case_is_read_as_its_row_says(row: Row, contract: Contract) -> None:
    read = _read(row, contract)

    assert [note.rule.name for note in read.notes] == [
        wanted["rule"] if isinstance(wanted, dict) else wanted for wanted in row.notes
    ]
    assert _written([_shown(*pair) for pair in zip(read.notes, row.notes, strict=True)]) == (
        _written(row.notes)
    )
    assert {
        violation.field: violation.error.code for violation in read.violations
    } == row.violations
    assert _written(read.value) == _written(row.kept())


@pytest.mark.parametrize("row", [row for row in _READ if row.grade], ids=str)
def test_the_last_word_on_a_case_has_the_evidence_its_row_says(
    row: Row, contract: Contract
) -> None:
    read = _read(row, contract)

    last = read.violations[-1].error if read.violations else read.notes[-1].rule
    assert last.evidence.grade == row.grade


def test_reading_leaves_what_was_sent_as_it_was(contract: Contract) -> None:
    for row in _READ:
        decoded = row.decoded()
        assert isinstance(decoded, decoding.Decoded)
        before = json.dumps(decoded.value)

        coercion.read(contract, decoded.value, casts.table(row.region), decoded.warnings)

        assert json.dumps(decoded.value) == before, row.label


@pytest.mark.parametrize("row", [row for row in ROWS if row.unreadable is not None], ids=str)
def test_a_body_is_unreadable_as_its_row_says(row: Row) -> None:
    decoded = row.decoded()

    assert isinstance(decoded, decoding.Unreadable)
    assert {name: getattr(decoded, name) for name in row.unreadable or {}} == row.unreadable


def test_the_table_has_hundreds_of_rows() -> None:
    assert len(ROWS) >= 200


def test_no_label_stands_twice() -> None:
    assert [label for label, times in Counter(str(row) for row in ROWS).items() if times > 1] == []


def _is_told_once(row: Row) -> bool:
    got = [row.field is not None, row.body is not UNSAID, row.sent is not UNSAID]
    became = [
        row.same,
        row.value is not UNSAID,
        row.absent,
        row.dropped,
        row.unreadable is not None,
    ]
    return sum(got) == sum(became) == 1 and (row.field is None) == (row.raw is UNSAID)


def test_each_row_says_just_once_what_came_and_what_becomes_of_it() -> None:
    assert [row.label for row in ROWS if not _is_told_once(row)] == []


def test_each_row_with_a_note_or_a_fault_names_the_evidence() -> None:
    assert [
        row.label for row in ROWS if (row.grade is not None) != bool(row.notes or row.violations)
    ] == []


def test_no_row_holds_what_is_not_json() -> None:
    """YAML 1.1 takes an unquoted 2018-10-03 for a date."""
    values = [(row.label, v) for row in ROWS for v in (row.raw, row.body, row.value, row.notes)]

    assert [
        label
        for label, v in values
        if v is not UNSAID and json.loads(json.dumps(v, default=str)) != v
    ] == []


def _used(rows: tuple[Row, ...]) -> set[str]:
    return {
        wanted["rule"] if isinstance(wanted, Mapping) else wanted
        for row in rows
        for wanted in row.notes
    }


def test_every_cast_of_the_contract_is_used_by_a_row() -> None:
    assert spec.CASTS - _used(ROWS) == set()


def test_every_rule_for_any_parameter_and_for_decoding_is_used_by_a_row() -> None:
    tables = (*spec.everything_named("x-rules"), *spec.everything_named("x-decoding"))
    rules = {name for table in tables for name in table}

    assert rules - _used(ROWS) == set()


def test_every_advice_of_the_contract_is_used_by_a_row() -> None:
    advice = {entry["name"] for entries in spec.everything_named("advice") for entry in entries}

    assert advice - _used(ROWS) == set()


def test_every_parameter_of_the_contract_has_a_row_of_its_own() -> None:
    names = {*spec.FIELDS, *(f"{IN_CONTACT}{name}" for name in spec.CONTACT_FIELDS)}

    assert names - {row.field for row in ROWS} == set()


def test_every_parameter_has_a_row_that_keeps_it_as_sent_and_one_that_does_not() -> None:
    names = {*spec.FIELDS, *(f"{IN_CONTACT}{name}" for name in spec.CONTACT_FIELDS)}
    spoken = [row for row in ROWS if row.field in names]

    assert names - {row.field for row in spoken if row.same} == set()
    assert names - {row.field for row in spoken if not row.same} == set()


def test_every_grade_of_evidence_that_the_contract_gives_appears_in_a_row() -> None:
    grades = set(spec.everything_named("grade"))

    assert grades == {row.grade for row in ROWS} - {None}
