"""Every check by name; the only place that knows commands. `./noxw --list` shows the sessions."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import nox

nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True

# Some machines set it. Hundreds of Pythons start here, and each would compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Not UTC, and with a summer time: whatever takes the machine's time zone for UTC turns red here.
# pytest without nox runs in the machine's own. TZ=… ./noxw runs in any.
os.environ.setdefault("TZ", "America/New_York")

PYPROJECT = nox.project.load_toml("pyproject.toml")
CONSTRAINTS = ("-c", "constraints.txt")
# Where the suites write what they counted, for the report.
FIGURES = {"CONTRACT_FIGURES": "report/figures"}
# A file to each worker: what a file has counted, its last test reads. In the order of conftest.py,
# and not of how many tests a file has.
BY_FILE = ("--dist", "loadfile", "--no-loadscope-reorder")
# For two cores; the tests of the packages often wait, for processes, sockets and moments.
TWO_WORKERS, THREE_WORKERS = ("-n", "2", *BY_FILE), ("-n", "3", *BY_FILE)
CONTRACT_TESTS = (*TWO_WORKERS, "contract_tests")
CLIENT = ("openapi/voice-campaign.yaml", "generated/voice_api")
PACKAGES = ("mock_server", "vms", "voice_client", "tests")
# The first is the same browser without windows, and takes half the time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def install(session: nox.Session, group: str, *, project: bool = True) -> None:
    """The tools of one dependency group, and the project with its twin."""
    tools = nox.project.dependency_groups(PYPROJECT, group) if group else ()
    itself = ("-e", ".[twin,voice,maintain]") if project else ()
    session.install(*CONSTRAINTS, *itself, *tools)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, order and spelling (`-- --fix` repairs what can be repaired)."""
    install(session, "lint", project=False)
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []), ".", "noxw")
    session.run("ruff", "format", *([] if fix else ["--diff"]), ".", "noxw")
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    """Types: mypy strict on everything written by hand, pyright on what users import."""
    install(session, "types")
    session.run("mypy")
    session.run("mypy", "noxfile.py", "noxw", "openapi/decide.py", "benchmarks")
    # A user's file, and one in which every mistake must be caught.
    session.run("mypy", "tests/typing")
    session.run("pyright", "--warnings")


@nox.session
def imports(session: nox.Session) -> None:
    """Who may import whom (docs/architecture.md)."""
    install(session, "imports")
    session.run("lint-imports")


@nox.session
def drift(session: nox.Session) -> None:
    """Is the generated client what the contract generates, to the byte?"""
    install(session, "")
    session.run("vms", "drift", *CLIENT)


@nox.session
def tests(session: nox.Session) -> None:
    """Tests of each package and doctests, with full branch coverage (`-- -k word` runs some)."""
    install(session, "tests")
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *THREE_WORKERS, *PACKAGES)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def contract(session: nox.Session) -> None:
    """Contract, client, twin, Schemathesis and Prism against each other (`-- -k word`)."""
    install(session, "tests")
    session.run("pytest", *CONTRACT_TESTS, *session.posargs)


@nox.session
def page(session: nox.Session) -> None:
    """The page in a real Chromium, which is installed if that can be done (`-- -k word`)."""
    chromium = browser(session)
    install(session, "page")
    # The tests take about as long as each other, so whoever is done takes some of the rest.
    workers = ("-n", "2", "--dist", "worksteal")
    session.run("pytest", *workers, "page_tests", *session.posargs, env={"CHROMIUM": chromium})


def browser(session: nox.Session) -> str:
    """The path of a Chromium; without one the session is skipped, or fails where it is CI."""
    found = _browser() or _installed_browser()
    if found is None:
        why = f"there is no Chromium, and none can be installed: apt-get install {BROWSERS[0]}"
        if os.environ.get("CI"):
            session.error(why)
        session.skip(f"skipped: {why}")
    return found


