"""What the pages under /_twin/ show, and that nothing of what somebody sent runs there."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import flask
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from common import (
    BODY,
    NOON,
    ROOT,
    SEND,
    SIGNED_IN,
    CompiledTemplates,
    account,
    phone,
)
from mock_server.contract.loader import Contract
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.served import ServeOptions
from mock_server.page import inbox_pages, request_pages
from mock_server.page.routes import blueprint
from mock_server.store.memory import MemoryStore
from mock_server.store.receipt_log import Attempt

LOGIN = SIGNED_IN["api-login"]
SIMU = {**BODY, "mode": "simu"}
STATIC = ROOT / "mock_server/page/static"
PAGES = (
    "",
    "page/requests/1",
    "page/requests/1/calls",
    "page/calls",
    "page/campaigns",
    "page/accounts",
    f"page/account?login={LOGIN}",
    f"page/account/overview?login={LOGIN}",
    "page/try",
    "page/rules",
    "page/reference",
)


def with_page(twin: Twin, **options: object) -> flask.Flask:
    app = create_app(twin, ServeOptions(**options), (blueprint,))
    app.jinja_env.bytecode_cache = CompiledTemplates()
    return app


@pytest.fixture
def app(twin: Twin) -> flask.Flask:
    return with_page(twin)


def served(twin: Twin, **options: object) -> FlaskClient:
    return with_page(twin, **options).test_client()


def post(client: FlaskClient, body: object = BODY, **given: object) -> TestResponse:
    given.setdefault("headers", SIGNED_IN)
    if "data" not in given:
        given.setdefault("json", body)
    return client.post(SEND, **given)


def get(client: FlaskClient, path: str) -> str:
    response = client.get(f"/_twin/{path}")
    assert response.status_code == 200, response.text
    return response.text


def words(html: str) -> str:
    """The text of a page on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


# ── the inbox ────────────────────────────────────────────────────────


def test_an_empty_inbox_explains_the_first_steps(client: FlaskClient) -> None:
    page = get(client, "")

    assert "Nothing has arrived yet" in page
    assert f"http://localhost{SEND}" in page


def test_the_address_without_a_slash_leads_to_the_inbox(client: FlaskClient) -> None:
    assert client.get("/_twin").headers["Location"] == "/_twin/"


def test_a_row_shows_whom_it_calls_what_it_reads_and_what_it_costs(client: FlaskClient) -> None:
    post(client, SIMU)

    row = words(get(client, "page/rows"))

    assert "12:00:00 ada@example.com +33612345678 Hello. 1 high stakes sent €0.05" in row


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({**BODY, "recipients": BODY["recipients"] * 3}, "3 contacts"),
        ({**BODY, "simulation_mode": True}, "simulated"),
        ({**BODY, "send_at": "2027-01-01T00:00:00Z"}, "scheduled"),
        ({**BODY, "voice_language": "tlh"}, "refused 400"),
        ({**BODY, "recipients": [{"phone_number": "+33639980503"}]}, "injected 503"),
        ({**BODY, "recipients": [{"phone_number": "+33639980900"}]}, "no answer"),
        ({**BODY, "recipients": ["0612345678"]}, "1 high stakes 1 note"),
        (BODY, "valid as sent"),
        ({"text": 1, "recipients": "x" * 5_000}, "refused 400"),
        ({**BODY, "text": "a" * 5_000}, "aaaa …"),
        ([], "refused 400"),
        ({"text": "t", "recipients": [], "x": "a" * 5_000}, "refused 400"),
    ],
)
def test_a_row_shows_how_it_was_decided(client: FlaskClient, body: object, expected: str) -> None:
    with contextlib.suppress(ConnectionError):
        post(client, body)

    assert expected in words(get(client, "page/rows"))


def test_a_filter_is_the_inbox_apis_own(client: FlaskClient) -> None:
    post(client)
    post(client, SIMU)

    assert get(client, "?stakes=high").count('class="row"') == 1
    assert get(client, "?stakes=high&login=").count('class="row"') == 1


