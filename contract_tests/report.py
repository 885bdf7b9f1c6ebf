"""Writes report/index.html and report/report.md from what the suites counted (`nox -s report`).

    python contract_tests/report.py [FOLDER]

The folder has ``junit.xml`` of the run and ``figures/``; every number comes from there. What was
not run is said to be missing.
"""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2

import detect
from mock_server.settings import toml_file

HERE: Final = Path(__file__).parent
SUITES: Final = (
    "detect",
    "keywords",
    "machine",
    "mix",
    "oracle",
    "parity",
    "prism",
    "schemathesis",
    "table",
)


class NoRunError(Exception):
    """The folder has no run to report on; the message says how to make one."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A sentence of the vendor's page and the tests that hold the project to it."""

    quote: str
    grade: str
    tests: tuple[str, ...]
    passed: int = 0
    failed: int = 0

    @property
    def state(self) -> str:
        """Whether it is held: ``held``, ``broken`` or ``not run``."""
        return "broken" if self.failed else "held" if self.passed else "not run"


@dataclass(frozen=True, slots=True)
class Test:
    """One test of the run: ``test_file::test_name[case]``."""

    name: str
    state: str


def requirements() -> list[Requirement]:
    """Every requirement of requirements.toml, in its order."""
    entries = toml_file.read(HERE / "requirements.toml")["requirement"]
    return [Requirement(entry["quote"], entry["grade"], tuple(entry["tests"])) for entry in entries]


def ran(junit: Path) -> list[Test]:
    """The tests of a run.

    Raises:
        NoRunError: there is no such file.
    """
    if not junit.exists():
        raise NoRunError(f"no {junit.name} in {junit.parent}; run: ./noxw -s report")
    tests = list[Test]()
    # Written by pytest, in the line before this script runs.
    for case in ET.parse(junit).iter("testcase"):  # noqa: S314  (written by pytest)
        module = case.attrib["classname"].rpartition(".")[2]
        states = {child.tag for child in case} & {"failure", "error", "skipped"}
        state = next(iter(states), "passed")
        tests.append(Test(f"{module}::{case.attrib['name']}", state))
    return tests


def held(wanted: Requirement, tests: list[Test]) -> Requirement:
    """The requirement with how many of its tests passed and failed."""
    of_it = [test for test in tests if test.name.startswith(wanted.tests)]
    states = [test.state for test in of_it]
    failed = states.count("failure") + states.count("error")
    return Requirement(wanted.quote, wanted.grade, wanted.tests, states.count("passed"), failed)


def figures(folder: Path) -> dict[str, Any]:
    """What the suites counted, by suite; None where one was not run."""
    counted = {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    if "detect" in counted:
        counted["detect"]["of_this_tree"] = counted["detect"]["tree"] == detect.fingerprint()
    return {**dict.fromkeys(SUITES), **counted}


def facts(folder: Path) -> Mapping[str, Any]:
    """Everything the page shows.

    Raises:
        NoRunError: there was no run.
    """
    tests = ran(folder / "junit.xml")
    states = [test.state for test in tests]
    counted = {state: states.count(state) for state in ("passed", "failure", "error", "skipped")}
    return {
        "tests": len(tests),
        "counted": counted,
        "requirements": [held(wanted, tests) for wanted in requirements()],
        "figures": figures(folder / "figures"),
        "skipped": [test.name for test in tests if test.state == "skipped"],
        "red": [test.name for test in tests if test.state in {"failure", "error"}],
    }


def written(folder: Path) -> list[Path]:
    """Write both pages into the folder.

    Raises:
        NoRunError: there was no run.
    """
    known = facts(folder)
    loader = jinja2.FileSystemLoader(HERE)
    pages = list[Path]()
    for name, template in (("index.html", "report.html.jinja"), ("report.md", "report.md.jinja")):
        environment = jinja2.Environment(
            loader=loader,
            autoescape=name.endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        page = folder / name
        page.write_text(environment.get_template(template).render(known), "utf-8")
        pages.append(page)
    return pages


def main(arguments: list[str]) -> int:
    """Run the command; see the top of this file."""
    folder = Path(arguments[0] if arguments else "report")
    try:
        pages = written(folder)
    except NoRunError as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    print(f"Written: {', '.join(map(str, pages))}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
