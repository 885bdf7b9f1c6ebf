"""Keeps requests that would call people for money from leaving by mistake."""

from __future__ import annotations

import ipaddress
import json
from typing import cast

import httpx

from voice_client.errors import NotSent


class SimulationGuard(httpx.BaseTransport):
    """A transport that lets only simulations leave this machine: ``simulation_mode: true``.

    It looks at the bytes that would leave, so no mistake above it can get around it.
    """

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on.

        Raises:
            NotSent: it would leave this machine and is no simulation.
        """
        if not _is_loopback(request.url.host) and not _simulates(request.read()):
            raise NotSent(
                f"held back: a request to {request.url.host} without simulation_mode: true "
                "would call people for money; pass simulation_mode=True, "
                "or VoiceClient(..., real_calls=True) if that is what you want"
            )
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the transport behind."""
        self._inner.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _simulates(body: bytes) -> bool:
    try:
        payload: object = json.loads(body)
    except ValueError:
        return False
    if not isinstance(payload, dict):
        return False
    return cast("dict[str, object]", payload).get("simulation_mode") is True