def test_a_filter_that_matches_nothing_shows_the_way_back(client: FlaskClient) -> None:
    post(client)

    assert "Nothing that is kept matches" in get(client, "?login=nobody")


def test_a_filter_of_another_form_is_explained_above_every_row(client: FlaskClient) -> None:
    post(client)

    page = get(client, "?after=yesterday")

    assert "after : got yesterday ; expected a date and time with its offset" in words(page)
    assert page.count('class="row"') == 1


def test_a_part_of_the_list_with_such_a_filter_is_refused(client: FlaskClient) -> None:
    response = client.get("/_twin/page/rows?verdict=maybe")

    assert response.status_code == 400
    assert "accepted, refused, injected" in response.text


def test_rows_that_arrived_since_one_are_asked_for_by_ids(client: FlaskClient) -> None:
    for _ in range(4):
        post(client)

    rows = get(client, "page/rows?since=1&below=4")

    assert re.findall(r'data-id="(\d+)"', rows) == ["3", "2"]
    assert "Older" not in rows


def test_older_rows_are_brought_with_the_filter(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_pages, "ROWS", 2)
    for _ in range(5):
        post(client)

    page = get(client, f"?login={LOGIN}")

    assert "login=ada%40example.com&below=4" in page
    assert re.findall(r'data-id="(\d+)"', get(client, "page/rows?below=4")) == ["3", "2"]


def test_a_search_that_takes_long_goes_on_by_itself(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_pages, "_LONGEST_SEARCH", -1)
    for _ in range(3):
        post(client)

    assert "Searching further back" in get(client, "page/rows?login=nobody")


class CountedStore(MemoryStore):
    looked = 0

    def newest(self, below=None):
        for entry in super().newest(below):
            self.looked += 1
            yield entry


@pytest.mark.unmeasured
def test_a_look_at_100_000_entries_reads_as_many_as_it_shows(contract: Contract) -> None:
    store = CountedStore(most_entries=100_000, most_bytes=2**30)
    twin = Twin(contract, store)
    client = served(twin)
    post(client)
    entry = next(store.newest())
    for _ in range(100_000):
        store.add(type(entry)(entry.at, entry.login, entry.request, entry.outcome))
    store.looked = 0

    rows = get(client, "page/rows?below=50000")

    assert rows.count('class="row"') == store.looked == 50


# ── one request ──────────────────────────────────────────────────────


def test_a_request_that_was_meant_as_a_simulation_has_that_in_plain_words(
    client: FlaskClient,
) -> None:
    post(client, SIMU)

    assert "This phone rings although you meant to simulate." in get(client, "page/requests/1")


def test_a_request_that_is_refused_rings_no_phone(client: FlaskClient) -> None:
    post(client, {**SIMU, "voice_language": "tlh"})

    page = get(client, "page/requests/1")

    assert "rings although" not in page
    assert "Voice language not supported." in page


def test_the_differing_characters_are_marked(client: FlaskClient) -> None:
    post(client, {**BODY, "voice_language": "fr_FR"})

    page = get(client, "page/requests/1")

    assert "&#34;fr<mark>_</mark>FR&#34;" in page
    assert "&#34;fr<mark>-</mark>FR&#34;" in page


def test_what_was_not_sent_has_its_default(client: FlaskClient) -> None:
    post(client)

    assert "simulation_mode not sent false default" in words(get(client, "page/requests/1"))


def test_the_strict_answer_stands_beside_the_lenient(client: FlaskClient) -> None:
    post(client, SIMU)

    page = words(get(client, "page/requests/1"))

    assert "Lenient: 201" in page
    assert "Strict mode would answer: 400" in page


def test_a_clean_request_has_the_same_answer_in_strict_mode(client: FlaskClient) -> None:
    post(client)

    assert "Strict mode would answer: the same" in words(get(client, "page/requests/1"))


