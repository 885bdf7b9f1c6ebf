"""``vms lint``: is a contract sound? The twin's loader, two known linters, and our own rules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from mock_server.contract import ContractError, of
from mock_server.contract_file import ContractFile, Pointer, shipped
from vms.changes.sources import Side
from vms.contract_rules import Problem, follow_references, place, problems

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
    for line in skipped:
        click.echo(f"skipped: {line}", err=True)
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
    for error in OpenAPIV31SpecValidator(dict(side.file.document)).iter_errors():
        pointer: Pointer = tuple(error.absolute_path)
        where = place(side.file, pointer)
        yield Problem(where, error.message, "OpenAPI 3.1", "openapi-spec-validator")


def _redocly(side: Side) -> Iterator[Problem]:
    command = shutil.which(REDOCLY)
    if command is None:
        raise SkippedError("redocly; npm install @redocly/cli, and put it on the PATH")
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
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        said = " ".join(done.stderr.split()[-20:])
        raise SkippedError(f"redocly lint gave no report: {said}") from error
    for problem in report["problems"]:
        at = problem["location"][0]
        where = f"{side.file.path}:{at['start']['line']}: {at['pointer'].lstrip('#')}"
        rule = f"redocly/{problem['ruleId']}"
        yield Problem(where, problem["message"], "what its rule says", rule)
