"""How entries of the inbox look on a terminal; plain text where there is none."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.json import JSON
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mock_server.json_values import printable

_LONGEST_VALUE: Final = 44
_STYLES: Final = {
    "repair": "yellow",
    "default": "yellow",
    "ignored": "magenta",
    "advice": "cyan",
    "refused": "bold red",
}
# Wide enough for a table of notes in a log file.
_WIDTH: Final = 120


class _Output(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the command, in place of an exit with 1, which may be a verdict."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def console() -> Console:
    """Standard output: coloured and as wide as the terminal, or plain and of a fixed width.

    Printing raises BrokenPipeError, as any output does, if nobody reads any more.
    """
    output = _Output(highlight=False, soft_wrap=False)
    return output if output.is_terminal else _Output(highlight=False, width=_WIDTH)


def verdict(entry: Mapping[str, Any]) -> Text:
    """One line: whether the API would send, and what it would cost."""
    accepted = entry["verdict"] == "accepted"
    style = "bold green" if accepted else "bold red"
    line = Text(f"{entry['answer']['status']} {entry['verdict']}", style=style)
    if campaign := entry["campaign"]:
        contacts = campaign["number_of_contacts"]
        line.append(
            f" · {'simulated, ' if campaign['simulated'] else ''}"
            f"{contacts} contact{'s' if contacts > 1 else ''} of {campaign['estimated_duration']} s"
            f" for {campaign['total_cost']} €"
            f"{', at ' + campaign['send_at'] if campaign['send_at'] else ''}",
            style="not bold default",
        )
    elif reason := entry["sign_in"] or entry["unreadable"]:
        why = " · {where}: {got}; expected {expected}".format_map(reason)
        line.append(why, style="not bold default")
    return line


def notes(entry: Mapping[str, Any]) -> RenderableType:
    """A table of the notes and violations, with the evidence of each below it."""
    evidence = list[str]()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("where", "what", "rule", "before → after", "evidence"):
        table.add_column(name, overflow="fold")
    for note in entry["notes"]:
        change = Text(f"{shown(note['before'])} → {shown(note['after'])}")
        if note["stakes"] == "high":
            change.append("\nhigh stakes", style="bold red")
        if meant := note.get("did_you_mean"):
            change.append(f"\ndid you mean {meant}?", style="bold")
        _row(table, evidence, note["path"] or "body", note["kind"], note["rule"], change, note)
    for violation in entry["violations"]:
        error = "{code} {message}".format_map(violation["error"])
        change = Text(f"{shown(violation['before'])} → {error}")
        _row(table, evidence, violation["path"], "refused", violation["reason"], change, violation)
    if not table.row_count:
        if entry["body"] is None:
            return Text("not read")
        return Text("valid as sent: nothing repaired, defaulted or ignored", style="green")
    reasons = (
        Text(f"[{number}] {reason}", style="dim") for number, reason in enumerate(evidence, 1)
    )
    return Group(table, *reasons)


def _row(  # noqa: PLR0913, PLR0917  (one argument a column)
    table: Table,
    evidence: list[str],
    path: str,
    kind: str,
    rule: str,
    change: Text,
    entry: Mapping[str, Any],
) -> None:
    reason = _reason(entry["evidence"])
    if reason not in evidence:
        evidence.append(reason)
    grade = Text(f"{entry['evidence']['grade']} [{evidence.index(reason) + 1}]")
    table.add_row(Text(printable(path)), Text(kind, style=_STYLES[kind]), Text(rule), change, grade)


def _reason(evidence: Mapping[str, str]) -> str:
    reason = f"“{evidence['quote']}”" if "quote" in evidence else evidence["reason"]
    return ": ".join(part for part in (evidence.get("source", evidence["grade"]), reason) if part)


def payload(value: Any) -> RenderableType:  # noqa: ANN401  (a JSON value)
    """A JSON value, indented."""
    return indented(JSON.from_data(value, ensure_ascii=False))


def indented(shown: RenderableType) -> RenderableType:
    """The same, two columns to the right."""
    return Padding(shown, (0, 0, 0, 2), expand=False)


def shown(value: Any) -> str:  # noqa: ANN401  (a JSON value)
    r"""A value on one line, its middle left out if it is long.

    >>> shown("fr"), shown(None), shown("a\tb"), shown("a" * 100)
    ('"fr"', 'null', '"a\\tb"', '"aaaaaaaaaaaaaaaaaaaaa … aaaaaaaaaaaaaaaaaaaaa"')
    >>> shown("a" * 42) == f'"{"a" * 42}"', " … " in shown("a" * 43)
    (True, True)
    """
    text = json.dumps(value, ensure_ascii=False)
    text = printable(text)
    half = _LONGEST_VALUE // 2
    return text if len(text) <= _LONGEST_VALUE else f"{text[:half]} … {text[-half:]}"
