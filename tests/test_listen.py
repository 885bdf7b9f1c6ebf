"""``vms listen``: what it prints, what it forwards, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch
from wsgiref.simple_server import WSGIRequestHandler, make_server

import flask
import httpx
import pytest
from click.testing import CliRunner, Result

import mock_server
from common import BODY, SEND
from mock_server.contract.loader import load
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.served import ServeOptions
from mock_server.http.server import Serving
from mock_server.testing.account import VoiceTwin
from vms import listen
from vms.cli import vms
from vms.listen import Feed

NUMBER, OTHER = "+33612345678", "+33698765432"
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def twin() -> Iterator[VoiceTwin]:
    with mock_server.running() as twin:
        yield twin


def send(twin: VoiceTwin, *numbers: str, **body: Any) -> None:
    recipients = [{"phone_number": number} for number in numbers or (NUMBER,)]
    body = BODY | {"recipients": recipients, "get_back_pressed_keys": True} | body
    assert httpx.post(twin.base_url + SEND, json=body, headers=twin.headers).status_code == 201


class Ready:
    """What happens once the command listens; in the same thread, so that nothing is timed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._action: Callable[[], None] = lambda: None
        monkeypatch.setattr(listen, "remark", lambda _: self._action())

    def __call__(self, action: Callable[[], None]) -> None:
        self._action = action


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Ready:
    return Ready(monkeypatch)


