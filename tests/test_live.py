"""The stream of what changes: at once, the same for every page, and nothing while there is none."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from common import BODY, SEND, SIGNED_IN, Clock
from mock_server.contract.loader import Contract
from mock_server.core.handler import Twin
from mock_server.http import live
from mock_server.http.app import create_app
from mock_server.http.live import Followers, News
from mock_server.http.served import ServeOptions
from mock_server.http.server import Serving
from mock_server.page.routes import blueprint
from mock_server.store.entries import Request

EVENTS = "/_twin/page/events"
NOTHING = {"last": 0, "kept": 0, "evicted": 0}


@pytest.fixture
def twin(contract: Contract, clock: Clock) -> Twin:
    return Twin(contract, clock=clock)


@pytest.fixture
def serving(twin: Twin) -> Iterator[Serving]:
    with Serving(create_app(twin, blueprints=(blueprint,)), patience=30) as serving:
        yield serving


def arrive(twin: Twin, times: int = 1) -> None:
    for _ in range(times):
        twin.handle(Request("POST", SEND, SIGNED_IN, json.dumps(BODY).encode()))


def subscribed(twin: Twin) -> int:
    return len(twin.store._subscribers)  # noqa: SLF001  (nothing else shows it)


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


@contextmanager
def followed(url: str) -> Iterator[Iterator[dict[str, int]]]:
    """The events of a stream, as a browser reads them."""
    with (
        httpx.Client(trust_env=False, timeout=30) as client,
        client.stream("GET", url + EVENTS) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")

        def events() -> Iterator[dict[str, int]]:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line[6:])

        yield events()


def test_a_page_has_the_state_at_once(serving: Serving) -> None:
    with followed(serving.url) as events:
        assert next(events) == NOTHING


def test_a_request_is_reported_to_every_page(serving: Serving, twin: Twin) -> None:
    with followed(serving.url) as one, followed(serving.url) as other:
        assert next(one) == next(other) == NOTHING
        arrive(twin)

        assert next(one) == next(other) == {"last": 1, "kept": 1, "evicted": 0}


@pytest.mark.unmeasured
def test_many_requests_are_one_event(
    serving: Serving, twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "QUIET", 0.3)
    with followed(serving.url) as events:
        next(events)
        arrive(twin)
        next(events)
        arrive(twin, 50)

        assert next(events)["last"] == 51


def test_nothing_is_subscribed_once_the_last_page_has_left(serving: Serving, twin: Twin) -> None:
    before = subscribed(twin)
    with followed(serving.url) as events:
        next(events)
        with followed(serving.url) as others:
            next(others)
        assert subscribed(twin) == before + 1
    arrive(twin)

    until(lambda: subscribed(twin) == before)


def test_a_change_as_the_last_page_leaves_wakes_nobody(twin: Twin) -> None:
    with closing(asyncio.new_event_loop()) as loop:
        sent = list[bytes]()
        followers = Followers(loop, twin.store)
        forget = followers.add(sent.append, lambda: None)
        arrive(twin, 2)
        forget()

        loop.run_until_complete(asyncio.sleep(0.01))

        assert len(sent) == 1
        followers.add(sent.append, lambda: None)
        assert b'"last": 2' in sent[-1]


def test_a_page_hears_that_the_twin_is_still_there(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.01)
    with followed(serving.url) as events:
        assert [next(events) for _ in range(3)] == [NOTHING] * 3


def test_a_stream_ends_where_the_twin_stops(twin: Twin) -> None:
    with (
        Serving(create_app(twin, blueprints=(blueprint,))) as serving,
        followed(serving.url) as events,
    ):
        next(events)
        serving.stop()

        assert list(events) == []


def reading_nothing(url: str) -> socket.socket:
    """A page that asks for events and reads none."""
    address = urlsplit(url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    client.connect((address.hostname, address.port))
    client.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return client


def test_a_page_that_reads_nothing_is_dropped_after_a_while(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0)
    monkeypatch.setattr(News, "event", lambda _: b"data: " + b"x" * 2**16 + b"\n\n")
    serving = Serving(create_app(twin, blueprints=(blueprint,)), patience=0.5)
    with serving, closing(reading_nothing(serving.url)):
        until(lambda: subscribed(twin) > 0)

        until(lambda: subscribed(twin) == 0)


def test_head_asks_for_no_stream(serving: Serving) -> None:
    assert httpx.head(serving.url + EVENTS, trust_env=False).status_code == 200


def test_a_connection_that_cannot_stream_gets_one_event(serving: Serving) -> None:
    address = urlsplit(serving.url)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(f"GET {EVENTS} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(2**16), b""))

    assert answer.endswith(b'retry: 2000\ndata: {"last": 0, "kept": 0, "evicted": 0}\n\n')


def test_another_server_streams_from_a_thread_and_lets_it_go(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.01)
    client = create_app(twin, ServeOptions(workers=2), (blueprint,)).test_client()

    with client.get(EVENTS) as first:
        with client.get(EVENTS) as second:
            assert second.text.startswith("retry: 2000")
        events = first.iter_encoded()
        assert next(events) == News(twin.store).event()
        arrive(twin)
        assert b'"last": 1' in next(events)
        assert subscribed(twin) == 1

    assert subscribed(twin) == 0
    with client.get(EVENTS) as third:
        assert not next(third.iter_encoded()).startswith(b"retry")


def test_a_stream_in_a_thread_ends_by_itself(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.001)
    monkeypatch.setattr(live, "_LONGEST_STREAM", 0.003)

    assert len(list(News(twin.store))) == 4
