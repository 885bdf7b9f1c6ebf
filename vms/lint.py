"""``vms lint``: is a contract sound? The twin's loader, two known linters, and our own rules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from mock_server.contract.document import ContractFile, Pointer, shipped, shortened
from mock_server.contract.loader import ContractError, of
from vms.changes.sources import Side
from vms.changes.structure import NO_REPORT
from vms.contract_rules import Problem, follow_references, problems, without_sources
from vms.endings import remark

REDOCLY: Final = "redocly"
_PATIENCE: Final = 60


class SkippedError(Exception):
    """A linter that is not there; the message says how to have it."""


def run(path: Path, *, every: bool) -> int:
    """Print what is wrong with the contract.

    Returns:
        0 if nothing is; 1 if something is; 2 if ``every`` linter was wanted, and one is missing.
    """
    found, skipped = list[str](), list[str]()
    try:
        file = ContractFile.read(path)
        side = Side(file, of(file))
        follow_references(file)
    except ContractError as error:
        # What the twin cannot read, the others would only describe less well.
        click.echo(str(error))
        return 1
    for linter in (_validator, _redocly, problems):
        try:
            found += map(str, linter(side))
        except SkippedError as error:
            skipped.append(str(error))
    for line in dict.fromkeys(found):
        click.echo(line)
    for line in (*skipped, *without_sources(side)):
        remark(f"skipped: {line}")
    if not found:
        click.echo(f"{path}: nothing found")
    return 1 if found else 2 if skipped and every else 0


def _validator(side: Side) -> Iterator[Problem]:
    """What openapi-spec-validator finds: the document's shape, references, defaults."""
    try:
        from openapi_spec_validator import OpenAPIV31SpecValidator  # noqa: PLC0415  (if it is there)
    except ImportError as missing:
        raise SkippedError(
            "openapi-spec-validator; pip install openapi-spec-validator"
        ) from missing
    validator = OpenAPIV31SpecValidator(dict(side.file.document))
    try:
        errors = list(validator.iter_errors())
    except Exception as failure:
        # It looks at parts that nobody has looked at before.
        raise SkippedError(f"openapi-spec-validator; {shortened(repr(failure))}") from failure
    for error in errors:
        pointer: Pointer = tuple(error.absolute_path)
        where = side.file.place(pointer)
        yield Problem(where, error.message, "OpenAPI 3.1", "openapi-spec-validator")


def _redocly(side: Side) -> Iterator[Problem]:
    command = shutil.which(REDOCLY)
    if command is None:
        raise SkippedError("redocly; npm install @redocly/cli, and put it on the PATH")
    try:
        done = subprocess.run(
            [
                command,
                "lint",
                str(side.file.path),
                f"--config={shipped('redocly.yaml')}",
                "--format=json",
                "--max-problems=1000",
            ],
            capture_output=True,
            text=True,
            env=os.environ | {"REDOCLY_TELEMETRY": "off"},
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise SkippedError(f"redocly lint gave no report ({shortened(repr(error))})") from error
    try:
        yield from [_told(side, problem) for problem in json.loads(done.stdout)["problems"]]
    except NO_REPORT as error:
        said = shortened(" ".join(done.stderr.split()[-20:]) or repr(error))
        raise SkippedError(f"redocly lint gave no report: {said}") from error


def _told(side: Side, problem: Any) -> Problem:  # noqa: ANN401  (a JSON value)
    at = problem["location"][0]
    where = f"{side.file.path}:{at['start']['line']}: {at['pointer'].lstrip('#')}"
    return Problem(where, problem["message"], "what its rule says", f"redocly/{problem['ruleId']}")
