"""Loads the OpenAPI file once into a `Contract`.

Whatever the loader does not know stops the start with one line that names the place.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from unicodedata import normalize

import jsonschema_rs

from mock_server import casts
from mock_server.contract import admin_schemas
from mock_server.contract.call_terms import CallTerms
from mock_server.contract.document import (
    NAMED,
    NESTING,
    ContractError,
    ContractFile,
    Pointer,
    extensions,
    shipped,
    shipped_document,
    shortened,
)
from mock_server.contract.evidence import Evidence
from mock_server.contract.fast_check import FastCheck
from mock_server.contract.magic import Magic, MagicValue
from mock_server.contract.model import (
    Advice,
    Contract,
    Fallback,
    Field,
    FieldError,
    NamedAnswer,
    Rule,
    Terms,
    squashed,
)
from mock_server.json_values import Json

__all__ = ["Contract", "ContractError", "load"]

# What no check has foreseen; still one line, and no traceback.
_UNFORESEEN: Final = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    StopIteration,
    TypeError,
    ValueError,
)


def load(path: Path | None = None) -> Contract:
    """The contract at ``path``, by default the one that ships with the twin.

    Raises:
        ContractError: the file is missing or has something the twin does not know.
    """
    return of(ContractFile.read(path or shipped("voice-campaign.yaml")))


def of(file: ContractFile) -> Contract:
    """The contract that the file holds.

    Raises:
        ContractError: it has something the twin does not know.
    """
    try:
        return _Reader(file).contract()
    except _UNFORESEEN as error:
        found = shortened(f"something of another shape ({error!r})")
        raise file.refuse((), found, "the shape of openapi/voice-campaign.yaml") from error


# Keywords of JSON Schema that a request schema may use. Not here, because Prism gets them wrong:
# prefixItems, dependentRequired, unevaluatedProperties, contains.
_KEYWORDS: Final = frozenset(
    {
        "$ref",
        "additionalProperties",
        "default",
        "deprecated",
        "description",
        "enum",
        "examples",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
        "x-evidence",
        "x-lenient",
    }
)
# What an answer or a receipt may have besides.
_KEYWORDS_OF_ANSWERS: Final = _KEYWORDS.union(
    NESTING,
    {
        "const",
        "contentEncoding",
        "contentMediaType",
        "dependentRequired",
        "discriminator",
        "example",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "externalDocs",
        "maxProperties",
        "minProperties",
        "multipleOf",
        "readOnly",
        "uniqueItems",
        "writeOnly",
        "xml",
    },
)
# Reasons for an error besides the keywords.
_REASONS: Final = frozenset({"any", "body", "items", "query", "repeated", "required", "strict"})
# The answers that the twin gives by name.
_ANSWERS: Final = frozenset(
    {
        "accepted",
        "bad-gateway",
        "forbidden",
        "method-not-allowed",
        "not-found",
        "out-of-credit",
        "server-error",
        "simulated",
        "too-many-requests",
        "twin-failed",
        "unauthorized",
        "unavailable",
        "unreadable",
        "unsupported-language",
    }
)
_COUNTS: Final = ("maxItems", "maxLength", "minItems", "minLength")
_FORMATS: Final = frozenset({"date-time"})
_MOST_PARTS: Final = 10_000
_ANNOTATIONS: Final = frozenset(
    {"default", "deprecated", "description", "examples", "title", "x-evidence", "x-lenient"}
)


class _Reader:
    """Turns one file into a Contract; its methods only read."""

    def __init__(self, file: ContractFile) -> None:
        self._file = file
        # Each x-lenient that was read, by its identity.
        self._lenient = set[int]()
        self._cast_names = frozenset(casts.table("FR"))
        self._casts = self._rules(("x-casts",))
        for name in self._casts.keys() - self._cast_names:
            raise self._no_such(("x-casts", name), "cast", name, self._cast_names)

    def contract(self) -> Contract:
        file = self._file
        url_path, method, operation = self._operation()
        at: Pointer = ("paths", url_path, method)
        content = file.at((*at, "requestBody", "content"), at)
        media_type = next(iter(content))
        body_at = (*at, "requestBody", "content", media_type, "schema")
        for where, media in file.media(at):
            self._check_schema(media["schema"], (*where, "schema"))
        body = self._field("", file.at(body_at, at), body_at)
        self._check_campaign(body, body_at)
        narrow = self._plain(file.at(body_at), body_at, narrow=True)
        answers = self._answers(operation, at)
        for pointer, lenient in extensions(file.document):
            if pointer[-1] == "x-lenient" and id(lenient) not in self._lenient:
                found = "x-lenient of what is not a parameter of the request"
                raise file.refuse(pointer, found, "none: nothing reads it here")
        login_header, key_header = map(self._header, ("api-login", "api-key"))
        if login_header == key_header:
            where = ("components", "securitySchemes", "api-key", "name")
            raise file.refuse(where, "the header of api-login", "another one")
        return Contract(
            path=file.path,
            sha256=file.sha256,
            version=str(file.at(("info", "version"))),
            url_path=url_path,
            method=method.upper(),
            media_type=media_type,
            login_header=login_header,
            key_header=key_header,
            body=body,
            clean=self._validator(narrow, body_at).is_valid,
            fast_check=FastCheck.of(narrow),
            rules=self._rules(("x-rules",)),
            casts=self._casts,
            decoding=self._rules((*at, "requestBody", "x-decoding")),
            answers=answers,
            terms=self._terms((*at, "x-campaign"), body, answers),
            magic=self._magic(answers),
            calls=self._calls(),
            sources=file.at(("x-sources",)),
        )

    def _operation(self) -> tuple[str, str, Mapping[str, Any]]:
        operations = [
            (url_path, method, operation)
            for url_path, item in self._file.at(("paths",)).items()
            for method, operation in item.items()
            if method in {"get", "put", "post", "delete", "patch"}
        ]
        if len(operations) != 1:
            raise self._file.refuse(
                ("paths",), f"{len(operations)} operations", "exactly one, the send"
            )
        self._file.check("operation", ("paths", *operations[0][:2]))
        return operations[0]

    def _header(self, scheme: str) -> str:
        # To HTTP Api-Key and api-key are the same, and requests are kept in lower case.
        return str(self._file.at(("components", "securitySchemes", scheme, "name"))).lower()

    # ── schemas ──────────────────────────────────────────────────────

    def _check_schema(self, schema: Any, at: Pointer) -> None:  # noqa: ANN401  (a YAML value)
        """Refuse a schema that is none or never ends, at the part where it goes wrong."""
        left = _MOST_PARTS
        open_parts: list[tuple[Any, Pointer, tuple[Pointer, ...]]] = [(schema, at, ())]
        while open_parts:
            part, where, above = open_parts.pop()
            left -= 1
            if left < 0:
                raise self._file.refuse(at, f"more than {_MOST_PARTS} parts", "a smaller schema")
            if not isinstance(part, Mapping):
                found = shortened(f"{part!r}, which is not an object")
                raise self._file.refuse(where, found, "a JSON Schema")
            asked_from = where
            part, where = self._file.follow(part, where)
            if not isinstance(part, Mapping):
                raise self._file.refuse(where, "something that is not an object", "a JSON Schema")
            if where in above:
                raise self._file.refuse(asked_from, "a schema within itself", "one that ends")
            for keyword in sorted(part.keys() - _KEYWORDS_OF_ANSWERS):
                raise self._no_such((*where, keyword), "keyword", keyword, _KEYWORDS_OF_ANSWERS)
            self._validator({k: v for k, v in part.items() if k not in NESTING}, where)
            open_parts += [
                (below, (*where, *pointer), (*above, where))
                for pointer, below in reversed(list(self._below(part, where)))
            ]

    def _below(self, schema: Mapping[str, Any], at: Pointer) -> Iterator[tuple[Pointer, Any]]:
        for keyword, kind in NESTING.items():
            value = schema.get(keyword)
            if isinstance(value, bool) or keyword not in schema:
                continue
            if not isinstance(value, kind):
                raise self._file.refuse(
                    (*at, keyword), shortened(repr(value)), "schemas" if kind is list else "a map"
                )
            if keyword in NAMED:
                yield from (((keyword, name), below) for name, below in value.items())
            elif kind is list:
                yield from (((keyword, n), below) for n, below in enumerate(value))
            else:
                yield (keyword,), value

    # ── rules ────────────────────────────────────────────────────────

    def _rules(self, at: Pointer) -> dict[str, Rule]:
        return {name: _rule(name, entry) for name, entry in self._file.at(at).items()}

    def _answers(self, operation: Mapping[str, Any], at: Pointer) -> dict[str, NamedAnswer]:
        answers = {
            name: NamedAnswer(name, entry["status"], entry["value"], _evidence(entry["evidence"]))
            for name, entry in self._file.at(("x-answers",)).items()
        }
        for status, response in operation["responses"].items():
            for media_type, media in response.get("content", {}).items():
                for name, example in media.get("examples", {}).items():
                    where = (*at, "responses", status, "content", media_type, "examples", name)
                    for key in ("x-status", "x-evidence"):
                        if key not in example:
                            raise self._file.refuse(
                                where, f"no {key}", "the status and the evidence of the answer"
                            )
                    answers[name] = NamedAnswer(
                        name,
                        example["x-status"],
                        example["value"],
                        _evidence(example["x-evidence"]),
                    )
        for name in _ANSWERS - answers.keys():
            raise self._file.refuse(
                (*at, "responses"), f"no example {name!r}", "one; the twin gives it"
            )
        return answers

    def _magic(self, answers: Mapping[str, NamedAnswer]) -> Magic:
        entry = self._file.at(("x-magic",))
        for number, value in entry["numbers"].items():
            where: Pointer = ("x-magic", "numbers", number)
            self._check_number(number, where, entry)
            self._check_fault(value["fault"], (*where, "fault"), answers["accepted"].value)
            if value["fault"].get("answer") not in {None, *answers}:
                raise self._no_such(where, "answer", value["fault"]["answer"], answers)
        for key, value in entry["keys"].items():
            if value["answer"] not in answers:
                raise self._no_such(("x-magic", "keys", key), "answer", value["answer"], answers)
        return Magic(
            keys=_magic_values(entry["keys"], lambda value: {"answer": value["answer"]}),
            logins=_magic_values(entry["logins"], lambda value: value["settings"]),
            numbers=_magic_values(entry["numbers"], lambda value: value["fault"]),
            ranges=tuple(entry["ranges"]),
            evidence=_evidence(entry["evidence"]),
        )

    def _calls(self) -> CallTerms:
        """What a call is; a contract that does not state it has the shipped one's."""
        if "x-calls" not in self._file.document:
            return CallTerms.of(shipped_document("voice-campaign.yaml")["x-calls"])
        entry = self._file.at(("x-calls",))
        for name, outcome in entry["outcomes"].items():
            for generation, status in outcome["statuses"].items():
                known = frozenset(entry["generations"][generation]["statuses"])
                if status not in known:
                    at = ("x-calls", "outcomes", name, "statuses", generation)
                    raise self._no_such(at, "status", status, known)
        magic = self._file.at(("x-magic",))
        checker = admin_schemas.validator("PhoneSettings")
        for number, one in entry["phones"]["numbers"].items():
            where = ("x-calls", "phones", "numbers", number)
            self._check_number(number, where, magic)
            if number in magic["numbers"]:
                raise self._file.refuse(
                    where, "a number of x-magic.numbers", "one that forces nothing yet"
                )
            for error in checker.iter_errors(one["phone"]):
                at_fault = (*where, "phone", *error.instance_path)
                expected = "PhoneSettings of openapi/twin.yaml"
                raise self._file.refuse(at_fault, shortened(error.message), expected)
        return CallTerms.of(entry)

    def _check_number(self, number: str, at: Pointer, magic: Mapping[str, Any]) -> None:
        """Refuse a magic number at which a phone may ring."""
        if not number.startswith(tuple(kept["prefix"] for kept in magic["ranges"])):
            raise self._file.refuse(at, "a number that may ring", "one of x-magic.ranges")

    def _check_fault(
        self, fault: Mapping[str, Any], at: Pointer, accepted: Mapping[str, Json]
    ) -> None:
        checker = admin_schemas.validator(admin_schemas.fault_schemas()[fault["fault"]])
        for error in checker.iter_errors(fault):
            if error.instance_path == ["field"] and fault["field"] in accepted:
                continue  # The control plane lists those of the shipped contract.
            where = (*at, *error.instance_path)
            raise self._file.refuse(where, shortened(error.message), "a fault of openapi/twin.yaml")

    def _terms(self, at: Pointer, body: Field, answers: Mapping[str, NamedAnswer]) -> Terms:
        entry = self._file.at(at)
        flag, names = entry["opt_out_flag"], entry["answer"]
        if flag not in body.members:
            raise self._no_such((*at, "opt_out_flag"), "parameter", flag, body.members)
        for answer in ("accepted", "simulated"):
            members = answers[answer].value
            for meaning, name in names.items():
                if name not in members:
                    where = (*at, "answer", meaning)
                    raise self._no_such(where, f"member of {answer!r}", name, members)
        ticket = answers["simulated"].value[names["ticket"]]
        if not isinstance(ticket, str):
            where = (*at, "answer", "ticket")
            raise self._file.refuse(where, f"the ticket {ticket!r} in 'simulated'", "a text")
        return Terms(
            opening_credit=Decimal(entry["opening_credit"]["value"]),
            price=Decimal(entry["price"]["value"]),
            billing_step=entry["billing_step"]["value"],
            characters_a_second=entry["characters_a_second"]["value"],
            request_id_hours=entry["request_id_hours"]["value"],
            smallest_frame=entry["smallest_frame"]["value"],
            largest_frame=entry["largest_frame"]["value"],
            default_region=entry["default_region"]["value"],
            opt_out_flag=flag,
            answer=names,
            ticket_prefix=ticket.rstrip("0"),
            checks=self._rules((*at, "checks")),
            evidence={
                name: _evidence(term["evidence"])
                for name, term in entry.items()
                if "evidence" in term
            },
        )

    # ── fields ────────────────────────────────────────────────────────

    def _field(self, name: str, schema: Mapping[str, Any], at: Pointer) -> Field:
        if "$ref" in schema:
            # What stands beside it may take the place of that behind it, which is read elsewhere.
            behind, _ = self._file.follow({"$ref": schema["$ref"]}, at)
            self._lenient.add(id(behind.get("x-lenient")))
        schema, at = self._file.follow(schema, at)
        for key in ("x-lenient", "x-evidence"):
            if key not in schema:
                raise self._file.refuse(at, f"no {key}", "one on every request parameter")
        alike = dict[str, str]()
        for member in schema.get("properties", {}):
            if not member or not {".", "["}.isdisjoint(member):
                where = (*at, "properties", member)
                raise self._file.refuse(where, f"the name {member!r}", "one without . and [")
            if (other := alike.setdefault(squashed(normalize("NFKC", member)), member)) != member:
                raise self._file.refuse(
                    (*at, "properties", member),
                    f"{member!r}, which is {other!r} but for case and separators",
                    "a name of its own",
                )
        lenient = schema["x-lenient"]
        self._lenient.add(id(lenient))
        plain = self._plain(schema, at)
        accepts = self._validator(plain, at)
        itemless = {keyword: value for keyword, value in plain.items() if keyword != "items"}
        whole = self._validator(itemless, at)
        members = {
            member: self._field(member, entry, (*at, "properties", member))
            for member, entry in schema.get("properties", {}).items()
        }
        names = _spellings(members, lambda member: (*member.former, member.name))
        default, default_evidence = self._default(schema, at, accepts)
        mistaken = lenient.get("mistaken", {"names": ()})
        return Field(
            name=name,
            valid=_summary(plain),
            valid_evidence=_evidence(schema["x-evidence"]),
            accepts=accepts.is_valid,
            refusing_keyword=lambda value: _keyword(whole, value),
            casts=tuple(
                self._cast(cast, (*at, "x-lenient", "casts", n))
                for n, cast in enumerate(lenient["casts"])
            ),
            fallback=Fallback(lenient["fallback"]),
            evidence=_evidence(lenient["evidence"]),
            errors=self._errors(lenient["errors"], (*at, "x-lenient", "errors")),
            default=default,
            default_evidence=default_evidence,
            former={
                entry["name"]: _evidence(entry["evidence"]) for entry in lenient.get("former", ())
            },
            mistaken={name: _evidence(mistaken["evidence"]) for name in mistaken["names"]},
            advice=self._advice(lenient.get("advice", ()), (*at, "x-lenient", "advice")),
            high_stakes=lenient.get("stakes") == "high",
            required=frozenset(schema.get("required", ())),
            members=members,
            names=names,
            spellings=_spellings(members, lambda member: member.mistaken) | names,
            items=self._field("", schema["items"], (*at, "items")) if "items" in schema else None,
            whole=whole.is_valid,
        )

    def _errors(self, errors: Mapping[str, Any], at: Pointer) -> dict[str, FieldError]:
        for reason in errors:
            if reason not in _KEYWORDS | _REASONS:
                raise self._no_such((*at, reason), "reason", reason, _KEYWORDS | _REASONS)
        return {
            reason: FieldError(error["code"], error["message"], _evidence(error["evidence"]))
            for reason, error in errors.items()
        }

    def _advice(self, entries: Sequence[Mapping[str, Any]], at: Pointer) -> tuple[Advice, ...]:
        advice = list[Advice]()
        for index, entry in enumerate(entries):
            where = (*at, index, "schema")
            self._check_schema(entry["schema"], where)
            fits = self._validator(self._plain(entry["schema"], where), where).is_valid
            advice.append(Advice(_rule(entry["name"], entry), fits))
        return tuple(advice)

    def _check_campaign(self, body: Field, at: Pointer) -> None:
        """Refuse a body without the parameters by which the twin decides."""
        for name in ("text", "recipients"):
            if name not in body.required:
                raise self._file.refuse(at, f"no required {name!r}", "it; nothing is sent without")
        contact = body.members["recipients"].items
        if contact is None or "phone_number" not in contact.required:
            raise self._file.refuse(
                at, "no required 'phone_number' in a contact", "it; nobody is called without"
            )
        simulation = body.members.get("simulation_mode")
        if simulation is None or not simulation.accepts(True):  # noqa: FBT003  (a JSON value)
            raise self._file.refuse(
                at, "no boolean 'simulation_mode'", "it; without it all is real"
            )
        send_at = body.members.get("send_at")
        if send_at is not None and send_at.accepts("2018-10-03T07:42:39"):
            raise self._file.refuse(at, "a 'send_at' without offset", "format: date-time")

    def _check_keywords(self, schema: Mapping[str, Any], at: Pointer) -> None:
        for keyword in sorted(schema.keys() - _KEYWORDS):
            raise self._no_such((*at, keyword), "keyword", keyword, _KEYWORDS)
        if (form := schema.get("format")) not in {None, *_FORMATS}:
            raise self._no_such((*at, "format"), "format", form, _FORMATS)
        if "properties" in schema and schema.get("additionalProperties") is not False:
            raise self._file.refuse(
                at,
                "an object open to any name",
                "additionalProperties: false, so that unknown names are noted",
            )
        for name in schema.get("required", ()):
            if name not in schema.get("properties", {}):
                raise self._no_such(
                    (*at, "required"), "property", name, schema.get("properties", {})
                )

        if schema.get("enum") == []:
            raise self._file.refuse((*at, "enum"), "an empty list", "a value or more")
        for keyword in _COUNTS:
            if isinstance(schema.get(keyword), float):
                raise self._file.refuse((*at, keyword), str(schema[keyword]), "an integer")
        try:
            re.compile(schema.get("pattern", ""))
        except re.error as error:
            found = shortened(f"a pattern that Python cannot read ({error})")
            raise self._file.refuse((*at, "pattern"), found, "one that clients can use") from error

    def _cast(self, name: str, at: Pointer) -> Rule:
        if name not in self._cast_names:
            raise self._no_such(at, "cast", name, self._cast_names)
        if name not in self._casts:
            raise self._file.refuse(
                at, f"the cast {name!r} without evidence", "an entry under x-casts"
            )
        return self._casts[name]

    def _default(
        self, schema: Mapping[str, Any], at: Pointer, accepts: jsonschema_rs.Draft202012Validator
    ) -> tuple[Json, Evidence | None]:
        lenient = schema["x-lenient"]
        entry = lenient.get("default")
        where = (*at, "x-lenient", "default")
        if entry is None:
            if "default" in schema or lenient["fallback"] == Fallback.DEFAULT:
                raise self._file.refuse(
                    (*at, "x-lenient"), "a default without evidence", "x-lenient.default"
                )
            return None, None
        if ("value" in entry) == ("default" in schema):
            raise self._file.refuse(
                where,
                "two defaults, or none",
                "a value here, or a default in the schema (which every client then sends)",
            )
        default = entry["value"] if "value" in entry else schema["default"]
        if not accepts.is_valid(default):
            raise self._file.refuse(
                where, f"the default {default!r}, which is not valid", "a value the schema accepts"
            )
        return default, _evidence(entry["evidence"])

    def _plain(
        self, schema: Mapping[str, Any], at: Pointer, *, narrow: bool = False
    ) -> dict[str, Any]:
        """The schema without references and annotations; ``narrow`` adds the readings of advice."""
        schema, at = self._file.follow(schema, at)
        self._check_keywords(schema, at)
        plain = {keyword: value for keyword, value in schema.items() if keyword not in _ANNOTATIONS}
        if "properties" in plain:
            plain["properties"] = {
                name: self._plain(member, (*at, "properties", name), narrow=narrow)
                for name, member in plain["properties"].items()
            }
        for keyword in ("items", "additionalProperties"):
            if isinstance(plain.get(keyword), Mapping):
                plain[keyword] = self._plain(plain[keyword], (*at, keyword), narrow=narrow)
        if narrow and (advice := schema.get("x-lenient", {}).get("advice")):
            where = (*at, "x-lenient", "advice")
            plain["allOf"] = [
                self._plain(entry["schema"], (*where, index, "schema"))
                for index, entry in enumerate(advice)
            ]
        return plain

    def _validator(
        self, schema: Mapping[str, Any], at: Pointer
    ) -> jsonschema_rs.Draft202012Validator:
        try:
            return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)
        except jsonschema_rs.ValidationError as error:
            where = (*at, *error.instance_path)
            raise self._file.refuse(where, shortened(error.message), "a JSON Schema") from error

    def _no_such(
        self, at: Pointer, kind: str, name: object, known: Mapping[str, Any] | frozenset[str]
    ) -> ContractError:
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"{near[0]!r}?" if near else f"one of {', '.join(sorted(known))}"
        return self._file.refuse(at, f"no such {kind} {name!r}", hint)


