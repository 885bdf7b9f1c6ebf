"""One change between two documents, before anybody has rated it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from vms.contracts.openapi import At


class Role(StrEnum):
    """Who is bound by what changed."""

    OPERATION = "operation"
    """Whoever calls at all."""
    PARAMETER = "parameter"
    """Whoever sends one in the address, a header or a cookie."""
    REQUEST = "request"
    """Whoever sends a body."""
    RESPONSE = "response"
    """Whoever reads an answer."""
    RECEIPT = "receipt"
    """Whoever receives what is sent to a webhook."""
    REPLY = "reply"
    """Whoever answers a webhook."""


READ = frozenset({Role.RESPONSE, Role.RECEIPT})
"""What callers read; they send all else."""


class About(NamedTuple):
    """What a change is about, in words."""

    operation: str = ""
    """``POST /campaigns``; empty where it is about all of them."""
    part: str = ""
    """``body``, ``query limit``, ``200``, ``header etag`` …"""
    member: str = ""
    """The path of a member in it: ``recipients[].phone_number``."""

    def below(self, name: str) -> About:
        """A member of it."""
        return self._replace(member=f"{self.member}.{name}" if self.member else name)

    @property
    def item(self) -> About:
        """An item of it."""
        return self._replace(member=f"{self.member}[]")

    def of(self, part: str) -> About:
        """A part of it."""
        return self._replace(part=f"{self.part} {part}".strip())

    def __str__(self) -> str:
        return " ".join(filter(None, self)) or "the API"


class Change(NamedTuple):
    """What changed, and where: in the old document, in the new one, or in both."""

    kind: str
    """The name of its row in `rules.RULES`."""
    role: Role
    about: About
    old: At | None
    new: At | None
    before: str = ""
    after: str = ""
