"""Any OpenAPI file: its values, where each stands, and what a reference leads to."""

from __future__ import annotations

import gc
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, NamedTuple, cast
from urllib.parse import unquote

import yaml

from mock_server.contract.document import ContractError, Pointer, pointed, shortened, written
from mock_server.json_values import strict_json

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
_VERSIONS: Final = ("3.0.", "3.1.", "3.2.")
_DEEPEST: Final = 200
# A file of 5 MB has half a million values; more than this only aliases make.
_LARGEST: Final = 10_000_000
_NOTHING: Final = object()
_LONGEST_CHAIN: Final = 50
_DIGITS_SHOWN: Final = 20
_NOT_JSON: Final = frozenset({"NaN", "Infinity", "-Infinity"})


class _Loader(yaml.CSafeLoader):
    """YAML with the types of its core schema, as OpenAPI requires: dates and ``no`` are texts."""


_Loader.yaml_implicit_resolvers = {}


# YAML 1.2.2, 10.3.2; and merge keys, which OpenAPI files use though 1.2 has none.
for _type, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.nan",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
):
    _tag = f"tag:yaml.org,2002:{_type}"
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _first)


def _number(loader: _Loader, node: yaml.ScalarNode) -> float:
    """The number, as it would be read from JSON.

    Raises:
        ValueError: it is infinite, too long, or not a number.
    """
    text = str(node.value)
    try:
        if node.tag.endswith(":int"):
            return int(text, 0 if text[:2] in {"0o", "0x"} else 10)
        number: float = loader.construct_yaml_float(node)
        if math.isfinite(number):
            return number
    except ValueError:
        pass
    raise ValueError(f"{text[:_DIGITS_SHOWN]} is not a number that JSON can hold")


for _tag in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _number)


# Of a block, each level stands one column further right.
_FAR_RIGHT: Final = re.compile(f"^[ ?-]{{{_DEEPEST}}}", re.MULTILINE)
_BRACKETS: Final = re.compile(r"[\[{]|[\]}]")


def _refuse_depth(text: str) -> None:
    """Refuse what is so deep that libyaml would end the process.

    Raises:
        yaml.MarkedYAMLError: it is so.
    """
    open_brackets = accumulate(1 if one in "[{" else -1 for one in _BRACKETS.findall(text))
    if not _FAR_RIGHT.search(text) and max(open_brackets, default=0) <= _DEEPEST:
        # Looking at each event would take as long as all else.
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            problem = f"more than {_DEEPEST} levels"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=cast("Any", event.start_mark))


class At(NamedTuple):
    """A value, and where it stands."""

    value: Any
    pointer: Pointer
    source: Source

    def get(self, *names: str | int) -> At | None:
        """The member of a member, if all of them are there."""
        value = self.value
        for name in names:
            if isinstance(value, dict):
                found = value.get(name, _NOTHING)
            elif isinstance(value, list) and 0 <= _index(name) < len(value):
                found = value[_index(name)]
            else:
                found = _NOTHING
            if found is _NOTHING:
                return None
            value = found
        return At(value, (*self.pointer, *names), self.source)

    def near(self, name: str) -> At:
        """The member; itself where that is not there."""
        return self.get(name) or self

    def member(self, name: str) -> Any:  # noqa: ANN401  (a YAML value)
        """The value of a member; None if it is not there."""
        return self.value.get(name) if isinstance(self.value, dict) else None

    def below(self, name: str) -> Iterator[tuple[str, At]]:
        """Each member of the mapping under a name, if there is one."""
        found = self.member(name)
        if isinstance(found, dict):
            for key, value in found.items():
                yield key, At(value, (*self.pointer, name, key), self.source)

    def items(self, name: str) -> Iterator[At]:
        """Each item of the list under a name, if there is one."""
        found = self.member(name)
        if isinstance(found, list):
            for index, value in enumerate(found):
                yield At(value, (*self.pointer, name, index), self.source)


