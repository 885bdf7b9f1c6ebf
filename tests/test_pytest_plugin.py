"""The fixture ``voice_twin`` in suites of others, written for each test and run by pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mock_server
from mock_server.contract.loader import load
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.served import ServeOptions
from mock_server.http.server import Serving
from mock_server.store.memory import MemoryStore
from mock_server.testing.account import VoiceTwin

SENDING = """
import os

import httpx
import pytest

BODY = {"text": "Hello.", "recipients": ["+33612345678"]}


def send(twin, body=BODY):
    with httpx.Client(transport=twin.transport, base_url=twin.base_url) as client:
        url = "/v1/public/voice-campaign/send"
        return client.post(url, json=body, headers=twin.headers)

"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An empty folder, and nothing of this run's own settings."""
    for name in ("VMS_BASE_URL", "VMS_LOGIN", "VMS_KEY", "VOICE_TWIN_TOKEN", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


def ran(suite: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    suite.makepyfile(SENDING + tests)
    return suite.runpytest_inprocess("-p", "no:cacheprovider", *options)


def passes(suite: pytest.Pytester, tests: str, *options: str, count: int = 1) -> None:
    ran(suite, tests, *options).assert_outcomes(passed=count)


# ── the account ─────────────────────────────────────────────────────────────


@pytest.mark.unmeasured
def test_a_test_sends_and_asks_what_arrived(suite: pytest.Pytester) -> None:
    passes(
        suite,
        """
def test_it_rings(voice_twin):
    send(voice_twin)
    voice_twin.assert_sent(times=1, text="Hello.")
""",
    )


@pytest.mark.unmeasured
def test_each_test_has_a_new_account_of_its_own(suite: pytest.Pytester) -> None:
    passes(
        suite,
        """
logins = set()


@pytest.mark.parametrize("number", range(5))
def test_it_rings(voice_twin, number):
    assert voice_twin.requests == []
    assert voice_twin.login not in logins
    logins.add(voice_twin.login)
    send(voice_twin)
    voice_twin.assert_sent(times=1)
""",
        count=5,
    )


@pytest.mark.unmeasured
def test_a_test_has_the_same_login_and_tickets_in_each_run(suite: pytest.Pytester) -> None:
    tests = """
from pathlib import Path


def test_it_rings(voice_twin):
    ticket = send(voice_twin).json()["ticket_number"]
    with Path("seen.txt").open("a") as seen:
        print(voice_twin.login, ticket, file=seen)
"""
    passes(suite, tests)
    passes(suite, tests)
    passes(suite, tests, "--voice-twin=http")

    one, two, three = (suite.path / "seen.txt").read_text().splitlines()
    assert one.startswith("test-it-rings-")
    assert one == two == three


def test_the_twin_is_shared_and_the_account_forgotten_after_its_test(
    suite: pytest.Pytester,
) -> None:
    passes(
        suite,
        """
kept = []


def test_one(voice_twin):
    send(voice_twin)
    kept.append(voice_twin)


def test_two(voice_twin):
    assert kept[0].transport is voice_twin.transport
    assert kept[0].requests == []
""",
        count=2,
    )


# ── how it is reached ─────────────────────────────────────────────────────────────

BY_PORT = """
def test_it_rings(voice_twin):
    assert voice_twin.base_url.startswith("http://127.0.0.1:")
    assert isinstance(voice_twin.transport, httpx.HTTPTransport)
    with httpx.Client(trust_env=False) as client:
        url = voice_twin.base_url + "/v1/public/voice-campaign/send"
        assert client.post(url, json=BODY, headers=voice_twin.headers).status_code == 201
    voice_twin.assert_sent(times=1)
"""
IN_PROCESS = """
def test_it_rings(voice_twin):
    assert voice_twin.base_url == "http://127.0.0.1:9"
    assert not isinstance(voice_twin.transport, httpx.HTTPTransport)
"""


def test_it_is_in_process_by_default(suite: pytest.Pytester) -> None:
    passes(suite, IN_PROCESS)


@pytest.mark.unmeasured
def test_the_option_http_gives_it_a_port(suite: pytest.Pytester) -> None:
    passes(suite, BY_PORT, "--voice-twin=http")


@pytest.mark.unmeasured
def test_the_setting_http_gives_it_a_port(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nvoice_twin = http\n")
    passes(suite, BY_PORT)


def test_the_option_goes_before_the_setting(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nvoice_twin = http\n")
    passes(suite, IN_PROCESS, "--voice-twin=in-process")


@pytest.mark.unmeasured
@pytest.mark.parametrize("marker", ['"http"', 'mode="http"'])
def test_the_marker_goes_before_the_option(suite: pytest.Pytester, marker: str) -> None:
    tests = f"@pytest.mark.voice_twin({marker}){BY_PORT}"

    passes(suite, tests, "--voice-twin=in-process", "--strict-markers")


def test_a_marker_that_names_no_mode_changes_nothing(suite: pytest.Pytester) -> None:
    passes(suite, f"@pytest.mark.voice_twin{IN_PROCESS}")


@pytest.mark.unmeasured
def test_both_ways_may_stand_in_one_suite(suite: pytest.Pytester) -> None:
    tests = BY_PORT.replace("test_it_rings", "test_port").lstrip()
    passes(suite, f'{IN_PROCESS}\n@pytest.mark.voice_twin("http")\n{tests}', count=2)


def test_the_port_is_closed_after_the_run(suite: pytest.Pytester) -> None:
    passes(
        suite,
        """
from pathlib import Path


def test_it_rings(voice_twin):
    Path("url.txt").write_text(voice_twin.base_url)
""",
        "--voice-twin=http",
    )
    url = (suite.path / "url.txt").read_text()

    # The same port can be taken again.
    with Serving(lambda *_: [b""], port=int(url.rpartition(":")[2])) as serving:
        assert serving.url == url


def test_what_a_receiver_answered_is_shown_with_a_failure(suite: pytest.Pytester) -> None:
    tests = """
def test_keys_are_stored(voice_twin):
    send(voice_twin)
    voice_twin.deliver_to(lambda receipt: 204)
    assert not "stored"
"""
    result = ran(suite, tests)

    result.stdout.fnmatch_lines(
        [
            "*What the receivers of voice_twin answered*",
            "  receipt *-0 of +33*: DELIVERED, unsent",
            "    answered 204, with no body",
        ]
    )


@pytest.mark.unmeasured
def test_the_url_of_a_running_twin_is_used(suite: pytest.Pytester) -> None:
    with mock_server.running() as served:
        passes(suite, BY_PORT, f"--voice-twin={served.base_url}")

        served.assert_nothing_sent()


@pytest.mark.unmeasured
def test_the_same_test_of_two_runs_has_two_accounts_of_a_running_twin(
    suite: pytest.Pytester,
) -> None:
    tests = """
from pathlib import Path


def test_it_rings(voice_twin):
    with Path("seen.txt").open("a") as seen:
        print(voice_twin.login, file=seen)
"""
    with mock_server.running() as served:
        passes(suite, tests, f"--voice-twin={served.base_url}")
        passes(suite, tests, f"--voice-twin={served.base_url}")

    one, two = (suite.path / "seen.txt").read_text().split()
    assert one != two


@pytest.mark.unmeasured
def test_the_token_of_a_running_twin_stands_in_the_environment(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "a-token"
    with Serving(create_app(Twin(load(), MemoryStore()), ServeOptions(token=token))) as serving:
        result = ran(suite, BY_PORT, f"--voice-twin={serving.url}")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["Authorization: got no token, or another; expected Bearer*"])
        monkeypatch.setenv("VOICE_TWIN_TOKEN", token)
        passes(suite, BY_PORT, f"--voice-twin={serving.url}")


# ── settings that are wrong ─────────────────────────────────────────────────────────────

NO_MODE = "voice_twin: got 'htpp'; expected one of in-process, http, or the URL of a running twin"


def test_a_wrong_mode_is_refused_before_any_test(suite: pytest.Pytester) -> None:
    result = ran(suite, IN_PROCESS, "--voice-twin=htpp")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {NO_MODE}"])


def test_a_wrong_mode_of_the_setting_is_refused_before_any_test(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nvoice_twin = htpp\n")

    result = ran(suite, IN_PROCESS)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {NO_MODE}"])


def told(result: pytest.RunResult) -> str:
    """What is told of the one test that could not be set up: a line of its own, and no code."""
    result.assert_outcomes(errors=1)
    shown = re.search(
        r"ERROR at setup of test_it_rings _+\n(.*)\n=+ short", str(result.stdout), re.DOTALL
    )
    assert shown
    return shown[1]


def test_a_wrong_mode_of_the_marker_is_told_in_a_line(suite: pytest.Pytester) -> None:
    result = ran(suite, f'@pytest.mark.voice_twin("htpp"){IN_PROCESS}')

    assert told(result) == NO_MODE


def test_where_no_twin_answers_it_is_told_in_a_line(suite: pytest.Pytester) -> None:
    line = told(ran(suite, IN_PROCESS, "--voice-twin=http://127.0.0.1:9"))

    assert re.fullmatch(r"no twin answers at http://127.0.0.1:9 \(.*\); start one with .*", line)


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ("MY_URL", "NAME = {base_url}"),
        ("= {login}", "NAME = {base_url}"),
        ("MY_URL = {url}", "a value of {base_url}, {login} and {key}"),
        ("MY_URL = {", "a value of {base_url}, {login} and {key}"),
        ("MY_URL = {0}", "a value of {base_url}, {login} and {key}"),
        ("MY_URL = {base_url.nothing}", "a value of {base_url}, {login} and {key}"),
    ],
)
def test_a_wrong_variable_is_told_in_a_line(
    suite: pytest.Pytester, variable: str, expected: str
) -> None:
    suite.makeini(f"[pytest]\nvoice_twin_env =\n    {variable}\n")

    line = told(ran(suite, IN_PROCESS))

    assert line == f"voice_twin_env: got {variable!r}; expected {expected}"


def test_without_the_extra_it_is_told_what_to_install(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mock_server.testing.account", None)

    line = told(ran(suite, IN_PROCESS))

    assert line.startswith("voice_twin needs the extra: pip install 'vms-kit[twin]' (import of ")


# ── strict, and the environment ─────────────────────────────────────────────────────────────

STRICT = """
def test_it_is_refused(voice_twin):
    assert send(voice_twin).status_code == 400
"""


@pytest.mark.unmeasured
def test_the_option_makes_every_account_strict(suite: pytest.Pytester) -> None:
    passes(suite, STRICT, "--voice-twin-strict")


def test_the_setting_makes_every_account_strict(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nvoice_twin_strict = true\n")
    passes(suite, STRICT)


@pytest.mark.unmeasured
def test_accounts_are_lenient_unless_told_otherwise(suite: pytest.Pytester) -> None:
    ran(suite, STRICT).assert_outcomes(failed=1)


def test_variables_are_set_during_a_test_and_undone_after_it(suite: pytest.Pytester) -> None:
    suite.makeini(
        "[pytest]\nvoice_twin_env =\n    MY_URL = {base_url}/v1\n    MY_WHO={login}:{key}\n"
    )
    passes(
        suite,
        """
NAMES = ("VMS_BASE_URL", "VMS_LOGIN", "VMS_KEY", "MY_URL", "MY_WHO")


def test_one(voice_twin):
    assert [os.environ[name] for name in NAMES] == [
        voice_twin.base_url,
        voice_twin.login,
        voice_twin.key,
        f"{voice_twin.base_url}/v1",
        f"{voice_twin.login}:{voice_twin.key}",
    ]


def test_two():
    assert not any(name in os.environ for name in NAMES)
""",
        count=2,
    )


def test_a_variable_that_was_set_before_is_set_again_after_a_test(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMS_LOGIN", "mine")
    passes(suite, IN_PROCESS)

    assert os.environ["VMS_LOGIN"] == "mine"


# ── what is shown ─────────────────────────────────────────────────────────────


@pytest.mark.unmeasured
def test_a_failed_test_shows_what_arrived(suite: pytest.Pytester) -> None:
    result = ran(suite, "def test_it_rings(voice_twin):\n    send(voice_twin)\n    assert False\n")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- What arrived at voice_twin -*",
            'request 1: 201 sent to +33612345678, "Hello."',
            '    repair at /recipients/0: "+33612345678" → *',
        ]
    )


@pytest.mark.unmeasured
def test_a_failed_test_that_sent_nothing_shows_that_nothing_arrived(
    suite: pytest.Pytester,
) -> None:
    result = ran(suite, "def test_it_rings(voice_twin):\n    assert False\n")

    result.stdout.fnmatch_lines(["*- What arrived at voice_twin -*", "nothing"])


@pytest.mark.unmeasured
def test_a_failed_verification_shows_the_test_and_no_code_of_the_twin(
    suite: pytest.Pytester,
) -> None:
    result = ran(suite, "def test_it_rings(voice_twin):\n    voice_twin.assert_sent(times=1)\n")

    result.stdout.fnmatch_lines(["E *AssertionError: Expected 1 message, but got 0 messages."])
    result.stdout.no_fnmatch_line("*testing.py:*")


@pytest.mark.unmeasured
def test_tests_that_pass_or_use_no_twin_show_nothing(suite: pytest.Pytester) -> None:
    tests = "def test_one(voice_twin):\n    pass\n\n\ndef test_two():\n    assert False\n"

    result = ran(suite, tests, "-rA")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.no_fnmatch_line("*What arrived*")


def test_a_failed_test_whose_twin_is_gone_fails_by_its_own_error(suite: pytest.Pytester) -> None:
    with mock_server.running() as served:
        result = ran(
            suite,
            """
def test_it_rings(voice_twin, monkeypatch):
    def gone(*_, **__):
        raise httpx.ConnectError("gone")

    monkeypatch.setattr(httpx.Client, "request", gone)
    assert False, "its own"
""",
            f"--voice-twin={served.base_url}",
        )

    result.stdout.fnmatch_lines(["E *AssertionError: its own"])
    result.stdout.no_fnmatch_line("*What arrived*")


@pytest.mark.parametrize(
    ("option", "lines"),
    [
        ("--markers", ["@pytest.mark.voice_twin(mode): how voice_twin is reached in this test: *"]),
        (
            "--help",
            [
                "the offline twin of the voice campaign API:",
                "  --voice-twin=MODE *",
                "  --voice-twin-strict *",
                "  voice_twin (*",
                "  voice_twin_strict (*",
                "  voice_twin_env (*",
            ],
        ),
        ("--fixtures", ["voice_twin -- *", "    A new account of the offline twin: *"]),
    ],
)
@pytest.mark.unmeasured
def test_pytest_tells_of_it(suite: pytest.Pytester, option: str, lines: list[str]) -> None:
    suite.runpytest_inprocess(option).stdout.fnmatch_lines(lines)


# ── what it costs those who do not use it ─────────────────────────────────────────────────────


@pytest.mark.unmeasured
def test_nothing_of_the_twin_is_imported_before_it_is_used(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        import sys


        def test_one():
            ours = {name for name in sys.modules if name.startswith("mock_server")}
            package = "mock_server.testing"
            assert ours == {"mock_server", package, f"{package}.pytest_plugin"}
            assert not {"flask", "httpx", "werkzeug", "yaml", "jsonschema_rs"} & sys.modules.keys()
        """
    )
    # Alone, for other plugins import what they like.
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = (sys.executable, "-m", "pytest", "-p", "mock_server.testing.pytest_plugin", "-q")
    result = subprocess.run(
        command, cwd=suite.path, env=alone, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout


def test_pytest_finds_it_by_itself(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.has_plugin("voice_twin")


def test_the_fixture_is_the_class_that_running_gives(voice_twin: VoiceTwin) -> None:
    assert isinstance(voice_twin, VoiceTwin)
    assert Path(__file__).stem not in voice_twin.login
