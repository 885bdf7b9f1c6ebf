"""Accounts: credit over time, clock, phones, faults, and forms to set them."""

from __future__ import annotations

from typing import Any, Final

import flask

from mock_server.contract import admin_schemas
from mock_server.core.inbox import Query
from mock_server.http import admin
from mock_server.http.admin_calls import phones_of
from mock_server.http.served import served_twin
from mock_server.page import charts, forms
from mock_server.page.blueprint import blueprint, gone, problem_page, twin_schema
from mock_server.store.protocol import Account

# Campaigns whose charges are drawn.
_CHARGES: Final = 500
_MOST_ACCOUNTS: Final = 200
_LONGEST_SEARCH: Final = 0.1


@blueprint.get("/page/accounts")
def accounts() -> str:
    """Every account, the last used first."""
    every, _ = served_twin().store.accounts()
    shown = [admin.account_document(account, balance) for account, balance in every[::-1]]
    return flask.render_template(
        "page/accounts.html", accounts=shown[:_MOST_ACCOUNTS], count=len(shown)
    )


@blueprint.get("/page/account")
def account() -> flask.typing.ResponseReturnValue:
    """One account; its login stands in the query, as a login may have any character."""
    login = flask.request.args.get("login", "")
    store = served_twin().store
    known = store.known(login, used=False)
    if known is None:
        return problem_page(404, "login", login, "an account; a request opens one")
    return flask.render_template(
        "page/account.html",
        **_account(known),
        settings=forms.fields_of({"$ref": "#/components/schemas/AccountSettings"}, twin_schema),
        phone_fields=forms.fields_of({"$ref": "#/components/schemas/PhoneSettings"}, twin_schema),
        fault_forms=_fault_forms(),
    )


@blueprint.get("/page/account/overview")
def account_overview() -> flask.typing.ResponseReturnValue:
    """What changes on an account's page."""
    login = flask.request.args.get("login", "")
    known = served_twin().store.known(login, used=False)
    if known is None:
        return gone("overview", "login", login, "an account that nobody has reset")
    return flask.render_template("page/account_overview.html", **_account(known))


def _account(known: Account) -> dict[str, Any]:
    twin = served_twin()
    balance = twin.store.balance(known)
    query = Query(login=known.login, verdict="accepted", limit=_CHARGES)
    charged = twin.inbox.newest(query, seconds=_LONGEST_SEARCH).entries
    now = known.clock.now(twin.wall())
    due = [
        campaign.due
        for campaign in twin.store.campaigns(known.login, closed=False)
        if campaign.begun is None and campaign.due > now
    ]
    return {
        "account": admin.account_document(known, balance),
        "ledger": charts.ledger(charged[::-1]),
        "next_due": min(due).isoformat() if due else None,
        # The control plane has no route for such a one.
        "is_reachable": "/" not in known.login,
        "phones": phones_of(known),
        "faults": admin.faults_document(known, balance),
    }


def _fault_forms() -> list[dict[str, Any]]:
    """A form for each kind of fault, of its schema."""
    return [
        {
            "kind": kind,
            "description": admin_schemas.schema(name)["description"],
            "fields": forms.fields_of({"$ref": f"#/components/schemas/{name}"}, twin_schema),
        }
        for kind, name in admin_schemas.fault_schemas().items()
    ]
