"""Lets only simulations to allowed numbers leave, by looking at the bytes that would."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final

import httpx

from mock_server.json_values import strict_json

# A number is dialled from seven digits on (the contract's phone_number); within recipients, where
# a short one could be, no digit goes unlooked at.
_DIGITS_OF_A_NUMBER: Final = 7
_NAMES: Final = frozenset({"first_name", "last_name", *(f"param{n}" for n in range(1, 6))})
_MEDIA_TYPE: Final = "application/json"


class HeldBackError(Exception):
    """A request that must not leave; the message says why."""


class Guard(httpx.BaseTransport):
    """Passes on POSTs to one URL, so many at most, each a simulation to allowed numbers alone.

    Args:
        inner: what carries the requests.
        url: the one URL, https.
        numbers: the only phone numbers that a body may have, as ``+`` and digits.
        calls: how many requests may leave in all.
    """

    def __init__(
        self, inner: httpx.BaseTransport, *, url: str, numbers: Iterable[str], calls: int
    ) -> None:
        self._inner = inner
        self._url = httpx.URL(url)
        self._numbers = frozenset(numbers)
        self.left = calls
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on.

        Raises:
            HeldBackError: it is none that may leave.
        """
        body = b"".join(request.stream) if isinstance(request.stream, httpx.ByteStream) else None
        if why := self._refusal(request, body):
            raise HeldBackError(f"held back: {why}")
        with self._lock:
            if self.left <= 0:
                raise HeldBackError("held back: --calls are used up")
            self.left -= 1
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the transport behind."""
        self._inner.close()

    def _refusal(  # noqa: PLR0911  (a reason each)
        self, request: httpx.Request, body: bytes | None
    ) -> str:
        if self._url.scheme != "https" or request.url != self._url or request.method != "POST":
            return f"{request.method} {request.url} is not POST {self._url} over https"
        if request.headers.get_list("content-type") != [_MEDIA_TYPE]:
            return f"the content type is not {_MEDIA_TYPE}"
        if {"content-encoding", "transfer-encoding"} & request.headers.keys():
            return "the body is encoded"
        if body is None:
            return "the body is a stream, and cannot be looked at"
        if request.headers.get_list("content-length") != [str(len(body))]:
            return "the body is not as long as its content-length says"
        try:
            value = strict_json(body.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            return f"the body is not JSON that everybody reads alike: {error}"
        if not isinstance(value, dict) or value.get("simulation_mode") is not True:
            return "the body has no simulation_mode: true"
        wrong = next((text for text in _dialled(value) if text not in self._numbers), None)
        if wrong is not None:
            return f"{wrong!r} could be a phone number, and no --number allows it"
        return ""


def _dialled(body: dict[str, Any]) -> Iterator[str]:
    """Every value and name that anybody could take for a phone number."""
    for name, value in body.items():
        yield from _with_digits([name], _DIGITS_OF_A_NUMBER)
        if name == "recipients":
            yield from _in_recipients(value)
        elif name != "send_at":
            yield from _with_digits(_leaves(value), _DIGITS_OF_A_NUMBER)


def _in_recipients(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _in_recipients(item)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name in _NAMES:
                yield from _with_digits(_leaves(member), _DIGITS_OF_A_NUMBER)
            else:
                yield from _with_digits([name], 1)
                yield from _in_recipients(member)
    else:
        yield from _with_digits(_leaves(value), 1)


def _leaves(value: object) -> Iterator[str]:
    """Every text, number and name in the value."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _leaves(member)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    else:
        yield str(value)


def _with_digits(texts: Iterable[str], fewest: int) -> Iterator[str]:
    # isalnum and isnumeric know the digits of every script; a superscript is one, too.
    return (text for text in texts if sum(map(str.isnumeric, text)) >= fewest)
