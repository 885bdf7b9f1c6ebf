"""What HTTP has around the body, over a port and in process: headers, the query, encodings."""

from __future__ import annotations

import bz2
import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

import mock_server
from common import BODY, SEND
from mock_server.contract.loader import Contract, load
from mock_server.core.handler import Twin
from mock_server.reading.coercion import without_key
from mock_server.store.entries import Request
from mock_server.testing.account import VoiceTwin

JSON = ("content-type", "application/json")
FORM = "application/x-www-form-urlencoded"
PAYLOAD = json.dumps(BODY).encode()
Headers = list[tuple[str, str]]


@pytest.fixture(scope="module", params=[True, False], ids=["port", "in process"])
def host(request: pytest.FixtureRequest) -> Iterator[VoiceTwin]:
    with mock_server.running(http=request.param) as twin:
        yield twin


@pytest.fixture
def twin(host: VoiceTwin) -> VoiceTwin:
    """A new account of a twin, signed in by ada's login and key."""
    host.forget()
    return host


def post(
    twin: VoiceTwin, headers: Headers, query: str = "", content: bytes = PAYLOAD
) -> httpx.Response:
    with httpx.Client(transport=twin.transport, base_url=twin.base_url) as client:
        return client.post(SEND + query, content=content, headers=headers)


def signed_in(twin: VoiceTwin, *more: tuple[str, str]) -> Headers:
    return [*twin.headers.items(), *(more or (JSON,))]


def latest(twin: VoiceTwin) -> dict[str, Any]:
    return dict(twin.requests[-1].document)


# ── headers ─────────────────────────────────────────────────────────────


@pytest.mark.unmeasured
@pytest.mark.parametrize("names", ["api_login api-key", "api-login api_key", "api_login api_key"])
def test_an_underscore_makes_another_name_that_does_not_sign_in(
    twin: VoiceTwin, names: str
) -> None:
    headers = list(zip(names.split(), (twin.login, twin.key), strict=True))

    assert post(twin, [*headers, JSON]).status_code == 401


@pytest.mark.parametrize("first", [True, False])
def test_who_pays_is_not_who_stands_beside_with_an_underscore(
    twin: VoiceTwin, *, first: bool
) -> None:
    other = ("api_login", "eve@example.com")
    headers = [other, *signed_in(twin)] if first else [*signed_in(twin), other]

    assert post(twin, headers).status_code == 201
    twin.assert_sent(times=1)


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", ["api-login", "api-key", "Api-Key"])
@pytest.mark.parametrize("value", ["the same", "another"])
def test_a_login_or_key_that_stands_twice_does_not_sign_in(
    twin: VoiceTwin, name: str, value: str
) -> None:
    again = twin.headers[name.lower()] if value == "the same" else "another"
    before, after = [(name, again), *signed_in(twin)], [*signed_in(twin), (name, again)]

    assert [post(twin, headers).status_code for headers in (before, after)] == [401, 401]
    twin.assert_nothing_sent()


def test_a_key_that_stands_twice_does_not_become_the_key_of_a_new_account(
    twin: VoiceTwin,
) -> None:
    headers = [("api-login", "new@example.com"), ("api-key", "one"), ("api-key", "two")]

    assert post(twin, [*headers, JSON]).status_code == 401
    assert post(twin, [*headers[:2], JSON]).status_code == 201


def test_a_content_type_with_an_underscore_is_none(twin: VoiceTwin) -> None:
    assert post(twin, signed_in(twin, ("content_type", JSON[1]))).headers["Twin-Notes"] == "1"


def test_of_a_content_type_that_stands_twice_both_are_noted(twin: VoiceTwin) -> None:
    response = post(twin, signed_in(twin, JSON, ("Content-Type", "text/plain")))

    assert response.status_code == 201
    (note,) = twin.messages[-1].notes
    assert (note["rule"], note["before"]) == ("content_type", "application/json, text/plain")


def test_preferences_may_stand_in_two_headers(twin: VoiceTwin) -> None:
    prefer = [("prefer", "wait=5"), ("prefer", "code=403")]

    assert post(twin, signed_in(twin, JSON, *prefer)).status_code == 403


def test_a_length_with_an_underscore_is_no_length(twin: VoiceTwin) -> None:
    assert post(twin, signed_in(twin, JSON, ("content_length", "3"))).status_code == 201


