"""Laws that every cast keeps; what each one does stands in its doctest."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server import casts
from mock_server.casts import Cast
from mock_server.values import Json, same

TABLE = casts.table("FR")
EVERY_CAST = pytest.mark.parametrize("cast", TABLE.values(), ids=TABLE)

LIKELY = st.sampled_from(
    [
        "fr_FR",
        "06 12 34 56 78",
        "0033612345678",
        "2021-01-01 00:01",
        "2021-03-28T02:30:00",
        "1538577759",
        "tel:+33612345678",
        "+33 (0)6 12 34 56 78",
        " yes ",
        "a,b;c",
    ]
)
TEXTS = LIKELY | st.text() | st.text("0123456789+-:TZ. ()")
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
ANY_JSON = st.recursive(
    LEAVES, lambda part: st.lists(part) | st.dictionaries(st.text(), part), max_leaves=5
)


@EVERY_CAST
@given(value=ANY_JSON)
def test_a_cast_is_total(cast: Cast, value: Json) -> None:
    cast(value)


@EVERY_CAST
@given(value=ANY_JSON)
def test_a_cast_leaves_its_argument_alone(cast: Cast, value: Json) -> None:
    before = copy.deepcopy(value)

    cast(value)

    assert same(before, value)


@EVERY_CAST
@given(value=ANY_JSON)
def test_casting_again_changes_nothing_more(cast: Cast, value: Json) -> None:
    once = cast(value)

    assert same(once, cast(once))


@EVERY_CAST
@given(value=ANY_JSON)
def test_the_same_value_is_cast_the_same(cast: Cast, value: Json) -> None:
    assert same(cast(value), cast(value))
