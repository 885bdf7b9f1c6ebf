"""Where a client sends, as whom, how long it waits; and what it never shows."""

from __future__ import annotations

import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doors import (
    ACCEPTED,
    AWAY,
    DOORS,
    HERE,
    KEY,
    LOGIN,
    NUMBERS,
    SYNC,
    Door,
    Parts,
    Script,
    always,
    error,
    good,
    status,
)
from voice_client import (
    AsyncVoiceClient,
    ConfigurationError,
    HeldBack,
    Retries,
    Timeout,
    VoiceClient,
    VoiceError,
)
from voice_client import settings as room
from voice_client.settings import Access, access

both = pytest.mark.parametrize("door", DOORS, ids=repr)
kinds = pytest.mark.parametrize("kind", [VoiceClient, AsyncVoiceClient])


# ── who and where ────────────────────────────────────────────────────────


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("VMS_LOGIN", "VMS_KEY", "VMS_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_arguments_come_before_the_environment() -> None:
    given = {"VMS_LOGIN": "eve", "VMS_KEY": "e", "VMS_BASE_URL": "http://eve"}

    assert access("ada", "k", HERE, given) == Access("ada", "k", HERE)


def test_the_environment_stands_in_for_absent_arguments() -> None:
    given = {"VMS_LOGIN": "eve", "VMS_KEY": "e", "VMS_BASE_URL": "http://eve"}

    assert access(None, None, None, given) == Access("eve", "e", "http://eve")


def test_the_real_api_is_where_a_client_sends_if_it_is_not_told_otherwise() -> None:
    assert access("ada", "k", None, {}).base_url == "https://api.octopush.com"


@kinds
def test_a_client_asks_the_environment(kind: type, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("VMS_LOGIN", "eve")
    environment.setenv("VMS_KEY", "e")
    environment.setenv("VMS_BASE_URL", HERE)

    assert repr(kind()) == f"{kind.__name__}('eve', base_url='{HERE}')"


MISSING: dict[str, tuple[tuple[Any, Any, Any], dict[str, str], str]] = {
    "no login": ((None, "k", HERE), {}, "no api-login; give it as an argument, or set VMS_LOGIN"),
    "no key": (("ada", None, HERE), {}, "no api-key; give it as an argument, or set VMS_KEY"),
    "an empty login": (("", "k", HERE), {"VMS_LOGIN": "eve"}, "api-login is empty"),
    "an empty key": (("ada", "", HERE), {"VMS_KEY": "e"}, "api-key is empty"),
    "an empty login there": ((None, "k", HERE), {"VMS_LOGIN": ""}, "api-login is empty"),
    "an empty key there": (("ada", None, HERE), {"VMS_KEY": ""}, "api-key is empty"),
    "no empty address": (("ada", "k", ""), {"VMS_BASE_URL": HERE}, "base_url '' has no http://"),
    "an empty address there": (("ada", "k", None), {"VMS_BASE_URL": ""}, "base_url '' has no http"),
    "a line break": (("ada\n", "k", HERE), {}, "api-login is empty or no plain text"),
    "a header more": (("ada\r\nX: 1", "k", HERE), {}, "api-login is empty or no plain text"),
    "a blank before": (("ada", " k", HERE), {}, "api-key is empty or no plain text"),
    "a blank behind": (("ada", "k ", HERE), {}, "api-key is empty or no plain text"),
    "no ASCII": (("adé", "k", HERE), {}, "api-login is empty or no plain text"),
    "no text": ((5, "k", HERE), {}, "api-login is empty or no plain text"),
    "bytes": (("ada", b"k", HERE), {}, "api-key is empty or no plain text"),
    "no scheme": (("ada", "k", "127.0.0.1:8010"), {}, "has no http:// or https:// before it"),
    "another scheme": (("ada", "k", "ftp://127.0.0.1"), {}, "has no http:// or https:// before"),
    "no host": (("ada", "k", "http://"), {}, "has no http:// or https:// before it"),
    "a blank before the address": (("ada", "k", f" {HERE}"), {}, "has no http:// or https://"),
    "a word as port": (("ada", "k", "http://localhost:http"), {}, "base_url is no URL: Invalid"),
    "a line break in the address": (("ada", "k", f"{HERE}\n"), {}, "base_url is no URL: Invalid"),
    "a query": (("ada", "k", f"{HERE}/?x=1"), {}, "has more than a path; wanted none of ? #"),
    "a fragment": (("ada", "k", f"{HERE}/#x"), {}, "has more than a path; wanted none of ? #"),
    "an empty part of a name": (("ada", "k", "http://a..b"), {}, "names no host: "),
    "too long a part of a name": (("ada", "k", f"http://{'a' * 64}"), {}, "names no host: "),
    "a name in it": (
        ("ada", "k", "http://eve@127.0.0.1"),
        {},
        "wanted login and key by themselves",
    ),
}


@pytest.mark.parametrize(("arguments", "given", "message"), MISSING.values(), ids=MISSING)
def test_what_makes_no_client_is_told(
    arguments: tuple[Any, Any, Any], given: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        access(*arguments, given)

    assert message in str(caught.value)


@kinds
@pytest.mark.parametrize(("login", "key"), [("", "k"), ("l", ""), ("l\n", "k"), ("l", "é")])
def test_neither_client_is_made_of_them(kind: type, login: str, key: str) -> None:
    with pytest.raises(ConfigurationError):
        kind(login, key, base_url=HERE)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8010",
        "HTTP://LOCALHOST",
        "http://[::1]:8010/",
        "https://api.example.com/behind",
        "https://münchen.example",
        "http://localhost.",
    ],
)
def test_an_address_is_kept_as_it_is_written(url: str) -> None:
    assert access("ada", "k", url, {}).base_url == url


@given(st.text(), st.text(), st.text() | st.text().map("http://".__add__))
def test_any_arguments_make_an_access_or_a_configuration_error(
    login: str, key: str, url: str
) -> None:
    try:
        made = access(login, key, url, {})
    except ConfigurationError:
        return
    headers = httpx.Headers(made.headers)
    assert (headers["api-login"], headers["api-key"]) == (login, key)
    assert httpx.URL(url).scheme in {"http", "https"}


# ── how long and how often ───────────────────────────────────────────────


@pytest.mark.parametrize("name", ["connect", "read", "total"])
@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_timeout_is_above_nothing(name: str, seconds: float) -> None:
    with pytest.raises(ConfigurationError, match=f"timeout: {name} is not above 0 seconds"):
        Timeout(**{name: seconds})


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"first": -0.1},
        {"longest": -1},
        {"longest_asked": -1},
        {"first": float("nan")},
        {"longest": float("nan")},
        {"longest_asked": float("nan")},
    ],
    ids=str,
)
def test_there_is_one_attempt_and_no_wait_into_the_past(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="at least one attempt, and no wait below 0"):
        Retries(**wrong)


