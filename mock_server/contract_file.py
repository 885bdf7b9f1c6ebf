"""One OpenAPI file as plain data: its lines, its references and its ``x-`` keys, checked."""

from __future__ import annotations

import functools
import hashlib
import math
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias

import jsonschema_rs
import yaml

Pointer: TypeAlias = tuple[str | int, ...]


class ContractError(Exception):
    """A contract file that cannot be used: where, what was found, what was wanted, on one line."""


def shipped(name: str) -> Path:
    """The path of one of the project's contract files.

    They stand inside the package where it was installed from a wheel, and in ``openapi/`` in a
    checkout.
    """
    inside = Path(__file__).parent / "openapi" / name
    return inside if inside.exists() else Path(__file__).parents[1] / "openapi" / name


_LONGEST_NUMBER: Final = 40
# The shipped contract has 1800 values, 14 deep.
_DEEPEST: Final = 64
_MOST_VALUES: Final = 100_000


class _Loader(yaml.CSafeLoader):
    """YAML 1.2 as OpenAPI wants it: no dates, no booleans but true and false, no name twice."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":bool"))
    ]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), ["t", "f"])


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen = set[Any]()
    for name, _ in node.value:
        if name.tag != "tag:yaml.org,2002:str":
            problem = f"the name {name.value!r} is no text; write it in quotes"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=name.start_mark)
        if name.value in seen:
            raise yaml.MarkedYAMLError(
                problem=f"the name {name.value!r} stands twice", problem_mark=name.start_mark
            )
        seen.add(name.value)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)


def _construct_number(loader: _Loader, node: yaml.ScalarNode) -> float:
    problem = f"{shortened(str(node.value))} is no number that JSON can hold"
    wrong = yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
    if len(node.value) > _LONGEST_NUMBER:
        raise wrong
    whole = node.tag.endswith(":int")
    read = loader.construct_yaml_int if whole else loader.construct_yaml_float
    try:
        number: float = read(node)
    except ValueError:
        raise wrong from None
    if not math.isfinite(number):
        raise wrong
    return number


for _tag in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _construct_number)


def written(pointer: Pointer) -> str:
    """The pointer as RFC 6901 writes it.

    >>> written(("paths", "/v1/send", 0)), written(())
    ('/paths/~1v1~1send/0', '/')
    """
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in pointer)


@dataclass(frozen=True)
class ContractFile:
    """A contract file that was read: the document, and where in it something stands."""

    path: Path
    text: str
    document: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> ContractFile:
        """The file at ``path``, its ``x-`` keys checked against ``openapi/extensions.yaml``.

        Raises:
            ContractError: it is missing, no YAML, no OpenAPI 3.1, or has an ``x-`` key of unknown
            name or shape.
        """
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ContractError(f"{path}: cannot be read: {error}") from error
        return cls.parsed(path, text)

    @classmethod
    def parsed(cls, path: Path, text: str) -> ContractFile:
        """The file of this text, checked as `read` does; ``path`` is what messages call it.

        Raises:
            ContractError: as `read`.
        """
        file = cls(path, text, _parse(path, text))
        if not str(file.document.get("openapi", "")).startswith("3.1."):
            raise file.refuse((), "no OpenAPI 3.1 document", "a first line `openapi: 3.1.0`")
        _check_shape(file)
        return file

    def check(self, name: str, pointer: Pointer) -> None:
        """Refuse what stands there if it has not this shape of ``openapi/extensions.yaml``.

        Raises:
            ContractError: it has not.
        """
        _check(self, _checkers()[name], pointer, self.at(pointer))

    @property
    def sha256(self) -> str:
        """The checksum of the file, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def _nodes(self) -> Any:  # noqa: ANN401  (PyYAML has no types)
        return yaml.compose(self.text, Loader=_Loader)

    def refuse(self, pointer: Pointer, found: str, wanted: str) -> ContractError:
        """The error for what stands at ``pointer``."""
        return ContractError(f"{self.place(pointer)}: {found}; wanted {wanted}")

    def place(self, pointer: Pointer) -> str:
        """Where this stands: file, line, JSON pointer."""
        return f"{self.path}:{self.line(pointer)}: {written(pointer)}"

    def follow(
        self, schema: Mapping[str, Any], pointer: Pointer
    ) -> tuple[Mapping[str, Any], Pointer]:
        """The schema behind a chain of ``$ref``, and where it stands.

        Raises:
            ContractError: a reference leads nowhere, in a circle, or out of the file.
        """
        seen = [pointer]
        while "$ref" in schema:
            reference = schema["$ref"]
            if not (isinstance(reference, str) and reference.startswith("#/")):
                raise self.refuse(
                    pointer,
                    f"a reference to {reference!r}",
                    "one inside the file (#/components/...)",
                )
            pointer = tuple(
                part.replace("~1", "/").replace("~0", "~") for part in reference[2:].split("/")
            )
            if pointer in seen:
                raise self.refuse(
                    seen[0], f"a reference to {reference!r} that leads back here", "one that ends"
                )
            seen.append(pointer)
            schema = self.at(pointer, seen[-2])
        return schema, pointer

    def at(self, pointer: Pointer, asked_from: Pointer = ()) -> Any:  # noqa: ANN401  (a YAML value)
        """The value at ``pointer``.

        Raises:
            ContractError: nothing stands there.
        """
        value: Any = self.document
        for part in pointer:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                name = "/" + "/".join(map(str, pointer))
                raise self.refuse(
                    asked_from, f"nothing at {name}", "that part of the contract"
                ) from None
        return value

    def line(self, pointer: Pointer) -> int:
        """The line where this stands, from 1; where nothing stands, that of what should have it."""
        node = self._nodes
        for part in pointer:
            if isinstance(node, yaml.MappingNode):
                pairs = (pair for pair in node.value if pair[0].value == str(part))
                # A member is found by its name; what is missing is missed by its parent.
                name, node = next(pairs, (node, node))
                line = name.start_mark.line
            else:
                node = node.value[part]
                line = node.start_mark.line
        return 1 + (line if pointer else 0)