def _spellings(
    members: Mapping[str, Field], of: Callable[[Field], Iterable[str]]
) -> dict[str, str]:
    """Each squashed spelling with the name of its member."""
    return {
        squashed(spelling): member.name for member in members.values() for spelling in of(member)
    }


def _magic_values(
    entries: Mapping[str, Any], does: Callable[[Mapping[str, Any]], Mapping[str, Json]]
) -> dict[str, MagicValue]:
    return {
        value: MagicValue(value, entry["summary"], does(entry)) for value, entry in entries.items()
    }


def _summary(plain: Mapping[str, Any]) -> str:
    """What a schema asks of the value itself, such as ``type string, minLength 1``."""
    parts = list[str]()
    for keyword, value in plain.items():
        shown = " or ".join(map(str, value)) if isinstance(value, list) else str(value).lower()
        if keyword not in {"properties", "items", "additionalProperties"}:
            parts.append(f"{keyword} {value if keyword == 'pattern' else shown}")
    return ", ".join(parts)


def _rule(name: str, entry: Mapping[str, Any]) -> Rule:
    return Rule(name, entry["summary"], _evidence(entry["evidence"]), entry.get("stakes") == "high")


def _evidence(entry: Mapping[str, str]) -> Evidence:
    return Evidence(**entry)


def _keyword(validator: jsonschema_rs.Draft202012Validator, value: Json) -> str:
    """The JSON Schema keyword by which the validator refuses the value itself."""
    errors = sorted(validator.iter_errors(value), key=lambda error: len(error.instance_path))
    return str(errors[0].schema_path[-1]) if errors else "any"
