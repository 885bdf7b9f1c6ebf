"""The fixture ``voice_twin`` of pytest.

pytest imports this module in every run, so it imports nothing of the twin before it is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from mock_server.testing.account import Host, VoiceTwin

_MODES: Final = ("in-process", "http")
_TOKEN: Final = "VOICE_TWIN_TOKEN"  # noqa: S105  (the name of a variable)
_LONGEST_NAME: Final = 40
_hosts = pytest.StashKey["_Hosts"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the command line and of the configuration file."""
    group = parser.getgroup("voice-twin", "the offline twin of the voice campaign API")
    group.addoption(
        "--voice-twin",
        metavar="MODE",
        help="in-process (default), http (a port of this machine), or the URL of a running twin, "
        f"whose token, if it requires one, stands in {_TOKEN}",
    )
    group.addoption(
        "--voice-twin-strict",
        action="store_true",
        default=None,
        help="refuse whatever the API would repair, default or ignore",
    )
    parser.addini("voice_twin", "the same as --voice-twin", default="in-process")
    parser.addini("voice_twin_strict", "the same as --voice-twin-strict", type="bool")
    parser.addini(
        "voice_twin_env",
        "environment variables during a test, one a line: NAME = {base_url}, {login} or {key}",
        type="linelist",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse a mode that there is not before any test runs."""
    _check(_option(config))
    config.addinivalue_line(
        "markers",
        "voice_twin(mode): how voice_twin is reached in this test: in-process, http or a URL",
    )


@pytest.fixture
def voice_twin(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VoiceTwin]:
    """A new account of the offline twin: credit, inbox, clock and faults of its own.

    Give the code under test its ``base_url``, ``login`` and ``key``, and in process its
    ``transport``; then ask it what arrived. ``VMS_BASE_URL``, ``VMS_LOGIN``, ``VMS_KEY`` and the
    variables of the setting ``voice_twin_env`` are set during the test.
    """
    config = request.config
    marker = request.node.get_closest_marker("voice_twin")
    mode = (_of_marker(*marker.args, **marker.kwargs) if marker else None) or _option(config)
    hosts = config.stash.setdefault(_hosts, _Hosts())
    # Others may use a twin that runs already, with the same tests.
    run = "" if mode in _MODES else hosts.run
    try:
        twin = hosts.host(mode).account(_login(run + request.node.nodeid), "a-key")
        variables = twin.environment | _variables(config, twin)
    except (pytest.UsageError, ConnectionError, ValueError) as error:
        # One line with what to do, without the lines of this plugin.
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    if config.getoption("--voice-twin-strict") or config.getini("voice_twin_strict"):
        twin.strict()
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield twin
    twin.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what arrived at its twin."""
    report = yield
    twin = getattr(item, "funcargs", {}).get("voice_twin")
    if report.when == "call" and report.failed and twin is not None:
        # A twin that cannot be asked any more has failed the test already.
        with contextlib.suppress(ValueError, ConnectionError):
            report.sections.append(("What arrived at voice_twin", twin.inbox() or "nothing"))
            if answered := twin.receiver_log():
                report.sections.append(("What the receivers of voice_twin answered", answered))
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    if (hosts := config.stash.get(_hosts, None)) is not None:
        hosts.close()


class _Hosts:
    """The twins of this process, one for each way to reach it, started when first asked for."""

    def __init__(self) -> None:
        self._known = dict[str, "Host"]()
        self._open = contextlib.ExitStack()
        self.run = secrets.token_hex()

    def host(self, mode: str) -> Host:
        """The twin that is reached this way."""
        if mode not in self._known:
            self._known[mode] = self._start(mode)
        return self._known[mode]

    def _start(self, mode: str) -> Host:
        try:
            from mock_server.contract.loader import load
            from mock_server.core.handler import Twin
            from mock_server.testing.account import attached, hosted
        except ImportError as error:
            raise pytest.UsageError(
                f"voice_twin needs the extra: pip install 'vms-kit[twin]' ({error})"
            ) from error
        _check(mode)
        if mode not in _MODES:
            return self._open.enter_context(attached(mode, os.environ.get(_TOKEN)))
        return self._open.enter_context(hosted(Twin(load()), http=mode == "http"))

    def close(self) -> None:
        """Stop them."""
        self._open.close()


def _option(config: pytest.Config) -> str:
    mode: str = config.getoption("--voice-twin") or config.getini("voice_twin")
    return mode


def _of_marker(mode: str | None = None) -> str | None:
    """The argument of the marker, by its place or by its name."""
    return mode


def _check(mode: str) -> None:
    if mode not in _MODES and not mode.startswith(("http://", "https://")):
        expected = f"one of {', '.join(_MODES)}, or the URL of a running twin"
        raise pytest.UsageError(f"voice_twin: got {mode!r}; expected {expected}")


def _login(test: str) -> str:
    """A login of this test alone: the same in each run, so that its tickets are, too.

    >>> _login("tests/test_a.py::test_it_rings[1]")
    'test-it-rings-1-4313db@voice-twin.example'
    """
    name = re.sub(r"[^a-z0-9]+", "-", test.rpartition("::")[2].lower()).strip("-")[:_LONGEST_NAME]
    suffix = hashlib.sha256(test.encode()).hexdigest()[:6]
    return f"{name or 'test'}-{suffix}@voice-twin.example"


def _variables(config: pytest.Config, twin: VoiceTwin) -> dict[str, str]:
    variables = dict[str, str]()
    for line in config.getini("voice_twin_env"):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise pytest.UsageError(f"voice_twin_env: got {line!r}; expected NAME = {{base_url}}")
        try:
            variables[name.strip()] = value.strip().format(
                base_url=twin.base_url, login=twin.login, key=twin.key
            )
        except (AttributeError, LookupError, ValueError) as error:
            expected = "a value of {base_url}, {login} and {key}"
            raise pytest.UsageError(f"voice_twin_env: got {line!r}; expected {expected}") from error
    return variables
