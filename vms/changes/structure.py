"""The second opinion on the structure: ``redocly diff`` of @redocly/cli, where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mock_server.contract.document import shortened
from vms.changes.findings import Finding, Place, Severity
from vms.changes.sources import Side

COMMAND: Final = "redocly"
NO_REPORT: Final = (OSError, ValueError, LookupError, TypeError, AttributeError)
"""What comes of a report that is none, or of another shape."""
_PATIENCE: Final = 60


@dataclass(frozen=True, slots=True)
class Structure:
    """What redocly said: a line on the run, and what nobody else has found."""

    told: str
    findings: tuple[Finding, ...] = ()


def skipped(told: str) -> bool:
    """Whether this says that there was no second opinion."""
    return told.startswith("skipped: ")


def structure(old: Side, new: Side, known: Iterable[Finding]) -> Structure:
    """What redocly calls a major change and ``known`` do not have."""
    command = shutil.which(COMMAND)
    if command is None:
        return Structure(f"skipped: there is no {COMMAND} on the PATH (npm: @redocly/cli)")
    taken = {place.pointer for one in known for place in (one.old, one.new) if place is not None}
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.yaml" for name in ("old", "new")]
        for file, side in zip(files, (old, new), strict=True):
            file.write_text(side.file.text, "utf-8")
        try:
            done = subprocess.run(
                [command, "diff", *map(str, files), "--format=json", "--fail-on=none"],
                capture_output=True,
                cwd=folder,
                env=os.environ | {"REDOCLY_TELEMETRY": "off"},
                timeout=_PATIENCE,
                check=False,
            )
            report = json.loads(done.stdout)
            found = tuple(_major(report["changes"], taken, {"base": old, "revision": new}))
            summary = report["summary"].items()
        except (*NO_REPORT, subprocess.TimeoutExpired) as error:
            return Structure(f"skipped: {COMMAND} diff gave no report ({shortened(repr(error))})")
    counted = ", ".join(f"{number} {impact}" for impact, number in summary)
    others = f"{len(found)} of them not found otherwise" if found else "none that is not below"
    return Structure(f"{COMMAND} diff: {counted}; {others}", found)


def _major(
    changes: Iterable[Mapping[str, Any]], taken: set[str], sides: Mapping[str, Side]
) -> Iterator[Finding]:
    for change in changes:
        if change["impact"] != "major":
            continue
        places = {
            name: Place(
                str(side.file.path), change[name]["line"], change[name]["pointer"].lstrip("#")
            )
            for name, side in sides.items()
            if name in change
        }
        if any(_within(place.pointer, pointer) for place in places.values() for pointer in taken):
            continue
        for verdict in change["verdicts"]:
            yield Finding(
                Severity.BREAKING,
                f"{COMMAND}/{verdict['ruleId']}",
                change["path"].rpartition("/")[2],
                verdict["message"].replace("`", ""),
                "client code",
                "Regenerate the client; a type checker names the places.",
                places.get("base"),
                places.get("revision"),
            )


def _within(pointer: str, known: str) -> bool:
    """Whether what redocly points at is, or belongs to, what is known."""
    schema, _, keyword = pointer.rpartition("/")
    if keyword == "required":
        return known.startswith(f"{schema}/properties/")
    return pointer == known or pointer.startswith(f"{known}/")