def test_no_wait_and_one_attempt_are_allowed() -> None:
    assert Retries(attempts=1, first=0, longest=0, longest_asked=0).attempts == 1


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Timeout() == Timeout(connect=5, read=30, total=120)
    assert Retries() == Retries(attempts=3, first=0.5, longest=8, longest_asked=120)


@kinds
def test_a_client_without_a_transport_has_a_real_one(kind: type) -> None:
    inner = kind("ada", "k", base_url=HERE)._carrier._inner  # noqa: SLF001

    assert type(inner) in {httpx.HTTPTransport, httpx.AsyncHTTPTransport}


# ── the guard ────────────────────────────────────────────────────────────


@pytest.mark.unmeasured
@both
@pytest.mark.parametrize(
    "url",
    [
        AWAY,
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "http://localhost.",
        "http://0",
        "http://evillocalhost",
        "http://api.evillocalhost",
        "http://localhost.example.com",
    ],
)
@pytest.mark.parametrize("options", [{}, {"simulation_mode": False}], ids=str)
def test_a_real_call_is_held_back(door: Door, url: str, options: Any) -> None:
    script = Script(good)

    with pytest.raises(HeldBack, match="would call people for money"):
        door.send(script, "Hello.", NUMBERS, setup={"base_url": url}, **options)
    assert script.requests == []


