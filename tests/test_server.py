"""The server: `vms serve` as a user has it, and any application in a thread of this process."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from common import BODY, SEND, SIGNED_IN
from mock_server.http.served import ServeOptions, stop_sending
from mock_server.http.server import CannotListenError, Serving, build, is_loopback, serve

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

SERVE = [sys.executable, "-m", "vms", "serve", "--port", "0"]


@contextlib.contextmanager
def serving(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A twin in a process group of its own, and its URL."""
    with subprocess.Popen(
        [*SERVE, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        try:
            yield process, first.split()[2]
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(10)


@pytest.mark.unmeasured
def test_it_answers_and_says_where() -> None:
    with serving() as (_, url):
        response = httpx.post(url + SEND, json=BODY, headers=SIGNED_IN)

        assert (response.status_code, response.json()["residual_credit"]) == (201, 149.95)
        assert httpx.get(url + response.headers["Twin-Request"]).json()["verdict"] == "accepted"


@pytest.mark.unmeasured
def test_strict_refuses_what_is_sloppy() -> None:
    with serving("--strict") as (_, url):
        response = httpx.post(url + SEND, json=BODY | {"text": 5}, headers=SIGNED_IN)

    assert (response.status_code, list(response.json()["errors"])) == (400, ["text"])


@pytest.mark.unmeasured
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_it_is_told_to_and_leaves_no_process(sent: signal.Signals) -> None:
    with serving() as (process, url), httpx.Client(base_url=url) as kept_alive:
        kept_alive.get("/_twin/health")
        family = psutil.Process(process.pid).children(recursive=True)
        # Ctrl-C reaches the whole group.
        os.killpg(process.pid, sent)

        assert process.wait(10) == 0
        assert psutil.wait_procs(family, timeout=10)[1] == []


@pytest.mark.unmeasured
def test_its_log_tells_of_high_stakes_and_no_numbers() -> None:
    with serving() as (process, url):
        httpx.post(url + SEND, json=BODY | {"mode": "simu"}, headers=SIGNED_IN)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=10)

    assert "high stakes: /mode" in log
    assert "+336" not in log


@pytest.mark.unmeasured
def test_a_taken_port_is_an_error_of_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*SERVE[:-1], port], capture_output=True, text=True, check=False, timeout=30
        )

    assert done.returncode == 2
    assert done.stderr.strip() == (
        f"Error: 127.0.0.1:{port}: Address already in use; try --port 0 for a free one"
    )


@pytest.mark.unmeasured
def test_a_second_twin_on_the_same_port_is_refused() -> None:
    with serving() as (_, url):
        port = url.rpartition(":")[2]
        done = subprocess.run(
            [*SERVE[:-1], port], capture_output=True, text=True, check=False, timeout=30
        )

    assert (done.returncode, "already in use" in done.stderr) == (2, True)


@pytest.mark.unmeasured
def test_a_free_port_can_be_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with serving("--port", str(port)) as (_, url):
        assert url == f"http://127.0.0.1:{port}"


@pytest.mark.unmeasured
def test_ipv6_is_served() -> None:
    with serving("--host", "::1") as (_, url):
        assert url.startswith("http://[::1]:")
        assert httpx.get(f"{url}/_twin/health").status_code == 200


@pytest.mark.unmeasured
def test_beyond_loopback_the_control_plane_wants_the_printed_token() -> None:
    with serving("--host", "0.0.0.0") as (process, url):  # noqa: S104
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(3)]
        token = told[2].strip().removeprefix("Authorization: ")
        local = url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104

        statuses = [
            httpx.get(f"{local}/_twin/health", headers=headers).status_code
            for headers in ({}, {"Authorization": token}, {"Authorization": token, "Host": "a.b"})
        ]

    assert statuses == [401, 200, 200]


