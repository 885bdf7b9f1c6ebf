"""``vms diff``: what a change of the contract breaks, for a terminal, a program, or a review."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import click
from rich.markup import escape

from mock_server.contract.document import ContractError
from vms import show
from vms.contracts.diff.comparison import Comparison, comparison
from vms.contracts.diff.findings import Finding, Severity
from vms.contracts.diff.generated_clients import clients
from vms.contracts.diff.replay import Behaviour, Outcome
from vms.contracts.generate import CannotGenerateError
from vms.contracts.loaded import Document, document
from vms.contracts.places import Place

_WORST_FIRST: Final = list(Severity)
FAIL_ON: Final = {
    **{str(one): set(_WORST_FIRST[: number + 1]) for number, one in enumerate(_WORST_FIRST[:3])},
    "any": set(Severity),
}
"""What each choice of ``--fail-on`` fails on: that severity and what is worse."""
FORMS: Final = ("json", "markdown", "github", "sarif")
"""What else than text for a terminal there is."""
_STYLES: Final = {
    Severity.SILENT: "bold red",
    Severity.BREAKING: "bold yellow",
    Severity.WARNING: "yellow",
    Severity.HARMLESS: "green",
}
_LEVELS: Final = {
    Severity.SILENT: "error",
    Severity.BREAKING: "error",
    Severity.WARNING: "warning",
    Severity.HARMLESS: "notice",
}
_SARIF: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def documents(old: str, new: str, *, remote: bool) -> tuple[Document, Document]:
    """The documents that a user names, as `loaded.document` finds them.

    Raises:
        click.UsageError: one cannot be had.
    """
    try:
        return document(old, remote=remote), document(new, remote=remote)
    except ContractError as error:
        raise click.UsageError(str(error)) from error


def run(old: Document, new: Document, *, form: str, fail_on: str | None, python: bool) -> int:
    """Print the comparison of two documents; 1 if it has what ``fail_on`` names.

    With ``python`` both clients are generated, and send the requests.
    """
    try:
        result = compared(old, new, python=python)
    except (ContractError, CannotGenerateError) as error:
        raise click.UsageError(str(error)) from error
    if form == "text":
        show_text(result)
    else:
        click.echo(rendered(result, form))
    bad = FAIL_ON[fail_on] if fail_on else set[Severity]()
    return 1 if any(one.severity in bad for one in result.findings) else 0


def rendered(result: Comparison, form: str) -> str:
    """The comparison in one of `FORMS`."""
    path = str(result.new.openapi.path)
    if form == "markdown":
        return "\n".join(_markdown(result))
    if form == "github":
        return "\n".join(_annotation(one, path) for one in result.findings)
    document = result.document() if form == "json" else _sarif(result, path)
    return json.dumps(document, indent=2, ensure_ascii=False)


def compared(old: Document, new: Document, *, python: bool) -> Comparison:
    """The comparison, with the generated clients or without.

    Raises:
        ContractError: a reference leads nowhere, in a circle, or out of the file.
        CannotGenerateError: they were asked for and cannot be generated.
    """
    if not python:
        return comparison(old, new)
    if old.lenient is None or new.lenient is None:
        raise CannotGenerateError("--python needs two contracts with x-lenient")
    with clients(old, new) as generated:
        return comparison(old, new, generated)


def show_text(result: Comparison) -> None:
    """Print it for a terminal."""
    console = show.console()

    def line(text: str, style: str = "") -> None:
        console.print(escape(text), style=style, soft_wrap=True)

    line(_title(result), "bold")
    for one in result.findings:
        line("")
        line(f"{one.severity.upper()}  {one.about}  ({one.rule})", _STYLES[one.severity])
        line(f"  {one.what}")
        if one.hit != "nobody":
            line(f"  Hits: {one.hit}.")
            line(f"  Do:   {one.remedy}")
        if places := _places(one):
            line(f"  At:   {places}")
        for proof in one.proof:
            line(f"  Ran:  {proof}")
    line("")
    for text in _summary(result):
        line(text)
    for text in result.python or ():
        line(f"  {text}")
    if result.findings:
        line("For the changelog:")
        for text in _changelog(result):
            line(f"  {text}")


def _markdown(result: Comparison) -> list[str]:
    lines = [f"### {escaped(_title(result))}", ""]
    if result.findings:
        lines += ["| | What | Who is hit | What to do | Where |", "| --- | --- | --- | --- | --- |"]
    for one in result.findings:
        ran = "".join(f"<br>Ran: {escaped(proof)}" for proof in one.proof)
        cells = (escaped(text) for text in (one.hit, one.remedy, _places(one)))
        lines.append(
            f"| **{one.severity}** `{one.rule}` | {escaped(one.what)}{ran} | {' | '.join(cells)} |"
        )
    lines += ["", *(f"- {escaped(text)}" for text in _summary(result))]
    lines += [f"  - {escaped(text)}" for text in result.python or ()]
    if result.findings:
        lines += ["", "For the changelog:", "", *_changelog(result)]
    return lines


def _annotation(one: Finding, path: str) -> str:
    """A workflow command of GitHub Actions: the finding appears at its line of the new file."""
    where = ""
    # A revision or an address is not a file that GitHub could show.
    file = one.new.file if one.new else path
    if Path(file).is_file():
        line = f"line={one.new.line}," if one.new else ""
        where = f"file={_property(file)},{line}"
    text = _sentence(one)
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{_LEVELS[one.severity]} {where}title={one.severity} {one.rule}::{escaped}"


def _sarif(result: Comparison, path: str) -> dict[str, Any]:
    """The findings as SARIF 2.1.0, which code hosts show beside the lines of the new file."""
    rules = sorted({one.rule for one in result.findings})
    return {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "vms diff", "rules": [{"id": one} for one in rules]}},
                "results": [
                    {
                        "ruleId": one.rule,
                        "level": _LEVELS[one.severity].replace("notice", "note"),
                        "message": {"text": _sentence(one)},
                        "properties": {"severity": str(one.severity)},
                        "locations": [_physical(one.new, path)],
                    }
                    for one in result.findings
                ],
            }
        ],
    }


def _physical(place: Place | None, path: str) -> dict[str, Any]:
    if place is None:
        return {"physicalLocation": {"artifactLocation": {"uri": path}}}
    region = {"startLine": place.line}
    return {"physicalLocation": {"artifactLocation": {"uri": place.file}, "region": region}}


def _sentence(one: Finding) -> str:
    return f"{one.what} Hits: {one.hit}. {one.remedy}"


def _title(result: Comparison) -> str:
    counted = ", ".join(f"{result.counted(severity)} {severity}" for severity in Severity)
    versions = (f"{one.version} ({one.openapi.path})" for one in (result.old, result.new))
    return f"{' → '.join(versions)}: {counted}"


def _summary(result: Comparison) -> list[str]:
    shown = "which it is" if result.version_shows else f"not {result.new.version}"
    lines = [f"info.version must be at least {result.next_version}, {shown}."]
    if result.old_callers is None or result.new_callers is None:
        return [
            "Read as strict: without x-lenient nothing is silent, and no old request could be run.",
            *lines,
        ]
    callers = "callers" if result.python is None else "generated client"
    lines = [
        f"Old {callers} at the new twin: {_counted(result.old_callers)}.",
        f"New {callers} at the old twin: {_counted(result.new_callers)}.",
        *lines,
    ]
    if result.python is not None:
        count = len(result.python)
        lines.append(f"Breaks for Python that imports the generated client: {count or 'none'}.")
    return lines


def _counted(callers: Behaviour) -> str:
    outcomes = [run.outcome for run in callers.runs]
    parts = [f"{outcomes.count(one)} {one}" for one in Outcome if one in outcomes]
    return f"{callers.requests} requests, {', '.join(parts) or 'all as before'}"


def _places(one: Finding) -> str:
    places = [f"{name} {place}" for name, place in (("old", one.old), ("new", one.new)) if place]
    return ", ".join(places)


def _changelog(result: Comparison) -> list[str]:
    return [f"- {escaped(text.removeprefix('- '))}" for text in result.changelog()]


# An underscore within a word means nothing.
_SYNTAX: Final = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")


def escaped(text: str) -> str:
    r"""The text on one line of Markdown, without what Markdown would read as syntax.

    >>> print(escaped("a_name: ^[*]|_x_ <b>"))
    a_name: ^\[\*\]\|\_x\_ &lt;b>
    """
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return _SYNTAX.sub(r"\\\g<0>", plain)


def _property(text: str) -> str:
    return text.replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