def test_an_account_in_strict_mode_has_one_answer(client: FlaskClient) -> None:
    account(client, mode="strict")
    post(client, SIMU)

    page = words(get(client, "page/requests/1"))

    assert "Strict: 400" in page
    assert "would answer" not in page


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"data": "{"}, "The body could not be read."),
        ({"data": b"\xff", "content_type": "application/json"}, "\\xff"),
        ({"json": {**BODY, "simulation_mode": True}}, "never: simulated"),
        ({"json": {**BODY, "send_at": "2027-01-01T00:00:00Z"}}, "2027-01-01 00:00:00 UTC"),
        ({"json": BODY, "headers": {}}, "refused 401"),
        ({"json": BODY, "query_string": "simulation_mode=true"}, "?simulation_mode=true"),
        ({"json": {**BODY, "recipients": [{"phone_number": "+33639980503"}]}}, "magic"),
    ],
)
def test_a_request_of_any_kind_has_a_page(
    client: FlaskClient, given: dict[str, object], expected: str
) -> None:
    post(client, **given)

    assert expected in words(get(client, "page/requests/1"))


def test_notes_that_are_alike_stand_together(client: FlaskClient) -> None:
    numbers = [{"phone_number": f"003361234{n:04}"} for n in range(500)]
    post(client, {**BODY, "recipients": numbers})

    page = get(client, "page/requests/1")

    assert "490 more of the same kind" in page
    assert 'id="note-500"' in page


@pytest.mark.unmeasured
def test_of_a_long_body_the_rest_is_shown_on_demand(client: FlaskClient) -> None:
    numbers = [{"phone_number": f"003361234{n:04}"} for n in range(500)]
    post(client, {**BODY, "recipients": numbers})

    first, whole = get(client, "page/requests/1"), get(client, "page/requests/1?whole")

    assert '<a href="?whole">show them</a>' in first
    assert first.count('class="line changed') < request_pages.LINES
    assert whole.count('class="line changed') == 500


def test_requests_around_one_are_linked(client: FlaskClient) -> None:
    for _ in range(3):
        post(client)

    page = get(client, "page/requests/2")

    assert 'data-newer="/_twin/page/requests/3"' in page
    assert 'data-older="/_twin/page/requests/1"' in page
    assert 'data-newer=""' in get(client, "page/requests/3")


def test_the_link_of_a_request_that_was_dropped_explains_what_happened(contract: Contract) -> None:
    client = served(Twin(contract, MemoryStore(most_entries=1)))
    post(client)
    post(client)

    response = client.get("/_twin/page/requests/1")

    assert response.status_code == 404
    assert "one of the 1 that are kept; 1 were dropped" in response.text
    assert "one that is still kept" in get(client, "page/requests/1/calls")


@pytest.mark.parametrize(
    ("accept", "path", "status"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "requests/1", 303),
        ("*/*", "requests/1", 200),
        ("application/json", "requests/1", 200),
        ("text/html", "requests/one", 404),
        ("text/html", "nothing", 404),
    ],
)
def test_a_browser_is_led_from_the_address_in_the_log_to_the_page(
    client: FlaskClient, accept: str, path: str, status: int
) -> None:
    post(client)

    response = client.get(f"/_twin/{path}", headers={"Accept": accept})

    assert response.status_code == status
    if status == 303:
        assert response.headers["Location"] == "/_twin/page/requests/1"


def test_a_masked_twin_shows_no_number_on_any_page(twin: Twin) -> None:
    client = served(twin, mask=True)
    account(client, opt_outs=["+33645671231"])
    phone(client, "+33645671233", keys="1")
    post(client, {**SIMU, "recipients": ["0645671232"], "text": "Call 0645671232."})

    for path in PAGES:
        assert not re.search(r"4567123", get(client, path)), path


def test_a_masked_number_is_none_in_a_row_that_is_cut_within_it(twin: Twin) -> None:
    client = served(twin, mask=True)
    post(client, {**BODY, "text": f"{'a' * 68} 06 45 67 12 32, please."})

    assert "06 45" not in get(client, "")


