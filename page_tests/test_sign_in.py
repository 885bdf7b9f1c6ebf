"""Where others can reach the twin, its page asks for a token, once."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from mock_server.contract.loader import Contract
from served_page import LOGIN, Site
from watching import Watch

TOKEN = "s3cret & more"


@pytest.fixture
def closed(contract: Contract, watch: Watch) -> Iterator[Site]:
    """A twin with a token; the browser logs that it was refused without one."""
    watch.expect("status of 401")
    with Site(contract, token=TOKEN) as started:
        started.send(text="Secret.")
        yield started


@pytest.fixture
def signed_in(closed: Site, page: Page) -> Page:
    page.goto(closed.page())
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".row")).to_contain_text("Secret.")
    return page


def test_whoever_has_the_token_sees_a_live_inbox(closed: Site, signed_in: Page) -> None:
    expect(signed_in.locator("#live-text")).to_have_text("live")

    closed.send(text="Another.")

    expect(signed_in.locator(".row").first).to_contain_text("Another.")


def test_a_wrong_token_is_refused_in_place(closed: Site, page: Page) -> None:
    page.goto(closed.page())
    page.get_by_label("Token").fill("guessed")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("That is not the token.")
    expect(page.get_by_label("Token")).to_be_visible()


def test_the_token_is_kept_where_no_script_and_no_other_page_gets_it(
    context: BrowserContext, signed_in: Page
) -> None:
    (cookie,) = context.cookies()

    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/_twin")
    assert signed_in.evaluate("document.cookie") == ""


def test_a_link_with_the_token_signs_in_and_leaves_no_trace(closed: Site, page: Page) -> None:
    page.goto(f"{closed.page()}#token=s3cret%20%26%20more")

    expect(page.locator(".row")).to_contain_text("Secret.")
    assert page.url == closed.page()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "?login=ada@example.com",
        "page/requests/1",
        "page/requests/1/calls",
        "page/rows",
        "page/events",
        "page/calls",
        "page/campaigns",
        "page/accounts",
        f"page/account?login={LOGIN}",
        f"page/account/overview?login={LOGIN}",
        "page/try",
        "page/rules",
        "page/reference",
        "requests/1",
        "requests/1/audio.wav",
    ],
)
def test_nothing_is_shown_without_the_token(
    closed: Site, context: BrowserContext, path: str
) -> None:
    answer = context.request.get(closed.page(path))

    assert answer.status == HTTPStatus.UNAUTHORIZED
    assert "Secret." not in answer.text()


def test_whoever_is_signed_in_changes_and_hears_things(closed: Site, signed_in: Page) -> None:
    signed_in.goto(closed.page(f"page/account?login={LOGIN}"))
    signed_in.get_by_role("button", name="Let phones ring here").click()
    expect(signed_in.locator("#overview .facts")).to_contain_text("live")

    signed_in.goto(closed.page("page/requests/1"))
    signed_in.locator("#voice").evaluate("voice => voice.play()")

    expect(signed_in.locator("#voice")).not_to_have_js_property("currentTime", 0)


def test_a_page_of_another_site_cannot_change_anything(closed: Site, signed_in: Page) -> None:
    # Of another port of this machine, which has the same cookies.
    elsewhere = signed_in.context.request.put(
        closed.page(f"accounts/{LOGIN}"),
        data={"pace": "live"},
        headers={"Origin": "http://127.0.0.1:1"},
    )

    assert elsewhere.status == HTTPStatus.FORBIDDEN
