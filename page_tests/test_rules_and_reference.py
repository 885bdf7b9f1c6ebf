"""The rules, the reference, and what stands on every page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from served_page import Site

BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def test_the_rules_are_filtered_by_words_and_stakes(site: Site, page: Page) -> None:
    page.goto(site.page("page/rules"))
    page.get_by_label("Words").fill("simulation_mode")
    page.get_by_label("Stakes").select_option("high")

    expect(page).to_have_url(site.page("page/rules?words=simulation_mode&stakes=high"))
    expect(page.locator("#rules tbody tr").first).to_contain_text("simulation_mode")
    expect(page.locator("#rules tbody tr", has_not_text="high stakes")).to_have_count(0)


def test_no_rule_that_matches_is_stated(site: Site, page: Page) -> None:
    page.goto(site.page("page/rules?words=teapot"))

    expect(page.locator("#rules tbody")).to_have_text("No rule matches.")


def test_the_reference_has_each_parameter_with_what_the_api_does(site: Site, page: Page) -> None:
    page.goto(site.page("page/reference"))

    names = page.locator("article.parameter[id]").evaluate_all("all => all.map(one => one.id)")
    assert {f"parameter-{name}" for name in site.twin.contract.body.members} <= set(names)
    expect(page.locator("#parameter-voice_gender .ladder li").first).to_be_visible()


def test_the_theme_is_chosen_and_remembered(site: Site, page: Page) -> None:
    page.goto(site.page())
    light = page.evaluate(BACKGROUND)
    button = page.get_by_role("button", name="Theme")
    button.click()
    button.click()
    dark = page.evaluate(BACKGROUND)

    page.reload()

    assert page.evaluate(BACKGROUND) == dark != light
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_without_a_choice_the_theme_is_that_of_the_system(site: Site, page: Page) -> None:
    page.goto(site.page())
    light = page.evaluate(BACKGROUND)

    page.emulate_media(color_scheme="dark")

    assert page.evaluate(BACKGROUND) != light


def test_nothing_moves_for_whoever_wants_less_motion(site: Site, page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    site.put(pace="live")
    page.goto(site.page(f"page/requests/{site.send()}"))

    expect(page.locator(".badge.ringing")).to_have_css("animation-name", "none")


@pytest.mark.parametrize("name", ["Inbox", "Calls", "Accounts", "Try it", "Rules", "Reference"])
def test_every_page_is_reached_from_the_top_and_marked_there(
    site: Site, page: Page, name: str
) -> None:
    page.goto(site.page("page/rules" if name == "Inbox" else ""))
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()

    expect(page.locator("[aria-current=page]")).to_have_text(name)
