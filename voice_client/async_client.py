"""`AsyncVoiceClient`: what `VoiceClient` does, for asyncio and trio."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias, Unpack, overload

import anyio
import anyio.lowlevel
import httpx
from tenacity import AsyncRetrying

from voice_api.models import CampaignAccepted, Contact
from voice_api.options import VoiceCampaignOptions
from voice_client import answers, requests
from voice_client.books import CampaignSummary, Progress
from voice_client.campaigns import Campaign, Job, Outcome, Plan, begun
from voice_client.errors import InvalidRequest, VoiceError
from voice_client.frames import LARGEST
from voice_client.guard import AsyncSimulationGuard
from voice_client.prepared import Prepared
from voice_client.requests import Call, Validation
from voice_client.settings import Retries, Timeout, access
from voice_client.sources import Format, Source
from voice_client.tries import AlreadyAccepted, Runtime, Tries, Usual


@dataclass(frozen=True, slots=True)
class _Defect:
    """Not what became of a frame, but an error that nobody expects."""

    error: Exception


_Settled: TypeAlias = tuple[Job, Outcome | _Defect]


class AsyncVoiceClient:
    """`VoiceClient` for asyncio and trio: the same arguments, bytes, results and errors.

    ``transport`` is an async one (``httpx.ASGITransport``), ``sleep`` an async function. Use it as
    an async context manager, or ``await`` its `aclose`. Several tasks may use one.
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
        transport: httpx.AsyncBaseTransport | None = None,
        runtime: Runtime | None = None,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._access = access(login, key, base_url)
        self._validate: Validation = requests.validation(validate)
        self._timeout = timeout or Timeout()
        self._retries = retries or Retries()
        self._runtime = runtime or Runtime()
        self._sleep = sleep
        carrier = transport or httpx.AsyncHTTPTransport()
        self._carrier = carrier if real_calls else AsyncSimulationGuard(carrier)
        self._http = httpx.AsyncClient(
            base_url=self._access.base_url,
            headers=self._access.headers,
            transport=self._carrier,
        )
        self._usual = Usual(self._http)

    def __repr__(self) -> str:
        return f"AsyncVoiceClient({self._access.login!r}, base_url={self._access.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    @overload
    async def send(
        self,
        text: str,
        recipients: Iterable[str | Contact],
        *,
        request_id: None = None,
        **options: Unpack[VoiceCampaignOptions],
    ) -> CampaignAccepted: ...

    @overload
    async def send(
        self,
        text: str,
        recipients: Iterable[str | Contact],
        *,
        request_id: str,
        **options: Unpack[VoiceCampaignOptions],
    ) -> CampaignAccepted | AlreadyAccepted: ...

    async def send(
        self,
        text: str,
        recipients: Iterable[str | Contact],
        *,
        request_id: str | None = None,
        **options: Unpack[VoiceCampaignOptions],
    ) -> CampaignAccepted | AlreadyAccepted:
        """Send one campaign and return what the API answered; see `VoiceClient.send`."""
        self._check_open()
        return await self._sent(
            requests.call(
                text,
                recipients,
                options,
                request_id=request_id,
                validate=self._validate,
                now=self._runtime.now(),
            )
        )

    async def send_campaign(  # noqa: PLR0913  (keyword-only settings)
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
        """Send to any number of recipients, in frames; see `VoiceClient.send_campaign`.

        A task that is cancelled leaves the frames on their way in doubt, and the journal says so.
        Reading the recipients and writing the journal hold up the event loop for moments.
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
            await self._send_frames(campaign, concurrency)
            return campaign.summary()

    async def _send_frames(self, campaign: Campaign, concurrency: int) -> None:
        done = deque[_Settled]()
        news = anyio.Semaphore(0)
        failed: BaseException | None = None
        try:
            async with anyio.create_task_group() as group:
                try:
                    running = 0
                    while True:
                        # Whoever is cancelled by now puts no further frame in doubt.
                        await anyio.lowlevel.checkpoint()
                        for job in campaign.batch(concurrency - running):
                            group.start_soon(self._report, job, done, news)
                            running += 1
                        if not running:
                            break
                        await news.acquire()
                        running -= 1
                        job, outcome = done[0]
                        if isinstance(outcome, _Defect):
                            raise outcome.error  # noqa: TRY301  (as if it had happened here)
                        campaign.settle(job, outcome)
                        # Not before: if it cannot be written, it is tried again below.
                        done.popleft()
                except anyio.get_cancelled_exc_class():
                    raise
                except BaseException as error:  # noqa: BLE001  (raised below)
                    # Raised here, it would cancel the frames on their way, and become a group.
                    failed = error
        finally:
            for job, outcome in done:
                # A defect does not say what it means for the frame: that stays in doubt.
                if not isinstance(outcome, _Defect):
                    campaign.settle(job, outcome, tell=False)
        if failed is not None:
            raise failed

    def _check_open(self) -> None:
        if self._http.is_closed:
            raise InvalidRequest("this client is closed; make another one")

    async def _report(self, job: Job, done: deque[_Settled], news: anyio.Semaphore) -> None:
        try:
            outcome: Outcome | _Defect = await self._sent(job.call)
        except VoiceError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001  (raised by whoever takes it)
            outcome = _Defect(error)
        done.append((job, outcome))
        news.release()

    async def _sent(self, call: Call) -> CampaignAccepted | AlreadyAccepted:
        tries = Tries(call, self._timeout, self._retries, self._runtime)
        try:
            return await AsyncRetrying(sleep=self._sleep, **tries.policy)(self._once, tries)
        except VoiceError as error:
            if (last := tries.last(error)) is error:
                raise
            raise last from error

    async def _once(self, tries: Tries) -> CampaignAccepted | AlreadyAccepted:
        request, status = self._usual.request(tries.call, tries.begin()), None
        try:
            response = await self._carrier.handle_async_request(request)
            async with aclosing(response):
                status = response.status_code
                body = b"".join([tries.received(part) async for part in response.aiter_bytes()])
        except httpx.HTTPError as error:
            raise tries.failed(error, self._access.base_url, status) from answers.shown(error)
        return tries.result(response, body)
