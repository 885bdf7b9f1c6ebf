"""What benchmarks/peers.py makes of its figures; nothing is measured here."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

import load
import payloads
import peers
import spec
from common import ROOT, Send
from load import NoFigureError, Run
from peers import Report

PRINTED = {"requests": 3000, "seconds": 2.0, "p50": 4.5, "p99": 9.0, "refused": 0, "sockets": 0}
WHEN = "Measured on 2026-11-27."


def printed(**changed: int) -> str:
    return f"Running 2s test\n  wrk's own lines\n\n{json.dumps(PRINTED | changed)}\n"


def runs(*rates: int) -> list[Run]:
    return [Run(rate, 1.0, 4.0, 8.0) for rate in rates]


def report(**figures: float | str) -> Report:
    return Report({name.replace("_", "-"): value for name, value in figures.items()})


def test_the_last_line_of_wrk_is_read() -> None:
    run = load.parsed(printed())

    assert run == Run(3000, 2.0, 4.5, 9.0)
    assert run.rate == 1500


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (printed(refused=1), "of 3,000 answers 1 were not 2xx"),
        (printed(sockets=2), "2 sockets failed"),
        (printed(requests=0), "of 0 answers"),
        ("unable to connect to 127.0.0.1:9 Connection refused\n", "unable to connect"),
        ("", "no figures"),
    ],
)
def test_a_run_that_went_wrong_gives_no_figure(output: str, why: str) -> None:
    with pytest.raises(NoFigureError, match=why):
        load.parsed(output)


def test_where_wrk_is_missing_the_message_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(NoFigureError, match="apt-get install wrk"):
        load.wrk_command()


def test_a_ratio_is_the_median_of_those_of_each_round() -> None:
    ours, theirs = runs(100, 600, 900), runs(100, 200, 100)

    # Not 600 / 100, which is the ratio of the medians.
    assert peers.median_ratio(ours, theirs, lambda run: run.rate) == 3


@pytest.mark.parametrize(("ours", "theirs"), [([*runs(1), "no"], runs(1, 2)), (runs(1), ["no"])])
def test_a_round_without_a_figure_gives_its_reason_instead_of_a_ratio(
    ours: list[Run | str], theirs: list[Run | str]
) -> None:
    assert peers.median_ratio(ours, theirs, lambda run: run.rate) == "no"


@pytest.mark.parametrize(
    ("key", "value", "verdict"),
    [
        *(("prism-1", 9, "goal"), ("prism-1", 8.9, "floor"), ("prism-1", 5.9, "MISSED")),
        *(("memory", 80, "goal"), ("memory", 100, "floor"), ("memory", 101, "MISSED")),
    ],
)
def test_a_figure_reaches_its_goal_or_its_floor_or_neither(
    key: str, value: float, verdict: str
) -> None:
    assert peers.ROWS[key].verdict(value) == verdict


@pytest.mark.parametrize("row", peers.ROWS.values(), ids=lambda row: row.name)
def test_a_goal_is_harder_than_its_floor_and_a_measurement_makes_it(row: peers.Row) -> None:
    assert row.verdict(row.goal) == "goal"
    assert row.verdict(row.floor) == "floor"
    assert row.measure in peers.MEASURES


def test_the_page_shows_figures_and_why_there_are_none() -> None:
    found = report(prism_1=6.25, start=0.5, idle="the server hung")
    found.runs["Prism", "1 recipient"] = runs(3000, 1000, 2000)
    found.runs["fastify", "1 recipient"] = [*runs(1), "it broke"]

    page = peers.page(found, WHEN)

    lines = page.splitlines()
    assert "| start to first answer | 0.50 s | at most 0.6 s | at most 0.4 s | floor |" in lines
    assert "| Prism | 1 recipient | 2,000 | 4.0 | 8.0 | 0 | 0 |" in lines
    assert "| fastify" not in page
    assert f"- No figure for “{peers.ROWS['idle'].name}”: the server hung" in lines


@pytest.mark.parametrize(("others", "named"), [(0.7, True), (0.1, False)])
def test_other_work_on_the_machine_is_named(others: float, *, named: bool) -> None:
    found = Report(runs={("Prism", "1 recipient"): [Run(1, 1, 1, 1, others=others), "it broke"]})

    assert ("up to 0.7 cores" in peers.conditions(found)) == named


def test_figures_of_servers_that_were_not_pinned_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "cores", lambda: None)

    assert "not pinned" in peers.conditions(Report())


def test_the_readme_gets_some_of_the_rows_and_keeps_the_rest() -> None:
    readme = "Before.\n<!-- speed -->\nold\n<!-- end -->\nAfter.\n"

    made = peers.with_section(readme, report(prism_1=6.25, start=0.5), WHEN)

    assert made.startswith("Before.\n<!-- speed -->\n| ")
    assert made.endswith(f"\n{WHEN}\n<!-- end -->\nAfter.\n")
    assert "6.25 x" in made
    assert "start to first answer" not in made
    assert "old" not in made


def test_a_readme_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="<!-- speed -->"):
        peers.with_section("No marks.", report(), WHEN)


def test_the_readmes_figures_are_those_of_the_page() -> None:
    section = (ROOT / "README.md").read_text("utf-8").partition("<!-- speed -->\n")[2]
    lines = section.partition("<!-- end -->")[0].splitlines()
    page = (ROOT / "docs/benchmarks.md").read_text("utf-8").splitlines()

    assert len(lines) > len(peers.IN_README)
    assert [line for line in lines if line not in page] == []


def test_a_figure_for_programs_has_its_bounds_or_its_reason() -> None:
    rows = peers.document(report(start=0.5, idle="the server hung"), WHEN)["rows"]

    assert (rows["start"]["value"], rows["start"]["floor"], rows["start"]["goal"]) == (
        0.5,
        0.6,
        0.4,
    )
    assert (rows["idle"]["value"], rows["idle"]["reason"]) == (None, "the server hung")


@pytest.mark.parametrize(
    ("limit", "fits"), [(20_000, 10_000), (10_716, 10_000), (5_000, 4_284), (100, 0)]
)
def test_no_more_connections_are_idle_than_files_may_be_open(limit: int, fits: int) -> None:
    assert peers.fitting(10_000, limit) == fits


def test_a_measurement_that_fails_leaves_its_reason_in_each_of_its_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> None:
        raise NoFigureError("no server")

    monkeypatch.setitem(peers.MEASURES, "fixture", fails)

    found = peers.measured(["fixture"], peers.QUICK)

    assert found.figures == {"ready": "no server", "stopped": "no server"}


@pytest.mark.parametrize("recipients", [1, 500])
def test_the_clean_body_gets_no_note_and_no_warning(
    client: FlaskClient, send: Send, recipients: int, caplog: pytest.LogCaptureFixture
) -> None:
    answer = send(payloads.clean(recipients, 1200))

    assert answer.json["number_of_contacts"] == recipients
    assert client.get(answer.headers["Twin-Request"]).json["notes"] == []
    assert caplog.messages == []


def test_every_parameter_of_the_broken_body_is_repaired(client: FlaskClient, send: Send) -> None:
    body = payloads.broken(["06 12 34 56 78"])

    notes = client.get(send(body).headers["Twin-Request"]).json["notes"]

    repaired = {note["path"].split("/")[1] for note in notes if note["kind"] == "repair"}
    assert repaired == set(body) == set(spec.FIELDS)


def test_the_broken_body_is_accepted_as_often_as_it_comes(send: Send) -> None:
    body = payloads.broken(["06 12 34 56 78"])

    assert [send(body).status_code for _ in range(2)] == [201, 201]
