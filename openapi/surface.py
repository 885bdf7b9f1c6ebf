"""What a change of the contract does to the Python that users import, by griffe.

    python openapi/surface.py OLD_CONTRACT [NEW_CONTRACT]

Both clients are generated into a folder that is thrown away. Exits with 1 if something broke.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import griffe

import regenerate

Named: TypeAlias = griffe.Object | griffe.Alias
Typed: TypeAlias = griffe.Attribute | griffe.Parameter


def breakages(old: Path, new: Path) -> list[str]:
    """A line for each name that old code uses and the new client lacks, or has of another type.

    Raises:
        subprocess.CalledProcessError: the generator refused a contract; it has said why.
    """
    with tempfile.TemporaryDirectory() as folder:
        name = regenerate.PACKAGE.name
        packages = list[Named]()
        for side, contract in (("old", old), ("new", new)):
            package = Path(folder) / side / name
            regenerate.generate(contract.resolve(), package)
            packages.append(griffe.load(name, search_paths=[package.parent]))
        old_package, new_package = packages
        found = {
            f"{one.as_dict()['object_path']}: {one.kind.value}"
            for one in griffe.find_breaking_changes(old_package, new_package)
        }
        return sorted(found | set(_other_types(old_package, new_package)))


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; see the top of this file."""
    parser = argparse.ArgumentParser(description="What breaks for code that imports the client.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path, nargs="?", default=regenerate.CONTRACT)
    asked = parser.parse_args(arguments)
    try:
        found = breakages(asked.old, asked.new)
    except subprocess.CalledProcessError:
        print("The generator refused a contract, see above.", file=sys.stderr)
        return 2
    for line in found:
        print(line)
    print(f"{len(found)} changes of the generated client that break Python code")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
