"""A form made from the contract, and what would be read while it is typed."""

from __future__ import annotations

import flask

from mock_server.contract import rule_table
from mock_server.http.served import served_twin
from mock_server.page.blueprint import blueprint
from mock_server.page.request_pages import about_entry
from mock_server.page.rule_pages import endpoint, rules_by_field
from mock_server.store.entries import Accepted, Request


@blueprint.get("/page/try")
def try_it() -> str:
    """A form made from the contract, and what would be read while it is typed."""
    about, twin = endpoint(), served_twin()
    return flask.render_template(
        "page/try.html",
        fields=about["form"],
        examples=about["examples"],
        behaviour=rules_by_field(),
        magic=rule_table.magic_values(twin.contract),
        login=flask.request.args.get("login") or "try-it",
        accounts=[one.login for one, _ in twin.store.accounts()[0][-50:]],
    )


@blueprint.post("/page/preview")
def preview() -> str:
    """What a body would be read as, and answered, by an account; nothing is sent or kept."""
    form, twin = flask.request.form, served_twin()
    contract = twin.contract
    content_type = form.get("content_type", contract.media_type)
    # A form has CR LF in the place of each line's end.
    body = form.get("body", "").replace("\r\n", "\n").encode("utf-8", "surrogatepass")
    sent = Request(contract.method, contract.url_path, {"content-type": content_type}, body)
    login = form.get("login", "").strip()
    handled = twin.preview(login, sent)
    outcome = handled.entry.outcome
    numbers = {
        contact.get("phone_number")
        for contact in (handled.reading.value if handled.reading else {}).get("recipients") or ()
        if isinstance(contact, dict)
    } or {twin.inbox.gist(handled.entry).number}
    return flask.render_template(
        "page/preview.html",
        **about_entry(handled.entry),
        campaign_cost=outcome.cost if isinstance(outcome, Accepted) else None,
        magic=[
            value
            for value in rule_table.magic_values(contract)
            if value["where"] == "phone_number" and value["value"] in numbers
        ],
    )
