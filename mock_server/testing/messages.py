"""Requests of the inbox as tests see them: matching, the nearest, and the text of a failure."""

from __future__ import annotations

import base64
import difflib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from mock_server.core.campaign_policy import instant
from mock_server.json_values import Json, printable, same

_LONGEST_SHOWN: Final = 200
_MOST_NOTES: Final = 8
_ABSENT: Final = object()
# Neither NUL in an argument nor escape sequences on a terminal.
_NOT_FOR_A_SHELL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Message:
    """One request and its outcome; ``document`` is the whole entry of the inbox.

    Its shape is Entry in ``openapi/twin.yaml``.
    """

    document: Mapping[str, Any]

    @property
    def id(self) -> int:
        """Its number in the inbox."""
        return int(self.document["id"])

    @property
    def at(self) -> datetime:
        """When it arrived, by the account's clock."""
        return datetime.fromisoformat(self.document["at"])

    @property
    def status(self) -> int | None:
        """The HTTP status of the answer; None where the connection was reset before."""
        status: int | None = self.document["status"]
        return status

    @property
    def verdict(self) -> str:
        """``accepted``, ``refused``, or ``injected`` where a fault stood in the API's place."""
        return str(self.document["verdict"])

    @property
    def state(self) -> str | None:
        """``sent``, ``scheduled`` or ``simulated``; None where nothing is sent."""
        state: str | None = self.document["state"]
        return state

    @property
    def body(self) -> Mapping[str, Json]:
        """The parameters as the API reads them, repaired; empty where it did not come to that."""
        return self.document["body"] or {}

    @property
    def text(self) -> str:
        """What the voice reads."""
        return str(self.body.get("text", ""))

    @property
    def numbers(self) -> list[str]:
        """The numbers that are called, with plus sign and country code."""
        return [contact["phone_number"] for contact in self.body.get("recipients", ())]

    @property
    def notes(self) -> Sequence[Mapping[str, Any]]:
        """What the API would repair, default, ignore or advise without a word."""
        notes: list[Mapping[str, Any]] = self.document["notes"]
        return notes

    @property
    def repairs(self) -> list[Mapping[str, Any]]:
        """The notes that strict mode refuses: all but advice."""
        return [note for note in self.notes if note["kind"] != "advice"]

    @property
    def injected(self) -> Mapping[str, Any] | None:
        """The injected fault it met, if any."""
        injected: Mapping[str, Any] | None = self.document["injected"]
        return injected

    @property
    def ticket_number(self) -> str | None:
        """The ticket; None where nothing is sent."""
        campaign = self.document["campaign"]
        return str(campaign["ticket_number"]) if campaign else None

    @property
    def total_cost(self) -> Decimal:
        """What it cost, in euros."""
        return Decimal(self.document["total_cost"] or 0)

    @property
    def is_sent(self) -> bool:
        """Whether phones ring for it, now or later."""
        return self.state in {"sent", "scheduled"}

    def value(self, name: str) -> Json:
        """What is compared under a name: ``number``, ``state``, or a parameter of the contract."""
        if name == "number":
            return self.numbers
        return self.state if name == "state" else self.body.get(name, _ABSENT)

    def matches(self, expected: Mapping[str, Any]) -> bool:
        """Whether every expected value is there."""
        return all(self._has(name, value) for name, value in expected.items())

    def likeness(self, expected: Mapping[str, Any]) -> float:
        """How near it comes: one for each value that is there, less for a text that is alike."""
        return sum(
            1.0 if self._has(name, value) else _alike(value, self.value(name))
            for name, value in expected.items()
        )

    def _has(self, name: str, expected: Any) -> bool:  # noqa: ANN401  (a value, pattern or predicate)
        value = self.value(name)
        if name == "number":
            return any(fits(expected, number) for number in value)
        return value is not _ABSENT and fits(expected, value)

    def line(self) -> str:
        """It in one line."""
        numbers = self.numbers
        others = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
        to = f" to {numbers[0]}{others}" if numbers else ""
        parts = [
            f"request {self.id}: {self.status or 'no answer'} {self.state or self.verdict}{to}",
            quoted(self.text) if self.text else "",
            _met(self.injected),
        ]
        return ", ".join(part for part in parts if part)

    def differences(self, expected: Mapping[str, Any]) -> list[str]:
        """Every expected value beside what the message has, field by field."""
        lines = list[str]()
        width = max((len(name) for name in expected), default=0)
        for name, value in expected.items():
            got = self.value(name)
            if self._has(name, value):
                lines.append(f"    {name:{width}}  as expected: {quoted(value)}")
                continue
            lines += [
                f"  ≠ {name:{width}}  expected {quoted(value)}",
                f"    {'':{width}}  got      {'nothing' if got is _ABSENT else quoted(got)}",
            ]
            if isinstance(value, str) and isinstance(got, str):
                lines.append(f"    {'':{width}}           {_pointer(value, got)}")
        return lines

    def outcome(self) -> list[str]:
        """What the API repaired or ignored without a word, and why it refused, a line each."""
        lines = [
            f"    {note['kind']} at {note['path'] or 'the body'}: {quoted(note['before'])} → "
            f"{quoted(note['after'])} ({note['summary']})"
            + (f" Did you mean {note['did_you_mean']}?" if "did_you_mean" in note else "")
            + (" HIGH STAKES" if note["stakes"] == "high" else "")
            for note in self.notes
        ]
        if len(lines) > _MOST_NOTES:
            lines[_MOST_NOTES:] = [f"    and {len(lines) - _MOST_NOTES} more"]
        if self.verdict == "refused":
            lines.append(f"    refused: {quoted(self.document['answer']['body'])}")
        return lines

    def curl(self, base_url: str, headers: Mapping[str, str]) -> str:
        """A command that sends the same bytes again."""
        given = {**headers, "Content-Type": self.document["content_type"] or "application/json"}
        flags = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in given.items()]
        query: str = self.document["query"]
        url = base_url + self.document["path"] + (f"?{query}" if query else "")
        command = " ".join(["curl -i", shlex.quote(url), *flags])
        raw: str = self.document["raw"]
        encoded: str | None = self.document.get("raw_base64")
        if encoded is None and _NOT_FOR_A_SHELL.search(raw):
            encoded = base64.b64encode(raw.encode()).decode()
        if encoded is not None:
            return f"printf %s {shlex.quote(encoded)} | base64 -d | {command} --data-binary @-"
        return f"{command} --data-raw {shlex.quote(raw)}"


