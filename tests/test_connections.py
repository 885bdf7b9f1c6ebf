"""Clients that are slow, silent, many or gone; delays; TLS; and the end of the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import resource
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from common import BODY, ROOT, SEND, SIGNED_IN
from mock_server.contract.loader import Contract
from mock_server.core.handler import Twin
from mock_server.http import connection as protocol
from mock_server.http import imitated, server
from mock_server.http.app import create_app
from mock_server.http.served import ServeOptions
from mock_server.http.server import CannotListenError, Serving, serve
from mock_server.reading.decoding import LARGEST_BODY
from test_server import (
    CHUNKED,
    HEALTH,
    LAST,
    PAYLOAD,
    WHOLE,
    connect,
    exchange,
    heard,
    send,
    serving,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

FAULTS = "/_twin/accounts/ada/faults"


@pytest.fixture(params=[None, asyncio.new_event_loop], ids=["fastest", "asyncio"])
def loop(request: pytest.FixtureRequest) -> Any:
    """The event loop that is taken, and the one without uvloop."""
    return request.param


@pytest.fixture
def url(contract: Contract, loop: Any) -> Iterator[str]:
    with Serving(create_app(Twin(contract)), new_loop=loop) as running:
        yield running.url


def inject(url: str, *faults: dict[str, Any]) -> None:
    assert httpx.put(url + FAULTS, json={"faults": faults}).status_code == 200


def connections(running: Serving) -> Collection[Any]:
    """Those that are open."""
    # Nobody outside can see when the server notices that a client has left.
    loop = running._loop  # noqa: SLF001  (see above)
    assert loop is not None
    return loop.connections


def entries(url: str) -> int:
    kept: int = httpx.get(f"{url}/_twin/requests").json()["kept"]
    return kept


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def answering(_: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [b"ok"]


# ── in turn ───────────────────────────────────────────────────────────────


@pytest.mark.unmeasured
def test_many_requests_at_once_are_answered_in_their_order(url: str) -> None:
    """Those of the twin, of its control plane, short ones and long ones."""
    long = json.dumps(BODY | {"recipients": ["06 12 34 56 78"] * 300}).encode()
    whole = send(b"Content-Length: %d" % len(long)) + long
    several = [HEALTH + b"\r\n", WHOLE, whole, WHOLE, HEALTH + b"\r\n", whole]
    httpx.put(f"{url}/_twin/accounts/ada", json={"credit": 1_000_000})

    assert exchange(url, *several * 40, LAST) == [200, 201, 201, 201, 200, 201] * 40 + [200]


def test_a_head_that_is_known_again_is_answered_as_the_first_time(url: str) -> None:
    with connect(url) as connection:
        for _ in range(2):
            connection.sendall(WHOLE)
            assert connection.recv(2**16).startswith(b"HTTP/1.1 201 Created\r\n")


def test_an_answer_that_is_late_comes_before_the_next(url: str) -> None:
    inject(url, {"fault": "delay", "seconds": 0.05, "times": 1})

    assert exchange(url, WHOLE, b"GET /nowhere HTTP/1.1\r\n\r\n", LAST) == [201, 404, 200]


def test_a_broken_request_is_refused_after_those_before_it(url: str) -> None:
    inject(url, {"fault": "delay", "seconds": 0.3, "times": 1})

    with connect(url) as connection:
        connection.sendall(WHOLE + b"\x16\r\n\r\n")
        until(lambda: entries(url) == 1)
        connection.sendall(LAST)

        assert re.findall(rb"HTTP/1\.1 (\d+)", heard(connection)) == [b"201", b"400"]


def test_nothing_is_refused_after_the_last(url: str) -> None:
    last = send(b"Connection: close", b"Content-Length: %d" % len(PAYLOAD)) + PAYLOAD

    assert exchange(url, last, b"\x16\r\n\r\n") == [201]


def test_what_is_refused_twice_is_refused_once(url: str) -> None:
    """The version, and behind it a chunk without a size."""
    twice = b"POST / HTTP/2.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"

    assert exchange(url, twice) == [505]


def test_nothing_is_answered_after_the_last(url: str) -> None:
    assert exchange(url, LAST, WHOLE) == [200]
    assert entries(url) == 0


def test_who_expects_to_continue_may_after_the_answer_before(url: str) -> None:
    expecting = send(b"Content-Length: %d" % len(PAYLOAD), b"Expect: 100-continue")
    inject(url, {"fault": "delay", "seconds": 0.05, "times": 1})

    with connect(url) as connection:
        connection.sendall(WHOLE + expecting)
        first = connection.recv(2**16)
        while b"100 Continue" not in first:
            first += connection.recv(2**16)
        connection.sendall(PAYLOAD + LAST)
        answers = first + heard(connection)

    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"201", b"100", b"201", b"200"]


def test_a_head_that_came_before_is_none_within_a_body(url: str) -> None:
    expecting = send(b"Content-Length: %d" % len(WHOLE), b"Expect: 100-continue")

    with connect(url) as connection:
        connection.sendall(WHOLE)
        first = connection.recv(2**16)
        connection.sendall(expecting)
        assert connection.recv(2**16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(WHOLE)
        second = connection.recv(2**16)
        connection.sendall(LAST)
        answers = first + second + heard(connection)

    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"201", b"400", b"200"]


def test_a_body_that_comes_in_pieces_is_read_whole(url: str) -> None:
    with connect(url) as connection:
        for byte in WHOLE + LAST:
            connection.sendall(bytes([byte]))

        assert heard(connection).count(b"HTTP/1.1 20") == 2


def test_another_protocol_is_not_switched_to(url: str) -> None:
    """As ``curl --http2`` offers it."""
    offering = send(
        b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk",
        b"Content-Length: %d" % len(PAYLOAD),
    )  # fmt: skip

    assert exchange(url, offering + PAYLOAD, WHOLE, LAST) == [201, 201, 200]
    assert exchange(url, offering, b"", PAYLOAD, LAST) == [201, 200]


def test_nobody_is_connected_to_elsewhere(url: str) -> None:
    assert exchange(url, b"CONNECT a.example:80 HTTP/1.1\r\n\r\n") == [400]


def test_http_1_0_ends_with_its_answer(url: str) -> None:
    assert exchange(url, WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0")) == [201]


def test_http_1_0_ends_with_its_answer_though_it_asks_to_go_on(url: str) -> None:
    asking = WHOLE.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\nConnection: keep-alive\r\n")

    with connect(url) as connection:
        connection.sendall(asking)

        assert b"\r\nConnection: close\r\n" in heard(connection)


def test_the_largest_body_of_the_control_plane_is_read(url: str) -> None:
    response = httpx.put(f"{url}/_twin/accounts/ada", content=b"{}".rjust(LARGEST_BODY))

    assert response.status_code == 200


def test_a_head_of_many_pieces_is_as_large_as_their_sum(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(OSError):
            for number in range(2**12):
                connection.sendall(b"A%d: %s\r\n" % (number, b"a" * 50))
            connection.settimeout(10)

        with contextlib.suppress(ConnectionResetError):
            assert b" 413 " in heard(connection)


def test_a_large_head_that_comes_at_once_is_refused(url: str) -> None:
    large = b"GET / HTTP/1.1\r\nA: %s\r\n\r\n" % (b"a" * (2**16 + 1))

    assert exchange(url, large) == [413]


@pytest.mark.unmeasured
def test_a_large_head_is_not_mistaken_for_the_requests_before_it(url: str) -> None:
    several = b"".join([WHOLE] * 500)

    assert exchange(url, several, LAST) == [201] * 500 + [200]


# ── clients that leave ───────────────────────────────────────────────────────


def test_who_says_no_more_is_answered(url: str) -> None:
    inject(url, {"fault": "delay", "seconds": 0.05})
    with connect(url) as connection:
        connection.sendall(WHOLE)
        connection.shutdown(socket.SHUT_WR)

        assert b"HTTP/1.1 201" in heard(connection)


@pytest.mark.parametrize("how", [b"Content-Length: 1000", CHUNKED])
def test_a_body_that_breaks_off_is_refused_and_stands_in_the_inbox(url: str, how: bytes) -> None:
    with connect(url) as connection:
        connection.sendall(send(how) + b'5\r\n{"tex\r\n')
        connection.shutdown(socket.SHUT_WR)

        assert b"HTTP/1.1 400" in heard(connection)
    (row,) = httpx.get(f"{url}/_twin/requests").json()["requests"]
    entry = httpx.get(f"{url}/_twin/requests/{row['id']}").json()
    assert "only" in json.dumps(entry["unreadable"])


@pytest.mark.unmeasured
def test_a_client_that_goes_away_while_it_is_answered_is_in_nobody_s_way(url: str) -> None:
    inject(url, {"fault": "delay", "seconds": 60, "times": 1})
    with connect(url) as connection:
        connection.sendall(WHOLE + WHOLE)
        until(lambda: entries(url) == 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, protocol.RESET)

    assert exchange(url, WHOLE, LAST) == [201, 200]


def test_a_long_request_of_a_client_that_is_gone_stands_in_the_inbox(
    contract: Contract, loop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, begun, whole = threading.Event(), threading.Event(), imitated.reply

    def slow(*given: Any) -> Any:
        begun.set()
        go_on.wait(10)
        return whole(*given)

    monkeypatch.setattr(imitated, "reply", slow)
    body = PAYLOAD + b" " * 2**14
    with Serving(create_app(Twin(contract)), threads=2, new_loop=loop) as running:
        with connect(running.url) as connection:
            connection.sendall(send(b"Content-Length: %d" % len(body)) + body)
            assert begun.wait(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, protocol.RESET)
        until(lambda: not connections(running))
        go_on.set()

        until(lambda: entries(running.url) == 1)


def test_what_a_thread_answers_to_a_client_that_is_gone_is_thrown_away() -> None:
    go_on, begun = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        begun.set()
        go_on.wait(10)
        return answering(environ, start_response)

    with Serving(slow, threads=1) as running:
        with connect(running.url) as connection:
            connection.sendall(HEALTH + b"\r\n")
            assert begun.wait(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, protocol.RESET)
        until(lambda: not connections(running))
        go_on.set()

        assert httpx.get(running.url).text == "ok"


def test_who_does_not_read_is_not_read_from(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are not piled up for a client that does not take them."""
    paused, resumed = threading.Event(), threading.Event()
    for name, event in (("pause_writing", paused), ("resume_writing", resumed)):
        whole = getattr(protocol.Connection, name)

        def seen(self: Any, whole: Any = whole, event: Any = event) -> None:
            whole(self)
            event.set()

        monkeypatch.setattr(protocol.Connection, name, seen)
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as connection:
        # As little as the system allows is taken by the client's side of the connection.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        connection.connect((host, int(port)))
        connection.settimeout(10)
        connection.sendall(b"GET /_twin/rules HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        connection.sendall(LAST)
        assert paused.wait(10)

        assert heard(connection).count(b"HTTP/1.1 200") == 101
    assert resumed.is_set()


def test_what_is_drained_has_an_end(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_DRAINED", 2**21)
    with connect(url) as connection:
        connection.sendall(send(b"Content-Length: 999999999"))
        with contextlib.suppress(OSError):
            for _ in range(64):
                connection.sendall(b"a" * 2**16)

        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP/1.1 400" in heard(connection)
    assert entries(url) == 1


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", send(b"Content-Length: 9") + b"a", send(CHUNKED), WHOLE]
)
def test_who_is_waited_for_too_long_is_dropped(contract: Contract, loop: Any, sent: bytes) -> None:
    """Silent, in the head, in the body, or after an answer."""
    with (
        Serving(create_app(Twin(contract)), patience=0.1, new_loop=loop) as running,
        connect(running.url) as connection,
    ):
        connection.sendall(sent)
        with contextlib.suppress(ConnectionResetError):
            heard(connection)

        assert exchange(running.url, LAST) == [200]


@pytest.mark.unmeasured
def test_who_waits_for_an_answer_is_not_dropped(contract: Contract, loop: Any) -> None:
    with Serving(create_app(Twin(contract)), patience=0.05, new_loop=loop) as running:
        inject(running.url, {"fault": "delay", "seconds": 0.3})

        assert exchange(running.url, send(b"Connection: close")) == [400]


def test_one_connection_too_many_is_told_so(loop: Any) -> None:
    with Serving(answering, most_connections=2, new_loop=loop) as running:
        first, second, third = (httpx.Client(base_url=running.url) for _ in range(3))
        with first, second, third:
            assert [client.get("/").status_code for client in (first, second)] == [200, 200]
            assert third.get("/").status_code == 503
            first.close()
            until(lambda: third.get("/").status_code == 200)


# ── delays and faults ────────────────────────────────────────────────────────


@pytest.mark.unmeasured
def test_delays_hold_no_thread(contract: Contract, loop: Any) -> None:
    with (
        Serving(create_app(Twin(contract)), threads=1, new_loop=loop) as running,
        contextlib.ExitStack() as late,
    ):
        inject(running.url, {"fault": "delay", "seconds": 60, "times": 100})
        for _ in range(100):
            late.enter_context(connect(running.url)).sendall(WHOLE)
        until(lambda: entries(running.url) == 100)

        assert exchange(running.url, WHOLE, LAST) == [201, 200]


@pytest.mark.parametrize("fault", ["reset", "drop_after_commit"])
def test_a_fault_ends_one_connection_without_a_byte(url: str, fault: str) -> None:
    inject(url, {"fault": fault, "times": 1})
    with connect(url) as connection:
        connection.sendall(WHOLE + WHOLE)

        with pytest.raises(ConnectionResetError) if fault == "reset" else contextlib.nullcontext():
            assert heard(connection) == b""
    assert exchange(url, WHOLE, LAST) == [201, 200]


def test_every_connection_sends_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer waits for the client's acknowledgement of the one before (TCP_NODELAY)."""
    found = list[int]()
    whole = protocol.Connection.connection_made

    def made(self: Any, transport: Any) -> None:
        sock = transport.get_extra_info("socket")
        found.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        whole(self, transport)

    monkeypatch.setattr(protocol.Connection, "connection_made", made)
    exchange(url, LAST)

    assert found == [1]


# ── TLS ─────────────────────────────────────────────────────────────


# For 127.0.0.1 and localhost, until 2126; of use to nobody but these tests.
CERT, KEY, LOCKED = (ROOT / f"tests/tls/{name}.pem" for name in ("cert", "key", "locked_key"))


@pytest.fixture
def tls(contract: Contract, loop: Any) -> Iterator[str]:
    """The URL of a twin over TLS."""
    options = ServeOptions(tls_cert=CERT, tls_key=KEY)
    context = server._tls(options)  # noqa: SLF001  (as `serve` makes it)
    with Serving(create_app(Twin(contract)), tls=context, new_loop=loop) as running:
        yield running.url


@pytest.fixture
def client(tls: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=tls, verify=ssl.create_default_context(cafile=CERT)) as client:
        yield client


def test_over_tls_all_is_answered(client: httpx.Client) -> None:
    sent = client.post(SEND, json=BODY, headers=SIGNED_IN)

    assert (sent.status_code, client.get("/_twin/health").status_code) == (201, 200)
    assert client.base_url.scheme == "https"


@pytest.mark.parametrize("fault", ["reset", "drop_after_commit"])
def test_over_tls_faults_are_met_too(client: httpx.Client, fault: str) -> None:
    client.put(FAULTS, json={"faults": [{"fault": fault}]})

    with pytest.raises(httpx.TransportError):
        client.post(SEND, json=BODY, headers=SIGNED_IN | {"api-login": "ada"})


def test_over_tls_a_delayed_answer_comes(client: httpx.Client) -> None:
    client.put(FAULTS, json={"faults": [{"fault": "delay", "seconds": 0.05}]})

    sent = client.post(SEND, json=BODY, headers=SIGNED_IN | {"api-login": "ada"})

    assert sent.status_code == 201


def test_who_does_not_speak_tls_is_in_nobody_s_way(tls: str, client: httpx.Client) -> None:
    with connect(tls.replace("https", "http")) as connection:
        connection.sendall(WHOLE)

        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP" not in heard(connection)
    assert client.get("/_twin/health").status_code == 200


@pytest.mark.unmeasured
def test_vms_serve_speaks_tls() -> None:
    with serving("--tls-cert", str(CERT), "--tls-key", str(KEY)) as (_, url):
        context = ssl.create_default_context(cafile=CERT)

        assert url.startswith("https://")
        assert httpx.get(f"{url}/_twin/health", verify=context).status_code == 200


@pytest.mark.parametrize(
    ("cert", "key", "why"),
    [
        (CERT, None, "--tls-cert needs --tls-key, too: a certificate and its key, in PEM"),
        (None, KEY, "--tls-key needs --tls-cert, too: a certificate and its key, in PEM"),
        (CERT, CERT, "expected a certificate in PEM and its key, without a password"),
        (KEY, KEY, "expected a certificate in PEM and its key, without a password"),
        (CERT, LOCKED, "expected a certificate in PEM and its key, without a password"),
        (ROOT, KEY, "expected a certificate in PEM and its key, without a password"),
        (ROOT / "nowhere", KEY, "No such file or directory"),
        (ROOT / "README.md", KEY, "expected a certificate in PEM and its key, without a password"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_an_error_of_one_line(
    cert: Path | None, key: Path | None, why: str
) -> None:
    with pytest.raises(CannotListenError) as refused:
        serve(ServeOptions(port=0, tls_cert=cert, tls_key=key), print)

    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


# ── the end ───────────────────────────────────────────────────────────


@pytest.mark.unmeasured
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, [201]), (signal.SIGINT, [])])
def test_sigterm_finishes_what_is_being_answered(sent: signal.Signals, status: list[int]) -> None:
    with serving("--quiet") as (process, url), connect(url) as idle, connect(url) as late:
        inject(url, {"fault": "delay", "seconds": 2})
        late.sendall(WHOLE)
        until(lambda: entries(url) == 1)
        process.send_signal(sent)

        assert heard(idle) == b""
        assert heard(late).count(b"HTTP/1.1 201") == len(status)
        assert process.wait(10) == 0


@pytest.mark.unmeasured
def test_a_second_signal_ends_it_at_once() -> None:
    with serving("--quiet") as (process, url), connect(url) as idle, connect(url) as late:
        inject(url, {"fault": "delay", "seconds": 60})
        late.sendall(WHOLE)
        until(lambda: entries(url) == 1)
        process.send_signal(signal.SIGTERM)
        assert heard(idle) == b""
        process.send_signal(signal.SIGTERM)

        assert heard(late) == b""
        assert process.wait(10) == 0


@pytest.mark.unmeasured
def test_what_came_in_before_the_end_is_answered_and_no_more_is_read(
    contract: Contract, loop: Any
) -> None:
    running = Serving(create_app(Twin(contract)), new_loop=loop)
    with running, connect(running.url) as connection:
        inject(running.url, {"fault": "delay", "seconds": 0.3, "times": 1})
        connection.sendall(WHOLE + WHOLE)
        until(lambda: entries(running.url) == 1)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(running.stop)
            answers = heard(connection)

    assert answers.count(b"HTTP/1.1 201") == 2
    assert answers.count(b"Connection: close") == 1


def test_a_late_answer_to_who_has_left_does_not_hold_up_the_end(
    contract: Contract, loop: Any
) -> None:
    running = Serving(create_app(Twin(contract)), new_loop=loop)
    running.longest_stop = 60
    with running, connect(running.url) as connection:
        inject(running.url, {"fault": "delay", "seconds": 60, "times": 1})
        connection.sendall(WHOLE)
        connection.shutdown(socket.SHUT_WR)
        until(lambda: entries(running.url) == 1)
        until(lambda: any(one._has_left for one in connections(running)))  # noqa: SLF001  (as there)
        running.stop()

        assert heard(connection) == b""


def test_it_can_be_stopped_twice_and_before_it_is_started() -> None:
    running = Serving(answering)
    running.stop()
    running.start()
    running.stop()
    running.stop()


def test_an_answer_that_comes_after_the_end_is_nobody_s() -> None:
    go_on, begun = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        begun.set()
        go_on.wait(10)
        return answering(environ, start_response)

    with Serving(slow) as running, connect(running.url) as connection:
        running.longest_stop = 0
        connection.sendall(HEALTH + b"\r\n")
        assert begun.wait(10)
        running.stop()

        assert heard(connection) == b""
        threads = threading.active_count()
        go_on.set()
        until(lambda: threading.active_count() < threads)


# ── where it runs ───────────────────────────────────────────────────────


def test_without_uvloop_it_is_asyncio_s_own_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    assert server._fastest_loop() is asyncio.new_event_loop  # noqa: SLF001  (no other trace)


def test_where_files_are_not_limited_it_serves_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    server._open_more_files()  # noqa: SLF001  (`serve` does not return)

    with Serving(answering) as running:
        assert httpx.get(running.url).text == "ok"


def test_connections_leave_files_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (4, 4))

    with Serving(answering) as running, contextlib.ExitStack() as clients:
        answers = [
            clients.enter_context(httpx.Client(base_url=running.url)).get("/") for _ in range(4)
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 503]