@both
@pytest.mark.parametrize("word", ["true", 1, [True], {"simulation_mode": True}], ids=str)
def test_only_true_is_a_simulation(door: Door, word: Any) -> None:
    setup = {"base_url": AWAY, "validate": "off"}

    with pytest.raises(HeldBack):
        door.send(Script(), "Hello.", NUMBERS, setup=setup, simulation_mode=word)


@both
def test_a_real_campaign_is_held_back_at_its_first_frame(door: Door) -> None:
    setup = {"base_url": AWAY}
    numbers = [f"+3361234567{n}" for n in range(9)]

    summary = door.send_campaign(
        Script(), "Hello.", numbers, largest_frame=1, concurrency=1, setup=setup
    )

    assert (summary.sent, summary.unknown, len(summary.problems)) == (0, (), 9)
    assert summary.stopped.startswith("held back: a request to api.example.com without")


@both
def test_a_simulation_may_leave_this_machine(door: Door) -> None:
    setup = {"base_url": AWAY}

    assert door.send(always(good), "Hi.", NUMBERS, simulation_mode=True, setup=setup)
    assert door.send_campaign(always(good), "Hi.", NUMBERS, simulate=True, setup=setup).complete


@both
def test_a_real_call_leaves_if_it_is_asked_for(door: Door) -> None:
    assert door.send(always(good), setup={"base_url": AWAY, "real_calls": True})


@both
@pytest.mark.parametrize(
    "url", ["http://localhost:8010", "http://LOCALHOST", "http://127.9.9.9", "http://[::1]:8010"]
)
def test_a_twin_on_this_machine_needs_no_permission(door: Door, url: str) -> None:
    assert door.send(always(good), setup={"base_url": url})


@both
def test_a_redirect_does_not_lead_around_the_guard(door: Door) -> None:
    script = Script(lambda: httpx.Response(307, headers={"Location": AWAY}), good)

    door.told(script)

    assert len(script.requests) == 1


SIMULATION = b'{"simulation_mode": true}'
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "a list": b"[]",
    "no JSON": b"{",
    "a text": b'{"simulation_mode": "true"}',
    "a number": b'{"simulation_mode": 1}',
    "null": b'{"simulation_mode": null}',
    "another case": b'{"Simulation_Mode": true}',
    "deep below": b'{"a": {"simulation_mode": true}}',
    "too deep": b"[" * 100_000,
    "twice, true last": b'{"simulation_mode": false, "simulation_mode": true}',
    "twice, true first": b'{"simulation_mode": true, "simulation_mode": false}',
    "twice, both true": b'{"simulation_mode": true, "simulation_mode": true}',
    "twice, one of them escaped": b'{"simulation_mode": false, "simulation\\u005fmode": true}',
    "UTF-16": SIMULATION.decode().encode("utf-16"),
    "UTF-16 without mark": SIMULATION.decode().encode("utf-16-le"),
    "UTF-32": SIMULATION.decode().encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + SIMULATION,
    "Latin-1": b'{"simulation_mode": true, "text": "\xe9"}',
    "form fields": b"simulation_mode=true",
    "two texts": SIMULATION * 2,
}


def guarded(door: Door, body: bytes) -> httpx.Response:
    """The answer to a request with this body, which would leave the machine."""
    client = door.kind(LOGIN, KEY, base_url=AWAY, transport=httpx.MockTransport(always(good)))
    guard = client._carrier  # noqa: SLF001
    request = httpx.Request("POST", AWAY, content=body)
    if door is SYNC:
        return guard.handle_request(request)

    async def main() -> httpx.Response:
        return await guard.handle_async_request(request)

    return anyio.run(main)


@both
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_the_guard_looks_at_the_bytes(door: Door, body: bytes) -> None:
    with pytest.raises(HeldBack):
        guarded(door, body)


@both
@pytest.mark.parametrize("body", [SIMULATION, b' {"a": [{}], "simulation_mode" : true}\n'])
def test_the_guard_lets_a_simulation_pass(door: Door, body: bytes) -> None:
    assert guarded(door, body).status_code == 201


