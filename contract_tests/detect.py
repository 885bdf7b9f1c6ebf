"""Plants each bug of bugs*.toml in a copy of the tree and says which layer of the suite notices it.

    python contract_tests/detect.py [--every-layer] [--jobs 2] [NAME ...]

A copy is made for each job; the tree itself is never touched. The layers run in turn, quick ones
first, and end at the first that turns red; ``--every-layer`` runs them all. A bug of the twin is
looked for by the contract tests, then as any other by the tests of its package. Exit code: 0 if
each bug is noticed, 1 if one is not, 2 if the suite is red without any bug.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import pytest

import figures
from mock_server.settings import toml_file

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
LEFT_BEHIND: Final = (
    *(".git", ".nox", ".venv", ".hypothesis", "*.egg-info", "__pycache__", "node_modules"),
    *(
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".import_linter_cache",
        ".coverage*",
        "report",
    ),
)


@dataclass(frozen=True, slots=True)
class Layer:
    """Some files of the tree; ``drawn`` says that their requests are drawn by chance."""

    name: str
    files: tuple[str, ...]
    drawn: bool = False


# Quick ones first: a bug is seldom looked for further than the table.
LAYERS_OF_THE_TWIN: Final = (
    Layer(
        "examples",
        ("contract_tests/test_contract_file.py", "contract_tests/test_client_meets_twin.py"),
    ),
    Layer("cases", ("contract_tests/test_cases.py",)),
    Layer("surface", ("contract_tests/test_auth.py", "contract_tests/test_http_surface.py")),
    Layer("table", ("contract_tests/test_table.py",)),
    Layer("oracle", ("contract_tests/test_oracle.py",), drawn=True),
    Layer("machine", ("contract_tests/test_machine.py",), drawn=True),
    Layer("wire laws", ("contract_tests/test_wire_laws.py",), drawn=True),
    Layer(
        "pure laws",
        (
            "contract_tests/test_laws.py",
            "contract_tests/test_pure_laws.py",
            "contract_tests/test_fast_check.py",
        ),
        drawn=True,
    ),
    # Deterministic by its configuration: other seeds would be the same requests.
    Layer("schemathesis", ("contract_tests/test_schemathesis.py",)),
    Layer("prism", ("contract_tests/test_prism.py",)),
)
# Modules and packages of the twin, of which no answer of the imitated API shows anything.
AFTER_THE_ANSWER: Final = frozenset(
    {
        *("admin", "admin_calls", "masking"),
        *("call_records", "callback", "calls", "receipt_payloads", "receipt_sender"),
        *("page", "settings", "speech"),
    }
)
# Three other draws have to find what only chance has found: else it was luck.
SEEDS: Final = (1, 2, 3)
# In seconds: a bug may make something hang; a layer needs a fifth of this.
_PATIENCE: Final = 900


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug: in ``file``, ``replace`` becomes ``by``."""

    name: str
    wrong: str
    file: str
    replace: str
    by: str

    def planted(self, text: str) -> str:
        """The text of the file with the bug in it.

        Raises:
            ValueError: ``replace`` does not stand in it exactly once.
        """
        if (times := text.count(self.replace)) != 1:
            raise ValueError(
                f"{self.name}: {self.replace!r} stands {times} times in {self.file}; expected "
                "once: repair its entry in contract_tests/bugs*.toml"
            )
        return text.replace(self.replace, self.by)


@dataclass(frozen=True, slots=True)
class Catch:
    """Which layer noticed, by which test."""

    layer: str
    test: str
    sure: bool = True
    """Whether other draws find it, too."""


@dataclass(frozen=True, slots=True)
class Result:
    """A bug and whoever noticed it; nobody if ``catches`` is empty."""

    bug: Bug
    catches: tuple[Catch, ...]

    @property
    def found(self) -> bool:
        """Whether a layer noticed it, and not by luck."""
        return any(catch.sure for catch in self.catches)


def bugs(folder: Path = HERE) -> list[Bug]:
    """Every bug there is, in the order of the files ``bugs*.toml``."""
    files = sorted(folder.glob("bugs*.toml"))
    return [Bug(**entry) for file in files for entry in toml_file.read(file)["bug"]]


