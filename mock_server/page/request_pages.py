"""One request: as sent and as read, its notes, its answer, its calls."""

from __future__ import annotations

from typing import Any, Final

import flask

from mock_server.contract import admin_schemas
from mock_server.http.admin import shown_masked
from mock_server.http.served import served, served_twin
from mock_server.page.blueprint import blueprint, problem_page
from mock_server.page.call_pages import calls_of
from mock_server.page.resend import resend
from mock_server.page.sent_and_read import MOST_LINES, compare
from mock_server.page.stakes import at_stake
from mock_server.store.entries import Entry

LINES: Final = 200
"""So many lines of a body are shown before somebody asks for more."""
FOLDED_FROM: Final = 10
"""Of notes that are alike, so many are shown before the others are folded."""


@blueprint.before_app_request
def lead_here() -> flask.typing.ResponseReturnValue | None:
    """Lead a browser from the address that an answer and the log name to the page."""
    asked = flask.request
    if asked.endpoint != "control.get_request" or asked.view_args is None:
        return None
    number = admin_schemas.integer(asked.view_args["number"])
    if number is None or asked.accept_mimetypes.best != "text/html":
        return None
    return flask.redirect(flask.url_for("page.request", number=number), 303)


@blueprint.get("/page/requests/<int:number>")
def request(number: int) -> flask.typing.ResponseReturnValue:
    """One request: as sent and as read, its notes, its answer, its calls."""
    twin = served_twin()
    entry = twin.store.find(number)
    if entry is None:
        kept, evicted = twin.store.kept(None)
        return problem_page(
            404, "request", str(number), f"one of the {kept} that are kept; {evicted} were dropped"
        )
    newer = next((one.id for one in _around(number)), None)
    older = next(twin.store.newest(number), None)
    return flask.render_template(
        "page/request.html",
        **about_entry(entry, whole="whole" in flask.request.args),
        **calls_of(entry),
        newer=newer,
        older=older.id if older else None,
        resend=None if served().options.mask else _resend(entry),
    )


def _around(number: int) -> list[Entry]:
    newest = next(served_twin().store.newest(), None)
    last = newest.id if newest else number
    found = (served_twin().store.find(later) for later in range(number + 1, last + 1))
    first = next((entry for entry in found if entry is not None), None)
    return [first] if first else []


def _resend(entry: Entry) -> Any:  # noqa: ANN401  (Resend, or nothing)
    twin = served_twin()
    answer = twin.inbox.answer(entry)
    # Only what is part of the request comes again: no fault of the account.
    comes_again = entry.injected is None or entry.injected.document()["by"] == "magic"
    url = flask.request.host_url.rstrip("/")
    return resend(entry, twin.contract, url, answer.status if answer and comes_again else None)


def about_entry(entry: Entry, *, whole: bool = False) -> dict[str, Any]:
    """An entry with what explains it: for its page, and for a request that is being typed."""
    twin = served_twin()
    document: dict[str, Any] = shown_masked(twin.inbox.document(entry))
    read = document["body"]
    defaults: dict[str, Any] = {}
    if read is not None:
        filled: dict[str, Any] = shown_masked(twin.contract.filled(read))
        defaults = {name: value for name, value in filled.items() if name not in read}
    sent: Any = shown_masked(twin.inbox.sent(entry))
    strict = twin.inbox.strict_answer(entry)
    notes = document["notes"]
    calls = entry.calls or entry.outcome is None
    return {
        "entry": document,
        "comparison": compare(sent, document, defaults, MOST_LINES if whole else LINES),
        "is_whole": whole,
        "at_stake": list(
            dict.fromkeys(
                at_stake(note) if calls else note["summary"]
                for note in notes
                if note["stakes"] == "high"
            )
        ),
        "note_groups": _grouped(notes),
        "folded_from": FOLDED_FROM,
        "strict": {"status": strict.status, "body": shown_masked(strict.value)} if strict else None,
        "heard": twin.policy.tariff.duration(read["text"])
        if read and isinstance(read.get("text"), str)
        else None,
    }


def _grouped(notes: list[dict[str, Any]]) -> list[list[tuple[int, dict[str, Any]]]]:
    """The notes with their numbers, from 1, those together that differ in their places alone."""
    groups = dict[tuple[Any, ...], list[tuple[int, dict[str, Any]]]]()
    for number, note in enumerate(notes, 1):
        alike = (note["rule"], note["kind"], note["stakes"], note.get("did_you_mean"))
        groups.setdefault((*alike, str(note["evidence"])), []).append((number, note))
    return list(groups.values())
