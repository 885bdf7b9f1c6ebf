"""Many tests on many workers at once: each sees what it sent itself, all of it and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

import mock_server

pytestmark = [pytest.mark.long, pytest.mark.unmeasured]

WORKERS = 4
# For each worker. What is wanted of the twin is 200, which takes a minute or two:
# VOICE_TWIN_TESTS=200 ./noxw -s tests -- tests/test_crosstalk.py
TESTS = int(os.environ.get("VOICE_TWIN_TESTS", "20"))

SUITE = """
from decimal import Decimal

import httpx
import pytest


@pytest.mark.parametrize("number", range({tests}))
def test_it_sees_what_it_sent(voice_twin, number):
    texts = [f"Test {{number}}, message {{message}}." for message in range(number % 3 + 1)]
    url = voice_twin.base_url + "/v1/public/voice-campaign/send"
    with httpx.Client(transport=voice_twin.transport, headers=voice_twin.headers) as client:
        for text in texts:
            body = {{"text": text, "recipients": [{{"phone_number": f"+336{{number:08d}}"}}]}}
            assert client.post(url, json=body).status_code == 201
    sent = voice_twin.assert_sent(times=len(texts))
    assert [message.text for message in sent] == texts
    assert {{number for message in sent for number in message.numbers}} == {{f"+336{{number:08d}}"}}
    assert voice_twin.credit == Decimal("150.00") - Decimal("0.05") * len(texts)
"""
# Every test under one login, as if the fixture did not tell them apart.
SHARED = """
from mock_server.testing import pytest_plugin

pytest_plugin._login = lambda _: "everyone@voice-twin.example"
"""
"""A conftest.py that lets all tests have one account."""

Suite = Callable[..., pytest.RunResult]


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Run so many tests on as many workers."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    # Nor does it matter what other plugins bring along.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = (
        "-p",
        "xdist.plugin",
        "-p",
        "mock_server.testing.pytest_plugin",
        "-p",
        "no:cacheprovider",
    )

    def run(tests: int, workers: int, *options: str) -> pytest.RunResult:
        pytester.makepyfile(SUITE.format(tests=tests))
        return pytester.runpytest_subprocess(
            "-q", "--tb=no", *plugins, f"-n{workers}", *options, timeout=300
        )

    return run


def test_tests_on_many_workers_see_their_own_messages_alone(suite: Suite) -> None:
    suite(TESTS * WORKERS, WORKERS).assert_outcomes(passed=TESTS * WORKERS)


def test_tests_on_many_workers_share_a_running_twin_without_crosstalk(suite: Suite) -> None:
    with mock_server.running() as served:
        result = suite(TESTS * WORKERS, WORKERS, f"--voice-twin={served.base_url}")

    result.assert_outcomes(passed=TESTS * WORKERS)


def test_crosstalk_would_be_seen(pytester: pytest.Pytester, suite: Suite) -> None:
    pytester.makeconftest(SHARED)
    with mock_server.running() as served:
        result = suite(100, WORKERS // 2, f"--voice-twin={served.base_url}")

    assert result.parseoutcomes().get("failed", 0) > 0
