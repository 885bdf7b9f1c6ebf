"""The contract that a command works on."""

from __future__ import annotations

from pathlib import Path

from mock_server.contract.loader import Contract, ContractError, load
from vms.endings import CannotError


def loaded(path: Path | None) -> Contract:
    """The contract at ``path``, or the shipped one; one that cannot be used ends the command."""
    try:
        return load(path)
    except ContractError as error:
        raise CannotError(str(error)) from error
