"""Waiting for the inbox: in a thread, and at a server that needs none for it."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from common import BODY, SEND, SIGNED_IN
from mock_server.contract.loader import Contract
from mock_server.core.handler import Twin
from mock_server.http import waiting
from mock_server.http.app import create_app
from mock_server.http.server import Serving, Threads, Waiters
from mock_server.http.waiting import Wait, block
from mock_server.store.memory import MemoryStore

INBOX = "/_twin/requests"
A_MINUTE = "wait=60"


def soon(seconds: float = 60) -> float:
    return time.monotonic() + seconds


# ── in a thread ───────────────────────────────────────────────────────────


def test_a_thread_waits_until_something_fits() -> None:
    store, looks = MemoryStore(), iter([False, True])
    looked = threading.Event()

    def look() -> bool:
        looked.set()
        return next(looks)

    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(block, Wait(soon(), look, changes_by_itself=False), store)
        assert looked.wait(10)
        store.reset()

        waits.result(timeout=10)
    assert next(looks, None) is None


def test_what_changes_by_itself_is_looked_at_again() -> None:
    looks = iter([False, False, True])

    block(Wait(soon(), lambda: next(looks), changes_by_itself=True), MemoryStore())

    assert next(looks, None) is None


def test_a_thread_does_not_wait_for_ever() -> None:
    block(Wait(soon(0.01), lambda: False, changes_by_itself=False), MemoryStore())


def test_what_changes_after_a_look_is_not_slept_over(monkeypatch: pytest.MonkeyPatch) -> None:
    store, looks = MemoryStore(), list[bool]()

    def look() -> bool:
        looks.append(True)
        if len(looks) == 1:
            store.reset()
        return len(looks) == 2

    monkeypatch.setattr(
        threading.Condition, "wait", lambda *_: pytest.fail("it slept"), raising=True
    )

    block(Wait(soon(), look, changes_by_itself=False), store)


# ── at the server ─────────────────────────────────────────────────────────


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def url(contract: Contract, store: MemoryStore) -> Iterator[str]:
    """A twin whose server has one thread."""
    with Serving(create_app(Twin(contract, store)), threads=1) as serving:
        yield serving.url


def ask(url: str, query: str = A_MINUTE) -> list[str]:
    """The logins of what comes."""
    rows = httpx.get(f"{url}{INBOX}?{query}", timeout=70).json()["requests"]
    return [row["login"] for row in rows]


def send(url: str, login: str) -> None:
    headers = SIGNED_IN | {"api-login": login}
    assert httpx.post(url + SEND, json=BODY, headers=headers).status_code == 201


def waiters(store: MemoryStore, number: int) -> None:
    """Give the server the time to have so many wait."""
    until = soon(10)
    while len(store._subscribers) != number:  # noqa: SLF001  (who waits has no other trace)
        assert time.monotonic() < until
        time.sleep(0.001)


def test_those_who_wait_hold_no_thread_and_are_answered_when_something_fits(
    url: str, store: MemoryStore
) -> None:
    with ThreadPoolExecutor(20) as pool:
        waits = [pool.submit(ask, url, f"{A_MINUTE}&login=login-{n}") for n in range(20)]
        waiters(store, 1)
        assert httpx.get(f"{url}/_twin/health").status_code == 200
        send(url, "nobody-waits-for")
        for n in range(20):
            send(url, f"login-{n}")

        assert [wait.result(timeout=10) for wait in waits] == [[f"login-{n}"] for n in range(20)]
    waiters(store, 0)


def test_a_wait_at_the_server_ends_with_nothing_when_the_time_is_up(url: str) -> None:
    assert ask(url, "wait=0.01&login=nobody") == []


@pytest.mark.unmeasured
def test_a_campaign_becomes_due_while_somebody_waits(url: str) -> None:
    clock = f"{url}/_twin/accounts/ada/clock"
    httpx.put(clock, json={"now": "2026-11-23T12:00:00Z", "frozen": False})
    late = BODY | {"send_at": "2026-11-23T12:00:01Z"}
    httpx.post(url + SEND, json=late, headers=SIGNED_IN | {"api-login": "ada"})

    assert ask(url, f"{A_MINUTE}&state=sent&login=ada") == ["ada"]


def test_who_goes_away_is_not_waited_for(url: str) -> None:
    with httpx.Client() as client, pytest.raises(httpx.ReadTimeout):
        client.get(f"{url}{INBOX}?{A_MINUTE}&login=nobody", timeout=0.05)
    send(url, "ada")

    assert ask(url, "login=ada") == ["ada"]


def test_whose_connection_is_reset_is_not_waited_for(url: str, store: MemoryStore) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        path = f"{INBOX}?{A_MINUTE}".encode()
        connection.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path)
        waiters(store, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    waiters(store, 0)


class Looks(Threads):
    """What the waiters would look at in a thread; each looks when it is called."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop(), 1)
        self.begun = asyncio.Queue[Callable[[], None]]()

    def submit(self, work: Any, done: Any) -> None:
        self.begun.put_nowait(lambda: done(work()))

    async def next(self) -> Callable[[], None]:
        return await asyncio.wait_for(self.begun.get(), 10)


