"""One OpenAPI file as plain data: its lines, its references and its ``x-`` keys, checked."""

from __future__ import annotations

import codecs
import functools
import hashlib
import math
import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import unquote

import jsonschema_rs
import yaml

Pointer: TypeAlias = tuple[str | int, ...]


class ContractError(Exception):
    """A contract file that cannot be used: where, what is wrong, what was expected; one line."""


def shipped(name: str) -> Path:
    """The path of one of the project's contract files.

    They stand inside the package where it was installed from a wheel, and in ``openapi/`` in a
    checkout.
    """
    inside = Path(__file__).parents[1] / "openapi" / name
    return inside if inside.exists() else Path(__file__).parents[2] / "openapi" / name


@functools.cache
def shipped_document(name: str) -> Mapping[str, Any]:
    """One of the project's own YAML files, parsed once, without the guards against foreign ones."""
    document: dict[str, Any] = yaml.load(shipped(name).read_text("utf-8"), Loader=yaml.CSafeLoader)
    return document


# Keywords with schemas below them, and what they are.
NAMED: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
NESTING: Final[Mapping[str, Any]] = {
    **dict.fromkeys(NAMED, dict),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), list),
    **dict.fromkeys(
        ("items", "additionalProperties", "unevaluatedItems", "unevaluatedProperties"), dict
    ),
    **dict.fromkeys(("not", "contains", "if", "then", "else"), dict),
}
TIGHTER: Final[Mapping[str, Callable[[float, float], float]]] = {
    **dict.fromkeys(("maxLength", "maxItems", "maximum"), min),
    **dict.fromkeys(("minLength", "minItems", "minimum"), max),
}
"""Of two bounds that both hold, behind a $ref and beside it or in an allOf, which one counts."""
# Beside a $ref they are read in place of what stands behind it; all others hold together with it.
_REPLACING: Final = frozenset(
    {
        "default",
        "deprecated",
        "description",
        "examples",
        "summary",
        "title",
        "x-evidence",
        "x-lenient",
    }
)
_NAMED_SCHEMA: Final = re.compile("#/components/schemas/[^/~%]+")
# The kinds of text that editors write besides UTF-8; UTF-32 begins as UTF-16 does.
_BYTE_ORDERS: Final = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
# Where they write ASCII without such a sign, by which of the first bytes are null.
_NULLS: Final[Mapping[tuple[bool, ...], str]] = {
    (False, True, True, True): "UTF-32",
    (True, True, True, False): "UTF-32",
    (False, True, False, True): "UTF-16",
    (True, False, True, False): "UTF-16",
}
_LONGEST_NUMBER: Final = 40
# The shipped contract has 1800 values, 14 deep.
_DEEPEST: Final = 64
_MOST_VALUES: Final = 100_000


class _Loader(yaml.CSafeLoader):
    """YAML 1.2 as OpenAPI requires it: no dates, no booleans but true and false, no name twice."""


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
            problem = "a name that is not text"
            if name.tag == "tag:yaml.org,2002:merge":
                problem = "a merge (<<), which YAML 1.2 does not have; write its members out"
            elif isinstance(name, yaml.ScalarNode):
                problem = f"the name {name.value!r} is not text; write it in quotes"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=name.start_mark)
        if name.value in seen:
            raise yaml.MarkedYAMLError(
                problem=f"the name {name.value!r} stands twice", problem_mark=name.start_mark
            )
        seen.add(name.value)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping)


def _construct_number(loader: _Loader, node: yaml.ScalarNode) -> float:
    problem = f"{shortened(str(node.value))} is not a number that JSON can hold"
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