def fits(expected: Any, value: Json) -> bool:  # noqa: ANN401  (a value, pattern or predicate)
    """Whether a value is the expected one or moment, holds the pattern, or satisfies the predicate.

    >>> fits("a", "a"), fits(re.compile("code [0-9]+"), "Your code 12"), fits(str.isdigit, "12")
    (True, True, True)
    """
    if isinstance(expected, re.Pattern):
        return isinstance(value, str) and expected.search(value) is not None
    if isinstance(expected, datetime):
        return isinstance(value, str) and instant(value) == expected
    if callable(expected):
        return bool(expected(value))
    return same(expected, value)


def nearest(messages: Iterable[Message], expected: Mapping[str, Any]) -> Message | None:
    """The message that comes nearest to what was expected, of equals the latest."""
    ranked = [(message.likeness(expected), message.id, message) for message in messages]
    return max(ranked, key=lambda ranked: ranked[:2])[2] if ranked else None


def explained(
    headline: str,
    messages: Sequence[Message],
    expected: Mapping[str, Any],
    curl: Callable[[Message], str],
) -> str:
    """A failed expectation: the nearest message, how it differs, and how to send it again."""
    best = nearest(messages, expected)
    if best is None:
        hint = "Does the code under test use this base URL, login and key?"
        return f"{headline}\nNothing arrived under this login at all. {hint}"
    lines = [headline, "", f"The nearest is {best.line()}:", *best.differences(expected)]
    if best.matches(expected):
        lines.append(
            f"  All of it is as expected, but no phone rings: {best.state or best.verdict}."
        )
    if outcome := best.outcome():
        lines += ["  What the API does with it:", *outcome]
    return "\n".join([*lines, "", "Send it again with:", f"  {curl(best)}"])


def quoted(value: Any) -> str:  # noqa: ANN401  (a value, pattern or predicate)
    """A value as JSON, or as Python shows it, cut in the middle where it is long."""
    if isinstance(value, datetime):
        value = value.isoformat()
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:
        text = repr(value)
    text, half = printable(text), _LONGEST_SHOWN // 2
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:half]} … {text[-half:]}"


def _pointer(expected: str, got: str) -> str:
    pairs = enumerate(zip(expected, got, strict=False))
    shorter = min(len(expected), len(got))
    alike = next((index for index, (one, other) in pairs if one != other), shorter)
    there = f"{quoted(got[alike])} instead of " if alike < len(got) else "the end instead of "
    expected_there = quoted(expected[alike]) if alike < len(expected) else "the end"
    return f"differs from character {alike + 1}: {there}{expected_there}"


def _alike(expected: Any, value: Json) -> float:  # noqa: ANN401  (a value, pattern or predicate)
    if isinstance(value, list):
        return max((_alike(expected, inner) for inner in value), default=0.0)
    if isinstance(expected, str) and isinstance(value, str):
        # Less than a value that is there.
        return 0.9 * difflib.SequenceMatcher(None, expected, value, autojunk=False).ratio()
    return 0.0


def _met(injected: Mapping[str, Any] | None) -> str:
    if injected is None:
        return ""
    kind = injected["fault"]["fault"] if injected["fault"] else f"delay of {injected['delay']:g} s"
    silent = " (so its caller had no answer)" if kind in {"drop_after_commit", "reset"} else ""
    which = f" {injected['fault']['answer']}" if kind == "answer" else ""
    return f"injected by {injected['by']}: {kind}{which}{silent}"
