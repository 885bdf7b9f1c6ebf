"""What `FastCheck` compiles, what it leaves to the general path, and what it accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import UNSET

from mock_server.contract.fast_check import FastCheck

TEXT = {"type": "string"}


def compiled(member: Any, **more: Any) -> FastCheck | None:
    """The check for an object with the one property ``a``."""
    return FastCheck.of(
        {"type": "object", "additionalProperties": False, "properties": {"a": member}, **more}
    )


ACCEPTED: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "a text": (TEXT, ["", "é", "\n", '"\\'], [1, None, []]),
    "lengths": ({**TEXT, "minLength": 1, "maxLength": 2}, ["a", "😀😀"], ["", "abc"]),
    "a pattern": ({**TEXT, "pattern": "^a+$"}, ["a", "aa"], ["", "b", "a\n"]),
    "a date": (
        {**TEXT, "format": "date-time"},
        ["2018-10-03T07:42:39-07:00"],
        ["2018-02-30T00:00:00Z", "2018-10-03", "2018-10-03t07:42:39z"],
    ),
    "a date like": (
        {**TEXT, "format": "date-time", "pattern": "^2018"},
        ["2018-10-03T07:42:39Z"],
        ["2019-10-03T07:42:39Z", "2018"],
    ),
    "an enum": ({"enum": ["a", "b"]}, ["a"], ["c", 1]),
    "a boolean or null": ({"type": ["boolean", "null"]}, [True, None], [0, "true"]),
    "a text or null": ({"type": ["string", "null"], "pattern": "^a"}, ["ab", None], ["b", 1]),
    "a number or a text": ({"type": ["integer", "string"]}, [1, "a"], [1.5, None]),
    "whole numbers": ({"type": "integer", "minimum": 0, "maximum": 9}, [0, 9], [-1, 10, 1.0, "1"]),
    "numbers": ({"type": "number"}, [1, 1.5, -0.0], ["1", 2**53 + 1, 10**400]),
    "both of two": (
        {**TEXT, "maxLength": 5, "allOf": [{"maxLength": 3}, {"pattern": "^a"}]},
        ["abc"],
        ["abcd", "b"],
    ),
    "a list of texts": (
        {"type": "array", "items": {**TEXT, "pattern": "^[ab]$"}, "maxItems": 2},
        [[], ["a", "b"]],
        [["c"], ["a\nb"], ["a"] * 3, "a"],
    ),
    "a list of dates": (
        {"type": "array", "items": {**TEXT, "format": "date-time"}},
        [["2018-10-03T07:42:39Z"]],
        [["2018"]],
    ),
    "a list of texts and nulls": (
        {"type": "array", "items": {"type": ["string", "null"]}},
        [["a", None], [None]],
        [[1]],
    ),
    "the same twice": ({**TEXT, "allOf": [TEXT]}, ["a"], [1]),
    "a list of any texts": ({"type": "array", "items": TEXT}, [["a", "b"]], [[1]]),
    "a list of odd texts": (
        {"type": "array", "items": {**TEXT, "pattern": "^[^a]$"}},
        [["b"]],
        [["a"]],
    ),
    "a list of objects": (
        {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["b"],
                "properties": {"b": {**TEXT, "pattern": "^b$"}, "c": {**TEXT, "pattern": "^c$"}},
            },
        },
        [[], [{"b": "b"}, {"b": "b", "c": "c"}]],
        [[{}], [{"b": "x"}], [{"b": "b", "c": "x"}], [{"b": "b", "d": 1}]],
    ),
    "a list of objects with nothing to check": (
        {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"b": TEXT, "c": {"type": "boolean"}},
            },
        },
        [[{}, {"b": "b", "c": True}]],
        [[{"c": "true"}]],
    ),
    "an object": (
        {"type": "object", "additionalProperties": False, "properties": {"b": TEXT}},
        [{}, {"b": "b"}],
        [{"c": 1}, "b"],
    ),
}


@pytest.mark.parametrize(("member", "good", "bad"), ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_valid_is_accepted_and_nothing_else(
    member: Any, good: list[Any], bad: list[Any]
) -> None:
    check = compiled(member)

    assert check is not None
    assert [value for value in good if check(json.dumps({"a": value}).encode()) is None] == []
    assert [value for value in bad if check(json.dumps({"a": value}).encode()) is not None] == []


LEFT = {
    "no type": {},
    "two types of number": {"type": ["integer", "number"]},
    "a list or null": {"type": ["array", "null"], "items": TEXT},
    "an unknown type": {"type": "date"},
    "an unknown keyword": {**TEXT, "contentEncoding": "base64"},
    "an enum of numbers": {"enum": [1, 2]},
    "an enum of another type": {"enum": ["a"], "type": "null"},
    "an enum with a bound": {"enum": ["a"], "maxLength": 1},
    "a bound with a fraction": {"type": "number", "minimum": 0.5},
    "another format": {**TEXT, "format": "uri"},
    "a list of anything": {"type": "array"},
    "an open object": {"type": "object"},
    "an object with another keyword": {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
    },
    "two patterns": {**TEXT, "pattern": "a", "allOf": [{"pattern": "b"}]},
    **{f"the pattern {one}": {**TEXT, "pattern": one} for one in ("(a|b)", "a*", r"\w", "^[b-a]$")},
    "many options": {**TEXT, "pattern": "^" + "a?" * 9},
}


@pytest.mark.parametrize("member", LEFT.values(), ids=LEFT)
def test_what_cannot_be_compiled_is_left_to_the_general_path(member: Any) -> None:
    check = compiled(member)

    assert check is not None
    assert check(b"{}") is not None
    assert check(b'{"a": "a"}') is None
    assert compiled(member, required=["a"]) is None


def test_an_absent_property_is_unset_whether_it_was_compiled_or_not() -> None:
    check = FastCheck.of(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {"a": TEXT, "class": TEXT, "b": {}},
        }
    )

    assert check is not None
    body = check(b'{"class": "c"}')
    assert check.getter(["a", "class"])(body) == (UNSET, "c")
    assert check.getter(["class", "b"])(body) == ("c", UNSET)
    assert check.getter(["class"])(body) == ("c",)


def test_what_is_not_an_object_is_not_compiled() -> None:
    assert FastCheck.of(TEXT) is None
    of_objects = {"type": "object", "additionalProperties": False, "minProperties": 1}
    assert FastCheck.of(of_objects) is None


def test_a_name_that_stands_twice_is_not_accepted() -> None:
    check = compiled(TEXT)

    assert check is not None
    assert check(b'{"a": "a", "a": "a"}') is None