def pointed(text: str) -> tuple[str, ...]:
    """The names in the text of a JSON pointer; what `written` has made, but for numbers.

    >>> pointed("/a~1b/0"), pointed("")
    (('a/b', '0'), ())
    """
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def decoded_text(path: Path, content: bytes) -> str:
    """The text of a file, whichever line ends and byte order mark it has.

    Raises:
        ContractError: it is not UTF-8.
    """
    kind = next((kind for order, kind in _BYTE_ORDERS if content.startswith(order)), "")
    if not kind and b"\0" in content:
        kind = _NULLS.get(tuple(byte == 0 for byte in content[:4]), "binary")
    try:
        text = "" if kind else content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + content.count(b"\n", 0, error.start)
        raise ContractError(
            f"{path}:{line}: byte 0x{content[error.start]:02x} is not valid UTF-8; "
            "expected a text file in UTF-8"
        ) from error
    if kind:
        raise ContractError(f"{path}:1: the file is {kind}; expected it saved as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


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
            ContractError: it is missing, not UTF-8, not valid YAML, not OpenAPI 3.1, or has an
            ``x-`` key of unknown name or shape.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ContractError(f"{path}: cannot be read: {error}") from error
        return cls.decoded(path, content)

    @classmethod
    def decoded(cls, path: Path, content: bytes) -> ContractFile:
        """The file of these bytes, whichever line ends and byte order mark they have.

        Raises:
            ContractError: as `read`.
        """
        return cls.parsed(path, decoded_text(path, content))

    @classmethod
    def parsed(cls, path: Path, text: str) -> ContractFile:
        """The file of this text, checked as `read` does; ``path`` is what messages call it.

        Raises:
            ContractError: as `read`.
        """
        file = cls(path, text, _parse(path, text, _check_version))
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

    def refuse(self, pointer: Pointer, found: str, expected: str) -> ContractError:
        """The error for what stands at ``pointer``."""
        return ContractError(f"{self.place(pointer)}: {found}; expected {expected}")

    def place(self, pointer: Pointer) -> str:
        """Where this stands: file, line, JSON pointer."""
        return f"{self.path}:{self.line(pointer)}: {written(pointer)}"

    def follow(
        self, schema: Mapping[str, Any], pointer: Pointer
    ) -> tuple[Mapping[str, Any], Pointer]:
        """The schema behind a chain of ``$ref``, and where it stands.

        What stands beside a ``$ref`` holds together with what is behind it, as JSON Schema has it
        since 2019; such a schema without others below it stands where the ``$ref`` does.

        Raises:
            ContractError: a reference leads nowhere, in a circle, or out of the file; or what
            stands beside it cannot hold together with what is behind it.
        """
        found: Any = schema
        chain: list[tuple[Any, Pointer]] = [(found, pointer)]
        while isinstance(found, Mapping) and "$ref" in found:
            reference = found["$ref"]
            if not (isinstance(reference, str) and reference.startswith("#/")):
                raise self.refuse(
                    pointer,
                    f"a reference to {reference!r}",
                    "one inside the file (#/components/...)",
                )
            target = pointed(unquote(reference[1:]))
            if any(target == passed for _, passed in chain):
                back = f"a reference to {reference!r} that leads back here"
                raise self.refuse(chain[0][1], back, "one that ends")
            found, pointer = self.at(target, pointer), target
            chain.append((found, pointer))
        for holder, at in reversed(chain[:-1]):
            if len(holder) > 1 and isinstance(found, Mapping):
                found = self._narrowed(found, holder, at)
                pointer = pointer if found.keys() & NESTING.keys() else at
        return found, pointer

    def _narrowed(
        self, schema: Mapping[str, Any], holder: Mapping[str, Any], at: Pointer
    ) -> Mapping[str, Any]:
        """The schema together with what stands beside the ``$ref`` that leads to it."""
        made = dict(schema)
        for keyword, value in holder.items():
            if keyword == "$ref":
                continue
            if keyword in NESTING or keyword == "required":
                raise self.refuse(
                    (*at, keyword),
                    f"{keyword} beside a $ref",
                    "it in the schema that the $ref leads to; generated clients read no other",
                )
            both = value
            if keyword in schema and keyword not in _REPLACING and value != schema[keyword]:
                both = _together(keyword, schema[keyword], value)
            if both is None:
                raise self.refuse(
                    (*at, keyword),
                    shortened(f"{keyword} {value!r} beside a $ref to {schema[keyword]!r}"),
                    "one that both can have",
                )
            made[keyword] = both
        return made

    def without_besides(self) -> Mapping[str, Any]:
        """The document for tools that know a ``$ref`` to a schema by its name alone.

        What is behind any other, or beside one, is written out where the ``$ref`` stands; but one
        with members stays a reference, because its name makes the name of a class and only
        descriptions stand beside it.

        Raises:
            ContractError: as `follow`.
        """

        def made(value: object, pointer: Pointer, inside: tuple[str, ...] = ()) -> object:
            if isinstance(value, dict):
                reference = value.get("$ref")
                if isinstance(reference, str):
                    named = _NAMED_SCHEMA.fullmatch(reference)
                    if not named or len(value) > 1:
                        schema, where = self.follow(value, pointer)
                        value = {"$ref": reference}
                        if not named or where == pointer:
                            value = dict(schema)
                    if not named:
                        if reference in inside:
                            back = f"a reference to {reference!r} that leads back here"
                            raise self.refuse(pointer, back, "one that ends")
                        inside = (*inside, reference)
                below = members(value, pointer)
                return value | {name: made(part, (*pointer, name), inside) for name, part in below}
            if isinstance(value, list):
                return [made(part, (*pointer, n), inside) for n, part in enumerate(value)]
            return value

        return made(self.document, ())  # type: ignore[return-value]  # a mapping stays one

    def alone(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """The schema with all that a ``$ref`` in it may lead to, for a validator."""
        parts = ("components", "paths", "webhooks")
        return {**schema, **{part: self.document.get(part, {}) for part in parts}}

    def media(self, operation: Pointer) -> Iterator[tuple[Pointer, Mapping[str, Any]]]:
        """Each media type of each body of the operation and of the webhooks, with its place."""
        hooks: list[Pointer] = [
            ("webhooks", name, "post") for name in self.document.get("webhooks", ())
        ]
        for at in (operation, *hooks):
            one = self.at(at)
            bodies: dict[Pointer, Any] = {("requestBody",): one["requestBody"]}
            bodies |= {("responses", status): answer for status, answer in one["responses"].items()}
            for below, body in bodies.items():
                for name, media in body.get("content", {}).items():
                    yield (*at, *below, "content", name), media

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


def is_lenient(document: Mapping[str, Any]) -> bool:
    """Whether a document has a key of a contract here, such as ``x-casts``, at its top."""
    return any(name.startswith("x-") and name in _checkers() for name in document)


def _check_size(text: str) -> None:
    """Refuse what is too deep, or too large once its aliases are followed, and tags but ``!!str``.

    Raises:
        yaml.YAMLError: it is so, or not valid YAML.
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


def _refuse_event(event: Any, problem: str) -> NoReturn:  # noqa: ANN401  (two kinds of places)
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _parse(
    path: Path, text: str, check: Callable[[Path, Mapping[str, str]], None] | None = None
) -> Mapping[str, Any]:
    """The document, if ``check`` does not refuse what stands at its top."""
    try:
        _check_size(text)
        loader = _Loader(text)
        root = loader.get_single_node()
        if check is not None and isinstance(root, yaml.MappingNode):
            scalars = [pair for pair in root.value if isinstance(pair[1], yaml.ScalarNode)]
            check(path, {str(name.value): str(value.value) for name, value in scalars})
        document = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(
            f"{path}:{line}: not valid YAML: {error.problem}; expected an OpenAPI document"
        ) from error
    except yaml.YAMLError as error:
        raise ContractError(f"{path}:1: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise ContractError(f"{path}:1: the file is not a mapping; expected an OpenAPI document")
    return document


_LONGEST_MESSAGE: Final = 160


_BEGIN: Final = "a contract as `vms contract FILE` writes it"


def _check_version(path: Path, top: Mapping[str, str]) -> None:
    """Refuse what is another kind of document, before anything that is wrong inside it."""
    version = top.get("openapi", "")
    if not version.startswith("3.1."):
        found = "no OpenAPI document"
        if version == "3.1":
            raise ContractError(f"{path}:1: OpenAPI 3.1; expected it written out, such as 3.1.0")
        if version:
            found = shortened(f"OpenAPI {version}")
        elif "swagger" in top:
            found = shortened(f"Swagger {top['swagger']}")
        raise ContractError(f"{path}:1: {found}; expected OpenAPI 3.1: {_BEGIN}")


def _together(keyword: str, behind: Any, beside: Any) -> Any:  # noqa: ANN401  (YAML values)
    """The value of a keyword that holds where both do; None if there is not any."""
    try:
        if keyword in TIGHTER:
            return TIGHTER[keyword](behind, beside)
        if keyword == "enum" and isinstance(beside, list):
            return [value for value in behind if value in beside] or None
        if keyword == "type":
            one, other = (_kinds(kind) for kind in (behind, beside))
            both = sorted(one & other - ({"integer"} if "number" in one & other else set()))
            return both[0] if len(both) == 1 else both or None
    except TypeError:
        pass
    return None


def _kinds(types: str | list[str]) -> set[str]:
    """What a value may be by ``type``; every integer is a number."""
    kinds = {types} if isinstance(types, str) else set(types)
    return kinds | {"integer"} if "number" in kinds else kinds


def _check_shape(file: ContractFile) -> None:
    """Refuse a document, or an ``x-`` key, of a shape ``openapi/extensions.yaml`` does not know."""
    checkers = _checkers()
    known = sorted(name for name in checkers if name.startswith("x-"))
    if file.document.keys().isdisjoint(known):
        found = "an OpenAPI document without the keys of a contract here"
        raise ContractError(f"{file.path}:1: {found}; expected {_BEGIN}")
    _check(file, checkers["document"], (), file.document)
    for pointer, value in extensions(file.document):
        if pointer[-1] not in known:
            raise file.refuse(pointer, "an unknown x- key", f"one of {', '.join(known)}")
        name = str(pointer[-1])
        places = shipped_document("extensions.yaml")["places"][name]
        if not re.fullmatch(places, written(pointer[:-1])):
            expected = "one of the places in openapi/README.md"
            raise file.refuse(pointer, f"{name} where nothing reads it", expected)
        _check(file, checkers[name], pointer, value)
    sources = file.document["x-sources"]
    for pointer, entry in evidence(file.document):
        if entry.get("source", next(iter(sources), "")) not in sources:
            expected = f"one of {', '.join(sorted(sources))}"
            found = f"an unknown source {entry['source']!r}"
            raise file.refuse((*pointer, "source"), found, expected)


@functools.cache
def _checkers() -> Mapping[str, jsonschema_rs.Draft202012Validator]:
    shapes = shipped_document("extensions.yaml")["$defs"]
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
        where, found = (*pointer, *error.instance_path), error.message
        if unexpected := error.kind.as_dict().get("unexpected"):
            name = unexpected[0]
            where, found = (*where, name), f"{name!r} was unexpected: nothing reads it"
        raise file.refuse(where, shortened(found), "the shape in openapi/extensions.yaml")


def shortened(message: str) -> str:
    """A message on one line, and no longer than one."""
    line = " ".join(message.split())
    return line if len(line) <= _LONGEST_MESSAGE else line[:_LONGEST_MESSAGE] + "…"


_OF_NAMES: Final = {("properties",), ("headers",)}


def extensions(value: Any, pointer: Pointer = ()) -> Iterator[tuple[Pointer, Any]]:  # noqa: ANN401
    """Every ``x-`` key of the document with its value; examples are data and are left out."""
    # Below them stand names that somebody has given, of parameters and headers; but a parameter
    # may have such a name itself.
    named = pointer[-1:] in _OF_NAMES and pointer[-2:-1] != ("properties",)
    for name, member in members(value, pointer):
        if str(name).startswith("x-") and not named:
            yield (*pointer, name), member
        else:
            yield from extensions(member, (*pointer, name))


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
    for pointer, value in extensions(document):
        yield from _graded(value, pointer)


def _graded(value: object, pointer: Pointer) -> Iterator[tuple[Pointer, Mapping[str, str]]]:
    if isinstance(value, dict) and isinstance(value.get("grade"), str):
        yield pointer, value
    for name, member in members(value, pointer):
        # A value and the schema of advice are data, whatever their members are called.
        if name not in {"value", "schema"}:
            yield from _graded(member, (*pointer, name))
