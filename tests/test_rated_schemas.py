"""Each change of a schema, and how bad it is for who sends and for who reads.

What `vms.contracts.diff.meanings`, `vms.contracts.diff.shapes` and
`vms.contracts.diff.schema_differ` make of it.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openapi_documents import PLACES, document, edited, findings, rated
from vms.contracts.diff.comparison import comparison
from vms.contracts.diff.findings import Severity

TEXT = {"type": "string"}
OBJECT = {"type": "object", "properties": {"a": TEXT, "b": TEXT}}
CAT = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "cat"}}}
DOG = {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "dog"}}}


def with_(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return schema | more


# Each: before, after, rated in a request's body, rated in an answer.
CHANGED: dict[str, tuple[Any, Any, str, str]] = {
    # Types
    "a type where there was none": ({}, TEXT, "breaking type-narrowed", "harmless type-narrowed"),
    "no type where there was one": (TEXT, {}, "harmless type-widened", "breaking type-widened"),
    "an integer becomes a number": (
        {"type": "integer"},
        {"type": "number"},
        "harmless type-widened",
        "breaking type-widened",
    ),
    "a number becomes an integer": (
        {"type": "number"},
        {"type": "integer"},
        "breaking type-narrowed",
        "harmless type-narrowed",
    ),
    "a text becomes a number": (
        TEXT,
        {"type": "number"},
        "breaking type-changed",
        "breaking type-changed",
    ),
    "null is allowed": (
        TEXT,
        {"type": ["string", "null"]},
        "harmless null-allowed",
        "breaking null-allowed",
    ),
    "null is refused": (
        {"anyOf": [TEXT, {"type": "null"}]},
        TEXT,
        "breaking null-refused",
        "harmless null-refused",
    ),
    "nothing is valid any more": (True, False, "breaking type-narrowed", "harmless type-narrowed"),
    # Values
    "a value less": (
        {"enum": ["a", "b"]},
        {"enum": ["a"]},
        "breaking enum-value-removed",
        "harmless enum-value-removed",
    ),
    "a value more": (
        {"enum": ["a"]},
        {"enum": ["a", "b"]},
        "harmless enum-value-added",
        "warning enum-value-added",
    ),
    "another constant": (
        {"const": "a"},
        {"const": "b"},
        "breaking enum-value-removed",
        "warning enum-value-added",
    ),
    "any text becomes one of some": (
        TEXT,
        with_(TEXT, enum=["a"]),
        "breaking enum-set",
        "harmless enum-set",
    ),
    "one of some becomes any text": (
        with_(TEXT, enum=["a"]),
        TEXT,
        "harmless enum-dropped",
        "warning enum-dropped",
    ),
    "a list for some": (
        {"enum": ["a", 1]},
        {"enum": ["a", True]},
        "breaking enum-value-removed type-changed",
        "breaking type-changed",
    ),
    # Defaults
    "another default": (
        with_(TEXT, default="a"),
        with_(TEXT, default="b"),
        "warning default-changed",
        "",
    ),
    "a default that is true, no longer 1": (
        {"default": 1},
        {"default": True},
        "warning default-changed",
        "",
    ),
    "a default of null": (TEXT, with_(TEXT, default=None), "warning default-set", ""),
    "no default any more": (with_(TEXT, default="a"), TEXT, "warning default-dropped", ""),
    # Bounds
    "a first bound": (TEXT, with_(TEXT, maxLength=9), "warning bound-set", "harmless bound-set"),
    "a tighter bound": (
        with_(TEXT, maxLength=9),
        with_(TEXT, maxLength=8),
        "breaking bound-tightened",
        "harmless bound-tightened",
    ),
    "a looser bound": (
        with_(TEXT, minLength=2),
        with_(TEXT, minLength=1),
        "harmless bound-loosened",
        "breaking bound-loosened",
    ),
    "no bound any more": (
        {"type": "integer", "minimum": 0},
        {"type": "integer"},
        "harmless bound-dropped",
        "breaking bound-dropped",
    ),
    "the bound itself is excluded": (
        {"type": "integer", "maximum": 9},
        {"type": "integer", "exclusiveMaximum": 9},
        "breaking bound-tightened",
        "harmless bound-tightened",
    ),
    "the bound itself is no longer excluded": (
        {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
        {"type": "integer", "minimum": 0},
        "harmless bound-loosened",
        "breaking bound-loosened",
    ),
    "fewer members than are described": (
        OBJECT,
        with_(OBJECT, maxProperties=1),
        "breaking bound-tightened",
        "harmless bound-tightened",
    ),
    "a multiple where any number was": (
        {"type": "integer"},
        {"type": "integer", "multipleOf": 5},
        "breaking bound-tightened",
        "harmless bound-tightened",
    ),
    "a multiple of the multiple": (
        {"multipleOf": 5},
        {"multipleOf": 10},
        "breaking bound-tightened",
        "harmless bound-tightened",
    ),
    "a part of the multiple": (
        {"multipleOf": 10},
        {"multipleOf": 5},
        "harmless bound-loosened",
        "breaking bound-loosened",
    ),
    "any number where a multiple was": (
        {"multipleOf": 10},
        {},
        "harmless bound-loosened type-widened",
        "breaking bound-loosened type-widened",
    ),
    "another multiple": (
        {"multipleOf": 3},
        {"multipleOf": 5},
        "breaking bound-changed",
        "breaking bound-changed",
    ),
    "items must differ": (
        {"type": "array"},
        {"type": "array", "uniqueItems": True},
        "breaking bound-tightened",
        "harmless bound-tightened",
    ),
    "items need not differ": (
        {"type": "array", "uniqueItems": True},
        {"type": "array"},
        "harmless bound-loosened",
        "breaking bound-loosened",
    ),
    "a bound where it was written that there is none": (
        with_(TEXT, minLength=0),
        with_(TEXT, minLength=1),
        "breaking bound-tightened",
        "harmless bound-tightened",
    ),
    # Patterns and formats
    "a first pattern": (
        TEXT,
        with_(TEXT, pattern="^a"),
        "breaking pattern-tightened",
        "harmless pattern-tightened",
    ),
    "another pattern": (
        with_(TEXT, pattern="^a"),
        with_(TEXT, pattern="^b"),
        "breaking pattern-changed",
        "breaking pattern-changed",
    ),
    "a pattern that anything fits": (
        with_(TEXT, pattern="^a"),
        with_(TEXT, pattern="^.*$"),
        "harmless pattern-loosened",
        "breaking pattern-loosened",
    ),
    "a first format": (
        TEXT,
        with_(TEXT, format="email"),
        "breaking format-tightened",
        "harmless format-tightened",
    ),
    "a format less": (
        with_(TEXT, format="email"),
        TEXT,
        "harmless format-loosened",
        "breaking format-loosened",
    ),
    "a larger integer": (
        {"type": "integer", "format": "int32"},
        {"type": "integer", "format": "int64"},
        "harmless format-loosened",
        "breaking format-loosened",
    ),
    "a smaller number": (
        {"type": "number", "format": "double"},
        {"type": "number", "format": "float"},
        "breaking format-tightened",
        "harmless format-tightened",
    ),
    "a number of another format": (
        {"type": "integer", "format": "int64"},
        {"type": "number", "format": "double"},
        "harmless type-widened",
        "breaking type-widened",
    ),
    "another format": (
        with_(TEXT, format="date"),
        with_(TEXT, format="date-time"),
        "breaking format-changed",
        "breaking format-changed",
    ),
    # Members
    "a member more": (
        {"type": "object"},
        {"type": "object", "properties": {"a": TEXT}},
        "harmless member-added",
        "harmless member-added",
    ),
    "a member that must be there": (
        {"type": "object"},
        {"type": "object", "properties": {"a": TEXT}, "required": ["a"]},
        "breaking required-member-added",
        "harmless required-member-added",
    ),
    "a member less": (
        OBJECT,
        {"type": "object", "properties": {"a": TEXT}},
        "warning member-removed",
        "warning member-removed",
    ),
    "a member less, of those always there": (
        with_(OBJECT, required=["b"]),
        {"type": "object", "properties": {"a": TEXT}},
        "warning member-removed",
        "breaking required-member-removed",
    ),
    "a member less where no other may be": (
        with_(OBJECT, additionalProperties=False),
        {"type": "object", "properties": {"a": TEXT}, "additionalProperties": False},
        "breaking member-removed-from-closed",
        "warning member-removed",
    ),
    "a member that becomes required": (
        OBJECT,
        with_(OBJECT, required=["a"]),
        "breaking member-became-required",
        "harmless member-became-required",
    ),
    "a member that becomes optional": (
        with_(OBJECT, required=["a"]),
        OBJECT,
        "harmless member-became-optional",
        "breaking member-became-optional",
    ),
    "another name": (
        {"properties": {"phone_number": TEXT}},
        {"properties": {"phoneNumber": TEXT}},
        "warning member-renamed",
        "warning member-renamed",
    ),
    "another name of what must be there": (
        {"properties": {"phone_number": TEXT}, "required": ["phone_number"]},
        {"properties": {"phoneNumber": TEXT}, "required": ["phoneNumber"]},
        "breaking required-member-renamed",
        "breaking required-member-renamed",
    ),
    "required, and described nowhere": (
        {"type": "object"},
        {"type": "object", "required": ["a"]},
        "breaking required-member-added",
        "harmless required-member-added",
    ),
    "described nowhere, and no longer required": (
        {"type": "object", "required": ["a"]},
        {"type": "object"},
        "harmless member-became-optional",
        "breaking member-became-optional",
    ),
    "described, and no longer required": (
        {"type": "object", "required": ["a"]},
        {"type": "object", "properties": {"a": {}}},
        "harmless member-became-optional",
        "breaking member-became-optional",
    ),
    "required, and described at last": (
        {"type": "object", "required": ["a"]},
        {"type": "object", "required": ["a"], "properties": {"a": TEXT}},
        "breaking type-narrowed",
        "harmless type-narrowed",
    ),
    "a member that only answers have": (
        OBJECT,
        {"type": "object", "properties": {"a": TEXT, "b": with_(TEXT, readOnly=True)}},
        "warning member-hidden",
        "",
    ),
    "a member that only requests have": (
        OBJECT,
        {"type": "object", "properties": {"a": TEXT, "b": with_(TEXT, writeOnly=True)}},
        "",
        "warning member-removed",
    ),
    "no other members": (
        OBJECT,
        with_(OBJECT, additionalProperties=False),
        "breaking closed",
        "harmless closed",
    ),
    "other members": (
        with_(OBJECT, unevaluatedProperties=False),
        OBJECT,
        "harmless opened",
        "harmless opened",
    ),
    "other members of a type": (
        OBJECT,
        with_(OBJECT, additionalProperties=TEXT),
        "breaking others-narrowed",
        "harmless others-narrowed",
    ),
    "other members of any type": (
        with_(OBJECT, additionalProperties=TEXT),
        OBJECT,
        "harmless others-widened",
        "breaking others-widened",
    ),
    "other members of another type": (
        {"additionalProperties": TEXT},
        {"additionalProperties": {"type": "integer"}},
        "breaking type-changed",
        "breaking type-changed",
    ),
    "a member that must be there and is never sent": (
        {"properties": {"a": TEXT}},
        {"properties": {"a": TEXT, "b": with_(TEXT, readOnly=True)}, "required": ["b"]},
        "",
        "harmless required-member-added",
    ),
    "another name where no other may be": (
        {"properties": {"remark": TEXT}, "additionalProperties": False},
        {"properties": {"remarks": TEXT}, "additionalProperties": False},
        "breaking closed-member-renamed",
        "warning member-renamed",
    ),
    # Items
    "items of a type": (
        {"type": "array"},
        {"type": "array", "items": TEXT},
        "breaking type-narrowed",
        "harmless type-narrowed",
    ),
    "items of any type": (
        {"type": "array", "items": TEXT},
        {"type": "array"},
        "harmless type-widened",
        "breaking type-widened",
    ),
    "items with a bound": (
        {"type": "array"},
        {"type": "array", "items": {"maxLength": 9}},
        "warning bound-set",
        "harmless bound-set",
    ),
    "items with another bound": (
        {"items": with_(TEXT, maxLength=9)},
        {"items": with_(TEXT, maxLength=8)},
        "breaking bound-tightened",
        "harmless bound-tightened",
    ),
    # Alternatives
    "a shape more": (
        {"oneOf": [CAT]},
        {"oneOf": [CAT, DOG]},
        "harmless alternative-added",
        "breaking alternative-added",
    ),
    "a shape less": (
        {"anyOf": [CAT, DOG]},
        {"anyOf": [DOG]},
        "breaking alternative-removed",
        "harmless alternative-removed",
    ),
    "a plain schema becomes one of two": (
        CAT,
        {"oneOf": [CAT, DOG]},
        "harmless alternative-added",
        "breaking alternative-added",
    ),
    "a choice of what it was, or null": (
        {"type": "string", "nullable": True},
        {"oneOf": [TEXT, {"type": "array"}], "nullable": True},
        "harmless type-widened",
        "breaking type-widened",
    ),
    "a choice of what it was, with null as a schema": (
        {"type": ["string", "null"]},
        {"anyOf": [TEXT, {"type": "array"}, {"type": "null"}]},
        "harmless type-widened",
        "breaking type-widened",
    ),
    "null among a choice": (
        {"anyOf": [TEXT, {"type": "array"}]},
        {"anyOf": [TEXT, {"type": "array"}, {"type": "null"}]},
        "harmless null-allowed",
        "breaking null-allowed",
    ),
    "a choice of what it was": (
        with_(TEXT, maxLength=9),
        {"type": "string", "maxLength": 9, "anyOf": [{}, {"pattern": "^a"}]},
        "harmless alternative-added",
        "breaking alternative-added",
    ),
    "a member of the later shape": (
        {"oneOf": [CAT, DOG]},
        {"oneOf": [CAT, with_(DOG, required=["kind", "name"])]},
        "breaking required-member-added",
        "harmless required-member-added",
    ),
    "shapes of the same titles": (
        {"oneOf": [with_(TEXT, title="A", maxLength=1), with_(TEXT, title="B", maxLength=2)]},
        {"oneOf": [with_(TEXT, title="B", maxLength=3), with_(TEXT, title="A", maxLength=4)]},
        "harmless bound-loosened",
        "breaking bound-loosened",
    ),
    "a shape of the same title": (
        {"oneOf": [with_(TEXT, title="A"), with_(OBJECT, title="B")]},
        {"oneOf": [{"type": "integer", "title": "A"}, with_(OBJECT, title="B")]},
        "breaking type-changed",
        "breaking type-changed",
    ),
    "one shape at a time": (
        {"anyOf": [CAT, DOG]},
        {"oneOf": [CAT, DOG]},
        "warning one-shape-only",
        "harmless one-shape-only",
    ),
    "several shapes at once": (
        {"oneOf": [CAT, DOG]},
        {"anyOf": [CAT, DOG]},
        "harmless several-shapes",
        "warning several-shapes",
    ),
    "two choices instead of none": (
        CAT,
        {"oneOf": [CAT, DOG], "anyOf": [{"minProperties": 1}, {"maxProperties": 9}]},
        "breaking choices-changed",
        "breaking choices-changed",
    ),
    "other shapes altogether": (
        {"oneOf": [with_(TEXT, maxLength=1), {"type": "integer"}, {"type": "null"}]},
        {"oneOf": [{"type": "boolean"}, with_(TEXT, maxLength=2), {"type": "array"}]},
        "breaking type-changed",
        "breaking type-changed",
    ),
    "two shapes become others": (
        {"oneOf": [with_(TEXT, pattern="a"), with_(TEXT, pattern="b"), True]},
        {"oneOf": [with_(TEXT, pattern="c"), with_(TEXT, pattern="d")]},
        "breaking alternative-removed type-narrowed",
        "breaking alternative-added",
    ),
    "a shape of a component": (
        {"oneOf": [with_(TEXT, pattern="a"), with_(TEXT, pattern="b", title=None)]},
        {"oneOf": [with_(TEXT, pattern="a"), with_(TEXT, pattern="c")]},
        "breaking pattern-changed",
        "breaking pattern-changed",
    ),
    "null among values": (
        {"enum": ["a"], "nullable": True},
        {"enum": ["a"]},
        "breaking enum-value-removed null-refused",
        "harmless enum-value-removed null-refused",
    ),
    "another number of values": (
        {"enum": [1.5]},
        {"enum": [1.5, {}, []]},
        "harmless enum-value-added type-widened",
        "breaking type-widened",
    ),
    "multiples of two things": (
        {"allOf": [{"multipleOf": 4}, {"multipleOf": 6}]},
        {"multipleOf": 12},
        "",
        "",
    ),
    "a multiple that is none": ({"multipleOf": 0}, {"multipleOf": "x"}, "", ""),
    "the only shape": (
        {"oneOf": [with_(TEXT, maxLength=2)]},
        {"oneOf": [with_(TEXT, maxLength=1)]},
        "breaking bound-tightened",
        "harmless bound-tightened",
    ),
    "another discriminator": (
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "kind"}},
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "type"}},
        "breaking discriminator-changed",
        "breaking discriminator-changed",
    ),
    "another name of a shape": (
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "kind", "mapping": {"cat": "#a"}}},
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "kind", "mapping": {"Cat": "#a"}}},
        "breaking mapping-renamed",
        "breaking mapping-renamed",
    ),
    "a name of a shape less": (
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "kind", "mapping": {"cat": "#a"}}},
        {"oneOf": [CAT, DOG], "discriminator": {"propertyName": "kind"}},
        "breaking mapping-removed",
        "harmless mapping-removed",
    ),
    "a choice of types alone": (
        {"type": ["string", "integer"]},
        {"oneOf": [TEXT, {"type": "integer"}, {"type": "boolean"}]},
        "harmless type-widened",
        "breaking type-widened",
    ),
    # What is not understood
    "a condition more": (
        OBJECT,
        with_(OBJECT, dependentRequired={"a": ["b"]}),
        "breaking keyword-set",
        "harmless keyword-set",
    ),
    "a condition less": (
        with_(OBJECT, propertyNames=TEXT),
        OBJECT,
        "harmless keyword-dropped",
        "breaking keyword-dropped",
    ),
    "one of two conditions of a name": (
        {"allOf": [{"not": TEXT}, {"not": {"type": "integer"}}]},
        {"not": {"type": "integer"}},
        "harmless keyword-dropped",
        "breaking keyword-dropped",
    ),
    "another condition": (
        {"prefixItems": [TEXT]},
        {"prefixItems": [{}]},
        "breaking keyword-changed",
        "breaking keyword-changed",
    ),
    "items in another order": (
        {"prefixItems": [TEXT, {}]},
        {"prefixItems": [{}, TEXT]},
        "breaking keyword-changed",
        "breaking keyword-changed",
    ),
    "other names of a pattern": (
        {"patternProperties": {"^x": TEXT}},
        {"patternProperties": {"^x": {"type": "integer"}}},
        "breaking keyword-changed",
        "breaking keyword-changed",
    ),
}


@pytest.mark.parametrize(("old", "new", "sent", "read"), CHANGED.values(), ids=CHANGED)
def test_a_change_of_a_schema_is_rated_by_who_sends_and_who_reads(
    old: Any, new: Any, sent: str, read: str
) -> None:
    def of(place: str) -> str:
        return rated(findings(edited({PLACES[place]: old}), edited({PLACES[place]: new})))

    assert (of("request"), of("answer"), of("webhook")) == (sent, read, read)


@given(st.sampled_from(list(CHANGED)), st.sampled_from(list(CHANGED)))
def test_two_changes_of_schemas_are_rated_as_each(one: str, other: str) -> None:
    def of(**names: str) -> set[tuple[str, str, str]]:
        old, new = (
            {"properties": {at: CHANGED[name][side] for at, name in names.items()}}
            for side in (0, 1)
        )
        found = findings(edited({PLACES["answer"]: old}), edited({PLACES["answer"]: new}))
        return {(one.rule, one.about, str(one.severity)) for one in found}

    assert of(p=one, q=other) == of(p=one) | of(q=other)


SAME: dict[str, tuple[Any, Any]] = {
    "3.0 and 3.1 null": ({"type": "string", "nullable": True}, {"type": ["null", "string"]}),
    "null as a shape": (
        {"type": ["string", "null"]},
        {"anyOf": [TEXT, {"type": "null"}]},
    ),
    "allOf of one": ({"allOf": [TEXT], "description": "A name."}, TEXT),
    "allOf of what each says": ({"allOf": [TEXT, {"maxLength": 9}]}, with_(TEXT, maxLength=9)),
    "the tightest of some bounds": (
        {"allOf": [{"maxLength": 5, "minLength": 2}, {"maxLength": 9, "minLength": 1}]},
        {"maxLength": 5, "minLength": 2},
    ),
    "members in allOf": ({"allOf": [{"properties": {"a": TEXT}}, OBJECT]}, OBJECT),
    "a choice of types": (
        {"type": ["string", "integer", "null"]},
        {"anyOf": [TEXT, {"type": "integer", "description": "A."}, {"type": "null"}]},
    ),
    "a choice of values": (
        with_(TEXT, enum=["a", "b"]),
        {"oneOf": [{"const": "a", "title": "A"}, {"const": "b"}], "type": "string"},
    ),
    "whole numbers above": (
        {"type": "integer", "minimum": 1, "maximum": 9},
        {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
    ),
    "multiples of 1": ({"type": "integer"}, {"type": "number", "multipleOf": 1}),
    "base64 of 3.0 and 3.1": (
        with_(TEXT, format="byte"),
        with_(TEXT, contentEncoding="base64"),
    ),
    "bytes of 3.0 and 3.1": (
        with_(TEXT, format="binary"),
        with_(TEXT, contentMediaType="application/octet-stream"),
    ),
    "how it is shown": (TEXT, with_(TEXT, format="password")),
    "the order of values": ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}),
    "the order of names in a condition": (
        {"dependentRequired": {"a": ["b", "c"]}},
        {"dependentRequired": {"a": ["c", "b"]}},
    ),
    "the order and the words of a condition": (
        {"not": {"enum": ["a", {"b": [1]}], "title": "A", "properties": {"title": {"const": [2]}}}},
        {"not": {"properties": {"title": {"const": [2]}}, "enum": [{"b": [1.0]}, "a"]}},
    ),
    "the order of types": ({"type": ["null", "string"]}, {"type": ["string", "null"]}),
    "the order of names": (with_(OBJECT, required=["a", "b"]), with_(OBJECT, required=["b", "a"])),
    "the order of shapes": ({"oneOf": [CAT, DOG]}, {"oneOf": [DOG, CAT]}),
    "a constant as the only value": ({"const": 1}, {"enum": [1.0]}),
    "a list of one type": ({"type": ["string"]}, TEXT),
    "what holds anyway": ({}, {"minLength": 0, "pattern": ".*", "uniqueItems": False}),
    "additional members as they are": ({}, {"additionalProperties": True}),
    "free items": ({"items": {}}, {}),
    "words": (TEXT, with_(TEXT, title="A", description="B", examples=["c"], **{"x-d": 1})),
    "a schema that is true": (True, {}),
    "an excluded bound of 3.0 and 3.1": (
        {"minimum": 0, "exclusiveMinimum": True},
        {"exclusiveMinimum": 0},
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME)
def test_two_ways_to_write_the_same_are_no_change(old: Any, new: Any, place: str) -> None:
    one, other = edited({PLACES[place]: old}), edited({PLACES[place]: new})

    assert findings(one, other) == findings(other, one) == ()


def test_what_moves_into_components_and_back_is_no_change() -> None:
    plain = edited({PLACES["request"]: CAT})
    moved = edited(
        {
            PLACES["request"]: {"$ref": "#/components/schemas/Cat"},
            ("components", "schemas", "Cat"): CAT,
        }
    )

    assert findings(plain, moved) == findings(moved, plain) == ()


def test_what_stands_beside_a_reference_holds_too() -> None:
    components = {("components", "schemas", "Name"): TEXT}
    name = {"$ref": "#/components/schemas/Name"}
    old = edited({PLACES["request"]: name} | components)
    new = edited({PLACES["request"]: name | {"maxLength": 5}} | components)

    assert rated(findings(old, new)) == "warning bound-set"


def test_a_schema_within_itself_is_walked_once() -> None:
    def tree(size: int) -> Any:
        child = {"$ref": "#/components/schemas/Tree"}
        schema = {"properties": {"name": with_(TEXT, maxLength=size), "child": child}}
        return edited({PLACES["answer"]: child, ("components", "schemas", "Tree"): schema})

    (found,) = findings(tree(5), tree(6))

    assert (found.rule, found.about) == (
        "bound-loosened",
        "PUT /things/{id} 200 name",
    )


def test_what_changes_of_a_component_has_how_many_more_operations_use_it() -> None:
    def shared(size: int) -> Any:
        ref = {"$ref": "#/components/schemas/Outer"}
        content = {"application/json": {"schema": ref}}
        get = {"responses": {"200": {"description": "It.", "content": content}}}
        name = with_(TEXT, maxLength=size)
        return edited(
            {
                PLACES["answer"]: ref,
                ("paths", "/a"): {"get": get, "put": get},
                ("paths", "/b"): {"$ref": "#/components/pathItems/b"},
                ("components", "pathItems", "b"): {"get": get},
                ("components", "schemas", "Outer"): {
                    "properties": {"one": {"$ref": "#/components/schemas/In~1ner"}}
                },
                ("components", "schemas", "In/ner"): {
                    "properties": {"name": name, "up": {"$ref": "#/components/schemas/Outer"}}
                },
            }
        )

    (found,) = findings(shared(1), shared(2))

    assert found.what.endswith("it was maxLength 1. Operations that use it, too: 3.")


def test_a_choice_within_itself_is_walked_once() -> None:
    def tree(*more: Any) -> Any:
        child = {"$ref": "#/components/schemas/Tree"}
        node = {"type": "object", "properties": {"child": child}}
        schema = {"oneOf": [TEXT, node, *more]}
        return edited({PLACES["answer"]: child, ("components", "schemas", "Tree"): schema})

    assert rated(findings(tree(), tree({"type": "null"}))) == "breaking null-allowed"
    assert findings(tree(), tree()) == ()


def test_a_choice_of_itself_allows_what_its_others_allow() -> None:
    def tree(*more: str) -> Any:
        itself = {"$ref": "#/components/schemas/Tree"}
        schema = {"anyOf": [itself, {"type": ["string", *more]}, {"type": "boolean"}]}
        return edited({PLACES["answer"]: itself, ("components", "schemas", "Tree"): schema})

    assert rated(findings(tree(), tree("number"))) == "breaking type-widened"


def test_shapes_are_the_same_ones_by_the_names_of_their_components() -> None:
    def choice(size: int) -> Any:
        schemas = {
            ("components", "schemas", name): with_(TEXT, maxLength=size + extra)
            for name, extra in (("A", 10), ("B", 20))
        }
        refs = [{"$ref": f"#/components/schemas/{name}"} for name in "AB"]
        return edited({PLACES["answer"]: {"oneOf": refs}} | schemas)

    found = findings(choice(1), choice(2))

    assert {one.what.partition(": ")[2] for one in found} == {
        "maxLength 12; it was maxLength 11.",
        "maxLength 22; it was maxLength 21.",
    }


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]}, "/anyOf/1"),
        ({"$ref": "#/components/schemas/A", "nullable": True}, "/nullable"),
        ({"type": ["string", "null"]}, "/type"),
    ],
)
def test_null_is_found_where_it_was_allowed(schema: Any, place: str) -> None:
    component = {("components", "schemas", "A"): TEXT}
    old = edited({PLACES["answer"]: {"$ref": "#/components/schemas/A"}} | component)

    (found,) = findings(old, edited({PLACES["answer"]: schema} | component))

    assert found.old is not None
    assert found.new is not None
    at = "/" + "/".join(str(part).replace("/", "~1") for part in PLACES["answer"])
    assert (found.rule, found.old.pointer, found.new.pointer) == ("null-allowed", at, at + place)


def test_null_among_values_is_found_there() -> None:
    old = edited({PLACES["answer"]: {"type": ["string", "null"], "enum": ["a"]}})
    new = edited({PLACES["answer"]: {"type": ["string", "null"], "enum": ["a", None]}})

    places = [one.new.pointer for one in findings(old, new) if one.new]

    assert [place.rpartition("/")[2] for place in places] == ["enum", "enum"]


def test_a_shape_that_is_gone_is_found_where_it_was() -> None:
    schemas = {("components", "schemas", name): shape for name, shape in (("A", CAT), ("B", DOG))}
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in "AB"]
    old = edited({PLACES["request"]: {"oneOf": refs}} | schemas)

    (found,) = findings(old, edited({PLACES["request"]: {"oneOf": refs[:1]}} | schemas))

    assert found.old is not None
    assert found.old.pointer.endswith("/schema/oneOf/1")
    assert found.what.endswith("can no longer be: B.")


def test_a_component_is_rated_for_who_sends_it_and_for_who_reads_it() -> None:
    def shared(schema: Any) -> Any:
        name = {"$ref": "#/components/schemas/Name"}
        return edited(
            {
                PLACES["answer"]: name,
                PLACES["request"]: name,
                ("components", "schemas", "Name"): schema,
            }
        )

    found = findings(shared(with_(TEXT, maxLength=5)), shared(with_(TEXT, maxLength=6)))

    assert [str(one.severity) for one in found] == ["breaking", "harmless"]


def test_a_finding_has_the_lines_of_what_changed() -> None:
    (found,) = findings(
        edited({PLACES["request"]: with_(TEXT, maxLength=9)}),
        edited({PLACES["request"]: with_(TEXT, maxLength=8)}),
    )

    assert found.new is not None
    pointer = "/paths/~1things~1{id}/put/requestBody/content/application~1json/schema/maxLength"
    assert found.new.pointer == pointer
    lines = document(edited({PLACES["request"]: with_(TEXT, maxLength=8)})).openapi.text.split("\n")
    assert '"maxLength": 8' in lines[found.new.line - 1]


def test_a_contract_without_leniency_is_read_as_strict() -> None:
    result = comparison(document(edited({})), document(edited({PLACES["request"]: False})))

    assert (result.counted(Severity.SILENT), result.old_callers, result.next_version) == (
        0,
        None,
        "2.0.0",
    )
