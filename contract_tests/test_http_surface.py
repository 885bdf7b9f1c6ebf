"""What HTTP allows around the one operation: methods, paths, content types, and bytes of any kind.

A framework likes to answer these by itself, with another status, in HTML, or with a redirect.
"""

from __future__ import annotations

import gzip
import json
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import bodies
import oracle
import spec
from mock_server.contract.loader import load
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.served import ServeOptions
from mock_server.testing.transport import InProcess
from spec import ANSWERS, DOCUMENT, METHOD, PATH
from telling import told
from wire import SIGNED_IN, Wire, hello

BODY: Final = hello()
FORM: Final = b"text=Hello.&recipients[0][phone_number]=%2B33612345678"
METHODS: Final = ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "QUERY")
OTHER_PATHS: Final = (
    "/",
    f"{PATH}/",
    f"/{PATH}",
    PATH.upper(),
    PATH.replace("/send", "//send"),
    PATH.replace("/send", "/./send"),
    PATH.replace("send", "sen%2564"),
    PATH.removesuffix("/send"),
    PATH.removeprefix("/v1"),
    f"{PATH}.json",
    "/v1/public/sms-campaign/send",
    "/static/app.js",
    "/favicon.ico",
    "/_twinned",
    "/\u00e9",
)
JSON_TYPES: Final = ("application/json", "application/json; charset=utf-8", "Application/JSON")
OTHER_TYPES: Final = (
    *("text/plain", "text/html", "application/xml", "application/octet-stream", "nonsense"),
    *("application/vnd.api+json", "multipart/form-data; boundary=x", "", None),
)


def outside(name: str) -> tuple[int, dict[str, Any]]:
    """Status and body of an answer outside the operation."""
    answer = DOCUMENT["x-answers"][name]
    return answer["status"], answer["value"]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.mark.parametrize("method", METHODS)
def test_another_method_is_refused_and_told_which_there_is(wire: Wire, method: str) -> None:
    answer = wire.send(BODY, method=method)

    status, value = outside("method-not-allowed")
    got = (answer.status, answer.headers.get("Allow"), answer.headers["Content-Type"])
    assert got == (status, METHOD, "application/json"), told(
        BODY, method=method, documented=(status, METHOD), got=got, evidence="RFC 9110, 15.5.6"
    )
    assert method == "HEAD" or answer.value == value


@pytest.mark.parametrize("method", METHODS)
def test_another_method_sends_nothing(wire: Wire, method: str) -> None:
    wire.send(BODY)
    wire.send(BODY, method=method)

    balance = wire.control("GET", f"/accounts/{SIGNED_IN['api-login']}").value
    assert balance["credit"] == "149.95"


@pytest.mark.parametrize("path", OTHER_PATHS)
@pytest.mark.parametrize("method", [METHOD, "GET"])
def test_another_path_is_not_found_in_the_apis_own_words(
    wire: Wire, path: str, method: str
) -> None:
    answer = wire.send(BODY, path=path, method=method)

    assert (answer.status, answer.value) == outside("not-found"), told(
        BODY, path=path, documented=outside("not-found"), got=answer, evidence="assumed: x-answers"
    )


def test_a_path_whose_letters_are_escaped_is_the_same_path(wire: Wire) -> None:
    assert wire.send(BODY, path=PATH.replace("send", "%73end")).status == 201


NAMES_IN_THE_QUERY: Final = (
    *(*spec.FIELDS, "api-login", "mode", "request_mode", "simulationMode", "SIMULATION-MODE"),
    *("recipients[0][phone_number]", "phone_number", "gender", "listName", "utm_source", "a/b~c"),
)


@pytest.mark.parametrize("name", NAMES_IN_THE_QUERY)
def test_a_parameter_in_the_query_is_noted_and_changes_nothing(wire: Wire, name: str) -> None:
    answer = wire.send(BODY, path=f"{PATH}?{name}=true")

    (remark,) = oracle.judge_query([name])
    came = (answer.status, answer.headers["Twin-Notes"], answer.value["residual_credit"])
    assert came == (201, "1", 149.95), told(
        BODY, path=name, documented="sent, with one note", came=came, evidence=remark.grade
    )
    (note,) = wire.entry(answer)["notes"]
    assert remark.fits(note), note


