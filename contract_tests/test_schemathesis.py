"""Schemathesis against the twin in one process: lenient with the oracle, strict with every check.

Here to find what nobody thought of: it makes its requests from the contract's schema, phase by
phase, and holds each answer against the responses documented there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import checks
import figures
import pytest
import schemathesis
import wire
from schemathesis.config import SchemathesisConfig

import spec

KEY: Final = "a-key"
HERE: Final = Path(__file__).parent


def contract_and_twin(twin: wire.Wire) -> Callable[..., Iterable[bytes]]:
    """The twin as an application that has the contract beside it, as Schemathesis wants it."""
    inner = twin.app.wsgi_app

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/openapi.json":
            return inner(environ, start)
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(spec.DOCUMENT).encode()]

    return app


def loaded(config: str, twin: wire.Wire) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(checks.KEY, KEY)
        settings = SchemathesisConfig.from_path(HERE / config)
    return schemathesis.openapi.from_wsgi("/openapi.json", contract_and_twin(twin), config=settings)


def one_account(*, strict: bool) -> wire.Wire:
    return wire.Wire(wire.account(checks.LOGIN, KEY), closed=True, strict=strict)


LENIENT: Final = one_account(strict=False)
STRICT: Final = one_account(strict=True)
lenient = loaded("schemathesis.toml", LENIENT)
strict = loaded("schemathesis-strict.toml", STRICT)
ASKED: Final = Counter[str]()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(checks.KEY, KEY)


def ask(case: Any, twin: wire.Wire, mode: str) -> None:
    def start_over() -> None:
        twin.control("DELETE", f"/accounts/{checks.LOGIN}")

    checks.judge(strict=mode == "strict", start_over=start_over)
    response = case.call()
    ASKED[mode] += 1
    case.validate_response(response)


@lenient.parametrize()
def test_a_lenient_twin_answers_as_documented_and_as_the_oracle_says(case: Any) -> None:
    ask(case, LENIENT, "lenient")


@strict.parametrize()
def test_a_strict_twin_passes_every_stock_check(case: Any) -> None:
    ask(case, STRICT, "strict")


def test_hundreds_of_requests_were_made_and_each_that_was_judged_agreed() -> None:
    figures.write("schemathesis", {**checks.SEEN, **{f"{m} requests": n for m, n in ASKED.items()}})

    assert min(ASKED["lenient"], ASKED["strict"]) >= 100
    assert checks.SEEN["agreed"] == checks.SEEN["judged"] >= 200
