"""The inbox as somebody uses it."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from served_page import Site

ROW = "#rows .row"


def look(page: Page, url: str) -> None:
    """Open an inbox, and wait until it is live."""
    page.goto(url)
    expect(page.locator("#live-text")).to_have_text("live")


def hide(page: Page, *, hidden: bool = True) -> None:
    """Have the page believe that nobody sees it, or that somebody does again."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


# ── what is there ──────────────────────────────────────────────────────────


def test_an_empty_inbox_explains_the_first_three_steps(site: Site, page: Page) -> None:
    look(page, site.page())

    expect(page.locator("#empty > ol > li")).to_contain_text(
        ["Send something.", "See how it was read.", "Pick up the phone."]
    )
    expect(page.locator("#empty code").nth(1)).to_contain_text(f"curl -i {site.url}")


def test_a_request_appears_without_a_reload(site: Site, page: Page) -> None:
    look(page, site.page())

    site.send(text="Your parcel arrives.")

    expect(page.locator(ROW)).to_contain_text("Your parcel arrives.")
    expect(page.locator("#empty")).to_have_count(0)
    expect(page.locator("#kept")).to_have_text("1")


def test_a_row_names_the_login_the_number_the_verdict_the_stakes_and_the_cost(
    site: Site, page: Page
) -> None:
    site.send(mode="simu")

    page.goto(site.page())

    for shown in ("ada@example.com", "+33612345678", "Hello.", "sent", "1 high stakes", "€0.05"):
        expect(page.locator(ROW)).to_contain_text(shown)


def test_the_address_without_a_slash_leads_to_the_inbox(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/_twin")

    expect(page).to_have_url(site.page())


# ── filters ────────────────────────────────────────────────────────────────


def test_a_filtered_inbox_shows_only_what_matches_as_it_arrives(site: Site, page: Page) -> None:
    look(page, site.page("?login=grace@example.com"))

    site.send(text="For Ada.")
    site.send(text="For Grace.", login="grace@example.com")

    expect(page.locator(ROW)).to_have_count(1)
    expect(page.locator(ROW)).to_contain_text("For Grace.")


def test_a_filter_stands_in_the_address_without_empty_parameters(site: Site, page: Page) -> None:
    site.send(mode="simu")
    site.send(text="Valid.")
    look(page, site.page())

    page.get_by_label("stakes").select_option("high")

    expect(page.locator(ROW)).to_have_count(1)
    expect(page).to_have_url(site.page("?stakes=high"))


def test_the_address_of_a_filtered_inbox_can_be_shared(site: Site, page: Page) -> None:
    site.send(mode="simu")
    site.send(text="Valid.")

    look(page, site.page("?stakes=high&login=ada"))
    page.get_by_label("login").fill("ada@example.com")

    expect(page.get_by_label("stakes")).to_have_value("high")
    expect(page.locator(ROW)).to_have_count(1)
    expect(page).to_have_url(re.compile("stakes=high"))
    assert parse_qs(urlsplit(page.url).query) == {"login": ["ada@example.com"], "stakes": ["high"]}


def test_a_wrong_value_of_a_filter_is_shown_in_place(site: Site, page: Page) -> None:
    site.send()
    look(page, site.page())

    page.get_by_label("after").fill("tomorrow")

    problem = page.locator("#list .problem")
    expect(problem).to_contain_text("after: got tomorrow; expected a date and time")
    expect(page.locator(ROW)).to_have_count(1)


def test_an_inbox_in_which_nothing_matches_offers_everything(site: Site, page: Page) -> None:
    site.send()
    look(page, site.page("?login=nobody"))

    page.get_by_role("link", name="Show everything").click()

    expect(page.locator(ROW)).to_have_count(1)


# ── many ───────────────────────────────────────────────────────────────────


def test_more_than_fifty_at_once_are_counted_and_shown_on_a_click(site: Site, page: Page) -> None:
    look(page, site.page())
    hide(page)
    site.send_many(60)
    expect(page).to_have_title(re.compile(r"^\(60\)"))

    hide(page, hidden=False)
    page.get_by_role("button", name="60 new requests arrived").click()

    expect(page.locator("#pill")).to_be_hidden()
    expect(page.locator(ROW).first).to_have_attribute("data-id", "60")


def test_scrolling_down_shows_the_older_ones_to_the_last(site: Site, page: Page) -> None:
    site.send_many(160)
    look(page, site.page())
    expect(page.locator(ROW)).to_have_count(50)

    for shown in (100, 150, 160):
        page.locator("li.older").scroll_into_view_if_needed()
        expect(page.locator(ROW)).to_have_count(shown)

    expect(page.locator("li.older")).to_have_count(0)
    expect(page.locator(ROW).last).to_have_attribute("data-id", "1")


# ── coming back ────────────────────────────────────────────────────────────


def test_the_title_counts_what_arrives_while_nobody_looks(site: Site, page: Page) -> None:
    look(page, site.page())
    hide(page)

    site.send_many(3)

    expect(page).to_have_title("(3) Inbox · voice twin")
    hide(page, hidden=False)
    expect(page).to_have_title("Inbox · voice twin")
    expect(page.locator(ROW)).to_have_count(3)


def test_what_arrived_since_the_last_look_is_unread(site: Site, page: Page) -> None:
    site.send(text="Seen.")
    look(page, site.page())
    page.goto("about:blank")
    site.send(text="New.")

    look(page, site.page())

    expect(page.locator(".row.unread")).to_have_count(1)
    expect(page.locator(".row.unread")).to_contain_text("New.")


def test_a_page_catches_up_after_its_stream_was_cut(site: Site, page: Page) -> None:
    look(page, site.page())

    site.stop()
    expect(page.locator("#live-text")).to_have_text("not connected, trying again")
    site.send(text="Meanwhile.")
    site.restart()

    expect(page.locator(ROW)).to_contain_text("Meanwhile.")
    expect(page.locator("#live-text")).to_have_text("live")


def test_a_stream_that_went_silent_is_asked_anew(
    site: Site, context: BrowserContext, page: Page
) -> None:
    # As after a computer slept: the connection is gone, and nobody has noticed.
    context.add_init_script("delete window.SharedWorker")
    page.clock.install()
    asked = list[str]()

    def silent_at_first(route: object) -> None:
        asked.append("")
        if len(asked) > 1:
            route.fallback()

    page.route("**/page/events", silent_at_first)
    page.goto(site.page())
    expect(page.locator("#live-text")).to_have_text("connecting")

    page.clock.fast_forward(45_000)

    expect(page.locator("#live-text")).to_have_text("live")


def test_a_twin_that_forgot_everything_shows_an_empty_inbox(site: Site, page: Page) -> None:
    site.send_many(2)
    look(page, site.page())
    expect(page.locator(ROW)).to_have_count(2)

    site.twin.store.reset()

    expect(page.locator("#empty")).to_be_visible()


@pytest.mark.parametrize("count", [10])
def test_ten_pages_of_one_browser_are_all_live(
    site: Site, context: BrowserContext, count: int
) -> None:
    pages = [context.new_page() for _ in range(count)]
    for one in pages:
        one.goto(site.page())

    site.send(text="For all.")

    for one in pages:
        expect(one.locator(ROW)).to_contain_text("For all.")