def test_the_fixture_s_server_changes_no_logger_of_others(url: str) -> None:
    theirs = logging.getLogger("uvicorn.error")
    before = (theirs.level, theirs.handlers, theirs.propagate)
    exchange(url, b"\x16\r\n\r\n")

    assert (theirs.level, theirs.handlers, theirs.propagate) == before


def test_what_fails_in_the_loop_is_not_worth_a_word(
    loop: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(protocol.Connection, "data_received", lambda *_: 1 / 0)

    with Serving(answering, new_loop=loop) as running, connect(running.url) as connection:
        connection.sendall(LAST)
        with contextlib.suppress(ConnectionResetError):
            assert heard(connection) == b""
    assert caplog.records == []


@pytest.mark.parametrize("status", [204, 299, 304])
def test_whatever_an_application_answers_is_carried(loop: Any, status: int) -> None:
    def application(_: object, start_response: StartResponse) -> Iterable[bytes]:
        start_response(f"{status} As it likes", [("Set-Cookie", "a"), ("Set-Cookie", "b")])
        return [] if status != 299 else [b"o", b"k"]

    with Serving(application, new_loop=loop) as running:
        answer = httpx.get(running.url)

    assert (answer.status_code, answer.text) == (status, "ok" if status == 299 else "")
    assert answer.headers.get_list("Set-Cookie") == ["a", "b"]
    assert ("Content-Length" in answer.headers) is (status == 299)
