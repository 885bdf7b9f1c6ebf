"""Makes the pictures of docs/pictures/ from a twin that got believable requests.

    python page_tests/pictures.py

`./noxw -s pictures` runs it with all that it needs, where there is a Chromium.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path += [str(Path(__file__).parents[1] / name) for name in ("tests", "page_tests")]

from playwright.sync_api import Page, sync_playwright

from mock_server.contract.loader import load
from served_page import Site

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
WIDTH = 1_200
CLINIC, SHOP = "clinic@example.com", "shop@example.com"


def live_in(site: Site) -> int:
    """Send what a team sends on a morning; the id of the request to look at."""
    numbers = [{"phone_number": f"+3363998{number:04}"} for number in range(2_000, 2_300)]
    site.send(login=SHOP, text="Your order is ready.", recipients=numbers)
    site.wait(41)
    site.send(login=CLINIC, text="Your appointment is on Friday at 10:30.", sender="Clinique")
    site.wait(12)
    site.send(login=SHOP, text="The shop opens at nine.", send_at="2026-11-24T09:00:00+01:00")
    site.wait(7)
    site.send(login=CLINIC, text="Hej!", voice_language="da-DK")
    site.wait(3)
    site.send(login=SHOP, text="Your code is 4471.", simulation_mode=True)
    site.wait(19)
    recipients = [{"phone_number": "00 33 6 39 98 12 35"}]
    meant = {"voice_language": "fr_FR", "sender": "Chez Léa", "mode": "simu"}
    return site.send(
        login=CLINIC, text="Bonjour, votre colis arrive demain.", recipients=recipients, **meant
    )


def picture(page: Page, name: str, height: int) -> None:
    """Write what is seen, from the top down to so many pixels."""
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": height}
    page.screenshot(path=FOLDER / f"{name}.png", clip=clip, animations="disabled")
    print(f"docs/pictures/{name}.png")


def main() -> None:
    """Make both."""
    FOLDER.mkdir(exist_ok=True)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with Site(load()) as site, sync_playwright() as playwright:
        repaired = live_in(site)
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=arguments)
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 1_000},
            color_scheme="light",
            reduced_motion="reduce",
        )
        page.goto(site.page())
        page.locator("#live:not(.off)").wait_for()
        picture(page, "inbox", 545)
        page.goto(site.page(f"page/requests/{repaired}"))
        picture(page, "request", 760)
        browser.close()


if __name__ == "__main__":
    main()