class Source:
    """One file, in YAML or JSON: its values, and the line where each stands.

    Names that are not text, such as the status ``200``, are read as text.
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        self.document: Any = None
        self._json = text.lstrip()[:1] == "{"
        if self._json:
            try:
                self.document = strict_json(text)
            except (ValueError, RecursionError):
                # YAML is JSON and more, and knows the line of what is wrong.
                self.document = self._built()
        else:
            self.document = self._built()

    @property
    def root(self) -> At:
        """The whole document."""
        return At(self.document, (), self)

    @cached_property
    def _parsed(self) -> tuple[_Loader, Any]:
        try:
            _refuse_depth(self.text)
            loader = _Loader(self.text)
            with without_collection():
                return loader, loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ContractError(
                f"{self.path}:{line}: not valid YAML: {error.problem}; expected an OpenAPI document"
            ) from error
        except yaml.YAMLError as error:
            reason = " ".join(str(error).split())
            raise ContractError(f"{self.path}:1: not valid YAML: {reason}") from error

    def _built(self) -> Any:  # noqa: ANN401  (a YAML value)
        loader, root = self._parsed
        if root is None:
            return None
        with without_collection():
            return _Builder(self.path, loader, json=self._json).build(root)

    @cached_property
    def anchors(self) -> dict[str, Pointer]:
        """Where each ``$anchor`` stands."""
        found = ((at.get("$anchor"), at.pointer) for at in self.values())
        return {name.value: at for name, at in found if name and isinstance(name.value, str)}

    def values(self) -> Iterator[At]:
        """Every map and list of the file but examples, from the outside in, an alias once."""
        waiting = [self.root]
        known = set[int]()
        while waiting:
            at = waiting.pop()
            if id(at.value) in known:
                continue
            known.add(id(at.value))
            yield at
            members: Any = at.value.items() if isinstance(at.value, dict) else ()
            for name, value in enumerate(at.value) if isinstance(at.value, list) else members:
                if isinstance(value, (dict, list)) and name not in {"example", "examples"}:
                    waiting.append(At(value, (*at.pointer, name), self))

    def line(self, pointer: Pointer) -> int:
        """The line where this stands, from 1; where nothing stands, that of what should have it."""
        _, node = self._parsed
        line = 0
        for part in pointer:
            if isinstance(node, yaml.MappingNode):
                pairs = (pair for pair in node.value if str(pair[0].value) == str(part))
                name, inner = next(pairs, (None, None))
                if name is None:
                    break
                line, node = name.start_mark.line, inner
            elif isinstance(node, yaml.SequenceNode) and 0 <= _index(part) < len(node.value):
                node = node.value[_index(part)]
                line = node.start_mark.line
            else:
                break
        return line + 1

    def place(self, pointer: Pointer) -> str:
        """Where this stands: file, line, JSON pointer."""
        return f"{self.path}:{self.line(pointer)}: {written(pointer)}"

    def refuse(self, pointer: Pointer, found: str, expected: str) -> ContractError:
        """The error for what stands at ``pointer``."""
        return ContractError(f"{self.place(pointer)}: {found}; expected {expected}")


class OpenApi(Source):
    """An OpenAPI document of 3.0 or later, with the files that its references lead to."""

    def __init__(
        self, path: Path, text: str, beside: Callable[[Path, str], tuple[Path, str]]
    ) -> None:
        """``beside`` is what reads another file: its name and its text, from a reference."""
        super().__init__(path, text)
        self._beside = beside
        self._others = dict[tuple[str, str], Source]()
        if not isinstance(self.document, dict):
            raise ContractError(f"{path}:1: the file is not a mapping; expected OpenAPI 3")
        version = str(self.document.get("openapi", ""))
        if f"{version}." in _VERSIONS:
            expected = f"it written out, such as {version}.0"
            raise ContractError(f"{path}:1: OpenAPI {version}; expected {expected}")
        if not version.startswith(_VERSIONS):
            found = f"OpenAPI {shortened(version)}" if version else "not an OpenAPI document"
            if "swagger" in self.document:
                found = f"Swagger {shortened(str(self.document['swagger']))}"
            raise ContractError(f"{path}:1: {found}; expected OpenAPI 3.0 or 3.1")

    def operations(self, item: At) -> dict[str, At]:
        """The operations of a path, or of a webhook, by their methods."""
        behind = self.behind(item)
        found = {method: behind.get(method) for method in METHODS}
        return {name: one for name, one in found.items() if one and isinstance(one.value, dict)}

    def follow_references(self) -> None:
        """Follow every reference outside examples.

        Raises:
            ContractError: as `behind`; or an ``allOf`` is part of itself, which has no end.
        """
        places = dict[int, Pointer]()
        parts = TopologicalSorter[int]()
        for at in self.values():
            self.behind(at)
            for part in at.items("allOf"):
                places[id(at.value)] = at.pointer
                parts.add(id(at.value), id(self.behind(part).value))
        try:
            parts.prepare()
        except CycleError as error:
            where = next(places[one] for one in error.args[1] if one in places)
            raise self.refuse(where, "a schema within its own allOf", "one that ends") from error

    def behind(self, at: At) -> At:
        """What a ``$ref`` leads to; anything else is itself.

        Raises:
            ContractError: it leads nowhere, in a circle, or to a file that cannot be read.
        """
        first, passed = at, 0
        while isinstance(at.value, dict) and isinstance(at.value.get("$ref"), str):
            reference = at.value["$ref"]
            passed += 1
            if passed > _LONGEST_CHAIN:
                raise first.source.refuse(first.pointer, "a reference in a circle", "one that ends")
            file, _, fragment = reference.partition("#")
            source = self._source(at, file) if file else at.source
            found = _within(source, unquote(fragment))
            if found is None:
                raise at.source.refuse(
                    at.pointer,
                    shortened(f"a reference to {reference!r}"),
                    "one to something that is there",
                )
            at = found
        return at

    def _source(self, at: At, file: str) -> Source:
        key = str(at.source.path), file
        if key not in self._others:
            try:
                path, text = self._beside(at.source.path, file)
            except ContractError as error:
                line = at.source.line(at.pointer)
                raise ContractError(f"{at.source.path}:{line}: {error}") from error
            # The same file by another way is the same.
            known = (self, *self._others.values())
            same = (one for one in known if str(one.path) == str(path))
            self._others[key] = next(same, None) or Source(path, text)
        return self._others[key]


def _index(part: str | int) -> int:
    """The place in a list; -1 for what is none."""
    return int(part) if str(part).isdecimal() else -1


def _within(source: Source, fragment: str) -> At | None:
    """What the part of a reference after its ``#`` leads to."""
    if fragment and not fragment.startswith("/"):
        pointer = source.anchors.get(fragment)
        return None if pointer is None else source.root.get(*pointer)
    return source.root.get(*pointed(fragment))


