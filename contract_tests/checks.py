"""What Schemathesis asks beside its own checks: does the answer agree with the oracle?

Loaded by test_schemathesis.py and by conformance.py; ``ORACLE=strict`` in the environment judges
as a strict twin would.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import schemathesis

import oracle
import spec
from conformance import KEY_VARIABLE, LOGIN
from telling import told
from wire import Answer

SEEN: Final = Counter[str]()
"""How many answers were judged, and how many had each status."""


@dataclass
class _Setting:
    """What differs between the runs."""

    strict: bool = os.environ.get("ORACLE") == "strict"
    reset: Callable[[], object] | None = None


_now: Final = _Setting()


def judge(*, strict: bool, start_over: Callable[[], object]) -> None:
    """Judge so from now on; ``start_over`` resets the account, which else the base URL is asked."""
    _now.strict, _now.reset = strict, start_over


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Give the account its credit back and let it forget every request_id."""
    if _now.reset is not None:
        _now.reset()
        return
    base = case.operation.schema.get_base_url()
    asked = urllib.request.Request(f"{base}/_twin/accounts/{LOGIN}", method="DELETE")  # noqa: S310  (the same)
    with urllib.request.urlopen(asked):  # noqa: S310  (the twin on this machine)
        pass


@schemathesis.check
def agrees_with_the_oracle(_context: Any, response: Any, case: Any) -> None:
    """The answer to a request that is signed in, and sends JSON, is the one that the oracle gives.

    Raises:
        AssertionError: it is not; the message is one screen, with the request as a curl line.
    """
    sent = {name.lower(): _text(value) for name, value in response.request.headers.items()}
    SEEN[str(response.status_code)] += 1
    signed_in = (sent.get("api-login"), sent.get("api-key")) == (LOGIN, os.environ[KEY_VARIABLE])
    if case.method.upper() != spec.METHOD or not signed_in:
        return
    if sent.get("content-type", "").partition(";")[0] != "application/json":
        return
    raw = response.request.body or b""
    body = _object(raw.encode() if isinstance(raw, str) else raw)
    headers = {name.title(): values[0] for name, values in response.headers.items()}
    answer = Answer(response.status_code, headers, response.content)
    if body is None:
        documented: object = "400 unreadable"
        found = [] if answer.verdict == (400, {}) else [str(answer.verdict)]
        evidence = "assumed: the example unreadable"
    else:
        verdict = oracle.judge_strict(body) if _now.strict else oracle.judge(body)
        documented = f"{verdict.status} {verdict.codes or verdict.word}"
        found, evidence = oracle.same_answer(verdict, answer), verdict.evidence
        SEEN[verdict.word] += 1
    SEEN["judged"] += 1
    SEEN["agreed"] += not found
    assert not found, told(raw, documented=documented, got="; ".join(found), evidence=evidence)


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _object(raw: bytes) -> dict[str, Any] | None:
    """The JSON object that was sent, if it is one that can be read."""
    try:
        value = json.loads(raw)
        # Half of a character is none, and neither is there a NaN.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
