"""The twin in tests: one account of it to send to, set up, and ask what arrived.

Everything goes through the control plane (``openapi/twin.yaml``), so it works alike in process, on
a port, and with a twin that runs elsewhere.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import httpx

from mock_server.contract.admin_schemas import parameters
from mock_server.contract.loader import load
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.served import CONTROL, stop_sending
from mock_server.http.server import Serving
from mock_server.settings.loopback import is_loopback_name
from mock_server.store.memory import MOST_ENTRIES, MemoryStore
from mock_server.testing.deliveries import Delivery, TwinReceipt, failed, missing
from mock_server.testing.messages import Message, explained, quoted
from mock_server.testing.phones import TwinPhone
from mock_server.testing.receivers import Receiver, handed_over
from mock_server.testing.transport import BASE_URL, InProcess

_INBOX: Final = parameters("listRequests")
_PAGE: Final[int] = _INBOX["limit"]["maximum"]
_LONGEST_WAIT: Final[float] = _INBOX["wait"]["maximum"]
_RECEIPT_PAGE: Final[int] = parameters("listReceipts")["limit"]["maximum"]
_LOOK_AGAIN: Final = 0.05
# The longest wait, and then some.
_PATIENCE: Final = _LONGEST_WAIT + 10
_AT_VMS_SERVE: Final = "http://127.0.0.1:8010"

Seconds: TypeAlias = float | tuple[float, float] | Mapping[str, float]
"""A fixed delay; from and to; or ``{"median": …, "sigma": …}`` of a lognormal distribution."""


class InboxOverflowError(AssertionError):
    """The inbox has dropped requests to make space, so what arrived is not known."""


@dataclass(frozen=True, slots=True)
class Host:
    """A running twin. ``transport`` is None where it is reached over a socket."""

    base_url: str
    client: httpx.Client
    transport: InProcess | None = None

    def account(self, login: str, key: str) -> VoiceTwin:
        """A new account of its own under that login; one that was there is forgotten."""
        twin = VoiceTwin(self, login, key)
        twin.forget()
        twin.set(key=key)
        return twin


class VoiceTwin:
    """One account of the twin, apart from all others.

    Give the code under test `base_url`, `login` and `key`; in process also `transport` (or
    `async_transport`) for its httpx client.
    """

    def __init__(self, host: Host, login: str, key: str) -> None:
        self._host = host
        self.login = login
        self.key = key
        self.clock = TwinClock(self._ask)
        self.faults = TwinFaults(self._ask)
        self.deliveries = list[Delivery]()
        """What `deliver_to` has handed over, and what was answered, oldest first."""

    def __repr__(self) -> str:
        return f"VoiceTwin({self.login!r}, base_url={self.base_url!r})"

    # ── what the code under test needs ────────────────────────────────────────────────────────

    @property
    def base_url(self) -> str:
        """Where the twin is; in process a name that only `transport` answers."""
        return self._host.base_url

    @property
    def transport(self) -> httpx.BaseTransport:
        """What carries the requests of an ``httpx.Client``."""
        return self._host.transport or httpx.HTTPTransport()

    @property
    def async_transport(self) -> httpx.AsyncBaseTransport:
        """What carries the requests of an ``httpx.AsyncClient``."""
        return self._host.transport or httpx.AsyncHTTPTransport()

    @property
    def headers(self) -> dict[str, str]:
        """The headers that sign in."""
        contract = self._contract
        return {contract["login_header"]: self.login, contract["key_header"]: self.key}

    @property
    def url(self) -> str:
        """The whole URL that a campaign is sent to."""
        return self.base_url + self._contract["url_path"]

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for a program under test."""
        return {
            "VMS_BASE_URL": self.base_url,
            "VMS_LOGIN": self.login,
            "VMS_KEY": self.key,
        }

    @property
    def magic(self) -> dict[str, str]:
        """Keys, logins and numbers that force an outcome by themselves, and which."""
        return {value["value"]: value["summary"] for value in self._get("GET", "magic")["values"]}

    def another(self, login: str | None = None, key: str | None = None) -> VoiceTwin:
        """Another account of the same twin, by default under a login like this one's."""
        return self._host.account(login or f"other-{self.login}", key or self.key)

    # ── what it is like ────────────────────────────────────────────────────────

    def set(self, **settings: Any) -> None:  # noqa: ANN401  (one type for each setting)
        """Set what is named and keep the rest.

        Args:
            settings: those of AccountSettings in ``openapi/twin.yaml``: credit, key, mode,
                voice_addon, region, tariff, opt_outs, pace, callback_url,
                callback_generation, callback_format, seed.

        Raises:
            ValueError: one is not as it should be.
        """
        self._ask("PUT", "", {name: _plain(value) for name, value in settings.items()})

    def strict(self) -> None:
        """Refuse from now on whatever the API would repair, default or ignore."""
        self.set(mode="strict")

    def lenient(self) -> None:
        """Repair from now on, as the API does."""
        self.set(mode="lenient")

    @property
    def credit(self) -> Decimal:
        """What is left, in euros."""
        return Decimal(self._ask("GET", "")["credit"])

    def forget(self) -> None:
        """Forget this account and all that it has sent."""
        self._ask("DELETE", "")
        self.deliveries.clear()

    # ── what arrived ────────────────────────────────────────────────────────

    @property
    def requests(self) -> list[Message]:
        """Everything that arrived, oldest first, whatever the outcome.

        Raises:
            InboxOverflowError: the inbox has dropped some of it.
        """
        return self._arrived()

    @property
    def messages(self) -> list[Message]:
        """What was accepted and is not a simulation, oldest first: for these, phones ring.

        Raises:
            InboxOverflowError: the inbox has dropped requests, so the outcome is unknown.
        """
        return [message for message in self._arrived() if message.is_sent]

    def wait_for_message(
        self,
        *,
        number: Any = None,  # noqa: ANN401  (a value, pattern or predicate)
        text: Any = None,  # noqa: ANN401  (the same)
        timeout: float = 5.0,
        **expected: Any,  # noqa: ANN401  (the same, one for each parameter)
    ) -> Message:
        """The first message that fits, as soon as it is there.

        Args:
            number: one of the numbers that are called, such as ``+33612345678``.
            text: what the voice reads. This and every other value may be a pattern
                (``re.compile``), which is searched, or a function that returns a bool.
            timeout: how many seconds to wait, by the wall clock.
            expected: other parameters by name, as the API reads them; ``state="sent"`` waits until
                a scheduled message is due.

        Raises:
            AssertionError: none arrived in time; it shows the nearest and how it differs.
            InboxOverflowError: the inbox has dropped requests, so the outcome is unknown.
        """
        __tracebackhide__ = True
        expected = self._expected(number, text, expected)
        until = time.monotonic() + timeout
        while True:
            arrived = self._arrived()
            for message in arrived:
                if message.is_sent and message.matches(expected):
                    return message
            left = until - time.monotonic()
            if left <= 0:
                headline = f"No message within {timeout:g} s with {_criteria(expected)}."
                raise AssertionError(explained(headline, arrived, expected, self._curl))
            self._wait(min(left, _LONGEST_WAIT), arrived, due="state" in expected)

    def assert_sent(
        self,
        *,
        times: int | None = None,
        number: Any = None,  # noqa: ANN401  (a value, pattern or predicate)
        text: Any = None,  # noqa: ANN401  (the same)
        **expected: Any,  # noqa: ANN401  (the same, one for each parameter)
    ) -> list[Message]:
        """That a message was sent, or is scheduled; the messages that fit, oldest first.

        Args:
            times: exactly so many; by default at least one.
            number: see `wait_for_message`, as the others.
            text: the same.
            expected: the same.

        Raises:
            AssertionError: it was not, or another number of times.
            InboxOverflowError: the inbox has dropped requests, so the outcome is unknown.
        """
        __tracebackhide__ = True
        expected = self._expected(number, text, expected)
        arrived = self._arrived()
        fitting = [message for message in arrived if message.is_sent and message.matches(expected)]
        if len(fitting) == times or (times is None and fitting):
            return fitting
        number_of = "at least one message" if times is None else _times(times)
        headline = f"Expected {number_of}{_with(expected)}, but got {_times(len(fitting))}."
        if fitting:
            raise AssertionError("\n".join([headline, *_listed(fitting)]))
        raise AssertionError(explained(headline, arrived, expected, self._curl))

    def assert_nothing_sent(self) -> None:
        """That no phone rings, now or later.

        Raises:
            AssertionError: one does; the message lists for what.
            InboxOverflowError: the inbox has dropped requests, so the outcome is unknown.
        """
        __tracebackhide__ = True
        if sent := self.messages:
            headline = f"Expected nothing to be sent, but got {_times(len(sent))}."
            raise AssertionError("\n".join([headline, *_listed(sent)]))

    def assert_no_repairs(self) -> None:
        """That every request was valid as sent: nothing repaired, defaulted or ignored.

        Raises:
            AssertionError: something was; the message lists what, and how to send it again.
            InboxOverflowError: the inbox has dropped requests, so the outcome is unknown.
        """
        __tracebackhide__ = True
        if sloppy := [message for message in self._arrived() if message.repairs]:
            lines = [
                f"Expected every request to be valid as sent; {len(sloppy)} had to be repaired,",
                "which the real API does without a word.",
            ]
            for message in sloppy:
                lines += ["", f"{message.line()}:", *message.outcome()]
            lines += ["", "Send the last again with:", f"  {self._curl(sloppy[-1])}"]
            raise AssertionError("\n".join(lines))

    def inbox(self) -> str:
        """What arrived, a line for each request, and what the API did with it."""
        messages, dropped = self._kept()
        lines = [f"{dropped} earlier ones were dropped to make space"] if dropped else []
        for message in messages:
            lines += [message.line(), *message.outcome()]
        return "\n".join(lines)

    # ── calls and receipts ────────────────────────────────────────────────────────

    def phone(self, number: str) -> TwinPhone:
        """A phone, to set how it behaves from the next call on.

        Args:
            number: such as ``+33612345678``, or a prefix with an asterisk, such as ``+336*``.
        """
        return TwinPhone(self._ask, number)

    @property
    def receipts(self) -> list[TwinReceipt]:
        """The receipts of all calls that are over, and opt-out callbacks, oldest first.

        They are there whether or not the account has a ``callback_url`` to send them to.
        """
        rows = list[dict[str, Any]]()
        while True:
            since = {"since": rows[-1]["id"]} if rows else {}
            page = self._log(limit=_RECEIPT_PAGE, **since)["receipts"]
            rows += page
            if len(page) < _RECEIPT_PAGE:
                return [TwinReceipt(row) for row in rows]

    def wait_for_receipt(
        self,
        *,
        number: Any = None,  # noqa: ANN401  (a value, pattern or predicate)
        timeout: float = 5.0,
        **expected: Any,  # noqa: ANN401  (the same, one for each member)
    ) -> TwinReceipt:
        """The first receipt that fits, as soon as it is there.

        Args:
            number: who was called, such as ``+33612345678``; a pattern or a function, as the
                others may be.
            timeout: how many seconds to wait, by the wall clock.
            expected: members of the receipt by name, such as ``status`` and
                ``pressed_keys_code``; ``state="delivered"`` waits until the ``callback_url`` took
                it.

        Raises:
            AssertionError: there was none in time; it shows those that there are.
        """
        __tracebackhide__ = True
        if number is not None:
            expected = {"number": number, **expected}
        until = time.monotonic() + timeout
        while True:
            receipts = self.receipts
            for receipt in receipts:
                if not receipt.is_opt_out and receipt.matches(expected):
                    return receipt
            left = until - time.monotonic()
            if left <= 0:
                headline = f"No receipt within {timeout:g} s with {_criteria(expected)}."
                raise AssertionError(missing(headline, receipts, self._calls()))
            wait = min(left, _LOOK_AGAIN if "state" in expected else _LONGEST_WAIT)
            # One that it waits for comes behind these; how far it has come, no wait knows.
            since = {"since": receipts[-1].id} if receipts else {}
            self._log(**since, wait=_decimal(wait), limit=1)

    def deliver_to(self, receiver: Receiver, path: str = "/") -> list[Delivery]:
        """Hand over each receipt that was not yet handed over, in this process, without a port.

        They are handed over in order, in this thread, each once; a receipt that a fault has lost
        is not, and one that it has doubled is, twice.

        Args:
            receiver: a WSGI application (Flask, Django), an ASGI application (FastAPI, whose
                lifespan is not run), or a function of one receipt, which answers with None, a
                status, or the answer of a framework's test client.
            path: where the application receives them, with its query.

        Returns:
            What was handed over, and what the receiver answered.

        Raises:
            AssertionError: the receiver did not answer 2XX to each, or there was none to hand
                over; the message has what it answered.
            TypeError: the receiver is none of these.
        """
        __tracebackhide__ = True
        done = {delivery.receipt.id for delivery in self.deliveries}
        new = [one for one in self.receipts if one.state != "lost" and one.id not in done]
        if not new:
            headline = "Expected receipts to deliver, but there is none that was not yet delivered."
            raise AssertionError(missing(headline, self.receipts, self._calls()))
        deliveries = list[Delivery]()
        for receipt in new:
            deliveries.append(handed_over(receipt, receiver, path))
            self.deliveries.append(deliveries[-1])
        if not all(delivery.is_taken for delivery in deliveries):
            raise AssertionError(failed(deliveries, path))
        return deliveries

    def receiver_log(self) -> str:
        """What receivers answered, in this process and at the ``callback_url``."""
        receipts = [one for one in self.receipts if one.attempts]
        stories = [one.story() for one in self.deliveries] + [one.story() for one in receipts]
        return "\n".join(line for story in stories for line in story)

    def _log(self, **query: Any) -> dict[str, Any]:  # noqa: ANN401  (one type a parameter)
        __tracebackhide__ = True
        return self._get("GET", "receipts", params={"login": self.login, **query})

    def _calls(self) -> dict[str, int]:
        """How many calls have each outcome."""
        asked = {"login": self.login, "limit": 1}
        counts: dict[str, int] = self._get("GET", "calls", params=asked)["counts"]
        return counts

    # ── by the control plane ────────────────────────────────────────────────────────

    @cached_property
    def _contract(self) -> dict[str, str]:
        contract: dict[str, str] = self._get("GET", "health")["contract"]
        return contract

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        __tracebackhide__ = True
        return self._get(method, f"accounts/{quote(self.login, safe='')}{path}", json=body)

    def _get(self, method: str, path: str, **given: Any) -> dict[str, Any]:  # noqa: ANN401  (as httpx)
        __tracebackhide__ = True
        try:
            response = self._host.client.request(method, f"{CONTROL}/{path}", **given)
        except httpx.TransportError as error:
            hint = "start one with `vms serve`"
            raise ConnectionError(f"no twin answers at {self.base_url} ({error}); {hint}") from None
        try:
            answer = response.json() if response.content else {}
            if response.is_success and isinstance(answer, dict):
                return answer
            problem = "{where}: got {got}; expected {expected}".format_map(answer)
        except (ValueError, LookupError, TypeError):
            answered = f"{response.status_code} {response.reason_phrase}"
            problem = f"{response.url} answers {answered}; is that a twin?"
        raise ValueError(problem)

    def _arrived(self) -> list[Message]:
        """Everything that arrived, or an error where the inbox has dropped some of it."""
        __tracebackhide__ = True
        messages, dropped = self._kept()
        if dropped:
            raise InboxOverflowError(
                f"The inbox has dropped {dropped} of the requests of {self.login} to make space, "
                f"so what arrived is not known. By default it keeps {MOST_ENTRIES}: "
                "assert more often, or use mock_server.running(most_entries=...)."
            )
        return messages

    def _kept(self) -> tuple[list[Message], int]:
        """What the inbox still has, oldest first, and how many it has dropped."""
        __tracebackhide__ = True
        rows, since = list[dict[str, Any]](), 0
        while True:
            page = self._inbox(since=since, limit=_PAGE)["requests"]
            rows += page
            if len(page) < _PAGE:
                break
            since = page[-1]["id"]
        messages = list[Message]()
        for row in rows:
            # Dropped meanwhile; the count below has it.
            with contextlib.suppress(ValueError):
                messages.append(Message(self._get("GET", f"requests/{row['id']}")))
        # Asked last: what is dropped up to now may be missing above.
        return messages, self._inbox(limit=1)["evicted"]

    def _inbox(self, **query: float | str) -> dict[str, Any]:
        __tracebackhide__ = True
        return self._get("GET", "requests", params={"login": self.login, **query})

    def _wait(self, seconds: float, arrived: list[Message], *, due: bool) -> None:
        """Until more has arrived, or where something may become ``due`` meanwhile, a moment."""
        since = arrived[-1].id if arrived else 0
        wait = min(seconds, _LOOK_AGAIN) if due else seconds
        self._inbox(since=since, wait=_decimal(wait))

    def _expected(self, number: object, text: object, others: Mapping[str, Any]) -> dict[str, Any]:
        given = {"number": number, "text": text}
        expected = {name: value for name, value in given.items() if value is not None}
        if others:
            rules = self._get("GET", "rules")["rules"]
            known = {rule["field"].partition("[")[0] for rule in rules if rule["rule"] == "valid"}
            for name in others.keys() - known - {"state"}:
                raise TypeError(f"no such parameter: {name}; there are {', '.join(sorted(known))}")
        return expected | {name: _as_expected(value) for name, value in others.items()}

    def _curl(self, message: Message) -> str:
        in_process = self._host.transport is not None
        command = message.curl(_AT_VMS_SERVE if in_process else self.base_url, self.headers)
        return f"{command}\n(after `vms serve` in another terminal)" if in_process else command


