"""Hands receipts over to the receivers of accounts, apart from the event loop and its threads.

Each account has one turn at a time, so that its receipts leave in order; turns share a few threads,
and one ends at the first failure, so that a receiver that hangs holds nobody else up for long.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from mock_server.core import receipt_payloads
from mock_server.core.calls import Call
from mock_server.core.handler import Twin
from mock_server.core.injection import Kind, meet_receipt
from mock_server.http.callback import TAKEN, NoAnswerError, Receiver
from mock_server.json_values import Json
from mock_server.store.call_plan import Campaign
from mock_server.store.memory import MOST_RECEIPTS
from mock_server.store.protocol import Account, StaleAccountError
from mock_server.store.receipt_log import Attempt, Receipt

_MOST_TURNS: Final = 16
_TURN: Final = 50
# Of one account, not yet delivered, before more are taken on; the rest waits in its campaigns.
_MOST_JOBS: Final = 50
# Between two looks at the store, however much arrives; in seconds.
_REST: Final = 0.005
# After each receipt, so that requests are answered meanwhile; in seconds.
_BREATH: Final = 0.0005
# A clock that runs is looked at as often, where a campaign is yet to come.
_LOOK_AGAIN: Final = 0.5

_log = logging.getLogger("mock_server")


class _Job(NamedTuple):
    """An attempt that is due at a moment of `time.monotonic`."""

    due: float
    order: int
    receipt: str
    attempts: int = 0
    """How many have failed."""


@dataclass(slots=True)
class _Lane:
    """What is to be sent for one account."""

    jobs: list[_Job] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    """Receipts that are to come after the next one of their campaign."""
    is_taken: bool = False


class ReceiptSender:
    """Sends the receipts of a twin from `begin` to `stop`; ``hosts`` are those it may connect to.

    Receipts that a lasting store has given out and that are not delivered when the process ends
    are in its log as pending.
    """

    def __init__(self, twin: Twin, hosts: frozenset[str]) -> None:
        self._twin, self._hosts = twin, hosts
        self._terms = twin.contract.calls
        self._lanes = dict[str, _Lane]()
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._unsent = threading.Lock()
        self._news = threading.Event()
        self._turns = threading.Semaphore(_MOST_TURNS)
        self._unsubscribe: Callable[[], None] | None = None
        self._has_ended = False

    def begin(self) -> None:
        """Look after receipts from now on; once is enough."""
        with self._lock:
            if self._unsubscribe is not None or self._has_ended:
                return
            self._unsubscribe = self._twin.store.subscribe(self._news.set)
        threading.Thread(target=self._run, daemon=True).start()
        self._news.set()

    def stop(self) -> None:
        """Begin nothing more."""
        self._has_ended = True
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._news.set()

    def send_again(self, receipt: Receipt) -> None:
        """Send a receipt once more, as a first attempt."""
        self._add(receipt.login, receipt.id, 0.0)
        self.begin()
        self._news.set()

    # ── receipts that nothing is sent of ─────────────────────────────

    def has_unsent(self, login: str | None) -> bool:
        """Whether `log_unsent` has something to do."""
        self._twin.calls.catch_up(login)
        campaigns = self._twin.store.campaigns(login)
        return any(self._owes(campaign, has_receiver=False) for campaign in campaigns)

    def log_unsent(self, login: str | None) -> bool:
        """Log the receipts of campaigns that began without a URL, so that whoever asks gets them.

        Whether there were any. Of more than the log keeps by default, the newest.
        """
        left = MOST_RECEIPTS
        # Whoever comes second waits until they are there.
        with self._unsent:
            self._twin.calls.catch_up(login)
            taken = list[list[Call]]()
            for campaign in reversed(self._twin.store.campaigns(login)):
                if self._owes(campaign, has_receiver=False):
                    claimed = self._twin.calls.claim(campaign, campaign.contacts)
                    if left > 0:
                        taken.append(claimed)
                        left -= len(claimed)
            for claimed in reversed(taken):
                self._log_unsent(claimed)
        return bool(taken)

    def _owes(self, campaign: Campaign, *, has_receiver: bool) -> bool:
        """Whether it began with, or without, a URL, and receipts that are due were not made."""
        begun = campaign.begun
        if begun is None or begun.has_receiver is not has_receiver:
            return False
        return self._twin.calls.seconds_to_receipt(campaign) <= 0

    def _log_unsent(self, calls: list[Call]) -> None:
        held = list[Receipt]()
        for call in calls:
            fault, made = self._made(self._twin.calls.account(call.campaign), call)
            receipt, *opt_outs = (
                msgspec.structs.replace(
                    one, url="", state="unsent" if one.state == "pending" else one.state
                )
                for one in made
            )
            kind, logged = fault.get("fault"), [receipt]
            if kind == Kind.RECEIPT_DUPLICATED:
                logged.append(msgspec.structs.replace(receipt, id=f"{receipt.id}-again"))
            if kind == Kind.RECEIPT_OUT_OF_ORDER:
                held, logged = [receipt, *held], []
            else:
                held, logged = [], logged + held
            for one in logged + opt_outs:
                self._twin.store.log_receipt(one, None)
        for one in held:
            self._twin.store.log_receipt(one, None)

    # ── who has something to send ────────────────────────────────────

    def _run(self) -> None:
        wait: float | None = None
        while not self._has_ended:
            self._news.wait(wait)
            self._news.clear()
            wait = _LOOK_AGAIN
            try:
                wait = self._look()
            except Exception:  # noqa: BLE001  (whatever it is, the others go on)
                _log.exception("The twin failed; please report this.")
            time.sleep(_REST)

    def _look(self) -> float | None:
        """Begin the turns that are due; how many seconds until the next look."""
        calls, store = self._twin.calls, self._twin.store
        calls.catch_up()
        waiting, later = set[str](), list[float]()
        for campaign in store.campaigns(None, closed=False):
            if self._owes(campaign, has_receiver=True):
                waiting.add(campaign.entry.login)
            left = calls.seconds_to_receipt(campaign)
            # Its clock may stand still, or its account have no URL any more.
            later.append(left if 0 < left < _LOOK_AGAIN else _LOOK_AGAIN)
        with self._lock:
            # Those with a lane first: they have waited for longer.
            for login in (*tuple(self._lanes), *sorted(waiting - self._lanes.keys())):
                account = store.known(login, used=False)
                if account is None:
                    self._lanes.pop(login, None)
                elif account.callback_url is not None:
                    lane = self._lanes.setdefault(login, _Lane())
                    later += self._begin_turn(account, lane, claims=login in waiting)
        return min(later, default=None)

    def _begin_turn(self, account: Account, lane: _Lane, *, claims: bool) -> list[float]:
        """Begin a turn of the account if there is something to do; while the lock is held.

        Else how many seconds until there is, if that is known; whoever ends a turn looks again.
        """
        if lane.is_taken:
            return []
        left = lane.jobs[0].due - time.monotonic() if lane.jobs else math.inf
        if left > 0 and not (claims and len(lane.jobs) < _MOST_JOBS):
            return [left] if lane.jobs else []
        if self._turns.acquire(blocking=False):
            lane.is_taken = True
            threading.Thread(target=self._turn, args=(account, lane), daemon=True).start()
        return []

    # ── one turn ─────────────────────────────────────────────────────

    def _turn(self, account: Account, lane: _Lane) -> None:
        login, url = account.login, account.callback_url or ""
        try:
            self._claim(account, lane)
            self._send(url, login, lane)
        except Exception:  # noqa: BLE001  (whatever it is, the others go on)
            _log.exception("The twin failed; please report this.")
        with self._lock:
            lane.is_taken = False
            if not (lane.jobs or lane.held) and self._lanes.get(login) is lane:
                del self._lanes[login]
        self._turns.release()
        self._news.set()

    def _send(self, url: str, login: str, lane: _Lane) -> None:
        with Receiver(url, self._hosts, self._terms.receiver_seconds) as receiver:
            for _ in range(_TURN):
                job = self._next(lane)
                if job is None or not self._attempt(login, job, receiver):
                    return
                time.sleep(_BREATH)

    def _next(self, lane: _Lane) -> _Job | None:
        with self._lock:
            jobs = lane.jobs
            due = bool(jobs) and jobs[0].due <= time.monotonic() and not self._has_ended
            return heapq.heappop(jobs) if due else None

    def _attempt(self, login: str, job: _Job, receiver: Receiver) -> bool:
        """Whether the receiver took it."""
        store = self._twin.store
        receipt = store.receipt(job.receipt)
        if receipt is None:
            # It was forgotten meanwhile, or dropped to make space.
            return True
        at = self._twin.wall()
        try:
            status, text = receiver.post(receipt.content_type, receipt.body)
            attempt = Attempt(at, status, text)
        except NoAnswerError as error:
            status, attempt = 0, Attempt(at, None, str(error))
        is_taken, retries = status in TAKEN, self._terms.retry_seconds
        state = "delivered" if is_taken else "pending"
        if not is_taken and job.attempts >= len(retries):
            state = "failed"
        changed = msgspec.structs.replace(
            receipt, state=state, attempts=(*receipt.attempts, attempt)
        )
        if not store.log_receipt(changed, receipt):
            return True
        if state == "pending":
            self._add(login, job.receipt, retries[job.attempts], job.attempts + 1)
        return is_taken

    def _add(self, login: str, receipt: str, later: float, attempts: int = 0) -> None:
        job = _Job(time.monotonic() + later, next(self._order), receipt, attempts)
        with self._lock:
            heapq.heappush(self._lanes.setdefault(login, _Lane()).jobs, job)

    # ── from campaigns to receipts ───────────────────────────────────

    def _claim(self, account: Account, lane: _Lane) -> None:
        """Take some of the account's calls that have no receipt yet, in order."""
        if len(lane.jobs) >= _MOST_JOBS:
            return
        for campaign in self._twin.store.campaigns(account.login, closed=False):
            if self._owes(campaign, has_receiver=True):
                self._make(account, lane, self._twin.calls.claim(campaign, _TURN))
                return

    def _make(self, account: Account, lane: _Lane, calls: list[Call]) -> None:
        held = lane.held
        for call in calls:
            fault, made = self._made(account, call)
            for one in made:
                self._twin.store.log_receipt(one, None)
            receipt, *opt_outs = made
            kind = fault.get("fault")
            if kind == Kind.RECEIPT_OUT_OF_ORDER:
                held.append(receipt.id)
            elif kind != Kind.RECEIPT_LOST:
                for _ in range(2 if kind == Kind.RECEIPT_DUPLICATED else 1):
                    self._add(account.login, receipt.id, float(fault.get("seconds", 0)))
                while held:
                    self._add(account.login, held.pop(), 0.0)
            for one in opt_outs:
                self._add(account.login, one.id, 0.0)
        if calls:
            campaign = calls[0].campaign
            # After its last receipt none comes that another could wait for.
            while held and len(campaign.receipts) + len(calls) == campaign.contacts:
                self._add(account.login, held.pop(), 0.0)

    def _made(self, account: Account, call: Call) -> tuple[Mapping[str, Json], list[Receipt]]:
        """The fault that the receipt of a call meets; the receipt, and the callback for an opt-out.

        A receipt that is lost on demand is so from the start.
        """
        fault = self._met(account, call)
        message = self._twin.calls.message(call.campaign)
        members = receipt_payloads.receipt(call, message, self._terms, account.callback_generation)
        made = [self._receipt(account, call, call.id, members)]
        if fault.get("fault") == Kind.RECEIPT_LOST:
            made = [msgspec.structs.replace(made[0], state="lost")]
        if call.opts_out:
            opt_out = receipt_payloads.opt_out(call)
            made.append(self._receipt(account, call, f"{call.id}-stop", opt_out))
        return fault, made

    def _receipt(
        self, account: Account, call: Call, name: str, members: dict[str, object]
    ) -> Receipt:
        url = account.callback_url or ""
        content_type, body = receipt_payloads.encoded(members, account.callback_format)
        return Receipt(name, account.login, call.number, url, content_type, body)

    def _met(self, account: Account, call: Call) -> Mapping[str, Json]:
        """The injected fault that the receipt of a call meets."""
        if not account.faults.rules:
            return {}
        with suppress(StaleAccountError), self._twin.store.ledger(account) as ledger:
            met, changed = meet_receipt(account.faults, ledger.counts(), call.number)
            ledger.count(changed)
            return met or {}
        return {}
