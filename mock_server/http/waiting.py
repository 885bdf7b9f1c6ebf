"""How a request waits for the inbox: in its thread, or without one where the server can do that."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mock_server.store.protocol import Store

LATER: Final = "mock_server.later"
"""Where the environ has a function that takes a `Wait`: the server then throws the answer away, and
calls the application again when the wait is over."""
UNTIL: Final = "mock_server.until"
"""Where the environ has the moment, by ``time.monotonic``, at which the wait is over."""
LOOK_AGAIN: Final = 0.05
"""Seconds after which something that changes by itself is looked at again."""


@dataclass(frozen=True, slots=True, eq=False)
class Wait:
    """What is waited for, and until when."""

    until: float
    is_over: Callable[[], bool]
    changes_by_itself: bool


def block(wait: Wait, store: Store) -> None:
    """Wait in the current thread."""
    changed = threading.Event()
    unsubscribe = store.subscribe(changed.set)
    try:
        while (left := wait.until - time.monotonic()) > 0:
            changed.clear()
            if wait.is_over():
                return
            changed.wait(min(left, LOOK_AGAIN) if wait.changes_by_itself else left)
    finally:
        unsubscribe()
