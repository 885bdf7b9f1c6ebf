"""``vms rules``: every rule of the contract with its evidence."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich import box
from rich.table import Table
from rich.text import Text

from mock_server.contract.rule_table import markdown, rules
from vms import show
from vms.contracts.shipped import loaded


def run(form: str, *, contract: Path | None) -> None:
    """Print the rules: ``form`` is table, json or markdown."""
    given = loaded(contract)
    if form == "markdown":
        click.echo(markdown(given), nl=False)
    elif form == "json":
        click.echo(json.dumps(rules(given), indent=2, ensure_ascii=False))
    else:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name in ("field", "rule", "what happens", "evidence"):
            table.add_column(name, overflow="fold")
        for row in rules(given):
            summary = Text(row["summary"])
            if row["stakes"] == "high":
                summary.append(" High stakes.", style="bold red")
            table.add_row(
                row["field"].replace("[", r"\["), row["rule"], summary, row["evidence"]["grade"]
            )
        show.console().print(table)