@pytest.mark.parametrize(
    ("given", "status", "got"),
    [
        ({"headers": {"x": "a\x01b"}}, 400, "Invalid header value char"),
        ({"headers": {"transfer-encoding": "chunked", "content-length": "9"}}, 400, None),
        ({"method": "FOO"}, 400, "Invalid method encountered"),
        ({"headers": {"x": "a" * 70_000}}, 413, None),
        ({"extensions": {"target": b"/v1/../v1"}}, 404, None),
        ({"extensions": {"target": b"/a#b"}}, 400, "a fragment"),
    ],
)
def test_what_is_not_http_is_refused_alike_over_a_port_and_in_process(
    twin: VoiceTwin, given: dict[str, Any], status: int, got: str | None
) -> None:
    with httpx.Client(transport=twin.transport, base_url=twin.base_url) as client:
        response = client.request(**{"method": "POST", "url": SEND} | given)

    assert response.status_code == status
    assert got is None or response.text == f"Bad Request: {got}"


def test_an_answer_has_the_headers_of_the_server(twin: VoiceTwin) -> None:
    response = post(twin, signed_in(twin))

    assert response.headers["server"] == "vms-kit"
    assert parsedate_to_datetime(response.headers["date"]).tzinfo is UTC


# ── the query ─────────────────────────────────────────────────────────────


def test_a_simulation_in_the_query_is_a_real_send_with_a_note_of_high_stakes(
    twin: VoiceTwin,
) -> None:
    response = post(twin, signed_in(twin), "?simulation_mode=true")

    assert (response.status_code, response.headers["Twin-Notes"]) == (201, "1")
    assert response.json()["residual_credit"] == 149.95
    (note,) = twin.messages[-1].notes
    assert note["path"] == "query/simulation_mode"
    assert (note["kind"], note["rule"], note["stakes"]) == ("ignored", "query", "high")
    assert (note["before"], note["after"]) == ("true", None)


def test_the_query_is_kept_as_it_was_sent(twin: VoiceTwin) -> None:
    post(twin, signed_in(twin), "?text=a+b%20c&x")
    assert latest(twin)["query"] == "text=a+b%20c&x"

    post(twin, signed_in(twin))
    assert latest(twin)["query"] == ""


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("query", "stakes", "meant"),
    [
        ("text=a", "high", None),
        ("voice_gender=male", "high", None),
        ("api-login=a", "high", None),
        ("recipients[0][phone_number]=1", "high", None),
        ("mode=simu", "high", "simulation_mode"),
        ("simulationMode=1", "high", "simulation_mode"),
        ("data[simulation_mode]=1", "high", None),
        ("x-api-login=ada", "high", None),
        ("auth[api_key]=k", "high", None),
        ("gender=male", "normal", "voice_gender"),
        ("utm_source=a", "normal", None),
        ("=a", "normal", None),
    ],
)
def test_stakes_are_high_for_names_of_the_contract(
    twin: VoiceTwin, query: str, stakes: str, meant: str | None
) -> None:
    post(twin, signed_in(twin), f"?{query}")

    (note,) = twin.messages[-1].notes
    assert (note["stakes"], note.get("did_you_mean")) == (stakes, meant)


def test_each_parameter_of_the_query_is_noted_before_those_of_the_body(twin: VoiceTwin) -> None:
    body = json.dumps(BODY | {"mode": "simu"}).encode()

    post(twin, signed_in(twin), "?a=1&a/b=&a=2", body)

    paths = [note["path"] for note in twin.messages[-1].notes]
    assert paths == ["query/a", "query/a~1b", "query/a", "/mode"]


@pytest.mark.parametrize("name", ["a/b", "a~b", "a~1b", "a~0b"])
def test_strict_refuses_an_unknown_parameter_by_its_name_as_it_was_sent(
    twin: VoiceTwin, name: str
) -> None:
    twin.set(mode="strict")

    response = post(twin, signed_in(twin), content=json.dumps(BODY | {name: 1}).encode())

    assert [*response.json()["errors"]] == [name]


def test_strict_refuses_a_query_by_the_name_of_what_is_ignored(twin: VoiceTwin) -> None:
    twin.set(mode="strict")

    response = post(twin, signed_in(twin), "?simulation_mode=true")

    assert response.status_code == 400
    assert response.json()["errors"] == {
        "query/simulation_mode": {"code": 400, "message": "Parameters in the query are not read."}
    }


def test_strict_names_what_is_wrong_in_the_query_beside_what_is_wrong_in_the_body(
    twin: VoiceTwin,
) -> None:
    twin.set(mode="strict")
    body = json.dumps(BODY | {"simulation_mode": "yes"}).encode()

    response = post(twin, signed_in(twin), "?simulation_mode=true", body)

    assert response.json()["errors"].keys() == {"query/simulation_mode", "simulation_mode"}


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "name",
    [
        "api-key",
        "api_key",
        "apiKey",
        "API%2DKEY",
        "api-key[]",
        "auth[api_key]",
        "x-api-key",
        "amp;api_key",
        "b=1;api_key",
    ],
)
def test_a_key_in_the_query_is_kept_nowhere(twin: VoiceTwin, name: str) -> None:
    post(twin, signed_in(twin), f"?a=1&{name}=very-secret&b=2")

    entry = latest(twin)
    assert "very-secret" not in json.dumps(entry)
    assert entry["query"] == f"a=1&{name}=hidden&b=2"


