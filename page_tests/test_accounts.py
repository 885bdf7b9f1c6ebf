"""Accounts, as somebody sets them up for a trial."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from served_page import LOGIN, Site
from watching import Watch

RESET = "Forget this account and its requests?"


@pytest.fixture
def account(site: Site, page: Page) -> Page:
    """The page of an account that has sent once."""
    site.send()
    page.goto(site.page(f"page/account?login={LOGIN}"))
    return page


def unfolded(page: Page, name: str) -> Locator:
    """A part of the page that was folded."""
    part = page.locator("details", has=page.get_by_role("heading", name=name))
    part.locator("summary").first.click()
    return part


def clock(page: Page) -> Locator:
    return page.locator("section", has=page.get_by_role("heading", name="Clock"))


def test_an_account_shows_its_credit_over_time(account: Page, site: Site) -> None:
    expect(account.locator("#credit")).to_have_text("€149.95")
    expect(account.locator(".ledger circle")).to_have_count(1)

    site.send()

    expect(account.locator("#credit")).to_have_text("€149.90")
    expect(account.locator(".ledger circle")).to_have_count(2)


def test_its_clock_is_frozen_and_advanced(account: Page) -> None:
    account.get_by_role("button", name="Freeze").click()
    expect(clock(account)).to_contain_text("frozen")
    account.get_by_role("button", name="+ 1 hour").click()

    expect(clock(account).locator("time")).to_have_text("2026-11-23 13:00:00 UTC")
    account.get_by_role("button", name="Let it run").click()
    expect(account.get_by_role("button", name="Freeze")).to_be_visible()


def test_it_jumps_to_the_next_campaign_that_is_scheduled(account: Page, site: Site) -> None:
    site.send(send_at="2026-12-24T18:00:00Z")

    account.get_by_role("button", name="Jump to the next scheduled campaign").click()

    expect(clock(account).locator("time")).to_have_text("2026-12-24 18:00:00 UTC")
    account.goto(site.page("?state=sent"))
    expect(account.locator(".row")).to_have_count(2)


def test_a_fault_that_is_injected_is_met_by_the_next_request(account: Page, site: Site) -> None:
    faults = unfolded(account, "Inject a fault")
    faults.get_by_label("Fault").select_option("status")
    form = faults.locator("form:visible")
    form.get_by_label("status").select_option("503")
    form.get_by_role("button", name="Inject").click()
    injected = account.locator("section", has=account.get_by_role("heading", name="Injected"))
    expect(injected).to_contain_text("met 0 of 0 times")

    site.send()

    expect(injected).to_contain_text("met 1 of 1 times")
    account.goto(site.page())
    expect(account.locator(".row").first).to_contain_text("injected 503")


def test_nothing_is_injected_any_more_after_a_click(account: Page, site: Site) -> None:
    site.put("/faults", faults=[{"fault": "status", "status": 503}])
    account.reload()

    account.get_by_role("button", name="Inject nothing any more").click()

    expect(account.get_by_role("heading", name="Injected faults")).to_have_count(0)


def test_a_phone_is_set_and_reset(account: Page, site: Site) -> None:
    phones = unfolded(account, "A phone")
    phones.get_by_label("Number or prefix").fill("+33612345678")
    phones.get_by_label("outcome").select_option("busy")
    phones.get_by_role("button", name="Set this phone").click()
    expect(account.locator("#overview")).to_contain_text("+33612345678 busy")
    number = site.send()
    account.goto(site.page(f"page/requests/{number}"))
    expect(account.locator(".call-head .badge")).to_have_text("busy")
    account.go_back()

    account.get_by_role("button", name="Reset", exact=True).click()

    expect(account.get_by_role("heading", name="Phones that were set")).to_have_count(0)


def test_the_pace_is_set_by_one_click(account: Page) -> None:
    account.get_by_role("button", name="Let phones ring here").click()

    expect(account.locator("#overview .facts")).to_contain_text("live")


def test_settings_are_set_by_a_form(account: Page) -> None:
    form = unfolded(account, "Settings")
    form.get_by_label("credit").fill("12.50")
    form.get_by_label("mode").select_option("strict")
    form.get_by_label("opt_outs").fill("+33612345678\n+33698765432")
    form.get_by_role("button", name="Set").click()

    expect(account.locator("#credit")).to_have_text("€12.50")
    expect(account.locator("#overview .facts")).to_contain_text("strict")
    expect(account.locator("#overview")).to_contain_text("+33612345678 +33698765432")


def test_a_wrong_value_is_shown_at_its_field(account: Page, watch: Watch) -> None:
    watch.expect("status of 400")
    form = unfolded(account, "Settings")
    form.get_by_label("credit").fill("a lot")
    form.get_by_role("button", name="Set").click()

    field = form.locator(".field", has=account.get_by_label("credit"))
    expect(field.get_by_role("alert")).to_contain_text('credit: got "a lot"; expected euros from 0')
    expect(field.get_by_label("credit")).to_have_attribute("aria-invalid", "true")
    expect(field.get_by_label("credit")).to_be_focused()


def test_an_account_is_forgotten_after_a_question(account: Page, site: Site, watch: Watch) -> None:
    watch.accept(RESET)
    account.get_by_role("button", name="Reset the account").click()

    expect(account).to_have_url(site.page("page/accounts"))
    expect(account.locator(".cards .empty")).to_be_visible()


def test_an_account_that_is_forgotten_meanwhile_is_shown_as_such(account: Page, site: Site) -> None:
    site.twin.store.reset()

    expect(account.locator("#overview")).to_contain_text(f"login: got {LOGIN}")


def test_an_account_is_opened_by_a_form(site: Site, page: Page) -> None:
    page.goto(site.page("page/accounts"))

    page.get_by_label("Login").fill("grace & co")
    page.get_by_role("button", name="Open").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("grace & co")
    expect(page.locator("#credit")).to_have_text("€150.00")


def test_an_account_that_there_is_not_is_named(site: Site, page: Page, watch: Watch) -> None:
    watch.expect("status of 404")
    page.goto(site.page("page/account?login=nobody"))

    expect(page.get_by_role("alert")).to_contain_text("login: got nobody; expected an account")


def test_each_kind_of_fault_has_a_form_of_its_own(account: Page) -> None:
    faults = unfolded(account, "Inject a fault")
    kinds = faults.get_by_label("Fault")

    for kind in kinds.locator("option").evaluate_all("all => all.map(one => one.value)"):
        kinds.select_option(kind)
        form = faults.locator("form:visible")
        expect(form).to_have_count(1)
        assert json.loads(form.get_attribute("data-with") or "") == {"fault": kind}
        expect(form.locator("p").first).to_have_text(re.compile("[A-Z].+"))
