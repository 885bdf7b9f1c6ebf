"""README, docs and project files are true."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from itertools import dropwhile, pairwise
from pathlib import Path

import httpx
import pytest
import yaml
from click.testing import CliRunner

from common import ROOT
from mock_server import casts
from mock_server.contract.loader import Contract
from mock_server.contract.rule_table import markdown
from vms.cli import vms

README = (ROOT / "README.md").read_text("utf-8")
GUIDE = (ROOT / "openapi/README.md").read_text("utf-8")
PAGES = [
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "openapi/README.md")
]
PAGES += sorted((ROOT / "docs").rglob("*.md"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands(page: Path) -> list[str]:
    return re.findall(r"^\$ (.+?)(?:\s+#.*)?$", page.read_text("utf-8"), re.MULTILINE)


def plain(text: str) -> list[str]:
    """The lines without what changes from run to run, and without layout."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_exists(page: Path) -> None:
    sessions = set(
        re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(), re.MULTILINE)
    )
    for command in commands(page):
        given = shlex.split(command.rstrip("\\"))
        words = list(dropwhile(re.compile(r"[A-Z_]+=.*").fullmatch, given))
        if words[0] == "./noxw" and "-s" in words:
            assert words[words.index("-s") + 1] in sessions
        elif words[0] == "vms":
            assert words[1] in vms.commands
        else:
            assert words[0] in {"./noxw", "pip", "curl", "git", "pytest", "python", "sed"}


@pytest.mark.skipif(os.environ.get("TZ") != "America/New_York", reason="not run by nox")
def test_the_checks_run_in_a_zone_that_nobody_takes_for_utc() -> None:
    assert time.timezone == 5 * 3600


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.unmeasured
def test_every_line_of_the_transcript_is_printed_by_the_demo() -> None:
    printed = plain(CliRunner().invoke(vms, ["demo"], catch_exceptions=False).output)

    (transcript,) = blocks("text")
    assert [line for line in plain(transcript) if line not in printed] == []


@pytest.mark.unmeasured
def test_the_readmes_python_sends_a_campaign(twin_url: str) -> None:
    (code,) = (block for block in blocks("python") if "VoiceClient" in block)
    names: dict[str, object] = {}

    exec(code.replace("http://127.0.0.1:8010", twin_url), names)  # noqa: S102

    assert names["campaign"].number_of_contacts == 1


def test_the_readmes_test_passes_as_it_stands(pytester: pytest.Pytester) -> None:
    (code,) = (block for block in blocks("python") if "voice_twin" in block)
    pytester.makepyfile(test_notify=code)

    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_readmes_test_fails_for_what_it_names(pytester: pytest.Pytester) -> None:
    (code,) = (block for block in blocks("python") if "voice_twin" in block)
    pytester.makepyfile(test_notify=code.replace('{"text": text', '{"mode": "simu", "text": text'))

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["*ignored at /mode*Did you mean simulation_mode?*"])


def test_the_readmes_curl_is_answered_as_printed(twin_url: str) -> None:
    block = next(block for block in blocks("console") if block.startswith("$ curl"))
    command, _, expected = block.removeprefix("$ ").partition("\nHTTP/1.1")
    words = shlex.split(command.replace("http://127.0.0.1:8010", twin_url))
    url = next(word for word in words if word.startswith("http"))
    headers = dict(word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H")

    response = httpx.post(url, headers=headers, content=words[words.index("-d") + 1])

    got = {f"{name}: {value}".lower() for name, value in response.headers.items()}
    status, *lines = expected.strip().splitlines()
    assert status.split() == [str(response.status_code), response.reason_phrase]
    assert [line for line in lines if line.lower() not in got] == []


@pytest.fixture
def twin_url() -> object:
    command = [sys.executable, "-m", "vms", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[2]
        process.terminate()


def test_the_readme_shows_what_serve_prints(twin_url: str) -> None:
    assert twin_url.startswith("http://127.0.0.1:")
    assert "Listening on http://127.0.0.1:8010 (lenient)" in README


def test_the_readme_states_that_the_kit_is_unofficial() -> None:
    assert "**unofficial**" in README
    assert "not the vendor's" in README


def test_the_rule_table_is_the_contracts(contract: Contract) -> None:
    assert (ROOT / "docs/rules.md").read_text("utf-8") == markdown(contract)


def test_the_reference_of_the_client_is_its_docstrings() -> None:
    command = [Path(sys.executable).parent / "griffe2md", "voice_client"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert (ROOT / "docs/client-reference.md").read_text("utf-8") == made


def test_the_cast_table_is_the_codes_and_the_contracts(contract: Contract) -> None:
    table = GUIDE.partition("<!-- casts -->")[2].partition("<!-- end -->")[0]

    listed = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE))
    assert listed == {name: rule.summary for name, rule in contract.casts.items()}
    assert listed.keys() == casts.table("FR").keys()


def test_every_x_key_is_explained() -> None:
    shapes = yaml.safe_load((ROOT / "openapi/extensions.yaml").read_text("utf-8"))["$defs"]
    explained = set(re.findall(r"`(x-[a-z-]+)`", GUIDE))

    assert {name for name in shapes if name.startswith("x-")} <= explained


def test_every_package_is_in_the_architecture() -> None:
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    packages = {path.stem for path in (ROOT / "mock_server").iterdir() if path.stem[0] != "_"}

    assert {name for name in packages - {"py"} if f"`{name}`" not in page} == set()


def test_the_name_of_a_module_of_the_twin_stands_once() -> None:
    folders = ("mock_server", "vms", "voice_client", "contract_tests", "benchmarks", "tests")
    modules = [path for name in folders for path in (ROOT / name).rglob("*.py")]
    everywhere = Counter(path.stem for path in modules if "node_modules" not in path.parts)
    twins = {path.stem for path in (ROOT / "mock_server").rglob("*.py")} - {"__init__"}

    assert [name for name in sorted(twins) if everywhere[name] > 1] == []


def test_the_changelog_has_a_standing_unreleased() -> None:
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("script", ["noxw", ".ci/run"])
def test_scripts_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


def test_noxw_names_the_versions_that_the_project_pins() -> None:
    nox = re.search(r'"(nox==[\d.]+)"', (ROOT / "noxw").read_text("utf-8"))

    assert nox is not None
    assert nox[1] in (ROOT / "pyproject.toml").read_text("utf-8")


def test_the_project_speaks_of_itself_alone() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    text = io.StringIO()
    for name in listed.stdout.splitlines():
        with contextlib.suppress(UnicodeDecodeError):
            text.write((ROOT / name).read_text("utf-8"))

    assert re.findall(r"/(?:root|home/\w+|work|tmp/\w+)/[\w./]+", text.getvalue()) == []
