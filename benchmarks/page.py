"""The page in a real browser: how soon it shows what arrives, and what it costs the API.

    python benchmarks/page.py

Needs playwright and a Chromium (`./noxw -s page` installs both). The twin, the sender and the
browser are processes of one machine; the rows about the API are ratios of rounds that take turns.
Nothing here fails.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from statistics import median
from urllib.parse import urlsplit

import httpx
import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from mock_server.contract.loader import load
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.server import Serving
from mock_server.page.routes import blueprint
from mock_server.store.memory import MemoryStore

PAGES = 10
A_SECOND = 1_000
SECONDS = 8
ROUNDS = 5
ENTRIES = 100_000
_BODY = {
    "text": "Your parcel waits at the counter.",
    "recipients": [{"phone_number": "+33639981234"}],
}
_HEADERS = {"api-login": "ada@example.com", "api-key": "k", "content-type": "application/json"}


def twin(pipe: Connection) -> None:
    """Serve until asked to end."""
    sys.setswitchinterval(0.0005)
    store = MemoryStore(most_entries=ENTRIES, most_bytes=2**30)
    with Serving(create_app(Twin(load(), store), blueprints=(blueprint,)), threads=32) as serving:
        pipe.send((serving.url, os.getpid()))
        pipe.recv()


def sender(pipe: Connection, url: str, path: str) -> None:
    """Send so many requests a second for so many seconds, when asked to; the ms of each answer."""
    body = json.dumps(_BODY).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in _HEADERS.items())
    request = f"POST {path} HTTP/1.1\r\nHost: twin\r\n{head}Content-Length: {len(body)}\r\n\r\n"
    wire = request.encode() + body
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (seconds := pipe.recv()) is not None:
            taken = list[float]()
            began = time.perf_counter()
            for number in range(int(seconds * A_SECOND)):
                due = began + number / A_SECOND
                if (left := due - time.perf_counter()) > 0:
                    time.sleep(left)
                sent = time.perf_counter()
                connection.sendall(wire)
                connection.recv(2**16)
                taken.append(1000 * (time.perf_counter() - sent))
            pipe.send((sorted(taken), time.perf_counter() - began))


@contextmanager
def running() -> Iterator[tuple[httpx.Client, psutil.Process, Connection]]:
    """A twin with an account that can pay, and a sender."""
    at_twin, of_twin = multiprocessing.Pipe()
    process = multiprocessing.Process(target=twin, args=(of_twin,), daemon=True)
    process.start()
    url, number = at_twin.recv()
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        path = client.get("/_twin/health").json()["contract"]["url_path"]
        client.put("/_twin/accounts/ada@example.com", json={"credit": "999999999"})
        at_sender, of_sender = multiprocessing.Pipe()
        other = multiprocessing.Process(target=sender, args=(of_sender, url, path), daemon=True)
        other.start()
        client.headers["path"] = path
        yield client, psutil.Process(number), at_sender
        at_sender.send(None)
    at_twin.send(None)
    process.join()


def post(client: httpx.Client, body: object) -> httpx.Response:
    """Send one request to the imitated API."""
    return client.post(client.headers["path"], json=body, headers=_HEADERS)


def visible(client: httpx.Client, page: Page) -> float:
    """The median ms from an answer to its row on the page."""
    page.goto(f"{client.base_url}/_twin/")
    page.locator("#live:not(.off)").wait_for()
    page.evaluate(
        """() => {
          window.seen = {};
          new MutationObserver(() => requestAnimationFrame(() => {
            for (const row of document.querySelectorAll(".row"))
              window.seen[row.dataset.id] ??= performance.timeOrigin + performance.now();
          })).observe(document.getElementById("rows"), {childList: true});
        }"""
    )
    taken = list[float]()
    for _ in range(40):
        answer = post(client, _BODY)
        answered = 1000 * time.time()
        number = answer.headers["twin-request"].rpartition("/")[2]
        page.wait_for_function(f"window.seen['{number}']")
        taken.append(page.evaluate(f"window.seen['{number}']") - answered)
    return median(taken)


def opened(browser: Browser, url: str) -> tuple[float, float, float]:
    """The median ms to the first paint and to the end of loading, and the kB transferred, cold."""
    figures = list[tuple[float, float, float]]()
    for _ in range(5):
        context = browser.new_context(bypass_csp=True)
        page = context.new_page()
        page.goto(url)
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        figures.append(
            tuple(
                page.evaluate(
                    """() => {
                      const [open] = performance.getEntriesByType("navigation");
                      const rest = performance.getEntriesByType("resource");
                      const [paint] = performance.getEntriesByName("first-contentful-paint");
                      const bytes = [open, ...rest].map((one) => one.transferSize);
                      const all = bytes.reduce((a, b) => a + b);
                      return [paint.startTime, open.loadEventEnd, all / 1000];
                    }"""
                )
            )
        )
        context.close()
    return median(f[0] for f in figures), median(f[1] for f in figures), figures[0][2]


def slowed(
    client: httpx.Client, twin_process: psutil.Process, at_sender: Connection, browser: Browser
) -> None:
    """Print what open pages cost the API."""
    ratios = {
        "median": list[float](),
        "mean": list[float](),
        "p99": list[float](),
        "cpu": list[float](),
    }

    def measured() -> dict[str, float]:
        before = sum(twin_process.cpu_times()[:2])
        at_sender.send(SECONDS)
        taken, seconds = at_sender.recv()
        cpu = sum(twin_process.cpu_times()[:2]) - before
        if seconds > SECONDS * 1.05:
            print(f"  fell behind: {len(taken) / seconds:.0f} requests a second")
        return {
            "median": taken[len(taken) // 2],
            "mean": sum(taken) / len(taken),
            "p99": taken[int(len(taken) * 0.99)],
            "cpu": cpu,
        }

    for _ in range(ROUNDS):
        alone = measured()
        context = browser.new_context(bypass_csp=True)
        pages = [context.new_page() for _ in range(PAGES)]
        for page in pages:
            page.goto(f"{client.base_url}/_twin/")
            page.locator("#live:not(.off)").wait_for()
        beside = measured()
        shown = pages[0].locator("#pill").inner_text()
        context.close()
        for name, values in ratios.items():
            values.append(beside[name] / alone[name])
        print("  " + ", ".join(f"{n} {alone[n]:.3f} → {beside[n]:.3f}" for n in alone), "·", shown)
    for name, values in ratios.items():
        print(f"{PAGES} pages open, {A_SECOND} requests a second: {name} x {median(values):.2f}")


def main() -> None:
    """Measure and print."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        print("There is no Chromium here; ./noxw -s page installs one.")
        return
    with running() as (client, process, at_sender), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        url = f"{client.base_url}/_twin/"
        _, _, weight = opened(browser, url)
        print(f"weight of the page: {weight:.0f} kB (150 allowed)")
        taken = visible(client, browser.new_page(bypass_csp=True))
        print(f"visible after the answer: {taken:.0f} ms (200 allowed)")
        numbers = [{"phone_number": f"00336399{n:05d}"} for n in range(500)]
        answer = post(client, {"text": "Hello.", "recipients": numbers})
        number = answer.headers["twin-request"].rpartition("/")[2]
        paint, loaded, _ = opened(browser, f"{url}page/requests/{number}")
        print(
            f"500 recipients with {answer.headers['twin-notes']} notes: painted after {paint:.0f}, "
            f"loaded after {loaded:.0f} ms (500 allowed)"
        )
        slowed(client, process, at_sender, browser)
        at_sender.send(
            max(0, ENTRIES - client.get("/_twin/requests?limit=1").json()["kept"]) / A_SECOND
        )
        at_sender.recv()
        paint, loaded, _ = opened(browser, url)
        kept = client.get("/_twin/requests?limit=1").json()["kept"]
        print(
            f"inbox with {kept:,} entries: first paint after {paint:.0f} ms (300 allowed), "
            f"loaded after {loaded:.0f}"
        )
        browser.close()


if __name__ == "__main__":
    main()