@pytest.mark.parametrize(
    ("number", "prefer", "status"),
    [
        ("+33639980403", "", ["status_code == 403"]),
        ("+33612345678", "code=403", []),
    ],
)
def test_a_test_case_expects_a_status_that_comes_again(
    client: FlaskClient, number: str, prefer: str, status: list[str]
) -> None:
    body = {**BODY, "recipients": [{"phone_number": number}]}
    client.post(SEND, json=body, headers={**SIGNED_IN, "Prefer": prefer})

    found = re.findall(r"status_code == \d+", get(client, "page/requests/1"))
    assert found == status


# ── calls ────────────────────────────────────────────────────────────


def ring(client: FlaskClient, contacts: int = 1) -> None:
    account(client, pace="live")
    numbers = [{"phone_number": f"+336123456{n:02}"} for n in range(contacts)]
    post(client, {**BODY, "recipients": numbers, "get_back_pressed_keys": True})


def test_a_phone_that_rings_can_be_answered_or_refused(client: FlaskClient) -> None:
    ring(client)

    page = get(client, "page/requests/1/calls")

    assert 'data-url="/_twin/calls/1-0/answer"' in page
    assert 'data-url="/_twin/calls/1-0/reject"' in page
    assert 'hx-trigger="every 1s' in page


def test_a_call_that_talks_has_keys(client: FlaskClient) -> None:
    ring(client)
    client.post("/_twin/calls/1-0/answer")

    page = get(client, "page/requests/1/calls")

    assert page.count("/press") == 12
    assert "/hang-up" in page
    assert "ringing" in get(client, "page/campaigns") or "answered" in get(client, "page/campaigns")


def test_a_call_that_is_over_shows_its_time_and_its_receipt(client: FlaskClient) -> None:
    post(client)

    page = words(get(client, "page/requests/1/calls"))

    assert "completed" in page
    assert "Receipt unsent" in page
    assert "Set the pace to live" in page


def test_the_attempts_of_a_receipt_are_shown(client: FlaskClient, twin: Twin) -> None:
    post(client)
    get(client, "page/requests/1/calls")
    (receipt,), _ = twin.store.receipts(None)
    attempts = (Attempt(NOON, 500, "no"), Attempt(NOON, None, "timed out"))
    sent = receipt.__class__(
        receipt.id,
        receipt.login,
        receipt.number,
        "http://127.0.0.1:9/receipts",
        receipt.content_type,
        receipt.body,
        "failed",
        attempts,
    )
    twin.store.log_receipt(sent, receipt)

    page = get(client, "page/requests/1/calls")

    assert 'data-url="/_twin/receipts/1-0/resend"' in page
    assert "12:00:00 500 no 12:00:00 no answer timed out" in words(page)


def test_what_a_receiver_answered_is_not_made_by_looking(client: FlaskClient) -> None:
    account(client, callback_url="http://127.0.0.1:9/receipts")
    post(client, {**BODY, "send_at": "2027-01-01T00:00:00Z"})

    assert "Receipt" not in get(client, "page/requests/1/calls")


def test_a_receipt_is_shown_with_its_own_campaign(client: FlaskClient) -> None:
    post(client)
    post(client)
    client.get("/_twin/receipts")

    assert get(client, "page/requests/2/calls").count('class="receipt"') == 1


def test_the_calls_of_a_campaign_come_in_pages(client: FlaskClient) -> None:
    numbers = [{"phone_number": f"+336123456{n:02}"} for n in range(60)]
    post(client, {**BODY, "recipients": numbers})

    page = get(client, "page/requests/1/calls?skip=50")

    assert page.count('class="call ') == 10
    assert "51 to 60 of 60" in words(page)
    assert get(client, "page/requests/1/calls").count('class="call ') == 50


def test_the_calls_page_lists_campaigns_and_who_rings_now(client: FlaskClient) -> None:
    ring(client, 2)

    page = words(get(client, f"page/calls?login={LOGIN}"))

    assert "Now" in page
    assert "2 contacts" in page


