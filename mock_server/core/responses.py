"""The catalogue: from a decision to status, headers and body, as the API would print them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from mock_server.contract.model import Contract, NamedAnswer
from mock_server.core.campaign_policy import PAYLOAD
from mock_server.json_values import Json
from mock_server.store.entries import Accepted, Outcome

CONTENT_TYPE: Final = "application/json"


class Answer(msgspec.Struct, frozen=True):
    """One answer as the API gives it."""

    status: int
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def of(cls, named: NamedAnswer, headers: Mapping[str, str]) -> Answer:
        """A named answer of the contract."""
        return cls(named.status, encoded(named.value), headers)

    @property
    def value(self) -> dict[str, Json]:
        """The body, decoded."""
        value: dict[str, Json] = json.loads(self.body)
        return value


def encoded(value: Mapping[str, Any]) -> bytes:
    """A body, laid out as the vendor's page prints its examples."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


class Responses:
    """Every answer of one contract."""

    def __init__(self, contract: Contract) -> None:
        self._refusals = {
            name: Answer.of(
                named, {"Allow": contract.method} if name == "method-not-allowed" else {}
            )
            for name, named in contract.answers.items()
        }
        self._payload = contract.answers[PAYLOAD]
        self._sent = contract.answers["accepted"].status
        self._simulated = contract.answers["simulated"].status
        # Written out, as json.dumps takes ten times as long with an indent.
        lines = (
            f"  {json.dumps(name, ensure_ascii=False)}: ".replace("%", "%%") + f"%({meaning})s"
            for meaning, name in contract.terms.answer.items()
        )
        self._accepted = "{\n" + ",\n".join(lines) + "\n}"

    def answer(self, outcome: Outcome) -> Answer:
        """The answer to a decision."""
        if isinstance(outcome, Accepted):
            # The vendor's page prints money as a JSON number; a double keeps 15 digits.
            body = self._accepted % {
                "ticket": json.dumps(outcome.ticket, ensure_ascii=False),
                "contacts": outcome.contacts,
                "cost": float(outcome.cost),
                "duration": outcome.duration,
                "residual": float(outcome.residual),
            }
            status = self._simulated if outcome.simulated else self._sent
            return Answer(status, body.encode())
        if outcome.answer != PAYLOAD:
            return self._refusals[outcome.answer]
        errors = {name: error.document() for name, error in outcome.errors.items()}
        return Answer(self._payload.status, encoded({**self._payload.value, "errors": errors}))