@given(st.binary() | st.text().map(str.encode))
def test_the_guard_holds_back_whatever_it_cannot_read(body: bytes) -> None:
    with pytest.raises(HeldBack):
        guarded(SYNC, body)


@both
def test_closing_a_client_closes_what_is_behind_the_guard(door: Door) -> None:
    closed = list[str]()

    class Transport(httpx.MockTransport):
        def close(self) -> None:
            closed.append("sync")

        async def aclose(self) -> None:
            closed.append("async")

    door.send(always(good), setup={"transport": Transport(always(good))})

    assert closed == ["sync" if door is SYNC else "async"]


# ── what is never shown ──────────────────────────────────────────────────

UNHAPPY: dict[str, Callable[[], httpx.Response | Exception]] = {
    "no connection": error(httpx.ConnectError, "refused"),
    "a header that cannot be sent": error(
        httpx.LocalProtocolError, f"Illegal header value b'{KEY}' b'{LOGIN}'"
    ),
    "silence": error(httpx.ReadTimeout),
    "garbage": status(201, content=b"\xff{"),
    "wrong types": status(201, json=dict.fromkeys(ACCEPTED)),
    "cut": lambda: httpx.Response(201, stream=Parts(b"{", httpx.ReadError("cut"))),
    "wrong key": status(401, json={"code": 401, "message": "Unauthorized."}),
    "too many": status(429, "1"),
    "down": status(503, "1"),
    "moved": status(302),
}


def shown(told: BaseException) -> str:
    """All that a traceback, a log or a debugger's list would show of an error."""
    texts = [*traceback.format_exception(told)]
    seen: BaseException | None = told
    while seen is not None:
        texts += [str(seen), repr(seen), repr(seen.args), repr(vars(seen).keys())]
        seen = seen.__cause__ if seen.__suppress_context__ else seen.__context__
    return "\n".join(texts)


@both
@pytest.mark.parametrize("answer", UNHAPPY.values(), ids=UNHAPPY)
@pytest.mark.parametrize("mark", [None, "mine"])
@pytest.mark.unmeasured
def test_neither_key_nor_login_is_shown_in_an_error(
    door: Door, answer: Any, mark: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = door.told(Script(*[answer] * 3), "Hello.", NUMBERS, request_id=mark)

    assert isinstance(told, VoiceError)
    for secret in (KEY, LOGIN):
        assert secret not in shown(told)
        assert secret not in caplog.text


@kinds
def test_the_key_is_not_in_what_a_client_or_its_parts_look_like(kind: type) -> None:
    client = kind(LOGIN, KEY, base_url=HERE)

    assert KEY not in f"{client!r} {client} {client._access!r} {client._http!r}"  # noqa: SLF001
    assert repr(client) == f"{kind.__name__}('{LOGIN}', base_url='{HERE}')"


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        access("ada", "k", f"http://ada:{KEY}@127.0.0.1", {})

    assert KEY not in shown(caught.value)


def test_a_key_that_no_header_can_carry_is_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        access("ada", f"{KEY}\n", HERE, {})

    assert KEY not in shown(caught.value)


class Handler(BaseHTTPRequestHandler):
    """A server on this machine that answers once well and once badly."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(ACCEPTED).encode()
        self.send_response(201 if self.path.startswith("/good") else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


@both
def test_neither_key_nor_login_is_in_any_log_of_a_real_connection(
    door: Door, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    carrier = {"transport": None}

    door.send(always(good), setup={"base_url": f"{server}/good", **carrier})
    told = door.told(always(good), setup={"base_url": f"{server}/bad", **carrier})

    assert isinstance(told, VoiceError)
    loggers = {record.name for record in caplog.records}
    assert {"voice_client", "httpcore.connection", "httpcore.http11"} <= loggers
    assert KEY not in caplog.text
    assert LOGIN not in caplog.text


@both
def test_nobody_listening_is_an_error_of_the_family(door: Door) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        setup = {"base_url": f"http://127.0.0.1:{port}", "transport": None}

        told = door.told(always(good), setup=setup)

    assert str(told).startswith(f"nothing was sent to http://127.0.0.1:{port}: ConnectError")


def test_a_client_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(room, "version", absent)

    assert room._version() == "0"  # noqa: SLF001
