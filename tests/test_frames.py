"""How many recipients go into each frame."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import ROOT
from voice_client.errors import InvalidRequest
from voice_client.frames import LARGEST, SMALLEST, sizes


def covers(total: int, frames: Sequence[int], largest: int = LARGEST) -> bool:
    """As few frames as possible, of nearly the same size, with every recipient in one."""
    fewest = next(n for n in range(total // largest, total + 2) if n * largest >= total)
    even = not frames or max(frames) - min(frames) <= 1
    return sum(frames) == total and len(frames) == fewest and even


SOME = [*range(5001), *range(5001, 1_000_001, 9973), 999_999, 1_000_000]


def test_frames_cover_every_total() -> None:
    assert [total for total in SOME if not covers(total, sizes(total))] == []


def test_no_frame_is_smaller_or_larger_than_the_seed_advises() -> None:
    odd = [
        total
        for total in SOME
        if total >= SMALLEST
        if not all(SMALLEST <= size <= LARGEST for size in sizes(total))
    ]

    assert odd == []


@given(st.integers(0, 100_000), st.integers(1, 2000))
def test_frames_cover_every_total_whatever_the_largest(total: int, largest: int) -> None:
    assert covers(total, sizes(total, largest), largest)


@pytest.mark.parametrize(
    ("total", "frames"),
    [
        (0, ()),
        (1, (1,)),
        (199, (199,)),
        (500, (500,)),
        (501, (251, 250)),
        (1000, (500, 500)),
        (1001, (334, 334, 333)),
    ],
)
def test_a_total_is_cut_evenly_larger_frames_first(total: int, frames: tuple[int, ...]) -> None:
    assert sizes(total) == frames


@pytest.mark.parametrize(("total", "largest"), [(-1, 500), (5, 0), (5, -1)])
def test_nothing_can_be_cut_into_less_than_one(total: int, largest: int) -> None:
    with pytest.raises(InvalidRequest, match=f"{total} recipients in frames of {largest}"):
        sizes(total, largest)


def test_the_bounds_are_those_of_the_seed() -> None:
    quote = f"several frames of {SMALLEST} to {LARGEST} numbers at a time"

    assert quote in (ROOT / "openapi" / "sources" / "seed-send-a-vms-campaign.txt").read_text(
        encoding="utf-8"
    )
