"""The imitated API over HTTP."""

from __future__ import annotations

import io
import json
from itertools import product
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from common import BODY, ROOT, SEND, SIGNED_IN, Send
from mock_server.contract.loader import Contract
from mock_server.core.handler import Twin
from mock_server.core.inbox import MOST_NOTES
from mock_server.http.app import create_app
from mock_server.reading.decoding import LARGEST_BODY
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import Account, digest

SEED = (ROOT / "openapi/sources/seed-send-a-vms-campaign.txt").read_text("utf-8")


def seed_example(heading: str) -> str:
    start = SEED.index("{", SEED.index(f"\n{heading}\n"))
    end = SEED.index("\n}", start) + len("\n}")
    return SEED[start:end]


def test_the_seeds_success_is_answered_to_the_byte_but_for_the_ticket(send: Send) -> None:
    response = send(BODY)

    expected = seed_example("Success")
    ticket = json.loads(expected)["ticket_number"]
    assert response.status_code == 201
    assert response.text.replace(response.json["ticket_number"], ticket) == expected


def test_the_seeds_refusal_is_answered_to_the_byte(send: Send) -> None:
    response = send(BODY | {"voice_language": "xx-XX"})

    assert (response.status_code, response.text) == (400, seed_example("Bad request"))


def test_the_seeds_sample_numbers_pass(send: Send) -> None:
    numbers = ["+111222233334444", "+2222333334444555"]

    response = send(BODY | {"recipients": [{"phone_number": number} for number in numbers]})

    assert (response.status_code, response.headers["Twin-Notes"]) == (201, "0")


def test_a_ticket_looks_like_the_seeds(send: Send) -> None:
    ticket = send(BODY).json["ticket_number"]

    assert ticket.startswith("voice_")
    assert len(ticket) == len("voice_5f44ebf9e47b7")
    assert int(ticket.removeprefix("voice_"), 16) >= 0


def test_what_is_valid_has_no_notes(send: Send) -> None:
    assert send(BODY).headers["Twin-Notes"] == "0"


def test_a_sloppy_request_is_sent_and_its_repairs_are_counted(send: Send) -> None:
    response = send({"text": 12, "recipients": "+33612345678", "mode": "simu"})

    assert (response.status_code, response.headers["Twin-Notes"]) == (201, "4")


def test_the_notes_stand_behind_the_link_in_the_header(send: Send, client: FlaskClient) -> None:
    response = send(BODY | {"mode": "simu"})

    (note,) = client.get(response.headers["Twin-Request"]).json["notes"]
    assert (note["path"], note["stakes"], note["did_you_mean"]) == (
        "/mode",
        "high",
        "simulation_mode",
    )


def test_advice_is_counted_apart(send: Send) -> None:
    response = send(BODY | {"sender": "Nanterredomus"})

    assert (response.headers["Twin-Notes"], response.headers["Twin-Advice"]) == ("0", "1")


RIGHT, MISSING, EMPTY, WRONG = "right", "missing", "empty", "wrong"


def header(kind: str, right: str) -> str | None:
    return {RIGHT: right, MISSING: None, EMPTY: "  ", WRONG: "somebody else's"}[kind]


@pytest.mark.parametrize(
    ("login", "key"),
    [pair for pair in product((RIGHT, MISSING, EMPTY, WRONG), repeat=2) if pair != (RIGHT, RIGHT)],
)
@pytest.mark.unmeasured
def test_only_the_right_login_with_the_right_key_signs_in(
    contract: Contract, login: str, key: str
) -> None:
    account = Account("ada", digest("ada", "a-key"), contract.terms.opening_credit)
    client = create_app(Twin(contract, MemoryStore([account]), closed=True)).test_client()
    sent = {"api-login": header(login, "ada"), "api-key": header(key, "a-key")}

    headers = {name: value for name, value in sent.items() if value is not None}
    response = client.post(SEND, json=BODY, headers=headers)

    assert (response.status_code, response.json) == (401, {"code": 401, "message": "Unauthorized."})


def test_the_right_login_with_the_right_key_signs_in_where_others_may_not(
    contract: Contract,
) -> None:
    account = Account("ada", digest("ada", "a-key"), contract.terms.opening_credit)
    client = create_app(Twin(contract, MemoryStore([account]), closed=True)).test_client()

    response = client.post(SEND, json=BODY, headers={"api-login": "ada", "api-key": "a-key"})

    assert response.status_code == 201


def test_the_first_key_of_a_new_login_becomes_its_key(send: Send) -> None:
    assert send(BODY).status_code == 201

    assert send(BODY, headers=SIGNED_IN | {"api-key": "another"}).status_code == 401


