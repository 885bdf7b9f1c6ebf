"""What an open page is kept up to date with: server-sent events, one stream for each page.

Where the event loop serves, a stream takes no thread, and all of them are sent the same bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from typing import Final

from mock_server.store.protocol import Store

QUIET: Final = 0.1
"""Seconds between two events: sooner than somebody notices."""
_BUSY: Final = 0.5
"""The same while more requests arrive than somebody can read,"""
_MANY: Final = 20
"""which so many from one event to the next are."""
HEARTBEAT: Final = 15.0
"""Seconds after which an event is sent though nothing has changed: so each end notices that the
other is gone."""
_LONGEST_STREAM: Final = 60.0
"""Where a stream holds a thread it ends after so many seconds, and the page asks again."""


class News:
    """The state of an inbox as an event: an answer that a WSGI application streams.

    The event loop sends it as `Followers` have it. Any other server iterates over it, in a thread.
    """

    def __init__(self, store: Store, release: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._release = release
        self._unsubscribe: Callable[[], None] = lambda: None

    def event(self) -> bytes:
        """The id of the newest entry (0 for none), how many are kept and how many were dropped."""
        kept, evicted = self._store.kept(None)
        state = {"last": self.last, "kept": kept, "evicted": evicted}
        return f"data: {json.dumps(state)}\n\n".encode()

    @property
    def last(self) -> int:
        """The id of the newest entry; 0 for none."""
        newest = next(self._store.newest(), None)
        return newest.id if newest else 0

    def __iter__(self) -> Iterator[bytes]:
        changed = threading.Event()
        self._unsubscribe = self._store.subscribe(changed.set)
        yield self.event()
        for _ in range(int(_LONGEST_STREAM / HEARTBEAT)):
            changed.wait(HEARTBEAT)
            changed.clear()
            yield self.event()

    def close(self) -> None:
        """Let the next one have the thread; WSGI calls it at the end."""
        self._unsubscribe()
        self._release()


class Followers:
    """The open streams of an event loop; nothing here runs while there are none."""

    def __init__(self, loop: asyncio.AbstractEventLoop, store: Store) -> None:
        self._loop = loop
        self._store = store
        self._news = News(store)
        self._streams = dict[object, tuple[Callable[[bytes], None], Callable[[], None]]]()
        self._unsubscribe: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle
        """That of the next event, while there are streams."""
        self._is_due = False
        self._next = 0.0
        self._last = 0

    def add(self, send: Callable[[bytes], None], end: Callable[[], None]) -> Callable[[], None]:
        """Send the event of now, and one after each change until what is returned is called.

        ``end`` is called when the loop stops.
        """
        key = object()
        self._streams[key] = (send, end)
        if self._unsubscribe is None:
            self._unsubscribe = self._store.subscribe(self._changed)
            self._beat()
        else:
            send(self._news.event())

        def forget() -> None:
            self._streams.pop(key, None)
            if not self._streams and self._unsubscribe is not None:
                self._unsubscribe()
                self._unsubscribe = None
                self._timer.cancel()

        return forget

    def end(self) -> None:
        """End every stream."""
        for _, end in tuple(self._streams.values()):
            end()

    def _changed(self) -> None:
        """Called by the store, in any thread, while it is locked."""
        if not self._is_due:
            self._is_due = True
            # A loop that has been closed meanwhile.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._plan)

    def _plan(self) -> None:
        if self._streams:
            self._timer.cancel()
            self._timer = self._loop.call_at(max(self._next, self._loop.time()), self._beat)

    def _beat(self) -> None:
        self._is_due = False
        event, last, now = self._news.event(), self._news.last, self._loop.time()
        self._next = now + (_BUSY if last - self._last > _MANY else QUIET)
        self._last = last
        for send, _ in tuple(self._streams.values()):
            send(event)
        self._timer = self._loop.call_at(now + HEARTBEAT, self._beat)