def layers_of(bug: Bug, root: Path = ROOT) -> tuple[Layer, ...]:
    """Where the bug is looked for, quick ones first.

    That of the twin is looked for by the contract tests first, but for what happens
    `AFTER_THE_ANSWER`; any by its doctests, by the tests that name its module, and by all others
    that import its package.
    """
    package, *_ = parts = Path(bug.file).with_suffix("").parts
    if package == "openapi":
        return LAYERS_OF_THE_TWIN
    is_answered = package == "mock_server" and AFTER_THE_ANSWER.isdisjoint(parts)
    near = rf"\b{'.'.join(parts)}\b|from {'.'.join(parts[:-1])} import .*\b{parts[-1]}\b"
    texts = _tests(root)
    by_module = [name for name, text in texts.items() if re.search(near, text)]
    by_package = [
        name
        for name, text in texts.items()
        if name not in by_module and re.search(rf"^(?:from|import) {package}\b", text, re.MULTILINE)
    ]
    own = {
        "doctests": [bug.file],
        f"tests of {parts[-1]}": by_module,
        f"tests of {package}": by_package,
    }
    return (
        *(LAYERS_OF_THE_TWIN if is_answered else ()),
        *(Layer(name, tuple(files)) for name, files in own.items() if files),
    )


@cache
def _tests(root: Path) -> Mapping[str, str]:
    """Every file of tests/ with its text."""
    files = sorted(root.glob("tests/test_*.py"))
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for path in files
        # About the repository, which a copy is not.
        if path.name != "test_project.py"
    }


def fingerprint(root: Path = ROOT) -> str:
    """What bugs are planted in, as a digest: whatever was found was found in this tree."""
    digest = hashlib.sha256()
    code = [f"{package}/**/*.py" for package in ("mock_server", "vms", "voice_client")]
    for path in sorted(path for name in (*code, "openapi/*.yaml") for path in root.glob(name)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Copy:
    """A copy of the tree in which bugs can be planted, and pytest run."""

    def __init__(self, folder: Path, source: Path = ROOT) -> None:
        self.folder, self._source = folder / "tree", source
        shutil.copytree(source, self.folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        if (tools := source / "contract_tests" / "node_modules").exists():
            (self.folder / "contract_tests" / "node_modules").symlink_to(tools)
        self._running: subprocess.Popen[str] | None = None

    def plant(self, bug: Bug) -> None:
        """Put the bug in."""
        path = self.folder / bug.file
        self._write(path, bug.planted(path.read_text("utf-8")))

    def weed(self, bug: Bug) -> None:
        """Take the bug out."""
        self._write(self.folder / bug.file, (self._source / bug.file).read_text("utf-8"))

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        # What Python compiled is known by time and size, which two bugs in a second may share.
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)

    def red(self, files: Iterable[str], options: Sequence[str] = ()) -> str:
        """The first test that fails, or an empty text.

        Raises:
            RuntimeError: pytest could not run the files at all.
        """
        paths = list(files)
        if missing := [path for path in paths if not (self.folder / path).exists()]:
            raise RuntimeError(f"no such file: {', '.join(missing)}")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join((str(self.folder), str(self.folder / "generated")))
        }
        environment.pop(figures.FOLDER, None)
        self._running = subprocess.Popen(
            [*command, "--no-header", "--tb=no", "-rfE", *options, *paths],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = self._running.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self.stop()
            return f"{paths[0]} (hangs)"
        # A module without doctests has no tests.
        if self._running.returncode in {0, pytest.ExitCode.NO_TESTS_COLLECTED}:
            return ""
        told = [line for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        if self._running.returncode not in {1, 2} or not told:
            raise RuntimeError(f"pytest ended with {self._running.returncode}:\n{output[-2000:]}")
        return told[0].split(" ", 1)[1].split(" - ")[0].removeprefix("contract_tests/")

    def stop(self) -> None:
        """End what is running, with all it has started."""
        if self._running is not None and self._running.poll() is None:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()


def hunted(copy: Copy, bug: Bug, layers: Iterable[Layer], *, every_layer: bool) -> Result:
    """The bug, and which layers turn red with it."""
    catches = list[Catch]()
    copy.plant(bug)
    try:
        for layer in layers:
            if test := copy.red(layer.files):
                sure = not layer.drawn or all(
                    copy.red(layer.files, _drawn_anew(seed)) for seed in SEEDS
                )
                catches.append(Catch(layer.name, test, sure))
                if sure and not every_layer:
                    break
    finally:
        copy.weed(bug)
    return Result(bug, tuple(catches))


def _drawn_anew(seed: int) -> tuple[str, ...]:
    return ("--hypothesis-profile=anew", f"--hypothesis-seed={seed}")


def all_hunted(planted: Sequence[Bug], *, jobs: int, every_layer: bool) -> list[Result]:
    """Every bug with its catches, in the order given; progress goes to standard error."""
    free, copies, done = SimpleQueue[Copy](), list[Copy](), list[Result]()
    stopped = threading.Event()

    def one(bug: Bug) -> Result:
        if stopped.is_set():
            return Result(bug, ())
        copy = free.get()
        try:
            return hunted(copy, bug, layers_of(bug), every_layer=every_layer)
        finally:
            free.put(copy)

    with tempfile.TemporaryDirectory(prefix="detect-") as folder:
        for number in range(jobs):
            copies.append(Copy(Path(folder) / str(number)))
            free.put(copies[-1])
        with ThreadPoolExecutor(jobs) as pool:
            waiting = [pool.submit(one, bug) for bug in planted]
            try:
                for future in as_completed(waiting):
                    done.append(future.result())
                    _progress(len(done), len(planted), done[-1])
            except BaseException:
                stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                for copy in copies:
                    copy.stop()
                raise
    return sorted(done, key=lambda result: planted.index(result.bug))


def _progress(number: int, total: int, result: Result) -> None:
    names = ", ".join(catch.layer for catch in result.catches) or "NOBODY"
    print(f"{number:3}/{total} {result.bug.name}: {names}", file=sys.stderr, flush=True)


def told(results: Sequence[Result]) -> str:
    """The table: what was planted, who noticed it, and by which test."""
    rows = [("bug", "what then happens", "noticed by", "first test that is red")]
    for result in results:
        names = ", ".join(
            f"{catch.layer}{'' if catch.sure else ' (by luck)'}" for catch in result.catches
        )
        first = result.catches[0].test if result.catches else "a test to write"
        rows.append((result.bug.name, result.bug.wrong, names or "NOBODY", first))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[3]])
        for row in rows
    ]
    found = sum(result.found for result in results)
    return "\n".join([*lines, "", f"{found} of {len(results)} planted bugs noticed"])


