"""Where two reasons meet, the exit code is that of the graver one; no reason hides another."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from mock_server.contract.document import shipped
from vms import check
from vms.cli import vms
from vms.parity.asking import STOPPED, Access, Parity, Result
from vms.send_report import Report
from voice_client import CampaignSummary, FrameReport, State

CONTRACT = shipped("voice-campaign.yaml")


def code(*given: str, payload: str | None = None) -> int:
    return CliRunner().invoke(vms, given, input=payload, catch_exceptions=False).exit_code


@pytest.fixture
def changed(tmp_path: Path) -> str:
    """A contract that is not sound, and which callers of the shipped one notice."""
    path = tmp_path / "contract.yaml"
    text = CONTRACT.read_text("utf-8").replace("maxLength: 20\n", "maxLength: 19\n", 1)
    assert text != CONTRACT.read_text("utf-8")
    path.write_text(text.replace("operationId:", "deprecated: 1\n      operationId:", 1), "utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def _no_redocly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vms.contracts.lint.REDOCLY", "no-such-redocly")
    monkeypatch.setenv("PATH", "/nowhere")


# ── lint ─────────────────────────────────────────────────────────────────


@pytest.mark.unmeasured
@pytest.mark.parametrize("every", [[], ["--every"]])
def test_what_lint_finds_is_1_though_a_linter_is_missing(changed: str, every: list[str]) -> None:
    assert code("lint", changed, *every) == 1


@pytest.mark.unmeasured
def test_a_missing_linter_is_2_where_nothing_is_found() -> None:
    assert (code("lint", "--every"), code("lint")) == (2, 0)


# ── diff ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], 0),
        (["--fail-on", "any"], 1),
        (["--fail-on", "silent"], 1),
    ],
)
@pytest.mark.unmeasured
def test_a_change_that_is_failed_on_is_1(changed: str, options: list[str], expected: int) -> None:
    assert code("diff", str(CONTRACT), changed, *options) == expected


@pytest.mark.unmeasured
def test_without_a_change_it_is_0_whatever_is_failed_on() -> None:
    assert code("diff", str(CONTRACT), str(CONTRACT), "--fail-on", "any") == 0


@pytest.mark.parametrize("options", [[], ["--fail-on", "any"]])
def test_a_contract_that_cannot_be_compared_is_2(options: list[str]) -> None:
    assert code("diff", str(CONTRACT), "no such revision", *options) == 2


# ── explain ──────────────────────────────────────────────────────────────

ADVISED = '{"text": "Hello.", "recipients": [{"phone_number": "+2222333334444555"}]}'
REPAIRED = ADVISED.replace('"Hello."', "5")
REFUSED = '{"text": "Hello.", "recipients": ["+33612345678"], "voice_language": "xx"}'


@pytest.mark.parametrize(
    ("payload", "options", "expected"),
    [
        (ADVISED, ["--strict"], 0),
        (REPAIRED, ["--strict"], 1),
        (REPAIRED, [], 0),
        (REFUSED, ["--strict"], 1),
        ("no JSON", ["--strict"], 1),
        ("no JSON", [], 0),
        (REFUSED, ["--strict", "--region", "xx"], 2),
        (REFUSED, ["--strict", "--contract", __file__], 2),
    ],
)
def test_a_payload_that_cannot_be_judged_is_2_a_bad_one_1_and_advice_alone_0(
    payload: str, options: list[str], expected: int
) -> None:
    assert code("explain", "-", *options, payload=payload) == expected


# ── check ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Result(), 0),
        (Result(same={"a": ""}, acknowledged={"b": ""}, unobserved={"c": ""}), 0),
        (Result(different={"a": ""}), 1),
        (Result(outdated={"a": ""}), 1),
        (Result(same={"a": ""}, trouble="It broke."), 2),
        (Result(different={"a": ""}, trouble="It broke."), 2),
        (Result(outdated={"a": ""}, trouble="It broke."), 2),
        (Result(different={"a": ""}, trouble=STOPPED), 130),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_a_check_that_could_not_be_finished_is_2_whatever_it_has_found(
    monkeypatch: pytest.MonkeyPatch, result: Result, expected: int, *, as_json: bool
) -> None:
    monkeypatch.setattr(Parity, "recorded", lambda _: result)

    assert check.run(Parity(None), None, Access(), as_json=as_json) == expected


@pytest.mark.parametrize("command", ["check", "rules"])
def test_a_contract_that_cannot_be_used_is_no_verdict(tmp_path: Path, command: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("openapi: 3.0.0\n", "utf-8")

    assert code(command, "--contract", str(path)) == 2


# ── serve ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "given",
    [
        ["--host", "no such host"],
        ["--accounts", __file__],
        ["--contract", __file__],
        ["--tls-cert", __file__],
    ],
)
def test_what_cannot_be_served_is_2(given: list[str]) -> None:
    assert code("serve", "--port", "0", *given) == 2


# ── drift ────────────────────────────────────────────────────────────────


def test_a_folder_that_is_no_client_is_2_though_it_differs(tmp_path: Path) -> None:
    (tmp_path / "other.py").touch()

    assert code("drift", str(CONTRACT), str(tmp_path)) == 2


# ── send ─────────────────────────────────────────────────────────────────


def report(
    *states: State,
    sent: int = 0,
    tickets: int | None = None,
    stopped: str | None = None,
    simulated: bool = False,
    interrupted: bool = False,
) -> Report:
    """A campaign with one recipient a frame: some were sent, the others are as said."""
    problems = tuple(FrameReport(at, at, 1, state, "why") for at, state in enumerate(states, sent))
    summary = CampaignSummary(
        total=sent + len(states),
        duplicates=0,
        remarks=(),
        sent=sent,
        called=sent,
        tickets=("a ticket",) * (sent if tickets is None else tickets),
        cost=Decimal(0),
        credit_left=None,
        problems=problems,
        stopped=stopped,
        simulated=simulated,
    )
    return Report(summary=summary, frames=sent + len(states), interrupted=interrupted)


REFUSED_FRAME, UNKNOWN_FRAME, NOT_SENT = State.REFUSED, State.UNKNOWN, State.NOT_SENT


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (report(sent=2), 0),
        (report(sent=2, tickets=1), 0),
        (report(sent=2, stopped="The last answer told so."), 0),
        (report(REFUSED_FRAME, sent=1), 1),
        (report(REFUSED_FRAME, UNKNOWN_FRAME, NOT_SENT, sent=1), 3),
        (report(UNKNOWN_FRAME, stopped="The network is gone."), 3),
        (report(UNKNOWN_FRAME, interrupted=True), 130),
        (report(sent=1, interrupted=True), 130),
    ],
)
def test_what_nobody_knows_is_3_though_more_was_refused_and_an_interrupt_130(
    one: Report, expected: int
) -> None:
    assert one.exit_code == expected


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (report(sent=2, simulated=True), 0),
        (report(sent=2, tickets=1, simulated=True), 1),
        (report(sent=2, stopped="The credit does not pay for it.", simulated=True), 1),
        (report(REFUSED_FRAME, sent=1, simulated=True), 1),
        (report(UNKNOWN_FRAME, sent=1, simulated=True), 1),
        (report(UNKNOWN_FRAME, simulated=True, interrupted=True), 130),
    ],
)
def test_a_dry_run_leaves_nothing_in_doubt(one: Report, expected: int) -> None:
    assert one.exit_code == expected
