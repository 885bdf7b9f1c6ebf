"""One request is answered alike by the server, by the WSGI application and without a socket."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from common import BODY, SEND, Clock
from mock_server.contract.loader import Contract, load
from mock_server.core.handler import Twin
from mock_server.http import imitated, wsgi
from mock_server.http.app import create_app
from mock_server.http.heads import Head
from mock_server.http.server import Serving
from mock_server.reading.decoding import LARGEST_BODY
from mock_server.testing.transport import BASE_URL, InProcess

JSON = (b"Content-Type", b"application/json")
KEY = (b"api-key", b"k")
GONE, RESET = "gone", "reset"
# Of a connection, and not of an answer.
OF_THE_SERVER = {"Date", "Server", "Connection"}


@dataclass(frozen=True)
class Sent:
    """A request, and the fault that its account has."""

    method: str = "POST"
    target: bytes = SEND.encode()
    headers: tuple[tuple[bytes, bytes], ...] = (JSON, (b"api-login", b"ada"), KEY)
    body: bytes = json.dumps(BODY).encode()
    chunked: bool = False
    fault: dict[str, Any] | None = None

    @property
    def head(self) -> Head:
        """As the edges read it."""
        return Head.of(self.method, self.target, self.lines)

    @property
    def lines(self) -> list[tuple[bytes, bytes]]:
        """The headers, with those of the body."""
        length = (b"Content-Length", b"%d" % len(self.body))
        about = (b"Transfer-Encoding", b"chunked") if self.chunked else length
        return [(b"Host", b"localhost"), *self.headers, about]


@dataclass(frozen=True)
class Got:
    """An answer to the byte, and what the inbox has of it."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | str = b""
    entries: list[Any] = field(default_factory=list)


class Edges:
    """Three twins whose clock stands still, each behind another edge."""

    def __init__(self, contract: Contract, url: str, served: Twin) -> None:
        self.apps = {name: create_app(Twin(contract, clock=Clock())) for name in ("wsgi", "none")}
        self.inside = InProcess(self.apps["none"])
        self.twins = [served, *(imitated.Served.of(app).twin for app in self.apps.values())]
        self.control = {twin: create_app(twin).test_client() for twin in self.twins}
        host, port = url.removeprefix("http://").split(":")
        self.address = (host, int(port))

    def all(self, sent: Sent, first: Sent | None = None) -> list[Got]:
        """What each of them answers, from the same beginning.

        The server got ``first`` before, over the same connection.
        """
        with socket.create_connection(self.address, timeout=10) as connection:
            server = partial(self.server, connection)
            if first:
                server(first)
            return self.each(sent, (server, self.wsgi, self.transport))

    def each(self, sent: Sent, ways: Iterable[Callable[[Sent], Any]]) -> list[Got]:
        answers = []
        for twin, ask in zip(self.twins, ways, strict=True):
            twin.store.reset()
            if sent.fault:
                login = sent.head.headers.get("api-login", "").strip()
                account = f"/_twin/accounts/{login}/faults"
                put = self.control[twin].put(account, json={"faults": [sent.fault]})
                assert put.status_code == 200
            status, headers, body = ask(sent)
            rows = self.rows(twin)
            last = min([row["id"] for row in rows], default=0)
            whole = [twin.inbox.find(row["id"]) for row in rows]
            # WSGI does not know names with an underscore, which are part of the reason.
            entries = [{**row, "id": row["id"] - last, "sign_in": None} for row in whole if row]
            # How many requests came before, the link says as well.
            links = {f"/_twin/requests/{row['id']}": f"/{row['id'] - last}" for row in rows}
            kept = [
                (name, links.get(value, value))
                for name, value in headers
                if name not in OF_THE_SERVER
            ]
            answers.append(Got(status, kept, body, entries))
        return answers

    def rows(self, twin: Twin) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]]
        rows = self.control[twin].get("/_twin/requests?limit=1000").json["requests"]
        return rows

    @staticmethod
    def server(
        connection: socket.socket, sent: Sent
    ) -> tuple[int, list[tuple[str, str]], bytes | str]:
        head = b"%s %s HTTP/1.1\r\n" % (sent.method.encode(), sent.target)
        lines = b"".join(b"%s: %s\r\n" % line for line in sent.lines)
        body = sent.body
        if sent.chunked:
            cut = len(body) // 2
            parts = [part for part in (body[:cut], body[cut:]) if part]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        connection.sendall(head + lines + b"\r\n" + body)
        with http.client.HTTPResponse(connection, method=sent.method) as answer:
            try:
                answer.begin()
            except http.client.RemoteDisconnected:
                return 0, [], GONE
            except ConnectionResetError:
                return 0, [], RESET
            return answer.status, answer.getheaders(), answer.read()

    def wsgi(self, sent: Sent) -> tuple[int, list[tuple[str, str]], bytes | str]:
        url = ("http", "127.0.0.1", 80)
        environ = wsgi.environ(sent.head, sent.body, url)
        if not sent.chunked:
            del environ["wsgi.input_terminated"]
        reply = wsgi.call(self.apps["wsgi"], environ)
        if reply.hang_up:
            return 0, [], RESET if reply.reset else GONE
        return reply.status, reply.headers, reply.body

    def transport(self, sent: Sent) -> tuple[int, list[tuple[str, str]], bytes | str]:
        url = httpx.URL(BASE_URL, raw_path=sent.target)
        request = httpx.Request(
            sent.method,
            url,
            headers=sent.lines,
            content=iter([sent.body]) if sent.chunked else sent.body,
        )
        # httpx adds headers of its own, and sends no blanks around a value.
        request.headers = httpx.Headers([(name, value.strip()) for name, value in sent.lines])
        try:
            response = self.inside.handle_request(request)
        except httpx.ReadError:
            return 0, [], RESET
        except httpx.RemoteProtocolError:
            return 0, [], GONE
        raw = response.headers.raw
        return (
            response.status_code,
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw],
            response.read(),
        )


