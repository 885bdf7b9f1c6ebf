"""The catalogue: from a decision to status, headers and body, as the API would print them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final

import msgspec

from mock_server.contract.model import Contract, NamedAnswer
from mock_server.core.campaign_policy import PAYLOAD
from mock_server.json_values import Json
from mock_server.store.entries import Accepted, Outcome

CONTENT_TYPE: Final = "application/json"
# Of the members of an accepted campaign's answer (``x-campaign.answer``).
_MEANINGS: Final = ("ticket", "contacts", "cost", "duration", "residual")
_DIGITS_OF_A_DOUBLE: Final = 15
# What is smaller is written with an exponent.
_SMALLEST: Final = Decimal("0.0001")


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


_text: Final = json.JSONEncoder(ensure_ascii=False).encode


def as_double(amount: Decimal) -> str:
    """Money as the vendor's page prints it: a JSON number, as a double is written.

    A double keeps 15 digits, so most amounts need not become one.

    >>> as_double(Decimal("150.00")), as_double(Decimal("0.10")), as_double(Decimal("1E+16"))
    ('150.0', '0.1', '1e+16')
    """
    text = str(amount)
    if len(text) > _DIGITS_OF_A_DOUBLE or "." not in text or "E" in text or amount < _SMALLEST:
        return repr(float(amount))
    text = text.rstrip("0")
    return f"{text}0" if text.endswith(".") else text


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
        names = contract.terms.answer
        lines = (f"  {_text(name)}: ".replace("%", "%%") + "%s" for name in names.values())
        self._accepted = "{\n" + ",\n".join(lines) + "\n}"
        self._members = itemgetter(*map(_MEANINGS.index, names))

    def answer(self, outcome: Outcome) -> Answer:
        """The answer to a decision."""
        if isinstance(outcome, Accepted):
            members = (
                _text(outcome.ticket),
                outcome.contacts,
                as_double(outcome.cost),
                outcome.duration,
                as_double(outcome.residual),
            )
            body = self._accepted % self._members(members)
            return Answer(self._simulated if outcome.simulated else self._sent, body.encode())
        if outcome.answer != PAYLOAD:
            return self._refusals[outcome.answer]
        errors = {name: error.document() for name, error in outcome.errors.items()}
        return Answer(self._payload.status, encoded({**self._payload.value, "errors": errors}))
