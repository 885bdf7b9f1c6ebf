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
from mock_server.server import Serving

HERE: Final = Path(__file__).parent
KEY: Final = "a-key"
LOGIN: Final = "ada@example.com"


def twin(*, strict: bool) -> wire.Wire:
    """A twin with one account, which signs in nobody else."""
    return wire.Wire(wire.account(LOGIN, KEY), closed=True, strict=strict)


def run(reports: Path, *, strict: bool, options: Sequence[str] = ()) -> int:
    """Start a twin, run Schemathesis against it, and return the exit code."""
    mode = "strict" if strict else "lenient"
    config = HERE / ("schemathesis-strict.toml" if strict else "schemathesis.toml")
    asked = twin(strict=strict)
    # What each note says stands in the reports' requests; 300 lines of it would hide the summary.
    logging.getLogger("mock_server").setLevel(logging.ERROR)
    reports.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Serving(asked.app, "127.0.0.1", 0) as serving:
        contract = Path(folder) / "openapi.json"
        contract.write_text(json.dumps(spec.DOCUMENT), "utf-8")
        environment = os.environ | {
            "SCHEMATHESIS_HOOKS": "checks",
            "SCHEMATHESIS_KEY": KEY,
            "ORACLE": mode,
            "PYTHONPATH": os.pathsep.join((str(HERE), os.environ.get("PYTHONPATH", ""))),
        }
        command = [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(config), "run", str(contract), "--url", serving.url),
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
    given, options = parser.parse_known_args(arguments)
    return run(given.reports, strict=given.strict, options=options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
