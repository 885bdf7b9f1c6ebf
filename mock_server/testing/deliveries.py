"""Receipts as tests see them: what is in one, what receivers answered, the text of a failure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from mock_server.http.callback import TAKEN
from mock_server.json_values import Json, printable
from mock_server.testing.messages import fits, quoted

_DETAILS: Final = "meta_data"
_OPT_OUT: Final = "stop_date"
_ABSENT: Final = object()
_LONGEST_ANSWER: Final = 2000
# Of a campaign of 500; whoever fails, mostly fails at each.
_MOST_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class TwinReceipt:
    """One receipt, or one callback for an opt-out; ``document`` is the whole entry of the log.

    Its shape is Receipt in ``openapi/twin.yaml``.
    """

    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        """That of the call, with ``-stop`` behind it for an opt-out."""
        return str(self.document["id"])

    @property
    def number(self) -> str:
        """Who was called."""
        return str(self.document["number"])

    @property
    def body(self) -> bytes:
        """The bytes that a receiver gets."""
        return str(self.document["body"]).encode()

    @property
    def content_type(self) -> str:
        """What they are: JSON or a form."""
        return str(self.document["content_type"])

    @property
    def state(self) -> str:
        """``pending``, ``delivered``, ``failed``, ``lost``; ``unsent`` without a callback_url."""
        return str(self.document["state"])

    @property
    def attempts(self) -> list[Mapping[str, Any]]:
        """Each attempt to send it to the ``callback_url``, with the receiver's answer."""
        attempts: list[Mapping[str, Any]] = self.document["attempts"]
        return attempts

    @property
    def members(self) -> dict[str, Json]:
        """What is in the body; what it has in ``meta_data`` stands beside the rest.

        Values of a form are texts.
        """
        if "json" in self.content_type:
            members: dict[str, Json] = json.loads(self.body)
            details: dict[str, Json] = members.pop(_DETAILS, {})
            return members | details
        fields = parse_qsl(self.body.decode(), keep_blank_values=True)
        return {name.removeprefix(f"{_DETAILS}[").rstrip("]"): value for name, value in fields}

    @property
    def status(self) -> str | None:
        """The outcome of the call, in the words of the account's ``callback_generation``."""
        status: str | None = self.members.get("status")
        return status

    @property
    def keys(self) -> str | None:
        """The keys that were pressed; None where the campaign does not ask for them."""
        keys: str | None = self.members.get("pressed_keys_code")
        return keys

    @property
    def is_opt_out(self) -> bool:
        """Whether it is the callback for an opt-out."""
        return _OPT_OUT in self.members

    def matches(self, expected: Mapping[str, Any]) -> bool:
        """Whether every expected value is there."""
        there = {**self.members, "number": self.number, "state": self.state}
        return all(name in there and fits(value, there[name]) for name, value in expected.items())

    def summary(self) -> str:
        """Whose it is, and what it reports."""
        what = "opt-out" if self.is_opt_out else self.status
        keys = f", keys {quoted(self.keys)}" if self.keys else ""
        return f"receipt {self.id} of {self.number}: {what}{keys}"

    def line(self) -> str:
        """The same, and how far it has come."""
        return f"{self.summary()}, {self.state}"

    def story(self) -> list[str]:
        """It, and what its receiver answered each time."""
        return [
            f"  {self.line()}",
            *(answered(one["status"], one["answer"]) for one in self.attempts),
        ]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One receipt that was handed to a receiver in this process, and its answer."""

    receipt: TwinReceipt
    status: int
    text: str
    """The body of the answer."""

    @property
    def is_taken(self) -> bool:
        """Whether the API would be content: 2XX."""
        return self.status in TAKEN

    def story(self) -> list[str]:
        """The receipt and the answer."""
        return [f"  {self.receipt.line()}", answered(self.status, self.text)]


def failed(deliveries: list[Delivery], where: str) -> str:
    """What to read where a receiver did not take all of its receipts."""
    wrong = [delivery for delivery in deliveries if not delivery.is_taken]
    took = f"{len(deliveries) - len(wrong)} of {_receipts(len(deliveries))}"
    lines = [f"The receiver took {took} at {where}; the API expects 2XX, within a second."]
    for delivery in wrong[:_MOST_SHOWN]:
        receipt = delivery.receipt
        lines += ["", *delivery.story(), f"    to this body, {receipt.content_type}:"]
        lines.append(f"      {printable(receipt.body.decode())}")
    if len(wrong) > _MOST_SHOWN:
        lines += ["", f"and {len(wrong) - _MOST_SHOWN} more"]
    return "\n".join(lines)


def missing(headline: str, receipts: Iterable[TwinReceipt], calls: Mapping[str, int]) -> str:
    """What to read where a receipt is not there: those that are."""
    if lines := [line for receipt in receipts for line in receipt.story()]:
        return "\n".join([headline, "There are:", *lines])
    if waiting := calls.get("scheduled"):
        return f"{headline}\n{waiting} of the account's calls are scheduled: advance its clock."
    hint = "A receipt comes of each contact of an accepted campaign that is not simulated."
    return f"{headline}\nThere are none of this account. {hint}"


def _receipts(number: int) -> str:
    return f"{number} receipt{'' if number == 1 else 's'}"


def answered(status: int | None, text: str) -> str:
    """A line on what a receiver answered, or why it did not."""
    if status is None:
        return f"    no answer: {printable(text)}"
    shown = text if len(text) <= _LONGEST_ANSWER else f"{text[:_LONGEST_ANSWER]} …"
    return f"    answered {status}{f': {printable(shown)}' if shown else ', with no body'}"