@pytest.mark.parametrize("name", NAMES_IN_THE_QUERY)
def test_a_parameter_in_the_query_is_refused_in_strict_mode(name: str) -> None:
    answer = Wire(strict=True).send(BODY, path=f"{PATH}?{name}=true")

    error = DOCUMENT["components"]["schemas"]["VoiceCampaign"]["x-lenient"]["errors"]["query"]
    place = f"query/{name.replace('~', '~0').replace('/', '~1')}"
    assert answer.status == 400
    assert answer.value["errors"] == {place: {k: error[k] for k in ("code", "message")}}


def test_the_query_is_kept_but_no_key_in_it(wire: Wire) -> None:
    answer = wire.send(BODY, path=f"{PATH}?simulation_mode=true&api_key=secret&a=%20")

    assert wire.entry(answer)["query"] == "simulation_mode=true&api_key=hidden&a=%20"


@given(names=st.lists(st.sampled_from(NAMES_IN_THE_QUERY) | st.text(max_size=8), max_size=4))
def test_as_many_parameters_as_the_query_has_are_noted(names: list[str]) -> None:
    wire = Wire()
    query = urlencode([(name, "1") for name in names])

    answer = wire.send(BODY, path=f"{PATH}?{query}")

    notes = wire.entry(answer)["notes"]
    assert [
        remark.fits(note) for remark, note in zip(oracle.judge_query(names), notes, strict=True)
    ] == ([True] * len(names))


@pytest.mark.parametrize("name", ["content-encoding", "Content-Encoding"])
def test_a_compressed_body_is_unreadable_because_of_its_header(wire: Wire, name: str) -> None:
    body = gzip.compress(json.dumps(BODY).encode())

    answer = wire.send(body, headers={**SIGNED_IN, name: "gzip"})

    why = wire.entry(answer)["unreadable"]
    assert (answer.verdict, why["where"], why["got"]) == ((400, {}), "Content-Encoding", "gzip")


@pytest.mark.parametrize("content_type", JSON_TYPES)
def test_json_is_read_without_a_note(wire: Wire, content_type: str) -> None:
    answer = wire.send(BODY, content_type=content_type)

    assert (answer.status, answer.headers["Twin-Notes"]) == (201, "0")


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_json_of_another_type_is_read_with_one_note(wire: Wire, content_type: str | None) -> None:
    answer = wire.send(BODY, content_type=content_type)

    assert answer.status == 201
    assert [note["rule"] for note in wire.entry(answer)["notes"]] == ["content_type"]


def test_of_a_content_type_that_comes_twice_both_are_noted(wire: Wire) -> None:
    headers = [*SIGNED_IN.items(), ("Content-Type", "application/json"), ("content-type", "a/b")]
    # Flask's own client would fold them.
    with httpx.Client(transport=InProcess(wire.app), base_url="http://localhost") as client:
        answer = client.post(PATH, json=BODY, headers=headers)
        (note,) = client.get(answer.headers["Twin-Request"]).json()["notes"]

    assert (answer.status_code, note["rule"]) == (201, "content_type")
    assert note["before"] == "application/json, a/b"


def test_form_fields_are_read_with_one_note(wire: Wire) -> None:
    answer = wire.send(FORM, content_type="application/x-www-form-urlencoded")

    assert answer.status == 201
    assert [note["rule"] for note in wire.entry(answer)["notes"]] == ["form"]


@pytest.mark.parametrize("content_type", [kind for kind in OTHER_TYPES if kind])
def test_form_fields_of_another_type_are_unreadable(wire: Wire, content_type: str) -> None:
    assert wire.send(FORM, content_type=content_type).verdict == (400, {})


def test_a_mark_before_the_json_is_skipped_with_one_note(wire: Wire) -> None:
    answer = wire.send(b"\xef\xbb\xbf" + json.dumps(BODY).encode())

    assert answer.status == 201
    assert [note["rule"] for note in wire.entry(answer)["notes"]] == ["byte_order_mark"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_another_encoding_than_utf_8_is_unreadable(wire: Wire, encoding: str) -> None:
    body = json.dumps(BODY).encode(encoding)

    assert wire.send(body).verdict == (400, {})


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"5", b'"a"', b"NaN", b'{"text": NaN}', b"{}{}", b"\xff", b"\x00"],
    ids=repr,
)
def test_what_is_no_json_object_is_refused_in_the_documented_words(wire: Wire, body: bytes) -> None:
    answer = wire.send(body)

    assert (answer.status, answer.value) == (400, ANSWERS["unreadable"]["value"])