def test_an_unknown_host_is_an_error() -> None:
    with pytest.raises(CannotListenError, match="no such host"):
        is_loopback("no such host")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)],  # noqa: S104
)
def test_only_addresses_of_this_machine_are_loopback(host: str, *, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.unmeasured
def test_a_contract_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("openapi: 3.0.0\n", "utf-8")

    done = subprocess.run(
        [*SERVE, "--contract", path], capture_output=True, text=True, check=False, timeout=30
    )

    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: {path}:1: OpenAPI 3.0.0; expected OpenAPI 3.1")


def test_accounts_of_a_file_are_there_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "accounts.toml"
    path.write_text("[accounts.ada]\nkey = 'a-key'\ncredit = '12.50'\n", "utf-8")
    client = build(ServeOptions(accounts=path, closed=True)).test_client()

    assert client.get("/_twin/accounts/ada").get_json()["credit"] == "12.50"


def test_accounts_of_a_file_may_have_receivers_at_hosts_that_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "accounts.toml"
    path.write_text("[accounts.ada]\ncallback_url = 'http://hooks.test/'\n", "utf-8")
    application = build(ServeOptions(accounts=path, callback_hosts=("hooks.test",)))
    stop_sending(application)

    account = application.test_client().get("/_twin/accounts/ada").get_json()
    assert account["callback_url"] == "http://hooks.test/"


@pytest.mark.parametrize("quiet", [True, False])
def test_the_application_can_be_built_without_a_server(*, quiet: bool) -> None:
    client = build(ServeOptions(quiet=quiet)).test_client()

    assert client.get("/_twin/health").status_code == 200


def test_a_server_that_cannot_start_tells_its_caller() -> None:
    with pytest.raises(CannotListenError), socket.create_server(("127.0.0.1", 0)) as taken:
        serve(ServeOptions(port=taken.getsockname()[1]), print)


# ── HTTP, to the byte ──────────────────────────────────────────────────────

HEAD = b"Host: localhost\r\napi-login: ada\r\napi-key: a-key\r\n"
HEALTH = b"GET /_twin/health HTTP/1.1\r\nHost: localhost\r\n"
LAST = HEALTH + b"Connection: close\r\n\r\n"
PAYLOAD = json.dumps(BODY).encode()


@pytest.fixture(scope="module")
def twin() -> Iterator[str]:
    """The URL of a twin that is served by this process."""
    with Serving(build(ServeOptions(quiet=True))) as serving:
        yield serving.url


def connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def heard(connection: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    return b"".join(iter(lambda: connection.recv(2**16), b""))


def exchange(url: str, *sent: bytes) -> list[int]:
    """The statuses of all that is answered until the connection ends."""
    with connect(url) as connection:
        connection.sendall(b"".join(sent))
        return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d+)", heard(connection))]


def send(*headers: bytes, path: bytes = SEND.encode()) -> bytes:
    return b"\r\n".join((b"POST %s HTTP/1.1" % path, HEAD + b"\r\n".join(headers), b"", b""))


WHOLE = send(b"Content-Length: %d" % len(PAYLOAD)) + PAYLOAD
CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"%x\r\n%s\r\n0\r\n" % (len(PAYLOAD), PAYLOAD)


def test_a_request_that_is_sent_before_the_first_is_answered_is_answered_too(twin: str) -> None:
    assert exchange(twin, WHOLE, WHOLE, LAST) == [201, 201, 200]


@pytest.mark.parametrize("end", [b"\r\n", b"Trailer: 1\r\nAnother: 2\r\n\r\n"])
def test_a_chunked_body_is_read_and_so_is_what_follows_it(twin: str, end: bytes) -> None:
    assert exchange(twin, send(CHUNKED), CHUNKS, end, LAST) == [201, 200]


def test_a_chunked_body_that_nobody_reads_is_in_nobody_s_way(twin: str) -> None:
    unread = send(CHUNKED, path=b"/_twin/nothing")

    assert exchange(twin, unread, CHUNKS, b"\r\n", LAST) == [404, 200]


def test_chunks_that_are_none_are_the_client_s_fault_and_end_the_connection(twin: str) -> None:
    assert exchange(twin, send(CHUNKED), b"what?\r\n") == [400]


def test_chunks_that_are_none_end_the_connection_even_if_nobody_reads_them(twin: str) -> None:
    assert exchange(twin, send(CHUNKED, path=b"/_twin/nothing"), b"what?\r\n") == [400]


def test_who_expects_to_continue_may(twin: str) -> None:
    expecting = send(b"Content-Length: %d" % len(PAYLOAD), b"Expect: 100-continue")

    assert exchange(twin, expecting, PAYLOAD, LAST) == [100, 201, 200]


def test_a_large_body_is_answered_and_not_cut_off(twin: str) -> None:
    response = httpx.post(twin + SEND, content=b"a" * 10_000_000, headers=SIGNED_IN)

    assert (response.status_code, response.json()["message"]) == (400, "Bad request.")


def test_a_long_body_that_nobody_reads_is_not_waited_for(twin: str) -> None:
    assert exchange(twin, HEALTH, b"Content-Length: 999999999\r\n\r\n") == [200]


def test_a_path_arrives_as_it_was_sent(twin: str) -> None:
    httpx.post(f"{twin}//v1/a%2Fb%20c?d", headers=SIGNED_IN)
    entries = httpx.get(f"{twin}/_twin/requests").json()

    assert "//v1/a/b c" in json.dumps(entries)


def test_a_whole_url_may_stand_for_its_path(twin: str) -> None:
    assert exchange(twin, HEALTH.replace(b" /", b" http://a.b/"), b"\r\n", LAST) == [200, 200]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"GET /a#b HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n first: no\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n continued\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: a\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(twin: str, sent: bytes) -> None:
    assert exchange(twin, sent) == [400]


def test_no_later_version_of_http_is_spoken(twin: str) -> None:
    assert exchange(twin, b"GET / HTTP/2.0\r\n\r\n") == [505]


def test_a_head_without_end_is_refused(twin: str) -> None:
    # Hardly more than is read: what nobody reads would reset the connection.
    assert exchange(twin, b"GET / HTTP/1.1\r\nA: ", b"a" * (2**16 + 2**9)) == [413]


def test_a_header_with_a_nul_gets_no_server_error(twin: str) -> None:
    assert exchange(twin, send(b"api-login: a\x00b", b"Connection: close")) == [400]


@pytest.mark.parametrize("name", [b"content_length", b"Content_Length"])
def test_a_length_with_an_underscore_ends_no_body(twin: str, name: bytes) -> None:
    headers = (b"%s: 3" % name, b"Content-Length: %d" % len(PAYLOAD))

    assert exchange(twin, send(*headers), PAYLOAD, LAST) == [201, 200]
    assert exchange(twin, send(*reversed(headers)), PAYLOAD, LAST) == [201, 200]


@pytest.mark.parametrize(
    "headers",
    [
        b"Authorization: Bearer secret\r\nAuthorization: Bearer secret\r\n",
        b"Authorization: Bearer other\r\nAuthorization: Bearer secret\r\n",
        b"Authorization: Bearer secret\r\nAuthorization: Bearer other\r\n",
    ],
)
@pytest.mark.unmeasured
def test_a_token_that_is_sent_twice_is_none(headers: bytes) -> None:
    with Serving(build(ServeOptions(quiet=True, token="secret"))) as serving:
        assert exchange(serving.url, HEALTH, headers, b"Connection: close\r\n\r\n") == [401]


def test_of_two_origins_neither_is_forgotten(twin: str) -> None:
    own = b"Origin: %s\r\n" % twin.encode()
    both = (b"Origin: http://example.com\r\n", own)

    assert exchange(twin, HEALTH, *both, b"Connection: close\r\n\r\n") == [403]


def test_the_server_names_itself_and_no_one_else(twin: str) -> None:
    assert httpx.get(f"{twin}/_twin/health").headers["Server"] == "vms-kit"


@pytest.mark.unmeasured
def test_more_connections_than_threads_are_kept_alive(twin: str) -> None:
    with contextlib.ExitStack() as open_ones:
        clients = [open_ones.enter_context(httpx.Client(base_url=twin)) for _ in range(40)]
        answers = [client.get("/_twin/health") for client in clients]

    assert [answer.headers.get("Connection") for answer in answers] == [None] * 40


# ── an application in a thread ────────────────────────────────────────────


def answering(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Hang up as the path says, or answer."""
    start_response("200 OK", [("Content-Length", "2")])
    match environ["PATH_INFO"]:
        case "/fin":
            raise ConnectionAbortedError
        case "/rst":
            raise ConnectionResetError
        case "/wait":
            environ["wsgi.input"].read()
        case "/fail":
            raise ZeroDivisionError
        case _:
            return [b"ok"]
    return []


@pytest.fixture
def url() -> Iterator[str]:
    with Serving(answering, threads=2) as serving:
        yield serving.url


def test_a_connection_can_end_without_a_byte(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(b"POST /fin HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")

        assert heard(connection) == b""


def test_a_connection_can_be_reset_without_a_byte(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(b"GET /rst HTTP/1.1\r\n\r\n")

        with pytest.raises(ConnectionResetError):
            connection.recv(1)


@pytest.mark.parametrize("path", ["/fin", "/rst", "/fail"])
def test_other_connections_live_on(
    url: str, path: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with httpx.Client(base_url=url) as other:
        for _ in range(5):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(url + path)

            assert other.get("/").text == "ok"
    assert (capfd.readouterr(), caplog.records) == (("", ""), [])


def test_a_client_that_goes_away_in_its_request_is_not_worth_a_word(
    url: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for path in ("/wait", "/"):
        with connect(url) as connection:
            connection.sendall(b"POST %s HTTP/1.1\r\nContent-Length: 9\r\n\r\nab" % path.encode())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert httpx.get(url).text == "ok"
    assert (capfd.readouterr(), caplog.records) == (("", ""), [])


def test_clients_that_say_nothing_hold_up_nobody(url: str) -> None:
    with contextlib.ExitStack() as open_ones:
        for _ in range(10):
            open_ones.enter_context(connect(url))

        assert httpx.get(url).text == "ok"


def test_it_stops_with_connections_open() -> None:
    with Serving(answering) as serving, connect(serving.url) as silent:
        client = httpx.Client(base_url=serving.url)
        client.get("/")
        serving.stop()

        assert heard(silent) == b""
        with pytest.raises(httpx.ConnectError):
            httpx.get(serving.url)
        client.close()


@pytest.mark.unmeasured
def test_what_is_not_answered_when_it_stops_is_cut_off() -> None:
    begun, end = threading.Semaphore(0), threading.Event()

    def slow(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        begun.release()
        end.wait()
        return answering(environ, start_response)

    with (
        Serving(slow, threads=1) as serving,
        connect(serving.url) as connection,
        connect(serving.url) as waiting,
    ):
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        begun.acquire()
        waiting.sendall(b"GET / HTTP/1.1\r\n\r\n")
        serving.stop()

        assert heard(connection) == b""
        end.set()
        with contextlib.suppress(ConnectionResetError):
            heard(waiting)
        assert not begun.acquire(blocking=False)


def test_what_was_served_is_forgotten() -> None:
    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        return answering(environ, start_response)

    with Serving(application) as serving:
        httpx.get(serving.url)
    kept = weakref.ref(application)
    del application, serving
    gc.collect()

    assert kept() is None


def test_no_two_servers_share_a_port() -> None:
    with Serving(answering) as first:
        port = int(first.url.rpartition(":")[2])

        with pytest.raises(CannotListenError, match="already in use"):
            Serving(answering, port=port).start()


@pytest.mark.parametrize("host", ["::1", "localhost"])
def test_a_host_is_served_under_its_name(host: str) -> None:
    with Serving(answering, host) as serving:
        assert host in serving.url
        assert httpx.get(serving.url).text == "ok"


def test_every_address_is_both_kinds() -> None:
    with Serving(answering, "::") as serving:
        assert httpx.get(serving.url.replace("[::]", "127.0.0.1")).text == "ok"
