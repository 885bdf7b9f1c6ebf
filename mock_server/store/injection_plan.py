"""What is set to be injected into the requests of an account; `core.injection` does it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mock_server.json_values import Json


class Count(NamedTuple):
    """How often a rule fitted a request, and how often it was met."""

    tried: int = 0
    met: int = 0


@dataclass(frozen=True, slots=True)
class InjectionRule:
    """One fault and when it is met: of the shape InjectedFault in ``openapi/twin.yaml``."""

    id: int
    rule: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class InjectionPlan:
    """The rules of one account, in the order in which they are tried."""

    seed: int = 0
    rules: tuple[InjectionRule, ...] = ()
    last_id: int = 0

    def only(self, seed: int, rules: Iterable[Mapping[str, Json]]) -> InjectionPlan:
        """These rules and no others; ids go on, so that counts start anew."""
        plan = InjectionPlan(seed, (), self.last_id)
        for rule in rules:
            plan = plan.and_also(rule)
        return plan

    def and_also(self, rule: Mapping[str, Json]) -> InjectionPlan:
        """One more rule, after the others."""
        number = self.last_id + 1
        return InjectionPlan(self.seed, (*self.rules, InjectionRule(number, rule)), number)
