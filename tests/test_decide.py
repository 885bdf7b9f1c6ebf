"""What `nox -s update` leaves to a human after an edit of the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

import decide
from common import ROOT
from vms.contracts.diff.comparison import Comparison, comparison
from vms.contracts.loaded import Document, document

PUBLISHED = decide.last_published()
JUNIT = """<testsuites><testsuite>
<testcase classname="contract_tests.test_laws" name="test_green"/>
<testcase classname="contract_tests.test_laws" name="test_red[a]">
<failure message="AssertionError: 1 != 2&#10;more"/></testcase>
<testcase classname="contract_tests.test_http" name="test_broken"><error/></testcase>
<testcase classname="contract_tests.test_http" name="test_not_run"><skipped/></testcase>
<testcase classname="" name="test_new"><error message="collection failure"/></testcase>
<testcase classname="" name="test_new"><error message="collection failure"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture(autouse=True)
def in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def republished() -> Comparison:
    """Two changes under the number of the published contract: a longer text, a language less."""
    text = PUBLISHED.read_text("utf-8")
    for old, new in (("maxLength: 1224", "maxLength: 2000"), (", ru-RU]", "]")):
        assert old in text
        text = text.replace(old, new, 1)
    return comparison(document(str(PUBLISHED)), Document.of(Path("new.yaml"), text))


@pytest.fixture
def junit(tmp_path: Path) -> Path:
    path = tmp_path / "junit.xml"
    path.write_text(JUNIT, "utf-8")
    return path


def test_the_last_published_contract_is_that_of_the_highest_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("0.9.0", "0.10.0", "0.2.0"):
        (tmp_path / f"{version}.yaml").touch()
    monkeypatch.setattr(decide, "VERSIONS", tmp_path)

    assert decide.last_published().stem == "0.10.0"


def test_every_red_test_is_named_with_its_reason(junit: Path) -> None:
    assert decide.red(junit) == [
        "contract_tests/test_laws.py::test_red[a]: AssertionError: 1 != 2",
        "contract_tests/test_http.py::test_broken: ",
        "test_new: collection failure",
    ]


@pytest.mark.unmeasured
def test_a_change_under_an_old_number_asks_for_a_new_one(republished: Comparison) -> None:
    first = next(decide.decisions(republished, ""))

    assert "raise info.version to at least 0.3.0" in first


def test_a_change_asks_for_its_changelog_line(republished: Comparison) -> None:
    asked = "\n".join(decide.decisions(republished, ""))

    assert (
        'CHANGELOG.md, under "Unreleased": - Harmless: text: maxLength 2000; it was maxLength 1224.'
        in asked
    )
    assert (
        'CHANGELOG.md, under "Unreleased": - Silent: voice_language may no longer be ru-RU.'
        in asked
    )


def test_a_change_that_callers_notice_asks_for_its_evidence(republished: Comparison) -> None:
    asked = [line for line in decide.decisions(republished, "") if "evidence" in line]

    assert [line.rpartition(" ")[2] for line in asked] == ["voice_language?"]


def test_what_the_changelog_says_has_been_decided(republished: Comparison) -> None:
    (lost,) = (one.what for one in republished.findings if one.about == "voice_language")
    written = f"- Silent: {lost}".replace("voice_language", "`voice_language`").replace(
        ". ", ".\n  "
    )

    asked = "\n".join(decide.decisions(republished, written))

    assert "voice_language" not in asked
    assert "text: maxLength 2000" in asked


def test_another_change_of_what_the_changelog_names_is_asked_for(republished: Comparison) -> None:
    asked = "\n".join(decide.decisions(republished, "- `voice_language` has another default."))

    assert "Silent: voice_language may no longer be ru-RU." in asked


def test_nothing_is_left_to_decide_in_this_tree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    green = tmp_path / "green.xml"
    green.write_text("<testsuites/>", "utf-8")

    status = decide.main([str(green)])

    assert status == 0
    assert "Nothing is left to decide" in capsys.readouterr().out.splitlines()[-1]


def test_a_red_test_is_left_to_mend(
    republished: Comparison, capsys: pytest.CaptureFixture[str]
) -> None:
    status = decide.tell(republished, ["contract_tests/test_laws.py::test_red[a]: why"])

    assert status == 1
    assert "Mend contract_tests/test_laws.py::test_red[a]: why" in capsys.readouterr().out


def of_text(text: str) -> Comparison:
    return comparison(document(str(PUBLISHED)), Document.of(Path("new.yaml"), text))


@pytest.mark.unmeasured
def test_an_edit_without_findings_asks_for_a_new_number_too() -> None:
    edited = of_text(PUBLISHED.read_text("utf-8") + "# a comment\n")

    assert edited.findings == ()
    assert [line.partition(": ")[2] for line in decide.decisions(edited, "")] == [
        f"raise info.version; {PUBLISHED.stem} was published with other content."
    ]


@pytest.mark.unmeasured
@pytest.mark.parametrize("more", ["# a comment\n", ""])
def test_a_published_contract_is_never_told_to_be_overwritten(
    capsys: pytest.CaptureFixture[str], more: str
) -> None:
    decide.tell(of_text(PUBLISHED.read_text("utf-8") + more), [])

    last = capsys.readouterr().out.splitlines()[-1]
    assert ("cp openapi/voice-campaign.yaml" in last) == (not more)
    assert ("raise info.version first" in last) == bool(more)


@pytest.mark.unmeasured
def test_what_the_changelog_says_with_escapes_has_been_decided() -> None:
    pattern = r"^\+[0-9]{7,16}$"
    text = PUBLISHED.read_text("utf-8")
    assert pattern in text
    edited = of_text(text.replace(pattern, "^[+][0-9]*$", 1))
    asked = [
        line.partition('"Unreleased": ')[2]
        for line in decide.decisions(edited, "")
        if "Unreleased" in line
    ]

    assert asked
    assert "\\*" in "".join(asked)
    assert not any("Unreleased" in line for line in decide.decisions(edited, "\n".join(asked)))
