"""What must not happen in a browser while a test looks at the page, unless the test expects it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Request, WebError

NewContext = Callable[..., BrowserContext]
"""Makes a context with these options of Playwright; see the fixture."""
_BAD = frozenset({"error", "warning"})


class Watch:
    """Collects console messages, errors, dialogs and requests to other hosts."""

    def __init__(self) -> None:
        self._found = list[str]()
        self._expected = list[str]()
        self._accepted = list[str]()

    def over(self, context: BrowserContext) -> None:
        """Watch the pages of this context, too."""
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("dialog", self._dialog)
        context.on("request", self._request)

    def expect(self, pattern: str) -> None:
        """Let pass what matches, such as the console's line about a status that is asked for."""
        self._expected.append(pattern)

    def accept(self, question: str) -> None:
        """Answer this question of a dialog with OK."""
        self._accepted.append(question)

    @property
    def unexpected(self) -> list[str]:
        """Whatever happened that no test expected."""
        return [
            line for line in self._found if not any(re.search(one, line) for one in self._expected)
        ]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in _BAD:
            self._found.append(f"console {message.type}: {message.text}")

    def _error(self, error: WebError) -> None:
        self._found.append(f"error of a page: {error.error}")

    def _dialog(self, dialog: Dialog) -> None:
        if dialog.message in self._accepted:
            dialog.accept()
        else:
            self._found.append(f"dialog: {dialog.message}")
            dialog.dismiss()

    def _request(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme not in {"data", "blob"} and asked.hostname != "127.0.0.1":
            self._found.append(f"request to another host: {request.url}")
