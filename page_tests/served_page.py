"""A twin that is served with its page, and what happens to it while somebody looks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Self
from urllib.parse import quote

import httpx

from common import BODY, SIGNED_IN, Clock, CompiledTemplates
from mock_server.contract.loader import Contract
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.served import ServeOptions
from mock_server.http.server import Serving
from mock_server.page.routes import blueprint
from mock_server.store.entries import Request
from mock_server.store.memory import MemoryStore

LOGIN = SIGNED_IN["api-login"]


class Site:
    """A twin with its page, on a free port of this machine. Its clock moves when a test moves it.

    ``kept`` is how many requests its inbox has space for.
    """

    def __init__(self, contract: Contract, *, kept: int = 1_000, **options: Any) -> None:
        self.clock = Clock()
        self.twin = Twin(contract, MemoryStore(most_entries=kept), clock=self.clock)
        self.options = ServeOptions(**options)
        self._application = create_app(self.twin, self.options, (blueprint,))
        self._application.jinja_env.bytecode_cache = CompiledTemplates()
        self._serving = Serving(self._application, threads=8)

    def __enter__(self) -> Self:
        self._serving.start()
        self.url = self._serving.url
        return self

    def __exit__(self, *_: object) -> None:
        self._serving.stop()

    def stop(self) -> None:
        """End the server, and every stream; what arrived is kept."""
        self._serving.stop()

    def restart(self) -> None:
        """Serve the same twin at the same address again."""
        self._serving = Serving(self._application, port=int(self.url.rpartition(":")[2]), threads=8)
        self._serving.start()

    def page(self, path: str = "") -> str:
        """The address of a page, such as ``page/calls``; by default that of the inbox."""
        return f"{self.url}/_twin/{path}"

    def send(
        self,
        body: object = None,
        *,
        login: str = LOGIN,
        headers: Mapping[str, str] | None = None,
        **changed: object,
    ) -> int:
        """Have a request arrive: a JSON value or bytes, or the common body with changes."""
        content = body if isinstance(body, bytes) else json.dumps(body or BODY | changed).encode()
        contract = self.twin.contract
        signed_in = {contract.login_header: login, contract.key_header: "a-key"}
        sent = {"content-type": "application/json", **signed_in, **(headers or {})}
        handled = self.twin.handle(Request("POST", contract.url_path, sent, content))
        return handled.entry.id

    def send_many(self, count: int, **changed: object) -> None:
        """Have so many requests arrive."""
        for _ in range(count):
            self.send(**changed)

    def put(self, path: str = "", *, login: str = LOGIN, **settings: object) -> None:
        """Set an account up, or a phone of it (``/phones/+33612345678``)."""
        url = f"{self.page('accounts/')}{quote(login)}{path}"
        token = {"Authorization": f"Bearer {self.options.token}"} if self.options.token else {}
        httpx.put(url, json=settings, headers=token).raise_for_status()

    def wait(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.now += timedelta(seconds=seconds)
