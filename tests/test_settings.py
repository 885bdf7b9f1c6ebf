"""What may be set of an account, as values; the refusals stand in test_control.py."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import NOON
from mock_server.contract.admin_schemas import SettingError, shown
from mock_server.contract.loader import Contract
from mock_server.contract.model import Tariff
from mock_server.core.accounts import opened
from mock_server.settings import account_settings
from mock_server.settings.account_settings import Settings, money
from mock_server.store.clock import AccountClock
from mock_server.store.protocol import Account

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["credit", "key", "mode", "voice_addon", "region", "tariff", "opt_outs", "callback_url"]
)


@pytest.fixture
def known(contract: Contract) -> Settings:
    return Settings(contract)


@pytest.fixture
def account(contract: Contract) -> Account:
    return opened(contract, "ada")


def test_nothing_changes_nothing(known: Settings, account: Account) -> None:
    assert known.account(account, {}) == account


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"),
    [
        ("credit", "12.50", "credit", Decimal("12.50")),
        ("credit", 12.5, "credit", Decimal("12.50")),
        ("credit", "0.0001", "credit", Decimal("0.0001")),
        ("credit", 0, "credit", Decimal("0.00")),
        ("mode", "strict", "strict", True),
        ("mode", "lenient", "strict", False),
        ("voice_addon", False, "voice_addon", False),
        ("region", "US", "region", "US"),
        ("key", None, "key_digest", None),
        ("opt_outs", ["+33612345678"], "opt_outs", frozenset({"+33612345678"})),
        ("callback_url", "http://localhost/", "callback_url", "http://localhost/"),
        ("tariff", None, "tariff", None),
        ("tariff", {"price": 1}, "tariff", Tariff(Decimal("1.00"), 30, 15)),
        ("tariff", {"billing_step": 60.0}, "tariff", Tariff(Decimal("0.05"), 60, 15)),
    ],
)
def test_a_setting_becomes_an_attribute(  # noqa: PLR0913, PLR0917  (a row of the table)
    known: Settings,
    account: Account,
    name: str,
    value: object,
    attribute: str,
    expected: object,
) -> None:
    assert getattr(known.account(account, {name: value}), attribute) == expected


def test_a_credit_of_minus_nothing_is_nothing(known: Settings, account: Account) -> None:
    assert str(known.account(account, {"credit": -0.0}).credit) == "0.00"


def test_a_key_is_recognised_and_not_kept(known: Settings, account: Account) -> None:
    changed = known.account(account, {"key": "a-secret"})

    assert changed.has_key("a-secret")
    assert not changed.has_key("a-secret ")
    assert "a-secret" not in repr(changed)


def test_a_tariff_keeps_what_is_not_named(known: Settings, account: Account) -> None:
    first = known.account(account, {"tariff": {"price": "1.00", "characters_a_second": 10}})

    second = known.account(first, {"tariff": {"billing_step": 60}})

    assert second.tariff == Tariff(Decimal("1.00"), 60, 10)


def test_a_whole_number_is_one_however_it_is_written(known: Settings) -> None:
    rule = known.fault({"fault": "status", "status": 429.0, "retry_after": 5.0})

    assert json.dumps(rule) == '{"fault": "status", "status": 429, "retry_after": 5}'


@given(
    st.decimals(min_value=0, max_value=999_999_999, places=4, allow_nan=False, allow_infinity=False)
)
def test_money_is_exact(amount: Decimal) -> None:
    assert money(str(amount), "") == amount


@given(st.integers(0, 9_999_999))
def test_money_as_a_number_is_what_was_written(ten_thousandths: int) -> None:
    assert money(ten_thousandths / 10_000, "") == Decimal(ten_thousandths) / 10_000


@given(st.dictionaries(NAMES, JSON, max_size=3))
def test_any_json_is_set_or_refused_by_name(contract: Contract, document: dict[str, Any]) -> None:
    account = opened(contract, "ada")
    try:
        Settings(contract).account(account, document)
    except SettingError as refusal:
        assert refusal.where.partition(".")[0] in document  # noqa: PT017  (either may happen)


@given(JSON | st.dictionaries(st.sampled_from(["fault", "seconds", "match", "times"]), JSON))
def test_any_json_is_a_fault_or_refused(contract: Contract, document: object) -> None:
    with pytest.raises(SettingError):
        Settings(contract).fault(document, "faults.0")


@given(st.dictionaries(st.sampled_from(["now", "advance", "frozen"]), JSON, max_size=3))
def test_any_json_sets_the_clock_or_is_refused(document: dict[str, Any]) -> None:
    try:
        moved = account_settings.clock(AccountClock(), document, NOON, None)
    except SettingError:
        return
    assert moved.now(NOON) >= NOON


@given(st.floats(0, 3_153_600_000))
def test_a_clock_advances_by_what_is_asked(seconds: float) -> None:
    moved = account_settings.clock(AccountClock(), {"advance": seconds}, NOON, NOON)

    assert moved.now(NOON) == NOON + timedelta(seconds=seconds)


def test_first_a_clock_is_set_then_advanced_then_frozen() -> None:
    document = {"frozen": True, "advance": 60, "now": "2026-12-24T18:00:00+01:00"}

    moved = account_settings.clock(AccountClock(), document, NOON, None)

    assert moved.now(NOON + timedelta(days=1)).isoformat() == "2026-12-24T17:01:00+00:00"


def test_a_clock_may_go_back_where_nothing_came_yet() -> None:
    document = {"now": "2020-01-01T00:00:00Z"}

    assert account_settings.clock(AccountClock(), document, NOON, None).now(NOON).year == 2020


def test_a_clock_may_go_back_as_far_as_the_latest_request() -> None:
    ahead = AccountClock().set_to(NOON + timedelta(days=1), NOON)

    assert account_settings.clock(ahead, {"now": NOON.isoformat()}, NOON, NOON).now(NOON) == NOON


def test_a_clock_that_fell_behind_is_named_by_what_it_shows() -> None:
    later = NOON + timedelta(days=1)

    with pytest.raises(SettingError) as caught:
        account_settings.clock(AccountClock(), {"frozen": True}, NOON, later)

    assert NOON.isoformat() in caught.value.got


def test_what_is_long_is_cut() -> None:
    assert len(shown("a" * 1_000)) < 210


def test_a_refusal_says_where_the_document_stands(known: Settings, account: Account) -> None:
    with pytest.raises(SettingError, match=r"^accounts\.ada\.tariff\.price: got 1e-05; expected"):
        known.account(account, {"tariff": {"price": 0.00001}}, "accounts.ada")