@contextmanager
def without_collection() -> Iterator[None]:
    """Keep the garbage collector out: it would look at every value of a large file, over and over.

    Four times as fast where a file has 5 MB; values of a document are in use anyway.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            # Else it would look at all of them now.
            gc.freeze()
            gc.enable()


class _Builder:
    """Makes values of YAML nodes: names as text, and each alias the same value."""

    def __init__(self, path: Path, loader: _Loader, *, json: bool) -> None:
        self._path = path
        # What begins as JSON, but is not valid JSON.
        self._json = json
        self._loader = loader
        self._made = dict[int, tuple[Any, int]]()
        self._open = set[int]()
        self._size = 0

    def build(self, node: Any) -> Any:  # noqa: ANN401  (PyYAML has no types)
        """The value of a node.

        Raises:
            ContractError: it is within itself, too large with its aliases followed, or
                has a name that is not text.
        """
        key = id(node)
        if key in self._open:
            raise self._refuse(node, "an alias within itself; expected one that ends")
        if key not in self._made:
            before = self._size
            self._open.add(key)
            value = self._value(node)
            self._open.discard(key)
            self._size += 1
            self._made[key] = value, self._size - before
        else:
            self._size += self._made[key][1]
        if self._size > _LARGEST:
            raise self._refuse(node, "too large with all aliases followed; expected fewer of them")
        return self._made[key][0]

    def _value(self, node: Any) -> Any:  # noqa: ANN401  (PyYAML has no types)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(inner) for inner in node.value]
        if isinstance(node, yaml.MappingNode):
            self._refuse_names(node)
        elif self._json and not node.style and node.value in _NOT_JSON:
            raise self._refuse(node, f"{node.value}, which JSON does not have; expected a number")
        try:
            if isinstance(node, yaml.ScalarNode):
                return self._loader.construct_object(node)
            if any(name.tag.endswith(":merge") for name, _ in node.value):
                self._loader.flatten_mapping(node)
        except (yaml.YAMLError, ValueError) as error:
            raise self._refuse(node, f"{shortened(str(error))}; expected a JSON value") from error
        made = dict[str, Any]()
        for name, inner in node.value:
            made[str(name.value)] = self.build(inner)
        return made

    def _refuse_names(self, node: Any) -> None:  # noqa: ANN401  (PyYAML has no types)
        """Refuse names that are not text, and those that stand twice: one would be lost."""
        known = dict[str, Any]()
        for name, _ in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise self._refuse(name, "a name that is not text; expected text")
            first = known.setdefault(str(name.value), name)
            if first is not name and not name.tag.endswith(":merge"):
                line = first.start_mark.line + 1
                found = f"the name {shortened(repr(name.value))} stands twice, first in line {line}"
                raise self._refuse(name, f"{found}; expected it once")

    def _refuse(self, node: Any, problem: str) -> ContractError:  # noqa: ANN401  (no types)
        return ContractError(f"{self._path}:{node.start_mark.line + 1}: {problem}")
