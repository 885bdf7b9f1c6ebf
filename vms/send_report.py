"""What became of a campaign: as text, as JSON, and as an exit code."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Final

from vms import interrupts
from vms.sending_progress import euros
from voice_client import CampaignSummary, FrameReport, VoiceError
from voice_client.problems import counted

_MOST_TICKETS: Final = 3
_MOST_LINES: Final = 20
# What the client says to programmers, in the words of the command.
_IN_OUR_WORDS: Final = {
    r"\bformat='(\w+)'": r"--format \1",
    r"\bwas_sent\b": "--was-sent",
    r"\bsend_at\b": "--send-at",
    r"\n\(validate='off'[^\n]*": "",
}


class Exit(IntEnum):
    """What a script learns; the help of the command says the same."""

    SENT = 0
    NOT_ALL = 1
    NOTHING = 2
    UNKNOWN = 3
    INTERRUPTED = interrupts.EXIT_CODE


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A campaign that was sent, or its dry run.

    ``frames`` is how many there are, ``again`` the command that resumes it (None without a
    journal), ``first_numbers`` with which number each doubtful frame begins.
    """

    summary: CampaignSummary
    frames: int
    again: str | None = None
    request_ids: bool = False
    interrupted: bool = False
    first_numbers: Mapping[int, str] = field(default_factory=dict)

    @property
    def exit_code(self) -> Exit:
        """The exit code of the command."""
        if self.interrupted:
            return Exit.INTERRUPTED
        if self.summary.simulated:
            passed = self.summary.complete and self.summary.stopped is None and not self.unpriced
            return Exit.SENT if passed else Exit.NOT_ALL
        if self.summary.unknown:
            return Exit.UNKNOWN
        return Exit.SENT if self.summary.complete else Exit.NOT_ALL

    @property
    def unpriced(self) -> int:
        """Frames that were accepted, and of which ticket and cost are not known."""
        return self.frames - len(self.summary.problems) - len(self.summary.tickets)


def document(report: Report) -> dict[str, Any]:
    """All of it as a JSON object; amounts are texts, recipients are counted from 1."""
    summary = report.summary
    left = summary.credit_left
    return {
        "total": summary.total,
        "duplicates": summary.duplicates,
        "remarks": list(summary.remarks),
        "simulated": summary.simulated,
        "sent": summary.sent,
        "called": summary.called,
        "cost": f"{summary.cost:f}",
        "credit_left": None if left is None else f"{left:f}",
        "frames": report.frames,
        "frames_without_cost": report.unpriced,
        "tickets": list(summary.tickets),
        "problems": [
            {
                "frame": problem.number,
                "first": problem.first + 1,
                "last": problem.first + problem.size,
                "first_number": report.first_numbers.get(problem.number),
                "state": problem.state,
                "why": problem.why,
            }
            for problem in summary.problems
        ],
        "stopped": summary.stopped,
        "resume": report.again,
        "exit_code": report.exit_code,
    }


def lines(report: Report) -> Iterator[str]:
    """The same for people, with what to do next."""
    summary = report.summary
    called = f"{counted(summary.called, 'call')} for {euros(summary.cost)}"
    if report.unpriced:
        called += f", and {counted(report.unpriced, 'frame')} whose calls and cost are not known"
    if summary.simulated:
        yield f"Dry run: {called}"
    else:
        yield f"Sent to {summary.sent:,} of {counted(summary.total, 'recipient')}: {called}"
    left_out = summary.sent - summary.called
    if left_out > 0 and not report.unpriced:
        yield f"The API left out {counted(left_out, 'contact')}, such as those who opted out"
    if summary.credit_left is not None:
        yield f"Credit: {euros(summary.credit_left)}"
    if summary.tickets and not summary.simulated:
        more = len(summary.tickets) - _MOST_TICKETS
        rest = f" and {more:,} more" if more > 0 else ""
        yield f"Tickets: {', '.join(summary.tickets[:_MOST_TICKETS])}{rest}"
    yield from _problems(summary)
    if summary.simulated:
        if report.exit_code is not Exit.SENT:
            yield "It does not pass, so nothing was sent."
    elif not summary.complete:
        yield from _next(report)


def _problems(summary: CampaignSummary) -> Iterator[str]:
    """The frames that were not accepted, those next to each other with one reason on one line."""
    # Of frames next to each other, number and index grow alike.
    numbered = groupby(
        enumerate(summary.problems), lambda one: (one[1].number - one[0], one[1].state, one[1].why)
    )
    groups = [[frame for _, frame in group] for _, group in numbered]
    yield from map(_line, islice(groups, _MOST_LINES))
    if more := sum(map(len, groups[_MOST_LINES:])):
        yield f"and {counted(more, 'more frame')}; --json lists every frame"
    if summary.stopped is not None:
        yield f"Stopped: {summary.stopped}"


def _line(frames: list[FrameReport]) -> str:
    first, last = frames[0], frames[-1]
    which = f"Frame {first.number}"
    if first is not last:
        which = f"Frames {first.number} to {last.number}"
    where = f"recipients {first.first + 1:,} to {last.first + last.size:,}"
    return ": ".join(filter(None, (f"{which}, {where}", str(first.state), first.why)))


def _next(report: Report) -> Iterator[str]:
    if report.again is None:
        yield "There is no journal of it, so it cannot be resumed; --journal keeps one."
    else:
        yield f"To go on: {report.again} …, with the same text and options."
        yield "What was sent is not sent again; what was refused or not sent is."
    if not report.summary.unknown:
        return
    if report.request_ids:
        yield "Within 24 hours that asks for frames in doubt, too, and the API refuses a repeat."
    yield (
        "An unknown frame may have been sent. Look into your account for a campaign of that time "
        "and size, or ask the first who would have been called:"
    )
    for number, phone in islice(report.first_numbers.items(), _MOST_LINES):
        yield f"  frame {number}: {phone}; if it was sent, add --was-sent {number}, else --resend"
    if (more := len(report.first_numbers) - _MOST_LINES) > 0:
        yield f"  and {counted(more, 'more frame')}; --json lists every frame"


def why(error: Exception) -> str:
    """The text of an error; of a bug, where it is and no text, in which anything could stand."""
    if not isinstance(error, VoiceError | OSError):
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        return f"a bug of vms-kit, please report it: {type(error).__name__} at {where}"
    text = str(error)
    for theirs, ours in _IN_OUR_WORDS.items():
        text = re.sub(theirs, ours, text)
    return text
