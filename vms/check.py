"""``vms check``: does another server answer each case as the twin does?"""

from __future__ import annotations

import json
import os
from dataclasses import asdict

import click
import httpx

from vms import show
from vms.parity.asking import Access, Parity, ParityError
from vms.parity.snapshots import SnapshotError


def run(parity: Parity, base_url: str | None, access: Access, *, as_json: bool) -> int:
    """Print what became of each case. 0 if all are the same, 1 if one differs, 2 for trouble."""
    try:
        result = parity.recorded() if base_url is None else parity.asked(base_url, access)
    except (ParityError, SnapshotError, httpx.InvalidURL) as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(asdict(result), indent=2, ensure_ascii=False))
    else:
        console = show.console()
        groups = {
            "same": result.same,
            "different": result.different,
            "not yet observed": result.unobserved,
            "not askable": result.not_askable,
        }
        for name, group in groups.items():
            console.print(f"{len(group):5} {name}")
        for label, how in result.different.items():
            console.print(f"\n{label}\n  {how}", markup=False)
    if result.trouble:
        click.echo(f"Error: {result.trouble}", err=True)
        return 2
    return 1 if result.different else 0


def from_environment(
    numbers: tuple[str, ...], calls: int, pause: float, *, permission: bool
) -> Access:
    """Who asks; login and key come from the environment alone, where no process list shows them."""
    login, key = os.environ.get("VMS_LOGIN", ""), os.environ.get("VMS_KEY", "")
    return Access(permission, login, key, numbers, calls, pause)