def test_campaigns_come_in_pages(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mock_server.page.call_pages._CAMPAIGNS", 1)
    post(client)
    assert "Older" not in get(client, "page/calls")
    post(client)

    assert "Older" in get(client, "page/calls")
    assert "Newer" in get(client, "page/calls?skip=1")


def test_without_a_campaign_the_page_explains_when_phones_ring(client: FlaskClient) -> None:
    assert "No phone has rung yet" in get(client, "page/calls")


# ── accounts ─────────────────────────────────────────────────────────


def test_an_account_shows_its_credit_as_a_picture(client: FlaskClient) -> None:
    post(client)
    post(client)

    page = get(client, f"page/account?login={LOGIN}")

    assert "€149.90" in page
    assert "from €150.00 to €149.90" in page
    assert page.count("<circle") == 2


def test_a_scheduled_campaign_can_be_jumped_to(client: FlaskClient) -> None:
    post(client, {**BODY, "send_at": "2027-01-01T00:00:00Z"})

    page = get(client, f"page/account?login={LOGIN}")

    assert "Jump to the next scheduled campaign, 2027-01-01 00:00" in page


def test_of_two_scheduled_campaigns_the_first_can_be_jumped_to(client: FlaskClient) -> None:
    for year in (2028, 2027, 2029):
        post(client, {**BODY, "send_at": f"{year}-01-01T00:00:00Z"})

    page = get(client, f"page/account?login={LOGIN}")

    assert "Jump to the next scheduled campaign, 2027-01-01 00:00" in page


def test_what_was_set_of_an_account_is_shown(client: FlaskClient) -> None:
    account(client, opt_outs=["+33612345678"], callback_url="http://127.0.0.1:9/r")
    phone(client, "+336*", shares={"busy": 0.5}, opts_out=True, keys="9", keys_after=2)
    client.put(f"/_twin/accounts/{LOGIN}/clock", json={"frozen": True})
    client.post(f"/_twin/accounts/{LOGIN}/faults", json={"fault": "reset", "times": 1})

    page = words(get(client, f"page/account/overview?login={LOGIN}"))

    for part in ("+33612345678", "+336*", "frozen", "reset", "met 0 of 0 times", "presses 9"):
        assert part in page


def test_each_fault_has_a_form_of_its_own_schema(client: FlaskClient) -> None:
    account(client)

    page = get(client, f"page/account?login={LOGIN}")

    assert page.count("fault-form") >= 13
    assert 'name="retry_after"' in page
    assert 'name="match.number"' in page


def test_an_account_of_a_login_with_a_slash_has_a_page_without_forms(client: FlaskClient) -> None:
    post(client, headers={**SIGNED_IN, "api-login": "a/b"})

    page = get(client, "page/account?login=a%2Fb")

    assert "nothing of it can be changed here" in page
    assert "data-method" not in page


def test_an_account_that_is_not_there_is_explained(client: FlaskClient) -> None:
    response = client.get("/_twin/page/account?login=nobody")

    assert response.status_code == 404
    assert "an account; a request opens one" in response.text
    assert "an account that nobody has reset" in get(client, "page/account/overview?login=nobody")


def test_accounts_are_listed_the_last_used_first(client: FlaskClient) -> None:
    for login in ("one", "two"):
        post(client, headers={**SIGNED_IN, "api-login": login})

    page = get(client, "page/accounts")

    assert page.index(">two<") < page.index(">one<")


# ── try it ───────────────────────────────────────────────────────────


def preview(client: FlaskClient, body: object, **given: str) -> str:
    form = {"body": body if isinstance(body, str) else json.dumps(body), "login": LOGIN, **given}
    response = client.post("/_twin/page/preview", data=form)
    assert response.status_code == 200, response.text
    return words(response.text)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (BODY, "It would be sent Answer 201 Cost €0.05 Contacts 1 Heard 30 billed seconds Notes 0"),
        (SIMU, "Notes 1, 1 of high stakes Strict mode would answer 400"),
        ({**BODY, "simulation_mode": True}, "€0.05 for a real send"),
        ({**BODY, "text": 5}, "A number or a boolean is written as text."),
        ("{", "The body could not be read."),
        ("", "The body could not be read."),
        ({"text": "Hi"}, "Recipients missing."),
        (
            {**BODY, "recipients": [{"phone_number": "+33639980104"}]},
            "+33639980104 Refused for lack of credit.",
        ),
        ({**BODY, "recipients": ["+33639980104"]}, "+33639980104 Refused for lack of credit."),
    ],
)
def test_a_preview_shows_what_would_be_read_and_answered(
    client: FlaskClient, body: object, expected: str
) -> None:
    assert expected in preview(client, body)


