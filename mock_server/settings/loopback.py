"""Which URLs are of the web, and which names mean this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback_name(host: str) -> bool:
    """Whether a host, as a URL has it, is this machine and no other.

    >>> is_loopback_name("127.0.0.1"), is_loopback_name("a.localhost"), is_loopback_name("a.com")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def host_of(url: str) -> str | None:
    """The host of an http or https URL; None where it is not one, or has what no URL should.

    >>> host_of("http://a.com:80/b"), host_of("ftp://a.com"), host_of("http://a.com:x")
    ('a.com', None, None)
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    # A browser would take a backslash for a slash, and go to another host.
    odd = not url.isprintable() or {" ", "\\"} & {*url}
    return None if odd or parts.scheme not in {"http", "https"} else host or None
