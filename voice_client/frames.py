"""Frames: the parts in which a campaign is sent, none too small and none too large."""

from __future__ import annotations

from typing import Final

from voice_api import meta
from voice_client.errors import InvalidRequest

# The contract's, from the seed: "For campaigns, a good use is to transmit several frames of 200 to
# 500 numbers at a time."
SMALLEST: Final = meta.SMALLEST_FRAME
"""Recipients; below it, "you multiply calls and waste connection time"."""
LARGEST: Final = meta.LARGEST_FRAME
"""Recipients; above it, "the risk of data loss increases"."""


def sizes(total: int, largest: int = LARGEST) -> tuple[int, ...]:
    """The number of recipients in each frame: as few frames as possible, of nearly the same size.

    No two sizes differ by more than 1. So with the default, every total from `SMALLEST` on is cut
    into frames of `SMALLEST` to `LARGEST`, and a smaller one is one frame.

    >>> sizes(1001), sizes(199), sizes(0)
    ((334, 334, 333), (199,), ())

    Args:
        total: recipients, 0 or more.
        largest: recipients in a frame, 1 or more.

    Raises:
        InvalidRequest: one of them is less.
    """
    if total < 0 or largest < 1:
        raise InvalidRequest(
            f"{total} recipients in frames of {largest} at most; wanted 0 or more, and 1 or more"
        )
    count = -(-total // largest)
    if count == 0:
        return ()
    size, larger = divmod(total, count)
    return (size + 1,) * larger + (size,) * (count - larger)