class TwinClock:
    """The account's clock. Everything that depends on time follows it."""

    def __init__(self, ask: Callable[..., dict[str, Any]]) -> None:
        self._ask = ask

    @property
    def now(self) -> datetime:
        """What it shows, with its zone."""
        return datetime.fromisoformat(self._ask("GET", "/clock")["now"])

    def freeze(self, moment: datetime | None = None) -> None:
        """Stand still, at an aware moment or where it is."""
        self._put({"frozen": True} | ({} if moment is None else {"now": _aware(moment)}))

    def set(self, moment: datetime) -> None:
        """Show an aware moment, standing or running as before."""
        self._put({"now": _aware(moment)})

    def advance(self, by: timedelta | None = None, **units: float) -> None:
        """Go on by a timedelta, or by its units: ``advance(hours=25)``."""
        self._put({"advance": (by or timedelta(**units)).total_seconds()})

    def release(self) -> None:
        """Run on from where it is."""
        self._put({"frozen": False})

    def _put(self, settings: Mapping[str, Any]) -> None:
        self._ask("PUT", "/clock", settings)


class TwinFaults:
    """What is injected into the account's requests, in the order in which it was added.

    Each takes ``times`` (only so often), ``probability`` (above 0 and at most 1) and ``match`` (any
    of ``number``, a part of the ``text``, ``request_id``).
    """

    def __init__(self, ask: Callable[..., dict[str, Any]]) -> None:
        self._ask = ask

    def add(self, fault: str, **options: Any) -> None:  # noqa: ANN401  (one type an option)
        """Inject a fault by its name in ``openapi/twin.yaml``.

        Raises:
            ValueError: the fault or the option does not exist.
        """
        self._ask("POST", "/faults", {"fault": fault, **options})

    def delay(self, seconds: Seconds, **when: Any) -> None:  # noqa: ANN401  (as the class has it)
        """Answer so much later; the campaign is sent all the same."""
        if isinstance(seconds, tuple):
            seconds = {"from": seconds[0], "to": seconds[1]}
        self.add("delay", seconds=seconds, **when)

    def status(self, status: int, **when: Any) -> None:  # noqa: ANN401  (as the class has it)
        """Answer 500, 502 or 503; nothing is sent."""
        self.add("status", status=status, **when)

    def rate_limit(self, retry_after: int = 1, **when: Any) -> None:  # noqa: ANN401  (the same)
        """Answer 429 with Retry-After in seconds; nothing is sent."""
        self.add("status", status=429, retry_after=retry_after, **when)

    def answer(self, name: str, **when: Any) -> None:  # noqa: ANN401  (as the class has it)
        """Answer as the contract's named answer, such as ``out-of-credit``; nothing is sent."""
        self.add("answer", answer=name, **when)

    def reset(self, **when: Any) -> None:  # noqa: ANN401  (as the class has it)
        """Reset the connection; nothing is sent."""
        self.add("reset", **when)

    def drop_after_commit(self, **when: Any) -> None:  # noqa: ANN401  (as the class has it)
        """Send the campaign, charge for it, and end the connection without an answer."""
        self.add("drop_after_commit", **when)

    def truncate(self, **when: Any) -> None:  # noqa: ANN401  (as the class has it)
        """Cut the answer's body, in half or to so many ``bytes``."""
        self.add("truncate", **when)

    def garble(self, **when: Any) -> None:  # noqa: ANN401  (as the class has it)
        """Turn the answer's body to noise after its first third."""
        self.add("garble", **when)

    def wrong_content_type(self, **when: Any) -> None:  # noqa: ANN401  (as the class has it)
        """Declare that the answer is HTML, or another ``content_type``."""
        self.add("content_type", **when)

    def missing_field(self, name: str, **when: Any) -> None:  # noqa: ANN401  (as the class has it)
        """Leave a member out of the answer of an accepted campaign."""
        self.add("missing_field", field=name, **when)

    def clear(self) -> None:
        """Inject nothing any more."""
        self._ask("DELETE", "/faults")

    @property
    def met(self) -> int:
        """How many faults were met until now."""
        return sum(rule["met"] for rule in self._ask("GET", "/faults")["faults"])


