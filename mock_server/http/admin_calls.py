"""The control plane's routes for calls and phones."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import flask
import msgspec

from mock_server.contract.admin_schemas import check, query
from mock_server.core.accounts import opened
from mock_server.core.call_records import PLAYED, CallQuery, CallStateError
from mock_server.http import waiting
from mock_server.http.admin import (
    blueprint,
    no_account,
    refuse_body,
    sent_object,
    settings_of,
    shown_masked,
    waited,
)
from mock_server.http.served import problem, served, served_twin
from mock_server.store.call_plan import Phone
from mock_server.store.protocol import Account, Balance
from mock_server.store.receipt_log import Receipt

__all__ = ["blueprint"]


@blueprint.get("/calls")
def list_calls() -> flask.Response | dict[str, Any]:
    """The calls, oldest first; with ``wait``, as soon as one fits."""
    given = query("listCalls", flask.request.args)
    seconds: float = given.pop("wait")
    asked, records = CallQuery(**given), served_twin().calls
    # A clock that runs makes campaigns due, and no store reports it.
    waits = waited(
        seconds, lambda: bool(records.page(replace(asked, limit=1)).calls), changes_by_itself=True
    )
    if waits is not None:
        return waits
    page = records.page(asked)
    return {
        "calls": shown_masked(page.calls),
        "counts": page.counts,
        "cost": str(page.cost),
        "evicted": page.evicted,
    }


@blueprint.post("/calls/<number>/<action>")
def play_call(number: str, action: str) -> flask.Response | dict[str, Any]:
    """Do by hand what somebody who is called does."""
    check("CallId", number, "id")
    check("CallAction", action, "action")
    pressed = dict[str, Any]()
    if action == "press":
        pressed = sent_object()
        check("PressedKeys", pressed)
    else:
        refuse_body()
    try:
        document = served_twin().calls.play(number, action, pressed)
    except CallStateError as error:
        expected = f"a call that is {PLAYED[action]}; at the pace live it takes its time"
        return problem(409, "call", str(error), expected)
    if document is None:
        return problem(404, "id", number, "the id of a call, as /_twin/calls lists it")
    shown: dict[str, Any] = shown_masked(document)
    return shown


@blueprint.get("/accounts/<login>/phones")
def list_phones(login: str) -> flask.Response | dict[str, Any]:
    """How the phones of an account behave that were set."""
    account = served_twin().store.known(login)
    if account is None:
        return no_account(login)
    return {"phones": phones_of(account)}


@blueprint.get("/accounts/<login>/phones/<phone>")
def get_phone(login: str, phone: str) -> flask.Response | dict[str, Any]:
    """How one phone, or those of one prefix, were set."""
    account = served_twin().store.known(login)
    if account is None:
        return no_account(login)
    found = account.phones.get(phone)
    return _not_set(phone) if found is None else _phone(phone, found)


@blueprint.put("/accounts/<login>/phones/<phone>")
def set_phone(login: str, phone: str) -> dict[str, Any]:
    """Set how one phone, or those of one prefix, behave from the next call on."""
    check("PhoneNumber", phone, "phone")
    behaviour = settings_of().phone(sent_object())

    def how(phones: Mapping[str, Phone]) -> dict[str, Phone]:
        changed = {**phones, phone: behaviour}
        check("PhoneCount", len(changed), "phones")
        return changed

    _change(login, how)
    return _phone(phone, behaviour)


@blueprint.delete("/accounts/<login>/phones/<phone>")
def reset_phone(login: str, phone: str) -> tuple[str, int]:
    """Let one phone, or those of one prefix, behave as any other."""
    if served_twin().store.known(login):
        _change(login, lambda phones: {name: phones[name] for name in phones if name != phone})
    return "", 204


@blueprint.get("/receipts")
def list_receipts() -> flask.Response | dict[str, Any]:
    """Receipts with their attempts, oldest first; with ``wait``, as soon as one fits."""
    asked = query("listReceipts", flask.request.args)
    store, sender, login = served_twin().store, served().sender, asked.get("login")

    def matching() -> tuple[list[Receipt], int]:
        found, dropped = store.receipts(login, asked.get("since"))
        state, number = asked.get("state"), asked.get("number")
        return [
            one for one in found if state in {None, one.state} and number in {None, one.number}
        ], dropped

    def is_there() -> bool:
        return sender.has_unsent(login) or len(matching()[0]) > asked["skip"]

    def is_late() -> bool:
        return time.monotonic() >= float(flask.request.environ[waiting.UNTIL])

    # A clock that runs makes campaigns due, and no store reports it.
    while (waits := waited(asked["wait"], is_there, changes_by_itself=True)) is None:
        # What is made here need not match, and somebody else may have made it.
        if not sender.log_unsent(login) and (is_there() or is_late()):
            break
    if waits is not None:
        return waits
    fitting, dropped = matching()
    shown = [one.document() for one in fitting[asked["skip"] :][: asked["limit"]]]
    return {"receipts": shown_masked(shown), "matching": len(fitting), "dropped": dropped}


@blueprint.post("/receipts/<number>/resend")
def resend_receipt(number: str) -> flask.Response | tuple[dict[str, Any], int]:
    """Send a receipt once more."""
    found = served_twin().store.receipt(number)
    if found is None:
        return problem(404, "id", number, "the id of a receipt that the log still has")
    served().sender.send_again(found)
    shown: dict[str, Any] = shown_masked(found.document())
    return shown, 202


def _change(login: str, how: Callable[[Mapping[str, Phone]], Mapping[str, Phone]]) -> None:
    twin = served_twin()
    # Calls that are over by now were taken by the phones as they were.
    twin.calls.catch_up(login)

    def changed(account: Account, _: Balance) -> Account:
        phones = how(account.phones)
        opts_out = any(phone.opts_out for phone in phones.values())
        return replace(account, phones=phones, may_opt_out=account.may_opt_out or opts_out)

    twin.store.change(opened(twin.contract, login), changed)


def phones_of(account: Account) -> list[dict[str, Any]]:
    """The phones and prefixes that were set, as they are shown."""
    return [_phone(number, phone) for number, phone in sorted(account.phones.items())]


def _phone(number: str, phone: Phone) -> dict[str, Any]:
    settings: dict[str, Any] = msgspec.to_builtins(phone)
    document: dict[str, Any] = shown_masked({"number": number, **settings})
    return document


def _not_set(number: str) -> flask.Response:
    return problem(404, "phone", number, "a number or prefix that was set, as it was set")