def by_hand(play: Callable[[Waiters, Looks, MemoryStore], Awaitable[None]]) -> None:
    """Play a scene with waiters in which each look ends when the scene says so."""

    async def main() -> None:
        store, looks = MemoryStore(), Looks()
        waits = Waiters(asyncio.get_running_loop(), looks, store)
        looking = asyncio.create_task(waits.look_after())
        await play(waits, looks, store)
        looking.cancel()

    asyncio.run(main())


def test_who_has_been_answered_is_not_answered_by_a_look_that_ends_later() -> None:
    """The time is over while a thread looks."""
    resumed = list[float]()

    async def play(waits: Waiters, looks: Looks, _: MemoryStore) -> None:
        waits.add(Wait(soon(), lambda: True, changes_by_itself=False), resumed.append)
        look = await looks.next()
        waits.end()
        look()
        await asyncio.sleep(0)

    by_hand(play)

    assert resumed == [0.0]


def test_what_changes_while_a_thread_looks_is_looked_at_again() -> None:
    fits, resumed = iter([False, True]), list[float]()
    wait = Wait(soon(), lambda: next(fits), changes_by_itself=False)

    async def play(waits: Waiters, looks: Looks, store: MemoryStore) -> None:
        waits.add(wait, resumed.append)
        look = await looks.next()
        store.reset()
        look()
        (await looks.next())()
        await asyncio.sleep(0)

    by_hand(play)

    assert resumed == [wait.until]


def test_many_changes_before_a_look_are_looked_at_once() -> None:
    async def play(waits: Waiters, looks: Looks, store: MemoryStore) -> None:
        waits.add(Wait(soon(), lambda: False, changes_by_itself=False), lambda _: None)
        store.reset()
        store.reset()
        (await looks.next())()
        await asyncio.sleep(0.01)

        assert looks.begun.empty()

    by_hand(play)


def test_whoever_waits_is_answered_at_once_when_the_server_stops(contract: Contract) -> None:
    store = MemoryStore()
    with (
        ThreadPoolExecutor(1) as pool,
        Serving(create_app(Twin(contract, store)), threads=1) as serving,
    ):
        waits = pool.submit(ask, serving.url)
        waiters(store, 1)
        serving.stop()

        assert waits.result(timeout=10) == []


def test_what_fitted_and_is_gone_is_waited_for_again(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was dropped between the look and the answer."""
    whole, looks = Wait, list[Any]()

    def hasty(until: float, is_over: Any, *, changes_by_itself: bool) -> Wait:
        looks.append(is_over)
        over = (lambda: True) if len(looks) == 1 else is_over
        return whole(until, over, changes_by_itself=changes_by_itself)

    monkeypatch.setattr(waiting, "Wait", hasty)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(ask, url)
        until = soon(10)
        while len(looks) < 2:
            assert time.monotonic() < until
            time.sleep(0.001)
        send(url, "ada")

        assert waits.result(timeout=10) == ["ada"]