@contextmanager
def running(  # noqa: PLR0913  (keyword-only settings)
    *,
    login: str = "twin@example.com",
    key: str = "a-key",
    http: bool = True,
    port: int = 0,
    contract: Path | None = None,
    strict: bool = False,
    most_entries: int = MOST_ENTRIES,
) -> Iterator[VoiceTwin]:
    """A twin of its own while the context lasts, and one account of it.

    Args:
        login: the account's ``api-login``.
        key: its ``api-key``.
        http: on a port of loopback; False has `VoiceTwin.transport` only, and no socket.
        port: which one; 0 takes a free one.
        contract: another contract file than the one that ships with the twin.
        strict: refuse, for every account, whatever the API would repair.
        most_entries: how many requests the inbox keeps.

    Raises:
        ContractError: the contract cannot be used.
        CannotListenError: the port is taken or not allowed.
    """
    store = MemoryStore(most_entries=most_entries)
    with hosted(Twin(load(contract), store, strict=strict), http=http, port=port) as host:
        yield host.account(login, key)


@contextmanager
def hosted(twin: Twin, *, http: bool, port: int = 0) -> Iterator[Host]:
    """A twin in this process, on a port of loopback or without one."""
    if http:
        # No browser gets to the other.
        from mock_server.page.routes import blueprint

        application = create_app(twin, blueprints=(blueprint,))
        with Serving(application, port=port) as serving, attached(serving.url) as host:
            yield host
        return
    application = create_app(twin)
    transport = InProcess(application)
    try:
        with httpx.Client(transport=transport, base_url=BASE_URL, timeout=_PATIENCE) as client:
            yield Host(BASE_URL, client, transport)
    finally:
        stop_sending(application)


