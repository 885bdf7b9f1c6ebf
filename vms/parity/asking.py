"""Asks each case of another server and of the twin, and compares the verdicts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from mock_server.app import create_app
from mock_server.contract import Contract
from mock_server.hosts import is_loopback_name
from mock_server.in_process import BASE_URL, InProcess
from mock_server.memory_store import MemoryStore
from mock_server.twin import Twin
from vms.parity import cases, snapshots
from vms.parity.cases import Case
from vms.parity.guard import Guard, HeldBackError
from vms.parity.snapshots import Snapshot

_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
_TOO_MANY: Final = 429
_FIRST_OF_A_SERVERS_OWN_TROUBLES: Final = 500
_SIGN_IN: Final = "parity"


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
    """The cases by what became of them; ``different`` says how, the others why or how old."""

    same: dict[str, str] = field(default_factory=dict)
    different: dict[str, str] = field(default_factory=dict)
    unobserved: dict[str, str] = field(default_factory=dict)
    not_askable: dict[str, str] = field(default_factory=dict)
    trouble: str = ""


def is_this_machine(url: str) -> bool:
    """Whether the URL can only be here: a name under .localhost may be looked up elsewhere."""
    host = httpx.URL(url).host
    return is_loopback_name(host) and not host.endswith(".localhost")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Parity:
    """One comparison; ``transport``, ``clock`` and ``sleep`` stand in for network and time."""

    contract: Contract
    snapshots: Path | None = None
    transport: httpx.BaseTransport | None = None
    clock: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep

    def recorded(self) -> Result:
        """What was answered once, against the twin of today; nothing is sent.

        Raises:
            SnapshotError: the file cannot be used.
        """
        result, known = Result(), self._known()
        for case in cases.simulated(()):
            self._judge(result, case, known)
        return result

    def asked(self, base_url: str, access: Access) -> Result:  # noqa: C901  (one request, one exit)
        """Ask the server at ``base_url`` each case that can be asked.

        Raises:
            ParityError: it must not be asked so.
            SnapshotError: the file cannot be used.
        """
        url = base_url.rstrip("/") + self.contract.url_path
        here = is_this_machine(url)
        if not here:
            _may_ask(url, access)
        known, answers = self._known(), dict[str, Snapshot]()
        carrier = self.transport or httpx.HTTPTransport(trust_env=False)
        if not here:
            carrier = Guard(carrier, url=url, numbers=access.numbers, calls=access.calls)
        result, trouble = Result(), ""
        wanted = cases.as_written() if here else cases.simulated(access.numbers)
        askable = [case for case in wanted if not case.why_not]
        askable.sort(key=lambda case: known[case.label].at if case.label in known else "")
        with httpx.Client(transport=carrier, timeout=_TIMEOUT, trust_env=False) as client:
            ask = _Asking(self, client, url, access, here=here)
            refused = dict[str, str]()
            try:
                before = None if here else ask.credit()
                for case in askable:
                    if isinstance(carrier, Guard) and carrier.left <= 1:
                        break  # the last one asks for the credit
                    try:
                        answer = ask.case(case)
                    except HeldBackError as error:
                        refused[case.label] = str(error).removeprefix("held back, nothing was ")
                        continue
                    if answer is None:
                        continue
                    answers[case.label] = answer
                if not here and ask.credit() != before:
                    trouble = (
                        "the residual credit moved: something was charged; look at the account"
                    )
            except (ParityError, httpx.HTTPError) as error:
                trouble = f"{url}: {error}; what was learnt until then is kept"
            except KeyboardInterrupt:
                trouble = "stopped by hand; what was learnt until then is kept"
        known |= answers
        if self.snapshots is not None and not here:
            snapshots.save(self.snapshots, known)
        for case in wanted:
            why = case.why_not or refused.get(case.label, "")
            self._judge(result, Case(case.label, case.body, case.content_type, why), known)
        result.trouble = trouble
        return result

    def secrets(self, access: Access) -> dict[str, str]:
        """What must not be kept, and what stands for it."""
        told = {access.login: "<login>", access.key: "<key>"}
        told |= {number: f"<number-{at}>" for at, number in enumerate(access.numbers, 1)}
        return {secret: stand_in for secret, stand_in in told.items() if secret}

    def _known(self) -> dict[str, Snapshot]:
        return {} if self.snapshots is None else snapshots.load(self.snapshots)

    def _judge(self, result: Result, case: Case, known: Mapping[str, Snapshot]) -> None:
        if case.why_not:
            result.not_askable[case.label] = case.why_not
        elif case.label not in known:
            result.unobserved[case.label] = "never asked"
        else:
            seen = known[case.label]
            age = f"{seen.age(self.clock())} days ago"
            if found := snapshots.differences(self.twins_verdict(case), seen.verdict):
                result.different[case.label] = f"{'; '.join(found)} ({age})"
            else:
                result.same[case.label] = age

    def twins_verdict(self, case: Case) -> dict[str, Any]:
        """What the twin makes of the case on a new account."""
        app = create_app(Twin(self.contract, MemoryStore(), clock=self.clock))
        with httpx.Client(transport=InProcess(app), base_url=BASE_URL) as client:
            answer = client.post(
                self.contract.url_path,
                content=case.body,
                headers=self.headers(_SIGN_IN, _SIGN_IN, case),
            )
        return snapshots.verdict(answer.status_code, answer.content)

    def headers(self, login: str, key: str, case: Case) -> dict[str, str]:
        """What the case is sent with."""
        names = self.contract.login_header, self.contract.key_header
        return {names[0]: login, names[1]: key, "content-type": case.content_type}


class _Asking:
    """Sends one case after the other."""

    def __init__(
        self, parity: Parity, client: httpx.Client, url: str, access: Access, *, here: bool
    ) -> None:
        self._parity, self._client, self._url = parity, client, url
        self._access, self._here = access, here
        self._secrets = parity.secrets(access)
        self._run = f"{parity.clock():%Y%m%d%H%M%S%f}"
        self._asked = 0

    def credit(self) -> object:
        """The account's residual credit, by a simulation.

        Raises:
            ParityError: it was not told.
        """
        answer = self._sent(cases.Case("", _simulation(self._access.numbers)))
        try:
            return answer.json()["residual_credit"]
        except (ValueError, KeyError, TypeError) as error:
            raise ParityError(
                f"a plain simulation was answered {answer.status_code} without a residual_credit; "
                "are login and key right?"
            ) from error

    def case(self, case: Case) -> Snapshot | None:
        """The answer; None if the server had troubles of its own.

        Raises:
            ParityError: the server wants no more requests.
        """
        answer = self._sent(case)
        if answer.status_code == _TOO_MANY:
            raise ParityError("429, too many requests: go on later, with a longer --pause")
        if answer.status_code >= _FIRST_OF_A_SERVERS_OWN_TROUBLES:
            return None
        return Snapshot(
            f"{self._parity.clock():%Y-%m-%dT%H:%M:%S%z}",
            snapshots.redacted(case.body, self._secrets),
            snapshots.redacted(answer.content, self._secrets),
            snapshots.verdict(answer.status_code, answer.content),
        )

    def _sent(self, case: Case) -> httpx.Response:
        access = self._access
        login, key = access.login, access.key
        if self._here:
            # A world of its own for each case, and never the account of the real API.
            login, key = f"parity-{self._run}-{self._asked}@example.com", _SIGN_IN
        elif self._asked:
            self._parity.sleep(access.pause)
        self._asked += 1
        headers = self._parity.headers(login, key, case)
        return self._client.post(self._url, content=case.body, headers=headers)


def _simulation(numbers: Sequence[str]) -> bytes:
    body = cases.laid("simulation_mode", value=True)
    return httpx.Request(
        "POST", BASE_URL, json=body | {"recipients": [{"phone_number": numbers[0]}]}
    ).read()


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
