"""Writes docs/diff-score.md: how many of the pairs in diff_cases/ `vms diff` rates as expected.

python contract_tests/diff_score.py write
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from vms.contracts.diff.comparison import comparison
from vms.contracts.diff.findings import Severity
from vms.contracts.loaded import document
from vms.contracts.openapi import Source
from vms.contracts.places import Place

FOLDER: Final = Path(__file__).parent / "diff_cases"
PAGE: Final = Path(__file__).parents[1] / "docs" / "diff-score.md"
_LEVELS: Final = ("breaking", "warning", "harmless")
_WORST_FIRST: Final = list(Severity)
# A place may be given two steps too far out, yet never more than an operation or a component.
_STEPS: Final = 2
_OPERATION: Final = 3
_INTRO: Final = """\
# How `vms diff` rates

Each pair in [contract_tests/diff_cases/](../contract_tests/diff_cases/README.md) is two small
OpenAPI documents with one kind of change between them, and the rating that careful tools, or the
question whether a caller can stop working, give to it. A pair counts where the worst finding has
that rating and names the place. `./noxw -s score` writes this page.
"""


class Judged(NamedTuple):
    """One pair: what it is, and what is wrong with its rating; empty if nothing is."""

    name: str
    expected: dict[str, Any]
    wrong: str


def cases() -> list[Path]:
    """The folder of each pair."""
    return sorted(path for path in FOLDER.iterdir() if path.is_dir())


def judged(folder: Path) -> Judged:
    """What is wrong with the rating of a pair."""
    expected = yaml.safe_load((folder / "expected.yaml").read_text("utf-8"))
    return Judged(folder.name, expected, "; ".join(_wrong(folder, expected)))


def _wrong(folder: Path, expected: dict[str, Any]) -> Iterator[str]:
    documents = {side: document(str(folder / f"{side}.yaml")) for side in ("old", "new")}
    found = comparison(documents["old"], documents["new"]).findings
    worst = min((one.severity for one in found), key=_WORST_FIRST.index, default=Severity.HARMLESS)
    rated = "breaking" if worst is Severity.SILENT else str(worst)
    level = expected["level"]
    # Where the contract does not decide, or tools differ, anything may be said but nothing.
    fits = bool(found) if level == "warning" else rated == level
    if not fits:
        yield f"rated {rated if found else 'as no change'}, expected {level}"
    if expected["location"] is None or not found:
        return
    sources = {side: one.openapi for side, one in documents.items()}
    accepted = [
        _real(sources[place["side"]], place["pointer"])
        for place in (expected["location"], *expected["also_accepted"])
    ]
    named = [
        _real(sources[side], place.pointer)
        for one in found
        if one.severity is worst
        for side, place in (("old", one.old), ("new", one.new))
        if isinstance(place, Place)
    ]
    if not any(_near(one, other) for one in named for other in accepted):
        yield f"named {named}, expected one of {accepted}"


def _real(source: Source, pointer: str) -> list[str]:
    """The pointer with every reference on its way followed, by a resolver of its own."""
    at, value = list[str](), source.document
    for part in (*pointer.split("/")[1:], None):
        while isinstance(value, dict) and "$ref" in value:
            at, value = value["$ref"][2:].split("/"), source.document
            for name in at:
                value = value[_unescaped(name)]
        if part is not None:
            at = [*at, part]
            name = _unescaped(part)
            if isinstance(value, list):
                value = value[int(name)] if name.isdecimal() and int(name) < len(value) else None
            else:
                value = value.get(name) if isinstance(value, dict) else None
    return at


def _unescaped(name: str) -> str:
    return name.replace("~1", "/").replace("~0", "~")


def _near(named: list[str], accepted: list[str]) -> bool:
    """Whether it is the place, within it, or a little too far out."""
    if named[: len(accepted)] == accepted:
        return True
    top = accepted[:1]
    furthest = 1 if top in (["security"], ["servers"], ["info"]) else _OPERATION
    if top == ["paths"]:
        furthest = min(furthest, len(accepted))
    is_around = accepted[: len(named)] == named
    return is_around and len(named) >= max(min(len(accepted), furthest), len(accepted) - _STEPS)


def page(every: list[Judged]) -> str:
    """The page, in Markdown."""
    lines = [_INTRO, "| | right | of |", "| --- | ---: | ---: |"]
    for name in (*_LEVELS, "hard", "silent_if_lenient"):
        mine = [
            one for one in every if name == one.expected["level"] or one.expected.get(name) is True
        ]
        right = sum(not one.wrong for one in mine)
        lines.append(f"| {name.replace('_', ' ')} | {right} | {len(mine)} |")
    lines += [f"| **all** | {sum(not one.wrong for one in every)} | {len(every)} |", ""]
    kinds = dict[str, list[Judged]]()
    for one in every:
        kinds.setdefault(one.expected["kind"], []).append(one)
    lines += ["| kind of change | expected | right | of |", "| --- | --- | ---: | ---: |"]
    for kind, mine in sorted(kinds.items()):
        levels = ", ".join(sorted({one.expected["level"] for one in mine}, key=_LEVELS.index))
        lines.append(f"| {kind} | {levels} | {sum(not o.wrong for o in mine)} | {len(mine)} |")
    wrong = [f"- {one.name}: {one.wrong}" for one in every if one.wrong]
    return "\n".join([*lines, *(["", "## Wrong", ""] if wrong else []), *wrong, ""])


if __name__ == "__main__":
    if sys.argv[1:] != ["write"]:
        sys.exit(__doc__)
    PAGE.write_text(page([judged(folder) for folder in cases()]), "utf-8")
    print(f"{PAGE.name}: written")
