"""The how-to pages run: each file is written, each command given, each printed line compared."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path

import pytest

from common import ROOT
from mock_server.contract.loader import Contract
from mock_server.contract.rule_table import magic_values
from mock_server.store.memory import MOST_ENTRIES
from mock_server.testing.account import InboxOverflowError

pytestmark = [pytest.mark.long, pytest.mark.unmeasured]

HOW_TO = ROOT / "docs/how-to"
PAGES = sorted(page for page in HOW_TO.glob("*.md") if page.name != "README.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAME = re.compile(r"# ([\w./-]+\.\w+)\n")
COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
ASSIGNED = re.compile(r"[A-Z_]+=.*")
PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
# Where nothing listens ("discard"), as long as a page has not started a twin.
NOBODY = "9"
# No page is about them, and the first two are half of pytest's start.
WITHOUT = ("hypothesispytest", "respx", "cacheprovider")
PLUGINS = [word for name in WITHOUT for word in ("-p", f"no:{name}")]


class Walk:
    """One page, followed from top to bottom in an empty folder."""

    def __init__(self, pytester: pytest.Pytester, servers: ExitStack) -> None:
        self._pytester = pytester
        self._servers = servers
        self._port = NOBODY

    def follow(self, page: Path) -> None:
        for language, content in BLOCK.findall(page.read_text("utf-8")):
            if language == "console":
                assert COMMAND.sub("", content) == ""
                for command, expected in COMMAND.findall(content):
                    came = self._give(command)
                    assert re.fullmatch(pattern(expected), squeezed(came)), f"{command}\n{came}"
            else:
                name = NAME.match(content)
                assert name is not None, content
                path = self._pytester.path / name[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content[name.end() :], "utf-8")

    def _give(self, command: str) -> str:
        command = PORT.sub(self._port, command)
        words = shlex.split(command)
        assigned = list(takewhile(ASSIGNED.fullmatch, words))
        match words[len(assigned) :]:
            case ["vms", "serve", *options]:
                return self._serve(options)
            case ["pytest", *options] if "-n" not in options:
                # Without a process of its own, which would take a second each time.
                options = [*PLUGINS, "-W", "error", "--strict-config", *options]
                return self._pytester.runpytest_inprocess(*options).stdout.str()
            case ["pytest", *options]:
                plugins = ["-p", "xdist.plugin", "-p", "mock_server.testing.pytest_plugin"]
                given = [sys.executable, "-m", "pytest", *plugins, *options]
            case ["vms", *options]:
                given = [sys.executable, "-m", "vms", *options]
            case ["python", *options]:
                given = [sys.executable, "-W", "error", *options]
            case ["git" | "sed", *_] as given:
                pass
            case ["curl", *_]:
                # Its meter is for terminals alone.
                given = ["sh", "-c", command.replace("curl ", "curl -sS ", 1)]
            case _:
                raise AssertionError(command)
        return run(given, dict(word.split("=", 1) for word in assigned))

    def _serve(self, options: list[str]) -> str:
        greeting = self._servers.enter_context(serving(options))
        found = PORT.search(greeting)
        assert found is not None, greeting
        self._port = found[0]
        return greeting


@contextmanager
def serving(options: list[str]) -> Iterator[str]:
    """What a twin prints at its start; it runs until the end of the context."""
    command = [sys.executable, "-m", "vms", "serve", *options, "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        greeting = ""
        while "Stop with" not in greeting and (line := process.stdout.readline()):
            greeting += line
        yield greeting
        process.terminate()


def run(command: list[str], assigned: dict[str, str]) -> str:
    # Each worker of pytest would load every plugin that the tests have, for seconds.
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | assigned
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def squeezed(text: str) -> str:
    """The text without what changes from run to run, and without layout."""
    text = PORT.sub("PORT", text)
    text = re.sub(r"\bin \d+\.\d+s( \([\d:]+\))?", "in a moment", text)
    text = re.sub(r"^Date: .*", "Date: now", text, flags=re.MULTILINE)
    return " ".join(text.split())


def pattern(expected: str) -> str:
    """What is printed on a page, as a regular expression: … stands for anything."""
    parts = [re.escape(squeezed(part)) for part in expected.split("…")]
    return r"\s*.*?\s*".join(parts)


@pytest.fixture
def walk(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    for name in ("VMS_BASE_URL", "VMS_LOGIN", "VMS_KEY", "VOICE_TWIN_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.com")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    # A file that a page writes anew within a second is not taken from the cache.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    with ExitStack() as servers:
        yield Walk(pytester, servers)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_everything_on_a_page_happens_as_it_says(page: Path, walk: Walk) -> None:
    walk.follow(page)


def test_a_page_that_prints_something_else_is_found() -> None:
    assert re.fullmatch(pattern("a\n…\nd"), squeezed("a\nb\nc\nd"))
    assert not re.fullmatch(pattern("a\n…\nd"), squeezed("a\nb\nc\nd\ne"))
    assert not re.fullmatch(pattern("a\nd"), squeezed("a\nb\nd"))


def test_the_bound_of_the_inbox_is_the_one_that_is_told() -> None:
    page = squeezed((HOW_TO / "parallel.md").read_text("utf-8"))

    assert f"the newest {MOST_ENTRIES:,} requests" in page
    assert f"`{InboxOverflowError.__name__}`" in page


@pytest.mark.parametrize("mark", ["magic", "ranges"])
def test_the_table_of_magic_values_is_the_contracts(contract: Contract, mark: str) -> None:
    page = (HOW_TO / "magic-values.md").read_text("utf-8")
    rows = re.search(rf"<!-- {mark} -->\n\n.*\n.*\n((?:\|.*\n)+)", page)

    assert rows is not None
    cells = [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in rows[1].splitlines()]
    values = {
        "magic": [[row["where"], row["value"], row["summary"]] for row in magic_values(contract)],
        "ranges": [list(row.values()) for row in contract.magic.ranges],
    }
    assert cells == values[mark]


def test_every_page_is_in_the_index() -> None:
    index = (HOW_TO / "README.md").read_text("utf-8")

    assert [page.name for page in PAGES if f"({page.name})" not in index] == []
