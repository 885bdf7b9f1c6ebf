"""Asks each case of another server and of the twin, and compares the verdicts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from mock_server.contract.loader import Contract
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.settings.loopback import is_loopback_name
from mock_server.store.memory import MemoryStore
from mock_server.testing.transport import BASE_URL, InProcess
from vms.parity import cases, snapshots
from vms.parity.cases import Case
from vms.parity.guard import Guard, HeldBackError
from vms.parity.snapshots import Snapshot

_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
_TOO_MANY: Final = 429
_FIRST_OF_A_SERVERS_OWN_TROUBLES: Final = 500
_SIGN_IN: Final = "parity"
STOPPED: Final = "stopped by hand; what was learnt until then is kept"
"""The trouble of a check that Ctrl-C ended."""


class ParityError(Exception):
    """It could not be asked, or the credit moved; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Access:
    """What is needed to ask a host that is not this machine."""

    permission: bool = False
    login: str = ""
    key: str = field(default="", repr=False)
    numbers: tuple[str, ...] = ()
    calls: int = 20
    pause: float = 1.0


@dataclass(slots=True)
class Result:
    """The cases by what became of them, each with how or why, and how old an answer is.

    ``acknowledged`` differ for a reason that is known; ``outdated`` are acknowledged, and do not
    differ any more.
    """

    same: dict[str, str] = field(default_factory=dict)
    different: dict[str, str] = field(default_factory=dict)
    acknowledged: dict[str, str] = field(default_factory=dict)
    outdated: dict[str, str] = field(default_factory=dict)
    unobserved: dict[str, str] = field(default_factory=dict)
    not_askable: dict[str, str] = field(default_factory=dict)
    trouble: str = ""


def is_this_machine(url: str) -> bool:
    """Whether the URL can only be here: a name under .localhost may be looked up elsewhere."""
    host = httpx.URL(url).host
    return is_loopback_name(host) and not host.endswith(".localhost")


def _now() -> datetime:
    return datetime.now(UTC)


def _told_nobody(_done: int, _of: int) -> None: ...


@dataclass
class Parity:
    """One comparison; ``transport``, ``clock`` and ``sleep`` stand in for network and time.

    ``acknowledged`` has the reason of each difference that is known, by case; ``progress`` is told
    after each request how many were made, and of how many.
    """

    contract: Contract
    snapshots: Path | None = None
    transport: httpx.BaseTransport | None = None
    clock: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep
    acknowledged: Mapping[str, str] = field(default_factory=dict)
    progress: Callable[[int, int], None] = _told_nobody

    def recorded(self) -> Result:
        """What was answered once, against the twin of today; nothing is sent.

        Raises:
            SnapshotError: the file cannot be used.
        """
        return self._judged(cases.simulated(cases.NUMBERS), self._known(), stand_ins(cases.NUMBERS))

    def asked(self, base_url: str, access: Access) -> Result:
        """Ask the server at ``base_url`` each case that can be asked.

        What another machine answers is kept in ``snapshots``, and judged with what it answered
        before; what this machine answers is judged alone, and not kept.

        Raises:
            ParityError: it must not be asked so.
            SnapshotError: the file cannot be used.
        """
        url = base_url.rstrip("/") + self.contract.url_path
        if is_this_machine(url):
            asking = _Asking(self, url, access)
            asking.ask_all(cases.as_written())
            known = asking.answers
        else:
            _may_ask(url, access)
            known = self._known()
            asking = _AskingElsewhere(self, url, access, known)
            asking.ask_all(cases.simulated(access.numbers))
            known |= asking.answers
            if self.snapshots is not None:
                snapshots.save(self.snapshots, known)
        result = self._judged(asking.cases, known, stand_ins(access.numbers))
        result.trouble = asking.trouble
        return result

    def _known(self) -> dict[str, Snapshot]:
        return {} if self.snapshots is None else snapshots.load(self.snapshots)

    def _judged(
        self, wanted: Iterable[Case], known: Mapping[str, Snapshot], numbers: Mapping[str, str]
    ) -> Result:
        result, twin = Result(), _Twin(self)
        for case in wanted:
            if case.why_not:
                result.not_askable[case.label] = case.why_not
            elif (seen := known.get(case.label)) is None:
                result.unobserved[case.label] = "not answered yet"
            elif seen.request != snapshots.redacted(case.body, numbers):
                result.unobserved[case.label] = "the case has changed since it was answered"
            else:
                self._sort(result, case.label, seen, twin.verdict(case))
        return result

    def _sort(
        self, result: Result, label: str, seen: Snapshot, of_the_twin: Mapping[str, Any]
    ) -> None:
        age = f"{seen.age(self.clock())} days ago"
        found = "; ".join(snapshots.differences(of_the_twin, seen.verdict))
        reason = self.acknowledged.get(label)
        if found and reason:
            result.acknowledged[label] = f"{reason} ({found}; {age})"
        elif found:
            result.different[label] = f"{found} ({age})"
        else:
            result.same[label] = age
            if reason:
                result.outdated[label] = reason

    def headers(self, login: str, key: str, case: Case) -> dict[str, str]:
        """What the case is sent with."""
        names = self.contract.login_header, self.contract.key_header
        return {names[0]: login, names[1]: key, "content-type": case.content_type}


def stand_ins(numbers: Sequence[str]) -> dict[str, str]:
    """What is kept in place of each number."""
    return {number: f"<number-{at}>" for at, number in enumerate(numbers, 1)}


