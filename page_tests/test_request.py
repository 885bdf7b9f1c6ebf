"""One request, as somebody reads it who wants to know what the API made of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from mock_server.contract.loader import Contract
from served_page import Site
from watching import NewContext, Watch


def look(page: Page, site: Site, number: int) -> None:
    page.goto(site.page(f"page/requests/{number}"))


def test_a_simulation_that_is_none_is_shown_in_one_sentence(site: Site, page: Page) -> None:
    look(page, site, site.send(mode="simu"))

    expect(page.locator(".stakes")).to_have_text("This phone rings although you meant to simulate.")


def test_the_word_that_was_ignored_names_the_one_that_was_meant(site: Site, page: Page) -> None:
    look(page, site, site.send(mode="simu"))

    line = page.locator('.line:has([title="/mode"])')
    expect(line).to_contain_text('"simu"')
    expect(line).to_contain_text("ignored")
    expect(page.locator("li:has(> .changes #note-1)")).to_contain_text(
        "Did you mean simulation_mode?"
    )


def test_what_differs_is_marked_at_the_very_character(site: Site, page: Page) -> None:
    look(page, site, site.send(recipients=[{"phone_number": "06 12345678"}]))

    line = page.locator('.line:has([title="/recipients/0/phone_number"])')
    expect(line.locator(".sent mark")).to_have_text(["0", " "])
    expect(line.locator(".read mark")).to_have_text(["+33"])


def test_the_number_beside_a_parameter_leads_to_its_note(site: Site, page: Page) -> None:
    look(page, site, site.send(voice_gender="FEMALE", mode="simu"))

    page.get_by_role("link", name="Note 2").click()

    expect(page).to_have_url(re.compile("#note-2$"))
    expect(page.locator("#note-2:target")).to_be_in_viewport()


def test_a_note_has_its_evidence_and_leads_to_its_rule(site: Site, page: Page) -> None:
    look(page, site, site.send(mode="simu"))

    expect(page.locator("li:has(> .changes #note-1) q")).to_contain_text("we will ignore it")
    page.locator("li:has(> .changes #note-1)").get_by_role("link", name="unknown").click()

    expect(page).to_have_url(re.compile("words=unknown"))


def test_strict_mode_would_have_refused_it(site: Site, page: Page) -> None:
    look(page, site, site.send(voice_gender="FEMALE"))

    expect(page.get_by_role("heading", name="Lenient: 201")).to_be_visible()
    expect(page.get_by_role("heading", name="Strict mode would answer: 400")).to_be_visible()


def test_a_refused_request_names_why(site: Site, page: Page) -> None:
    look(page, site, site.send(voice_language="tlh-KX"))

    expect(page.get_by_role("heading", level=1)).to_contain_text("refused 400")
    expect(page.locator("li.refused")).to_contain_text("442 Voice language not supported.")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"{", "The body could not be read."),
        (b"\x00\xff\xfe", "The body could not be read."),
        (b"", "The body could not be read."),
    ],
)
def test_a_body_that_is_unreadable_is_shown_as_it_arrived(
    site: Site, page: Page, body: bytes, shown: str
) -> None:
    look(page, site, site.send(body))

    expect(page.get_by_label("Unreadable")).to_contain_text(shown)
    expect(page.locator("pre.raw")).to_be_visible()


def test_the_raw_request_has_its_headers_and_no_key(site: Site, page: Page) -> None:
    look(page, site, site.send())

    raw = page.locator("pre.raw")
    expect(raw).to_contain_text("POST /v1/public/voice-campaign/send")
    expect(raw).to_contain_text("api-login: ada@example.com")
    expect(raw).to_contain_text("api-key: ••••••")
    expect(raw).to_contain_text('{"text": "Hello."')
    assert "a-key" not in page.content()


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("curl", "curl -ig -X POST http://127.0.0.1"),
        ("Python, httpx", "import os\n\nimport httpx"),
        ("PHP", "<?php"),
        ("As a test for the fixture", "import httpx\n\n\ndef test_request_1(voice_twin):"),
    ],
)
def test_it_can_be_copied_to_be_sent_again(
    site: Site, context: BrowserContext, page: Page, name: str, begins: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    look(page, site, site.send())

    section = page.locator("details", has=page.get_by_text(name, exact=True))
    if name != "curl":
        section.locator("summary").click()
    section.get_by_role("button", name="Copy").click()

    expect(section.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(begins)
    assert copied == section.locator("code").text_content()


def test_the_link_of_a_request_that_was_dropped_shows_what_happened(
    contract: Contract, new_context: NewContext, watch: Watch
) -> None:
    watch.expect("status of 404")
    page = new_context().new_page()
    with Site(contract, kept=3) as site:
        site.send_many(5)

        look(page, site, 1)

        expect(page.get_by_role("alert")).to_have_text(
            "request: got 1; expected one of the 3 that are kept; 2 were dropped."
        )


def test_the_answer_shows_what_an_injected_fault_did(site: Site, page: Page) -> None:
    look(page, site, site.send(recipients=[{"phone_number": "+33639980503"}]))

    expect(page.get_by_role("heading", level=1)).to_contain_text("injected 503")
    expect(page.locator(".facts")).to_contain_text("Injected")


def test_many_recipients_are_folded_to_those_with_notes(site: Site, page: Page) -> None:
    numbers = [{"phone_number": f"+3361234{one:04}"} for one in range(500)]
    numbers[250] = {"phone_number": "06 12345678"}
    look(page, site, site.send(recipients=numbers))

    expect(page.locator(".line.folded")).to_contain_text("496 more, read as they were sent")
    expect(page.locator('[title="/recipients/250/phone_number"]')).to_be_visible()
