"""A phone that rings, as somebody picks it up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pytest
from playwright.sync_api import Page, expect

from mock_server.http.server import Serving
from served_page import Site


@pytest.fixture
def receiver() -> Iterator[Serving]:
    """Takes every receipt."""

    def takes(_: object, start: Callable[..., object]) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", "5")])
        return [b"Taken"]

    with Serving(takes, threads=2) as started:
        yield started


@pytest.fixture
def ringing(site: Site, page: Page) -> Page:
    """The page of a request whose phone rings."""
    site.put(pace="live")
    page.goto(site.page(f"page/requests/{site.send()}"))
    expect(page.locator(".call .badge")).to_have_text("ringing")
    return page


def test_a_call_is_answered_heard_and_hung_up(ringing: Page) -> None:
    ringing.get_by_role("button", name="Answer").click()
    expect(ringing.locator("#voice")).not_to_have_js_property("currentTime", 0)
    for key in ("Press 1", "Press 2", "Press #"):
        ringing.get_by_role("button", name=key).click()

    expect(ringing.locator(".call kbd")).to_have_text("12#")
    ringing.get_by_role("button", name="Hang up").click()

    expect(ringing.locator(".call-head .badge")).to_have_text("completed")
    expect(ringing.locator("#voice")).to_have_js_property("paused", value=True)
    expect(ringing.locator(".legend")).to_contain_text("completed 1")


def test_a_call_is_answered_and_keys_are_pressed_by_keyboard(ringing: Page) -> None:
    ringing.get_by_role("button", name="Answer").press("Enter")
    ringing.get_by_role("button", name="Press 4").press("Enter")
    expect(ringing.locator(".call kbd")).to_have_text("4")

    # The keypad was drawn anew, and the focus is where it was.
    expect(ringing.get_by_role("button", name="Press 4")).to_be_focused()
    ringing.keyboard.press("Tab")
    ringing.keyboard.press("Enter")

    expect(ringing.locator(".call kbd")).to_have_text("45")


def test_a_call_can_be_refused(ringing: Page) -> None:
    ringing.get_by_role("button", name="Refuse").click()

    expect(ringing.locator(".call-head .badge")).to_have_text("refused")


def test_a_phone_that_nobody_picks_up_answers_as_it_would_by_itself(
    site: Site, ringing: Page
) -> None:
    site.wait(60)

    expect(ringing.locator(".call-head .badge")).to_have_text("completed")


def test_a_receipt_shows_its_attempts_and_can_be_sent_again(
    site: Site, page: Page, receiver: Serving
) -> None:
    site.put(callback_url=f"{receiver.url}/receipts")
    page.goto(site.page(f"page/requests/{site.send()}"))

    receipt = page.locator("details.receipt")
    expect(receipt.locator(".badge")).to_have_text("delivered")
    receipt.locator("summary").click()
    expect(receipt.locator(".attempts li")).to_have_count(1)
    expect(receipt.locator(".attempts")).to_contain_text("200 Taken")

    receipt.get_by_role("button", name="Resend").click()

    expect(page.locator(".attempts li")).to_have_count(2)
    expect(receipt.locator(".attempts")).to_be_visible()


def test_an_account_without_a_receiver_shows_what_would_have_been_sent(
    site: Site, page: Page
) -> None:
    page.goto(site.page(f"page/requests/{site.send()}"))

    receipt = page.locator("details.receipt")
    expect(receipt).to_contain_text("unsent")
    receipt.locator("summary").click()
    expect(receipt.locator("pre")).to_contain_text("DELIVERED")


def test_the_message_of_any_request_can_be_heard(site: Site, page: Page) -> None:
    page.goto(site.page(f"page/requests/{site.send(text='Bonjour.')}"))

    page.locator("#voice").evaluate("voice => voice.play()")

    expect(page.locator("#voice")).not_to_have_js_property("currentTime", 0)


def test_a_campaign_shows_how_its_calls_ended(site: Site, page: Page) -> None:
    site.put("/phones/+33698765432", outcome="busy")
    numbers = [{"phone_number": one} for one in ("+33612345678", "+33698765432", "+33611111111")]
    site.send(recipients=numbers, text="How are you?")

    page.goto(site.page("page/calls"))

    campaign = page.locator(".campaign")
    expect(campaign).to_contain_text("How are you?")
    expect(campaign.locator(".legend li")).to_have_text(["completed 2", "busy 1"])


def test_whatever_rings_now_stands_on_top_of_the_calls(site: Site, page: Page) -> None:
    page.goto(site.page("page/calls"))
    expect(page.get_by_role("heading", name="No phone has rung yet")).to_be_visible()
    site.put(pace="live")

    site.send()
    page.get_by_role("link", name="Go to the phone").click()

    expect(page.get_by_role("button", name="Answer")).to_be_visible()


def test_calls_of_a_request_that_is_forgotten_meanwhile_are_shown_as_such(
    site: Site, ringing: Page
) -> None:
    site.twin.store.reset()

    expect(ringing.locator("#calls")).to_contain_text("request: got 1")


def test_more_calls_than_fifty_are_shown_in_pages(site: Site, page: Page) -> None:
    numbers = [{"phone_number": f"+3361234{one:04}"} for one in range(120)]
    page.goto(site.page(f"page/requests/{site.send(recipients=numbers)}"))

    page.get_by_role("link", name="Next 50").click()
    page.get_by_role("link", name="Next 50").click()

    expect(page.locator(".call")).to_have_count(20)
    expect(page.locator(".call .phone").last).to_have_text("+33612340119")
