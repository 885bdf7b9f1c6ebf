"""What may be set through the control plane, checked by its contract ``openapi/twin.yaml``.

A document is refused with the place, what came and what was wanted; the wanted is the description
that the contract gives for that place.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import jsonschema_rs
import yaml

from mock_server import phones
from mock_server.campaign import Tariff, instant
from mock_server.clocks import WorldClock
from mock_server.contract_file import shipped
from mock_server.fields import Contract
from mock_server.hosts import is_loopback_name
from mock_server.store import Account, digest
from mock_server.values import Json

_LONGEST_SHOWN: Final = 200
_DECIMALS: Final = 4
# Python's own years are 1 to 9999; a running clock, and what lies a day before, need room.
_FIRST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)


class SettingError(Exception):
    """A setting that is not as the contract says: where, what came, what was wanted."""

    def __init__(self, where: str, came: str, wanted: str) -> None:
        super().__init__(f"{where}: came {came}; wanted {wanted}")
        self.where, self.came, self.wanted = where, came, wanted


@functools.cache
def _twin_contract() -> Mapping[str, Any]:
    contract: dict[str, Any] = yaml.load(
        shipped("twin.yaml").read_text("utf-8"),
        Loader=yaml.CSafeLoader,
    )
    return contract


def _schema(name: str) -> Mapping[str, Any]:
    schema: dict[str, Any] = _twin_contract()["components"]["schemas"][name]
    return schema


@functools.cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    components = _twin_contract()["components"]
    return jsonschema_rs.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": components}, validate_formats=True
    )


def check(name: str, document: Json, at: str = "") -> None:
    """Refuse a document that is not of the schema ``name``.

    Raises:
        SettingError: see there; ``at`` is where the document itself stands.
    """
    try:
        errors = sorted(_validator(name).iter_errors(document), key=lambda e: len(e.instance_path))
    except ValueError as refusal:
        # Its own limit of depth.
        raise SettingError(at or "body", shown(document), f"less depth ({refusal})") from refusal
    if not errors:
        return
    error = errors[-1]
    path = list(error.instance_path)
    schema = _described(_schema(name), path)
    names = list(_followed(schema).get("properties", {}))
    came: Json = functools.reduce(lambda value, part: value[part], path, document)
    wanted = _followed(schema).get("description") or error.message
    if isinstance(came, dict) and names:
        unknown = [member for member in came if member not in names]
        missing = [m for m in _followed(schema).get("required", ()) if m not in came]
        if unknown:
            path, came = [*path, unknown[0]], came[unknown[0]]
            wanted = f"one of {', '.join(names)}"
        elif missing:
            path, came = [*path, missing[0]], None
            wanted = _wanted(schema, missing[0])
        else:
            wanted = f"an object with at least one of {', '.join(names)}"
    raise SettingError(_where(at, path), shown(came), " ".join(str(wanted).split()))


def _wanted(schema: Mapping[str, Any], member: str) -> str:
    described = _followed(_followed(schema)["properties"][member])
    return str(described.get("description", "a value; it is required"))


def _followed(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return _schema(schema["$ref"].rpartition("/")[2]) if "$ref" in schema else schema


def _described(schema: Mapping[str, Any], path: Sequence[str | int]) -> Mapping[str, Any]:
    """The schema of the value at a path, or the nearest around it that has a description."""
    schema = _followed(schema)
    for part in path:
        branches = [schema, *map(_followed, schema.get("oneOf", ()))]
        inner = next(
            (
                branch["properties"][part] if isinstance(part, str) else branch["items"]
                for branch in branches
                if (
                    part in branch.get("properties", {})
                    if isinstance(part, str)
                    else "items" in branch
                )
            ),
            schema,
        )
        followed = _followed(inner)
        schema = followed if "description" in followed or "properties" in followed else schema
    return schema


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


def _where(at: str, path: Iterable[str | int]) -> str:
    parts = [*([at] if at else []), *map(str, path)]
    return ".".join(parts) or "body"


def shown(value: Json) -> str:
    """A value as JSON, cut where it is long.

    >>> shown({"credit": -1})
    '{"credit": -1}'
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} …"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the settings are held against besides their schemas.

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
            name: settings[name] for name in ("voice_addon", "region") if name in settings
        }
        if "region" in changes and not phones.is_region(changes["region"]):
            wanted = "a country's two capital letters, such as FR"
            raise SettingError(_where(at, ["region"]), shown(changes["region"]), wanted)
        if "credit" in settings:
            changes["credit"] = money(settings["credit"], _where(at, ["credit"]))
        if "key" in settings:
            key = settings["key"]
            changes["key_digest"] = None if key is None else digest(account.login, key)
        if "mode" in settings:
            changes["strict"] = settings["mode"] == "strict"
        if "opt_outs" in settings:
            changes["opt_outs"] = frozenset(settings["opt_outs"])
        if "tariff" in settings:
            changes["tariff"] = self._tariff(account, settings["tariff"], _where(at, ["tariff"]))
        if "callback_url" in settings:
            changes["callback_url"] = self._url(
                settings["callback_url"], _where(at, ["callback_url"])
            )
        return replace(account, **changes)

    def _tariff(self, account: Account, settings: Json, at: str) -> Tariff | None:
        if settings is None:
            return None
        changes = dict(settings)
        if "price" in changes:
            changes["price"] = money(changes["price"], f"{at}.price")
        return replace(account.tariff or Tariff.of(self.contract.terms), **changes)

    def _url(self, url: str | None, at: str) -> str | None:
        if url is None:
            return None
        wanted = str(_schema("AccountSettings")["properties"]["callback_url"]["description"])
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            raise SettingError(at, shown(url), wanted) from error
        # A browser would take a backslash for a slash, and go to another host.
        odd = not url.isprintable() or {" ", "\\"} & {*url}
        if parts.scheme not in {"http", "https"} or not host or odd:
            raise SettingError(at, shown(url), wanted)
        if not is_loopback_name(host) and host not in self.callback_hosts:
            wanted += f"; for this one start with --allow-callback {host}"
            raise SettingError(at, shown(url), wanted)
        return url

    def fault(self, rule: Json, at: str = "") -> Mapping[str, Json]:
        """One fault, of the shape InjectedFault.

        Raises:
            SettingError: something is not as it should be.
        """
        kinds = _schema("InjectedFault")["discriminator"]["mapping"]
        if not isinstance(rule, dict):
            raise SettingError(at or "body", shown(rule), "an object with a fault")
        kind = rule.get("fault")
        if not isinstance(kind, str) or kind not in kinds:
            wanted = f"one of {', '.join(kinds)}"
            raise SettingError(_where(at, ["fault"]), shown(kind), wanted)
        check(kinds[kind].rpartition("/")[2], rule, at)
        seconds = rule.get("seconds")
        if isinstance(seconds, dict) and seconds.get("from", 0) > seconds.get("to", 0):
            raise SettingError(_where(at, ["seconds"]), shown(seconds), "from not above to")
        if kind == "answer" and rule["answer"] not in self.contract.answers:
            wanted = f"one of {', '.join(self.contract.answers)}"
            raise SettingError(_where(at, ["answer"]), shown(rule["answer"]), wanted)
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
    now: WorldClock, settings: Json, wall: datetime, not_before: datetime | None
) -> WorldClock:
    """The clock as ``settings`` say, of the shape ClockSettings.

    Raises:
        SettingError: something is not as it should be, or the clock would go back behind
            ``not_before``, the account's latest request.
    """
    check("ClockSettings", settings)
    changed = now
    if "now" in settings:
        moment = instant(settings["now"])
        if moment is None or not _FIRST <= moment < _LAST:
            wanted = _schema("ClockSettings")["properties"]["now"]["description"]
            raise SettingError("now", shown(settings["now"]), wanted)
        changed = changed.set_to(moment.astimezone(UTC), wall)
    if "advance" in settings:
        moment = changed.now(wall) + timedelta(seconds=settings["advance"])
        if moment >= _LAST:
            raise SettingError("advance", shown(settings["advance"]), "a moment before year 9000")
        changed = changed.set_to(moment, wall)
    if "frozen" in settings:
        changed = changed.freeze(wall) if settings["frozen"] else changed.release(wall)
    if not_before is not None and changed.now(wall) < not_before:
        came = shown(settings.get("now", changed.now(wall).isoformat()))
        latest = not_before.isoformat()
        wanted = f"not before {latest}, its latest request; DELETE the account to start over"
        raise SettingError("now", came, wanted)
    return changed
