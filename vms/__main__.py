"""The ``vms`` command."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO, cast


def main() -> None:
    """Run the command; without the extra that it needs, say which."""
    _open_what_is_closed()
    try:
        from vms.cli import vms
    except ModuleNotFoundError as error:
        sys.exit(
            f"vms: {error.name} is not installed; "
            "the command line comes with: pip install 'vms-kit[twin]'"
        )
    except KeyboardInterrupt:
        sys.exit(130)
    for stream in (sys.stdout, sys.stderr):
        # A terminal or a file of another encoding shows an escape, and not a traceback.
        cast("io.TextIOWrapper", stream).reconfigure(errors="backslashreplace")
    try:
        vms(prog_name="vms")
    finally:
        _let_go(sys.stdout)
        _let_go(sys.stderr)


def _open_what_is_closed() -> None:
    """Put the null device where there is no stream (``vms … >&-``).

    Else the next file that is opened, such as a journal, would take its number, and get what is
    written to standard error. What is read from there fails, as of a stream that is closed.
    """
    for name, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.open(os.devnull, os.O_WRONLY), mode))  # noqa: SIM115, PTH123  (stays open; no path)


def _let_go(stream: TextIO) -> None:
    """Flush it; what it does not take must not become the exit code of the interpreter (120)."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
