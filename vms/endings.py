"""How every command ends: with an exit code, whatever becomes of its streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import click

from vms.interrupts import EXIT_CODE as INTERRUPTED

CANNOT: Final = 2
"""It could not be done, as usage errors are: 1 is what a command found out."""


class CannotError(click.ClickException):
    """Something could not be read or written, so there is nothing that was found out."""

    exit_code = CANNOT


def remark(text: str) -> None:
    """Write a line to standard error; what cannot be written there changes no verdict."""
    with suppress(OSError):
        click.echo(text, err=True)


class Commands(click.Group):
    """A group whose commands end with their own code, 2 for what cannot be written, or 130."""

    def make_context(self, *given: Any, **named: Any) -> click.Context:  # noqa: ANN401  (as click's)
        """Read the command line; --help and --version are printed here."""
        with _ended():
            return super().make_context(*given, **named)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401  (as click's)
        """Run the command."""
        with _ended():
            return super().invoke(ctx)


@contextmanager
def _ended() -> Iterator[None]:
    """Turn whatever ends a command into an exit code, before click makes a 1 of it.

    Raises:
        click.exceptions.Exit: in place of each.
    """
    try:
        try:
            yield
        except BrokenPipeError:
            # Whoever read it has read enough, and wants to hear no more.
            raise click.exceptions.Exit(CANNOT) from None
        except OSError as error:
            where = f"{error.filename}" if error.filename else "cannot write"
            raise CannotError(f"{where}: {error.strerror or error}") from error
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        raise click.exceptions.Exit(error.exit_code) from error
    except KeyboardInterrupt:
        remark("\nInterrupted.")
        raise click.exceptions.Exit(INTERRUPTED) from None
