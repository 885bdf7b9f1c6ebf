"""Injected faults: which of them a request meets, and what they do to its answer. Pure.

Chance is drawn from the account's seed, the rule and the count of requests that fitted it, so the
same seed and the same requests meet the same faults.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from mock_server.answers import CONTENT_TYPE, Answer
from mock_server.delivery import Delivery
from mock_server.fields import Contract
from mock_server.values import Json

# openapi/twin.yaml has the same bound on what is set; a lognormal draw has none by itself.
_LONGEST_DELAY: Final = 300.0
_OTHER_TYPE: Final = "text/html; charset=utf-8"
_STATUSES: Final = {
    429: "too-many-requests",
    500: "server-error",
    502: "bad-gateway",
    503: "unavailable",
}


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


_INSTEAD: Final = frozenset({Kind.STATUS, Kind.ANSWER, Kind.RESET})
_NEEDS_SUCCESS: Final = frozenset({Kind.DROP, Kind.MISSING_FIELD})


class Facts(NamedTuple):
    """What of a request decides whether a fault fits it."""

    accepted: bool
    numbers: frozenset[str]
    text: str
    request_id: str | None


class Count(NamedTuple):
    """How often a rule fitted a request, and how often it was met."""

    tried: int = 0
    met: int = 0


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault and when it is met.

    ``rule`` is what was asked for, of the shape InjectedFault in ``openapi/twin.yaml``.
    """

    id: int
    rule: Mapping[str, Json]

    @property
    def kind(self) -> Kind:
        """What it does."""
        return Kind(self.rule["fault"])

    def fits(self, facts: Facts) -> bool:
        """Whether it is about such a request."""
        match = self.rule.get("match", {})
        return (
            (facts.accepted or self.kind not in _NEEDS_SUCCESS)
            and ("number" not in match or match["number"] in facts.numbers)
            and ("text" not in match or match["text"] in facts.text)
            and ("request_id" not in match or match["request_id"] == facts.request_id)
        )

    def is_met(self, seed: int, count: Count) -> bool:
        """Whether the request that fits after ``count`` others meets it."""
        if count.met >= self.rule.get("times", math.inf):
            return False
        chance = self.rule.get("probability", 1)
        return bool(chance == 1 or self._dice(seed, count).random() < chance)

    def delay(self, seed: int, count: Count) -> float:
        """The seconds of a delay."""
        seconds = self.rule["seconds"]
        dice = self._dice(seed, count, "seconds")
        if not isinstance(seconds, Mapping):
            drawn = seconds
        elif "median" in seconds:
            drawn = dice.lognormvariate(math.log(seconds["median"]), seconds["sigma"])
        else:
            drawn = dice.uniform(seconds["from"], seconds["to"])
        return min(float(drawn), _LONGEST_DELAY)

    def _dice(self, seed: int, count: Count, what: str = "met") -> random.Random:
        return random.Random(f"{seed} {self.id} {count.tried} {what}")  # noqa: S311  (no secret)


@dataclass(frozen=True, slots=True)
class Plan:
    """The faults of one account, in the order in which they are tried."""

    seed: int = 0
    rules: tuple[FaultRule, ...] = ()
    last_id: int = 0

    def only(self, seed: int, rules: Iterable[Mapping[str, Json]]) -> Plan:
        """These rules and no others; ids go on, so that counts start anew."""
        plan = Plan(seed, (), self.last_id)
        for rule in rules:
            plan = plan.and_also(rule)
        return plan

    def and_also(self, rule: Mapping[str, Json]) -> Plan:
        """One more rule, after the others."""
        number = self.last_id + 1
        return Plan(self.seed, (*self.rules, FaultRule(number, rule)), number)


@dataclass(frozen=True, slots=True)
class Injected:
    """What a request met: a delay, a fault, or both; and who asked for it."""

    by: str
    """``fault``, ``magic`` or ``prefer``."""
    fault: Mapping[str, Json] | None = None
    delay: float = 0

    def __str__(self) -> str:
        kind = self.fault["fault"] if self.fault else f"delay of {self.delay:g} s"
        return f"{kind} (by {self.by})"

    @property
    def instead(self) -> bool:
        """Whether it stands in the API's place, so that nothing is sent."""
        return self.fault is not None and Kind(self.fault["fault"]) in _INSTEAD

    def answer(self, contract: Contract) -> Answer | None:
        """The answer in the API's place; None where the connection is reset."""
        fault = self.fault or {}
        if fault.get("fault") == Kind.RESET:
            return None
        named = contract.answers[fault.get("answer") or _STATUSES[fault["status"]]]
        headers = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
        return Answer(named.status, named.value, headers)

    def delivery(self) -> Delivery:
        """How the answer travels."""
        kind = self.fault["fault"] if self.fault else None
        return Delivery(self.delay, kind in {Kind.RESET, Kind.DROP}, kind == Kind.RESET)

    def document(self) -> dict[str, Any]:
        """What the inbox shows."""
        return {"by": self.by, "fault": self.fault, "delay": self.delay}


def meet(
    plan: Plan, counts: Mapping[int, Count], facts: Facts
) -> tuple[Injected | None, dict[int, Count]]:
    """What a request meets, and the counts that this changes."""
    changed = dict[int, Count]()
    delay, met = 0.0, False
    for rule in plan.rules:
        if not rule.fits(facts):
            continue
        count = counts.get(rule.id, Count())
        hit = rule.is_met(plan.seed, count)
        changed[rule.id] = Count(count.tried + 1, count.met + hit)
        if hit and rule.kind is not Kind.DELAY:
            return Injected("fault", rule.rule, min(delay, _LONGEST_DELAY)), changed
        if hit:
            delay, met = delay + rule.delay(plan.seed, count), True
    return Injected("fault", None, min(delay, _LONGEST_DELAY)) if met else None, changed


def alone(by: str, rule: Mapping[str, Json], facts: Facts) -> Injected | None:
    """What one rule does that has neither count nor chance; None where it does not fit."""
    single = FaultRule(0, rule)
    if not single.fits(facts):
        return None
    if single.kind is Kind.DELAY:
        return Injected(by, None, single.delay(0, Count()))
    return Injected(by, rule)


class Sent(NamedTuple):
    """An answer as it leaves."""

    content_type: str
    body: bytes


def sent(answer: Answer, fault: Mapping[str, Json] | None) -> Sent:
    r"""The answer, after what a fault does to its body or its Content-Type.

    >>> sent(Answer(200, {"a": 1}), {"fault": "truncate", "bytes": 5}).body
    b'{\n  "'
    """
    body = answer.body
    fault = fault or {}
    match fault:
        case {"fault": Kind.TRUNCATE}:
            return Sent(CONTENT_TYPE, body[: fault.get("bytes", len(body) // 2)])
        case {"fault": Kind.GARBLE}:
            kept = len(body) // 3
            noise = random.Random(body).randbytes(len(body) - kept - 1)  # noqa: S311  (no secret)
            # No UTF-8 has this byte, so no draw can leave valid JSON behind.
            return Sent(CONTENT_TYPE, body[:kept] + b"\xff" + noise)
        case {"fault": Kind.CONTENT_TYPE}:
            return Sent(fault.get("content_type", _OTHER_TYPE), body)
        case {"fault": Kind.MISSING_FIELD}:
            less = {name: value for name, value in answer.value.items() if name != fault["field"]}
            return Sent(CONTENT_TYPE, Answer(answer.status, less).body)
        case _:
            return Sent(CONTENT_TYPE, body)


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
            LookupError: the contract has no such answer; the message says what there is.
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