def test_without_the_add_on_the_answer_is_forbidden(contract: Contract) -> None:
    account = Account("ada", digest("ada", "k"), contract.terms.opening_credit, voice_addon=False)
    client = create_app(Twin(contract, MemoryStore([account]))).test_client()

    response = client.post(SEND, json=BODY, headers={"api-login": "ada", "api-key": "k"})

    assert (response.status_code, response.json) == (
        403,
        {"code": 403, "message": "Forbidden to view."},
    )


NESTED = "[" * 10_000 + "]" * 10_000
UNREADABLE = {
    "broken JSON": b'{"text": ',
    "UTF-16": '{"text": "a"}'.encode("utf-16"),
    "UTF-32": '{"text": "a"}'.encode("utf-32"),
    "invalid UTF-8": b'{"text": "\xff"}',
    "NaN": b'{"text": NaN}',
    "minus infinity": b'{"text": -Infinity}',
    "10,000 deep": NESTED.encode(),
    "100 deep": b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}",
    "an array": b"[]",
    "a text": b'"text"',
    "a number": b"5",
    "null": b"null",
    "nothing": b"",
    "blanks": b" \n",
    "10 MB": b'{"text": "' + b"a" * 10_000_000 + b'"}',
    "a lone surrogate": rb'{"text": "\ud800"}',
    "a lone surrogate in a name": rb'{"\udc00": 1}',
    "a broken number": b'{"text": 1.}',
}


@pytest.mark.unmeasured
@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_body_is_a_bad_request(send: Send, data: bytes) -> None:
    response = send(data=data, content_type="application/json")

    assert (response.status_code, response.json) == (400, {"code": 400, "message": "Bad request."})


@pytest.mark.unmeasured
@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_body_costs_nothing(send: Send, data: bytes) -> None:
    send(data=data, content_type="application/json")

    assert send(BODY).json["residual_credit"] == 149.95


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"text": \n}', {"where": "line 2, column 1", "got": "not valid JSON: Expecting value"}),
        (b"[]", {"where": "body", "got": "a list"}),
        (b'{"text": "\xff"}', {"where": "byte 10", "got": "0xff, which is not UTF-8"}),
    ],
)
def test_the_inbox_says_why_a_body_was_unreadable(
    send: Send, client: FlaskClient, data: bytes, why: dict[str, str]
) -> None:
    response = send(data=data, content_type="application/json")

    entry = client.get(response.headers["Twin-Request"]).json
    expected = "a JSON object in UTF-8, of at most 1 MiB"
    assert entry["unreadable"] == why | {"expected": expected}


STRANGE = {
    "a 5,000-digit integer": b'{"text": %s}' % (b"9" * 5000),
    "a 5,000-digit phone number": b'{"text": "a", "recipients": [%s]}' % (b"9" * 5000),
    "a huge exponent": b'{"text": "a", "recipients": ["+33612345678"], "send_at": 1e999}',
    "a negative huge exponent": b'{"text": -1e999}',
    "a byte order mark": b'\xef\xbb\xbf{"text": "a"}',
    "a name twice": b'{"text": "a", "text": "b"}',
    "a name twice in an unknown one": b'{"x": {"a": {"b": 1, "b": 2}}}',
    "NUL in sender": rb'{"text": "a", "recipients": ["+33612345678"], "sender": "a\u0000b"}',
    "newline in sender": rb'{"text": "a", "recipients": ["+33612345678"], "sender": "Ada\nLove"}',
    "60 deep": b'{"a": ' + b"[" * 60 + b"]" * 60 + b"}",
    "surrogate pairs": rb'{"text": "\ud83d\ude00"}',
}


@pytest.mark.parametrize("data", STRANGE.values(), ids=STRANGE)
def test_a_strange_body_is_read_and_answered_as_json(send: Send, data: bytes) -> None:
    response = send(data=data, content_type="application/json")

    assert response.status_code in {201, 400}
    assert response.is_json


def test_the_largest_body_is_read(send: Send) -> None:
    frame = json.dumps(BODY | {"list_name": ""}).encode()
    body = json.dumps(BODY | {"list_name": "a" * (LARGEST_BODY - len(frame))}).encode()

    assert len(body) == LARGEST_BODY
    assert send(data=body, content_type="application/json").status_code == 201


def test_a_body_one_byte_larger_is_not(send: Send) -> None:
    frame = json.dumps(BODY | {"list_name": ""}).encode()
    body = json.dumps(BODY | {"list_name": "a" * (LARGEST_BODY - len(frame) + 1)}).encode()

    assert send(data=body, content_type="application/json").status_code == 400


def test_a_form_is_read(send: Send) -> None:
    form = {"text": "Hello.", "recipients[0][phone_number]": "+33612345678"}

    assert send(data=form).json["number_of_contacts"] == 1


