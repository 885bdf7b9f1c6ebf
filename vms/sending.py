"""One campaign, step by step: what is left of it, what that costs, and sending it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate

from vms import sending_progress
from vms.interrupts import Interrupts
from vms.send_report import Report, why
from voice_client import (
    CampaignSummary,
    Contact,
    Prepared,
    Progress,
    Runtime,
    State,
    VoiceCampaignOptions,
    VoiceClient,
    VoiceError,
)
from voice_client.campaigns import Plan, begun
from voice_client.frames import sizes
from voice_client.requests import Template, has_passed, template
from voice_client.settings import Access


class NobodyKnowsError(VoiceError):
    """Something may have been sent, and the journal cannot be read."""


@dataclass(kw_only=True)
class Sender:
    """What is said, as whom, and how it is sent; to whom is said later.

    ``again`` is the command that would resume it, None where nothing outlives this one. ``late``
    is whether it is resumed and the moment for which it was scheduled has passed.

    Raises:
        InvalidRequest: the contract allows no such text or option.
    """

    access: Access
    text: str
    options: VoiceCampaignOptions
    plan: Plan
    real_calls: bool
    again: str | None
    late: bool = field(init=False)
    _template: Template = field(init=False)

    def __post_init__(self) -> None:
        # What was begun in time may be ended late, and nothing else that passes in the meantime.
        self.late = self.plan.resume and has_passed(self.options.get("send_at"), Runtime().now())
        self._template = self._made()

    def _made(self) -> Template:
        largest, now = self.plan.largest_frame, Runtime().now()
        return template(self.text, self.options, largest=largest, now=now, late=self.late)

    # ── what is left ─────────────────────────────────────────────────────

    def standing(self, prepared: Prepared) -> Report:
        """What the journal says of it.

        Raises:
            JournalError: there is none, or it is another campaign's.
        """
        return self._report(prepared, self._summary(prepared, resume=True))

    def left(self, standing: Report) -> frozenset[int]:
        """The frames that would leave now, and perhaps some in doubt whose time is over."""
        return frozenset(
            frame.number
            for frame in standing.summary.problems
            if frame.state != State.UNKNOWN
            or self.plan.request_ids
            or frame.number in self.plan.resend
        )

    def _summary(self, prepared: Prepared, *, resume: bool) -> CampaignSummary:
        plan = replace(self.plan, resume=resume)
        with begun(prepared, self._template, self.access, plan, Runtime()) as campaign:
            return campaign.summary()

    # ── what it costs ────────────────────────────────────────────────────

    def dry_run(self, prepared: Prepared, left: Collection[int] | None = None) -> Report:
        """A simulation of all frames, or of those that are left, with the price.

        Raises:
            InvalidRequest: the contract allows no such request.
        """
        largest = self.plan.largest_frame
        counts = sizes(prepared.total, largest)
        numbers = sorted(range(len(counts)) if left is None else left)
        total = sum(counts[number] for number in numbers)
        recipients = prepared if left is None else _recipients(prepared, largest, numbers)
        options = self.options.copy()
        if self.late:
            del options["send_at"]
        # Without real_calls: whatever goes wrong here, nothing but a simulation can leave.
        with (
            self._client(real_calls=False) as client,
            sending_progress.shown("Dry run", total) as show,
        ):
            summary = client.send_campaign(
                self.text,
                recipients,
                simulate=True,
                concurrency=self.plan.concurrency,
                largest_frame=largest,
                progress=lambda so_far: show(*sending_progress.of(so_far)),
                **options,
            )
        # Frames and recipients as in the source, also where a part of it was simulated. It was cut
        # into the same frames: any of them lack fewer than `largest` recipients to be full.
        firsts = list(accumulate(counts, initial=0))
        problems = tuple(
            replace(one, number=numbers[one.number], first=firsts[numbers[one.number]])
            for one in summary.problems
        )
        whole = replace(
            summary,
            duplicates=prepared.duplicates,
            remarks=prepared.remarks,
            problems=problems,
        )
        return Report(summary=whole, frames=len(numbers))

    # ── in earnest ───────────────────────────────────────────────────────

    def send(self, prepared: Prepared, interrupts: Interrupts) -> Report:
        """Send what is left.

        Raises:
            InvalidRequest: the moment for which it is to be scheduled has passed meanwhile.
            JournalError: the journal cannot be used; nothing was sent.
            NobodyKnowsError: something may have been sent, and the journal cannot be read.
        """
        self._made()
        # Begun here, so that whatever goes wrong with the journal later comes after a send.
        self._summary(prepared, resume=self.plan.resume)
        interrupts.hold()
        interrupted = False
        seen = deque[Progress](maxlen=1)
        try:
            return self._report(prepared, self._sent(prepared, interrupts, seen))
        except KeyboardInterrupt:
            interrupted, reason = True, "interrupted"
        except Exception as error:  # noqa: BLE001  (people may have been called)
            reason = why(error)
        try:
            known = replace(self._summary(prepared, resume=True), stopped=reason)
            if seen:
                known = replace(known, credit_left=seen[-1].credit_left)
        except Exception as error:
            raise NobodyKnowsError(f"{reason}\n{why(error)}") from error
        return self._report(prepared, known, interrupted=interrupted)

    def _sent(
        self, prepared: Prepared, interrupts: Interrupts, seen: deque[Progress]
    ) -> CampaignSummary:
        plan = self.plan
        with (
            self._client(real_calls=self.real_calls) as client,
            sending_progress.shown("Sending", prepared.total) as show,
        ):

            def told(so_far: Progress) -> None:
                seen.append(so_far)
                show(*sending_progress.of(so_far))
                interrupts.check()

            return client.send_campaign(
                self.text,
                prepared,
                journal=plan.journal,
                resume=True,
                request_ids=plan.request_ids,
                key=plan.key,
                concurrency=plan.concurrency,
                largest_frame=plan.largest_frame,
                resend=plan.resend,
                progress=told,
                **self.options,
            )

    def _client(self, *, real_calls: bool) -> VoiceClient:
        login, key = self.access.login, self.access.key
        return VoiceClient(login, key, base_url=self.access.base_url, real_calls=real_calls)

    def _report(
        self, prepared: Prepared, summary: CampaignSummary, *, interrupted: bool = False
    ) -> Report:
        largest = self.plan.largest_frame
        return Report(
            summary=summary,
            frames=len(sizes(prepared.total, largest)),
            again=self.again,
            request_ids=self.plan.request_ids,
            interrupted=interrupted,
            first_numbers={
                frame.number: next(_recipients(prepared, largest, [frame.number])).phone_number
                for frame in summary.unknown
            },
        )


def _recipients(prepared: Prepared, largest: int, numbers: Iterable[int]) -> Iterator[Contact]:
    for number in numbers:
        frame = next(prepared.frames(largest, start=number))
        yield from map(Contact.from_dict, json.loads(frame.contacts))
