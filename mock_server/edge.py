"""What the routes of both blueprints share: the twin they serve, and how the edge refuses."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import Final, cast

import flask

from mock_server import answers
from mock_server.twin import Twin

CONTROL: Final = "/_twin"
# Half of the threads that `vms serve` has unless told otherwise: the others still answer.
MOST_WAITING: Final = 16
_EXTENSION: Final = "mock_server"


@dataclass(frozen=True, slots=True)
class Served:
    """A twin, and who may ask its control plane for what.

    ``hosts`` are names besides those of loopback (against DNS rebinding). ``token`` is what an
    ``Authorization: Bearer`` header must have; nothing is wanted where it is None. Web pages of
    ``origins`` may ask too. ``callback_hosts`` are hosts that a callback URL may have besides those
    of loopback. ``mask`` hides numbers in the inbox. ``waiting`` has a place for each request that
    may wait at once.
    """

    twin: Twin
    hosts: frozenset[str] = frozenset()
    token: str | None = None
    origins: frozenset[str] = frozenset()
    callback_hosts: frozenset[str] = frozenset()
    mask: bool = False
    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_WAITING))

    def put_into(self, app: flask.Flask) -> None:
        """Make this what the application's routes serve."""
        app.extensions[_EXTENSION] = self


def served() -> Served:
    """What the current application serves."""
    return cast("Served", flask.current_app.extensions[_EXTENSION])


def served_twin() -> Twin:
    """The twin of the current application."""
    return served().twin


def problem(status: int, where: str, came: str, wanted: str) -> flask.Response:
    """A refusal that is not the imitated API's: what was wrong, what came, what was wanted."""
    body = json.dumps({"where": where, "came": came, "wanted": wanted}, ensure_ascii=False)
    return flask.Response(body, status, content_type=answers.CONTENT_TYPE)
