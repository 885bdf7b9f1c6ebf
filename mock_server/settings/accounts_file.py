"""Accounts that are there from the start, from a TOML file: ``vms serve --accounts FILE``.

    [accounts."ada@example.com"]
    key = "a-key"
    credit = "12.50"
    mode = "strict"

Each table has the shape AccountSettings of ``openapi/twin.yaml``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from mock_server.contract.admin_schemas import SettingError, shown
from mock_server.settings import toml_file
from mock_server.settings.account_settings import Settings
from mock_server.store.protocol import Account


class AccountsFileError(Exception):
    """The file cannot be used: where, what it got, what was expected, on one line."""


def read(path: Path, settings: Settings, opened: Callable[[str], Account]) -> list[Account]:
    """The accounts of the file; ``opened`` gives what a login is without any settings.

    Raises:
        AccountsFileError: the file is missing or has something that cannot be set.
    """
    try:
        document = toml_file.read(path)
    except toml_file.TomlFileError as error:
        raise AccountsFileError(str(error)) from error
    # What JSON does not have, dates and infinities, is refused as the text that it is.
    document = json.loads(json.dumps(document, default=str), parse_constant=str)
    tables = document.pop("accounts", None)
    if document or not isinstance(tables, dict):
        got = ", ".join(document) or shown(tables)
        raise AccountsFileError(
            f'{path}: got {got}; expected tables such as [accounts."ada@example.com"] alone'
        )
    try:
        return [
            settings.account(opened(login), table, f"accounts.{shown(login)}")
            for login, table in tables.items()
        ]
    except SettingError as error:
        raise AccountsFileError(f"{path}: {error}") from error
