"""`VoiceClient`: sends campaigns, and says of each what became of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from time import sleep as _sleep
from typing import Self, Unpack, overload

import httpx
from tenacity import Retrying

from voice_api.models import CampaignAccepted, Contact
from voice_api.options import VoiceCampaignOptions
from voice_client import answers, requests
from voice_client.books import CampaignSummary, Progress
from voice_client.campaigns import Job, Outcome, Plan, begun
from voice_client.errors import InvalidRequest, VoiceError
from voice_client.frames import LARGEST
from voice_client.guard import SimulationGuard
from voice_client.prepared import Prepared
from voice_client.requests import Call, Validation
from voice_client.settings import Retries, Timeout, access
from voice_client.sources import Format, Source
from voice_client.tries import AlreadyAccepted, Runtime, Tries, Usual


class VoiceClient:
    """Sends campaigns under one account.

    Args:
        login: the account's ``api-login``; by default from ``VMS_LOGIN``.
        key: its ``api-key``, never shown; by default from ``VMS_KEY``.
        base_url: a twin, such as ``http://127.0.0.1:8010``; by default from ``VMS_BASE_URL``, and
            without that the real API.
        real_calls: allow sends to another machine without ``simulation_mode: true``.
            They call people for money.
        validate: ``"strict"`` lets nothing leave that the contract calls invalid, nor a ``send_at``
            that has passed; ``"off"`` leaves it to the API, which repairs or ignores it.
        timeout: see `Timeout`.
        retries: see `Retries` and `Tries`.
        transport: what carries the requests, for tests (``httpx.WSGITransport``).
        runtime: clock and chance, for tests.
        sleep: how to wait, in seconds, for tests.

    Use it as a context manager, or `close` it. Several threads may use one.

    Raises:
        ConfigurationError: login, key, address or settings are none.
    """

    def __init__(  # noqa: PLR0913  (keyword-only settings)
        self,
        login: str | None = None,
        key: str | None = None,
        *,
        base_url: str | None = None,
        real_calls: bool = False,
        validate: Validation = "strict",
        timeout: Timeout | None = None,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
        runtime: Runtime | None = None,
        sleep: Callable[[float], None] = _sleep,
    ) -> None:
        self._access = access(login, key, base_url)
        self._validate: Validation = requests.validation(validate)
        self._timeout = timeout or Timeout()
        self._retries = retries or Retries()
        self._runtime = runtime or Runtime()
        self._sleep = sleep
        carrier = transport or httpx.HTTPTransport()
        self._carrier = carrier if real_calls else SimulationGuard(carrier)
        self._http = httpx.Client(
            base_url=self._access.base_url,
            headers=self._access.headers,
            transport=self._carrier,
        )
        self._usual = Usual(self._http)

    def __repr__(self) -> str:
        return f"VoiceClient({self._access.login!r}, base_url={self._access.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @overload
    def send(
        self,
        text: str,
        recipients: Iterable[str | Contact],
        *,
        request_id: None = None,
        **options: Unpack[VoiceCampaignOptions],
    ) -> CampaignAccepted: ...

    @overload
    def send(
        self,
        text: str,
        recipients: Iterable[str | Contact],
        *,
        request_id: str,
        **options: Unpack[VoiceCampaignOptions],
    ) -> CampaignAccepted | AlreadyAccepted: ...

    def send(
        self,
        text: str,
        recipients: Iterable[str | Contact],
        *,
        request_id: str | None = None,
        **options: Unpack[VoiceCampaignOptions],
    ) -> CampaignAccepted | AlreadyAccepted:
        """Send one campaign and return what the API answered.

        Args:
            text: what the voice reads, 1 to 1224 characters.
            recipients: phone numbers with a plus sign and the country code, or `Recipient`s.
            request_id: your own mark of this campaign, remembered by the API for 24 hours. With it
                a lost answer is asked for again, for the API refuses a repeat; `AlreadyAccepted` is
                returned if that is what it says.
            options: the contract's other parameters by name, such as ``voice_language="fr-FR"``;
                ``send_at`` is a datetime with a time zone, later than now. Once it has passed there
                is no further try.

        Raises:
            InvalidRequest: the arguments make no request that the contract allows.
            NotSent: nothing was sent.
            Refused: the API said no; its subclasses say why.
            OutcomeUnknown: it may have been sent.
            AcceptedButUnreadable: it was sent, and the answer is no good.
        """
        self._check_open()
        return self._sent(
            requests.call(
                text,
                recipients,
                options,
                request_id=request_id,
                validate=self._validate,
                now=self._runtime.now(),
            )
        )

    def send_campaign(  # noqa: PLR0913  (keyword-only settings)
        self,
        text: str,
        recipients: Source | Prepared,
        *,
        simulate: bool = False,
        journal: Path | None = None,
        resume: bool = False,
        request_ids: bool = False,
        key: str = "",
        region: str | None = None,
        format: Format | None = None,  # noqa: A002
        concurrency: int = 4,
        largest_frame: int = LARGEST,
        resend: Collection[int] = (),
        was_sent: Collection[int] = (),
        progress: Callable[[Progress], None] | None = None,
        **options: Unpack[VoiceCampaignOptions],
    ) -> CampaignSummary:
        """Send to any number of recipients, in frames, and return what became of it.

        All recipients are read, checked and counted first, so that nothing is sent of a list with a
        mistake in it. A frame whose fate is unknown is listed in the summary, and never sent again
        by itself, but with ``request_ids``, where the API refuses a repeat.

        Args:
            text: what the voice reads.
            recipients: numbers and `Recipient`s, or the `Path` of a CSV or JSONL file, or what
                `prepare` made of them.
            simulate: a dry run of the whole campaign: nobody is called, and the summary tells the
                cost.
            journal: a file for what became of each frame; without one a crash leaves no trace.
            resume: go on with that journal. What was sent is not sent again. A ``send_at`` may have
                passed since: then what is left is sent at once. If it passes later, as in any
                campaign, no further frame leaves.
            request_ids: give each frame a ``request_id`` made of the campaign, so that a doubtful
                one can be asked for again within 24 hours. Not documented for this endpoint by the
                seed, so try it with your account first.
            key: any text that makes these ``request_id`` others than before, to send the same
                campaign a second time within 24 hours on purpose.
            region: where numbers without a country code are dialled, such as ``"FR"``.
            format: ``"csv"`` or ``"jsonl"``, where the file's suffix does not say.
            concurrency: frames on their way at once.
            largest_frame: recipients in a frame; 200 to 500 are advised.
            resend: the numbers of frames to send again although they may have been sent.
            was_sent: those in doubt of which you have found out that they were sent; the journal
                keeps that.
            progress: called after each frame.
            options: the contract's other parameters, as of `send`.

        Raises:
            SourceError: recipients that cannot be sent; it lists them.
            JournalError: the journal is another campaign's, or in use; or, later, the disk takes
                no more.
            InvalidRequest: the arguments make no request that the contract allows.

        What goes wrong later stands in the summary. An interrupt (Ctrl-C) waits for the frames on
        their way, writes them down, and is raised.
        """
        self._check_open()
        if simulate:
            options["simulation_mode"] = True
        plan = Plan(
            region=region,
            format=format,
            journal=journal,
            resume=resume,
            request_ids=request_ids,
            key=key,
            concurrency=concurrency,
            largest_frame=largest_frame,
            resend=resend,
            was_sent=was_sent,
            progress=progress,
            patience=self._timeout.total,
        )
        template = requests.template(
            text,
            options,
            largest=largest_frame,
            validate=self._validate,
            now=self._runtime.now(),
            late=resume,
        )
        with begun(recipients, template, self._access, plan, self._runtime) as campaign:
            with ThreadPoolExecutor(concurrency, "voice-campaign") as pool:
                running, done = dict[Future[Outcome], Job](), SimpleQueue[Future[Outcome]]()
                left = set[int]()
                try:
                    while True:
                        for job in campaign.batch(concurrency - len(running)):
                            left.add(job.frame.number)
                            future = pool.submit(self._outcome, job.call)
                            running[future] = job
                            future.add_done_callback(done.put)
                        if not running:
                            break
                        for future in _taken(done):
                            campaign.settle(running[future], future.result())
                            del running[future]
                except BaseException:
                    for future in wait(running).done:
                        # A defect does not say what it means for the frame: that stays in doubt.
                        if future.exception() is None:
                            campaign.settle(running[future], future.result(), tell=False)
                    campaign.take_back(left)
                    raise
            return campaign.summary()

    def _check_open(self) -> None:
        if self._http.is_closed:
            raise InvalidRequest("this client is closed; make another one")

    def _outcome(self, call: Call) -> Outcome:
        try:
            return self._sent(call)
        except VoiceError as error:
            return error

    def _sent(self, call: Call) -> CampaignAccepted | AlreadyAccepted:
        tries = Tries(call, self._timeout, self._retries, self._runtime)
        try:
            return Retrying(sleep=self._sleep, **tries.policy)(self._once, tries)
        except VoiceError as error:
            if (last := tries.last(error)) is error:
                raise
            raise last from error

    def _once(self, tries: Tries) -> CampaignAccepted | AlreadyAccepted:
        request, status = self._usual.request(tries.call, tries.begin()), None
        try:
            with closing(self._carrier.handle_request(request)) as response:
                status = response.status_code
                body = b"".join(map(tries.received, response.iter_bytes()))
        except httpx.HTTPError as error:
            raise tries.failed(error, self._access.base_url, status) from answers.shown(error)
        return tries.result(response, body)


def _taken(done: SimpleQueue[Future[Outcome]]) -> list[Future[Outcome]]:
    """All that are in the queue; at least one, which is waited for."""
    return [done.get(), *(done.get() for _ in range(done.qsize()))]
