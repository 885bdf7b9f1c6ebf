"""What a call is by the contract (``x-calls``), as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mock_server.contract.evidence import Evidence
from mock_server.contract.magic import MagicValue

TERMS: Final = (
    "ring_seconds",
    "no_answer_seconds",
    "calls_a_second",
    "opt_out_key",
    "receiver_seconds",
    "retry_seconds",
)
"""The members of ``x-calls`` that are one value each."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of delivery receipts: what it looks like, and the statuses it knows."""

    name: str
    summary: str
    statuses: tuple[str, ...]
    evidence: Evidence = field(compare=False)


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """How a call ends, and the status that a receipt of each generation has for it."""

    name: str
    summary: str
    statuses: Mapping[str, str]
    evidence: Evidence = field(compare=False)


@dataclass(frozen=True, slots=True)
class CallTerms:
    """What a call is: times in seconds, each value with its evidence in ``evidence``.

    Two are equal if phones and receipts behave alike, whatever the evidence.
    """

    generations: Mapping[str, Generation]
    outcomes: Mapping[str, CallOutcome]
    ring_seconds: int
    """How long a phone rings before somebody answers or refuses, at the live pace."""
    no_answer_seconds: int
    """How long it rings where nobody does."""
    calls_a_second: int
    """How many calls of a campaign begin in a second, at the live pace."""
    opt_out_key: str
    receiver_seconds: int
    """How long a receiver of receipts may take to answer."""
    retry_seconds: tuple[int, ...]
    """How long after a failed attempt the next one comes, one for each retry."""
    phones: Mapping[str, MagicValue]
    """Numbers whose phones behave in some way by themselves: PhoneSettings of twin.yaml."""
    phones_evidence: Evidence = field(compare=False)
    evidence: Mapping[str, Evidence] = field(compare=False)

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> CallTerms:
        """The terms in ``x-calls``, whose shape was checked."""
        generations, outcomes = (
            {name: (one, Evidence(**one["evidence"])) for name, one in entry[key].items()}
            for key in ("generations", "outcomes")
        )
        values = {name: entry[name]["value"] for name in TERMS}
        return cls(
            generations={
                name: Generation(name, one["summary"], tuple(one["statuses"]), evidence)
                for name, (one, evidence) in generations.items()
            },
            outcomes={
                name: CallOutcome(name, one["summary"], one["statuses"], evidence)
                for name, (one, evidence) in outcomes.items()
            },
            **values | {"retry_seconds": tuple(values["retry_seconds"])},
            phones={
                number: MagicValue(number, one["summary"], one["phone"])
                for number, one in entry["phones"]["numbers"].items()
            },
            phones_evidence=Evidence(**entry["phones"]["evidence"]),
            evidence={name: Evidence(**entry[name]["evidence"]) for name in TERMS},
        )
