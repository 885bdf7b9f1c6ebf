"""The parameters of a contract with leniency, by their paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mock_server.contract.document import Pointer
from vms.contracts.loaded import LoadedContract


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, an item of a list, or the body itself."""

    path: str
    schema: Mapping[str, Any]
    pointer: Pointer
    required: bool

    @property
    def parent(self) -> str:
        """The path of what it is a member of."""
        return self.path.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.rpartition(".")[2]

    @property
    def lenient(self) -> Mapping[str, Any]:
        """What the API does with what is not valid."""
        return self.schema["x-lenient"]  # type: ignore[no-any-return]  # the loader has checked it

    @property
    def default(self) -> object:
        """What the API takes where it is absent; None if that is nothing."""
        return self.schema.get("default", self.lenient.get("default", {}).get("value"))

    def code(self, reason: str) -> int:
        """The code of a refusal for this reason."""
        errors = self.lenient["errors"]
        return int(errors.get(reason, errors["any"])["code"])


def parameters(loaded: LoadedContract) -> dict[str, Parameter]:
    """Every parameter by its path; the body itself is ``""``."""
    pointer = (*loaded.at, "requestBody", "content", loaded.contract.media_type, "schema")
    found = dict[str, Parameter]()

    def walk(path: str, schema: Mapping[str, Any], pointer: Pointer, *, required: bool) -> None:
        schema, pointer = loaded.file.follow(schema, pointer)
        found[path] = Parameter(path, schema, pointer, required)
        if "items" in schema:
            walk(f"{path}[]", schema["items"], (*pointer, "items"), required=False)
        for name, member in schema.get("properties", {}).items():
            below = f"{path}.{name}" if path else name
            needed = name in schema.get("required", ())
            walk(below, member, (*pointer, "properties", name), required=needed)

    walk("", loaded.file.at(pointer), pointer, required=True)
    return found
