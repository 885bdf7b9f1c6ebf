"""``vms generate`` and ``vms drift``: the client of a contract, written or compared."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import click

from mock_server.contract import ContractError, of
from mock_server.contract_file import ContractFile, shipped

# Both write the generated files, so both belong to the stamp.
GENERATOR: Final = "openapi-python-client"
FORMATTER: Final = "ruff"
_STAMP: Final = "meta.py"


class CannotGenerateError(Exception):
    """The generator is missing, or refused the contract; the message says which, and what to do."""


def write(contract: Path, package: Path) -> None:
    """Replace ``package`` by the client that the contract generates.

    Raises:
        click.ClickException: it could not be generated; the package is as it was.
    """
    try:
        generate(contract, package)
    except CannotGenerateError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{package.name}: written from {contract.name}")


def check(contract: Path, package: Path) -> int:
    """Print how ``package`` differs from what the contract generates; 1 if it does, else 0.

    Raises:
        click.UsageError: nothing could be generated to compare with.
    """
    try:
        difference = drift(contract, package)
    except CannotGenerateError as error:
        raise click.UsageError(str(error)) from error
    if not difference:
        click.echo(f"{package.name}: as generated from {contract.name}")
        return 0
    click.echo(difference)
    told = f"{package.name} is not what {contract.name} generates"
    click.echo(f"{told}. To mend it: vms generate {contract} {package}", err=True)
    return 1


def generate(contract: Path, package: Path) -> None:
    """Replace ``package`` by the client generated from ``contract``, stamped and typed.

    Raises:
        CannotGenerateError: the generator is not installed, failed, or warned; or the folder holds
            something else than a generated client.
    """
    if package.exists() and any(package.iterdir()) and not (package / _STAMP).exists():
        raise CannotGenerateError(
            f"{package} has no {_STAMP}, so it is no generated client; wanted one, or a new folder"
        )
    stamp = _meta(contract)
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / package.name
        _run_generator(contract, fresh)
        (fresh / "py.typed").touch()
        (fresh / _STAMP).write_text(stamp, "utf-8")
        shutil.rmtree(package, ignore_errors=True)
        shutil.copytree(fresh, package)


def _run_generator(contract: Path, fresh: Path) -> None:
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"]
    command += ["--meta", "none", "--config", str(shipped("generator.yaml"))]
    command += ["--path", str(contract.resolve()), "--output-path", str(fresh)]
    # The formatter of the post hooks is the one installed beside this Python.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    done = subprocess.run(
        command,
        cwd=fresh.parent,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise CannotGenerateError(f"{contract}: {GENERATOR} refused the contract:\n{said}")


def _meta(contract: Path) -> str:
    """What a layer over the client needs of the contract, and what made the client."""
    try:
        file = ContractFile.read(contract)
        read = of(file)
    except ContractError as error:
        raise CannotGenerateError(str(error)) from error
    values = {
        "CONTRACT_SHA256": file.sha256,
        "CONTRACT_VERSION": read.version,
        "FORMATTER": _installed(FORMATTER),
        "GENERATOR": _installed(GENERATOR),
        "KEY_HEADER": read.key_header,
        "LOGIN_HEADER": read.login_header,
        "SERVER_URL": file.at(("servers", 0, "url")),
    }
    lines = [f'{name} = "{value}"' for name, value in values.items()]
    return (
        '"""The contract this client was generated from, and by what."""\n\n'
        + "\n".join(lines)
        + "\n"
    )


def _installed(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError as error:
        raise missing(package) from error


def missing(package: str) -> CannotGenerateError:
    """The error for a package that only maintainers of a contract need."""
    return CannotGenerateError(f"{package} is not installed; pip install 'vms-kit[maintain]'")


def drift(contract: Path, package: Path) -> str:
    """The difference between ``package`` and a fresh generation, as a diff; empty if none.

    Raises:
        CannotGenerateError: as `generate` does.
    """
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
