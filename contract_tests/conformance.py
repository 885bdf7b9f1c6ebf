"""Runs Schemathesis over HTTP, by its own command line, against a twin on a port of its own.

    python contract_tests/conformance.py [--strict] [--reports FOLDER] [OPTION ...]

JUnit and HAR reports go to the folder; other options go to ``schemathesis run`` as they are. The
exit code is that of Schemathesis.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import spec
import wire
from mock_server.http.server import Serving

HERE: Final = Path(__file__).parent
LOGIN, KEY = wire.SIGNED_IN.values()
KEY_VARIABLE: Final = "SCHEMATHESIS_KEY"
"""The variable of the environment from which schemathesis.toml takes the api-key."""
UNDONE_BY_LENIENCY: Final = "negative_data_rejection"
"""The stock check that a lenient API cannot pass; the oracle says what it does instead."""


def twin(*, strict: bool) -> wire.Wire:
    """A twin with one account, which signs in nobody else."""
    return wire.Wire(wire.account(LOGIN, KEY), closed=True, strict=strict)


def run(reports: Path, *, strict: bool, options: Sequence[str] = ()) -> int:
    """Start a twin, run Schemathesis against it, and return the exit code."""
    mode = "strict" if strict else "lenient"
    asked = twin(strict=strict)
    reports.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Serving(asked.app, "127.0.0.1", 0) as serving:
        contract = Path(folder) / "openapi.json"
        contract.write_text(json.dumps(spec.DOCUMENT), "utf-8")
        environment = os.environ | {
            "SCHEMATHESIS_HOOKS": "checks",
            KEY_VARIABLE: KEY,
            "ORACLE": mode,
            "PYTHONPATH": os.pathsep.join((str(HERE), os.environ.get("PYTHONPATH", ""))),
        }
        command = [
            *(sys.executable, "-m", "schemathesis.cli"),
            *(
                "--config-file",
                str(HERE / "schemathesis.toml"),
                "run",
                str(contract),
                "--url",
                serving.url,
            ),
            *(() if strict else ("--exclude-checks", UNDONE_BY_LENIENCY)),
            *("--report", "junit,har"),
            *("--report-junit-path", str(reports / f"schemathesis-{mode}.xml")),
            *("--report-har-path", str(reports / f"schemathesis-{mode}.har")),
            *options,
        ]
        return subprocess.run(command, env=environment, check=False).returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--strict", action="store_true", help="a strict twin, every stock check")
    parser.add_argument("--reports", type=Path, default=Path("report"), help="where reports go")
    # What each note says stands in the reports' requests; 300 lines of it would hide the summary.
    logging.getLogger("mock_server").setLevel(logging.ERROR)
    given, options = parser.parse_known_args(arguments)
    return run(given.reports, strict=given.strict, options=options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