def test_a_preview_keeps_nothing(client: FlaskClient, twin: Twin) -> None:
    preview(client, BODY)

    assert twin.store.kept(None) == (0, 0)
    assert twin.store.known(LOGIN) is None


def test_a_preview_is_by_the_account_as_it_is(client: FlaskClient) -> None:
    account(client, credit="0.01", mode="strict")

    assert "Not enough credit." in preview(client, BODY)
    assert "Strict mode is on" in preview(client, SIMU)


def test_the_form_to_try_is_made_from_the_contract(client: FlaskClient, contract: Contract) -> None:
    page = get(client, "page/try")

    for name in contract.body.members:
        assert f'id="try-{name}"' in page or f'data-groups="{name}"' in page
    assert "What the API does with wrong values" in page


# ── rules and reference ──────────────────────────────────────────────


@pytest.mark.parametrize(
    "asked",
    ["words=midnight", "field=send_at&stakes=high", "grade=observed&words=x", "stakes=normal"],
)
def test_rules_are_filtered(client: FlaskClient, asked: str) -> None:
    every = int(re.search(r"of (\d+)", words(get(client, "page/rules")))[1])

    shown = int(re.search(r"(\d+) of", words(get(client, f"page/rules?{asked}")))[1])

    assert shown < every


def test_rules_have_every_word_that_is_asked_for(client: FlaskClient) -> None:
    assert "0 of" in words(get(client, "page/rules?words=midnight+xyzzy"))


def test_the_reference_has_every_parameter_and_answer(
    client: FlaskClient, contract: Contract
) -> None:
    page = get(client, "page/reference")

    for name in contract.body.members:
        assert f'id="parameter-{name}"' in page
    assert 'id="parameter-recipients[].phone_number"' in page
    assert "Voice language not supported." in page


# ── protection ───────────────────────────────────────────────────────


@pytest.mark.unmeasured
@pytest.mark.parametrize("path", [*PAGES, "page/static/page.js", "page/requests/99", "?after=x"])
def test_every_page_has_the_headers_that_keep_it_from_running_anything(
    client: FlaskClient, path: str
) -> None:
    post(client)

    with client.get(f"/_twin/{path}") as response:
        headers = response.headers

    assert "default-src 'none'; script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_a_foreign_page_gets_nothing(client: FlaskClient, headers: dict[str, str]) -> None:
    response = client.get("/_twin/", headers=headers)

    assert response.status_code == 403
    assert "evil.example" in response.text


TOKEN = "a-token"


@pytest.mark.parametrize("path", [*PAGES, "page/events", "page/rows"])
def test_whoever_lacks_the_token_is_asked_for_it(twin: Twin, path: str) -> None:
    client = served(twin, token=TOKEN)
    client.post(SEND, json=BODY, headers=SIGNED_IN)

    response = client.get(f"/_twin/{path}")

    assert response.status_code == 401
    assert 'name="token"' in response.text
    assert "Hello." not in response.text


def test_the_token_is_kept_in_a_cookie_that_no_script_reads_and_no_other_page_sends(
    twin: Twin,
) -> None:
    client = served(twin, token=TOKEN)

    response = client.post("/_twin/page/sign-in", data={"token": TOKEN})

    assert response.headers["Location"] == "/_twin/"
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/_twin" in cookie
    assert client.get("/_twin/").status_code == 200
    assert client.get("/_twin/requests").status_code == 200


