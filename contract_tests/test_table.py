"""Every kind of value as every parameter: the twin does as the contract's second reader says.

The same table is published as docs/what-happens-if.md.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import pytest

import figures
import kinds
import oracle
import table
from kinds import Cell
from oracle import Remark, Verdict
from telling import told
from wire import SIGNED_IN, Answer, Wire

pytestmark = pytest.mark.long

FIELDS: Final = (*kinds.FIELDS, *kinds.UNKNOWN)
CELLS: Final = tuple(kinds.table())
# Whole bodies of one parameter each: simulated, strict and neither.
MODES: Final = ("lenient", "strict", "simulated")


class Asked:
    """A twin for each mode, and a login for each question."""

    def __init__(self) -> None:
        self._wires = {"lenient": Wire(), "strict": Wire(strict=True), "simulated": Wire()}
        self._logins = 0

    def __call__(self, mode: str, body: dict[str, Any]) -> tuple[Answer, dict[str, Any]]:
        self._logins += 1
        wire = self._wires[mode]
        answer = wire.send(body, headers={**SIGNED_IN, "api-login": f"ada{self._logins}"})
        return answer, wire.entry(answer)


@pytest.fixture(scope="module")
def ask() -> Asked:
    return Asked()


def judged(mode: str, cell: Cell) -> tuple[dict[str, Any], Verdict]:
    body = cell.body
    if mode == "simulated" and cell.field != "simulation_mode":
        body = {**body, "simulation_mode": True}
    return body, (oracle.judge_strict if mode == "strict" else oracle.judge)(body)


def differences(verdict: Verdict, answer: Answer, entry: dict[str, Any]) -> list[str]:
    """How the answer and the entry differ from the verdict; nothing if they agree."""
    found = oracle.same_answer(verdict, answer)
    if oracle.written(entry["body"]) != oracle.written(verdict.kept):
        found.append(f"kept: {entry['body']}, expected {verdict.kept}")
    left = list(entry["notes"])
    for remark in verdict.remarks:
        fitting = next((note for note in left if remark.fits(note)), None)
        if fitting is None:
            found.append(f"no note {tuple(remark)}")
        else:
            left.remove(fitting)
    return found + [f"a note too many: {shown(note)}" for note in left]


def shown(note: dict[str, Any]) -> tuple[object, ...]:
    grade, stakes = note["evidence"]["grade"], note["stakes"] == "high"
    return tuple(Remark(note["path"], note["kind"], note["rule"], grade, stakes))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("field", FIELDS)
def test_the_twin_does_with_each_kind_of_value_as_the_oracle_says(
    ask: Asked, field: str, mode: str
) -> None:
    for cell in (cell for cell in CELLS if cell.field == field):
        body, verdict = judged(mode, cell)

        answer, entry = ask(mode, body)

        assert (found := differences(verdict, answer, entry)) == [], told(
            body,
            documented=f"{cell}, {mode}: {verdict.status} {verdict.codes or verdict.word}",
            got="; ".join(found),
            evidence=verdict.evidence,
        )


@pytest.fixture(scope="module")
def words() -> dict[tuple[str, str], Counter[str]]:
    """How often each word was said of a parameter, by mode."""
    said = {(field, mode): Counter[str]() for field in FIELDS for mode in MODES}
    for cell in CELLS:
        for mode in MODES:
            said[cell.field, mode][judged(mode, cell)[1].word] += 1
    return said


def test_the_table_has_hundreds_of_cells(words: dict[tuple[str, str], Counter[str]]) -> None:
    said = sum(words.values(), Counter[str]())

    figures.write("table", {"kinds": len(kinds.KINDS), "fields": len(FIELDS), **said})
    assert len(CELLS) >= 24 * 30


def test_each_parameter_has_kinds_that_are_valid_and_kinds_that_are_not(
    words: dict[tuple[str, str], Counter[str]],
) -> None:
    for field in kinds.FIELDS:
        assert {"valid", "mended"} <= words[field, "lenient"].keys(), field


def test_each_parameter_that_can_be_refused_is_refused_for_some_kind(
    words: dict[tuple[str, str], Counter[str]],
) -> None:
    can = {name for name, entry in table.LADDERS.items() if entry["fallback"] == "reject"}
    refused = {field for field in FIELDS if words[field, "lenient"]["refused"]}

    # A contact whose number cannot be read is left out, and the campaign goes to the others.
    assert refused == can - {"recipients[].phone_number"}


def test_the_page_is_what_the_oracle_says_today() -> None:
    assert table.PAGE.read_text("utf-8") == table.page(), "write it: ./noxw -s generate"
