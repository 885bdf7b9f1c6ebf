"""What a change of the contract does to the Python that users import, by griffe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import griffe

Named: TypeAlias = griffe.Object | griffe.Alias
Typed: TypeAlias = griffe.Attribute | griffe.Parameter


def breakages(old: Path, new: Path) -> list[str]:
    """A line for each name that old code uses and the new client lacks, or has of another type.

    Args:
        old: the folder of the generated package before the change.
        new: the folder of the same package after it.
    """
    before, after = (
        griffe.load(package.name, search_paths=[package.parent]) for package in (old, new)
    )
    found = {
        f"{one.as_dict()['object_path']}: {one.kind.value}"
        for one in griffe.find_breaking_changes(before, after)
    }
    return sorted(found | set(_other_types(before, after)))


def _other_types(old: Named, new: Named) -> Iterator[str]:
    """What has another type than before; griffe looks at names and defaults alone."""
    if old.is_alias or new.is_alias:
        return
    for before, after in _annotated(old, new):
        if str(before.annotation) != str(after.annotation):
            was = f"{after.annotation}; it was {before.annotation}"
            yield f"{old.path}({before.name}): Type was changed to {was}"
    for name in old.members.keys() & new.members.keys():
        yield from _other_types(old.members[name], new.members[name])


def _annotated(old: Named, new: Named) -> Iterator[tuple[Typed, Typed]]:
    if isinstance(old, griffe.Attribute) and isinstance(new, griffe.Attribute):
        yield old, new
    if isinstance(old, griffe.Function) and isinstance(new, griffe.Function):
        for parameter in old.parameters:
            if parameter.name in new.parameters:
                yield parameter, new.parameters[parameter.name]
