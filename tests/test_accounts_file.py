"""Accounts that are there from the start."""

from __future__ import annotations

import codecs
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from mock_server.contract.loader import Contract
from mock_server.core.accounts import opened
from mock_server.settings.account_settings import Settings
from mock_server.settings.accounts_file import AccountsFileError, read
from mock_server.store.protocol import Account

WHOLE = """
[accounts."ada@example.com"]
key = "a-key"
credit = "12.50"
mode = "strict"
voice_addon = false
region = "GB"
opt_outs = ["+33639981234"]
callback_url = "http://127.0.0.1:9000/receipts"
tariff = { price = 0.07, billing_step = 60 }

[accounts.grace]
"""


def accounts(contract: Contract, path: Path, text: str) -> dict[str, Account]:
    path.write_text(text, "utf-8")
    found = read(path, Settings(contract), partial(opened, contract))
    return {account.login: account for account in found}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts.toml"


def test_an_account_is_as_the_file_says(contract: Contract, path: Path) -> None:
    ada = accounts(contract, path, WHOLE)["ada@example.com"]

    assert ada.has_key("a-key")
    assert (ada.credit, ada.strict, ada.voice_addon) == (Decimal("12.50"), True, False)
    assert (ada.region, ada.opt_outs) == ("GB", {"+33639981234"})
    assert ada.callback_url == "http://127.0.0.1:9000/receipts"
    assert ada.tariff is not None
    assert (ada.tariff.price, ada.tariff.billing_step) == (Decimal("0.07"), 60)


def test_what_is_left_out_is_as_for_everyone(contract: Contract, path: Path) -> None:
    grace = accounts(contract, path, WHOLE)["grace"]

    assert grace == opened(contract, "grace")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[accounts.ada]\ncredit = -1", 'accounts."ada".credit: got -1; expected euros from 0'),
        ("[accounts.ada]\ncredti = 1", 'accounts."ada".credti: got 1; expected one of credit, key'),
        ("[accounts]\nada = 5", 'accounts."ada": got 5; expected'),
        (
            "[accounts.ada]\ncredit = 2026-01-01",
            'accounts."ada".credit: got "2026-01-01"; expected',
        ),
        ("[accounts.ada]\ncredit = nan", 'accounts."ada".credit: got "NaN"; expected'),
        ("[ada]", "got ada; expected tables such as"),
        ("", "got null; expected tables such as"),
        ("accounts = 5", "got 5; expected tables such as"),
        ("[accounts", "is not valid TOML in UTF-8"),
    ],
)
def test_what_cannot_be_used_is_named(contract: Contract, path: Path, text: str, said: str) -> None:
    with pytest.raises(AccountsFileError) as caught:
        accounts(contract, path, text)

    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_bytes_that_are_no_text_are_named(contract: Contract, path: Path) -> None:
    path.write_bytes(b"\xff")

    with pytest.raises(AccountsFileError, match="is not valid TOML in UTF-8"):
        read(path, Settings(contract), partial(opened, contract))


def test_a_file_that_is_not_there_is_named(contract: Contract, path: Path) -> None:
    with pytest.raises(AccountsFileError, match="No such file"):
        read(path, Settings(contract), partial(opened, contract))


def test_a_byte_order_mark_is_no_part_of_the_file(contract: Contract, path: Path) -> None:
    path.write_bytes(codecs.BOM_UTF8 + WHOLE.lstrip().encode())

    found = read(path, Settings(contract), partial(opened, contract))

    assert [account.login for account in found] == ["ada@example.com", "grace"]
