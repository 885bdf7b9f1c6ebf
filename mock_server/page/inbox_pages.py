"""The inbox: its rows, and the stream of what changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

import flask

from mock_server.contract import admin_schemas, rule_table
from mock_server.contract.admin_schemas import SettingError
from mock_server.http import admin, wsgi
from mock_server.http.admin import shown_masked
from mock_server.http.live import News
from mock_server.http.served import CONTROL, served, served_twin
from mock_server.page import forms, visible
from mock_server.page.blueprint import blueprint, twin_schema
from mock_server.page.rule_pages import endpoint
from mock_server.store.entries import Entry

ROWS: Final = 50
"""So many rows are shown at first, and with each further look."""
# A search that takes longer goes on with the next look, so that nothing else waits for it.
_LONGEST_SEARCH: Final = 0.1
# Of the parameters of the inbox, those that the page sets itself.
_OWN: Final = frozenset({"since", "wait", "limit"})
_EVENTS: Final = "text/event-stream"


@blueprint.before_app_request
def without_slash() -> flask.typing.ResponseReturnValue | None:
    """Lead from the address as somebody types it."""
    if flask.request.path != CONTROL or flask.request.method != "GET":
        return None
    return flask.redirect(flask.url_for("page.inbox"), 308)


@blueprint.get("/")
def inbox() -> str:
    """The inbox, newest first."""
    store = served_twin().store
    newest = next(store.newest(), None)
    kept, evicted = store.kept(None)
    given = {name: text for name, text in flask.request.args.items() if text}
    problem = None
    try:
        found = _rows(given)
    except SettingError as error:
        problem, found = error, _rows({})
    return flask.render_template(
        "page/inbox.html",
        **found,
        problem=problem,
        given=given,
        fields=_filters(),
        last=newest.id if newest else 0,
        kept=kept,
        evicted=evicted,
        url=flask.request.host_url.rstrip("/"),
        example=_example(),
    )


@blueprint.get("/page/rows")
def rows() -> str:
    """Some rows: those that arrived after one (``since``), or those before one (``below``)."""
    return flask.render_template("page/rows.html", **_rows(flask.request.args))


def _rows(args: Mapping[str, str]) -> dict[str, Any]:
    given = {name: text for name, text in args.items() if text}
    below = admin_schemas.integer(given.pop("below", ""))
    query = replace(admin.inbox_query(given)[0], limit=ROWS)
    twin = served_twin()
    found = twin.inbox.newest(query, below, _LONGEST_SEARCH)
    return {
        "rows": [_row(entry) for entry in found.entries],
        # What arrived since is asked for again, and no further back.
        "older": found.below if not query.since else None,
        "searching": len(found.entries) < ROWS,
        "filters": urlencode({name: given[name] for name in given if name not in _OWN}),
    }


def _row(entry: Entry) -> dict[str, Any]:
    inbox = served_twin().inbox
    gist = inbox.gist(entry)
    about = {"text": gist.text, "number": gist.number, "contacts": gist.contacts}
    row: dict[str, Any] = shown_masked({**inbox.row(entry), **about})
    # Masked before: what is left of a number that is cut is not known as one.
    return {**row, "text": visible.first_words(row["text"])}


def _filters() -> list[forms.FormField]:
    """The inbox API's own parameters, with the names that the contract has."""
    contract = served_twin().contract
    named = {
        "field": list(contract.body.members),
        "rule": list(dict.fromkeys(row["rule"] for row in rule_table.rules(contract))),
    }
    found = list[forms.FormField]()
    for name, shape in admin_schemas.parameters("listRequests").items():
        if name in _OWN:
            continue
        one = forms.fields_of({"properties": {name: shape}}, twin_schema)[0]
        names = named.get(name) or shape.get("enum", ())
        choices = tuple((choice, choice) for choice in names)
        kind = "choice" if choices else "text"
        found.append(replace(one, kind=kind, choices=choices))
    return found


def _example() -> str:
    """A body to begin with: the contract's first."""
    return visible.written(next(iter(endpoint()["examples"].values()), {}))


@blueprint.get("/page/events")
def events() -> flask.Response:
    """What changes, as server-sent events; where the server cannot stream, from a thread."""
    serving, streams = served(), flask.request.environ.get(wsgi.STREAMED)
    news = News(serving.twin.store)
    if flask.request.method == "HEAD":
        return flask.Response(mimetype=_EVENTS)
    if not streams:
        if streams is not None or not serving.waiting.acquire(blocking=False):
            # The connection ends with its answer, or no thread is free: a browser asks again.
            return flask.Response(b"retry: 2000\n" + news.event(), mimetype=_EVENTS)
        news = News(serving.twin.store, serving.waiting.release)
    body: Any = news
    return flask.Response(body, mimetype=_EVENTS, direct_passthrough=True)
