"""Which names mean this machine."""

from __future__ import annotations

import ipaddress


def is_loopback_name(host: str) -> bool:
    """Whether a host, as a URL has it, is this machine and no other.

    >>> is_loopback_name("127.0.0.1"), is_loopback_name("a.localhost"), is_loopback_name("a.com")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
