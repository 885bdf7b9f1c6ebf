"""``vms lint``: what is wrong with a contract, by two known linters and by our own rules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from mock_server.contract.document import ContractError, Pointer, shipped, shortened
from vms.contracts.lint_rules import Problem, problems, without_sources
from vms.contracts.loaded import Document, document
from vms.endings import remark

REDOCLY: Final = "redocly"
_PATIENCE: Final = 60
# What results from a report that is not one, or of another shape.
_NO_REPORT: Final = (OSError, ValueError, LookupError, TypeError, AttributeError)


class SkippedError(Exception):
    """A linter that is not there; the message has the command that installs it."""


def run(path: Path, *, every: bool) -> int:
    """Print what is wrong with the contract.

    Returns:
        0 if nothing is; 1 if something is; 2 if ``every`` linter was asked for, and one is missing,
        or if all are.
    """
    found, skipped = list[str](), list[str]()
    try:
        read = document(str(path))
    except ContractError as error:
        # What cannot be read, the linters would only describe less well.
        click.echo(str(error))
        return 1
    linters = (_validator, _redocly, _own_rules)
    for linter in linters:
        try:
            found += map(str, linter(read))
        except SkippedError as error:
            skipped.append(str(error))
    for line in dict.fromkeys(found):
        click.echo(line)
    without = [] if read.lenient is None else without_sources(read.lenient)
    for line in (*skipped, *without):
        remark(f"skipped: {line}")
    if len(skipped) == len(linters):
        remark(f"{path}: no linter looked at it, only its references were followed")
        return 2
    if not found:
        click.echo(f"{path}: nothing found")
    return 1 if found else 2 if skipped and every else 0


def _own_rules(read: Document) -> Iterator[Problem]:
    if read.lenient is None:
        raise SkippedError("our own rules, which are about x-lenient; the file has none")
    return problems(read.lenient)


def _validator(read: Document) -> Iterator[Problem]:
    """What openapi-spec-validator finds: the document's shape, references, defaults."""
    try:
        import openapi_spec_validator as known  # noqa: PLC0415  (if it is there)
    except ImportError as missing:
        raise SkippedError(
            "openapi-spec-validator; pip install openapi-spec-validator"
        ) from missing
    openapi = read.openapi
    version = "".join(str(openapi.document["openapi"]).split(".")[:2])
    kind = getattr(known, f"OpenAPIV{version}SpecValidator", None)
    if kind is None:
        raise SkippedError(f"openapi-spec-validator; it knows no OpenAPI {version}")
    try:
        base = openapi.path.absolute().as_uri()
        errors = list(kind(openapi.document, base_uri=base).iter_errors())
    except Exception as failure:
        # It looks at parts that nobody has looked at before.
        raise SkippedError(f"openapi-spec-validator; {shortened(repr(failure))}") from failure
    for error in errors:
        pointer: Pointer = tuple(error.absolute_path)
        if not pointer:
            # Of a default it names no place, but has the schema that refuses it.
            schemas = (at.pointer for at in openapi.values() if at.value is error.schema)
            pointer = next(((*place, "default") for place in schemas), ())
        where = openapi.place(pointer)
        expected = f"OpenAPI {openapi.document['openapi']}"
        message = error.message.partition("\n")[0]
        yield Problem(where, message, expected, "openapi-spec-validator")


def _redocly(read: Document) -> Iterator[Problem]:
    command, path = shutil.which(REDOCLY), read.openapi.path
    if command is None:
        raise SkippedError("redocly; npm install @redocly/cli, and put it on the PATH")
    try:
        done = subprocess.run(
            [
                command,
                "lint",
                str(path),
                # Other people's files have rules of their own.
                *([] if read.lenient is None else [f"--config={shipped('redocly.yaml')}"]),
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
        yield from [_reported(path, problem) for problem in json.loads(done.stdout)["problems"]]
    except _NO_REPORT as error:
        reason = shortened(" ".join(done.stderr.split()[-20:]) or repr(error))
        raise SkippedError(f"redocly lint gave no report: {reason}") from error


def _reported(path: Path, problem: Any) -> Problem:  # noqa: ANN401  (a JSON value)
    at = problem["location"][0]
    where = f"{path}:{at['start']['line']}: {at['pointer'].lstrip('#')}"
    return Problem(
        where, problem["message"], "what its rule requires", f"redocly/{problem['ruleId']}"
    )
