"""The oracle agrees with the rows of cases/, and the twin with the oracle, on drawn bodies too."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

import pytest
from hypothesis import given

import bodies
import figures
import oracle
import spec
import test_cases
from telling import told
from test_cases import Row
from test_table import differences
from wire import Wire

pytestmark = pytest.mark.long

Body = dict[str, Any]
SENT: Final = bodies.shared((bodies.sloppy_bodies, 10), (bodies.any_bodies, 2))
WITH_CONTACTS: Final = bodies.shared((bodies.bodies_with_contacts, 4))
# The oracle reads decoded bodies, for an account of the contract's own region.
ROWS: Final = [
    row
    for row in test_cases.ROWS
    if row.unreadable is None
    and row.encoding == "utf-8"
    and row.region == "FR"
    and not isinstance(row.sent, str)
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_oracle_reads_a_case_as_its_row_says(row: Row) -> None:
    verdict = oracle.judge(row.decoded().value)

    assert oracle.written(verdict.kept) == oracle.written(row.kept())
    if verdict.kept.get("simulation_mode") is not True:
        assert verdict.codes == row.violations
    wanted = [note["rule"] if isinstance(note, dict) else note for note in row.notes]
    of_the_reading = [r.rule for r in verdict.remarks if r.rule not in spec.CHECKS]
    names = [name for name, _ in parse_qsl(row.query, keep_blank_values=True)]
    of_the_query = [remark.rule for remark in oracle.judge_query(names)]
    assert sorted([*of_the_query, *of_the_reading]) == sorted(wanted)


def test_the_oracle_has_read_hundreds_of_rows() -> None:
    figures.write("oracle", {"rows": len(ROWS), "rows_in_all": len(test_cases.ROWS)})

    assert len(ROWS) >= 400


@given(body=SENT)
def test_the_twin_does_with_any_body_as_the_oracle_says(body: Body) -> None:
    assert_agreed(body, Wire(), oracle.judge(body))


@given(body=WITH_CONTACTS)
def test_the_twin_does_with_any_contacts_as_the_oracle_says(body: Body) -> None:
    assert_agreed(body, Wire(), oracle.judge(body))


@given(body=SENT)
def test_a_strict_twin_does_with_any_body_as_the_oracle_says(body: Body) -> None:
    assert_agreed(body, Wire(strict=True), oracle.judge_strict(body))


@given(body=SENT.map(lambda body: {**body, "simulation_mode": True}))
def test_a_simulation_of_any_body_is_as_the_oracle_says(body: Body) -> None:
    assert_agreed(body, Wire(), oracle.judge(body))


def assert_agreed(body: Body, wire: Wire, verdict: oracle.Verdict) -> None:
    answer = wire.send(body)

    assert (found := differences(verdict, answer, wire.entry(answer))) == [], told(
        body,
        documented=f"{verdict.status} {verdict.codes or verdict.word}",
        got="; ".join(found),
        evidence=verdict.evidence,
    )
