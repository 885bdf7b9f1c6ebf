"""How far a campaign is: a bar on a terminal, a line now and then where there is none."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Final, TypeAlias

import click
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from voice_client import Progress

Show: TypeAlias = Callable[[int, str], None]
"""Takes how many recipients are done, and what else is to be told."""

_EVERY: Final = 5.0
"""Seconds between two lines: a log stays readable."""


@contextmanager
def shown(
    what: str, total: int | None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Show]:
    """Show a step on standard error until the end of the context.

    A display that fails is no reason to end a campaign, so its errors are dropped.

    Args:
        what: the step, such as "Sending".
        total: recipients, None if nobody knows yet.
        clock: in monotonic seconds.
    """
    if not sys.stderr.isatty():
        yield _quietly(_lines(what, total, clock))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.fields[done]}"),
        TextColumn("{task.fields[told]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total, done="", told="")
        yield _quietly(
            lambda done, told: bar.update(
                task, completed=done, done=_of(done, total), told=told, refresh=done == total
            )
        )


def of(progress: Progress) -> tuple[int, str]:
    """How many recipients are done, and everything else on one line: what to show."""
    parts = [euros(progress.cost)]
    if progress.credit_left is not None:
        parts.append(f"{euros(progress.credit_left)} left")
    if progress.rate is not None:
        parts.append(f"{progress.rate:,.0f}/s")
    if progress.eta is not None:
        parts.append(f"{timedelta(seconds=round(progress.eta))} to go")
    if progress.failed:
        parts.append(f"{progress.failed:,} not sent")
    if progress.unknown:
        parts.append(f"{progress.unknown:,} unknown")
    return progress.sent + progress.failed + progress.unknown, " · ".join(parts)


def euros(amount: Decimal) -> str:
    """An amount with its cents, and with whatever is less than a cent.

    >>> euros(Decimal("1249.5")), euros(Decimal("0.045")), euros(Decimal("1E+2"))
    ('1,249.50 €', '0.045 €', '100.00 €')
    """
    cents = amount.quantize(Decimal("0.01"))
    return f"{cents if cents == amount else amount:,f} €"


def _lines(what: str, total: int | None, clock: Callable[[], float]) -> Show:
    before = clock()

    def show(done: int, told: str) -> None:
        nonlocal before
        if clock() - before >= _EVERY:
            before = clock()
            click.echo(" · ".join(filter(None, (f"{what}: {_of(done, total)}", told))), err=True)

    return show


def _quietly(show: Show) -> Show:
    def shielded(done: int, told: str) -> None:
        with contextlib.suppress(OSError):
            show(done, told)

    return shielded


def _of(done: int, total: int | None) -> str:
    return f"{done:,}" if total is None else f"{done:,} of {total:,}"