class _Twin:
    """What the twin makes of a case, on an account of its own."""

    def __init__(self, parity: Parity) -> None:
        self._parity = parity
        app = create_app(Twin(parity.contract, MemoryStore(), clock=parity.clock))
        self._client = httpx.Client(transport=InProcess(app), base_url=BASE_URL)
        self._asked = 0

    def verdict(self, case: Case) -> dict[str, Any]:
        self._asked += 1
        answer = self._client.post(
            self._parity.contract.url_path,
            content=case.body,
            headers=self._parity.headers(f"{_SIGN_IN}-{self._asked}", _SIGN_IN, case),
        )
        return snapshots.verdict(answer.status_code, answer.content)


class _Asking:
    """Asks a server on this machine each case as it is written, in a world of its own."""

    def __init__(self, parity: Parity, url: str, access: Access) -> None:
        self.cases: list[Case] = []
        self.answers: dict[str, Snapshot] = {}
        self.trouble = ""
        self._parity, self._url, self._access = parity, url, access
        self._run = f"{parity.clock():%Y%m%d%H%M%S%f}"
        self._asked = 0
        self._numbers = stand_ins(access.numbers)
        told = {access.login: "<login>", access.key: "<key>", **self._numbers}
        self._secrets = {secret: stand_in for secret, stand_in in told.items() if secret}

    def ask_all(self, wanted: Iterable[Case]) -> None:
        """Ask what can be asked; what goes wrong is said in ``trouble``, and stops nothing else."""
        self.cases = list(wanted)
        with httpx.Client(transport=self._carrier(), timeout=_TIMEOUT, trust_env=False) as client:
            self._client = client
            try:
                self._ask_in_turn()
                if not self.answers and not self.trouble:
                    self.trouble = f"{self._url}: no case was answered with less than 500"
            except (ParityError, httpx.HTTPError) as error:
                self.trouble = f"{self._url}: {error}; what was learnt until then is kept"
            except KeyboardInterrupt:
                self.trouble = STOPPED

    def _carrier(self) -> httpx.BaseTransport:
        return self._parity.transport or httpx.HTTPTransport(trust_env=False)

    def _ask_in_turn(self) -> None:
        askable = [case for case in self.cases if not case.why_not]
        for done, case in enumerate(askable, 1):
            self._ask(case)
            self._parity.progress(done, len(askable))

    def _ask(self, case: Case) -> None:
        answer = self._sent(case)
        if answer.status_code == _TOO_MANY:
            raise ParityError("429, too many requests: go on later, with a longer --pause")
        if answer.status_code < _FIRST_OF_A_SERVERS_OWN_TROUBLES:
            self.answers[case.label] = Snapshot(
                f"{self._parity.clock():%Y-%m-%dT%H:%M:%S%z}",
                snapshots.redacted(case.body, self._numbers),
                snapshots.redacted(answer.content, self._secrets),
                snapshots.verdict(answer.status_code, answer.content),
            )

    def _sent(self, case: Case) -> httpx.Response:
        self._asked += 1
        login, key = self._sign_in()
        return self._client.post(
            self._url, content=case.body, headers=self._parity.headers(login, key, case)
        )

    def _sign_in(self) -> tuple[str, str]:
        # Never the account of the real API.
        return f"parity-{self._run}-{self._asked}@example.com", _SIGN_IN


class _AskingElsewhere(_Asking):
    """Asks another machine for simulations, past the guard, what it answered longest ago first."""

    def __init__(
        self, parity: Parity, url: str, access: Access, known: Mapping[str, Snapshot]
    ) -> None:
        super().__init__(parity, url, access)
        self._known = known
        self._guard = Guard(super()._carrier(), url=url, numbers=access.numbers, calls=access.calls)

    def _carrier(self) -> httpx.BaseTransport:
        return self._guard

    def _sign_in(self) -> tuple[str, str]:
        if self._asked > 1:
            self._parity.sleep(self._access.pause)
        return self._access.login, self._access.key

    def _ask_in_turn(self) -> None:
        before = self._credit()
        order = [at for at, case in enumerate(self.cases) if not case.why_not]
        order.sort(key=lambda at: self._last_seen(self.cases[at]))
        for at in order:
            if self._guard.left <= 1:
                break  # the last one asks for the credit
            try:
                self._ask(self.cases[at])
            except HeldBackError as error:
                self.cases[at] = replace(self.cases[at], why_not=str(error))
            self._parity.progress(self._asked, self._access.calls)
        if self._credit() != before:
            self.trouble = "the residual credit moved: something was charged; look at the account"

    def _last_seen(self, case: Case) -> str:
        seen = self._known.get(case.label)
        return seen.at if seen else ""

    def _credit(self) -> object:
        """The account's residual credit, by a simulation."""
        body = cases.laid("simulation_mode", value=True)
        body["recipients"] = [{"phone_number": self._access.numbers[0]}]
        answer = self._sent(Case("", json.dumps(body).encode()))
        try:
            return answer.json()["residual_credit"]
        except (ValueError, KeyError, TypeError) as error:
            raise ParityError(
                f"a plain simulation was answered {answer.status_code} without a residual_credit; "
                "are login and key right?"
            ) from error


def _may_ask(url: str, access: Access) -> None:
    """Raise unless everything that a foreign host needs is there."""
    wanted = {
        "--i-have-permission: it is not this machine": access.permission,
        "VMS_LOGIN and VMS_KEY in the environment": access.login and access.key,
        "a --number of your own, such as +33612345678": access.numbers,
        "https:// before the host": url.startswith("https://"),
    }
    missing = [name for name, there in wanted.items() if not there]
    if missing:
        raise ParityError(f"{url} was not asked; wanted: {'; '.join(missing)}")