def _figures(results: Sequence[Result]) -> Mapping[str, object]:
    return {
        "tree": fingerprint(),
        "planted": len(results),
        "found": sum(result.found for result in results),
        "bugs": [
            {
                "name": result.bug.name,
                "wrong": result.bug.wrong,
                "layers": [catch.layer for catch in result.catches if catch.sure],
                "test": result.catches[0].test if result.catches else None,
            }
            for result in results
        ],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--every-layer", action="store_true", help="run every layer on each bug")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="copies at a time")
    parser.add_argument("names", nargs="*", metavar="NAME", help="bugs; all if none is named")
    given = parser.parse_args(arguments)
    known = {bug.name: bug for bug in bugs()}
    if unknown := set(given.names) - known.keys():
        parser.error(f"no such bug: {', '.join(sorted(unknown))}; see contract_tests/bugs*.toml")
    planted = [known[name] for name in given.names] or list(known.values())
    with tempfile.TemporaryDirectory(prefix="detect-") as folder:
        sound = Copy(Path(folder))
        layers = [layer for bug in planted for layer in layers_of(bug)]
        # Each file once, but in the order of the layers.
        for file in dict.fromkeys(file for layer in layers for file in layer.files):
            if test := sound.red([file]):
                print(f"detect: {test} is red without any bug; repair that first", file=sys.stderr)
                return 2
    results = all_hunted(planted, jobs=given.jobs, every_layer=given.every_layer)
    print(told(results))
    figures.write("detect", _figures(results))
    return 0 if all(result.found for result in results) else 1


def _as_ctrl_c(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # Whoever ends this ends the copies' tests with it, which have sessions of their own.
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