def test_of_a_key_with_a_semicolon_nothing_is_kept(contract: Contract) -> None:
    assert without_key(contract, "a=1;2&api_key=ve;ry=secret&b=;") == "a=1;2&api_key=hidden&b=;"


def test_a_query_without_a_key_is_left_as_it_is(contract: Contract) -> None:
    for query in ("", "a", "a=", "&&a=b=c&", "api-key", "api-key="):
        assert without_key(contract, query) == query


@pytest.mark.parametrize("last", ["\xc3\x85", "\xc3\xa0", "\x1f"])
def test_a_login_ends_with_its_last_byte_whatever_that_means_in_latin_1(last: str) -> None:
    request = Request("POST", SEND, {"api-login": f" ada{last}\t", "api-key": "k"}, PAYLOAD)

    entry = Twin(load()).handle(request).entry

    assert (entry.verdict, entry.login) == ("accepted", f"ada{last}")


UNREAD = {
    "nobody is signed in": ({"api-key": ""}, PAYLOAD, 401),
    "its body is not JSON": ({}, b"{", 400),
    "nothing is there": ({}, PAYLOAD, 404),
    "it may not be sent": ({}, PAYLOAD, 403),
}


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", UNREAD)
def test_the_query_is_noted_whatever_else_is_refused(twin: VoiceTwin, name: str) -> None:
    headers, body, status = UNREAD[name]
    twin.set(voice_addon=status != 403)
    lines = [JSON, *(twin.headers | headers).items()]

    response = post(twin, lines, f"{'/' * (status == 404)}?simulation_mode=true", body)

    assert (response.status_code, response.headers["Twin-Notes"]) == (status, "1")
    with httpx.Client(transport=twin.transport, base_url=twin.base_url) as client:
        entry = client.get(response.headers["Twin-Request"]).json()
    (note,) = entry["notes"]
    assert (note["path"], note["stakes"]) == ("query/simulation_mode", "high")


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("lines", "where", "got"),
    [
        ([], "api-login", "none"),
        ([("api-login", "ada")], "api-key", "none"),
        ([("api_login", "ada"), ("api-key", "k")], "api-login", "api_login, another header"),
        ([("api-login", "ada"), ("api_key", "k")], "api-key", "api_key, another header"),
        (
            [("api-login", "ada"), ("api-login", "a"), ("api-key", "k")],
            "api-login",
            "more than one",
        ),
        ([("api-login", "ada"), ("api-key", "k"), ("Api-Key", "k")], "api-key", "more than one"),
        ([("api-login", "other"), ("api-key", "wrong")], "api-key", "another"),
    ],
)
def test_the_inbox_has_why_nobody_is_signed_in(
    twin: VoiceTwin, lines: list[tuple[str, str]], where: str, got: str
) -> None:
    post(twin, [("api-login", "other"), ("api-key", "right")])

    response = post(twin, [JSON, *lines])

    assert response.status_code == 401
    with httpx.Client(transport=twin.transport, base_url=twin.base_url) as client:
        why = client.get(response.headers["Twin-Request"]).json()["sign_in"]
    assert (why["where"], why["got"]) == (where, got)


def test_requests_with_a_note_on_the_query_are_found_by_its_parameter(twin: VoiceTwin) -> None:
    post(twin, signed_in(twin), "?simulation_mode=true")

    with httpx.Client(transport=twin.transport, base_url=twin.base_url) as client:
        found = client.get("/_twin/requests", params={"field": "simulation_mode"}).json()

    assert len(found["requests"]) == 1


def test_a_request_with_a_query_is_sent_again_with_it(twin: VoiceTwin) -> None:
    post(twin, signed_in(twin), "?mode=simu&a=1")

    with pytest.raises(AssertionError, match=r"send\?mode=simu&a=1'"):
        twin.assert_sent(text="Another.")


# ── what a body is not ─────────────────────────────────────────────────────────────

