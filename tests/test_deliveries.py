"""Phones and receipts as tests use them: how phones behave, what receivers get and answer."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import flask
import httpx
import pytest
from fastapi import FastAPI, Request, Response

import mock_server
from common import BODY, SEND
from mock_server.testing import account
from mock_server.testing.account import VoiceTwin, attached
from mock_server.testing.deliveries import TwinReceipt
from voice_client.receipts import parse_receipt

pytestmark = pytest.mark.long

NUMBER, OTHER = "+33612345678", "+33698765432"
SOON = datetime(2026, 11, 27, 9, tzinfo=UTC)
_logins = count(1)


@pytest.fixture(scope="module")
def shared() -> Iterator[VoiceTwin]:
    with mock_server.running(http=False) as twin:
        yield twin


@pytest.fixture
def twin(shared: VoiceTwin) -> VoiceTwin:
    return shared.another(f"ada-{next(_logins)}@example.com")


@pytest.fixture(scope="module")
def served() -> Iterator[VoiceTwin]:
    with mock_server.running() as twin, attached(twin.base_url) as host:
        yield host.account("attached@example.com", "a-key")


def send(twin: VoiceTwin, *numbers: str, **body: Any) -> None:
    recipients = [{"phone_number": number} for number in numbers or (NUMBER,)]
    with httpx.Client(transport=twin.transport, base_url=twin.base_url) as client:
        body = BODY | {"recipients": recipients, "get_back_pressed_keys": True} | body
        assert client.post(SEND, json=body, headers=twin.headers).status_code == 201


def failure(verify: Callable[[], object]) -> list[str]:
    with pytest.raises(AssertionError) as raised:
        verify()
    return str(raised.value).splitlines()


# ── phones ───────────────────────────────────────────────────────────


BEHAVIOURS = {
    "answers": "DELIVERED",
    "is_busy": "BUSY",
    "refuses": "REFUSED",
    "does_not_answer": "NOT_DELIVERED",
    "is_unreachable": "NOT_DELIVERABLE",
    "opts_out": "DELIVERED",
}


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_phone_behaves_as_set(twin: VoiceTwin, behaviour: str) -> None:
    twin.set(callback_generation="voice")
    getattr(twin.phone(NUMBER), behaviour)()
    send(twin)

    assert twin.receipts[0].status == BEHAVIOURS[behaviour]


def test_each_setting_replaces_the_one_before_and_reset_all_of_them(twin: VoiceTwin) -> None:
    twin.phone(NUMBER).answers(keys="12#")
    twin.phone(NUMBER).opts_out()
    send(twin)
    twin.phone(NUMBER).reset()
    send(twin)

    assert [receipt.keys for receipt in twin.receipts] == ["9", None, ""]


def test_keys_are_pressed_after_a_while_unless_nobody_listens_any_more(twin: VoiceTwin) -> None:
    twin.phone(NUMBER).answers(keys="1", after=1)
    twin.phone(OTHER).answers(keys="1", after=1, listens=0.0)
    send(twin, NUMBER, OTHER, text="A text that is read for some seconds, in any language.")

    assert [receipt.keys for receipt in twin.receipts] == ["1", ""]


def test_all_phones_of_a_prefix_behave_alike(twin: VoiceTwin) -> None:
    twin.phone("+336*").is_busy()
    send(twin, NUMBER, OTHER)

    assert {receipt.status for receipt in twin.receipts} == {"NOT_DELIVERED"}


def test_a_number_in_another_form_is_refused(twin: VoiceTwin) -> None:
    with pytest.raises(ValueError, match='phone: got "0612345678"; expected a plus sign'):
        twin.phone("0612345678").is_busy()


# ── receipts ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", ["json", "form"])
def test_a_receipt_has_its_members_whatever_it_is_written_as(twin: VoiceTwin, form: str) -> None:
    twin.set(callback_format=form)
    twin.phone(NUMBER).answers(keys="12#")
    send(twin)

    (receipt,) = twin.receipts
    assert (receipt.number, receipt.status, receipt.keys) == (NUMBER, "DELIVERED", "12#")
    assert (receipt.state, receipt.attempts, receipt.is_opt_out) == ("unsent", [], False)
    assert parse_receipt(receipt.body, receipt.content_type).number == NUMBER


def test_receipts_are_read_page_by_page(twin: VoiceTwin) -> None:
    numbers = [f"+3361234567{digit}" for digit in range(4)]
    send(twin, *numbers)

    with patch.object(account, "_RECEIPT_PAGE", 2):
        assert [receipt.number for receipt in twin.receipts] == numbers


def test_a_receipt_is_waited_for(served: VoiceTwin) -> None:
    timer = threading.Timer(0.05, lambda: send(served, NUMBER, OTHER))
    timer.start()

    receipt = served.wait_for_receipt(number=OTHER, status="DELIVERED", timeout=30)

    timer.join()
    assert receipt.number == OTHER


def test_on_a_port_a_receipt_that_does_not_come_is_waited_for_as_long(served: VoiceTwin) -> None:
    served.forget()

    lines = failure(lambda: served.wait_for_receipt(number=OTHER, timeout=0.05))

    assert lines[0] == f'No receipt within 0.05 s with number "{OTHER}".'


def test_an_opt_out_is_not_taken_for_a_receipt(twin: VoiceTwin) -> None:
    twin.phone(NUMBER).opts_out()
    send(twin)

    assert [receipt.is_opt_out for receipt in twin.receipts] == [False, True]
    assert failure(lambda: twin.wait_for_receipt(text="9", timeout=0))[0].startswith("No receipt")


def test_a_receipt_that_does_not_come_shows_those_that_are_there(twin: VoiceTwin) -> None:
    twin.phone(NUMBER).answers(keys="1")
    send(twin)

    assert failure(lambda: twin.wait_for_receipt(number=OTHER, timeout=0.01)) == [
        f'No receipt within 0.01 s with number "{OTHER}".',
        "There are:",
        f'  receipt {twin.receipts[0].id} of {NUMBER}: DELIVERED, keys "1", unsent',
    ]


def test_where_no_call_was_made_the_failure_says_so(twin: VoiceTwin) -> None:
    hint = "A receipt comes of each contact of an accepted campaign that is not simulated."
    assert failure(lambda: twin.wait_for_receipt(timeout=0)) == [
        "No receipt within 0 s with any content.",
        f"There are none of this account. {hint}",
    ]


def test_where_calls_are_yet_to_come_the_failure_says_what_to_do(twin: VoiceTwin) -> None:
    twin.clock.freeze(SOON)
    send(twin, send_at=(SOON + timedelta(hours=1)).isoformat())

    assert failure(lambda: twin.wait_for_receipt(timeout=0)) == [
        "No receipt within 0 s with any content.",
        "1 of the account's calls are scheduled: advance its clock.",
    ]
    twin.clock.advance(hours=1)
    assert twin.wait_for_receipt(number=NUMBER, timeout=0).status == "DELIVERED"


def test_a_receipt_is_waited_for_until_its_receiver_took_it(served: VoiceTwin) -> None:
    served.forget()
    served.set(callback_url="http://127.0.0.1:9/")
    send(served)

    receipt = served.wait_for_receipt(state="pending", timeout=30)
    assert failure(lambda: served.wait_for_receipt(state="delivered", timeout=0))
    assert receipt.document["url"] == "http://127.0.0.1:9/"


# ── receivers in this process ────────────────────────────────────────


def flask_app(took: list[Any], status: int = 200) -> flask.Flask:
    app = flask.Flask(__name__)

    @app.post("/receipts")
    def receive() -> tuple[str, int]:
        took.append((flask.request.content_type, flask.request.get_data()))
        return "" if status == 200 else "No such order", status

    return app


def fastapi_app(took: list[Any], status: int = 200) -> FastAPI:
    app = FastAPI()

    async def receive(request: Request) -> Response:
        took.append((request.headers["content-type"], await request.body()))
        return Response("" if status == 200 else "No such order", status)

    app.add_route("/receipts", receive, methods=["POST"])
    return app


def function(took: list[Any], status: int | None = None) -> Callable[[TwinReceipt], Any]:
    def receive(receipt: TwinReceipt) -> int | None:
        took.append((receipt.content_type, receipt.body))
        return status

    return receive


def coroutine_function(took: list[Any], status: int | None = None) -> Callable[[TwinReceipt], Any]:
    async def receive(receipt: TwinReceipt) -> int | None:
        await asyncio.sleep(0)
        return function(took, status)(receipt)

    return receive


def of_a_test_client(took: list[Any], status: int = 200) -> Callable[[TwinReceipt], Any]:
    client = flask_app(took, status).test_client()
    return lambda receipt: client.post(
        "/receipts", data=receipt.body, content_type=receipt.content_type
    )


KINDS: dict[str, Callable[..., Any]] = {
    "WSGI": flask_app,
    "ASGI": fastapi_app,
    "function": function,
    "async function": coroutine_function,
    "test client": of_a_test_client,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_receiver_gets_each_receipt_once_and_in_order(twin: VoiceTwin, kind: str) -> None:
    took = list[Any]()
    receiver = KINDS[kind](took)
    send(twin, NUMBER, OTHER)
    first = twin.deliver_to(receiver, "/receipts")
    send(twin, NUMBER)
    second = twin.deliver_to(receiver, "/receipts")

    assert took == [(receipt.content_type, receipt.body) for receipt in twin.receipts]
    assert [delivery.receipt.number for delivery in first + second] == [NUMBER, OTHER, NUMBER]
    assert twin.deliveries == first + second


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_receiver_answers_is_shown_where_it_fails(twin: VoiceTwin, kind: str) -> None:
    send(twin)

    lines = failure(lambda: twin.deliver_to(KINDS[kind]([], 422), "/receipts"))

    (receipt,) = twin.receipts
    has_body = "function" not in kind
    assert lines == [
        "The receiver took 0 of 1 receipt at /receipts; the API expects 2XX, within a second.",
        "",
        f"  receipt {receipt.id} of {NUMBER}: DELIVERED, unsent",
        f"    answered 422{': No such order' if has_body else ', with no body'}",
        "    to this body, application/json:",
        f"      {receipt.body.decode()}",
    ]


def test_only_the_receipts_that_were_not_taken_are_shown(twin: VoiceTwin) -> None:
    send(twin, NUMBER, OTHER)

    lines = failure(lambda: twin.deliver_to(lambda one: 500 if one.number == OTHER else None))

    assert lines[0].startswith("The receiver took 1 of 2 receipts at /;")
    assert [line for line in lines if NUMBER in line] == []


@pytest.mark.parametrize(("receipts", "last"), [(3, "      {"), (5, "and 2 more")])
def test_of_many_that_were_not_taken_the_first_three_are_shown(
    twin: VoiceTwin, receipts: int, last: str
) -> None:
    send(twin, *(f"+3361234567{number}" for number in range(receipts)))

    lines = failure(lambda: twin.deliver_to(lambda _: 500))
    assert len([line for line in lines if line.startswith("  receipt ")]) == 3
    assert lines[-1].startswith(last)


def test_a_redirect_is_not_followed(twin: VoiceTwin) -> None:
    app = flask.Flask(__name__)
    app.add_url_rule("/receipts/", view_func=lambda: "", methods=["POST"])
    send(twin)

    assert "    answered 308" in "\n".join(failure(lambda: twin.deliver_to(app, "/receipts")))


def test_a_long_answer_is_cut(twin: VoiceTwin) -> None:
    send(twin)
    answer = SimpleNamespace(status_code=500, text="x" * 5000)

    lines = failure(lambda: twin.deliver_to(lambda _: answer))

    assert lines[3] == f"    answered 500: {'x' * 2000} …"


def test_an_answer_whose_text_is_a_function_has_none(twin: VoiceTwin) -> None:
    send(twin)

    (delivery,) = twin.deliver_to(lambda _: SimpleNamespace(status_code=204, text=len))

    assert (delivery.status, delivery.text) == (204, "")


@pytest.mark.parametrize("kind", ["WSGI", "ASGI", "function"])
def test_what_a_receiver_raises_is_raised_with_the_receipt(twin: VoiceTwin, kind: str) -> None:
    def wsgi(_: object, __: object) -> Any:
        raise LookupError("no such order")

    async def asgi(_: object, __: object, ___: object) -> Any:
        raise LookupError("no such order")

    def plain(_: object) -> Any:
        raise LookupError("no such order")

    send(twin)
    with pytest.raises(LookupError, match="no such order") as raised:
        twin.deliver_to({"WSGI": wsgi, "ASGI": asgi, "function": plain}[kind])

    (receipt,) = twin.receipts
    assert raised.value.__notes__ == [f"The receiver got {receipt.line()}\n{receipt.body.decode()}"]


def test_nothing_to_hand_over_is_a_failure(twin: VoiceTwin) -> None:
    assert failure(lambda: twin.deliver_to(print))[0] == (
        "Expected receipts to deliver, but there is none that was not yet delivered."
    )


@pytest.mark.parametrize("receiver", [lambda: None, lambda *_: None, 7, dict])
def test_what_is_no_receiver_is_refused(twin: VoiceTwin, receiver: Any) -> None:
    send(twin)

    with pytest.raises(TypeError, match="expected a function of one receipt, a WSGI application"):
        twin.deliver_to(receiver)


@pytest.mark.parametrize("answer", ["ok", True, {}])
def test_an_answer_that_is_no_status_is_refused(twin: VoiceTwin, answer: object) -> None:
    send(twin)

    with pytest.raises(TypeError, match="expected None, a status such as 200"):
        twin.deliver_to(lambda _: answer)


def test_an_async_test_may_deliver_to_an_asgi_application(twin: VoiceTwin) -> None:
    took = list[Any]()

    async def test() -> None:
        await asyncio.sleep(0)
        twin.deliver_to(fastapi_app(took), "/receipts")

    send(twin)
    asyncio.run(test())

    assert len(took) == 1


INJECTED = {
    "receipt_lost": [OTHER],
    "receipt_duplicated": [NUMBER, NUMBER, OTHER],
    "receipt_out_of_order": [OTHER, NUMBER],
}


@pytest.mark.parametrize("fault", INJECTED)
def test_a_receiver_meets_what_is_injected(twin: VoiceTwin, fault: str) -> None:
    twin.faults.add(fault, match={"number": NUMBER})
    send(twin, NUMBER, OTHER)
    numbers = list[str]()

    twin.deliver_to(lambda receipt: numbers.append(receipt.number))

    assert numbers == INJECTED[fault]


def test_an_account_that_is_forgotten_has_delivered_nothing(twin: VoiceTwin) -> None:
    send(twin)
    twin.deliver_to(lambda _: None)
    twin.forget()

    assert (twin.deliveries, twin.receipts) == ([], [])


def test_the_log_of_receivers_has_what_each_answered(twin: VoiceTwin, served: VoiceTwin) -> None:
    send(twin)
    assert twin.receiver_log() == ""

    twin.deliver_to(lambda _: 204)
    served.forget()
    served.set(callback_url="http://127.0.0.1:9/")
    send(served)
    while not (log := served.receiver_log()):
        pass

    line = f"  receipt {twin.receipts[0].id} of {NUMBER}: DELIVERED, unsent"
    assert twin.receiver_log().splitlines() == [line, "    answered 204, with no body"]
    assert "    no answer: " in log


def test_a_receipt_without_details_is_read() -> None:
    document = {"content_type": "application/json", "body": json.dumps({"number": "1"})}

    assert TwinReceipt(document).members == {"number": "1"}
