"""Everything shown was somebody's input, and nothing of it runs, hides or breaks the layout."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import yaml
from playwright.sync_api import Page, expect

import hostile
from mock_server.contract.loader import Contract, load
from served_page import Site

ROOT = Path(__file__).parents[1]
WIDTHS = (1440, 390)
# What is there of what is not the page's own.
FOREIGN = r"""() => {
    const every = [...document.querySelectorAll("*")];
    const runs = /^(on|hx-on|data-hx)/i;
    const place = (one) =>
        new URL(one.href?.baseVal ?? one.href ?? one.src ?? one.action, location);
    const found = [
        ...(window.canary === undefined ? [] : [document.documentElement]),
        ...document.querySelectorAll(
            "iframe, object, embed, base, style, video, marquee, math, template script, " +
            "meta[http-equiv], [data-url='/_twin/reset'], [hx-post='/_twin/reset'], " +
            "[hx-get='/_twin/page/rules'][hx-trigger=load], [hx-swap-oob], h1 ~ h1"
        ),
        ...every.filter((one) => one.getAttributeNames().some((name) => runs.test(name))),
        ...every.filter((one) => /^(script|link|img|form|a)$/i.test(one.tagName) &&
            one.matches("[href], [src], [action]") && place(one).origin !== location.origin),
    ];
    return found.map((one) => one.outerHTML.slice(0, 200));
}"""
OVERFLOW = """() => {
    const page = document.scrollingElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    return [...document.querySelectorAll("main *")]
        .filter((one) => one.getBoundingClientRect().right > page.clientWidth + 1)
        .slice(0, 3).map((one) => one.outerHTML.slice(0, 200));
}"""


def assert_unharmed(page: Page) -> None:
    """Nothing of somebody's has become a part of the page, and it is as wide as the window."""
    assert page.evaluate(FOREIGN) == []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVERFLOW) == []


def arrive(url: str, sent: hostile.Sent) -> int:
    """Send it as nothing but a socket would; the status of the answer."""
    headers = {"api-login": b"ada", "content-type": b"application/json"} | sent.headers
    headers |= {"host": b"127.0.0.1", "api-key": b"k", "connection": b"close"}
    headers["content-length"] = str(len(sent.body)).encode()
    lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers.items())
    port = urlsplit(url).port
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST " + sent.target + b" HTTP/1.1\r\n" + lines + b"\r\n" + sent.body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
        return answer.status


@pytest.fixture(scope="module")
def besieged(contract: Contract) -> Iterator[Site]:
    """A twin that was sent all of it. No test changes it."""
    with Site(contract) as started:
        for sent in hostile.requests():
            arrive(started.url, sent)
        yield started


@pytest.fixture(scope="module")
def numbers() -> dict[str, list[int]]:
    """The numbers of the requests, by where each has its text."""
    found = dict[str, list[int]]()
    for number, sent in enumerate(hostile.requests(), 1):
        found.setdefault(sent.place, []).append(number)
    return found


def test_every_hostile_request_is_kept(besieged: Site) -> None:
    assert besieged.twin.store.kept(None) == (hostile.COUNT, 0)


def test_the_inbox_shows_all_of_them_unharmed(besieged: Site, page: Page) -> None:
    page.goto(besieged.page())

    for shown in range(50, hostile.COUNT + 50, 50):
        expect(page.locator("#rows .row")).to_have_count(shown)
        if shown < hostile.COUNT:
            page.locator("li.older").scroll_into_view_if_needed()

    assert_unharmed(page)


@pytest.mark.parametrize("place", hostile.PLACES)
def test_a_request_is_shown_unharmed(
    besieged: Site, page: Page, place: str, numbers: dict[str, list[int]]
) -> None:
    # Markup, what is not seen, and the longest: wherever the page shows something of them.
    for number in numbers[place][:: len(numbers[place]) // 3]:
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        page.goto(besieged.page(f"page/requests/{number}"))

        assert_unharmed(page)


@pytest.mark.parametrize("path", ["page/accounts", "page/calls"])
def test_whatever_lists_them_is_unharmed(besieged: Site, page: Page, path: str) -> None:
    page.goto(besieged.page(path))

    assert_unharmed(page)


def test_an_account_with_a_hostile_login_is_unharmed(besieged: Site, page: Page) -> None:
    logins = [one.login for one, _ in besieged.twin.store.accounts()[0]]
    for login in (min(logins), max(logins), next(one for one in logins if "<img" in one)):
        page.goto(besieged.page(f"page/account?login={quote(login)}"))

        expect(page.locator("#overview")).to_be_visible()
        assert_unharmed(page)


def test_a_mebibyte_in_one_word_is_cut(besieged: Site, page: Page) -> None:
    page.goto(besieged.page("page/requests/1"))

    expect(page.locator(".line .more").first).to_contain_text("more characters")


@pytest.mark.parametrize("mark", ["\u202e", "\u200b", "\ufeff", "\U000e0041"])
def test_what_nobody_sees_is_shown_by_its_code_point(site: Site, page: Page, mark: str) -> None:
    page.goto(site.page(f"page/requests/{site.send(text=f'pay {mark}001')}"))

    expect(page.locator(".line .sent .code").first).to_have_text(f"U+{ord(mark):04X}")


def test_what_is_typed_to_try_is_shown_unharmed(besieged: Site, page: Page) -> None:
    page.goto(besieged.page("page/try"))
    markup = " ".join(hostile.MARKUP)
    typed = hostile.written(text=markup, sender=markup, **{markup: markup})

    page.get_by_label("Body").fill(typed.decode())

    expect(page.locator("#preview .line .sent").first).to_contain_text("<script>")
    expect(page.locator("#try-text")).to_have_value(markup)
    assert_unharmed(page)


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A twin whose contract has hostile texts wherever it has words."""
    document = yaml.safe_load((ROOT / "openapi/voice-campaign.yaml").read_text("utf-8"))
    texts = cycle(text.replace("\x00", "") for text in (*hostile.MARKUP, *hostile.BIDI))
    words = {"description", "summary", "title", "quote", "reason", "where"}
    seen = set[int]()

    def spoil(part: Any) -> None:
        if id(part) in seen:
            return
        seen.add(id(part))
        if isinstance(part, list):
            for one in part:
                spoil(one)
        elif isinstance(part, dict):
            for name, value in part.items():
                if name in words and isinstance(value, str):
                    part[name] = f"{value} {next(texts)}"
                else:
                    spoil(value)

    spoil(document)
    path = tmp_path_factory.mktemp("described") / "contract.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    with Site(load(path)) as started:
        started.send(mode="simu", voice_gender="FEMALE")
        started.send(voice_language="tlh-KX")
        yield started


@pytest.mark.parametrize(
    "path",
    ["", "page/try", "page/rules", "page/reference", "page/requests/1", "page/requests/2"],
)
def test_a_contract_with_hostile_descriptions_is_shown_unharmed(
    described: Site, page: Page, path: str
) -> None:
    page.goto(described.page(path))

    assert_unharmed(page)