def test_what_is_neither_json_nor_a_form_is_a_bad_request(send: Send) -> None:
    response = send(data=b"text=Hello.", content_type="multipart/form-data; boundary=x")

    assert (response.status_code, response.json["message"]) == (400, "Bad request.")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_another_method_is_not_allowed(client: FlaskClient, method: str) -> None:
    response = client.open(SEND, method=method, headers=SIGNED_IN)

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert response.json["code"] == 405


@pytest.mark.parametrize(
    "path", ["/", "/v1", SEND + "/", "/" + SEND, "v1", "/v1/../x", "/favicon.ico"]
)
def test_another_path_is_not_found(client: FlaskClient, path: str) -> None:
    response = client.post(path, json=BODY, headers=SIGNED_IN)

    assert (response.status_code, response.json["code"]) == (404, 404)


def test_an_unheard_of_method_is_refused_as_json(client: FlaskClient) -> None:
    response = client.open(SEND, method="BREW")

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", [SEND, "/nowhere"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_imitated_answer_has_the_verdict_headers(
    client: FlaskClient, method: str, path: str
) -> None:
    headers = client.open(path, method=method).headers

    assert {"Twin-Notes", "Twin-Advice", "Twin-Request"} <= set(headers.keys())


def test_a_defect_of_the_twin_is_answered_without_a_traceback(
    client: FlaskClient, twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twin, "handle", lambda _: 1 / 0)

    response = client.post(SEND, json=BODY, headers=SIGNED_IN)

    assert (response.status_code, response.json) == (
        500,
        {"code": 500, "message": "Internal server error."},
    )


def test_notes_with_high_stakes_are_logged_without_the_values(
    send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "mock_server"):
        send(BODY | {"mode": "simu", "recipients": ["06 12 34 56 78"]})

    assert "Did you mean simulation_mode?" in caplog.text
    assert "12 34" not in caplog.text
    assert "simu\n" not in caplog.text


@pytest.mark.unmeasured
def test_of_very_many_notes_all_are_counted_and_some_are_kept(
    send: Send, client: FlaskClient
) -> None:
    response = send(BODY | {f"unknown {n}": n for n in range(MOST_NOTES + 7)})

    entry = client.get(response.headers["Twin-Request"]).json
    assert response.headers["Twin-Notes"] == str(MOST_NOTES + 7)
    assert (len(entry["notes"]), entry["notes_left_out"]) == (MOST_NOTES, 7)


def test_many_notes_of_one_rule_are_one_line_of_the_log(
    send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING", "mock_server"):
        send(BODY | {"recipients": ["0612345678"] * 500})

    assert len(caplog.records) == 1
    assert "/recipients/0/phone_number and 499 more" in caplog.text


def test_a_name_in_the_log_makes_no_line_of_its_own(
    send: Send, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING", "mock_server"):
        send(BODY | {"Mode\n12:00:00 forged": 1, "mode ": 1, "mode\x1b[2J": 1})

    assert all("\n" not in record.getMessage() for record in caplog.records)
    assert "\x1b" not in caplog.text


def test_a_body_shorter_than_it_says_is_not_sent(client: FlaskClient) -> None:
    response = client.post(
        SEND, json=BODY, headers=SIGNED_IN, environ_overrides={"CONTENT_LENGTH": "1000"}
    )

    assert response.status_code == 400
    entry = client.get(response.headers["Twin-Request"]).json
    assert entry["unreadable"]["got"].startswith("only ")


def test_a_silent_log_costs_no_lines(send: Send, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("ERROR", "mock_server"):
        send(BODY | {"mode": "simu"})

    assert not caplog.records


def test_a_header_that_is_no_ascii_is_a_login_like_any_other(client: FlaskClient) -> None:
    response = client.post(SEND, json=BODY, headers={"api-login": "José", "api-key": "ключ"})

    assert response.status_code == 201


def test_the_key_is_kept_nowhere(client: FlaskClient, twin: Twin) -> None:
    response = client.post(
        SEND, json=BODY, headers={"api-login": "ada", "api-key": "a-very-secret-key"}
    )

    entry = client.get(response.headers["Twin-Request"]).text
    assert "a-very-secret-key" not in entry + repr(twin.store.known("ada"))


def test_the_example_of_the_seed_is_the_contracts(contract: Contract) -> None:
    assert contract.answers["accepted"].value == json.loads(seed_example("Success"))


def test_the_seed_is_kept_as_it_was() -> None:
    assert Path(ROOT / "openapi/sources/seed-send-a-vms-campaign.txt").stat().st_size == 3629


def test_a_body_of_no_stated_length_is_read(client: FlaskClient) -> None:
    body = io.BytesIO(json.dumps(BODY).encode())
    environ = {"wsgi.input_terminated": True, "wsgi.input": body, "CONTENT_LENGTH": ""}

    response = client.post(
        SEND, headers=SIGNED_IN, content_type="application/json", environ_overrides=environ
    )

    assert response.status_code == 201