@given(raw=st.binary(max_size=80), content_type=bodies.content_types())
def test_no_bytes_bring_down_the_twin_or_an_answer_that_is_no_json(
    raw: bytes, content_type: str
) -> None:
    # A header holds no line break and nothing beyond Latin-1.
    header = "".join(c for c in content_type if c.isprintable() and c < "\u0100")

    answer = Wire().send(raw, content_type=header)

    assert answer.status in {201, 400}
    assert isinstance(answer.value, dict)


@given(text=bodies.odd_json_texts())
def test_no_odd_json_brings_down_the_twin(text: str) -> None:
    answer = Wire().send(text.encode())

    assert answer.status in {201, 400}
    assert isinstance(answer.value, dict)


ELSEWHERE: Final = (
    *("evillocalhost", "api.evillocalhost", "localhost.example.com", "127.0.0.1.example.com"),
    *("128.0.0.1", "[::2]", "0.0.0.0"),  # noqa: S104  (a name in a test)
)


@pytest.mark.parametrize("host", ELSEWHERE)
def test_the_control_plane_is_not_asked_under_a_name_that_may_be_elsewhere(
    wire: Wire, host: str
) -> None:
    client = wire.app.test_client()

    assert client.get("/_twin/health", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost", "twin.localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_the_control_plane_is_asked_under_names_of_this_machine(wire: Wire, host: str) -> None:
    client = wire.app.test_client()

    assert client.get("/_twin/health", headers={"Host": f"{host}:8010"}).status_code == 200


TWIN: Final = yaml.safe_load((spec.FILE.parent / "twin.yaml").read_text("utf-8"))
BOUNDED: Final = [
    (parameter["name"], parameter["schema"][bound], step)
    for parameter in TWIN["paths"]["/_twin/requests"]["get"]["parameters"]
    for bound, step in (("minimum", -1), ("maximum", 1))
    if bound in parameter["schema"]
]


@pytest.mark.parametrize(("name", "bound", "step"), BOUNDED)
def test_a_filter_of_the_inbox_may_be_as_large_as_its_contract_says_and_no_more(
    wire: Wire, name: str, bound: int, step: int
) -> None:
    wire.send(BODY)

    answers = [wire.control("GET", f"/requests?{name}={n}") for n in (bound, bound + step)]

    assert [answer.status for answer in answers] == [200, 400]
    assert answers[1].value["where"] == name


@pytest.mark.parametrize(
    ("shown", "hidden"),
    [
        ("+1234567", "+123••67"),
        ("1234567", "1234•67"),
        (1_000_000, "1000•00"),
        (-1_000_000, "-100••00"),
        ("+123456", "+123456"),
        ("123456", "123456"),
        (999_999, 999_999),
    ],
)
def test_a_number_of_seven_digits_is_masked_and_one_of_six_is_not(
    shown: object, hidden: object
) -> None:
    app = create_app(Twin(load()), ServeOptions(mask=True))
    client = app.test_client()

    answer = client.post(PATH, json=BODY | {"x": shown}, headers=SIGNED_IN)

    (note,) = client.get(answer.headers["Twin-Request"]).get_json()["notes"]
    assert note["before"] == hidden


def test_a_token_opens_the_control_plane_to_no_other_origin() -> None:
    client = create_app(
        Twin(load()), ServeOptions(token="secret", origins=("http://a.test",))
    ).test_client()
    signed_in = {"Authorization": "Bearer secret"}

    foreign = client.get("/_twin/health", headers={**signed_in, "Origin": "http://b.test"})
    without = client.options("/_twin/health")

    assert (foreign.status_code, without.status_code) == (403, 401)


def test_who_has_waited_for_the_inbox_leaves_the_place_to_the_next() -> None:
    client = create_app(Twin(load()), ServeOptions(workers=2)).test_client()

    # Nothing is there, so that each of them does wait.
    answers = [client.get("/_twin/requests?wait=0.01") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
