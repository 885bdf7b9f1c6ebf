"""From bytes to one JSON object; the table of cases is in contract_tests/cases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.json_values import same
from mock_server.reading.decoding import Decoded, ParseWarning, Unreadable, decode

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
ANY_JSON = st.recursive(
    LEAVES | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), ANY_JSON))
def test_json_is_decoded_as_python_does(value: dict[str, Any]) -> None:
    decoded = decode(json.dumps(value).encode(), JSON)

    assert isinstance(decoded, Decoded)
    assert same(decoded.value, value)
    assert decoded.warnings == ()


@given(st.binary(), st.sampled_from([JSON, FORM, "text/plain", "", "a;b=c"]))
def test_any_bytes_are_decoded_or_unreadable(raw: bytes, content_type: str) -> None:
    assert isinstance(decode(raw, content_type), Decoded | Unreadable)


FORMS: dict[str, dict[str, Any]] = {
    "text=a&sender=b": {"text": "a", "sender": "b"},
    "text=a+b%20c": {"text": "a b c"},
    "text=": {"text": ""},
    "text": {"text": ""},
    "recipients=1,2": {"recipients": "1,2"},
    "recipients[]=1&recipients[]=2": {"recipients": ["1", "2"]},
    "recipients[0]=1&recipients[5]=2": {"recipients": ["1", "2"]},
    "recipients[0][phone_number]=1&recipients[0][param1]=x": {
        "recipients": [{"phone_number": "1", "param1": "x"}]
    },
    "recipients[][phone_number]=1&recipients[][phone_number]=2": {
        "recipients": [{"phone_number": "1"}, {"phone_number": "2"}]
    },
    "recipients[1]=1&recipients[0]=2&recipients[]=3": {"recipients": ["1", "2", "3"]},
    "a[b]=1": {"a": {"b": "1"}},
    "a[0]=1&a[b]=2&a[]=3": {"a": {"0": "1", "b": "2", "1": "3"}},
    "a[b=1": {"a[b": "1"},
    "[a]=1": {"[a]": "1"},
    "a=1&a[b]=2": {"a": {"b": "2"}},
}


@pytest.mark.parametrize(("form", "value"), FORMS.items(), ids=FORMS)
def test_a_form_is_read_as_php_does(form: str, value: dict[str, Any]) -> None:
    decoded = decode(form.encode(), FORM)

    assert isinstance(decoded, Decoded)
    assert decoded.value == value


def test_json_under_the_type_of_a_form_is_json() -> None:
    assert decode(b'{"text": "a"}', FORM) == Decoded(
        {"text": "a"}, (ParseWarning("", "content_type", FORM, JSON),)
    )


def test_a_broken_object_under_the_type_of_a_form_is_broken_json() -> None:
    decoded = decode(b' {"text": ', FORM)

    assert isinstance(decoded, Unreadable)
    assert "not valid JSON" in decoded.got


UNREADABLE_FORMS = {
    "text=%ff": "byte 0xff, which is not UTF-8",
    "&".join(["a=1"] * 10_001): "more than 10000 form fields",
    "a" + "[b]" * 65 + "=1": "lists or objects more than 64 deep",
}


@pytest.mark.parametrize(("form", "got"), UNREADABLE_FORMS.items(), ids=range(3))
def test_a_form_that_cannot_be_read_says_why(form: str, got: str) -> None:
    decoded = decode(form.encode(), FORM)

    assert isinstance(decoded, Unreadable)
    assert decoded.got == got


def slips(body: str) -> list[tuple[str, str, object, object]]:
    decoded = decode(body.encode(), JSON)
    assert isinstance(decoded, Decoded)
    return [
        (warning.path, warning.rule, warning.before, warning.after) for warning in decoded.warnings
    ]


def test_every_lost_value_of_a_name_is_told() -> None:
    assert slips('{"text": 1, "text": 2, "text": 3}') == [
        ("/text", "duplicate", 1, 3),
        ("/text", "duplicate", 2, 3),
    ]


def test_a_name_that_stands_twice_inside_is_told_with_its_path() -> None:
    assert slips('{"a/b": [{"x": 1, "x": 2}]}') == [("/a~1b/0/x", "duplicate", 1, 2)]


@pytest.mark.parametrize("literal", ["9" * 400, "-" + "9" * 5000, "1e999", "-1e400"])
def test_a_number_beyond_doubles_is_the_largest_double(literal: str) -> None:
    ((path, rule, before, after),) = slips(f'{{"text": [{literal}]}}')

    assert (path, rule, before, abs(after)) == (
        "/text/0",
        "huge_number",
        literal,
        1.7976931348623157e308,
    )


def test_a_long_integer_within_doubles_stays_exact() -> None:
    decoded = decode(b'{"a": %d}' % 10**300, JSON)

    assert decoded == Decoded({"a": 10**300})


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_parameters_and_case_of_the_media_type_do_not_matter(media_type: str) -> None:
    assert decode(b"{}", media_type) == Decoded({})


@pytest.mark.parametrize("sent_as", [JSON, f"{JSON}; charset=utf-8"])
def test_a_contract_may_write_its_media_type_with_parameters(sent_as: str) -> None:
    decoded = decode(b"{}", sent_as, media_type="application/json; charset=utf-8")

    assert decoded == Decoded({})


@pytest.mark.parametrize(("deep", "kind"), [(63, Decoded), (64, Unreadable)])
def test_nesting_has_a_bound(deep: int, kind: type) -> None:
    assert isinstance(decode(b'{"a": ' + b"[" * deep + b"]" * deep + b"}", JSON), kind)


def test_what_was_lost_to_another_of_its_name_counts_for_the_bound_of_nesting() -> None:
    lost = b"[" * 70 + b"]" * 70

    assert isinstance(decode(b'{"a": ' + lost + b', "a": 1}', JSON), Unreadable)