def _browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def _installed_browser() -> str | None:
    """Debian's Chromium, where this is a Debian and whoever runs this may install something."""
    as_root = () if os.geteuid() == 0 else ("sudo", "--non-interactive")
    if not shutil.which("apt-get") or not _runs(*as_root, "true"):
        return None
    apt = (*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet=2")
    chromium = (*apt, "install", "--yes", "--no-install-recommends", BROWSERS[0])
    # A new machine has no list of packages yet.
    if not _runs(*chromium) and _runs(*apt, "update"):
        _runs(*chromium)
    return _browser()


def _runs(*command: str) -> bool:
    try:
        return not subprocess.run(command, capture_output=True, check=False).returncode
    except OSError:
        return False


@nox.session(venv_backend="none", default=False)
def pythons(session: nox.Session) -> None:
    """The twin's tests on each Python from 3.11 to 3.13 that is found, on the PATH or in pyenv."""
    tests = [
        str(path)
        for path in sorted(Path("tests").glob("test_*.py"))
        if "from mock_server" in path.read_text("utf-8")
    ]
    tools = nox.project.dependency_groups(PYPROJECT, "tests")
    for version in ("3.11", "3.12", "3.13"):
        pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        known = (shutil.which(f"python{version}"), *map(str, reversed(pyenv)))
        # A shim of pyenv stands on the PATH for versions, too, that are not chosen.
        found = next((one for one in known if one and _runs(one, "-c", "")), None)
        if found is None:
            session.warn(f"skipped: there is no Python {version} here")
            continue
        folder = Path(".nox", f"pythons-{version}")
        python = folder / "bin" / "python"
        session.run("uv", "venv", "--quiet", "--clear", "--python", found, folder)
        what = (*CONSTRAINTS, "-e", ".[twin,voice,maintain]", *tools)
        session.run("uv", "pip", "install", "--quiet", "--python", python, *what)
        session.run(python, "-m", "pytest", "-q", *TWO_WORKERS, "mock_server", *tests)


@nox.session(default=False)
def conformance(session: nox.Session) -> None:
    """Schemathesis over HTTP, lenient and strict; JUnit and HAR go to report/."""
    install(session, "tests")
    session.run("python", "contract_tests/conformance.py", *session.posargs)
    session.run("python", "contract_tests/conformance.py", "--strict", *session.posargs)


@nox.session(default=False)
def score(session: nox.Session) -> None:
    """Rate the pairs in contract_tests/diff_cases/ and write docs/diff-score.md."""
    install(session, "tests")
    session.run("python", "contract_tests/diff_score.py", "write")


@nox.session(default=False)
def deep(session: nox.Session) -> None:
    """The laws with thousands of requests, other ones each time: for a night (`-- -k law`)."""
    install(session, "tests")
    session.run("pytest", "contract_tests", "--hypothesis-profile=deep", *session.posargs)


@nox.session(default=False)
def detect(session: nox.Session) -> None:
    """Plant each bug of contract_tests/bugs*.toml and see which layer of the suite notices it."""
    install(session, "tests")
    session.run("python", "contract_tests/detect.py", *session.posargs, env=FIGURES)


@nox.session(default=False)
def report(session: nox.Session) -> None:
    """Run the contract tests and write report/index.html and report.md from what they counted."""
    install(session, "tests")
    # A red run is reported, too.
    session.run(
        "pytest", *CONTRACT_TESTS, "--junitxml=report/junit.xml", env=FIGURES, success_codes=[0, 1]
    )
    session.run("python", "contract_tests/report.py")


@nox.session(default=False)
def parity(session: nox.Session) -> None:
    """Compare answers of the real API with the twin's (`-- --base-url URL` asks; see --help)."""
    install(session, "")
    kept = "contract_tests/snapshots/"
    files = (
        f"--snapshots={kept}api.octopush.com.json",
        f"--acknowledged={kept}acknowledged.toml",
    )
    session.run("vms", "check", *files, *session.posargs)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Show the main job: a twin, the vendor's example, sloppy requests and their outcome."""
    install(session, "")
    session.run("vms", "demo", *session.posargs)


@nox.session(default=False)
def pictures(session: nox.Session) -> None:
    """Make the pictures of the page for the README, from a twin that got requests."""
    chromium = browser(session)
    install(session, "page")
    session.run("python", "page_tests/pictures.py", env={"CHROMIUM": chromium})


@nox.session(default=False)
def generate(session: nox.Session) -> None:
    """Write what is made: the client and three pages from the contract, one from docstrings."""
    install(session, "tests")
    write_what_is_made(session)


def write_what_is_made(session: nox.Session) -> None:
    """The generated client and the pages, from the contract and the docstrings as they are."""
    session.run("vms", "generate", *CLIENT)
    session.run("griffe2md", "voice_client", "-o", "docs/client-reference.md")
    with open("docs/rules.md", "w", encoding="utf-8") as page:  # noqa: PTH123  (nox wants a file)
        session.run("vms", "rules", "--markdown", stdout=page)
    session.run("python", "contract_tests/table.py", "write")
    session.run("python", "contract_tests/strict_versus_lenient.py", "write")


@nox.session(default=False)
def update(session: nox.Session) -> None:
    """After an edit of the contract: lint, generate, test, and list what a human must decide."""
    install(session, "tests")
    # redocly is on the PATH of what node.py runs.
    with_node = ("python", "contract_tests/node.py")
    session.run(*with_node, "vms", "lint", "--every")
    write_what_is_made(session)
    # A fifth of the requests, and what is about the contract; ./noxw runs all of it.
    soon = ("-q", "-m", "not whole", "--hypothesis-profile=soon", "--junitxml=report/update.xml")
    session.run("pytest", *CONTRACT_TESTS, *soon, success_codes=[0, 1])
    session.run(*with_node, "python", "openapi/decide.py", "report/update.xml")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure speed and size; nothing here fails."""
    install(session, "page")
    session.run("python", "benchmarks/contract_diff.py")
    session.run("python", "benchmarks/reading.py")
    session.run("python", "benchmarks/peers.py")
    session.run("python", "benchmarks/receipts.py")
    session.run("python", "benchmarks/plugin.py")
    session.run("python", "benchmarks/campaigns.py")
    session.run("python", "benchmarks/crash_drill.py")
    session.run("python", "benchmarks/voice.py")
    session.run("python", "benchmarks/page.py")


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Write constraints.txt: exact versions of everything that the sessions install."""
    session.install("uv")
    groups = [part for group in PYPROJECT["dependency-groups"] for part in ("--group", group)]
    quiet = ("--quiet", "--no-header", "--no-annotate", "--no-emit-index-url")
    what = ("pyproject.toml", "--all-extras", *groups, "--universal", "--python-version", "3.11")
    session.run("uv", "pip", "compile", *what, "--upgrade", *quiet, "-o", "constraints.txt")


if __name__ == "__main__":
    nox.main()
