"""What a user names: a file, a git revision, or a URL, as a document and as a contract."""

from __future__ import annotations

import posixpath
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote, urljoin

import httpx

from mock_server.contract import loader
from mock_server.contract.document import (
    ContractError,
    ContractFile,
    Pointer,
    decoded_text,
    is_lenient,
    members,
    shortened,
    written,
)
from mock_server.contract.model import Contract
from vms.contracts.openapi import At, OpenApi
from vms.contracts.places import Place

DEFAULT_FILE: Final = "openapi/voice-campaign.yaml"
"""The file that a git revision without a path means."""
_PATIENCE: Final = 20.0
# Which of the classes of paths it is depends on the system.
_Path: Any = type(Path())


@dataclass(frozen=True)
class LoadedContract:
    """A contract with leniency, as the file and as the twin reads it."""

    file: ContractFile
    contract: Contract

    @property
    def at(self) -> Pointer:
        """Where the operation stands."""
        return ("paths", self.contract.url_path, self.contract.method.lower())

    @property
    def operation(self) -> Any:  # noqa: ANN401  (a YAML value)
        """The one operation."""
        return self.file.at(self.at)


@dataclass(frozen=True)
class Document:
    """An OpenAPI document, and the same as a contract where it has leniency."""

    openapi: OpenApi
    lenient: LoadedContract | None = None

    @property
    def version(self) -> str:
        """Its ``info.version``."""
        info = self.openapi.document.get("info")
        return str(info.get("version", "")) if isinstance(info, dict) else ""

    @classmethod
    def of(cls, path: Path, text: str, *, remote: bool = False) -> Document:
        """The document of this text; ``path`` is what messages call it.

        Raises:
            ContractError: it is not OpenAPI 3, has leniency of an unknown shape, or a reference in
                it leads nowhere, in a circle, or to a file that cannot be read.
        """
        openapi = OpenApi(path, text, partial(_beside, remote=remote))
        if not is_lenient(openapi.document):
            openapi.follow_references()
            # Looking at every value of a large file takes long.
            found = found_below(openapi.document, "x-lenient") if "x-lenient" in text else ()
            for pointer, _ in found:
                expected = "a contract as `vms contract FILE` writes it, with x-casts at its top"
                raise openapi.refuse(pointer, "x-lenient, but no x-casts", expected)
            return cls(openapi)
        file = ContractFile.parsed(path, text)
        for pointer, reference in found_below(file.document, "$ref"):
            # A parameter may have this name.
            if isinstance(reference, str):
                file.follow(file.at(pointer[:-1]), pointer[:-1])
        return cls(openapi, LoadedContract(file, loader.of(file)))


def document(name: str, *, remote: bool = False) -> Document:
    """The document that a user names.

    Args:
        name: a path; a git revision, alone or as ``revision:path``; or an ``https://`` URL.
        remote: whether its references to other hosts are followed.

    Raises:
        ContractError: it cannot be had, or is not OpenAPI 3.
    """
    return Document.of(*_read(name), remote=remote)


def found_below(value: object, name: str, pointer: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:
    """Every value that has this name, outside examples, with where it stands."""
    for key, member in members(value, pointer):
        if key == name:
            yield (*pointer, key), member
        else:
            yield from found_below(member, name, (*pointer, key))


def _read(name: str) -> tuple[Path, str]:
    path: Path = _AsTyped(name)
    if _is_url(name):
        content = _fetched(name)
    elif _is_file(name):
        path = Path(name)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ContractError(f"{path}: cannot be read: {error}") from error
    else:
        revision, _, inside = name.partition(":")
        path = _AsTyped(f"{revision}:{inside or DEFAULT_FILE}")
        content = _shown(name, revision, inside)
    return path, decoded_text(path, content)


def _beside(base: Path, reference: str, *, remote: bool) -> tuple[Path, str]:
    """The file that a reference leads to, from the file where it stands."""
    file, name = unquote(reference), str(base)
    if _is_url(reference) or _is_url(name):
        if not remote:
            raise ContractError(
                f"a reference to {shortened(repr(reference))}, which would be fetched; expected "
                "one to a file, or --remote-refs"
            )
        return _read(urljoin(name, reference))
    if isinstance(base, _AsTyped):
        revision, _, inside = name.partition(":")
        return _read(f"{revision}:{posixpath.normpath(posixpath.join(inside, '..', file))}")
    if not _is_file(name := str(base.parent / file)):
        raise ContractError(f"a reference to {shortened(repr(reference))}; expected a file")
    return _read(name)


class _AsTyped(_Path):  # type: ignore[misc]  # no type checker knows the class
    """What a user typed in the place of a path; a path would make one of the slashes of a URL."""

    def __new__(cls, typed: str) -> Self:
        made: Self = super().__new__(cls, typed)
        made._typed = typed
        return made

    def __str__(self) -> str:
        return str(self._typed)


def place(at: At) -> Place:
    """Where this stands."""
    return Place(str(at.source.path), at.source.line(at.pointer), written(at.pointer))


def _is_url(name: str) -> bool:
    return name.startswith(("https://", "http://"))


def _is_file(name: str) -> bool:
    """Whether it is there, and no folder: a branch may be called as one."""
    try:
        return Path(name).exists() and not Path(name).is_dir()
    except (OSError, ValueError):
        # Longer than a name may be.
        return False


def _fetched(url: str) -> bytes:
    try:
        answer = httpx.get(url, timeout=_PATIENCE, follow_redirects=True)
        return answer.raise_for_status().content
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        # A host's name that IDNA refuses is a ValueError.
        raise ContractError(f"{url}: {error}; expected an OpenAPI file") from error


def _shown(name: str, revision: str, path: str) -> bytes:
    expected = (
        "expected a file, a git revision (such as HEAD~1 or main:path/contract.yaml) or a URL"
    )
    if not name or revision.startswith("-"):
        raise ContractError(f"{name or 'an empty name'}: no such file; {expected}")
    command = ["git", "show", f"{revision}:{path or DEFAULT_FILE}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except (OSError, ValueError) as error:
        raise ContractError(f"{name}: {error}; {expected}") from error
    if done.returncode:
        reason = " ".join(done.stderr.decode(errors="replace").split())
        raise ContractError(f"{name}: neither a file nor known to git ({reason}); {expected}")
    return done.stdout
