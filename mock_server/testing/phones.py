"""How the phones of a test behave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote


class TwinPhone:
    """One phone of the account, or all of a prefix; each call replaces what was set before."""

    def __init__(self, ask: Callable[..., dict[str, Any]], number: str) -> None:
        self._ask = ask
        self._path = f"/phones/{quote(number, safe='')}"

    def answers(
        self,
        *,
        keys: str = "",
        after: float = 0,
        listens: float | None = None,
        rings: float | None = None,
    ) -> None:
        """Answer, and press keys.

        Args:
            keys: 0 to 9, ``*`` and ``#``; a receipt has them where the campaign asks for them.
            after: how many seconds after the answer they are pressed.
            listens: for how many seconds; None listens to the end.
            rings: for how many seconds, at the pace ``live``; None as long as any other phone.

        Raises:
            ValueError: the number, or one of these, is not as it should be.
        """
        seconds = {"listening_seconds": listens, "ring_seconds": rings}
        given = {name: value for name, value in seconds.items() if value is not None}
        self._set(keys=keys, keys_after=after, **given)

    def is_busy(self) -> None:
        """Be busy."""
        self._set(outcome="busy")

    def refuses(self) -> None:
        """Refuse the call while it rings."""
        self._set(outcome="refused")

    def does_not_answer(self) -> None:
        """Ring, and never answer."""
        self._set(outcome="no_answer")

    def is_unreachable(self) -> None:
        """Be switched off, or not a number that anybody has."""
        self._set(outcome="unreachable")

    def opts_out(self) -> None:
        """Answer, and press the key that opts out: the number joins the account's opt-outs."""
        self._set(opts_out=True)

    def reset(self) -> None:
        """Behave as any other phone: answer, and listen to the end."""
        self._ask("DELETE", self._path)

    def _set(self, **behaviour: object) -> None:
        __tracebackhide__ = True
        self._ask("PUT", self._path, behaviour)
