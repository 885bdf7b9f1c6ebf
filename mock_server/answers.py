"""The catalogue: from a decision to status, headers and body, as the API would print them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from mock_server.campaign import PAYLOAD, Accepted, Outcome
from mock_server.fields import Contract, Terms
from mock_server.values import Json

CONTENT_TYPE: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; ``value`` is what the body says."""

    status: int
    value: dict[str, Json]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The body, laid out as the seed prints its examples."""
        return json.dumps(self.value, indent=2, ensure_ascii=False).encode()


def answer(contract: Contract, outcome: Outcome) -> Answer:
    """The answer to a decision."""
    if isinstance(outcome, Accepted):
        name = "simulated" if outcome.simulated else "accepted"
        return Answer(contract.answers[name].status, _accepted(contract.terms, outcome))
    entry = contract.answers[outcome.answer]
    value = dict(entry.value)
    if outcome.answer == PAYLOAD:
        value["errors"] = {name: error.document() for name, error in outcome.errors.items()}
    headers = {"Allow": contract.method} if outcome.answer == "method-not-allowed" else {}
    return Answer(entry.status, value, headers)


def _accepted(terms: Terms, campaign: Accepted) -> dict[str, Json]:
    members: dict[str, Json] = {
        "ticket": campaign.ticket,
        "contacts": campaign.contacts,
        "cost": _number(campaign.cost),
        "duration": campaign.duration,
        "residual": _number(campaign.residual),
    }
    return {name: members[meaning] for meaning, name in terms.answer.items()}


def _number(money: Decimal) -> float:
    # The seed prints money as a JSON number; a double keeps 15 significant digits.
    return float(money)
