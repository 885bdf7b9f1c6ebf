"""Whether what the generator has written is a client: Python, whole, and no name in it hidden."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mock_server.contract.document import ContractError
from vms.contracts.client_parts import parsed
from vms.contracts.openapi import OpenApi

# What the methods of each model call their own values (openapi-python-client's model.py.jinja).
_OF_MODELS: Final = frozenset({"d", "field_dict", "src_dict"})


def check(openapi: OpenApi, package: Path, left_out: int) -> None:
    """Refuse a client that cannot work, though the generator has written it.

    Args:
        openapi: the document that it was generated from.
        package: the folder of the client.
        left_out: of how many operations the generator has reported that they are not there.

    Raises:
        ContractError: a file is not valid Python, a name of the document is one that the file uses
            itself, or two operations were written into one file.
    """
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        try:
            hidden = min(_hidden(parsed(path)), default=None)
        except SyntaxError as error:
            raise ContractError(
                f"{openapi.path}: the client's {name} would not be valid Python ({error.msg}); "
                "expected other names for parameters and properties there"
            ) from error
        if hidden is not None:
            raise ContractError(
                f"{openapi.path}: the client's {name} uses the name {hidden!r} itself; expected "
                "another for the parameter or property"
            )
    made = sum(path.name != "__init__.py" for path in package.glob("api/*/*.py"))
    expected = sum(len(openapi.operations(item)) for _, item in openapi.root.below("paths"))
    if made + left_out < expected:
        raise ContractError(
            f"{openapi.path}: the client would have {made} of {expected} operations; expected "
            "an operationId for each that differs from others in more than case and separators"
        )


def _hidden(module: ast.Module) -> Iterator[str]:
    """Each name that the document has given, and the code around it needs for something else."""
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            members = [one.target for one in node.body if isinstance(one, ast.AnnAssign)]
            names = [one.id for one in members if isinstance(one, ast.Name)]
            methods = {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
            loops = (one for one in ast.walk(node) if isinstance(one, ast.For))
            used = _OF_MODELS.union(methods, *map(_stored, loops))
            yield from {name for name in names if names.count(name) > 1}
        elif isinstance(node, ast.FunctionDef) and node.name == "_get_kwargs":
            names = [one.arg for one in (*node.args.args, *node.args.kwonlyargs)]
            used = frozenset(_stored(node))
        else:
            continue
        yield from (used | _called(node)).intersection(names)


def _stored(node: ast.AST) -> set[str]:
    return {
        one.id
        for one in ast.walk(node)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }


def _called(node: ast.AST) -> set[str]:
    return {
        one.func.id
        for one in ast.walk(node)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)
    }
