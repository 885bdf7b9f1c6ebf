"""Receipts on their way: in order, once each, whatever the receiver does."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from common import BODY, NOON, ROOT, SEND, SIGNED_IN, Clock
from mock_server.contract.loader import load
from mock_server.core import receipt_payloads
from mock_server.core.calls import Call, Message, Press
from mock_server.core.handler import Twin
from mock_server.http import receipt_sender
from mock_server.http.app import create_app
from mock_server.http.callback import NoAnswerError, Receiver
from mock_server.http.served import Served
from mock_server.http.server import Serving
from mock_server.store.call_plan import Campaign
from mock_server.store.entries import Accepted, Entry, Request
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import Account, StaleAccountError
from voice_client.receipts import OtherCallback, delivered_at, parse_receipt

NUMBER, OTHER = "+33612345678", "+33698765432"
LOGIN = SIGNED_IN["api-login"]
SHIPPED = load()
# No second try has to be waited for, and a receiver that is slow is slow at once.
CONTRACT = replace(SHIPPED, calls=replace(SHIPPED.calls, retry_seconds=(0, 0)))
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
RESET = b"reset"
MANY = [f"+336{number:08}" for number in range(120)]


class Endpoint:
    """A receiver on loopback that answers by a function from a body to raw bytes; None closes."""

    def __init__(self, answer: Callable[[bytes], bytes | None], tls: ssl.SSLContext | None) -> None:
        self.answer = answer
        self.got = list[tuple[str, bytes]]()
        self.hosts = list[str]()
        self.connections = 0
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = list[socket.socket]()
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}/receipts?a=1"

    @property
    def members(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    @property
    def numbers(self) -> list[str]:
        return [one["number"] for one in self.members]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while line := stream.readline():
                    assert line == b"POST /receipts?a=1 HTTP/1.1\r\n"
                    headers = dict[str, str]()
                    while (line := stream.readline()) != b"\r\n":
                        name, _, value = line.decode().strip().partition(": ")
                        headers[name.lower()] = value
                    self.hosts.append(headers["host"])
                    body = stream.read(int(headers["content-length"]))
                    self.got.append((headers["content-type"], body))
                    answer = self.answer(body)
                    if answer == RESET:
                        linger = struct.pack("ii", 1, 0)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    if answer in {None, RESET}:
                        return
                    connection.sendall(answer)
        except OSError:
            return

    def close(self) -> None:
        for one in (self._listener, *self._open):
            one.close()


@pytest.fixture
def endpoint() -> Iterator[Callable[..., Endpoint]]:
    made = list[Endpoint]()

    def make(
        answer: Callable[[bytes], bytes | None] = lambda _: OK, tls: ssl.SSLContext | None = None
    ) -> Endpoint:
        made.append(Endpoint(answer, tls))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def twin_of(clock: Clock) -> Twin:
    return Twin(CONTRACT, clock=clock)


@pytest.fixture
def client(twin_of: Twin) -> Iterator[FlaskClient]:
    app = create_app(twin_of)
    yield app.test_client()
    served = Served.of(app)
    assert served is not None
    served.sender.stop()


def receive(client: FlaskClient, where: Endpoint, login: str = LOGIN, **settings: object) -> None:
    settings = {"callback_url": where.url, "credit": "1000"} | settings
    response = client.put(f"/_twin/accounts/{login}", json=settings)
    assert response.status_code == 200, response.text


def send(client: FlaskClient, *numbers: str, login: str = LOGIN, **others: object) -> str:
    body = BODY | {"recipients": [{"phone_number": number} for number in numbers]} | others
    headers = {"api-login": login, "api-key": "k"}
    response = client.post(SEND, json=body, headers=headers)
    assert response.status_code == 201, response.text
    return str(response.json["ticket_number"])


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.005)


def settled(client: FlaskClient, count: int, **query: object) -> list[Any]:
    """The receipts, once there are so many and none is pending."""
    found = list[Any]()

    def are_settled() -> bool:
        found[:] = client.get("/_twin/receipts", query_string={"limit": 1000} | query).json[
            "receipts"
        ]
        return len(found) == count and all(one["state"] != "pending" for one in found)

    until(are_settled)
    return found


# ── what is sent ─────────────────────────────────────────────────────


def test_each_call_has_one_receipt_in_order(client: FlaskClient, endpoint: Any) -> None:
    there = endpoint()
    receive(client, there)
    ticket = send(client, *MANY)
    send(client, NUMBER)

    found = settled(client, len(MANY) + 1)
    assert there.numbers == [*MANY, NUMBER]
    assert there.got[0][0] == "application/json"
    assert there.members[0] == {
        "channel": "voice_sms",
        "message_id": ticket,
        "number": MANY[0],
        "status": "DELIVERED",
        "delivery_date": "2026-11-23 13:00:00",
        "meta_data": {"call_duration": 1, "charged_duration": 30},
    }
    (attempt,) = found[0].pop("attempts")
    assert attempt == {"at": NOON.isoformat(), "status": 200, "answer": ""}
    assert found[0] == {
        "id": "1-0",
        "login": LOGIN,
        "number": MANY[0],
        "url": there.url,
        "content_type": "application/json",
        "body": there.got[0][1].decode(),
        "state": "delivered",
    }
    # A connection serves a whole turn.
    assert there.connections < 20


def test_pressed_keys_come_back_where_they_are_asked_for(
    client: FlaskClient, endpoint: Any
) -> None:
    there = endpoint()
    receive(client, there)
    send(client, "+33639981012", get_back_pressed_keys=True)
    send(client, "+33639981012")
    settled(client, 2)

    keys = [one["meta_data"].get("pressed_keys_code") for one in there.members]
    assert keys == ["12#", None]


def test_an_opt_out_has_a_callback_of_its_own(client: FlaskClient, endpoint: Any) -> None:
    there = endpoint()
    receive(client, there)
    ticket = send(client, "+33639981009")

    found = settled(client, 2)
    assert [one["id"] for one in found] == ["1-0", "1-0-stop"]
    assert there.members[1] == {
        "message_id": ticket,
        "number": "+33639981009",
        "text": "9",
        "stop_date": "2026-11-23 13:00:00",
    }
    media = WEBHOOK["webhooks"]["optOut"]["post"]["requestBody"]["content"]
    Draft202012Validator(media["application/json"]["schema"]).validate(there.members[1])
    with pytest.raises(OtherCallback):
        parse_receipt(there.got[1][1])


def test_a_scheduled_campaign_has_its_receipt_when_it_is_due(
    client: FlaskClient, endpoint: Any, clock: Clock
) -> None:
    there = endpoint()
    receive(client, there)
    send(client, NUMBER, send_at=(NOON + timedelta(hours=1)).isoformat())
    send(client, OTHER)
    settled(client, 1)
    assert there.numbers == [OTHER]

    with patch.object(receipt_sender, "_LOOK_AGAIN", 0.01):
        clock.now = NOON + timedelta(hours=1)
        settled(client, 2)

    assert there.numbers == [OTHER, NUMBER]


def test_without_a_url_nothing_is_sent(client: FlaskClient, endpoint: Any) -> None:
    there = endpoint()
    send(client, NUMBER)
    client.get("/_twin/calls")
    receive(client, there)
    send(client, OTHER)

    settled(client, 1, state="delivered")
    assert there.numbers == [OTHER]


# ── what nobody receives is there for whoever asks ───────────────────


def logged(client: FlaskClient, **query: object) -> list[Any]:
    found: list[Any] = client.get("/_twin/receipts", query_string=query).json["receipts"]
    return found


def test_without_a_url_receipts_are_there_when_somebody_asks(client: FlaskClient) -> None:
    send(client, NUMBER)
    send(client, "+33639981009")

    found = logged(client)
    assert [one["id"] for one in found] == ["1-0", "2-0", "2-0-stop"]
    assert {(one["state"], one["url"], len(one["attempts"])) for one in found} == {
        ("unsent", "", 0)
    }
    assert parse_receipt(found[0]["body"].encode()).number == NUMBER
    assert logged(client) == found


UNSENT = {
    "receipt_lost": ([("1-0", "unsent"), ("1-1", "lost"), ("1-2", "unsent")], {}),
    "receipt_duplicated": (
        [("1-0", "unsent"), ("1-1", "unsent"), ("1-1-again", "unsent"), ("1-2", "unsent")],
        {},
    ),
    "receipt_out_of_order": ([("1-0", "unsent"), ("1-2", "unsent"), ("1-1", "unsent")], {}),
    "receipt_late": ([(f"1-{index}", "unsent") for index in range(3)], {"seconds": 300}),
}


@pytest.mark.parametrize("fault", UNSENT)
def test_an_unsent_receipt_meets_what_is_injected(client: FlaskClient, fault: str) -> None:
    expected, options = UNSENT[fault]
    inject(client, fault, **options)
    send(client, ONE, TWO, THREE)

    assert [(one["id"], one["state"]) for one in logged(client)] == expected


def test_the_last_unsent_receipt_cannot_be_overtaken(client: FlaskClient) -> None:
    inject(client, "receipt_out_of_order", times=1)
    send(client, ONE, TWO)
    send(client, TWO)

    assert [one["id"] for one in logged(client)] == ["1-0", "1-1", "2-0"]


def test_of_more_unsent_receipts_than_the_log_keeps_there_are_the_newest(
    client: FlaskClient,
) -> None:
    with patch.object(receipt_sender, "MOST_RECEIPTS", 1):
        send(client, NUMBER)
        send(client, OTHER)
        found = [logged(client), logged(client)]

    assert [[one["id"] for one in one] for one in found] == [["2-0"], ["2-0"]]


def test_reading_on_since_a_receipt_misses_none_and_repeats_none(client: FlaskClient) -> None:
    send(client, ONE, TWO)
    last = logged(client)[-1]["id"]
    send(client, THREE)

    assert [one["id"] for one in logged(client, since=last)] == ["2-0"]
    assert logged(client, since="2-0") == []
    assert [one["id"] for one in logged(client, since="9-9")] == ["1-0", "1-1", "2-0"]


def test_who_waits_for_an_unsent_receipt_is_not_answered_by_another(client: FlaskClient) -> None:
    found = list[Any]()
    query = {"number": OTHER, "wait": 30}
    thread = threading.Thread(target=lambda: found.append(logged(client, **query)))
    thread.start()
    send(client, NUMBER)
    until(lambda: bool(logged(client)))
    send(client, OTHER)
    thread.join()

    assert [one["id"] for one in found[0]] == ["2-0"]


def test_a_simulation_has_no_receipt(client: FlaskClient, endpoint: Any) -> None:
    there = endpoint()
    receive(client, there)
    send(client, NUMBER, simulation_mode=True)
    send(client, OTHER)

    settled(client, 1)
    assert there.numbers == [OTHER]


def test_accounts_of_a_file_have_receipts_from_the_start(endpoint: Any) -> None:
    there = endpoint()
    known = Account("ada", None, SHIPPED.terms.opening_credit, callback_url=there.url)
    app = create_app(Twin(CONTRACT, MemoryStore([known])))
    client = app.test_client()
    send(client, NUMBER, login="ada")

    settled(client, 1)
    served = Served.of(app)
    assert served is not None
    served.sender.stop()
    served.sender.begin()


def test_a_server_that_stops_sends_no_more() -> None:
    app = create_app(Twin(CONTRACT))
    with Serving(app):
        pass

    served = Served.of(app)
    assert served is not None
    with patch.object(threading, "Thread", side_effect=AssertionError):
        served.sender.begin()


# ── the three generations ────────────────────────────────────────────

WEBHOOK = yaml.safe_load((ROOT / "openapi/voice-campaign.yaml").read_text("utf-8"))
SCHEMA = {
    "$ref": "#/components/schemas/DeliveryReceipt",
    "components": WEBHOOK["components"],
}
GENERATIONS = ["voice", "unified", "2025"]


def call(outcome: str = "completed", keys: str = "12#", heard: int = 35) -> Call:
    accepted = Accepted(
        "voice_1", 2, SHIPPED.terms.price * 4, 60, SHIPPED.terms.price, simulated=False
    )
    entry = Entry(NOON, "ada", Request("POST", SEND), accepted)
    campaign = Campaign(entry, 1, None)
    presses = (Press(NOON, keys, opts_out=False),)
    return Call(campaign, 0, NUMBER, outcome, NOON, NOON, NOON, NOON, heard, 60, presses=presses)


@given(
    outcome=st.sampled_from(sorted(SHIPPED.calls.outcomes)),
    generation=st.sampled_from(GENERATIONS),
    form=st.sampled_from(["json", "form"]),
    keys=st.text("0123456789*#", max_size=8),
    heard=st.integers(0, 3600),
    asked=st.booleans(),
    name=st.one_of(st.none(), st.text(st.characters(codec="utf-8"), min_size=1)),
)
def test_the_client_reads_every_receipt(  # noqa: PLR0913  (what is drawn)
    *,
    outcome: str,
    generation: str,
    form: str,
    keys: str,
    heard: int,
    asked: bool,
    name: str | None,
) -> None:
    one = call(outcome, keys, heard)
    message = Message("Hello.", (NUMBER,), asked, name)
    members = receipt_payloads.receipt(one, message, SHIPPED.calls, generation)
    if generation != "voice":
        Draft202012Validator(SCHEMA).validate(members)

    content_type, body = receipt_payloads.encoded(members, form)
    read = parse_receipt(body, content_type)

    expected = SHIPPED.calls.outcomes[outcome].statuses[generation]
    assert (read.message_id, read.number, read.status) == ("voice_1", NUMBER, expected)
    assert delivered_at(read) == NOON
    assert (read.meta_data.call_duration, read.meta_data.charged_duration) == (heard, 60)
    got = read.meta_data.to_dict().get("pressed_keys_code")
    assert got == (keys if asked else None)
    if generation == "2025":
        assert read.unit_price == 0.1
        assert (read.to_dict().get("list_name") or None) == (
            name.strip() and name if name else None
        )


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_receipt_is_of_the_generation_that_is_set(
    client: FlaskClient, endpoint: Any, generation: str
) -> None:
    there = endpoint()
    receive(client, there, callback_generation=generation, callback_format="form")
    send(client, NUMBER)
    settled(client, 1)

    ((content_type, body),) = there.got
    assert content_type == "application/x-www-form-urlencoded"
    names = {field.partition("=")[0] for field in body.decode().split("&")}
    assert ("channel" in names, "unit_price" in names) == (
        generation != "voice",
        generation == "2025",
    )


# ── receivers that fail ──────────────────────────────────────────────

WRONG = {
    "500": (b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nboom", 500, "boom"),
    "redirect": (b"HTTP/1.1 302 No\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 302, ""),
    "closes": (None, None, "the connection was closed without an answer"),
    "resets": (RESET, None, "the connection was closed without an answer"),
    "speaks no HTTP": (b"hello\r\n\r\n", None, "the answer is not valid HTTP"),
    "a head without end": (
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"A%d: %s\r\n" % (n, b"a" * 1000) for n in range(70)),
        None,
        "",
    ),
}


@pytest.mark.parametrize(("answer", "status", "text"), WRONG.values(), ids=WRONG)
def test_a_receiver_that_fails_is_tried_again_and_given_up(
    client: FlaskClient, endpoint: Any, answer: bytes | None, status: int | None, text: str
) -> None:
    there = endpoint(lambda _: answer)
    receive(client, there)
    send(client, NUMBER)

    (found,) = settled(client, 1)
    assert found["state"] == "failed"
    assert [one["status"] for one in found["attempts"]] == [status] * 3
    assert all(one["answer"].startswith(text) for one in found["attempts"])


def test_a_receiver_that_recovers_gets_every_receipt_once(
    client: FlaskClient, endpoint: Any
) -> None:
    failures = iter([b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", None])
    there = endpoint(lambda _: next(failures, OK))
    receive(client, there)
    send(client, NUMBER, OTHER)

    found = settled(client, 2)
    assert [one["state"] for one in found] == ["delivered"] * 2
    taken = Counter(one["number"] for one in there.members)
    assert sorted(taken.values()) == [1, 3] or sorted(taken.values()) == [2, 2]


def test_a_huge_answer_is_cut(endpoint: Any) -> None:
    there = endpoint(lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2**20)

    with Receiver(there.url, frozenset(), 30) as receiver:
        answer = receiver.post("text/plain", b"")

    assert (answer.status, answer.text) == (200, "x" * 500)


def test_a_name_and_password_in_the_url_stand_in_no_host(endpoint: Any) -> None:
    there = endpoint()

    with Receiver(there.url.replace("//", "//ada:secret@"), frozenset(), 30) as receiver:
        receiver.post("text/plain", b"")

    assert there.hosts == [f"localhost:{there.port}"]


@pytest.mark.unmeasured
def test_an_answer_that_ends_with_the_connection_is_read(endpoint: Any) -> None:
    there = endpoint(lambda _: b"HTTP/1.0 200 OK\r\n\r\ndone" if len(there.got) < 2 else None)

    with (
        Receiver(there.url, frozenset(), 0.3) as receiver,
        pytest.raises(NoAnswerError, match=r"no answer within 0\.3 s"),
    ):
        receiver.post("text/plain", b"")


def test_a_connection_that_was_closed_while_it_rested_is_opened_again(endpoint: Any) -> None:
    there = endpoint(lambda _: OK if len(there.got) != 2 else None)

    with Receiver(there.url, frozenset(), 30) as receiver:
        assert [receiver.post("text/plain", b"").status for _ in range(2)] == [200, 200]

    assert there.connections == 2


def test_a_receiver_that_hangs_is_not_waited_for(endpoint: Any) -> None:
    hangs = threading.Event()
    there = endpoint(lambda _: hangs.wait() and None)

    with (
        Receiver(there.url, frozenset(), 0.05) as receiver,
        pytest.raises(NoAnswerError, match=r"no answer within 0\.05 s"),
    ):
        receiver.post("text/plain", b"")
    hangs.set()


def test_the_time_is_for_the_whole_answer(endpoint: Any) -> None:
    there = endpoint()

    with (
        Receiver(there.url, frozenset(), 0) as receiver,
        pytest.raises(NoAnswerError, match="no answer within 0 s"),
    ):
        receiver.post("text/plain", b"")


def test_a_port_that_nobody_listens_on_is_no_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Receiver(url, frozenset(), 30) as receiver, pytest.raises(NoAnswerError):
            receiver.post("text/plain", b"")


def test_a_name_that_resolves_elsewhere_is_not_connected_to(endpoint: Any) -> None:
    there = endpoint()
    elsewhere = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))]
    with (
        patch.object(socket, "getaddrinfo", return_value=elsewhere),
        patch.object(socket, "create_connection", side_effect=AssertionError),
        Receiver(there.url, frozenset(), 30) as receiver,
        pytest.raises(NoAnswerError, match=r"localhost is 192\.0\.2\.1, which is not this machine"),
    ):
        receiver.post("text/plain", b"")


def test_a_host_that_is_allowed_may_be_anywhere(endpoint: Any) -> None:
    there = endpoint()
    elsewhere = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", there.port))]
    here = socket.create_connection(("127.0.0.1", there.port))
    with (
        patch.object(socket, "getaddrinfo", return_value=elsewhere),
        patch.object(socket, "create_connection", return_value=here) as connected,
        Receiver(there.url, frozenset({"localhost"}), 30) as receiver,
    ):
        assert receiver.post("text/plain", b"").status == 200

    assert connected.call_args[0][0] == ("192.0.2.1", there.port)


def test_a_certificate_that_nobody_knows_is_refused(endpoint: Any) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ROOT / "tests/tls/cert.pem", ROOT / "tests/tls/key.pem")
    there = endpoint(tls=context)

    with (
        Receiver(there.url, frozenset(), 30) as receiver,
        pytest.raises(NoAnswerError, match="certificate"),
    ):
        receiver.post("text/plain", b"")


@pytest.mark.unmeasured
def test_one_that_hangs_holds_up_nobody_else(client: FlaskClient, endpoint: Any) -> None:
    hangs = threading.Event()
    stuck, there = endpoint(lambda _: hangs.wait() and None), endpoint()
    receive(client, stuck)
    receive(client, there, "grace")
    send(client, *MANY)
    send(client, *MANY, login="grace")

    settled(client, len(MANY), login="grace")
    assert there.numbers == MANY
    hangs.set()


# ── on demand ────────────────────────────────────────────────────────


def inject(client: FlaskClient, fault: str, number: str = MANY[1], /, **options: object) -> None:
    rule = {"fault": fault, "match": {"number": number}, **options}
    response = client.post(f"/_twin/accounts/{LOGIN}/faults", json=rule)
    assert response.status_code == 201, response.text


ONE, TWO, THREE = MANY[:3]
INJECTED = {
    "receipt_lost": ([ONE, THREE], {}),
    "receipt_duplicated": ([ONE, TWO, TWO, THREE], {}),
    "receipt_out_of_order": ([ONE, THREE, TWO], {}),
    "receipt_late": ([ONE, THREE, TWO], {"seconds": 0.2}),
}


@pytest.mark.parametrize("fault", INJECTED)
def test_a_receipt_meets_what_is_injected(client: FlaskClient, endpoint: Any, fault: str) -> None:
    numbers, options = INJECTED[fault]
    there = endpoint()
    receive(client, there)
    inject(client, fault, **options)
    send(client, ONE, TWO, THREE)

    found = settled(client, 3)
    until(lambda: len(there.got) == len(numbers))
    assert there.numbers == numbers
    lost = [one["state"] for one in found]
    assert lost == ["delivered", "lost" if fault == "receipt_lost" else "delivered", "delivered"]
    (counted,) = client.get(f"/_twin/accounts/{LOGIN}/faults").json["faults"]
    assert (counted["tried"], counted["met"]) == (1, 1)


def test_the_last_receipt_cannot_be_overtaken(client: FlaskClient, endpoint: Any) -> None:
    there = endpoint()
    receive(client, there)
    inject(client, "receipt_out_of_order", times=1)
    send(client, ONE, TWO)
    send(client, TWO)

    settled(client, 3)
    assert there.numbers == [ONE, TWO, TWO]


OUT_OF_ORDER = [
    ([ONE], [TWO, ONE, THREE]),
    ([ONE, TWO], [THREE, TWO, ONE]),
    ([TWO, THREE], [ONE, THREE, TWO]),
    ([ONE, TWO, THREE], [THREE, TWO, ONE]),
]


@pytest.mark.parametrize(("late", "numbers"), OUT_OF_ORDER)
def test_each_receipt_out_of_order_comes_after_the_next(
    client: FlaskClient, endpoint: Any, late: list[str], numbers: list[str]
) -> None:
    there = endpoint()
    receive(client, there)
    for number in late:
        inject(client, "receipt_out_of_order", number)
    send(client, ONE, TWO, THREE)

    settled(client, 3)
    assert there.numbers == numbers


@pytest.mark.parametrize(("late", "numbers"), OUT_OF_ORDER)
def test_each_unsent_receipt_out_of_order_comes_after_the_next(
    client: FlaskClient, late: list[str], numbers: list[str]
) -> None:
    for number in late:
        inject(client, "receipt_out_of_order", number)
    send(client, ONE, TWO, THREE)

    assert [one["number"] for one in logged(client)] == numbers


def test_a_fault_of_receipts_is_nothing_to_requests(client: FlaskClient, endpoint: Any) -> None:
    there = endpoint()
    receive(client, there)
    inject(client, "receipt_lost")
    client.post(f"/_twin/accounts/{LOGIN}/faults", json={"fault": "delay", "seconds": 0})
    send(client, ONE)

    (found,) = settled(client, 1)
    assert found["state"] == "delivered"


def test_a_receipt_is_sent_again_on_demand(client: FlaskClient, endpoint: Any) -> None:
    there = endpoint()
    receive(client, there)
    send(client, NUMBER)
    settled(client, 1)

    again = client.post("/_twin/receipts/1-0/resend")
    until(lambda: len(there.got) == 2)

    assert (again.status_code, again.json["id"]) == (202, "1-0")
    until(lambda: len(settled(client, 1)[0]["attempts"]) == 2)
    assert client.get("/_twin/receipts?state=failed").json["matching"] == 0
    assert client.get("/_twin/receipts?skip=1").json["receipts"] == []


def test_who_waits_gets_the_receipt_of_a_number_as_soon_as_it_is_delivered(
    client: FlaskClient, endpoint: Any
) -> None:
    there = endpoint()
    receive(client, there)
    query = {"number": OTHER, "state": "delivered", "wait": 30}
    found = list[Any]()
    thread = threading.Thread(
        target=lambda: found.append(client.get("/_twin/receipts", query_string=query).json)
    )
    thread.start()
    send(client, NUMBER, OTHER)
    thread.join()

    assert ([one["id"] for one in found[0]["receipts"]], found[0]["matching"]) == (["1-1"], 1)


# ── what changes meanwhile ───────────────────────────────────────────


def test_an_account_that_is_reset_gets_nothing_any_more(client: FlaskClient, endpoint: Any) -> None:
    asked, goes_on = threading.Event(), threading.Event()

    def answer(_: bytes) -> bytes:
        asked.set()
        goes_on.wait()
        return OK

    there = endpoint(answer)
    receive(client, there)
    send(client, *MANY)
    asked.wait()
    client.delete(f"/_twin/accounts/{LOGIN}")
    goes_on.set()
    other = endpoint()
    receive(client, other, "grace")
    send(client, OTHER, login="grace")

    settled(client, 1)
    assert there.numbers == MANY[:1]


def test_receipts_wait_for_a_url_that_was_taken_away(client: FlaskClient, endpoint: Any) -> None:
    there, other = endpoint(lambda _: None), endpoint()
    receive(client, there)
    send(client, *MANY)
    until(lambda: bool(there.got))
    receive(client, there, callback_url=None)
    receive(client, other, "grace")
    send(client, NUMBER, login="grace")
    settled(client, 1, login="grace")

    receive(client, other)

    until(lambda: MANY[-1] in other.numbers)


@pytest.mark.unmeasured
def test_no_more_receipts_are_taken_on_than_are_kept(client: FlaskClient, endpoint: Any) -> None:
    there = endpoint(lambda _: b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    receive(client, there)
    with patch.object(receipt_sender, "_MOST_JOBS", 1):
        send(client, *MANY)
        found = settled(client, len(MANY))

    assert {one["state"] for one in found} == {"failed"}


def test_more_receivers_than_turns_all_get_theirs(client: FlaskClient, endpoint: Any) -> None:
    with patch.object(receipt_sender, "_MOST_TURNS", 1):
        app = create_app(Twin(CONTRACT))
    client = app.test_client()
    there = endpoint()
    for login in ("ada", "grace", "joan"):
        receive(client, there, login)
        send(client, *MANY, login=login)

    settled(client, 3 * len(MANY))
    assert Counter(there.numbers) == dict.fromkeys(MANY, 3)


def test_a_log_that_is_full_drops_the_oldest(endpoint: Any) -> None:
    there = endpoint()
    client = create_app(Twin(CONTRACT, MemoryStore(most_receipts=2))).test_client()
    receive(client, there)
    send(client, NUMBER)
    send(client, OTHER)
    send(client, NUMBER)

    until(lambda: client.get("/_twin/receipts").json["dropped"] == 1)
    settled(client, 2)
    assert client.post("/_twin/receipts/1-0/resend").status_code == 404


@pytest.mark.parametrize("part", ["_claim", "_look"])
def test_a_defect_is_logged_and_ends_nothing(
    client: FlaskClient, endpoint: Any, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    there = endpoint()
    whole = getattr(receipt_sender.ReceiptSender, part)
    failures = iter([RuntimeError("a defect")])

    def broken(*arguments: Any) -> Any:
        for failure in failures:
            raise failure
        return whole(*arguments)

    with patch.object(receipt_sender.ReceiptSender, part, broken):
        receive(client, there)
        send(client, NUMBER)
        settled(client, 1)

    assert "The twin failed; please report this." in caplog.text


@pytest.mark.unmeasured
def test_a_phone_that_is_set_while_receipts_leave_changes_none_of_them(
    client: FlaskClient, endpoint: Any
) -> None:
    def answer(_: bytes) -> bytes:
        client.put(f"/_twin/accounts/{LOGIN}/phones/*", json={"outcome": "busy"})
        return OK

    there = endpoint(answer)
    receive(client, there, callback_generation="voice")
    send(client, *MANY)

    settled(client, len(MANY))
    assert {one["status"] for one in there.members} == {"DELIVERED"}


def test_what_somebody_else_has_claimed_is_not_sent_again(
    client: FlaskClient, endpoint: Any, twin_of: Twin
) -> None:
    there, settle, lost = endpoint(), twin_of.store.settle, iter([True])

    def raced(before: Campaign, after: Campaign) -> bool:
        won = settle(before, after)
        return won and not (after.receipts and next(lost, False))

    with patch.object(twin_of.store, "settle", raced):
        receive(client, there)
        send(client, *MANY)
        settled(client, len(MANY) - 50)

    assert there.numbers == MANY[50:]


def test_an_account_that_is_reset_while_its_faults_are_looked_up_meets_none(
    client: FlaskClient, endpoint: Any, twin_of: Twin
) -> None:
    there = endpoint()
    receive(client, there)
    inject(client, "receipt_lost")
    send(client, NUMBER, send_at=(NOON + timedelta(hours=1)).isoformat())
    with patch.object(twin_of.store, "ledger", side_effect=StaleAccountError):
        client.put(f"/_twin/accounts/{LOGIN}/clock", json={"advance": 3600})
        (found,) = settled(client, 1)

    assert found["state"] == "delivered"