def _check_size(text: str) -> None:
    """Refuse what is too deep, or too large once its aliases are followed, and tags but ``!!str``.

    Raises:
        yaml.YAMLError: it is so, or no YAML.
    """
    sizes = dict[str, int]()
    opened = list[tuple[str | None, int]]()
    size = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor is not None:
                sizes[anchor] = size - before
        elif isinstance(event, yaml.AliasEvent):
            size += sizes.get(str(event.anchor), 0)
        elif isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            size += 1
            if event.tag not in {None, "!", "tag:yaml.org,2002:str"}:
                _refuse_event(event, f"the tag {event.tag}, which JSON does not have")
            if isinstance(event, yaml.CollectionStartEvent):
                opened.append((event.anchor, size - 1))
        if len(opened) > _DEEPEST:
            _refuse_event(event, f"deeper than {_DEEPEST} levels")
        if size > _MOST_VALUES:
            _refuse_event(event, f"more than {_MOST_VALUES} values, with the aliases followed")


def _refuse_event(event: Any, problem: str) -> NoReturn:  # noqa: ANN401  (two kinds of marks)
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _parse(path: Path, text: str) -> Mapping[str, Any]:
    try:
        _check_size(text)
        document = yaml.load(text, Loader=_Loader)  # noqa: S506  (a subclass of the safe loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(
            f"{path}:{line}: no YAML: {error.problem}; wanted an OpenAPI document"
        ) from error
    except yaml.YAMLError as error:
        raise ContractError(f"{path}:1: no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise ContractError(f"{path}:1: the file holds no mapping; wanted an OpenAPI document")
    return document


_LONGEST_MESSAGE: Final = 160


def _check_shape(file: ContractFile) -> None:
    """Refuse a document, or an ``x-`` key, of a shape ``openapi/extensions.yaml`` does not know."""
    checkers = _checkers()
    known = sorted(name for name in checkers if name.startswith("x-"))
    for pointer, value in _extensions(file.document):
        if pointer[-1] not in known:
            raise file.refuse(pointer, "an unknown x- key", f"one of {', '.join(known)}")
        _check(file, checkers[str(pointer[-1])], pointer, value)
    _check(file, checkers["document"], (), file.document)
    sources = file.document["x-sources"]
    for pointer, entry in evidence(file.document):
        if entry.get("source", next(iter(sources), "")) not in sources:
            wanted = f"one of {', '.join(sorted(sources))}"
            found = f"an unknown source {entry['source']!r}"
            raise file.refuse((*pointer, "source"), found, wanted)


@functools.cache
def _checkers() -> Mapping[str, jsonschema_rs.Draft202012Validator]:
    path = shipped("extensions.yaml")
    shapes = _parse(path, path.read_text("utf-8"))["$defs"]
    return {name: _checker(name, shapes) for name in shapes}


def _checker(name: str, definitions: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    schema = {"$ref": f"#/$defs/{name}", "$defs": definitions}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def _check(
    file: ContractFile,
    checker: jsonschema_rs.Draft202012Validator,
    pointer: Pointer,
    value: Any,  # noqa: ANN401  (a YAML value)
) -> None:
    for error in checker.iter_errors(value):
        where = (*pointer, *error.instance_path)
        raise file.refuse(where, shortened(error.message), "the shape in openapi/extensions.yaml")


def shortened(message: str) -> str:
    """A message on one line, and no longer than one."""
    line = " ".join(message.split())
    return line if len(line) <= _LONGEST_MESSAGE else line[:_LONGEST_MESSAGE] + "…"


_OF_NAMES: Final = {("properties",), ("headers",)}


def _extensions(value: Any, pointer: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:  # noqa: ANN401
    """Every ``x-`` key of the document with its value; examples are data and are left out."""
    # Below them stand names that somebody has given, of parameters and headers; but a parameter
    # may have such a name itself.
    named = pointer[-1:] in _OF_NAMES and pointer[-2:-1] != ("properties",)
    for name, member in members(value, pointer):
        if str(name).startswith("x-") and not named:
            yield (*pointer, name), member
        else:
            yield from _extensions(member, (*pointer, name))


def members(value: object, pointer: Pointer) -> Iterator[tuple[str | int, Any]]:
    """What stands directly below, but for the value of an example, which is data."""
    if isinstance(value, dict):
        for name, member in value.items():
            if not (name == "value" and pointer[-2:-1] == ("examples",)):
                yield name, member
    elif isinstance(value, list):
        yield from enumerate(value)


def evidence(document: Mapping[str, Any]) -> Iterator[tuple[Pointer, Mapping[str, str]]]:
    """Every evidence of the document, with where it stands."""
    for pointer, value in _extensions(document):
        yield from _graded(value, pointer)


def _graded(value: object, pointer: Pointer) -> Iterator[tuple[Pointer, Mapping[str, str]]]:
    if isinstance(value, dict) and isinstance(value.get("grade"), str):
        yield pointer, value
    for name, member in members(value, pointer):
        # A value and the schema of advice are data, whatever their members are called.
        if name not in {"value", "schema"}:
            yield from _graded(member, (*pointer, name))
