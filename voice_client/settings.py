"""What a client needs to know: where, as whom, how long to wait and how often to try."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import httpx

from voice_api import meta
from voice_client.errors import ConfigurationError

LOGIN, KEY, BASE_URL = "VMS_LOGIN", "VMS_KEY", "VMS_BASE_URL"
"""The environment variables that stand in for absent arguments."""


@dataclass(frozen=True, slots=True)
class Timeout:
    """How long to wait, in seconds.

    The generated client waits for ever. ``connect`` is for the connection, ``read`` for each part
    of the answer (a frame of 500 contacts needs a slow server's patience), ``total`` for one call
    with all its tries and the waits between them. No further try begins if less than ``read``, or
    than a quarter of ``total``, would be left for its answer.
    """

    connect: float = 5.0
    read: float = 30.0
    total: float = 120.0

    def __post_init__(self) -> None:
        for name in ("connect", "read", "total"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"timeout: {name} is not above 0 seconds")


@dataclass(frozen=True, slots=True)
class Retries:
    """How often to try, and how long to wait in between, in seconds.

    The wait is drawn evenly from nothing to a bound, which begins at ``first`` and doubles up to
    ``longest`` ("full jitter"). A ``Retry-After`` is honoured up to ``longest_asked``; one that
    asks for more ends the tries.
    """

    attempts: int = 3
    first: float = 0.5
    longest: float = 8.0
    longest_asked: float = 120.0

    def __post_init__(self) -> None:
        waits = (self.first, self.longest, self.longest_asked)
        if not (self.attempts >= 1 and all(wait >= 0 for wait in waits)):
            raise ConfigurationError("retries: wanted at least one attempt, and no wait below 0")


@dataclass(frozen=True, slots=True)
class Access:
    """Where a client sends, and as whom; its key is never shown."""

    login: str
    key: str = field(repr=False)
    base_url: str

    @property
    def headers(self) -> dict[str, str]:
        """What goes along with every request."""
        return {
            meta.LOGIN_HEADER: self.login,
            meta.KEY_HEADER: self.key,
            "User-Agent": _USER_AGENT,
        }


def access(
    login: str | None,
    key: str | None,
    base_url: str | None,
    environment: Mapping[str, str] = os.environ,
) -> Access:
    """Login, key and address, from the arguments or from the environment.

    Raises:
        ConfigurationError: one is missing, or cannot be sent.
    """
    login = login if login is not None else environment.get(LOGIN)
    key = key if key is not None else environment.get(KEY)
    # An empty address is a mistake, and must not lead to the real API.
    base_url = base_url if base_url is not None else environment.get(BASE_URL, meta.SERVER_URL)
    for name, value, variable in ((meta.LOGIN_HEADER, login, LOGIN), (meta.KEY_HEADER, key, KEY)):
        if value is None:
            raise ConfigurationError(f"no {name}; give it as an argument, or set {variable}")
        if not _fits_a_header(value):
            raise ConfigurationError(f"{name} is empty or no plain text; it stands in your account")
    assert login is not None  # noqa: S101  (checked above)
    assert key is not None  # noqa: S101
    return Access(login, key, _address(base_url))


def _address(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"base_url is no URL: {error}") from error
    if url.userinfo:
        # Not shown: a password stands in it.
        raise ConfigurationError("base_url has a login in it; wanted login and key by themselves")
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigurationError(f"base_url {base_url!r} has no http:// or https:// before it")
    if url.query or url.fragment:
        raise ConfigurationError(f"base_url {base_url!r} has more than a path; wanted none of ? #")
    try:
        # As the standard library does when it connects, with an error that is no OSError.
        url.raw_host.decode("ascii").encode("idna")
    except UnicodeError as error:
        raise ConfigurationError(f"base_url {base_url!r} names no host: {error}") from error
    return base_url


def _fits_a_header(value: object) -> bool:
    if not isinstance(value, str) or value != value.strip():
        return False
    return bool(value) and value.isascii() and value.isprintable()


def _version() -> str:
    try:
        return version("vms-kit")
    except PackageNotFoundError:
        return "0"


_USER_AGENT: Final = f"vms-kit/{_version()} (contract {meta.CONTRACT_VERSION})"
