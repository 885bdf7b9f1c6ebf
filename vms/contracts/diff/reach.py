"""Which operations use a component, by itself or through others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

from mock_server.contract.document import Pointer, pointed
from vms.contracts.openapi import At, OpenApi

# components, its section, its name
_DEPTH: Final = 3


class Reach:
    """The operations of a document by the components that they reach."""

    def __init__(self, openapi: OpenApi) -> None:
        self._openapi = openapi
        self._known = dict[Pointer, list[Pointer]]()

    def operations(self, at: At) -> int:
        """How many operations use the component in which this stands; 0 where it is in none."""
        name = at.pointer[:_DEPTH]
        is_here = at.source is self._openapi and name[:1] == ("components",)
        return self._users.get(name, 0) if is_here else 0

    @cached_property
    def _users(self) -> dict[Pointer, int]:
        users = dict[Pointer, int]()
        for _, item in self._openapi.root.below("paths"):
            shared = self._openapi.behind(item).member("parameters")
            for operation in self._openapi.operations(item).values():
                for name in self._reached([operation.value, shared]):
                    users[name] = users.get(name, 0) + 1
        return users

    def _reached(self, value: object) -> set[Pointer]:
        found, waiting = set[Pointer](), list(_references(value))
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._used_by(name)
        return found

    def _used_by(self, name: Pointer) -> list[Pointer]:
        if name not in self._known:
            at = self._openapi.root.get(*name)
            self._known[name] = [] if at is None else list(_references(at.value))
        return self._known[name]


def _references(value: object) -> Iterator[Pointer]:
    """The components that a value refers to."""
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            reference = one.get("$ref")
            if isinstance(reference, str) and reference.startswith("#/components/"):
                yield pointed(reference[1:])[:_DEPTH]
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
