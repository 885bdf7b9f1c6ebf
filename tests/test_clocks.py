"""The clock of an account as a value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from common import NOON
from mock_server.store.clock import AccountClock

MOMENTS = st.datetimes(
    min_value=datetime(1000, 1, 1),
    max_value=datetime(8999, 12, 31),
    timezones=st.just(UTC),
)
SPANS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=365))
CLOCKS = st.builds(
    lambda moment, frozen: (
        AccountClock().set_to(moment, NOON).freeze(NOON)
        if frozen
        else AccountClock().set_to(moment, NOON)
    ),
    MOMENTS,
    st.booleans(),
)


@given(MOMENTS)
def test_a_new_clock_is_that_on_the_wall(wall: datetime) -> None:
    assert AccountClock().now(wall) == wall


@given(CLOCKS, MOMENTS)
def test_a_clock_shows_what_it_was_set_to(clock: AccountClock, moment: datetime) -> None:
    assert clock.set_to(moment, NOON).now(NOON) == moment


@given(MOMENTS, SPANS)
def test_a_clock_that_was_set_runs_on(moment: datetime, later: timedelta) -> None:
    assert AccountClock().set_to(moment, NOON).now(NOON + later) == moment + later


@given(CLOCKS, SPANS)
def test_a_frozen_clock_stands(clock: AccountClock, later: timedelta) -> None:
    assert clock.freeze(NOON).now(NOON + later) == clock.now(NOON)


@given(CLOCKS, MOMENTS, SPANS)
def test_a_frozen_clock_that_is_set_still_stands(
    clock: AccountClock, moment: datetime, later: timedelta
) -> None:
    assert clock.freeze(NOON).set_to(moment, NOON).now(NOON + later) == moment


@given(CLOCKS, SPANS, SPANS)
def test_a_released_clock_runs_on_from_where_it_stood(
    clock: AccountClock, standing: timedelta, later: timedelta
) -> None:
    released = clock.freeze(NOON).release(NOON + standing)

    assert released.now(NOON + standing + later) == clock.now(NOON) + later


@given(CLOCKS, SPANS)
def test_no_clock_goes_back_by_itself(clock: AccountClock, later: timedelta) -> None:
    assert clock.now(NOON + later) >= clock.now(NOON)
