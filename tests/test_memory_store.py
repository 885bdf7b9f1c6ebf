"""The bounds of the inbox in memory."""

from __future__ import annotations

import base64

import pytest

from common import NOON
from mock_server.answers import Answer
from mock_server.memory_store import MemoryStore
from mock_server.store import Entry, Request


def entry(size: int = 0, login: str = "ada") -> Entry:
    return Entry(NOON, login, Request("POST", "/", {}, b"a" * size), Answer(404, {}))


def ids(store: MemoryStore) -> list[int]:
    return [row["id"] for row in store.page(None, 0, 1000).requests]


def test_the_newest_entries_are_kept() -> None:
    store = MemoryStore(most_entries=2)
    for _ in range(5):
        store.add(entry())

    assert ids(store) == [4, 5]


def test_what_had_to_go_is_counted() -> None:
    store = MemoryStore(most_entries=2)
    for _ in range(5):
        store.add(entry())

    page = store.page(None, 0, 1)
    assert (page.kept, page.evicted) == (2, 3)


def test_the_bytes_are_bounded_too() -> None:
    store = MemoryStore(most_bytes=3_000)
    for _ in range(5):
        store.add(entry(1_000))

    assert ids(store) == [4, 5]


def test_the_last_entry_is_kept_however_large_it_is() -> None:
    store = MemoryStore(most_bytes=100)
    store.add(entry(1_000))
    store.add(entry(1_000))

    assert ids(store) == [2]


def test_room_is_made_again_after_a_reset() -> None:
    store = MemoryStore(most_bytes=3_000)
    for _ in range(3):
        store.add(entry(1_000))
    store.reset()
    store.add(entry(1_000))

    assert ids(store) == [4]
    assert store.page(None, 0, 1).evicted == 0


@pytest.mark.parametrize("body", [b"plain", b"\xff\x00", "é".encode()])
def test_a_body_is_kept_as_it_arrived(body: bytes) -> None:
    store = MemoryStore()
    store.add(Entry(NOON, "ada", Request("POST", "/", {}, body), Answer(404, {})))

    found = store.find(1)
    assert found is not None
    if "raw_base64" in found:
        assert base64.b64decode(found["raw_base64"]) == body
    else:
        assert found["raw"].encode() == body
