"""Our own rules for a contract, beside what the twin asks of it and what other linters find."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from mock_server.contract.document import (
    NAMED,
    NESTING,
    Pointer,
    evidence,
    members,
    shortened,
)
from mock_server.contract.model import squashed
from vms.contracts.loaded import LoadedContract, found_below
from vms.contracts.parameters import parameters

# Prism 5.14.2 ignores or misreads them (openapi/README.md).
_NOT_FOR_PRISM: Final = ("prefixItems", "dependentRequired", "unevaluatedProperties", "contains")
_ONE_LETTER: Final = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a contract that must not stay: where, what was found, what was expected."""

    place: str
    found: str
    expected: str
    rule: str

    def __str__(self) -> str:
        return f"{self.place}: {self.found}; expected {self.expected} [{self.rule}]"


Rule = Callable[[LoadedContract], Iterator[tuple[Pointer, str, str]]]


def problems(loaded: LoadedContract) -> Iterator[Problem]:
    """What our own rules find."""
    for name, rule in RULES.items():
        for pointer, found, expected in rule(loaded):
            yield Problem(loaded.file.place(pointer), found, expected, name)


def _version(loaded: LoadedContract) -> Iterator[tuple[Pointer, str, str]]:
    if not re.fullmatch(r"\d+\.\d+\.\d+", loaded.contract.version):
        yield ("info", "version"), repr(loaded.contract.version), "three numbers, such as 1.0.0"


def _no_default_response(loaded: LoadedContract) -> Iterator[tuple[Pointer, str, str]]:
    if "default" in loaded.operation["responses"]:
        at = (*loaded.at, "responses", "default")
        yield at, "a default response", "each status by itself: a client cannot type the rest"


def _examples(loaded: LoadedContract) -> Iterator[tuple[Pointer, str, str]]:
    """Every answer has an example, and every documented code stands in one."""
    shown = set[int]()
    for status, response in loaded.operation["responses"].items():
        for media_type, media in response.get("content", {}).items():
            at = (*loaded.at, "responses", status, "content", media_type)
            examples = media.get("examples", {})
            if not examples:
                yield at, "no example", "one, so that the twin and the tests know the answer"
            for name, example in examples.items():
                shown.update(_codes(example["value"]))
                if str(example["x-status"])[0] != status[0]:
                    where = (*at, "examples", name, "x-status")
                    yield where, f"{example['x-status']} under {status}", "a status of its answer"
    for path, pointer in _leniencies(loaded):
        for reason, error in path["errors"].items():
            if error["evidence"]["grade"] == "documented" and error["code"] not in shown:
                where = (*pointer, "errors", reason, "code")
                yield where, f"the documented code {error['code']}", "an example that shows it"


def _examples_are_valid(loaded: LoadedContract) -> Iterator[tuple[Pointer, str, str]]:
    for at, media in loaded.file.media(loaded.at):
        # The loader has refused what is not a schema.
        schema = loaded.file.alone(media["schema"])
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        for name, example in media.get("examples", {}).items():
            for broken in validator.iter_errors(example["value"]):
                at_fault = (*at, "examples", name, "value", *broken.instance_path)
                yield at_fault, shortened(broken.message), "a valid example"


def _keywords(loaded: LoadedContract) -> Iterator[tuple[Pointer, str, str]]:
    document = loaded.file.document
    named = document["components"]["schemas"].items()
    schemas = [(("components", "schemas", name), schema) for name, schema in named]
    for pointer, schema in (*schemas, *found_below(document, "schema")):
        for at, part in _parts(schema, pointer):
            for name in _NOT_FOR_PRISM:
                if name in part:
                    yield (*at, name), f"the keyword {name}", "another one: Prism gets it wrong"


def _parts(schema: object, pointer: Pointer) -> Iterator[tuple[Pointer, Mapping[str, Any]]]:
    """The schema and those within it; what stands below properties is named, and no keyword."""
    if not isinstance(schema, dict):
        return
    yield pointer, schema
    for keyword, below in schema.items():
        where = (*pointer, keyword)
        if keyword in NAMED or isinstance(below, list):
            if keyword in NESTING:
                for name, part in members(below, where):
                    yield from _parts(part, (*where, name))
        elif keyword in NESTING:
            yield from _parts(below, where)


