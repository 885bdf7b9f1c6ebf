"""What the routes of both blueprints share: the twin they serve, and how the edge refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, cast

import flask

from mock_server import answers
from mock_server.twin import Twin

CONTROL: Final = "/_twin"
_EXTENSION: Final = "mock_server"


@dataclass(frozen=True, slots=True)
class Served:
    """A twin, and who may ask its control plane.

    ``hosts`` are names besides those of loopback (against DNS rebinding). ``token`` is what an
    ``Authorization: Bearer`` header must have; nothing is wanted where it is None.
    """

    twin: Twin
    hosts: frozenset[str] = frozenset()
    token: str | None = None

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
