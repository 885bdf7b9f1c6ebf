"""What an injected fault does to the connection: a layer of WSGI around the application.

Whoever serves the application says in the WSGI environ how a connection is ended; only a server
can do that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

HANG_UP: Final = "mock_server.hang_up"
"""Where the environ has a `HangUp`."""
SLEEP: Final = "mock_server.sleep"
"""Where the environ may have another ``time.sleep``."""
_PLAN: Final = "mock_server.delivery"

HangUp: TypeAlias = Callable[[bool], None]
"""Ends the connection before a byte of the answer; with True by a reset (RST)."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer travels: after how many seconds, and whether the connection outlives it."""

    delay: float = 0
    hang_up: bool = False
    reset: bool = False

    def put_into(self, environ: dict[str, Any]) -> None:
        """Make this what becomes of the answer to a request."""
        environ[_PLAN] = self


def delivered(application: WSGIApplication) -> WSGIApplication:
    """The application, its answers travelling as planned."""

    def serve(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = application(environ, start_response)
        plan = environ.get(_PLAN)
        if isinstance(plan, Delivery):
            if plan.delay:
                environ.get(SLEEP, time.sleep)(plan.delay)
            if plan.hang_up:
                environ.get(HANG_UP, _raise)(plan.reset)
                return []
        return body

    return serve


def _raise(reset: bool) -> None:  # noqa: FBT001  (a HangUp)
    """What stands for a hang-up where nothing serves, as under Flask's own test client."""
    raise (ConnectionResetError if reset else ConnectionAbortedError)("an injected fault")
