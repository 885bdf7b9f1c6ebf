"""Laws that every cast keeps; what each one does stands in its doctest."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_server import casts
from mock_server.casts import Cast
from mock_server.json_values import Json, same

pytestmark = pytest.mark.unmeasured

TABLE = casts.table("FR")

# Drawing a value takes longer than casting it, so one is drawn for all of them.
MANY = settings(max_examples=3 * settings().max_examples)
LIKELY = st.sampled_from(
    [
        "fr_FR",
        "FR",
        "fr",
        "06 12 34 56 78",
        "33612345678",
        "0033612345678",
        33612345678,
        "2021-01-01",
        "2021-01-01 00:01",
        "2021-01-01T00:01Z",
        "2021-03-28T02:30:00",
        "2021-03-28T02:30:00+0100",
        "1538577759",
        1538577759,
        "tel:+33612345678",
        "+33 (0)6 12 34 56 78",
        " yes ",
        "",
        "a,b;c",
        "a  b",
        1.0,
    ]
)
LEAVES = (
    LIKELY
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.text("0123456789+-:TZ. ()")
)
NAMES = st.sampled_from(["0", "1", "phone_number"]) | st.text()
PARTS = st.recursive(
    LEAVES, lambda part: st.lists(part) | st.dictionaries(NAMES, part), max_leaves=5
)
# A value is never drawn twice, so the likely ones are few unless something is put around them.
AROUND = st.text(" +0aZ", max_size=2)
NEARLY = st.builds("{}{}{}".format, AROUND, LIKELY, AROUND)
ANY_JSON = st.one_of(LIKELY, NEARLY, LEAVES, PARTS)


def test_each_cast_has_something_to_do() -> None:
    idle = set(TABLE)

    @MANY
    @given(value=ANY_JSON)
    def draw(value: Json) -> None:
        idle.difference_update(that_break(lambda cast: same(value, cast(value))))

    draw()
    assert idle == set()


@MANY
@given(value=ANY_JSON)
def test_a_cast_is_total(value: Json) -> None:
    for cast in TABLE.values():
        cast(value)


@MANY
@given(value=ANY_JSON)
def test_a_cast_leaves_its_argument_alone(value: Json) -> None:
    def left_alone(cast: Cast) -> bool:
        given_to_it = copy.deepcopy(value)
        cast(given_to_it)
        return same(given_to_it, value)

    assert that_break(left_alone) == []


@MANY
@given(value=ANY_JSON)
def test_casting_again_changes_nothing_more(value: Json) -> None:
    assert that_break(lambda cast: same(once := cast(value), cast(once))) == []


@MANY
@given(value=ANY_JSON)
def test_the_same_value_is_cast_the_same(value: Json) -> None:
    assert that_break(lambda cast: same(cast(value), cast(value))) == []


def that_break(law: Callable[[Cast], bool]) -> list[str]:
    """The names of the casts that do not keep it."""
    return [name for name, cast in TABLE.items() if not law(cast)]