@pytest.mark.parametrize("options", [{"token": TOKEN}, {}])
def test_another_token_signs_nobody_in(twin: Twin, options: dict[str, str]) -> None:
    client = served(twin, **options)

    response = client.post("/_twin/page/sign-in", data={"token": "another"})

    assert response.status_code == 401
    assert "That is not the token." in response.text
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Origin": "http://localhost"}, 204), ({"Origin": "http://evil.example"}, 403)],
)
def test_a_cookie_changes_something_only_from_the_twins_own_origin(
    twin: Twin, headers: dict[str, str], status: int
) -> None:
    client = served(twin, token=TOKEN)
    client.post("/_twin/page/sign-in", data={"token": TOKEN})

    assert client.post("/_twin/reset", headers=headers).status_code == status


def test_a_cookie_of_another_port_is_not_taken(twin: Twin) -> None:
    client = served(twin, token=TOKEN)
    client.set_cookie("voice-twin-81", TOKEN)

    assert client.get("/_twin/requests").status_code == 401


# ── what somebody sent ───────────────────────────────────────────────

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "'onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</textarea></code></pre><iframe src=javascript:alert(1)>",
    "\u202egnp.exe\u2066",
    "\x00\x1b[31m\x07",
    "\ud800",
    "a" * 100_000,
    "javascript:alert(1)",
    "<a hx-get=/_twin/reset hx-trigger=load>",
)


class Inventory(HTMLParser):
    """Every kind of element and attribute of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found = set[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(f"{tag} {name}" for name, _ in attrs)}


def harmful(html: str) -> set[str]:
    found = Inventory(html).found
    events = {one for one in found if one.split()[-1].startswith("on")}
    return events | found & {"iframe", "object", "embed", "base", "style", "a style", "svg onload"}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_that_was_sent_becomes_markup(client: FlaskClient, text: str) -> None:
    body = json.dumps(
        {"text": text, "recipients": [{"phone_number": "+33612345678"}], text: text, "sender": text}
    )
    login = text.encode("ascii", "ignore").decode().replace("\x00", "").strip()[:200]
    login = "".join(one for one in login if one.isprintable()) or "x"
    headers = {**SIGNED_IN, "api-login": login, "Content-Type": "text/html"}
    post(
        client,
        data=body,
        headers=headers,
        query_string={"q": text[:500].encode("utf-8", "replace")},
    )

    for path in ("", "page/requests/1", "page/accounts", "page/calls", "page/rows"):
        page = get(client, path)
        assert harmful(page) == set(), path
        assert len(re.findall("<script", page)) == page.count("<script src="), path
        assert not re.search("[\x00\x1b\x07\u202e\u2066\ud800]", page), path
        assert len(page) < 120_000, path


def test_a_preview_shows_hostile_text_as_text(client: FlaskClient) -> None:
    form = {"body": json.dumps({"text": HOSTILE[0], "recipients": []}), "login": HOSTILE[1]}

    page = client.post("/_twin/page/preview", data=form).text

    assert "<script" not in page
    assert "&lt;script&gt;" in page


# ── files ────────────────────────────────────────────────────────────


def test_htmx_is_the_release_that_it_claims_to_be() -> None:
    """The sum of dist/htmx.min.js in the package htmx.org 2.0.11 of npm."""
    script = (STATIC / "htmx.min.js").read_bytes()

    assert hashlib.sha256(script).hexdigest() == (
        "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"
    )
    assert "Zero-Clause BSD" in (STATIC / "htmx.LICENSE").read_text("utf-8")


def test_the_page_weighs_less_than_150_kb(client: FlaskClient) -> None:
    page = get(client, "")
    files = [Path(name).name for name in re.findall(r'(?:src|href)="([^"]*/static/[^"]*)"', page)]

    weight = len(page) + sum((STATIC / name).stat().st_size for name in set(files))

    assert len(set(files)) >= 6
    assert weight < 150_000


def test_no_script_or_style_asks_another_host(client: FlaskClient) -> None:
    for path in PAGES:
        if path == "page/requests/1" or "calls" in path or "account?" in path:
            continue
        sources = re.findall(
            r'(?:src|action|hx-get|hx-post)="([^"]*)"', client.get(f"/_twin/{path}").text
        )
        assert all(source.startswith("/_twin") for source in sources), path
