"""Senders that are killed again and again: who was called, by the inbox of the twin.

The drill stands in benchmarks/crash_drill.py, which runs a large one. It sends to a twin on a port,
which breaks off before and after it has taken a request, and garbles answers.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import crash_drill as drills
import mock_server
from mock_server.testing.account import VoiceTwin

pytestmark = [
    pytest.mark.long,
    pytest.mark.unmeasured,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL"),
]


# benchmarks/crash_drill.py plays others, too.
SEEDS = [1]
SMALL = {"recipients": 2000, "frame": 50, "kills": 3}


@pytest.fixture
def twin() -> Iterator[VoiceTwin]:
    with mock_server.running() as twin:
        yield twin


@pytest.mark.parametrize("seed", SEEDS)
def test_with_request_ids_nobody_is_lost_and_nobody_called_twice(
    twin: VoiceTwin, tmp_path: Path, seed: int
) -> None:
    found = drills.Drill(drills.MARKED, seed, **SMALL).run(twin, tmp_path)

    assert (found.lost, found.doubled, found.in_doubt) == (0, 0, 0), found
    assert found.keeps(drills.MARKED), found
    # It was hard to keep: answers were lost, and asked for again.
    assert found.kills > 0, found
    assert found.repeats > 0, found


@pytest.mark.parametrize("seed", SEEDS)
def test_without_request_ids_nobody_is_called_twice_and_every_doubt_is_told(
    twin: VoiceTwin, tmp_path: Path, seed: int
) -> None:
    found = drills.Drill(drills.UNMARKED, seed, **SMALL).run(twin, tmp_path)

    assert (found.lost, found.doubled) == (0, 0), found
    assert found.keeps(drills.UNMARKED), found
    assert found.kills > 0, found
    # Some of the doubtful were called and some were not, which nobody but the twin can know.
    assert 0 < found.rang < found.in_doubt < found.recipients, found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sender_that_just_starts_again_is_found_out(
    twin: VoiceTwin, tmp_path: Path, seed: int
) -> None:
    found = drills.Drill(drills.NAIVE, seed, **SMALL).run(twin, tmp_path)

    assert found.doubled > 0, found
    assert not found.keeps(drills.UNMARKED), found


# ── What the drill would say ──────────────────────────────────────────

A, B, C = "+33612345671", "+33612345672", "+33612345673"
FINE = {"recipients": 3, "in_doubt": 1}


@pytest.mark.parametrize(
    ("calls", "doubtful", "found"),
    [
        ([A, B], [{C}, {C}], FINE),
        ([A, B, C], [{C}, {C}], FINE | {"rang": 1}),
        ([A], [{C}, {C}], FINE | {"lost": 1}),
        ([A, A, B], [{C}, {C}], FINE | {"doubled": 1}),
        ([A, B, C, C], [{C}, {C}], FINE | {"rang": 1, "doubled": 1}),
        ([A, B, "+33600000000"], [{C}, {C}], FINE | {"strangers": 1}),
        ([A, B], [{C}, set()], {"recipients": 3, "lost": 1, "disputed": 1}),
        ([A, B], [{C}], FINE),
    ],
)
def test_recipients_are_held_against_calls(
    calls: list[str], doubtful: list[set[str]], found: dict[str, int]
) -> None:
    judged = drills.judged([A, B, C], Counter(calls), doubtful)

    assert judged == drills.Found(**found)
    assert judged.keeps(drills.UNMARKED) == (found.keys() <= {"recipients", "in_doubt", "rang"})
    assert not judged.keeps(drills.MARKED)


def test_a_promise_is_kept_if_everybody_was_called_once() -> None:
    assert drills.judged([A, B], Counter([A, B]), [set()]).keeps(drills.MARKED)
