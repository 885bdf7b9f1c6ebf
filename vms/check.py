"""``vms check``: does another server answer each case as the twin does?"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

import click
import httpx
from rich.console import Console
from rich.progress import Progress

from vms import show
from vms.endings import CANNOT, remark
from vms.interrupts import EXIT_CODE as INTERRUPTED
from vms.parity.asking import STOPPED, Access, Parity, ParityError, Result
from vms.parity.snapshots import SnapshotError


def run(parity: Parity, base_url: str | None, access: Access, *, as_json: bool) -> int:
    """Print what became of each case.

    0 if all are the same or acknowledged, 1 if one differs or its acknowledgement is outdated, 2
    for trouble, 130 for Ctrl-C.
    """
    try:
        with _the_twin_unheard(), _progress(shown=base_url is not None) as bar:
            task = bar.add_task("Asking", total=None)
            parity.progress = lambda done, of: bar.update(task, completed=done, total=of)
            result = parity.recorded() if base_url is None else parity.asked(base_url, access)
    except (ParityError, SnapshotError, httpx.InvalidURL) as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(asdict(result), indent=2, ensure_ascii=False))
    else:
        _print(result)
    if result.trouble:
        remark(f"Error: {result.trouble}")
        return INTERRUPTED if result.trouble == STOPPED else CANNOT
    return 1 if result.different or result.outdated else 0


def _progress(*, shown: bool) -> Progress:
    """A bar on standard error, if that is a terminal."""
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not (shown and console.is_terminal))


def _print(result: Result) -> None:
    """The cases that want a look one by one, the others by how many are alike."""
    console = show.console()
    console.print(f"{len(result.same):5} same")
    for name, group in {
        "different": result.different,
        "different, and acknowledged": result.acknowledged,
        "acknowledged, but the same now: take it out of the file": result.outdated,
    }.items():
        if group or name == "different":
            console.print(f"{len(group):5} {name}")
        for label, how in group.items():
            console.print(f"      {label}\n        {how}", markup=False)
    for name, group in {
        "not yet observed": result.unobserved,
        "not askable": result.not_askable,
    }.items():
        console.print(f"{len(group):5} {name}")
        _print_reasons(console, group)


def _print_reasons(console: Console, group: Mapping[str, str]) -> None:
    for why, many in Counter(map(_kind, group.values())).most_common():
        console.print(f"      {many:5} {why}", markup=False)


def _kind(why: str) -> str:
    # What the guard holds back is quoted before "could be", and differs each time.
    return f"held back: what{why[at:]}" if (at := why.find(" could be")) >= 0 else why


@contextmanager
def _the_twin_unheard() -> Iterator[None]:
    """Without the line that the twin logs for each of thousands of repairs."""
    logger = logging.getLogger("mock_server")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def from_environment(
    numbers: tuple[str, ...], calls: int, pause: float, *, permission: bool
) -> Access:
    """Who asks; login and key come from the environment alone, where no process list shows them."""
    login, key = os.environ.get("VMS_LOGIN", ""), os.environ.get("VMS_KEY", "")
    return Access(permission, login, key, numbers, calls, pause)
