"""Settings of hypothesis for every test."""

from __future__ import annotations

import gc
import signal
from collections.abc import Generator

import coverage
import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

pytest_plugins = ["pytester"]

# In the background of a shell it is ignored, and whatever is started here would ignore it, too.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, and no deadline: nothing here is timed.
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
# Thousands, other ones in every run (nox -s deep).
settings.register_profile(
    "deep", database=None, deadline=None, max_examples=10_000, print_blob=True
)
settings.load_profile("ci")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """What is marked so is run without measuring what it covers, nor what its processes do.

    Nor are laws measured: what they happen to draw must not decide which lines count as covered.
    """
    is_law = is_hypothesis_test(getattr(item, "obj", None))
    measuring = coverage.Coverage.current()
    if measuring is None or not (is_law or item.get_closest_marker("unmeasured")):
        return (yield)
    measuring.stop()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
                patch.delenv(name, raising=False)
            return (yield)
    finally:
        measuring.start()


def pytest_collection_finish() -> None:
    """What was imported and collected stays; looking through it again and again took a tenth."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