def without_sources(loaded: LoadedContract) -> Iterator[str]:
    """What is not checked where no source is beside the contract, as for a fork."""
    quoted = {entry["source"] for _, entry in evidence(loaded.file.document) if "quote" in entry}
    if quoted and quoted.isdisjoint(_texts(loaded)):
        yield "quotes, the sources are not beside the contract"


def _texts(loaded: LoadedContract) -> dict[str, str]:
    """The letters of each source that is kept beside the contract."""
    return {
        name: _letters(path.read_text("utf-8", errors="replace"))
        for name, source in loaded.file.document["x-sources"].items()
        if (path := _kept(loaded.file.path, source["where"])) is not None
    }


def _quotes(loaded: LoadedContract) -> Iterator[tuple[Pointer, str, str]]:
    """A quote stands in its source, where the source is kept beside the contract."""
    kept = _texts(loaded)
    for pointer, entry in evidence(loaded.file.document):
        text = kept.get(entry.get("source", ""))
        if text is not None and _letters(entry.get("quote", "")) not in text:
            yield (*pointer, "quote"), repr(entry["quote"]), f"a quote from {entry['source']}"


def _nothing_unused(loaded: LoadedContract) -> Iterator[tuple[Pointer, str, str]]:
    document = loaded.file.document
    casts = {cast for lenient, _ in _leniencies(loaded) for cast in lenient["casts"]}
    for name in document["x-casts"].keys() - casts:
        yield ("x-casts", name), "a cast that no parameter has", "one that is used"
    graded = [entry for _, entry in evidence(document)]
    cited = {entry.get("source") for entry in graded}
    reasons = " ".join(entry.get("reason", "") for entry in graded)
    for name in sorted(
        name for name in document["x-sources"].keys() - cited if name not in reasons
    ):
        yield ("x-sources", name), "a source that nothing cites", "one that is cited"


def _one_meaning_a_name(loaded: LoadedContract) -> Iterator[tuple[Pointer, str, str]]:
    """What is a former or mistaken name of one parameter is not the name of another."""
    known = [one for one in parameters(loaded).values() if one.name]
    taken = {(one.parent, squashed(one.name)): one.name for one in known}
    for one in known:
        former = [entry["name"] for entry in one.lenient.get("former", ())]
        for name in (*former, *one.lenient.get("mistaken", {}).get("names", ())):
            other = taken.setdefault((one.parent, squashed(name)), one.name)
            if other != one.name:
                at = (*one.pointer, "x-lenient")
                yield at, f"the name {name!r}, which means {other}", "one meaning for a name"


RULES: Final[Mapping[str, Rule]] = {
    "version": _version,
    "no-default-response": _no_default_response,
    "examples": _examples,
    "valid-examples": _examples_are_valid,
    "keywords-for-prism": _keywords,
    "quotes": _quotes,
    "nothing-unused": _nothing_unused,
    "one-meaning-a-name": _one_meaning_a_name,
}


def _leniencies(loaded: LoadedContract) -> Iterator[tuple[Mapping[str, Any], Pointer]]:
    for pointer, value in found_below(loaded.file.document, "x-lenient"):
        yield value, pointer


def _codes(value: Mapping[str, Any]) -> Iterator[int]:
    if "code" in value:
        yield value["code"]
    for error in value.get("errors", {}).values():
        yield error["code"]


def _kept(contract: Path, where: str) -> Path | None:
    """The source's file, looked for from where the contract stands upwards."""
    try:
        folders = contract.resolve().parents
        return next((path for folder in folders if (path := folder / where).is_file()), None)
    except OSError:
        # Longer than a name may be, as nothing that is kept.
        return None


def _letters(text: str) -> str:
    # The page's line breaks and typographic signs are not what is quoted.
    return _ONE_LETTER.sub(" ", text).strip()
