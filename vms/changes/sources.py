"""Contracts to compare: a file, a git revision, or a URL."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import httpx

from mock_server.contract import loader
from mock_server.contract.document import ContractError, ContractFile, Pointer, written
from mock_server.contract.model import Contract
from vms.changes.findings import Place

USUAL: Final = "openapi/voice-campaign.yaml"
"""The file that a git revision without a path means."""
_PATIENCE: Final = 20.0
# Which of the classes of paths it is depends on the system.
_Path: Any = type(Path())


@dataclass(frozen=True)
class Side:
    """One of the two contracts, as the file and as the twin reads it."""

    file: ContractFile
    contract: Contract

    def place(self, pointer: Pointer) -> Place:
        """Where this stands."""
        return Place(str(self.file.path), self.file.line(pointer), written(pointer))

    @property
    def at(self) -> Pointer:
        """Where the operation stands."""
        return ("paths", self.contract.url_path, self.contract.method.lower())

    @property
    def operation(self) -> Any:  # noqa: ANN401  (a YAML value)
        """The one operation."""
        return self.file.at(self.at)


def side(name: str) -> Side:
    """The contract that a user names.

    Args:
        name: a path; a git revision, alone or as ``revision:path``; or an ``https://`` URL.

    Raises:
        ContractError: it cannot be had, or is no contract.
    """
    if name.startswith(("https://", "http://")):
        file = ContractFile.decoded(_AsTyped(name), _fetched(name))
    elif _is_file(name):
        file = ContractFile.read(Path(name))
    else:
        revision, _, path = name.partition(":")
        label = _AsTyped(f"{revision}:{path or USUAL}")
        file = ContractFile.decoded(label, _shown(name, revision, path))
    return Side(file, loader.of(file))


class _AsTyped(_Path):  # type: ignore[misc]
    """What a user typed in the place of a path; a path would make one of the slashes of a URL."""

    def __new__(cls, typed: str) -> Self:
        made: Self = super().__new__(cls, typed)
        made._typed = typed
        return made

    def __str__(self) -> str:
        return str(self._typed)


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
        raise ContractError(f"{url}: {error}; wanted an OpenAPI file") from error


def _shown(name: str, revision: str, path: str) -> bytes:
    wanted = "wanted a file, a git revision (such as HEAD~1 or main:path/contract.yaml) or a URL"
    if revision.startswith("-"):
        raise ContractError(f"{name}: no such file; {wanted}")
    command = ["git", "show", f"{revision}:{path or USUAL}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except (OSError, ValueError) as error:
        raise ContractError(f"{name}: {error}; {wanted}") from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise ContractError(f"{name}: neither a file nor known to git ({said}); {wanted}")
    return done.stdout
