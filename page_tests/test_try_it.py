"""Try it: a request is filled in, understood before it is sent, and sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from mock_server.contract.loader import load
from served_page import Site
from test_new_parameter import NEW, OLD

ROOT = Path(__file__).parents[1]


@pytest.fixture
def form(site: Site, page: Page) -> Page:
    """The page with its first example, read by the twin."""
    return opened(site, page)


def opened(site: Site, page: Page) -> Page:
    page.goto(site.page("page/try"))
    expect(page.locator("#preview h2").first).to_have_text("It would be sent")
    return page


def body(page: Page) -> object:
    return json.loads(page.get_by_label("Body").input_value())


def test_what_is_filled_in_is_written_as_json(form: Page) -> None:
    form.locator("#try-text").fill("Your parcel arrives.")
    form.locator("#try-voice_gender").select_option("male")

    written = body(form)
    assert (written["text"], written["voice_gender"]) == ("Your parcel arrives.", "male")


def test_what_is_written_as_json_fills_the_form(form: Page) -> None:
    sent = {"text": "Hi.", "recipients": [{"phone_number": "+331"}, {"phone_number": "+332"}]}
    form.get_by_label("Body").fill(json.dumps(sent))

    expect(form.locator("#try-text")).to_have_value("Hi.")
    expect(form.locator("#try-form .item input[name=phone_number]")).to_have_count(2)
    expect(form.locator("#try-form input[name=phone_number]").last).to_have_value("+332")


def test_what_the_form_does_not_know_stays_in_the_json(form: Page) -> None:
    form.get_by_label("Body").fill(json.dumps({"text": "Hi.", "mode": "simu", "purpose": None}))

    form.locator("#try-text").fill("Bye.")

    assert body(form) == {"text": "Bye.", "mode": "simu", "purpose": None}


def test_recipients_are_added_and_removed(form: Page) -> None:
    form.get_by_label("Body").fill('{"text": "Hi."}')
    for number in ("+331", "+332"):
        form.get_by_role("button", name="Add one").click()
        form.locator("#try-form input[name=phone_number]").last.fill(number)

    form.get_by_role("button", name="Remove").first.click()

    assert body(form)["recipients"] == [{"phone_number": "+332"}]


def test_it_shows_what_would_be_read_while_somebody_types(form: Page, site: Site) -> None:
    form.get_by_label("Body").fill(
        '{"text": "Hi.", "mode": "simu", "recipients": [{"phone_number": "+33612345678"}]}'
    )

    expect(form.locator("#preview .stakes")).to_have_text(
        "This phone rings although you meant to simulate."
    )
    expect(form.locator("#preview .facts")).to_contain_text("€0.05")
    assert site.twin.store.kept(None) == (0, 0)


def test_a_body_that_is_half_written_is_shown_as_unreadable(form: Page) -> None:
    form.get_by_label("Body").fill('{"text": ')

    expect(form.locator("#preview h2").first).to_have_text("It would be refused 400")
    expect(form.locator("#preview").get_by_label("Unreadable")).to_be_visible()


def test_a_magic_value_is_picked_and_explained(form: Page) -> None:
    form.get_by_label("Magic value").select_option("+33639980503")

    assert body(form)["recipients"] == [{"phone_number": "+33639980503"}]
    expect(form.locator("#preview")).to_contain_text("Magic value: +33639980503")


def test_an_example_of_the_contract_is_picked(form: Page) -> None:
    before = body(form)
    examples = form.get_by_label("Example")
    last = examples.locator("option").last.text_content()

    examples.select_option(label=last)

    assert body(form) != before
    expect(form.locator("#try-text")).to_have_value(body(form)["text"])


def test_what_is_sent_stands_in_the_inbox(form: Page, site: Site) -> None:
    form.locator("#try-text").fill("Tried.")
    form.get_by_role("button", name="Send").click()
    expect(form.locator("#sent")).to_contain_text("201 Created")

    form.get_by_role("link", name="Open request 1").click()

    expect(form).to_have_url(site.page("page/requests/1"))
    expect(form.locator("pre.raw")).to_contain_text("Tried.")
    expect(form.locator(".facts")).to_contain_text("try-it")


def test_a_field_shows_what_the_api_does_with_wrong_values(form: Page) -> None:
    field = form.locator(".field", has=form.locator("#try-voice_gender")).last
    field.get_by_text("What the API does with wrong values").click()

    expect(field.locator(".behaves li").first).to_be_visible()


def test_the_login_can_be_given_in_the_address(site: Site, page: Page) -> None:
    page.goto(site.page("page/try?login=grace@example.com"))

    expect(page.get_by_label("Login")).to_have_value("grace@example.com")


def test_a_parameter_of_another_contract_is_in_the_form(tmp_path: Path, page: Page) -> None:
    text = (ROOT / "openapi/voice-campaign.yaml").read_text("utf-8")
    path = tmp_path / "voice-campaign.yaml"
    path.write_text(text.replace(OLD, NEW + OLD), "utf-8")
    with Site(load(path)) as site:
        opened(site, page)

        page.get_by_label("whisper").select_option("True")
        assert body(page)["whisper"] is True
        page.get_by_label("Body").fill('{"text": "Hi.", "whisper": "yes"}')

        expect(page.locator(".field.choice", has=page.get_by_label("whisper"))).to_contain_text(
            "True to have the text whispered."
        )
        line = page.locator('#preview .line:has([title="/whisper"])')
        expect(line.locator(".read")).to_have_text("true")
        page.goto(site.page("page/reference"))
        expect(page.locator("#parameter-whisper")).to_be_visible()
