"""What is known of a campaign: sums over its frames, how far it is, and what became of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from voice_client.journal import Record, State


@dataclass(frozen=True, slots=True)
class FrameReport:
    """A frame that was not accepted: ``first`` is the index of its first recipient, from 0."""

    number: int
    first: int
    size: int
    state: State
    why: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign is: recipients but for ``frames``, amounts in euros, times in seconds.

    Frames of an earlier run that are sent again count as not done. ``rate`` is recipients a second
    and ``eta`` the seconds that are left, both of this run, and None until a frame is done.
    ``credit_left`` is None until an answer of this run has told it.
    """

    frames: int
    frames_done: int
    total: int
    sent: int
    failed: int
    unknown: int
    cost: Decimal
    credit_left: Decimal | None
    rate: float | None
    eta: float | None


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """What became of a campaign.

    ``total`` recipients after ``duplicates`` were left out; ``sent`` of them stand in frames that
    were accepted. ``called`` is how many the API counts, which may be fewer. ``cost`` and
    ``credit_left`` are in euros. Both, and ``tickets``, tell of the answers that could be read.
    ``problems`` lists every frame that was not accepted, and ``stopped`` says why the campaign
    ended before its time, None if it did not. In a simulation nobody is called, the cost is what
    it would be, and ``stopped`` says, too, if the credit does not pay for it.
    """

    total: int
    duplicates: int
    remarks: tuple[str, ...]
    sent: int
    called: int
    tickets: tuple[str, ...]
    cost: Decimal
    credit_left: Decimal | None
    problems: tuple[FrameReport, ...]
    stopped: str | None
    simulated: bool

    @property
    def complete(self) -> bool:
        """Whether every recipient stands in an accepted frame."""
        return self.sent == self.total

    @property
    def unknown(self) -> tuple[FrameReport, ...]:
        """The frames that may have been sent. They are never sent again by themselves."""
        return tuple(one for one in self.problems if one.state == State.UNKNOWN)


class Books:
    """Sums over the last step of each frame; each is added once."""

    def __init__(self) -> None:
        self.frames = 0
        self._recipients = Counter[State]()
        self.tickets = dict[int, str]()
        self.called = 0
        self.cost = Decimal(0)
        self.credit: Decimal | None = None
        self.dearest = Decimal(0)
        """The highest price of a contact so far."""

    def add(self, record: Record, size: int, *, earlier: bool = False) -> None:
        """Count a step of a frame of ``size`` recipients; ``earlier`` if of an earlier run."""
        state = State.UNKNOWN if record.state == State.SENDING else record.state
        self.frames += 1
        self._recipients[state] += size
        if record.ticket is not None:
            self.tickets[record.frame] = record.ticket
        if record.cost is not None and record.contacts is not None and record.residual is not None:
            cost = Decimal(record.cost)
            self.called += record.contacts
            self.cost += cost
            self.dearest = max(self.dearest, cost / max(record.contacts, 1))
            if earlier:
                return  # what was left then may have been topped up
            left = Decimal(record.residual)
            # Answers may overtake one another; of what is left, the least is the latest.
            self.credit = left if self.credit is None else min(self.credit, left)

    @property
    def sent(self) -> int:
        """Recipients in accepted frames."""
        return self._recipients[State.SENT] + self._recipients[State.ALREADY_SENT]

    @property
    def failed(self) -> int:
        """Recipients in frames that were not sent, or refused."""
        return self._recipients[State.REFUSED] + self._recipients[State.NOT_SENT]

    @property
    def unknown(self) -> int:
        """Recipients in frames that may have been sent."""
        return self._recipients[State.UNKNOWN]
