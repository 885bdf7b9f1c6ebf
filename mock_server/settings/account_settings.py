"""What may be set through the control plane, checked by its contract ``openapi/twin.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from mock_server.casts import phone_numbers
from mock_server.contract.admin_schemas import (
    SettingError,
    check,
    fault_schemas,
    place,
    schema,
    shown,
)
from mock_server.contract.model import Contract, Tariff
from mock_server.core.calls import phone_of
from mock_server.core.campaign_policy import instant
from mock_server.json_values import Json
from mock_server.settings.loopback import host_of, is_loopback_name
from mock_server.store.call_plan import Phone
from mock_server.store.clock import AccountClock
from mock_server.store.protocol import Account, digest

_AS_THEY_ARE: Final = (
    "voice_addon",
    "region",
    "seed",
    "pace",
    "callback_generation",
    "callback_format",
)
_DECIMALS: Final = 4
# Python's own years are 1 to 9999; a running clock, and what lies a day before, need space.
_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)


def _whole(value: Json) -> Json:
    """A JSON value, its whole numbers as integers: for JSON Schema 5.0 is one, for Python not.

    >>> _whole({"bytes": 5.0, "seconds": [0.5, -0.0]})
    {'bytes': 5, 'seconds': [0.5, 0]}
    """
    if isinstance(value, dict):
        return {name: _whole(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, slots=True)
class Settings:
    """What the settings are compared with besides their schemas.

    ``callback_hosts`` are hosts a callback URL may have besides those of loopback.
    """

    contract: Contract
    callback_hosts: frozenset[str] = frozenset()

    def account(self, account: Account, settings: Json, at: str = "") -> Account:
        """The account with what ``settings`` names, of the shape AccountSettings.

        Raises:
            SettingError: something is not as it should be.
        """
        check("AccountSettings", settings, at)
        settings = _whole(settings)
        changes: dict[str, Any] = {
            name: settings[name] for name in _AS_THEY_ARE if name in settings
        }
        if "region" in changes and not phone_numbers.is_region(changes["region"]):
            expected = "a country's two capital letters, such as FR"
            raise SettingError(place(at, ["region"]), shown(changes["region"]), expected)
        if "credit" in settings:
            changes["credit"] = money(settings["credit"], place(at, ["credit"]))
        if "key" in settings:
            key = settings["key"]
            changes["key_digest"] = None if key is None else digest(account.login, key)
        if "mode" in settings:
            changes["strict"] = settings["mode"] == "strict"
        if "opt_outs" in settings:
            changes["opt_outs"] = frozenset(settings["opt_outs"])
        if "tariff" in settings:
            changes["tariff"] = self._tariff(account, settings["tariff"], place(at, ["tariff"]))
        if "callback_url" in settings:
            changes["callback_url"] = self._url(
                settings["callback_url"], place(at, ["callback_url"])
            )
        return replace(account, **changes)

    def _tariff(self, account: Account, settings: Json, at: str) -> Tariff | None:
        if settings is None:
            return None
        changes = dict(settings)
        if "price" in changes:
            changes["price"] = money(changes["price"], f"{at}.price")
        return replace(account.tariff or self.contract.terms.tariff, **changes)

    def _url(self, url: str | None, at: str) -> str | None:
        if url is None:
            return None
        expected = str(schema("AccountSettings")["properties"]["callback_url"]["description"])
        if (host := host_of(url)) is None:
            raise SettingError(at, shown(url), expected)
        if not is_loopback_name(host) and host not in self.callback_hosts:
            expected += f"; for this one start with --allow-callback {host}"
            raise SettingError(at, shown(url), expected)
        return url

    def phone(self, settings: Json, at: str = "") -> Phone:
        """How a phone behaves, of the shape PhoneSettings.

        Raises:
            SettingError: something is not as it should be.
        """
        check("PhoneSettings", settings, at)
        phone = phone_of(settings)
        if sum(Decimal(str(share)) for share in phone.shares.values()) > 1:
            expected = str(schema("PhoneSettings")["properties"]["shares"]["description"])
            raise SettingError(place(at, ["shares"]), shown(settings["shares"]), expected)
        return phone

    def fault(self, rule: Json, at: str = "") -> Mapping[str, Json]:
        """One fault, of the shape InjectedFault.

        Raises:
            SettingError: something is not as it should be.
        """
        kinds = fault_schemas()
        if not isinstance(rule, dict):
            raise SettingError(at or "body", shown(rule), "an object with a fault")
        kind = rule.get("fault")
        if not isinstance(kind, str) or kind not in kinds:
            expected = f"one of {', '.join(kinds)}"
            raise SettingError(place(at, ["fault"]), shown(kind), expected)
        check(kinds[kind], rule, at)
        seconds = rule.get("seconds")
        if isinstance(seconds, dict) and seconds.get("from", 0) > seconds.get("to", 0):
            raise SettingError(place(at, ["seconds"]), shown(seconds), "from not above to")
        if kind == "answer" and rule["answer"] not in self.contract.answers:
            expected = f"one of {', '.join(self.contract.answers)}"
            raise SettingError(place(at, ["answer"]), shown(rule["answer"]), expected)
        whole: dict[str, Json] = _whole(rule)
        return whole


def money(amount: Json, at: str) -> Decimal:
    """An amount of euros, as decimal text or as a JSON number.

    Raises:
        SettingError: it has more than four decimals.
    """
    # The shortest text of a double is what its caller wrote.
    exact = Decimal(str(amount))
    if exact != round(exact, _DECIMALS):
        raise SettingError(at, shown(amount), "euros with at most four decimals")
    cents = round(exact, 2)
    return cents if cents == exact else exact


def clock(
    now: AccountClock, settings: Json, wall: datetime, not_before: datetime | None
) -> AccountClock:
    """The clock with ``settings`` applied, of the shape ClockSettings.

    Raises:
        SettingError: something is not as it should be, or the clock would go back behind
            ``not_before``, the account's latest request.
    """
    check("ClockSettings", settings)
    changed = now
    if "now" in settings:
        moment = instant(settings["now"])
        if moment is None or not _FIRST <= moment < _LAST:
            expected = schema("ClockSettings")["properties"]["now"]["description"]
            raise SettingError("now", shown(settings["now"]), expected)
        changed = changed.set_to(moment.astimezone(UTC), wall)
    if "advance" in settings:
        moment = changed.now(wall) + timedelta(seconds=settings["advance"])
        if moment >= _LAST:
            raise SettingError("advance", shown(settings["advance"]), "a moment before year 9000")
        changed = changed.set_to(moment, wall)
    if "frozen" in settings:
        changed = changed.freeze(wall) if settings["frozen"] else changed.release(wall)
    if not_before is not None and changed.now(wall) < not_before:
        got = shown(settings.get("now", changed.now(wall).isoformat()))
        latest = not_before.isoformat()
        expected = f"not before {latest}, its latest request; DELETE the account to start over"
        raise SettingError("now", got, expected)
    return changed
