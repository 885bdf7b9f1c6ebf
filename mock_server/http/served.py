"""The settings of a served twin, and what the routes share: the twin, and how the edge refuses."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, cast

import flask

from mock_server.core.handler import Twin
from mock_server.core.responses import CONTENT_TYPE
from mock_server.http.receipt_sender import ReceiptSender
from mock_server.speech.recordings import Recordings

CONTROL: Final = "/_twin"
_EXTENSION: Final = "mock_server"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How a twin is served: one value from the command line to the routes.

    The first half is for `server.serve`, which loads the contract and listens; the second half,
    from ``workers`` on, is for the application, whoever serves it.
    """

    host: str = "127.0.0.1"
    port: int = 8010
    """0 takes a free one."""
    tls_cert: Path | None = None
    """A certificate, with its chain, in PEM; HTTPS is served where it and its key are given."""
    tls_key: Path | None = None
    strict: bool = False
    closed: bool = False
    """Sign in nobody but the accounts of a file, and those set through the control plane."""
    contract: Path | None = None
    """Another contract file than the one that ships with the twin."""
    accounts: Path | None = None
    """An `accounts_file`."""
    quiet: bool = False
    """Log nothing but notes with high stakes."""
    workers: int = 32
    """Threads for the control plane and for large bodies. Under another WSGI server, which holds a
    thread for each request, half as many may wait for the inbox."""
    hosts: tuple[str, ...] = ()
    """Names besides those of loopback under which the control plane may be asked."""
    token: str | None = None
    """What the control plane requires as ``Authorization: Bearer``; None requires nothing."""
    origins: tuple[str, ...] = ()
    """Web pages of other origins that may ask the control plane (CORS)."""
    callback_hosts: tuple[str, ...] = ()
    """Hosts besides those of loopback that a callback URL may have."""
    mask: bool = False
    """Hide most digits of every number in the inbox."""


class Served:
    """A twin with its options, the requests that hold a thread to wait, and what can be heard."""

    def __init__(self, twin: Twin, options: ServeOptions) -> None:
        self.twin = twin
        self.options = options
        self.waiting = threading.Semaphore(options.workers // 2)
        self.sender = ReceiptSender(twin, frozenset(options.callback_hosts))
        if any(account.callback_url for account, _ in twin.store.accounts()[0]):
            self.sender.begin()
        self.recordings = Recordings()

    @classmethod
    def of(cls, application: object) -> Self | None:
        """What an application of `app.create_app` serves; None for any other."""
        extensions: dict[str, Any] = getattr(application, "extensions", {})
        return extensions.get(_EXTENSION)

    def put_into(self, app: flask.Flask) -> None:
        """Make this what the application's routes serve."""
        app.extensions[_EXTENSION] = self


def stop_sending(application: object) -> None:
    """Stop what an application of `app.create_app` does by itself."""
    if serving := Served.of(application):
        serving.sender.stop()


def served() -> Served:
    """What the current application serves."""
    return cast("Served", Served.of(flask.current_app))


def served_twin() -> Twin:
    """The twin of the current application."""
    return served().twin


def is_control(path: str) -> bool:
    """Whether a path is the control plane's; any other is the imitated API's."""
    return path.startswith(CONTROL) and path[len(CONTROL) :][:1] in {"", "/"}


def problem_body(where: str, got: str, expected: str) -> bytes:
    """The body of a refusal that is not the imitated API's."""
    body = {"where": where, "got": got, "expected": expected}
    return json.dumps(body, ensure_ascii=False).encode()


def problem(status: int, where: str, got: str, expected: str) -> flask.Response:
    """A refusal that is not the imitated API's: what was wrong, what it got, what it expected."""
    body = problem_body(where, got, expected)
    return flask.Response(body, status, content_type=CONTENT_TYPE)