@contextmanager
def attached(base_url: str, token: str | None = None) -> Iterator[Host]:
    """A twin that runs already, such as one of ``vms serve``.

    Args:
        base_url: where.
        token: what its control plane requires, where it is bound beyond loopback.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    base_url = base_url.rstrip("/")
    # A proxy of the environment does not reach this machine's own ports.
    trust_env = not is_loopback_name(httpx.URL(base_url).host)
    # Loading the certificate authorities takes 20 ms, and nothing needs them without TLS.
    verify = base_url.startswith("https:")
    with httpx.Client(
        base_url=base_url, headers=headers, timeout=_PATIENCE, trust_env=trust_env, verify=verify
    ) as client:
        yield Host(base_url, client)


def _decimal(seconds: float) -> str:
    """Seconds as a query takes them: without an exponent, however few are left.

    >>> _decimal(30), _decimal(7.9e-05)
    ('30.000', '0.000')
    """
    return f"{seconds:.3f}"


def _plain(value: Any) -> Any:  # noqa: ANN401  (a setting, or an expected value)
    """A value as JSON has it, where it is one of Python's own."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return _aware(value) if isinstance(value, datetime) else value


def _as_expected(value: Any) -> Any:  # noqa: ANN401  (a value, pattern or predicate)
    if isinstance(value, datetime):
        # Compared as a moment, for the API takes any offset.
        return datetime.fromisoformat(_aware(value))
    return _plain(value)


def _aware(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(
            f"{moment.isoformat()} has no time zone; add one: moment.replace(tzinfo=UTC)"
        )
    return moment.isoformat()


def _criteria(expected: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {quoted(value)}" for name, value in expected.items()) or "any content"


def _with(expected: Mapping[str, Any]) -> str:
    return f" with {_criteria(expected)}" if expected else ""


def _times(number: int) -> str:
    return f"{number} message{'' if number == 1 else 's'}"


def _listed(messages: list[Message]) -> list[str]:
    """The messages, and what is alike in them where they look like a repeat."""
    lines = [f"  {message.line()}, ticket {message.ticket_number}" for message in messages]
    bodies = [message.body for message in messages]
    if len(bodies) > 1 and all(body == bodies[0] for body in bodies):
        lines.append(
            "  They are the same campaign: everyone in it is called, and paid for, once each time."
        )
        if not bodies[0].get("request_id"):
            lines.append("  With a request_id the API refuses a repeat within 24 hours.")
    return lines
