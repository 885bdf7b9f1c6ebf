"""The ``vms`` command."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO, cast


def main() -> None:
    """Run the command; without the extra that it needs, say which."""
    try:
        from vms.cli import vms
    except ModuleNotFoundError as error:
        sys.exit(
            f"vms: {error.name} is not installed; "
            "the command line comes with: pip install 'vms-kit[twin]'"
        )
    for stream in (sys.stdout, sys.stderr):
        # A terminal or a file of another encoding shows an escape, and not a traceback.
        cast("io.TextIOWrapper", stream).reconfigure(errors="backslashreplace")
    try:
        vms(prog_name="vms")
    except OSError as error:
        sys.exit(f"vms: cannot write: {error.strerror}")
    finally:
        _let_go(sys.stdout)


def _let_go(stream: TextIO) -> None:
    """Flush it; what it does not take must not become the exit code of the interpreter (120)."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    main()
