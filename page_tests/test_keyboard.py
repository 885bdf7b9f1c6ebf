"""Everything can be done by keyboard alone, and is seen while it is done."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from served_page import LOGIN, Site

# Whatever has the focus is written down, and whether one can see that it has.
NOTE_FOCUS = """
    addEventListener("focusin", (event) => {
        const style = getComputedStyle(event.target);
        const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
        event.target.dataset.reached = seen ? "seen" : "unseen";
    });
"""
NOT_REACHED = """() => {
    const can = "a[href], button, input, select, textarea, summary, audio, [tabindex]";
    return [...document.querySelectorAll(can)]
        .filter((one) => one.tabIndex >= 0 && one.type !== "hidden" && one.checkVisibility())
        .filter((one) => one.dataset.reached !== "seen")
        .map((one) => `${one.dataset.reached ?? "not reached"}: ${one.outerHTML.slice(0, 120)}`);
}"""


def rows(site: Site, page: Page) -> None:
    site.send_many(3)
    page.goto(site.page())


def test_j_and_k_go_from_row_to_row_and_enter_opens_one(site: Site, page: Page) -> None:
    rows(site, page)

    for key in "jjjk":
        page.keyboard.press(key)
    expect(page.locator(".row > a").nth(1)).to_be_focused()
    page.keyboard.press("Enter")

    expect(page).to_have_url(site.page("page/requests/2"))


def test_j_and_k_go_from_request_to_request_and_u_back(site: Site, page: Page) -> None:
    rows(site, page)
    page.goto(site.page("page/requests/2"))

    page.keyboard.press("j")
    expect(page).to_have_url(site.page("page/requests/1"))
    page.wait_for_load_state()
    page.keyboard.press("k")
    expect(page).to_have_url(site.page("page/requests/2"))
    page.wait_for_load_state()
    page.keyboard.press("u")

    expect(page).to_have_url(site.page())


def test_a_slash_goes_to_the_filters(site: Site, page: Page) -> None:
    rows(site, page)

    page.keyboard.press("/")
    page.keyboard.type("j/k?u")

    expect(page.get_by_label("login")).to_have_value("j/k?u")
    expect(page).to_have_url(re.compile(r"\?login="))


def test_a_question_mark_lists_the_keys_until_escape(site: Site, page: Page) -> None:
    page.goto(site.page())

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_first_tab_skips_to_the_content(site: Site, page: Page) -> None:
    rows(site, page)

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_label("login")).to_be_focused()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "page/requests/3",
        "page/calls",
        "page/accounts",
        f"page/account?login={LOGIN}",
        "page/try",
        "page/rules",
        "page/reference",
    ],
)
def test_tab_reaches_everything_and_shows_where_it_is(site: Site, page: Page, path: str) -> None:
    site.put(pace="live")
    site.send_many(2)
    site.send(mode="simu", voice_gender="FEMALE")
    page.add_init_script(NOTE_FOCUS)
    page.goto(site.page(path))
    # Whatever would draw a part anew meanwhile gets no answer.
    page.route("**/_twin/page/**", lambda _: None)

    reached = page.locator("[data-reached]")
    before = -1
    while (now := reached.count()) > before:
        before = now
        for _ in range(25):
            page.keyboard.press("Tab")

    assert page.evaluate(NOT_REACHED) == []
