"""A campaign in frames: what to send next, and what an answer means for it. Knows no network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from voice_api import meta
from voice_api.models import CampaignAccepted
from voice_client.answers import euros
from voice_client.books import Books, CampaignSummary, FrameReport, Progress
from voice_client.errors import (
    AcceptedButUnreadable,
    AuthenticationError,
    ConfigurationError,
    ForbiddenError,
    HeldBack,
    InsufficientCredit,
    InvalidRequest,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    Refused,
    RepeatedRequest,
    UnexpectedStatus,
    ValidationFailed,
    VoiceError,
)
from voice_client.frames import LARGEST, sizes
from voice_client.journal import Journal, JournalError, Record, State, open_journal
from voice_client.prepared import Frame, Prepared, prepare
from voice_client.requests import Call, Template, has_passed
from voice_client.settings import Access
from voice_client.sources import Format, Source
from voice_client.tries import AlreadyAccepted, Runtime

Outcome: TypeAlias = CampaignAccepted | AlreadyAccepted | VoiceError

_ACCEPTED: Final = frozenset({State.SENT, State.ALREADY_SENT})
# What would be answered to every other frame, too.
_HOPELESS: Final = (
    AuthenticationError,
    ConfigurationError,
    ForbiddenError,
    HeldBack,
    InsufficientCredit,
    UnexpectedStatus,
)
# A server that says nothing of use so many times in a row is down, or not the API; going on would
# leave more in doubt.
_MOST_IN_A_ROW: Final = 5
# In seconds. The API may count its hours from another moment than we do.
_REQUEST_ID_MEMORY: Final = meta.REQUEST_ID_HOURS * 3600.0 - 600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a campaign is sent; `VoiceClient.send_campaign` says what each of it means.

    Raises:
        InvalidRequest: no such plan.
    """

    region: str | None = None
    format: Format | None = None
    journal: Path | None = None
    resume: bool = False
    request_ids: bool = False
    key: str = ""
    concurrency: int = 4
    largest_frame: int = LARGEST
    resend: Collection[int] = ()
    was_sent: Collection[int] = ()
    progress: Callable[[Progress], None] | None = None
    patience: float = 0.0
    """How long the tries of a frame may take, in seconds."""

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise InvalidRequest(f"concurrency is {self.concurrency}; wanted 1 or more")
        if self.largest_frame < 1:
            raise InvalidRequest(f"largest_frame is {self.largest_frame}; wanted 1 or more")
        if self.resume and self.journal is None:
            raise InvalidRequest("resume needs the journal of the campaign")
        if both := sorted(set(self.resend) & set(self.was_sent)):
            raise InvalidRequest(f"frame {both[0]} is both in resend and in was_sent")


@dataclass(frozen=True, slots=True)
class Job:
    """A frame that is about to leave, and its request."""

    frame: Frame
    call: Call


