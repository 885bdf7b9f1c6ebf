"""``vms diff``: what a change of the contract breaks, for a terminal, a program, or a review."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import click
from rich.markup import escape

from mock_server.contract.loader import ContractError
from vms import show
from vms.changes.behaviour import Behaviour, Fate
from vms.changes.clients import clients
from vms.changes.comparison import Comparison, comparison
from vms.changes.findings import Finding, Severity
from vms.changes.sources import Side, side
from vms.changes.structure import skipped
from vms.endings import remark
from vms.generated import CannotGenerateError

FORMS: Final = ("text", "json", "markdown", "github")
FAIL_ON: Final = {
    "silent": {Severity.SILENT},
    "breaking": {Severity.SILENT, Severity.BREAKING},
    "any": set(Severity),
}
_STYLES: Final = {
    Severity.SILENT: "bold red",
    Severity.BREAKING: "bold yellow",
    Severity.HARMLESS: "green",
}
_LEVELS: Final = {
    Severity.SILENT: "error",
    Severity.BREAKING: "error",
    Severity.HARMLESS: "notice",
}


def run(  # noqa: PLR0913  (one argument an option)
    old: str, new: str, *, form: str, fail_on: str | None, python: bool, every: bool
) -> int:
    """Print the comparison of two contracts; 1 if it holds what ``fail_on`` names.

    With ``every``, 2 if the second opinion could not be had. With ``python`` both clients are
    generated, and send the requests.
    """
    try:
        result = compared(side(old), side(new), python=python)
    except (ContractError, CannotGenerateError) as error:
        raise click.UsageError(str(error)) from error
    if form == "json":
        click.echo(json.dumps(result.document(), indent=2, ensure_ascii=False))
    elif form == "markdown":
        click.echo("\n".join(_markdown(result)))
    elif form == "github":
        path = str(result.new.file.path)
        click.echo("\n".join(_annotation(one, path) for one in result.findings))
    else:
        show_text(result)
    bad = FAIL_ON[fail_on] if fail_on else set()
    if any(one.severity in bad for one in result.findings):
        return 1
    if every and skipped(result.structure):
        remark(result.structure)
        return 2
    return 0


def compared(old: Side, new: Side, *, python: bool) -> Comparison:
    """The comparison, with the generated clients or without.

    Raises:
        CannotGenerateError: they were wanted and cannot be generated.
    """
    if not python:
        return comparison(old, new)
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
    # A revision or an address is no file that GitHub could show.
    if Path(path).is_file():
        line = f"line={one.new.line}," if one.new else ""
        where = f"file={_property(path)},{line}"
    text = f"{one.what} Hits: {one.hit}. {one.remedy}"
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return f"::{_LEVELS[one.severity]} {where}title={one.severity} {one.rule}::{escaped}"


def _title(result: Comparison) -> str:
    counted = ", ".join(f"{result.counted(severity)} {severity}" for severity in Severity)
    versions = (f"{part.contract.version} ({part.file.path})" for part in (result.old, result.new))
    return f"{' → '.join(versions)}: {counted}"


def _summary(result: Comparison) -> list[str]:
    told = "which it is" if result.version_tells else f"not {result.new.contract.version}"
    callers = "callers" if result.python is None else "generated client"
    lines = [
        f"Old {callers} at the new twin: {_counted(result.old_callers)}.",
        f"New {callers} at the old twin: {_counted(result.new_callers)}.",
        f"Structure: {result.structure}.",
        f"info.version must be at least {result.next_version}, {told}.",
    ]
    if result.python is not None:
        count = len(result.python)
        lines.append(f"Breaks for Python that imports the generated client: {count or 'none'}.")
    return lines


def _counted(callers: Behaviour) -> str:
    fates = [run.fate for run in callers.runs]
    parts = [f"{fates.count(fate)} {fate}" for fate in Fate if fate in fates]
    return f"{callers.requests} requests, {', '.join(parts) or 'all as before'}"


def _places(one: Finding) -> str:
    places = [f"{name} {place}" for name, place in (("old", one.old), ("new", one.new)) if place]
    return ", ".join(places)


def _changelog(result: Comparison) -> list[str]:
    return [f"- {escaped(text.removeprefix('- '))}" for text in result.changelog()]


# An underscore within a word is no mark.
_MARKS: Final = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")


def escaped(text: str) -> str:
    r"""The text on one line of Markdown, without what Markdown would take for marks.

    >>> print(escaped("a_name: ^[*]|_x_ <b>"))
    a_name: ^\[\*\]\|\_x\_ &lt;b>
    """
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKS.sub(r"\\\g<0>", plain)


def _property(text: str) -> str:
    return text.replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
