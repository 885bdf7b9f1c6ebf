"""`vms serve` as a user has it: a process, a port, a signal."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from common import BODY, SEND, SIGNED_IN
from mock_server.server import CannotListenError, Options, build, is_loopback, serve

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


def test_it_answers_and_says_where() -> None:
    with serving() as (_, url):
        response = httpx.post(url + SEND, json=BODY, headers=SIGNED_IN)

        assert (response.status_code, response.json()["residual_credit"]) == (201, 149.95)
        assert httpx.get(url + response.headers["Twin-Request"]).json()["verdict"] == "accepted"


def test_strict_refuses_what_is_sloppy() -> None:
    with serving("--strict") as (_, url):
        response = httpx.post(url + SEND, json=BODY | {"text": 5}, headers=SIGNED_IN)

    assert (response.status_code, list(response.json()["errors"])) == (400, ["text"])


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_it_is_told_to_and_leaves_no_process(sent: signal.Signals) -> None:
    with serving() as (process, url), httpx.Client(base_url=url) as kept_alive:
        kept_alive.get("/_twin/health")
        family = psutil.Process(process.pid).children(recursive=True)
        # Ctrl-C reaches the whole group.
        os.killpg(process.pid, sent)

        assert process.wait(10) == 0
        assert psutil.wait_procs(family, timeout=10)[1] == []


def test_a_supervisor_that_is_killed_leaves_no_process() -> None:
    with serving() as (process, url):
        httpx.get(f"{url}/_twin/health")
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()

        assert psutil.wait_procs(family, timeout=10)[1] == []


def test_its_log_tells_of_high_stakes_and_no_numbers() -> None:
    with serving() as (process, url):
        httpx.post(url + SEND, json=BODY | {"mode": "simu"}, headers=SIGNED_IN)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=10)

    assert "high stakes: /mode" in log
    assert "+336" not in log


def test_a_large_body_is_answered_and_not_cut_off() -> None:
    with serving("--quiet") as (_, url):
        response = httpx.post(url + SEND, content=b"a" * 10_000_000, headers=SIGNED_IN)

    assert (response.status_code, response.json()["message"]) == (400, "Bad request.")


def test_a_chunked_body_is_read() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"text": "Hello.", '
        yield b'"recipients": [{"phone_number": "+33612345678"}]}'

    headers = SIGNED_IN | {"Content-Type": "application/json"}
    with serving("--quiet") as (_, url):
        assert httpx.post(url + SEND, content=chunks(), headers=headers).status_code == 201


def test_a_header_with_a_nul_gets_no_server_error() -> None:
    with serving("--quiet") as (_, url):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(
                b"POST " + SEND.encode() + b" HTTP/1.1\r\nHost: x\r\napi-login: a\x00b\r\n"
                b"Content-Length: 0\r\nConnection: close\r\n\r\n"
            )
            answer = connection.recv(4096)

    assert answer.split(b" ")[1] == b"400"


def test_a_taken_port_is_an_error_of_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*SERVE[:-1], port], capture_output=True, text=True, check=False, timeout=30
        )

    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"Error: 127.0.0.1:{port}: Address already in use; try --port 0 for a free one"
    )


def test_a_second_twin_on_the_same_port_is_refused() -> None:
    with serving() as (_, url):
        port = url.rpartition(":")[2]
        done = subprocess.run(
            [*SERVE[:-1], port], capture_output=True, text=True, check=False, timeout=30
        )

    assert (done.returncode, "already in use" in done.stderr) == (1, True)


def test_a_free_port_can_be_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with serving("--port", str(port)) as (_, url):
        assert url == f"http://127.0.0.1:{port}"


def test_ipv6_is_served() -> None:
    with serving("--host", "::1") as (_, url):
        assert url.startswith("http://[::1]:")
        assert httpx.get(f"{url}/_twin/health").status_code == 200


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


def test_a_contract_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("openapi: 3.0.0\n", "utf-8")

    done = subprocess.run(
        [*SERVE, "--contract", path], capture_output=True, text=True, check=False, timeout=30
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {path}:1: /: no OpenAPI 3.1 document")


@pytest.mark.parametrize("quiet", [True, False])
def test_the_application_can_be_built_without_a_server(*, quiet: bool) -> None:
    client = build(Options(quiet=quiet)).test_client()

    assert client.get("/_twin/health").status_code == 200


def test_a_server_that_cannot_start_tells_its_caller() -> None:
    with pytest.raises(CannotListenError), socket.create_server(("127.0.0.1", 0)) as taken:
        serve(Options(port=taken.getsockname()[1]), print)