@pytest.fixture(scope="module")
def edges() -> Iterator[Edges]:
    contract = load()
    served = Twin(contract, clock=Clock())
    with Serving(create_app(served)) as serving:
        yield Edges(contract, serving.url, served)


LOGINS = st.sampled_from([b"ada", b" ada ", b"", "é日".encode(), b"\xe9\xff", b"a\tb", b"a, b"])
SAMPLES = st.sampled_from(
    [
        json.dumps(BODY).encode(),
        json.dumps(BODY | {"text": 5, "mode": "simu"}).encode(),
        json.dumps(BODY | {"simulation_mode": True, "text": "é日"}, ensure_ascii=False).encode(),
        json.dumps(BODY | {"recipients": ["06 12 34 56 78"] * 300}).encode(),
        json.dumps(BODY | {"voice_language": "xx-XX"}).encode(),
        b"text=a&recipients=%2B33612345678",
        b'{"text": ',
        b"\xff\xfe",
        b"",
    ]
)
BODIES = st.one_of(SAMPLES, st.binary(max_size=50))
LINES = st.one_of(
    st.just(KEY),
    st.tuples(st.sampled_from([b"api-login", b"Api-Login", b"api_login"]), LOGINS),
    st.tuples(st.just(b"api-key"), st.sampled_from([b"k", b"other", b""])),
    st.tuples(
        st.sampled_from([b"Content-Type", b"content-type"]),
        st.sampled_from(
            [
                b"application/json",
                b"application/json; charset=utf-8",
                b"application/x-www-form-urlencoded",
                b"text/plain",
                b"",
            ]
        ),
    ),
    st.tuples(
        st.just(b"Prefer"),
        st.sampled_from([b"code=403", b"code=418", b"example=out-of-credit", b"wait=5", b""]),
    ),
    st.tuples(st.just(b"X-Other"), st.sampled_from([b"\xff", b"a"])),
)
TARGETS = st.sampled_from(
    [
        SEND.encode(),
        SEND.encode() + b"?simulation_mode=true",
        b"/" + SEND.encode(),
        SEND.encode() + b"/",
        b"/v1//a%2Fb%20%C3%A9%FF",
        b"/_twinned",
        b"/",
    ]
)
FAULTS = st.sampled_from(
    [
        None,
        {"fault": "reset"},
        {"fault": "drop_after_commit"},
        {"fault": "truncate"},
        {"fault": "truncate", "bytes": 0},
        {"fault": "garble"},
        {"fault": "content_type"},
        {"fault": "missing_field", "field": "ticket_number"},
        {"fault": "status", "status": 429, "retry_after": 3},
        {"fault": "answer", "answer": "unauthorized"},
        {"fault": "delay", "seconds": 0.001},
    ]
)
METHODS = st.sampled_from(
    ["POST", "POST", "POST", "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
)
REQUESTS = st.builds(
    Sent,
    METHODS,
    TARGETS | st.just(SEND.encode()),
    st.lists(LINES, max_size=6).map(tuple)
    | st.lists(LINES, max_size=2).map(lambda more: (JSON, (b"api-login", b"ada"), KEY, *more)),
    BODIES,
    st.booleans(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(sent=REQUESTS)
def test_all_edges_answer_alike(edges: Edges, sent: Sent) -> None:
    by_server, by_wsgi, by_transport = edges.all(sent)

    assert by_server == by_wsgi
    assert by_server == by_transport


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(sent=REQUESTS, first=BODIES)
@example(sent=Sent(body=b""), first=b"0")
@example(sent=Sent(body=json.dumps(BODY).encode()), first=b"")
def test_a_head_that_came_before_is_read_as_the_first_time(
    edges: Edges, sent: Sent, first: bytes
) -> None:
    """Only Content-Length is another: the server need not parse it again."""
    by_server, by_wsgi, _ = edges.all(sent, replace(sent, body=first))

    assert by_server == by_wsgi


@given(fault=FAULTS, body=SAMPLES, method=st.sampled_from(["POST", "HEAD"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example(fault={"fault": "reset"}, body=json.dumps(BODY).encode(), method="POST")
@example(fault={"fault": "drop_after_commit"}, body=json.dumps(BODY).encode(), method="POST")
def test_all_edges_meet_faults_alike(
    edges: Edges, fault: dict[str, Any] | None, body: bytes, method: str
) -> None:
    by_server, by_wsgi, by_transport = edges.all(Sent(method, body=body, fault=fault))

    assert by_server == by_wsgi
    assert by_server == by_transport


@pytest.mark.parametrize("more", [-1, 0, 1, 2 * LARGEST_BODY])
@pytest.mark.parametrize("chunked", [True, False])
def test_all_edges_read_as_much_of_a_large_body(edges: Edges, more: int, *, chunked: bool) -> None:
    frame = json.dumps(BODY | {"list_name": ""}).encode()
    body = json.dumps(BODY | {"list_name": "a" * (LARGEST_BODY - len(frame) + more)}).encode()

    by_server, by_wsgi, by_transport = edges.all(Sent(body=body, chunked=chunked))

    assert by_server.status == (201 if more <= 0 else 400)
    assert by_server == by_wsgi
    assert by_server == by_transport


def test_the_faults_that_end_a_connection_do_so_at_every_edge(edges: Edges) -> None:
    dropped = edges.all(Sent(fault={"fault": "drop_after_commit"}))
    reset = edges.all(Sent(fault={"fault": "reset"}))

    assert [got.body for got in dropped] == [GONE] * 3
    assert [got.body for got in reset] == [RESET] * 3


def test_a_defect_is_answered_alike(edges: Edges, caplog: pytest.LogCaptureFixture) -> None:
    with patch.object(Twin, "handle", side_effect=ZeroDivisionError):
        by_server, by_wsgi, by_transport = edges.all(Sent())

    assert (by_server.status, by_server) == (500, by_wsgi)
    assert by_server == by_transport
    assert "The twin failed" in caplog.text


def test_an_underscore_makes_another_header(edges: Edges) -> None:
    headers = (JSON, (b"api_login", b"ada"), (b"api_key", b"k"))

    assert [got.status for got in edges.all(Sent(headers=headers))] == [401] * 3


def test_a_header_that_is_sent_twice_is_a_list(edges: Edges) -> None:
    headers = (*Sent().headers, (b"Prefer", b"code=400"), (b"Prefer", b"example=out-of-credit"))

    answers = edges.all(Sent(headers=headers))

    assert [json.loads(got.body)["code"] for got in answers] == [104] * 3


@pytest.mark.unmeasured
def test_many_at_once_are_each_answered_once(edges: Edges) -> None:
    """Requests of many clients are interleaved in the loop and in its threads."""
    bodies = [json.dumps(BODY | {"recipients": ["06 12 34 56 78"] * n}) for n in (1, 400)]
    edges.twins[0].store.reset()

    def send(number: int) -> list[int]:
        headers = {"api-login": f"login-{number}", "api-key": "k"}
        url = "http://{}:{}".format(*edges.address)
        with httpx.Client(base_url=url, headers=headers) as client:
            return [
                client.post(SEND, content=bodies[n % 2]).json()["number_of_contacts"]
                for n in range(10)
            ]

    with ThreadPoolExecutor(8) as pool, contextlib.closing(pool.map(send, range(8))) as found:
        assert [*found] == [[1, 400] * 5] * 8
