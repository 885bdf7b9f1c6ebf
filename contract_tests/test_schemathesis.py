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

import pytest
import schemathesis
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig

import checks
import conformance
import figures
import spec
import wire

pytestmark = pytest.mark.long


def contract_and_twin(twin: wire.Wire) -> Callable[..., Iterable[bytes]]:
    """The twin as an application that has the contract beside it, as Schemathesis wants it."""
    inner = twin.app.wsgi_app

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/openapi.json":
            return inner(environ, start)
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(spec.DOCUMENT).encode()]

    return app


def loaded(twin: wire.Wire) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(conformance.KEY_VARIABLE, conformance.KEY)
        settings = SchemathesisConfig.from_path(conformance.HERE / "schemathesis.toml")
    return schemathesis.openapi.from_wsgi("/openapi.json", contract_and_twin(twin), config=settings)


LENIENT: Final = conformance.twin(strict=False)
STRICT: Final = conformance.twin(strict=True)
lenient = loaded(LENIENT)
strict = loaded(STRICT)
ASKED: Final = Counter[str]()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(conformance.KEY_VARIABLE, conformance.KEY)


def ask(case: Any, twin: wire.Wire, mode: str) -> None:
    def start_over() -> None:
        twin.control("DELETE", f"/accounts/{conformance.LOGIN}")

    checks.judge(strict=mode == "strict", start_over=start_over)
    response = case.call()
    ASKED[mode] += 1
    undone = [] if mode == "strict" else [CHECKS.get_one(conformance.UNDONE_BY_LENIENCY)]
    case.validate_response(response, excluded_checks=undone)


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


@pytest.mark.whole
@pytest.mark.parametrize("strict", [False, True], ids=["lenient", "strict"])
def test_over_http_its_own_command_finds_nothing_and_writes_its_reports(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], *, strict: bool
) -> None:
    code = conformance.run(tmp_path, strict=strict, options=["--no-color"])

    assert code == 0, capfd.readouterr().out
    assert {path.suffix for path in tmp_path.iterdir()} == {".har", ".xml"}


@pytest.mark.whole
def test_over_http_a_lenient_twin_that_is_judged_as_a_strict_one_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conformance, "twin", lambda **_: LENIENT)

    assert conformance.run(tmp_path, strict=True, options=["--max-failures", "1"]) == 1


@pytest.mark.whole
def test_the_same_requests_are_made_in_every_run(tmp_path: Path) -> None:
    runs = [tmp_path / "one", tmp_path / "two"]
    options = ["--phases", "examples,fuzzing", "--max-examples", "30"]
    for reports in runs:
        conformance.run(reports, strict=False, options=options)

    sent = [
        [
            (entry["request"]["method"], entry["request"].get("postData"))
            for entry in json.loads(har.read_text("utf-8"))["log"]["entries"]
        ]
        for reports in runs
        for har in reports.glob("*.har")
    ]
    assert sent[0] == sent[1]
    assert len(sent[0]) >= 30
