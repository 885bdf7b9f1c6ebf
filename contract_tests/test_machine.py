"""Several accounts of one twin, used at random, against a model of what is documented.

Here to find what no single request shows: credit that leaks, a request_id that is kept too long, a
ticket that comes twice, a refusal that leaves a trace, a clock that belongs to somebody else. The
model knows the contract's numbers and nothing of the twin.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

import figures
from spec import METHOD, OPERATION, PATH
from telling import told
from wire import Answer, Wire

pytestmark = pytest.mark.long

_TERMS: Final = {
    name: term["value"] for name, term in OPERATION["x-campaign"].items() if "value" in term
}
OPENING: Final = Decimal(_TERMS["opening_credit"])
PRICE: Final = Decimal(_TERMS["price"])
REMEMBERED: Final = timedelta(hours=_TERMS["request_id_hours"])
_STEP: Final = _TERMS["billing_step"] * _TERMS["characters_a_second"]

LOGINS: Final = ("ada@example.com", "bob@example.com", "cid")
NUMBERS: Final = ("+33612345601", "+33612345602")
TEXTS: Final = ("a", "a" * _STEP, "a" * (_STEP + 1))
REFUSED: Final = {
    "no text": ({"recipients": [{"phone_number": NUMBERS[0]}]}, {"text": 107}),
    "nobody": ({"text": "a", "recipients": []}, {"recipients": 103}),
    "a language": (
        {"text": "a", "recipients": [{"phone_number": NUMBERS[0]}], "voice_language": "tlh"},
        {"voice_language": 442},
    ),
}


@dataclass
class Expected:
    """What has to be true of one account."""

    credit: Decimal = OPENING
    spent: Decimal = Decimal(0)
    tickets: set[str] = field(default_factory=set)
    used: dict[str, datetime] = field(default_factory=dict)
    ahead: timedelta = timedelta()
    frozen_at: datetime | None = None
    opt_outs: frozenset[str] = frozenset()
    addon: bool = True
    fault: str | None = None
    requests: int = 0

    def now(self, wall: datetime) -> datetime:
        return self.frozen_at or wall + self.ahead


SEEN: Final = Counter[str]()
"""How often each rule ran and each verdict was seen, in all machines of a run."""

logins = st.sampled_from(LOGINS)
campaigns = st.fixed_dictionaries(
    {
        "text": st.sampled_from(TEXTS),
        "recipients": st.lists(
            st.sampled_from(NUMBERS).map(lambda number: {"phone_number": number}),
            min_size=1,
            max_size=3,
        ),
        "request_id": st.sampled_from((None, "one", "one", "two")),
        "auto_delete_optout_contacts": st.booleans(),
    }
)


class Accounts(RuleBasedStateMachine):
    """Requests, settings and time, each checked against the model as it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire()
        self.accounts = dict[str, Expected]()
        self.script = list[tuple[datetime, str, str, dict[str, str], bytes, Answer]]()

    # ── how it is driven ──────────────────────────────────────────────────────

    def post(self, login: str | None, key: str | None, body: object) -> Answer:
        sent = {"api-login": login, "api-key": key}
        headers = {name: value for name, value in sent.items() if value is not None}
        raw = json.dumps(body).encode()
        answer = self.wire.send(raw, headers=headers)
        self.script.append((self.wire.now, METHOD, PATH, headers, raw, answer))
        return answer

    def set(self, method: str, path: str, body: object = None) -> Answer:
        answer = self.wire.control(method, path, body)
        assert answer.status in {200, 201, 204}, answer
        raw = b"" if body is None else json.dumps(body).encode()
        self.script.append((self.wire.now, method, f"/_twin{path}", {}, raw, answer))
        return answer

    def account(self, login: str) -> Expected:
        """The account, opened by its first request if need be."""
        if login not in self.accounts:
            self.accounts[login] = Expected()
            self.set("PUT", f"/accounts/{login}", {"key": f"key of {login}"})
        return self.accounts[login]

    def expect(self, answer: Answer, status: int, errors: dict[str, int], body: object) -> None:
        documented, got = (status, errors), answer.verdict
        assert got == documented, told(
            body, documented=documented, got=got, evidence=f"after {len(self.script)} steps"
        )

    # ── sends ────────────────────────────────────────────────────────────

    @rule(login=logins, body=campaigns, simulated=st.sampled_from((False, True)))
    def send(self, login: str, body: dict[str, Any], *, simulated: bool) -> None:
        account = self.account(login)
        body = body | {"simulation_mode": True} if simulated else body
        answer = self.post(login, f"key of {login}", body)
        account.requests += 1
        now, request_id = account.now(self.wire.now), body["request_id"]
        called = [contact["phone_number"] for contact in body["recipients"]]
        steps = max(1, -(-len(body["text"]) // _STEP))
        if self.is_faulted_or_forbidden(account, answer, body):
            return
        if simulated:
            self.expect_accepted(answer, len(called), steps, account.credit, body)
            SEEN["simulated"] += 1
            return
        if request_id in account.used and now < account.used[request_id] + REMEMBERED:
            self.expect(answer, 400, {"request_id": 120}, body)
            SEEN["repeated"] += 1
            return
        if body["auto_delete_optout_contacts"]:
            called = [number for number in called if number not in account.opt_outs]
        cost = PRICE * len(called) * steps
        if not called:
            self.expect(answer, 400, {"recipients": 117}, body)
            SEEN["all opted out"] += 1
        elif cost > account.credit:
            self.expect(answer, 400, {}, body)
            assert answer.value["code"] == 104
            SEEN["out of credit"] += 1
        else:
            account.credit -= cost
            account.spent += cost
            if request_id is not None:
                account.used[request_id] = now
            self.expect_accepted(answer, len(called), steps, account.credit, body)
            assert answer.value["ticket_number"] not in account.tickets
            account.tickets.add(answer.value["ticket_number"])
            SEEN["accepted"] += 1

    def is_faulted_or_forbidden(self, account: Expected, answer: Answer, body: object) -> bool:
        if account.fault is not None:
            account.fault = None
            self.expect(answer, 503, {}, body)
            SEEN["503"] += 1
            return True
        if not account.addon:
            self.expect(answer, 403, {}, body)
            SEEN["forbidden"] += 1
            return True
        return False

    @rule(login=logins, body=campaigns)
    def send_twice(self, login: str, body: dict[str, Any]) -> None:
        self.send(login, body | {"request_id": "twice"}, simulated=False)
        self.send(login, body | {"request_id": "twice"}, simulated=False)

    @rule(login=logins, body=campaigns)
    def send_to_whoever_has_opted_out(self, login: str, body: dict[str, Any]) -> None:
        self.set_opt_outs(login, NUMBERS)
        self.send(login, body | {"auto_delete_optout_contacts": True}, simulated=False)

    def expect_accepted(
        self, answer: Answer, contacts: int, steps: int, credit: Decimal, body: object
    ) -> None:
        self.expect(answer, 201, {}, body)
        expected = {
            "number_of_contacts": contacts,
            "total_cost": float(PRICE * contacts * steps),
            "estimated_duration": steps * _TERMS["billing_step"],
            "residual_credit": float(credit),
        }
        got = {name: answer.value[name] for name in expected}
        assert got == expected, told(
            body, documented=expected, got=got, evidence="x-campaign of the contract"
        )

    @rule(login=logins, how=st.sampled_from(sorted(REFUSED)), simulated=st.booleans())
    def send_what_is_refused(self, login: str, how: str, *, simulated: bool) -> None:
        account = self.account(login)
        body, errors = REFUSED[how]
        answer = self.post(login, f"key of {login}", {**body, "simulation_mode": simulated})
        account.requests += 1
        if not self.is_faulted_or_forbidden(account, answer, body):
            self.expect(answer, 400, errors, body)
            SEEN["refused"] += 1

    @rule(login=logins, wrong=st.sampled_from(("key", "no key", "no login")), body=campaigns)
    def send_without_being_signed_in(self, login: str, wrong: str, body: dict[str, Any]) -> None:
        account = self.account(login)
        key = {"key": "another", "no key": None}.get(wrong, f"key of {login}")
        answer = self.post(None if wrong == "no login" else login, key, body)
        account.requests += wrong != "no login"
        self.expect(answer, 401, {}, body)
        SEEN["unauthorized"] += 1

    # ── settings and time ──────────────────────────────────────────────────────

    @rule(login=logins, credit=st.sampled_from(("0.00", "0.04", "0.05", "0.15", "20.00")))
    def set_credit(self, login: str, credit: str) -> None:
        self.account(login).credit = Decimal(credit)
        self.set("PUT", f"/accounts/{login}", {"credit": credit})
        SEEN["credit set"] += 1

    @rule(login=logins, numbers=st.sampled_from(((), NUMBERS[:1], NUMBERS, NUMBERS)))
    def set_opt_outs(self, login: str, numbers: tuple[str, ...]) -> None:
        self.account(login).opt_outs = frozenset(numbers)
        self.set("PUT", f"/accounts/{login}", {"opt_outs": list(numbers)})

    @rule(login=logins, body=campaigns)
    def send_without_the_voice_addon(self, login: str, body: dict[str, Any]) -> None:
        self.account(login).addon = False
        self.set("PUT", f"/accounts/{login}", {"voice_addon": False})
        self.send(login, body, simulated=False)
        self.account(login).addon = True
        self.set("PUT", f"/accounts/{login}", {"voice_addon": True})

    @rule(login=logins)
    def inject_a_fault(self, login: str) -> None:
        fault = {"fault": "status", "status": 503, "times": 1}
        self.account(login).fault = "status"
        self.set("PUT", f"/accounts/{login}/faults", {"faults": [fault]})

    @rule(hours=st.sampled_from((1, 23, 24, 25)), seconds=st.sampled_from((0, -1, 1)))
    def time_passes(self, hours: int, seconds: int) -> None:
        self.wire.pass_time(timedelta(hours=hours, seconds=seconds))
        SEEN["time passed"] += 1

    @rule(login=logins, hours=st.sampled_from((1, 12, 24)))
    def advance_the_clock_of_one(self, login: str, hours: int) -> None:
        account = self.account(login)
        by = timedelta(hours=hours)
        if account.frozen_at is not None:
            account.frozen_at += by
        else:
            account.ahead += by
        self.set("PUT", f"/accounts/{login}/clock", {"advance": by.total_seconds()})

    @rule(login=logins, frozen=st.booleans())
    def freeze_or_release_the_clock_of_one(self, login: str, *, frozen: bool) -> None:
        account = self.account(login)
        now = account.now(self.wire.now)
        account.frozen_at = now if frozen else None
        account.ahead = now - self.wire.now
        self.set("PUT", f"/accounts/{login}/clock", {"frozen": frozen})

    @rule(login=logins)
    def start_one_over(self, login: str) -> None:
        self.set("DELETE", f"/accounts/{login}")
        self.accounts.pop(login, None)
        SEEN["started over"] += 1

    @precondition(lambda self: len(self.script) > 10)
    @rule()
    def restart(self) -> None:
        """What is in memory is gone with the process: that is documented."""
        self.same_again()
        self.wire, self.accounts, self.script = Wire(now=self.wire.now), {}, []
        SEEN["restarted"] += 1

    # ── what always holds ──────────────────────────────────────────────────────

    @invariant()
    def each_account_is_as_the_model_says(self) -> None:
        for login, model in self.accounts.items():
            account = self.wire.control("GET", f"/accounts/{login}").value
            got = {
                "credit": Decimal(account["credit"]),
                "spent": Decimal(account["spent"]),
                "campaigns": account["campaigns"],
            }
            expected = {
                "credit": model.credit,
                "spent": model.spent,
                "campaigns": len(model.tickets),
            }
            assert got == expected, login

    @invariant()
    def no_credit_is_below_nothing(self) -> None:
        assert all(account.credit >= 0 for account in self.accounts.values())

    @invariant()
    def each_request_is_in_the_inbox_once(self) -> None:
        for login, account in self.accounts.items():
            page = self.wire.control("GET", f"/requests?login={login}&limit=1000").value
            assert len(page["requests"]) == account.requests

    def same_again(self) -> None:
        """The same requests to another twin have the same answers, to the byte."""
        if not self.script:
            return
        again = Wire(now=self.script[0][0])
        for moment, method, path, headers, raw, answer in self.script:
            again.now = moment
            if path == PATH:
                got = again.send(raw, headers=headers)
                assert (got.body, got.headers) == (answer.body, answer.headers)
            else:
                asked = path.removeprefix("/_twin")
                again.control(method, asked, json.loads(raw) if raw else None)

    def teardown(self) -> None:
        self.same_again()


def test_accounts_used_at_random_do_as_the_model_says() -> None:
    profile = settings()

    run(
        Accounts,
        settings=settings(
            profile,
            max_examples=profile.max_examples,
            stateful_step_count=40,
            phases=[Phase.generate, Phase.shrink],
        ),
    )


@pytest.mark.whole
def test_the_machine_met_every_verdict_and_moved_time_and_credit() -> None:
    """It runs after the machine; alone it has nothing to count."""
    if not SEEN:
        test_accounts_used_at_random_do_as_the_model_says()
    wanted = (
        *("accepted", "simulated", "refused", "repeated", "out of credit", "all opted out"),
        *("unauthorized", "forbidden", "503", "credit set", "time passed", "started over"),
        "restarted",
    )

    figures.write("machine", dict(SEEN))
    assert {name: SEEN[name] for name in wanted if SEEN[name] < 5} == {}
