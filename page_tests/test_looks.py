"""How the page looks: light and dark, wide and on a phone. Where things are, not their pixels."""

from __future__ import annotations

import base64

import pytest
from playwright.sync_api import Locator, Page

from served_page import Site

# The main parts of each page.
PARTS = {
    "": ("header.top", "main h1", "#filters", ".columns", "#rows", "footer"),
    "page/requests/1": ("header.top", "main h1", ".stakes", ".facts", ".compare", "footer"),
}
# How bright a picture is, from 0 to 1; drawn on a page that may show it.
BRIGHTNESS = """async (png) => {
    const bytes = Uint8Array.from(atob(png), (one) => one.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
    canvas.drawImage(picture, 0, 0);
    const { data } = canvas.getImageData(0, 0, picture.width, picture.height);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) {
        sum += 0.2126 * data[at] + 0.7152 * data[at + 1] + 0.0722 * data[at + 2];
    }
    return sum / (data.length / 4) / 255;
}"""


@pytest.fixture
def blank(page: Page) -> Page:
    """Another page of the same browser, without a policy of what it may show."""
    return page.context.new_page()


def look(site: Site, page: Page, path: str, width: int = 1440) -> None:
    site.send(mode="simu", voice_gender="FEMALE")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(site.page(path))


def box(part: Locator) -> dict[str, float]:
    found = part.bounding_box()
    assert found is not None
    return found


@pytest.mark.parametrize("path", PARTS)
def test_dark_is_dark_light_is_light_and_everything_stays_where_it_is(
    site: Site, page: Page, blank: Page, path: str
) -> None:
    look(site, page, path)
    brightness, places = dict[str, float](), dict[str, object]()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        png = base64.b64encode(page.screenshot()).decode()
        brightness[theme] = blank.evaluate(BRIGHTNESS, png)
        places[theme] = [box(page.locator(part).first) for part in PARTS[path]]

    assert brightness["light"] > 0.8
    assert brightness["dark"] < 0.25
    assert places["light"] == places["dark"]


@pytest.mark.parametrize("width", [1440, 390])
def test_as_sent_stands_beside_as_read(site: Site, page: Page, width: int) -> None:
    look(site, page, "page/requests/1", width)

    sent = box(page.locator(".line.changed .sent").first)
    read = box(page.locator(".line.changed .read").first)
    assert sent["x"] + sent["width"] <= read["x"] + 1
    assert sent["y"] == read["y"]


def test_the_high_stakes_are_seen_without_scrolling(site: Site, page: Page) -> None:
    look(site, page, "page/requests/1", 390)

    stakes = box(page.locator(".stakes"))
    assert stakes["y"] + stakes["height"] < 900


def test_a_row_stands_on_one_line_on_a_wide_screen(site: Site, page: Page) -> None:
    look(site, page, "", 1440)

    places = [box(one) for one in page.locator(".row").first.locator("a > span").all()]
    middles = [place["y"] + place["height"] / 2 for place in places]
    assert max(middles) - min(middles) < 2
    assert [place["x"] for place in places] == sorted(place["x"] for place in places)


@pytest.mark.parametrize("path", ["", "page/requests/1", "page/accounts", "page/try", "page/rules"])
def test_a_phone_shows_a_page_without_scrolling_sideways(site: Site, page: Page, path: str) -> None:
    look(site, page, path, 390)

    assert page.evaluate("document.scrollingElement.scrollWidth") == 390
