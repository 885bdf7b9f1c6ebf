"""axe-core has no serious finding on any page: in light and dark, on a phone and a wide screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

import node
from mock_server.contract.loader import Contract
from served_page import LOGIN, Site
from watching import Watch

THEMES = ("light", "dark")
WIDTHS = (1440, 390)
FINDINGS = """async () => {
    const found = await axe.run({ resultTypes: ["violations"] });
    return found.violations
        .filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 150)).join(" | ")}`);
}"""


class Look(NamedTuple):
    """A page, and what of it is unfolded or pressed before it is looked at."""

    path: str
    click: str | None = None


LOOKS = {
    "inbox": Look(""),
    "shortcuts": Look("", "#help"),
    "wrong filter": Look("?after=tomorrow"),
    "nothing matches": Look("?login=nobody"),
    "repaired request": Look("page/requests/1", "details.receipt summary"),
    "ringing call": Look("page/requests/4"),
    "talking call": Look("page/requests/5", "[id^=answer]"),
    "refused request": Look("page/requests/2"),
    "request that was dropped": Look("page/requests/1000"),
    "calls": Look("page/calls"),
    "accounts": Look("page/accounts"),
    "account": Look(f"page/account?login={LOGIN}", "main > details summary"),
    "try it": Look("page/try", "#send"),
    "rules": Look("page/rules?words=voice_gender"),
    "reference": Look("page/reference"),
}


@pytest.fixture(scope="session")
def axe() -> str:
    """The script; where npm cannot install it a test is skipped, but never in CI."""
    try:
        modules = node.installed().parent
    except node.CannotInstallError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    return (modules / "axe-core/axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def lived_in(contract: Contract) -> Iterator[Site]:
    """A twin with something of everything to see."""
    with Site(contract) as started:
        started.put("/phones/+33698765432", outcome="busy", keys="12#")
        numbers = ({"phone_number": "06 12345678"}, {"phone_number": "+33698765432"})
        started.send(mode="simu", voice_gender="FEMALE", recipients=numbers, unknown="x")
        started.send(voice_language="tlh-KX")
        started.send(b"{")
        started.put(pace="live")
        started.send(text="It rings.")
        started.send(text="It talks.")
        started.send(send_at="2026-12-24T18:00:00Z")
        started.put("/faults", faults=[{"fault": "status", "status": 503, "times": 1}])
        started.send()
        yield started


def assert_accessible(page: Page, axe: str) -> None:
    page.evaluate(axe)
    findings = dict[str, list[str]]()
    # What it finds depends on colours or on where things stand, and never on both.
    for width, theme in zip(WIDTHS, THEMES, strict=True):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        if found := page.evaluate(FINDINGS):
            findings[f"{theme}, {width} px"] = found
    assert findings == {}


@pytest.mark.parametrize("name", LOOKS)
def test_a_page_is_accessible(
    lived_in: Site, page: Page, axe: str, watch: Watch, name: str
) -> None:
    # One of them shows what cannot be shown.
    watch.expect("status of 404")
    page.goto(lived_in.page(LOOKS[name].path))
    for one in page.locator(LOOKS[name].click or "none").all():
        one.click()

    assert_accessible(page, axe)


def test_an_empty_inbox_is_accessible(site: Site, page: Page, axe: str) -> None:
    page.goto(site.page())

    assert_accessible(page, axe)


def test_the_sign_in_is_accessible(contract: Contract, page: Page, axe: str, watch: Watch) -> None:
    watch.expect("status of 401")
    with Site(contract, token="secret") as site:
        page.goto(site.page())
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_visible()

        assert_accessible(page, axe)
