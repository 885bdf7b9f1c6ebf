"""The planted bugs fit the tree as it is, and the hunt for them reports what it found."""

from __future__ import annotations

import ast
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest

import detect

pytestmark = pytest.mark.whole

BUGS = detect.bugs()
ROOT = detect.ROOT
BUG = detect.Bug("one", "1 is 2.", "counted/one.py", "ONE = 1", "ONE = 2")
LAYER = detect.Layer("numbers", ("contract_tests/test_one.py",))


def test_there_are_forty_planted_bugs_and_more() -> None:
    assert len(BUGS) >= 40


def test_there_are_planted_bugs_outside_the_twin() -> None:
    packages = {Path(bug.file).parts[0] for bug in BUGS}

    assert packages >= {"mock_server", "vms"}


def test_every_file_of_bugs_is_read(tmp_path: Path) -> None:
    for number, name in enumerate(("bugs.toml", "bugs-client.toml", "others.toml")):
        entry = {**asdict(BUG), "name": f"bug-{number}"}
        lines = [f"{key} = {json.dumps(value)}" for key, value in entry.items()]
        (tmp_path / name).write_text("\n".join(["[[bug]]", *lines]), "utf-8")

    assert [bug.name for bug in detect.bugs(tmp_path)] == ["bug-1", "bug-0"]


@pytest.mark.parametrize("bug", {bug.file: bug for bug in BUGS}.values(), ids=lambda bug: bug.file)
def test_the_bugs_of_a_file_are_looked_for_somewhere(bug: detect.Bug) -> None:
    files = [file for layer in detect.layers_of(bug) for file in layer.files]

    assert [file for file in files if not (ROOT / file).exists()] == []
    assert any(Path(file).name.startswith("test_") for file in files)


def test_a_bug_of_another_package_is_looked_for_by_the_tests_that_name_its_module_first(
    tmp_path: Path,
) -> None:
    for name, text in {
        "test_a.py": "from counted import one, two",
        "test_b.py": "from counted.one import ONE",
        "test_c.py": "from counted.only import ONE",
        "test_d.py": "import other",
    }.items():
        (tmp_path / "tests").mkdir(exist_ok=True)
        (tmp_path / "tests" / name).write_text(text, "utf-8")

    assert detect.layers_of(BUG, tmp_path) == (
        detect.Layer("doctests", ("counted/one.py",)),
        detect.Layer("tests of one", ("tests/test_a.py", "tests/test_b.py")),
        detect.Layer("tests of counted", ("tests/test_c.py",)),
    )


def test_a_module_without_doctests_is_not_red(copy: detect.Copy) -> None:
    assert copy.red(["counted/one.py"]) == ""


@cache
def read(file: str) -> tuple[str, str]:
    """A file of the tree, and what Python understands by it."""
    text = (ROOT / file).read_text("utf-8")
    return text, ast.dump(ast.parse(text))


def test_no_planted_bug_has_the_name_of_another() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_fits_the_tree_as_it_is_and_changes_it(bug: detect.Bug) -> None:
    text, meaning = read(bug.file)

    planted = bug.planted(text)

    assert ast.dump(ast.parse(planted)) != meaning


def test_every_file_of_the_suite_is_a_layer_or_has_a_reason_not_to_be_one() -> None:
    about_the_tools = {
        "test_bugs.py",  # it would hunt itself
        "test_diff_cases.py",  # about the tools
        "test_diff_laws.py",
        "test_contract_of_ones_own.py",  # about the tools, in another repository
        "test_keywords.py",  # about what the suite sends
        "test_new_parameter.py",  # about the generator
        "test_report.py",
        "test_snapshots.py",  # holds nothing as long as the real API was not observed
        "test_versions.py",  # about contracts that are no longer worked on
    }
    layered = {Path(name).name for layer in detect.LAYERS_OF_THE_TWIN for name in layer.files}

    assert {path.name for path in detect.HERE.glob("test_*.py")} == layered | about_the_tools


def test_a_bug_that_no_longer_fits_says_where_to_mend_it() -> None:
    with pytest.raises(ValueError, match=r"stands 2 times in counted/one.py.*bugs\*\.toml"):
        BUG.planted("ONE = 1\nONE = 1\n")


@pytest.fixture
def copy(tmp_path: Path) -> detect.Copy:
    """A copy of a tree with one number and one test of it."""
    tree = tmp_path / "source"
    for name, text in {
        "counted/one.py": "ONE = 1\n",
        "contract_tests/test_one.py": (
            "from counted.one import ONE\n\n\ndef test_one():\n    assert ONE == 1\n"
        ),
        "conftest.py": (
            "from hypothesis import settings\n\nsettings.register_profile('anew', settings())\n"
        ),
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, "utf-8")
    return detect.Copy(tmp_path, tree)


def test_a_bug_is_noticed_by_the_layer_whose_test_turns_red(copy: detect.Copy) -> None:
    copy.plant(BUG)

    assert copy.red(LAYER.files) == "test_one.py::test_one"


def test_without_a_bug_no_layer_turns_red(copy: detect.Copy) -> None:
    assert copy.red(LAYER.files) == ""


def test_a_bug_that_is_weeded_is_gone_though_it_was_planted_in_the_same_second(
    copy: detect.Copy,
) -> None:
    copy.plant(BUG)
    copy.red(LAYER.files)
    copy.weed(BUG)

    assert copy.red(LAYER.files) == ""


def test_a_layer_that_is_not_there_is_no_layer_that_is_green(copy: detect.Copy) -> None:
    with pytest.raises(RuntimeError, match=r"no such file: test_two\.py"):
        copy.red(["test_two.py"])


def test_a_bug_that_nothing_notices_is_told_and_not_counted() -> None:
    found = detect.Result(BUG, (detect.Catch("cases", "test_a.py::test_b"),))

    table = detect.told([found, detect.Result(BUG, ())])

    assert "NOBODY" in table
    assert table.endswith("1 of 2 planted bugs noticed")


def test_a_bug_that_other_draws_do_not_find_was_found_by_luck() -> None:
    lucky = detect.Result(BUG, (detect.Catch("laws", "test_a.py::test_b", sure=False),))

    assert not lucky.found
    assert "laws (by luck)" in detect.told([lucky])
