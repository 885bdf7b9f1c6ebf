"""Keeps requests that would call people for money from leaving by mistake."""

from __future__ import annotations

import ipaddress
import json
from typing import cast

import httpx

from voice_client.errors import HeldBack


class SimulationGuard(httpx.BaseTransport):
    """A transport that lets only simulations leave this machine: ``simulation_mode: true``.

    It looks at the bytes that would leave, so no mistake above it can get around it.
    """

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on.

        Raises:
            HeldBack: it would leave this machine and is no simulation.
        """
        _let_pass(request.url.host, request.read())
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the transport behind."""
        self._inner.close()


class AsyncSimulationGuard(httpx.AsyncBaseTransport):
    """The same for an async transport."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on.

        Raises:
            HeldBack: it would leave this machine and is no simulation.
        """
        _let_pass(request.url.host, await request.aread())
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the transport behind."""
        await self._inner.aclose()


def is_this_machine(host: str) -> bool:
    """Whether a request to this host cannot leave the machine.

    >>> is_this_machine("127.0.0.1"), is_this_machine("::1"), is_this_machine("api.octopush.com")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _let_pass(host: str, body: bytes) -> None:
    if not is_this_machine(host) and not _simulates(body):
        raise HeldBack(
            f"held back: a request to {host} without simulation_mode: true "
            "would call people for money; pass simulation_mode=True, "
            "or real_calls=True to the client if that is what you want"
        )


def _simulates(body: bytes) -> bool:
    try:
        # Only UTF-8 without a mark: what reads like a simulation here must read like one there.
        payload: object = json.loads(body.decode(), object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return False
    if not isinstance(payload, dict):
        return False
    return cast("dict[str, object]", payload).get("simulation_mode") is True


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = dict(pairs)
    if len(names) < len(pairs):
        # Nobody knows which of them another reader takes.
        raise ValueError("a name stands there twice")
    return names