def run(twin: VoiceTwin | str, *options: str) -> Result:
    url = twin if isinstance(twin, str) else twin.base_url
    return CliRunner().invoke(vms, ["listen", "--url", url, *options], catch_exceptions=False)


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Interrupt it, as Ctrl-C does, in place of the poll after so many."""

    def after(polls: int) -> None:
        more, left = Feed.more, [polls]

        def counted(feed: Feed) -> list[dict[str, Any]]:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return more(feed)

        monkeypatch.setattr(Feed, "more", counted)

    return after


# ── what is printed ──────────────────────────────────────────────────


def test_a_receipt_is_printed_as_it_happens(
    twin: VoiceTwin, ready: Ready, stops: Callable[[int], None]
) -> None:
    twin.phone(NUMBER).answers(keys="12#")
    ready(lambda: send(twin, NUMBER, OTHER))
    stops(1)

    result = run(twin)

    assert result.stdout.splitlines() == [
        f'receipt 1-0 of {NUMBER}: DELIVERED, keys "12#" ({twin.login})',
        f"receipt 1-1 of {OTHER}: DELIVERED ({twin.login})",
    ]
    assert (result.exit_code, result.stderr) == (130, "\nInterrupted.\n")


def test_what_was_there_before_is_not_printed(twin: VoiceTwin, ready: Ready) -> None:
    send(twin, NUMBER)
    ready(lambda: send(twin, OTHER))

    result = run(twin, "--once", "--login", twin.login)

    assert result.stdout == f"receipt 2-0 of {OTHER}: DELIVERED\n"
    assert result.exit_code == 0


def test_as_json_a_line_is_a_receipt_of_the_log(twin: VoiceTwin, ready: Ready) -> None:
    ready(lambda: send(twin, NUMBER, OTHER))

    result = run(twin, "--once", "--json")

    (line,) = result.stdout.splitlines()
    assert json.loads(line) == {**twin.receipts[0].document, "forwarded": None}


def test_the_receipts_of_others_are_left_out_where_a_login_is_named(
    twin: VoiceTwin, ready: Ready
) -> None:
    other = twin.another()
    ready(lambda: (send(other), send(twin))[0])

    assert run(twin, "--once", "--login", twin.login).stdout.startswith("receipt 2-0 of")


def test_a_receipt_with_a_url_of_its_own_is_printed_too(twin: VoiceTwin, ready: Ready) -> None:
    twin.set(callback_url=NOBODY)
    ready(lambda: send(twin))

    assert run(twin, "--once").stdout.startswith(f"receipt 1-0 of {NUMBER}: DELIVERED")


@pytest.mark.unmeasured
def test_an_opt_out_and_a_lost_receipt_are_printed_as_such(
    twin: VoiceTwin, ready: Ready, stops: Callable[[int], None]
) -> None:
    twin.phone(NUMBER).opts_out()
    twin.faults.add("receipt_lost", times=1)
    ready(lambda: send(twin))
    stops(1)

    assert run(twin, "--login", twin.login, "--forward-to", NOBODY).stdout.splitlines()[:2] == [
        f'receipt 1-0 of {NUMBER}: DELIVERED, keys "9", lost on demand',
        f"receipt 1-0-stop of {NUMBER}: opt-out",
    ]


# ── none is missed, none is repeated ─────────────────────────────────


@pytest.fixture
def near() -> Iterator[VoiceTwin]:
    with mock_server.running(http=False) as twin:
        yield twin


def transport_send(twin: VoiceTwin, *numbers: str) -> None:
    recipients = [{"phone_number": number} for number in numbers or (NUMBER,)]
    with httpx.Client(transport=twin.transport, base_url=twin.base_url) as client:
        client.post(SEND, json=BODY | {"recipients": recipients}, headers=twin.headers)


@pytest.fixture
def feed(near: VoiceTwin) -> Iterator[Feed]:
    with (
        httpx.Client(transport=near.transport, base_url=near.base_url) as client,
        patch.object(listen, "_WAIT", 0),
    ):
        yield Feed(client, None)


def ids(feed: Feed) -> list[str]:
    return [one["id"] for one in feed.more()]


def test_what_comes_between_two_polls_is_there_in_the_next(near: VoiceTwin, feed: Feed) -> None:
    feed.begin()
    transport_send(near, NUMBER, OTHER)
    assert ids(feed) == ["1-0", "1-1"]
    transport_send(near)
    transport_send(near)
    assert ids(feed) == ["2-0", "3-0"]
    assert ids(feed) == []


def test_more_than_a_page_is_read_page_by_page(near: VoiceTwin, feed: Feed) -> None:
    numbers = [f"+3361234567{digit}" for digit in range(5)]
    with patch.object(listen, "_PAGE", 2):
        transport_send(near, *numbers[:4])
        feed.begin()
        transport_send(near, *numbers)
        assert [ids(feed), ids(feed), ids(feed)] == [["2-0", "2-1"], ["2-2", "2-3"], ["2-4"]]


def test_an_account_that_is_reset_hides_and_repeats_nothing(near: VoiceTwin, feed: Feed) -> None:
    other = near.another()
    transport_send(other)
    feed.begin()
    transport_send(near)
    assert ids(feed) == ["2-0"]
    # The last one that was read is gone, and the page begins at the first of the log.
    near.forget()
    transport_send(near)
    assert ids(feed) == ["3-0"]
    assert ids(feed) == []


def test_a_log_that_is_empty_again_goes_on(near: VoiceTwin, feed: Feed) -> None:
    transport_send(near)
    feed.begin()
    near.forget()
    assert ids(feed) == []
    transport_send(near)
    assert ids(feed) == ["2-0"]


def test_only_so_many_are_remembered(near: VoiceTwin, feed: Feed) -> None:
    with patch.object(listen, "_MOST_SEEN", 2):
        transport_send(near, NUMBER, OTHER, "+33612345679")
        feed.begin()

    assert [*feed._seen] == ["1-1", "1-2"]  # noqa: SLF001  (nobody else can know)


# ── what is forwarded ────────────────────────────────────────────────


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def took() -> list[tuple[str, bytes]]:
    return []


@pytest.fixture
def receiver(took: list[tuple[str, bytes]]) -> Iterator[str]:
    app = flask.Flask(__name__)

    @app.post("/<int:status>")
    def receive(status: int) -> tuple[str, int, dict[str, str]]:
        took.append((flask.request.content_type or "", flask.request.get_data()))
        return "No." if status >= 400 else "", status, {"Location": "/200"}

    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("form", ["json", "form"])
def test_a_receipt_is_forwarded_as_the_api_would_send_it(
    twin: VoiceTwin, ready: Ready, receiver: str, took: list[tuple[str, bytes]], form: str
) -> None:
    twin.set(callback_format=form)
    ready(lambda: send(twin))

    result = run(twin, "--once", "--forward-to", f"{receiver}/200")

    (receipt,) = twin.receipts
    assert took == [(receipt.content_type, receipt.body)]
    assert result.stdout.splitlines()[1:] == ["    answered 200, with no body"]


ANSWERS = {"204": 0, "500": 1, "302": 1}


@pytest.mark.unmeasured
@pytest.mark.parametrize("status", ANSWERS)
def test_the_receivers_status_is_printed_and_makes_the_exit_code(
    twin: VoiceTwin, ready: Ready, receiver: str, took: list[tuple[str, bytes]], status: str
) -> None:
    ready(lambda: send(twin))

    result = run(twin, "--once", "--json", "--forward-to", f"{receiver}/{status}")

    answer = "No." if status == "500" else ""
    assert json.loads(result.stdout)["forwarded"] == {"status": int(status), "answer": answer}
    assert result.exit_code == ANSWERS[status]
    # A redirect is not followed.
    assert len(took) == 1


def test_a_receiver_that_does_not_answer_is_reported_and_holds_up_nothing(
    twin: VoiceTwin, ready: Ready, stops: Callable[[int], None]
) -> None:
    ready(lambda: send(twin, NUMBER, OTHER))
    stops(1)

    lines = run(twin, "--forward-to", NOBODY).stdout.splitlines()

    assert [line.split(" (")[0] for line in lines[::2]] == [
        f"receipt 1-0 of {NUMBER}: DELIVERED",
        f"receipt 1-1 of {OTHER}: DELIVERED",
    ]
    assert {line[:15] for line in lines[1::2]} == {"    no answer: "}


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("https://example.com/receipts", "; for this one add --allow-host example.com"),
        ("ftp://localhost/", ""),
        ("http://", ""),
        ("localhost:5000", ""),
        ("http://[::1/", ""),
        ("http://localhost:x/", ""),
        ("http://localhost/a b", ""),
        ("http://localhost/é", ""),
    ],
)
def test_a_url_elsewhere_is_refused_before_anything_is_asked(url: str, hint: str) -> None:
    result = run(NOBODY, "--forward-to", url)

    assert result.exit_code == 2
    expected = f"got {url!r}; expected an http or https URL on this machine{hint}"
    assert result.stderr.splitlines()[-1] == f"Error: Invalid value for --forward-to: {expected}"


def test_a_host_that_is_allowed_is_not_refused() -> None:
    result = run(NOBODY, "--forward-to", "http://a.example", "--allow-host", "a.example")

    assert "no twin answers" in result.stderr


@pytest.mark.unmeasured
def test_a_name_of_this_machine_that_leads_elsewhere_names_the_option(
    twin: VoiceTwin, ready: Ready
) -> None:
    ready(lambda: send(twin))
    resolve = socket.getaddrinfo

    def elsewhere(host: str, *given: Any, **named: Any) -> Any:
        address = "192.0.2.1" if host == "a.localhost" else host
        return resolve(address, *given, **named)

    with patch.object(socket, "getaddrinfo", elsewhere):
        result = run(twin, "--once", "--forward-to", "http://a.localhost/")

    assert "start with --allow-host a.localhost" in result.stdout


# ── how it ends ──────────────────────────────────────────────────────


def test_a_twin_that_is_not_there_is_one_line() -> None:
    result = run(NOBODY)

    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: no twin answers at {NOBODY} (")
    assert line.endswith("); start one with `vms serve`, or name another with --url")
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_twin_that_stops_is_one_line(ready: Ready) -> None:
    with Serving(create_app(Twin(load()))) as serving:
        url = serving.url
        ready(serving.stop)
        result = run(url)

    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: the twin at {url} has stopped (")
    assert result.exit_code == 2


@pytest.mark.parametrize("given", [None, "another"])
def test_a_token_that_is_refused_is_one_line(given: str | None) -> None:
    app = create_app(Twin(load()), ServeOptions(token="secret"))
    with Serving(app) as serving:
        result = run(serving.url, *(["--token", given] if given else []))

    hint = "give the one that it printed at its start with --token, or in VOICE_TWIN_TOKEN"
    assert result.stderr == f"Error: the twin at {serving.url} refuses the token; {hint}\n"
    assert result.exit_code == 2


def test_the_token_may_stand_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, stops: Callable[[int], None]
) -> None:
    monkeypatch.setenv("VOICE_TWIN_TOKEN", "secret")
    stops(0)
    with Serving(create_app(Twin(load()), ServeOptions(token="secret"))) as serving:
        assert run(serving.url).exit_code == 130


def test_a_proxy_of_the_environment_is_not_asked_for_a_twin_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, stops: Callable[[int], None]
) -> None:
    monkeypatch.setenv("http_proxy", NOBODY)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    stops(0)
    with Serving(create_app(Twin(load()))) as serving:
        assert run(serving.url).exit_code == 130


def answering(*answer: Any, **given: Any) -> Callable[[object], httpx.Client]:
    transport = httpx.MockTransport(lambda _: httpx.Response(*answer, **given))
    return lambda _: httpx.Client(transport=transport, base_url="http://localhost")


STRANGE = {
    "HTML": (
        answering(200, text="<html>"),
        "http://localhost/_twin/receipts answers 200 OK; is that a twin of this version?",
    ),
    "other JSON": (
        answering(404, json={"detail": "Not Found"}),
        "http://localhost/_twin/receipts answers 404 Not Found; is that a twin of this version?",
    ),
    "a list": (
        answering(200, json=[]),
        "http://localhost/_twin/receipts answers 200 OK; is that a twin of this version?",
    ),
    "a refusal": (
        answering(403, json={"where": "Host", "got": "a", "expected": "a loopback name"}),
        "Host: got a; expected a loopback name",
    ),
}


@pytest.mark.parametrize("answer", STRANGE)
def test_what_is_no_answer_of_a_twin_is_one_line(answer: str) -> None:
    client, expected = STRANGE[answer]
    with patch.object(listen, "_client", client):
        result = run("http://localhost")

    assert (result.exit_code, result.stderr) == (2, f"Error: {expected}\n")


@pytest.mark.parametrize(
    ("option", "value"), [("--url", "http://[::1"), ("--token", "é"), ("--url", "localhost")]
)
def test_what_cannot_be_asked_is_refused(option: str, value: str) -> None:
    result = CliRunner().invoke(vms, ["listen", option, value], catch_exceptions=False)

    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: ")


@pytest.mark.long
@pytest.mark.unmeasured
def test_three_terminals_play_together(receiver: str, took: list[tuple[str, bytes]]) -> None:
    with mock_server.running() as twin:
        command = [sys.executable, "-u", "-m", "vms", "listen", "--url", twin.base_url]
        with subprocess.Popen(
            [*command, "--forward-to", f"{receiver}/200"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"NO_PROXY": "127.0.0.1"},
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stderr.readline() == f"Listening to {twin.base_url}. Ctrl-C ends it.\n"
            twin.phone(NUMBER).answers(keys="12#")
            send(twin)
            lines = [process.stdout.readline(), process.stdout.readline()]
            process.send_signal(signal.SIGINT)
            ending = process.stderr.read()

    assert lines[0] == f'receipt 1-0 of {NUMBER}: DELIVERED, keys "12#" ({twin.login})\n'
    assert lines[1] == "    answered 200, with no body\n"
    assert json.loads(took[0][1])["meta_data"]["pressed_keys_code"] == "12#"
    assert (process.returncode, ending) == (130, "\nInterrupted.\n")