class Campaign:
    """Decides which frame is next, and keeps the books.

    Args:
        prepared: the recipients.
        template: the request that all frames have in common.
        journal: what happened before, and where it is written.
        plan: how to send.
        runtime: clocks.
    """

    def __init__(
        self,
        prepared: Prepared,
        template: Template,
        journal: Journal,
        plan: Plan,
        runtime: Runtime,
    ) -> None:
        self._prepared = prepared
        self._template = template
        self._journal = journal
        self._plan = plan
        self._runtime = runtime
        self._sizes = sizes(prepared.total, plan.largest_frame)
        marked = plan.request_ids and not template.made.simulated
        self._mark = mark(prepared, template, plan) if marked else None
        self._resend = frozenset(plan.resend)
        self._books = Books()
        self._begun = runtime.clock()
        self._done_here = 0
        self._failures = 0
        self._running = dict[int, Job]()
        self._earlier = set[int]()
        """Running frames that may have been sent by an earlier run."""
        self.stopped: str | None = None
        self._note_sent()
        self._waiting = self._due(prepared.frames(plan.largest_frame))
        self._next: Frame | None = None
        for number, record in sorted(journal.latest.items()):
            if number >= len(self._sizes):
                raise JournalError(f"the journal has a frame {number} of {len(self._sizes)}")
            if not self._is_due(number):
                self._books.add(record, self._sizes[number], earlier=True)

    def batch(self, free: int) -> list[Job]:
        """Up to ``free`` frames that may leave now, each already in the journal.

        None, while others are running, may mean that their answers decide.
        """
        jobs = list[Job]()
        while len(jobs) < free and self.stopped is None:
            self._next = self._next or next(self._waiting, None)
            if self._next is None or self._is_late() or not self._affordable(self._next):
                break
            frame, self._next = self._next, None
            request_id = None if self._mark is None else f"{self._mark}-{frame.number}"
            job = Job(frame, self._template.filled(frame.contacts, request_id))
            jobs.append(job)
            self._running[frame.number] = job
            if frame.number in self._journal.in_doubt_since:
                self._earlier.add(frame.number)
        if jobs:
            # One wait for the disk for all of them.
            steps = [self._record(job.frame.number, State.SENDING) for job in jobs]
            self._journal.write(steps, durable=True)
        return jobs

    def settle(self, job: Job, outcome: Outcome, *, tell: bool = True) -> None:
        """Write down once what became of a frame, and ``tell`` the caller's ``progress``."""
        if job.frame.number not in self._running:
            return
        record = self._settled(job, outcome)
        self._journal.write([record])
        # Not before it has been written: there may be an interrupt.
        del self._running[job.frame.number]
        self._books.add(record, job.frame.size)
        self._done_here += job.frame.size
        self._decide(outcome)
        if tell and self._plan.progress is not None:
            self._plan.progress(self.progress)

    def take_back(self, left: Collection[int]) -> None:
        """Write down that no other frame of the last batch than ``left`` has left."""
        for number in self._running.keys() - left:
            held_back = NotSent("held back: the campaign was interrupted before it left")
            self.settle(self._running[number], held_back, tell=False)

    def stop(self, why: str) -> None:
        """Let no further frame leave."""
        self.stopped = self.stopped or why

    @property
    def progress(self) -> Progress:
        """How far it is."""
        seconds = self._runtime.clock() - self._begun
        rate = self._done_here / seconds if self._done_here and seconds > 0 else None
        books = self._books
        done = books.sent + books.failed + books.unknown
        return Progress(
            len(self._sizes),
            books.frames,
            self._prepared.total,
            books.sent,
            books.failed,
            books.unknown,
            books.cost,
            books.credit,
            rate,
            None if rate is None else (self._prepared.total - done) / rate,
        )

    def summary(self) -> CampaignSummary:
        """What became of it."""
        books = self._books
        simulated = self._template.made.simulated
        stopped = self.stopped
        if simulated and books.credit is not None and books.cost > books.credit:
            # A simulation does not ask for the credit (openapi: x-campaign.checks.simulated).
            missing = books.cost - books.credit
            stopped = stopped or f"the credit does not pay for it: {missing:f} euros missing"
        return CampaignSummary(
            self._prepared.total,
            self._prepared.duplicates,
            self._prepared.remarks,
            books.sent,
            books.called,
            tuple(ticket for _, ticket in sorted(books.tickets.items())),
            books.cost,
            books.credit,
            tuple(self._reports()),
            stopped,
            simulated,
        )

    # ── what is due ──────────────────────────────────────────────────────

    def _note_sent(self) -> None:
        """Write down of which frames in doubt somebody has found out that they were sent."""
        steps = list[Record]()
        for number in sorted(self._plan.was_sent):
            record = self._journal.latest.get(number)
            if record is not None and record.state in _ACCEPTED:
                continue
            if number not in self._journal.in_doubt_since:
                state = "has not left" if record is None else f"is {record.state}"
                raise InvalidRequest(
                    f"was_sent has frame {number}, which {state}; wanted one in doubt"
                )
            steps.append(
                self._record(number, State.ALREADY_SENT, why="it was sent, as we are told")
            )
        if steps:
            self._journal.write(steps, durable=True)

    def _due(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        return (frame for frame in frames if self._is_due(frame.number))

    def _is_due(self, number: int) -> bool:
        record = self._journal.latest.get(number)
        if record is None or record.state in {State.REFUSED, State.NOT_SENT}:
            return True
        if record.state in _ACCEPTED:
            return False
        if number in self._resend or self._template.made.simulated:
            return True
        since = self._journal.in_doubt_since[number]
        age = (self._runtime.now() - since).total_seconds()
        # It may have to wait for one frame, and its own tries take time.
        longest = _REQUEST_ID_MEMORY - 2 * self._plan.patience
        return self._mark is not None and age < longest

    def _is_late(self) -> bool:
        """Whether the moment before which every frame has to leave has passed; if so, stop."""
        latest = self._template.made.latest
        if latest is None or not has_passed(latest, self._runtime.now()):
            return False
        self.stop(f"send_at {latest.isoformat()} has passed; resume to send what is left at once")
        return True

    def _affordable(self, frame: Frame) -> bool:
        """Whether the credit pays for it, as far as the answers tell; if it does not, stop."""
        books = self._books
        if books.credit is None or self._template.made.simulated:
            return True
        ahead = sum(job.frame.size for job in self._running.values())
        if books.dearest * (ahead + frame.size) <= books.credit:
            return True
        if not self._running:
            needed = books.dearest * frame.size
            self.stop(
                f"the credit left is {books.credit} euros, and the next frame of {frame.size} "
                f"costs about {needed}; add credit, then resume"
            )
        return False

    # ── what became of it ────────────────────────────────────────────────

    def _settled(self, job: Job, outcome: Outcome) -> Record:
        number = job.frame.number
        if isinstance(outcome, CampaignAccepted):
            return self._record(
                number,
                State.SENT,
                ticket=outcome.ticket_number,
                contacts=int(outcome.number_of_contacts),
                cost=str(euros(outcome.total_cost)),
                residual=str(euros(outcome.residual_credit)),
            )
        why = str(outcome)
        match outcome:
            case AlreadyAccepted() | RepeatedRequest() if job.call.request_id is not None:
                state = State.ALREADY_SENT
                why = "accepted by an earlier request; its ticket and cost are not known"
            case AcceptedButUnreadable():
                state = State.ALREADY_SENT
            case OutcomeUnknown():
                state = State.UNKNOWN
            case _ if number in self._earlier and not self._template.made.simulated:
                state, why = State.UNKNOWN, f"it may have been sent before; sent again: {outcome}"
            case Refused():
                state = State.REFUSED
            case _:
                state = State.NOT_SENT
        return self._record(number, state, why=why)

    def _decide(self, outcome: Outcome) -> None:
        if isinstance(outcome, _HOPELESS) or (
            isinstance(outcome, ValidationFailed)
            and not isinstance(outcome, RepeatedRequest)
            and not outcome.errors.keys() <= {"recipients"}
        ):
            self.stop(str(outcome))
        silent = isinstance(outcome, AcceptedButUnreadable | NotSent | OutcomeUnknown | RateLimited)
        self._failures = self._failures + 1 if silent else 0
        if self._failures >= _MOST_IN_A_ROW:
            self.stop(f"{_MOST_IN_A_ROW} frames in a row without a verdict, the last: {outcome}")

    def _record(self, number: int, state: State, **known: Any) -> Record:  # noqa: ANN401
        return Record(number, state, self._runtime.now().isoformat(), **known)

    def _reports(self) -> Iterator[FrameReport]:
        first = 0
        for number, size in enumerate(self._sizes):
            record = self._journal.latest.get(number)
            if record is None:
                yield FrameReport(number, first, size, State.NOT_SENT, self.stopped or "")
            elif record.state == State.SENDING:
                why = "it was about to leave when the campaign ended; nobody knows whether it did"
                yield FrameReport(number, first, size, State.UNKNOWN, why)
            elif record.state not in _ACCEPTED:
                yield FrameReport(number, first, size, record.state, record.why or "")
            first += size


@contextmanager
def begun(
    recipients: Source | Prepared,
    template: Template,
    access: Access,
    plan: Plan,
    runtime: Runtime,
) -> Generator[Campaign]:
    """A campaign that is ready to be sent; its files are closed afterwards.

    Raises:
        SourceError: not all of the recipients can be sent.
        JournalError: the journal is not this campaign's, or in use.
        InvalidRequest: the plan does not fit.
    """
    with ExitStack() as stack:
        if isinstance(recipients, Prepared):
            prepared = recipients
        else:
            prepared = stack.enter_context(
                prepare(recipients, region=plan.region, format=plan.format)
            )
        count = len(sizes(prepared.total, plan.largest_frame))
        for named, what in ((plan.resend, "to resend"), (plan.was_sent, "that was sent")):
            if wrong := sorted(set(named) - set(range(count))):
                raise InvalidRequest(f"no frame {wrong[0]} {what}; there are {count}")
        simulated = template.made.simulated
        identity = {
            "recipients": prepared.total,
            "recipients_sha256": prepared.sha256,
            "request_sha256": request_sha256(template),
            "largest_frame": plan.largest_frame,
            "request_ids": plan.request_ids and not simulated,
            "key": plan.key,
            "login": access.login,
            "base_url": access.base_url,
        }
        journal = stack.enter_context(open_journal(plan.journal, identity, resume=plan.resume))
        yield Campaign(prepared, template, journal, plan, runtime)


def mark(prepared: Prepared, template: Template, plan: Plan) -> str:
    """What the ``request_id``s of a campaign begin with: the same for the same campaign."""
    parts = (prepared.sha256, request_sha256(template), str(plan.largest_frame), plan.key)
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:32]


def request_sha256(template: Template) -> str:
    """The checksum of what all frames have in common, in hexadecimal."""
    return hashlib.sha256(template.filled(b"[]", None).content).hexdigest()