ZIPPED = gzip.compress(PAYLOAD)
LATIN = '{"text": "à"}'.encode("latin-1")
CAUSES = {
    "gzip": (ZIPPED, [JSON, ("content-encoding", "gzip")], "Content-Encoding", "gzip"),
    "two encodings": (
        ZIPPED,
        [JSON, ("content-encoding", "gzip"), ("Content-Encoding", "br")],
        "Content-Encoding",
        "gzip, br",
    ),
    "gzip without a header": (ZIPPED, [JSON], "body", "gzip"),
    "Latin-1": (
        LATIN,
        [("content-type", "application/json; Charset='ISO-8859-1'")],
        "Content-Type",
        "application/json; Charset='ISO-8859-1'",
    ),
    "a form in Latin-1": (
        b"text=%e0",
        [("content-type", f"{FORM};charset=latin1")],
        "Content-Type",
        f"{FORM};charset=latin1",
    ),
    "Latin-1 called UTF-8": (
        LATIN,
        [("content-type", "application/json; charset=UTF-8")],
        "byte 10",
        "0xe0, which is not UTF-8",
    ),
    "Latin-1 called utf8": (
        LATIN,
        [("content-type", "application/json; charset=utf8")],
        "byte 10",
        "0xe0, which is not UTF-8",
    ),
    "UTF-16": ('{"text": "a"}'.encode("utf-16"), [JSON], "body", "UTF-16"),
    "UTF-16 without a mark": ('{"text": "a"}'.encode("utf-16-le"), [JSON], "body", "UTF-16-LE"),
    "UTF-16, as it says": (
        '{"text": "a"}'.encode("utf-16-le"),
        [("content-type", "application/json;charset=utf-16")],
        "Content-Type",
        "application/json;charset=utf-16",
    ),
    "UTF-32": ('{"text": "a"}'.encode("utf-32"), [JSON], "body", "UTF-32"),
    "NUL": (b"\0\0", [JSON], "line 1, column 1", "not valid JSON: Expecting value"),
    "two marks": (b"\xef\xbb\xbf" * 2 + b"{}", [JSON], "line 1, column 1", None),
    "multipart without boundary": (
        b"--x\r\n",
        [("content-type", "multipart/form-data")],
        "Content-Type",
        "multipart/form-data",
    ),
    "a form called so twice": (
        b"text=a",
        [("content-type", FORM), ("Content-Type", FORM)],
        "Content-Type",
        f"{FORM}, {FORM}",
    ),
    "broken JSON": (
        b'{"text": ',
        [("content-type", "application/json; charset=latin-1"), ("content-encoding", "identity")],
        "line 1, column 10",
        "not valid JSON: Expecting value",
    ),
    "broken JSON called gzip": (
        b'{"text": ',
        [JSON, ("content-encoding", "gzip")],
        "line 1, column 10",
        "not valid JSON: Expecting value",
    ),
    "as it is, twice": (
        b"text",
        [JSON, ("content-encoding", "identity, Identity")],
        "line 1, column 1",
        "not valid JSON: Expecting value",
    ),
    "zlib": (zlib.compress(PAYLOAD), [JSON], "body", "zlib"),
    "bzip2": (bz2.compress(PAYLOAD), [JSON], "body", "bzip2"),
    "a form called JSON": (
        b"recipients[0]=%2B33612345678&text=a",
        [JSON],
        "Content-Type",
        "application/json, and a form",
    ),
    "multipart called text": (
        b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\na\r\n--x--',
        [("content-type", "text/plain")],
        "Content-Type",
        "text/plain, and a multipart body",
    ),
    "XML": (
        b"<text>a</text>",
        [("content-type", "application/xml")],
        "Content-Type",
        "application/xml, and XML",
    ),
    "a list called multipart": (
        b"[]",
        [("content-type", "multipart/form-data"), ("content-encoding", "gzip")],
        "body",
        "a list",
    ),
}


@pytest.mark.parametrize(("content", "headers", "where", "came"), CAUSES.values(), ids=CAUSES)
def test_an_unreadable_body_is_refused_for_its_true_cause(
    twin: VoiceTwin, content: bytes, headers: Headers, where: str, came: str | None
) -> None:
    response = post(twin, signed_in(twin, *headers), content=content)

    assert (response.status_code, response.json()["message"]) == (400, "Bad request.")
    why = latest(twin)["unreadable"]
    assert (why["where"], why["got"]) == (where, came or why["got"])


@pytest.mark.parametrize(
    "header",
    [("content-encoding", "gzip"), ("content-type", "application/json; charset=iso-8859-1")],
)
def test_a_header_that_is_wrong_about_a_readable_body_changes_nothing(
    twin: VoiceTwin, header: tuple[str, str]
) -> None:
    headers = [JSON, header] if header[0] != JSON[0] else [header]

    assert post(twin, signed_in(twin, *headers)).headers["Twin-Notes"] == "0"
