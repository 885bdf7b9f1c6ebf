"""The account that a login opens by itself."""

from __future__ import annotations

from decimal import Decimal

from mock_server.contract.model import Contract
from mock_server.store.protocol import Account


def opened(contract: Contract, login: str) -> Account:
    """The account that a login opens by itself; no key belongs to it yet."""
    terms = contract.terms
    magic = contract.magic.login(login)
    settings = magic.does if magic else {}
    return Account(
        login,
        None,
        Decimal(settings.get("credit", terms.opening_credit)),
        voice_addon=settings.get("voice_addon", True),
        strict=settings.get("mode") == "strict",
        region=terms.default_region,
    )
