"""Calls: those of a request, and the campaigns that call somebody."""

from __future__ import annotations

from typing import Any, Final

import flask

from mock_server.contract import admin_schemas
from mock_server.http.admin import shown_masked
from mock_server.http.served import served, served_twin
from mock_server.page import charts, visible
from mock_server.page.blueprint import blueprint, gone
from mock_server.store.call_plan import Campaign
from mock_server.store.entries import Entry

CALLS: Final = 50
"""So many calls of a campaign are shown at once."""
_CAMPAIGNS: Final = 20


@blueprint.get("/page/requests/<int:number>/calls")
def request_calls(number: int) -> flask.typing.ResponseReturnValue:
    """The calls of a request, as they are now."""
    entry = served_twin().store.find(number)
    found = calls_of(entry) if entry else {"campaign": None}
    if found["campaign"] is None:
        return gone("calls", "request", str(number), "one that is still kept and calls somebody")
    return flask.render_template("page/calls_of.html", **found)


def calls_of(entry: Entry) -> dict[str, Any]:
    """The calls of an entry with their receipts; nothing where nobody is called."""
    twin = served_twin()
    if entry.calls:
        twin.calls.catch_up(entry.login)
    campaign = twin.store.campaign(entry.id) if entry.calls else None
    if campaign is None:
        return {"campaign": None}
    skip = admin_schemas.integer(flask.request.args.get("skip", "0")) or 0
    now = twin.calls.now(campaign)
    counts = dict[str, int]()
    shown = list[dict[str, Any]]()
    for call in twin.calls.of(campaign):
        state = call.state(now)
        counts[state] = counts.get(state, 0) + 1
        if skip <= call.index < skip + CALLS:
            shown.append(call.document(now))
    account = twin.calls.account(campaign)
    if account.callback_url is None:
        served().sender.log_unsent(entry.login)
    receipts = dict[str, list[dict[str, Any]]]()
    for receipt in twin.store.receipts(entry.login)[0]:
        # Behind the id of its call, what kind of receipt it is.
        call_id = "-".join(receipt.id.split("-")[:2])
        receipts.setdefault(call_id, []).append(receipt.document())
    return {
        "campaign": _campaign(campaign),
        "calls": [
            {
                **shown_masked(call),
                "line": line,
                "receipts": shown_masked(receipts.get(call["id"], [])),
            }
            for call, line in zip(shown, charts.timelines(shown, now), strict=True)
        ],
        "shares": charts.shares(counts),
        "is_live": bool(counts.keys() & {"ringing", "answered", "queued"}),
        "skip": skip,
        "now": now.isoformat(),
        "pace": account.pace,
        "per_page": CALLS,
    }


def _campaign(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "login": campaign.entry.login,
        "ticket": campaign.accepted.ticket,
        "contacts": campaign.contacts,
        "due": campaign.due.isoformat(),
    }


@blueprint.get("/page/calls")
def calls() -> str:
    """The campaigns that call somebody, newest first, each with how its calls end."""
    return flask.render_template("page/calls.html", **_campaigns())


@blueprint.get("/page/campaigns")
def campaigns() -> str:
    """The same as a part of the page."""
    return flask.render_template("page/campaigns.html", **_campaigns())


def _campaigns() -> dict[str, Any]:
    twin = served_twin()
    login = flask.request.args.get("login") or None
    skip = admin_schemas.integer(flask.request.args.get("skip", "0")) or 0
    twin.calls.catch_up(login)
    every = twin.store.campaigns(login)
    shown = list[dict[str, Any]]()
    now_talking = list[dict[str, Any]]()
    for campaign in every[::-1][skip : skip + _CAMPAIGNS]:
        counts, now = dict[str, int](), twin.calls.now(campaign)
        for call in twin.calls.of(campaign):
            state = call.state(now)
            counts[state] = counts.get(state, 0) + 1
            if state in {"ringing", "answered"} and len(now_talking) < _CAMPAIGNS:
                now_talking.append(shown_masked(call.document(now)))
        text = visible.first_words(shown_masked(twin.calls.message(campaign).text))
        shown.append({**_campaign(campaign), "shares": charts.shares(counts), "text": text})
    return {
        "campaigns": shown,
        "talking": now_talking,
        "login": login,
        "skip": skip,
        "further": len(every) > skip + _CAMPAIGNS,
        "per_page": _CAMPAIGNS,
        "count": len(every),
    }
