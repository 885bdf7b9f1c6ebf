"""Write the generated client, or compare it with what stands in the tree.

``nox -s generate`` and ``nox -s drift`` run this; it needs openapi-python-client and ruff beside
it.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

OPENAPI = Path(__file__).parent
CONTRACT = OPENAPI / "voice-campaign.yaml"
PACKAGE = OPENAPI.parent / "generated" / "voice_api"
MEND = "./noxw -s generate"


def generate(contract: Path, package: Path) -> None:
    """Replace ``package`` by the client generated from ``contract``, stamped and typed.

    Raises:
        subprocess.CalledProcessError: the generator failed or warned; it has said why.
    """
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / package.name
        command = [
            sys.executable,
            "-m",
            "openapi_python_client",
            "generate",
            "--fail-on-warning",
            "--meta",
            "none",
        ]
        command += [
            "--path",
            str(contract),
            "--config",
            str(OPENAPI / "generator.yaml"),
            "--output-path",
            str(fresh),
        ]
        # The formatter of the post hooks is the one installed beside this Python.
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            env=os.environ | {"PATH": path},
        )
        (fresh / "py.typed").touch()
        (fresh / "meta.py").write_text(_meta(contract), "utf-8")
        shutil.rmtree(package, ignore_errors=True)
        shutil.copytree(fresh, package)


def _meta(contract: Path) -> str:
    """What a layer over the client needs of the contract, and what made the client."""
    document: dict[str, Any] = yaml.safe_load(contract.read_text("utf-8"))
    schemes = document["components"]["securitySchemes"]
    values = {
        "CONTRACT_SHA256": hashlib.sha256(contract.read_bytes()).hexdigest(),
        "CONTRACT_VERSION": document["info"]["version"],
        "FORMATTER": f"ruff {version('ruff')}",
        "GENERATOR": f"openapi-python-client {version('openapi-python-client')}",
        "KEY_HEADER": schemes["api-key"]["name"],
        "LOGIN_HEADER": schemes["api-login"]["name"],
        "SERVER_URL": document["servers"][0]["url"],
    }
    lines = [f'{name} = "{value}"' for name, value in values.items()]
    return (
        '"""The contract this client was generated from, and by what."""\n\n'
        + "\n".join(lines)
        + "\n"
    )


def drift(contract: Path, package: Path) -> str:
    """The difference between ``package`` and a fresh generation, as a diff; empty if none."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / package.name
        generate(contract, fresh)
        old, new = _files(package), _files(fresh)
    parts = list[str]()
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        lines = list(
            difflib.unified_diff(_lines(before), _lines(after), f"tree/{name}", f"fresh/{name}")
        )
        parts.append(
            "".join(lines)
            or f"{name}: only in {'the tree' if after is None else 'a fresh generation'}\n"
        )
    return "".join(parts)


def _files(package: Path) -> dict[str, bytes]:
    return {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def _lines(content: bytes | None) -> list[str]:
    lines = (content or b"").decode(errors="backslashreplace").splitlines(keepends=True)
    return [
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; 0 if the client is as it should be."""
    parser = argparse.ArgumentParser(
        description="The generated client: write it, or compare it with the tree."
    )
    parser.add_argument("verb", choices=("write", "check"))
    parser.add_argument("--contract", type=Path, default=CONTRACT)
    parser.add_argument("--package", type=Path, default=PACKAGE)
    asked = parser.parse_args(arguments)
    try:
        if asked.verb == "write":
            generate(asked.contract, asked.package)
            print(f"{asked.package.name}: written from {asked.contract.name}")
            return 0
        difference = drift(asked.contract, asked.package)
    except subprocess.CalledProcessError:
        print(f"{asked.contract}: the generator refused the contract, see above", file=sys.stderr)
        return 2
    if not difference:
        print(f"{asked.package.name}: as generated from {asked.contract.name}")
        return 0
    print(difference, flush=True)
    told = f"{asked.package.name} is not what {asked.contract.name} generates"
    print(f"{told}. To mend it: {MEND}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
