"""Calls a receiver of receipts in this process: a WSGI or ASGI application, or a function."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeAlias, TypeVar

import httpx

from mock_server.http.callback import USER_AGENT
from mock_server.testing.deliveries import Delivery, TwinReceipt

Receiver: TypeAlias = Callable[..., Any]
"""A WSGI application, an ASGI application, or a function of one `TwinReceipt`."""

_HOST: Final = "http://localhost"
_T = TypeVar("_T")
_WSGI, _ASGI = 2, 3
_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def handed_over(receipt: TwinReceipt, receiver: Receiver, path: str) -> Delivery:
    """The receiver's answer to a receipt; what it raises, is raised.

    A function, also an async one, answers with None, a status, or anything that has a
    ``status_code``, such as the answer of a framework's test client.

    Raises:
        TypeError: it is none of these, or answers with something else.
    """
    taken = _arguments(receiver)
    try:
        if taken == _WSGI:
            with httpx.Client(transport=httpx.WSGITransport(receiver), base_url=_HOST) as client:
                answer = client.send(_request(client, receipt, path))
            return Delivery(receipt, answer.status_code, answer.text)
        if taken == _ASGI:
            answer = _finished(_asked(receipt, receiver, path))
            return Delivery(receipt, answer.status_code, answer.text)
        given = receiver(receipt)
        if inspect.isawaitable(given):
            given = _finished(given)
    except Exception as error:
        error.add_note(f"The receiver got {receipt.line()}\n{receipt.body.decode()}")
        raise
    return _function_answered(receipt, given)


def _function_answered(receipt: TwinReceipt, given: Any) -> Delivery:  # noqa: ANN401  (whatever it is)
    status = 200 if given is None else getattr(given, "status_code", given)
    if not isinstance(status, int) or isinstance(status, bool):
        raise TypeError(
            f"the receiver answered {given!r}; expected None, a status such as 200, or something "
            "with a status_code"
        )
    text = getattr(given, "text", "")
    return Delivery(receipt, status, text if isinstance(text, str) else "")


async def _asked(receipt: TwinReceipt, receiver: Receiver, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(receiver)
    async with httpx.AsyncClient(transport=transport, base_url=_HOST) as client:
        return await client.send(_request(client, receipt, path))


def _request(
    client: httpx.Client | httpx.AsyncClient, receipt: TwinReceipt, path: str
) -> httpx.Request:
    headers = {"Content-Type": receipt.content_type, "User-Agent": USER_AGENT}
    return client.build_request("POST", path, content=receipt.body, headers=headers)


def _finished(awaitable: Awaitable[_T]) -> _T:
    """What it comes to, in an event loop of its own, as that of the test may be running."""

    async def finish() -> _T:
        return await awaitable

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, finish()).result()


def _arguments(receiver: Receiver) -> int:
    """How many arguments the receiver takes without a default, by which its kind is known."""
    try:
        parameters = [*inspect.signature(receiver).parameters.values()]
    except (TypeError, ValueError):
        parameters = []
    required = [one for one in parameters if one.kind in _POSITIONAL and one.default is one.empty]
    if len(required) not in {1, _WSGI, _ASGI}:
        raise TypeError(
            f"got the receiver {receiver!r}; expected a function of one receipt, a WSGI "
            "application (environ, start_response) or an ASGI application (scope, receive, send)"
        )
    return len(required)
