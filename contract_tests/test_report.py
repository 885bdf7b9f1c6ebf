"""The report says what was run, and its table of requirements is honest."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import detect
import report

SEED = (detect.ROOT / "openapi/sources/seed-send-a-vms-campaign.txt").read_text("utf-8")
REQUIREMENTS = report.requirements()
JUNIT = """<testsuites><testsuite>
<testcase classname="contract_tests.test_a" name="test_one[x]"/>
<testcase classname="contract_tests.test_a" name="test_two"><failure/></testcase>
<testcase classname="contract_tests.test_a" name="test_three"><skipped/></testcase>
</testsuite></testsuites>"""


def names() -> set[str]:
    """Every test function of this folder, as ``test_file::test_name``."""
    return {
        f"{path.stem}::{node.name}"
        for path in detect.HERE.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize("wanted", REQUIREMENTS, ids=lambda wanted: wanted.quote[:40])
def test_a_requirement_quotes_the_seed_to_the_letter(wanted: report.Requirement) -> None:
    assert wanted.quote in SEED


@pytest.mark.parametrize("wanted", REQUIREMENTS, ids=lambda wanted: wanted.quote[:40])
def test_a_requirement_names_tests_that_there_are(wanted: report.Requirement) -> None:
    known = names()

    assert [
        test
        for test in wanted.tests
        if not any(name.startswith(test.partition("[")[0]) for name in known)
    ] == []


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "junit.xml").write_text(JUNIT, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("tests", "state"),
    [(("test_a::test_one",), "held"), (("test_a::test_t",), "broken"), (("test_b",), "not run")],
)
def test_a_requirement_is_held_if_its_tests_ran_and_passed(
    run: Path, tests: tuple[str, ...], state: str
) -> None:
    wanted = report.Requirement("Hello.", "documented", tests)

    assert report.held(wanted, report.ran(run / "junit.xml")).state == state


def test_both_pages_are_written_and_tell_what_was_not_run(run: Path) -> None:
    pages = [page.read_text("utf-8") for page in report.written(run)]

    assert all("not run" in page and "test_a::test_two" in page for page in pages)


def test_without_a_run_the_report_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main([str(tmp_path)]) == 1
    assert "./noxw -s report" in capsys.readouterr().err


@pytest.mark.parametrize(("tree", "told"), [("another", True), (detect.fingerprint(), False)])
def test_bugs_that_were_planted_in_an_earlier_tree_are_told_as_such(
    run: Path, tree: str, *, told: bool
) -> None:
    bug = {"name": "one", "wrong": "1 is 2.", "layers": ["cases"], "test": "test_a"}
    found = {"tree": tree, "planted": 1, "found": 1, "bugs": [bug]}
    (run / "figures").mkdir()
    (run / "figures" / "detect.json").write_text(json.dumps(found), "utf-8")

    pages = [page.read_text("utf-8") for page in report.written(run)]

    assert [("earlier tree" in page, "1/1" in page) for page in pages] == [(told, True)] * 2
