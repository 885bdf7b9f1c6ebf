"""Pairs of OpenAPI documents, rated by `vms diff` as a careful reviewer would."""

from __future__ import annotations

from pathlib import Path

import pytest

import diff_score
from vms.contracts.diff.comparison import comparison
from vms.contracts.loaded import document

CASES = diff_score.cases()


@pytest.mark.parametrize("folder", CASES, ids=[folder.name for folder in CASES])
def test_a_pair_is_rated_as_expected_at_its_place(folder: Path) -> None:
    assert diff_score.judged(folder).wrong == ""


@pytest.mark.parametrize("side", ["old", "new"])
def test_no_document_differs_from_itself(side: str) -> None:
    differing = [
        folder.name
        for folder in CASES
        for one in [document(str(folder / f"{side}.yaml"))]
        if comparison(one, one).findings
    ]

    assert differing == []


def test_the_page_of_scores_is_that_of_today() -> None:
    page = diff_score.page([diff_score.judged(folder) for folder in CASES])

    assert diff_score.PAGE.read_text("utf-8") == page, "write it: ./noxw -s score"


def test_a_rating_that_is_wrong_is_on_the_page() -> None:
    one = diff_score.judged(CASES[0])

    page = diff_score.page([one._replace(wrong="rated harmless")])

    assert f"- {one.name}: rated harmless" in page
    assert "| **all** | 0 | 1 |" in page
