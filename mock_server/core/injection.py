"""Fault injection: which rules a request meets, and what they do to it at each of its moments.

*Instead of the decision* nothing is sent, *on the way out* the answer is changed, *on the wire* it
is late or the connection ends; *on a receipt* one of a campaign that was sent changes. Chance is
drawn from the account's seed, the rule and the count of requests that fitted it, so the same seed
and the same requests meet the same faults.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any, Final, NamedTuple

from mock_server.contract.magic import Magic
from mock_server.contract.model import Contract
from mock_server.core.responses import CONTENT_TYPE, Answer, encoded
from mock_server.json_values import Json
from mock_server.store.injection_plan import Count, InjectionPlan, InjectionRule
from mock_server.store.protocol import Account, Ledger

# openapi/twin.yaml has the same bound on what is set; a lognormal draw has none by itself.
_LONGEST_DELAY: Final = 300.0
_OTHER_TYPE: Final = "text/html; charset=utf-8"
_STATUSES: Final = {
    429: "too-many-requests",
    500: "server-error",
    502: "bad-gateway",
    503: "unavailable",
}


class Moment(Enum):
    """When a fault acts."""

    INSTEAD_OF_THE_DECISION = auto()
    ON_THE_WAY_OUT = auto()
    ON_THE_WIRE = auto()
    ON_A_RECEIPT = auto()


class Kind(StrEnum):
    """What a fault does."""

    DELAY = "delay"
    STATUS = "status"
    ANSWER = "answer"
    RESET = "reset"
    DROP = "drop_after_commit"
    TRUNCATE = "truncate"
    GARBLE = "garble"
    CONTENT_TYPE = "content_type"
    MISSING_FIELD = "missing_field"
    RECEIPT_LOST = "receipt_lost"
    RECEIPT_LATE = "receipt_late"
    RECEIPT_DUPLICATED = "receipt_duplicated"
    RECEIPT_OUT_OF_ORDER = "receipt_out_of_order"


MOMENTS: Final[Mapping[Kind, frozenset[Moment]]] = {
    Kind.STATUS: frozenset({Moment.INSTEAD_OF_THE_DECISION}),
    Kind.ANSWER: frozenset({Moment.INSTEAD_OF_THE_DECISION}),
    Kind.RESET: frozenset({Moment.INSTEAD_OF_THE_DECISION, Moment.ON_THE_WIRE}),
    Kind.TRUNCATE: frozenset({Moment.ON_THE_WAY_OUT}),
    Kind.GARBLE: frozenset({Moment.ON_THE_WAY_OUT}),
    Kind.CONTENT_TYPE: frozenset({Moment.ON_THE_WAY_OUT}),
    Kind.MISSING_FIELD: frozenset({Moment.ON_THE_WAY_OUT}),
    Kind.DELAY: frozenset({Moment.ON_THE_WIRE}),
    Kind.DROP: frozenset({Moment.ON_THE_WIRE}),
    Kind.RECEIPT_LOST: frozenset({Moment.ON_A_RECEIPT}),
    Kind.RECEIPT_LATE: frozenset({Moment.ON_A_RECEIPT}),
    Kind.RECEIPT_DUPLICATED: frozenset({Moment.ON_A_RECEIPT}),
    Kind.RECEIPT_OUT_OF_ORDER: frozenset({Moment.ON_A_RECEIPT}),
}
_NEEDS_SUCCESS: Final = frozenset({Kind.DROP, Kind.MISSING_FIELD})


# ── which rules a request meets ──────────────────────────────────────


class Facts(NamedTuple):
    """What of a request decides whether a fault fits it."""

    accepted: bool
    numbers: frozenset[str]
    text: str
    request_id: str | None


def _fits(rule: InjectionRule, facts: Facts) -> bool:
    """Whether a rule is about such a request."""
    match = rule.rule.get("match", {})
    return (
        (facts.accepted or _kind(rule) not in _NEEDS_SUCCESS)
        and ("number" not in match or match["number"] in facts.numbers)
        and ("text" not in match or match["text"] in facts.text)
        and ("request_id" not in match or match["request_id"] == facts.request_id)
    )


def _is_met(rule: InjectionRule, seed: int, count: Count) -> bool:
    """Whether the request that fits after ``count`` others meets the rule."""
    if count.met >= rule.rule.get("times", math.inf):
        return False
    chance = rule.rule.get("probability", 1)
    return bool(chance == 1 or _dice(rule, seed, count, "met").random() < chance)


def _seconds(rule: InjectionRule, seed: int, count: Count) -> float:
    """The seconds of a delay."""
    seconds = rule.rule["seconds"]
    dice = _dice(rule, seed, count, "seconds")
    if not isinstance(seconds, Mapping):
        drawn = seconds
    elif "median" in seconds:
        drawn = dice.lognormvariate(math.log(seconds["median"]), seconds["sigma"])
    else:
        drawn = dice.uniform(seconds["from"], seconds["to"])
    return min(float(drawn), _LONGEST_DELAY)


def _dice(rule: InjectionRule, seed: int, count: Count, what: str) -> random.Random:
    return random.Random(f"{seed} {rule.id} {count.tried} {what}")  # noqa: S311  (no secret)


def _kind(rule: InjectionRule) -> Kind:
    return Kind(rule.rule["fault"])


@dataclass(frozen=True, slots=True)
class Injection:
    """What a request met: a delay, a fault, or both; and who asked for it."""

    by: str
    """``fault``, ``magic`` or ``prefer``."""
    fault: Mapping[str, Json] | None = None
    delay: float = 0

    def __str__(self) -> str:
        kind = self.fault["fault"] if self.fault else f"delay of {self.delay:g} s"
        return f"{kind} (by {self.by})"

    @property
    def kind(self) -> Kind:
        """What the fault does; a mere delay is one, too."""
        return Kind(self.fault["fault"]) if self.fault else Kind.DELAY

    def document(self) -> dict[str, Any]:
        """What the inbox shows."""
        return {"by": self.by, "fault": self.fault, "delay": self.delay}

    # ── instead of the decision ──────────────────────────────────────

    @property
    def instead(self) -> bool:
        """Whether it stands in the API's place, so that nothing is sent."""
        return Moment.INSTEAD_OF_THE_DECISION in MOMENTS[self.kind]

    def answer(self, contract: Contract) -> Answer | None:
        """The answer in the API's place; None where the connection is reset."""
        fault = self.fault or {}
        if self.kind is Kind.RESET:
            return None
        named = contract.answers[fault.get("answer") or _STATUSES[fault["status"]]]
        headers = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
        return Answer.of(named, headers)

    # ── on the way out ───────────────────────────────────────────────

    def changed(self, answer: Answer) -> Sent:
        r"""The answer, after what the fault does to its body or its Content-Type.

        >>> Injection("fault", {"fault": "truncate", "bytes": 5}).changed(Answer(200, b'{"a": 1}'))
        Sent(content_type='application/json', body=b'{"a":')
        """
        body, fault = answer.body, self.fault or {}
        match self.kind:
            case Kind.TRUNCATE:
                return Sent(CONTENT_TYPE, body[: fault.get("bytes", len(body) // 2)])
            case Kind.GARBLE:
                kept = len(body) // 3
                noise = random.Random(body).randbytes(len(body) - kept - 1)  # noqa: S311  (no secret)
                # UTF-8 never has this byte, so no draw can leave valid JSON behind.
                return Sent(CONTENT_TYPE, body[:kept] + b"\xff" + noise)
            case Kind.CONTENT_TYPE:
                return Sent(fault.get("content_type", _OTHER_TYPE), body)
            case Kind.MISSING_FIELD:
                less = {name: v for name, v in answer.value.items() if name != fault["field"]}
                return Sent(CONTENT_TYPE, encoded(less))
            case _:
                return Sent(CONTENT_TYPE, body)

    # ── on the wire (and ``delay``, above) ───────────────────────────

    @property
    def hang_up(self) -> bool:
        """Whether the connection ends without a byte of the answer."""
        return self.kind in {Kind.RESET, Kind.DROP}

    @property
    def reset(self) -> bool:
        """Whether it ends by a reset (RST)."""
        return self.kind is Kind.RESET


class Sent(NamedTuple):
    """An answer as it leaves."""

    content_type: str
    body: bytes


def inject(
    account: Account,
    ledger: Ledger,
    preferred: Mapping[str, Json] | None,
    magic: Magic,
    facts: Facts,
) -> Injection | None:
    """What stands between the API and its caller: a preference, a fault, a magic number."""
    if preferred is not None:
        return alone("prefer", preferred, facts)
    injected = None
    if account.faults.rules:
        injected, changed = meet(account.faults, ledger.counts(), facts)
        ledger.count(changed)
        if injected is not None and injected.fault is not None:
            return injected
    for number in sorted(magic.numbers.keys() & facts.numbers):
        if forced := alone("magic", magic.numbers[number].does, facts):
            # A mere delay goes on to the next, whoever asked for it.
            delay = forced.delay + (injected.delay if injected else 0)
            return Injection(forced.by, forced.fault, delay)
    return injected


def meet(
    plan: InjectionPlan, counts: Mapping[int, Count], facts: Facts
) -> tuple[Injection | None, dict[int, Count]]:
    """What a request meets, and the counts that this changes."""
    changed = dict[int, Count]()
    delay, met = 0.0, False
    for rule in plan.rules:
        if _is_about_receipts(rule) or not _fits(rule, facts):
            continue
        count = counts.get(rule.id, Count())
        hit = _tried(rule, plan.seed, count, changed)
        if hit and _kind(rule) is not Kind.DELAY:
            return Injection("fault", rule.rule, min(delay, _LONGEST_DELAY)), changed
        if hit:
            delay, met = delay + _seconds(rule, plan.seed, count), True
    return Injection("fault", None, min(delay, _LONGEST_DELAY)) if met else None, changed


def meet_receipt(
    plan: InjectionPlan, counts: Mapping[int, Count], number: str
) -> tuple[Mapping[str, Json] | None, dict[int, Count]]:
    """The fault that the receipt of a call to a number meets, and the counts that this changes."""
    changed = dict[int, Count]()
    for rule in plan.rules:
        expected = rule.rule.get("match", {"number": number})
        if not _is_about_receipts(rule) or expected["number"] != number:
            continue
        if _tried(rule, plan.seed, counts.get(rule.id, Count()), changed):
            return rule.rule, changed
    return None, changed


def _tried(rule: InjectionRule, seed: int, count: Count, changed: dict[int, Count]) -> bool:
    """Whether a rule that fits is met this time, which is counted in ``changed``."""
    hit = _is_met(rule, seed, count)
    changed[rule.id] = Count(count.tried + 1, count.met + hit)
    return hit


def _is_about_receipts(rule: InjectionRule) -> bool:
    return Moment.ON_A_RECEIPT in MOMENTS[_kind(rule)]


def alone(by: str, rule: Mapping[str, Json], facts: Facts) -> Injection | None:
    """What one rule does that has neither count nor chance; None where it does not fit."""
    single = InjectionRule(0, rule)
    if not _fits(single, facts):
        return None
    if _kind(single) is Kind.DELAY:
        return Injection(by, None, _seconds(single, 0, Count()))
    return Injection(by, rule)


@dataclass(frozen=True, slots=True)
class Preference:
    """What a ``Prefer`` header asks for, as Prism reads it: ``code=403, example=forbidden``."""

    asked: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, header: str) -> Preference:
        """The preferences ``code`` and ``example``; all others are ignored (RFC 7240).

        >>> Preference.of('wait=5, code=400; foo, example="out-of-credit"').asked
        {'code': '400', 'example': 'out-of-credit'}
        """
        asked = dict[str, str]()
        for preference in header.split(","):
            name, _, value = preference.partition(";")[0].partition("=")
            if (name := name.strip().lower()) in {"code", "example"}:
                asked.setdefault(name, value.strip().strip('"'))
        return cls(asked)

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.asked.items())

    def rule(self, contract: Contract) -> dict[str, Json] | None:
        """The fault that gives the preferred answer: the first of its code, or the one named.

        Raises:
            LookupError: the contract has no such answer; the message lists those it has.
        """
        if not self.asked:
            return None
        for name, answer in contract.answers.items():
            if self.asked.get("code", str(answer.status)) != str(answer.status):
                continue
            if self.asked.get("example", name) == name:
                return {"fault": Kind.ANSWER.value, "answer": name}
        known = ", ".join(f"{answer.status} {name}" for name, answer in contract.answers.items())
        raise LookupError(f"code and example of one of: {known}")
