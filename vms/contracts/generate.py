"""``vms generate`` and ``vms drift``: the client of a contract, written or compared."""

from __future__ import annotations

import difflib
import json
import keyword
import os
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from mock_server.contract.document import shipped
from mock_server.contract.loader import ContractError
from vms.contracts import client_checks
from vms.contracts.client_parts import (
    FORMATTER,
    GENERATOR,
    STAMP,
    STAMP_SIGN,
    MissingToolError,
    installed,
    parts,
)
from vms.contracts.loaded import Document, document
from vms.endings import CannotError, remark

# What a generated client imports, and the packages here: one so called would be imported in their
# place.
_IMPORTED: Final = frozenset(
    {"attr", "attrs", "dateutil", "httpx", "mock_server", "vms", "voice_client"}
)
# What the generator prints around each report.
_HEADING: Final = "Error(s) encountered while generating, client was not created"
_FOOTER: Final = "If you believe this was a mistake"


class CannotGenerateError(Exception):
    """The generator is missing, or refused the contract; the message has which, and what to do."""


def write(contract: Path, package: Path) -> None:
    """Replace ``package`` by the client that the contract generates.

    Raises:
        CannotError: it could not be generated; the package is as it was.
    """
    try:
        generate(contract, package)
    except CannotGenerateError as error:
        raise CannotError(str(error)) from error
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
    remark(
        f"{package.name} is not what {contract.name} generates. "
        f"To repair it: vms generate {contract} {package}"
    )
    return 1


def generate(contract: Path | Document, package: Path) -> None:
    """Replace ``package`` by the client generated from ``contract``, stamped and typed.

    Raises:
        CannotGenerateError: the generator is not installed, failed, or warned; or the folder holds
            something else than a generated client.
    """
    # What a link names is replaced, and the link stays.
    target = package.resolve()
    _refuse_name(package, target.name)
    try:
        if target.exists() and any(target.iterdir()):
            _refuse_other_folder(package)
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / target.name
            _make(contract, fresh)
            _replace(target, fresh)
    except OSError as error:
        raise CannotGenerateError(f"{package}: cannot be written: {error}") from error


def _refuse_name(package: Path, name: str) -> None:
    """A package is imported by the name of its folder.

    Raises:
        CannotGenerateError: it cannot be, or would take the place of a module of that name.
    """
    # Python reads each name in the form NFKC, and those with two underscores have a meaning.
    plain = unicodedata.normalize("NFKC", name) == name and not name.startswith("__")
    if not plain or not name.isidentifier() or keyword.iskeyword(name):
        why = "which Python cannot import"
    elif name in sys.stdlib_module_names | _IMPORTED:
        why = "and it would hide a module of that name"
    else:
        return
    raise CannotGenerateError(
        f"{package}: the package would be called {name!r}, {why}; expected a name such as voice_api"
    )


def _refuse_other_folder(package: Path) -> None:
    """Many packages have a meta.py, so this looks for what only ours has.

    Raises:
        CannotGenerateError: the folder is not a generated client.
    """
    try:
        stamp = (package / STAMP).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        stamp = ""
    if f"{STAMP_SIGN} = " not in stamp:
        raise CannotGenerateError(
            f"{package} has no {STAMP} with {STAMP_SIGN}, so it is not a generated client; "
            "expected one, or a new folder"
        )


def _make(contract: Path | Document, fresh: Path) -> None:
    try:
        read = contract if isinstance(contract, Document) else document(str(contract))
        for tool in (GENERATOR, FORMATTER):
            installed(tool)
        client_checks.check(read.openapi, fresh, _run_generator(read, fresh))
        made = parts(read, fresh)
    except (ContractError, MissingToolError) as error:
        raise CannotGenerateError(str(error)) from error
    for name, text in {"py.typed": "", **made}.items():
        (fresh / name).write_text(text, "utf-8")


def _replace(target: Path, fresh: Path) -> None:
    """Put the new folder in the place of the old, which stays if that fails at any point."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # On the same disk, so that both moves are renames.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as beside:
        new, old = Path(beside) / "new", Path(beside) / "old"
        shutil.copytree(fresh, new)
        if target.exists():
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise


def _values(read: Document) -> Mapping[str, Any]:
    """The document as the generator reads it: it follows no other ``$ref`` than to a component.

    Raises:
        ContractError: a reference leads to another file.
    """
    if read.lenient is not None:
        return read.lenient.file.without_besides()
    openapi = read.openapi
    for at in openapi.values():
        if openapi.behind(at).source is not openapi:
            expected = f"all in one, as redocly bundle writes it: {GENERATOR} reads no other"
            raise openapi.refuse(at.pointer, "a reference to another file", expected)
    paths = {name: openapi.behind(item).value for name, item in openapi.root.below("paths")}
    return {**openapi.document, **({"paths": paths} if paths else {})}


def _run_generator(read: Document, fresh: Path) -> int:
    """Run it; how many operations it has reported that it left out."""
    contract = read.openapi.path
    plain = fresh.with_name(f"{fresh.name}.json")
    plain.write_text(json.dumps(_values(read)), "utf-8")
    command = [sys.executable, "-m", "openapi_python_client", "generate"]
    command += ["--meta", "none", "--config", str(shipped("generator.yaml"))]
    command += ["--path", str(plain), "--output-path", str(fresh)]
    # Of other people's contracts it leaves out what it does not know, and warns of it.
    command += [] if read.lenient is None else ["--fail-on-warning"]
    # The formatter of the post hooks is the one installed beside this Python.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    done = subprocess.run(
        command,
        cwd=fresh.parent,
        env=os.environ | {"PATH": path, "TYPER_STANDARD_TRACEBACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    output = (done.stderr or done.stdout).strip()
    if done.returncode:
        # Of a traceback the last line; of a report all but its heading and its footer.
        reason = output.splitlines()[-1] if "Traceback" in output else output
        reason = reason.removeprefix(_HEADING).partition(_FOOTER)[0]
        raise CannotGenerateError(
            f"{contract}: {GENERATOR} refused the contract: {' '.join(reason.split())}"
        )
    if "WARNING" in output:
        remark(f"{contract}: {GENERATOR} left out a part:\n{output}")
    return output.count("Endpoint will not be generated")


def missing(package: str) -> CannotGenerateError:
    """The error for a package that only maintainers of a contract need."""
    return CannotGenerateError(str(MissingToolError(package)))


def drift(contract: Path, package: Path) -> str:
    """The difference between ``package`` and a fresh generation, as a diff; empty if none.

    Raises:
        CannotGenerateError: as `generate` does, or the package is not a generated client.
    """
    if not package.is_dir():
        raise CannotGenerateError(f"{package}: no such folder; expected a generated client")
    _refuse_other_folder(package)
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / package.resolve().name
        _make(contract, fresh)
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
        # Git may write the ends of lines as the system has them.
        path.relative_to(package).as_posix(): path.read_bytes().replace(b"\r\n", b"\n")
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.relative_to(package).parts
    }


def _lines(content: bytes | None) -> list[str]:
    lines = (content or b"").decode(errors="backslashreplace").splitlines(keepends=True)
    return [
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    ]
