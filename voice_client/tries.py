"""One call with its tries: what to do next is decided here, without any I/O."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import httpx
from tenacity import RetryCallState

from voice_api.models import CampaignAccepted
from voice_client import answers
from voice_client.errors import (
    AcceptedButUnreadable,
    HeldBack,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    RepeatedRequest,
    ServerError,
    VoiceError,
)
from voice_client.requests import Call, check_moment
from voice_client.settings import Retries, Timeout

_log = logging.getLogger("voice_client")
# An answer has a few hundred bytes; what never ends must not fill the memory.
_LONGEST_ANSWER: Final = 1 << 20
# Sockets count in milliseconds, and those of more than 24 days are too many for them.
_LONGEST_WAIT: Final = 86_400.0
# Beyond it, powers of two are no floats any more.
_MOST_DOUBLINGS: Final = 1000


@dataclass(frozen=True, slots=True)
class AlreadyAccepted:
    """The campaign was accepted by an earlier try, whose answer was lost; its ticket is not known.

    The API said so of a repeat: this ``request_id`` was used before.
    """

    request_id: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """Time and chance: ``clock`` in monotonic seconds, ``now`` aware, ``random`` for jitter."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    random: random.Random = field(default_factory=random.SystemRandom)


class Usual:
    """What all requests of a client have in common: to put it together takes as long as to send."""

    def __init__(self, client: httpx.Client | httpx.AsyncClient) -> None:
        self._client = client
        self._made = dict[tuple[str, str, str], httpx.Request]()

    def request(self, call: Call, timeout: httpx.Timeout) -> httpx.Request:
        """The request as the client itself would make it."""
        kind = (call.method, call.path, call.media_type)
        if kind not in self._made:
            headers = {"Content-Type": call.media_type}
            made = self._client.build_request(call.method, call.path, headers=headers)
            # Each has its own.
            del made.headers["Content-Length"]
            self._made[kind] = made
        made = self._made[kind]
        return httpx.Request(
            made.method,
            made.url,
            headers=made.headers,
            content=call.content,
            extensions={"timeout": timeout.as_dict()},
        )


class Tries:
    """The tries of one call: how long each may take, what its end means, whether to try again.

    Never after a 2xx, and never on a 4xx but 429. When the request may have arrived (no answer, or
    5xx), only where a repeat cannot call anybody: with a ``request_id``, or in a simulation. A 503
    that asks to come back later says by itself that nothing was done.
    """

    def __init__(self, call: Call, timeout: Timeout, retries: Retries, runtime: Runtime) -> None:
        self.call = call
        self._timeout = timeout
        self._retries = retries
        self._runtime = runtime
        self._deadline = runtime.clock() + timeout.total
        self._in_doubt = False
        self._received = 0

    @property
    def policy(self) -> dict[str, Any]:
        """The arguments of tenacity's ``Retrying`` and ``AsyncRetrying`` alike."""
        return {
            "retry": self._again,
            "wait": self._wait,
            "stop": self._stop,
            "before_sleep": _tell,
            "reraise": True,
        }

    def begin(self) -> httpx.Timeout:
        """Begin a try; how long its parts may take.

        Raises:
            InvalidRequest: the moment before which it has to leave has passed.
        """
        check_moment(self.call.latest, self._runtime.now())
        self._received = 0
        left = min(max(self._deadline - self._runtime.clock(), 0.001), _LONGEST_WAIT)
        read = min(self._timeout.read, left)
        return httpx.Timeout(read, connect=min(self._timeout.connect, left))

    def received(self, part: bytes) -> bytes:
        """Take part of an answer.

        Raises:
            httpx.ReadTimeout, httpx.ReadError: it takes too long, or is too long.
        """
        self._received += len(part)
        if self._received > _LONGEST_ANSWER:
            raise httpx.ReadError(f"an answer of more than {_LONGEST_ANSWER} bytes")
        if self._runtime.clock() > self._deadline:
            raise httpx.ReadTimeout(f"no end after {self._timeout.total} seconds")
        return part

    def failed(self, error: httpx.HTTPError, base_url: str, status: int | None) -> VoiceError:
        """The error of a try that has no whole answer."""
        return self._remembered(answers.failure(error, base_url, status))

    def result(self, response: httpx.Response, body: bytes) -> CampaignAccepted | AlreadyAccepted:
        """What an answer says.

        Raises:
            VoiceError: whatever it is, if no success.
        """
        _log.debug("%s %s: %d", self.call.method, self.call.path, response.status_code)
        # Decoded by now, so what says how it was encoded is left out.
        kept = [pair for pair in response.headers.raw if pair[0].lower() == b"retry-after"]
        extensions = {"reason_phrase": response.reason_phrase.encode("ascii", "replace")}
        whole = httpx.Response(
            response.status_code, headers=kept, content=body, extensions=extensions
        )
        try:
            return answers.result(whole, self._runtime.now)
        except RepeatedRequest as error:
            if self._in_doubt and self.call.request_id is not None:
                return AlreadyAccepted(self.call.request_id)
            raise self._remembered(error)  # noqa: B904  (it is the same)
        except VoiceError as error:
            raise self._remembered(error)  # noqa: B904

    def last(self, error: VoiceError) -> VoiceError:
        """The error of the whole call: what an earlier try may have done is not undone."""
        if not self._in_doubt or isinstance(error, OutcomeUnknown | AcceptedButUnreadable):
            return error
        return OutcomeUnknown(f"an earlier try was sent and had no answer; after that: {error}")

    def _remembered(self, error: VoiceError) -> VoiceError:
        may_ring = isinstance(error, OutcomeUnknown) and not self.call.simulated
        self._in_doubt = self._in_doubt or may_ring
        return error

    def _again(self, state: RetryCallState) -> bool:
        error = _error(state)
        harmless = self.call.request_id is not None or self.call.simulated
        asked = self._asked(error)
        if asked is not None and asked > self._retries.longest_asked:
            return False
        if isinstance(error, ServerError):
            told = error.status == HTTPStatus.SERVICE_UNAVAILABLE and asked is not None
            return harmless or told
        if isinstance(error, OutcomeUnknown):
            return harmless
        if isinstance(error, NotSent):
            return not isinstance(error, HeldBack)
        return isinstance(error, RateLimited)

    def _wait(self, state: RetryCallState) -> float:
        doublings = min(state.attempt_number - 1, _MOST_DOUBLINGS)
        longest = min(self._retries.first * 2.0**doublings, self._retries.longest)
        jitter = self._runtime.random.uniform(0, longest)
        return (self._asked(_error(state)) or 0.0) + jitter

    def _stop(self, state: RetryCallState) -> bool:
        # A try without time for its answer would only put the request in doubt.
        least = min(self._timeout.read, self._timeout.total / 4)
        late = self._runtime.clock() + state.upcoming_sleep + least > self._deadline
        return state.attempt_number >= self._retries.attempts or late

    @staticmethod
    def _asked(error: BaseException | None) -> float | None:
        return error.retry_after if isinstance(error, RateLimited | ServerError) else None


def _error(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()


def _tell(state: RetryCallState) -> None:
    error = _error(state)
    told = f"{type(error).__name__}: {error}"
    _log.info("try %d: %s; again in %.1f s", state.attempt_number, told, state.upcoming_sleep)
