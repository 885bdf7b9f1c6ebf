"""What the tests of the sending client share: both clients as one, answers, and time that obeys."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Lock
from typing import Any, Final

import anyio
import httpx

from common import NOON
from voice_client import AsyncVoiceClient, Runtime, VoiceClient, VoiceError

LOGIN: Final = "ada@example.com"
KEY: Final = "k3y-of-ada"
HERE: Final = "http://127.0.0.1"
AWAY: Final = "https://api.example.com"
NUMBERS: Final = ["+33612345678"]
DAY: Final = 24 * 3600
ACCEPTED: Final = {
    "ticket_number": "voice_5f44ebf9e47b7",
    "number_of_contacts": 1,
    "total_cost": 0.05,
    "estimated_duration": 30,
    "residual_credit": 149.95,
}
REPEATED: Final = {
    "code": 400,
    "message": "Payload validation error.",
    "errors": {"request_id": {"code": 120, "message": "Request already sent."}},
}
OUT_OF_CREDIT: Final = {"code": 104, "message": "Not enough credit."}

Answer = Callable[[httpx.Request], httpx.Response]


class Closed:
    """Remembers whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


class Parts(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in parts; an exception among them is raised, a function called."""

    def __init__(self, *parts: bytes | Exception | Callable[[], bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if isinstance(part, Exception):
                raise part
            yield part if isinstance(part, bytes) else part()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


class Bound(random.Random):
    """Chance that always draws the upper bound, or another part of it."""

    def __init__(self, part: float = 1.0) -> None:
        super().__init__(0)
        self.part = part

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self.part


class Time:
    """Both clocks, which move by sleeping alone, and what was slept."""

    def __init__(self, chance: random.Random | None = None, begin: datetime = NOON) -> None:
        self.seconds = 0.0
        self.slept = list[float]()
        self._begin = begin
        self.runtime = Runtime(lambda: self.seconds, self.now, chance or Bound())

    def now(self) -> datetime:
        return self._begin + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def passes(self, seconds: float) -> bytes:
        """So much time, as a part of a body."""
        self.seconds += seconds
        return b" "


class Door:
    """One of the two clients; both are talked to alike."""

    def __init__(self, kind: type[VoiceClient | AsyncVoiceClient]) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return self.kind.__name__

    def send(self, answer: Answer, *arguments: Any, **options: Any) -> Any:
        """What `send` returns; ``setup`` is for the client, ``time`` for its clocks."""
        return self._call("send", answer, arguments or ("Hello.", NUMBERS), options)

    def send_campaign(self, answer: Answer, *arguments: Any, **options: Any) -> Any:
        return self._call("send_campaign", answer, arguments, options)

    def told(self, answer: Answer, *arguments: Any, **options: Any) -> Any:
        """What `send` returns or raises, if it is of the family; anything else is raised."""
        try:
            return self.send(answer, *arguments, **options)
        except VoiceError as error:
            return error

    def _call(self, method: str, answer: Answer, arguments: Any, options: dict[str, Any]) -> Any:
        time = options.pop("time", None) or Time()
        settings = {
            "base_url": HERE,
            "transport": httpx.MockTransport(answer),
            "runtime": time.runtime,
            "sleep": time.sleep,
            **options.pop("setup", {}),
        }
        if self.kind is VoiceClient:
            with VoiceClient(LOGIN, KEY, **settings) as client:
                return getattr(client, method)(*arguments, **options)

        sleep = settings.pop("sleep")

        async def asleep(seconds: float) -> None:
            sleep(seconds)

        async def main() -> Any:
            async with AsyncVoiceClient(LOGIN, KEY, sleep=asleep, **settings) as client:
                return await getattr(client, method)(*arguments, **options)

        return anyio.run(main)


SYNC, ASYNC = Door(VoiceClient), Door(AsyncVoiceClient)
DOORS = [SYNC, ASYNC]


def always(answer: Callable[[], httpx.Response | Exception]) -> Answer:
    return lambda _: given(answer)


def raising(error: Exception) -> Answer:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


class Script:
    """Answers, one after another, and the requests that they answered."""

    def __init__(self, *answers: Callable[[], httpx.Response | Exception]) -> None:
        self._answers = list(answers)
        self.requests = list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return given(self._answers.pop(0))


def given(answer: Callable[[], httpx.Response | Exception]) -> httpx.Response:
    """An answer is made anew for each request: it can be read only once."""
    made = answer()
    if isinstance(made, Exception):
        raise made
    return made


def good() -> httpx.Response:
    return httpx.Response(201, json=ACCEPTED)


def status(code: int, retry_after: str | None = None, **body: Any) -> Callable[[], httpx.Response]:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return lambda: httpx.Response(code, headers=headers, **body)


def error(kind: type[Exception], text: str = "") -> Callable[[], Exception]:
    return lambda: kind(text)


def body_of(request: httpx.Request) -> dict[str, Any]:
    """The body as any reader sees it: no name stands there twice."""
    body: dict[str, Any] = json.loads(request.content, object_pairs_hook=_object)
    return body


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def numbers_of(request: httpx.Request) -> list[str]:
    return [contact["phone_number"] for contact in body_of(request)["recipients"]]


def numbers(count: int) -> list[str]:
    """So many different ones."""
    return [f"+336{index:08}" for index in range(count)]


# What happens to a request that the API has not taken,
BEFORE: Final[Mapping[str, Callable[[], httpx.Response | Exception]]] = {
    "refused": error(httpx.ConnectError, "refused"),
    "no connection": error(httpx.ConnectTimeout),
    "reset": error(httpx.ReadError, "reset"),
    "too long": error(httpx.WriteTimeout),
    "429": status(429, "1"),
    "400": status(400, json={**REPEATED, "errors": {"recipients": {"code": 117, "message": ""}}}),
    "401": status(401),
    "500": status(500),
    "503": status(503),
    "503, come back": status(503, "1"),
}
# and what in place of the answer to one that it has.
AFTER: Final[Mapping[str, Callable[[], httpx.Response | Exception]]] = {
    "silent": error(httpx.ReadTimeout),
    "gone": error(httpx.RemoteProtocolError, "gone"),
    "502": status(502),
    "503, at once": status(503),
    "garbled": status(201, text="{"),
    "cut": lambda: httpx.Response(201, stream=Parts(b"{", httpx.ReadError("cut"))),
    "cut 500": lambda: httpx.Response(500, stream=Parts(b"{", httpx.ReadError("cut"))),
    "redirect": status(302),
}


class Api:
    """An API that sends what it takes, remembers marks for a day, and fails as it is told to.

    ``faults`` are those of a frame by its first number, one a request.
    """

    def __init__(
        self,
        faults: Mapping[str, Sequence[str]] | None = None,
        *,
        credit: str = "100",
        price: str = "0.05",
        time: Time | None = None,
    ) -> None:
        self.faults = {number: [*those] for number, those in (faults or {}).items()}
        self.credit = Decimal(credit)
        self.price = Decimal(price)
        self.requests = list[httpx.Request]()
        self.sent = list[tuple[str | None, tuple[str, ...]]]()
        """The mark and the numbers of each frame that was sent."""
        self._time = time or Time()
        self._marks = dict[str, float]()
        self._lock = Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
            body, called = body_of(request), tuple(numbers_of(request))
            fault = (self.faults.get(called[0]) or ["none"]).pop(0)
            if fault in BEFORE:
                return given(BEFORE[fault])
            answer = self._taken(body, called)
            return given(AFTER.get(fault, lambda: answer))

    @property
    def called(self) -> list[str]:
        """Every number that was called, as often as it was."""
        return [number for _, called in self.sent for number in called]

    def _taken(self, body: Any, called: tuple[str, ...]) -> httpx.Response:
        cost = len(called) * self.price
        if body["simulation_mode"] is True:
            return self._answer("voice_0", called, cost)
        mark = body.get("request_id")
        if mark in self._marks and self._time.seconds - self._marks[mark] < DAY:
            return httpx.Response(400, json=REPEATED)
        if cost > self.credit:
            return httpx.Response(400, json=OUT_OF_CREDIT)
        if mark is not None:
            self._marks[mark] = self._time.seconds
        self.credit -= cost
        self.sent.append((mark, called))
        return self._answer(f"voice_{called[0]}", called, cost)

    def _answer(self, ticket: str, called: tuple[str, ...], cost: Decimal) -> httpx.Response:
        told = {"ticket_number": ticket, "number_of_contacts": len(called)}
        money = {"total_cost": float(cost), "residual_credit": float(self.credit)}
        return httpx.Response(201, json={**told, **money, "estimated_duration": 30})
