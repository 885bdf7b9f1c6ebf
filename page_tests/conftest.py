"""One browser for all tests of a worker; for each test a twin and a context of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from mock_server.contract.loader import Contract, load
from served_page import Site
from watching import NewContext, Watch

WIDE = {"width": 1440, "height": 900}
# Nothing here is timed: whatever takes so long, in milliseconds, does not happen any more.
PATIENCE = 15_000

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # Chromium has no sandbox for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    chromium = shutil.which(os.environ.get("CHROMIUM", "chromium"))
    if chromium is None:
        pytest.fail("there is no Chromium on the PATH; CHROMIUM=… names another")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield opened
        opened.close()


@pytest.fixture
def site(contract: Contract) -> Iterator[Site]:
    with Site(contract) as started:
        yield started


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Makes the test fail at its end for what should not have happened in its browser."""
    watching = Watch()
    yield watching
    assert watching.unexpected == []


@pytest.fixture
def new_context(browser: Browser, watch: Watch) -> Iterator[NewContext]:
    """Makes contexts that share nothing, as if each were another browser."""
    with ExitStack() as opened:

        def make(**options: object) -> BrowserContext:
            context = browser.new_context(**{"viewport": WIDE} | options)
            opened.callback(context.close)
            context.set_default_timeout(PATIENCE)
            watch.over(context)
            return context

        yield make


@pytest.fixture
def context(new_context: NewContext) -> BrowserContext:
    return new_context()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
