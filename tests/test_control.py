"""The control plane, held against its own contract file."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import flask
import pytest
import yaml
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from common import BODY, ROOT, SEND, SIGNED_IN, Send
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.served import ServeOptions
from mock_server.speech import rendering
from mock_server.store.receipt_log import Attempt, Receipt

TWIN = yaml.safe_load((ROOT / "openapi/twin.yaml").read_text("utf-8"))
REGISTRY: Registry[Any] = Registry().with_resource(
    "twin", Resource(contents=TWIN, specification=DRAFT202012)
)


OPERATIONS: dict[tuple[str, str], dict[str, Any]] = {
    (path, method): operation
    for path, item in TWIN["paths"].items()
    for method, operation in item.items()
    if method != "parameters"
}


def complaints(path: str, method: str, status: int, body: object) -> list[str]:
    """What the contract file has against an answer."""
    escaped = path.replace("/", "~1")
    answer = TWIN["paths"][path][method]["responses"][str(status)]
    pointer = answer.get("$ref", f"#/paths/{escaped}/{method}/responses/{status}")
    schema = {"$ref": f"twin{pointer}/content/application~1json/schema"}
    validator = Draft202012Validator(schema, registry=REGISTRY)
    return [error.message for error in validator.iter_errors(body)]


@pytest.mark.unmeasured
def test_the_contract_of_the_control_plane_is_openapi() -> None:
    validate(TWIN)


def test_every_documented_route_is_there_and_no_other(app: flask.Flask) -> None:
    served = {
        (re.sub("<(.+?)>", "{\\1}", rule.rule.replace("<number>", "<id>")), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("control.") and not rule.endpoint.endswith(".nothing")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert served == OPERATIONS.keys()


ACCOUNT, CLOCK, FAULTS = (f"/_twin/accounts/{{login}}{end}" for end in ("", "/clock", "/faults"))
REQUESTS, REQUEST = "/_twin/requests", "/_twin/requests/{id}"
PHONES, PHONE = f"{ACCOUNT}/phones", f"{ACCOUNT}/phones/{{phone}}"
CALLS, RECEIPTS, RESEND = "/_twin/calls", "/_twin/receipts", "/_twin/receipts/{id}/resend"
AUDIO, PLAY = f"{REQUEST}/audio.wav", "/_twin/calls/{id}/{action}"
ANSWERS: list[tuple[str, str, int, dict[str, Any]]] = [
    ("/_twin/health", "get", 200, {}),
    ("/_twin/rules", "get", 200, {}),
    ("/_twin/magic", "get", 200, {}),
    ("/_twin/reset", "post", 204, {}),
    ("/_twin/accounts", "get", 200, {}),
    (ACCOUNT, "get", 200, {}),
    (ACCOUNT, "get", 404, {"login": "nobody"}),
    (ACCOUNT, "put", 200, {"json": {}}),
    (ACCOUNT, "put", 400, {"json": {"credits": 1}}),
    (ACCOUNT, "delete", 204, {}),
    (CLOCK, "get", 200, {}),
    (CLOCK, "get", 404, {"login": "nobody"}),
    (CLOCK, "put", 200, {"json": {"frozen": True}}),
    (CLOCK, "put", 400, {"json": {}}),
    (FAULTS, "get", 200, {}),
    (FAULTS, "get", 404, {"login": "nobody"}),
    (FAULTS, "put", 200, {"json": {"faults": []}}),
    (FAULTS, "put", 400, {"json": {}}),
    (FAULTS, "post", 201, {"json": {"fault": "reset"}}),
    (FAULTS, "post", 400, {"json": {}}),
    (FAULTS, "delete", 204, {}),
    (REQUESTS, "get", 200, {}),
    (REQUESTS, "get", 400, {"query_string": {"limit": "many"}}),
    (REQUESTS, "get", 503, {"query_string": {"wait": "1", "since": "99"}}),
    (PHONES, "get", 200, {}),
    (PHONES, "get", 404, {"login": "nobody"}),
    (PHONE, "get", 200, {"phone": "+336*"}),
    (PHONE, "get", 404, {}),
    (PHONE, "put", 200, {"json": {"listening_seconds": 2, "shares": {"busy": 1}}}),
    (PHONE, "put", 400, {"json": {"outcome": "lost"}}),
    (PHONE, "delete", 204, {}),
    (RECEIPTS, "get", 200, {}),
    (RECEIPTS, "get", 400, {"query_string": {"state": "sent"}}),
    (RECEIPTS, "get", 503, {"query_string": {"wait": "1", "skip": "9"}}),
    (RESEND, "post", 202, {"id": "1-0"}),
    (RESEND, "post", 404, {"id": "9-9"}),
    (CALLS, "get", 200, {}),
    (CALLS, "get", 400, {"query_string": {"outcome": "lost"}}),
    (CALLS, "get", 503, {"query_string": {"wait": "1", "outcome": "busy"}}),
    (PLAY, "post", 200, {"id": "1-0", "action": "reject", "pace": "live"}),
    (PLAY, "post", 400, {"id": "1-0", "action": "press", "json": {"keys": "A"}}),
    (PLAY, "post", 404, {"id": "9-9"}),
    (PLAY, "post", 409, {"id": "1-0"}),
    (REQUEST, "get", 200, {}),
    (REQUEST, "get", 404, {"id": 7}),
    (AUDIO, "get", 200, {"workers": 2}),
    (AUDIO, "get", 400, {"query_string": {"whole": "yes"}}),
    (AUDIO, "get", 404, {"id": 7}),
    (AUDIO, "get", 500, {"workers": 2, "ruined": ("_PROGRAM", "/nowhere.py")}),
    (AUDIO, "get", 501, {"ruined": ("_MODULE", "nowhere")}),
    (AUDIO, "get", 503, {}),
]


def ask(client: FlaskClient, path: str, method: str, **given: Any) -> Any:
    url = path.format(
        login=given.pop("login", "ada@example.com"),
        id=given.pop("id", 1),
        phone=given.pop("phone", "+33612345678"),
        action=given.pop("action", "answer"),
    )
    return client.open(url, method=method, **given)


@pytest.mark.parametrize(
    ("path", "method", "status", "given"),
    ANSWERS,
    ids=[f"{method} {path} {status}" for path, method, status, _ in ANSWERS],
)
def test_an_answer_is_as_documented(  # noqa: PLR0913, PLR0917  (what a row has)
    twin: Twin,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    method: str,
    status: int,
    given: dict[str, Any],
) -> None:
    given = {"workers": 1} | given
    client = create_app(twin, ServeOptions(workers=given.pop("workers"))).test_client()
    if ruined := given.pop("ruined", None):
        monkeypatch.setattr(rendering, *ruined)
    ask(client, ACCOUNT, "put", json={"pace": given.pop("pace", "instant")})
    client.post(SEND, json=BODY, headers=SIGNED_IN)
    full = {"faults": [{"fault": "delay", "seconds": 0, "match": {"text": "x"}, "times": 1}]}
    ask(client, FAULTS, "put", json=full)
    ask(client, PHONE, "put", phone="+336*", json={"keys": "1"})
    ask(client, ACCOUNT, "put", json={"opt_outs": ["+33612345678"], "callback_url": None})

    attempt = Attempt(datetime.now(UTC), None, "no answer")
    receipt = Receipt(
        "1-0", "ada", "+336", "http://localhost", "text/plain", b"", "failed", (attempt,)
    )
    twin.store.log_receipt(receipt, None)

    response = ask(client, path, method, **given)

    assert response.status_code == status
    if status == 204:
        assert response.data == b""
    elif (path, status) == (AUDIO, 200):
        assert (response.content_type, response.data[:4]) == ("audio/wav", b"RIFF")
    else:
        assert not complaints(path, method, status, response.json)


def test_every_documented_answer_is_tried() -> None:
    everywhere = {400, 401, 403}
    documented = {
        (path, method, int(status))
        for (path, method), operation in OPERATIONS.items()
        for status in operation["responses"]
    }

    tried = {(path, method, status) for path, method, status, _ in ANSWERS}
    assert documented == tried | {
        (path, method, status) for path, method in OPERATIONS for status in everywhere
    }


@pytest.mark.unmeasured
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_route_turns_away_what_lacks_the_token(twin: Twin, path: str, method: str) -> None:
    client = create_app(twin, ServeOptions(token="secret")).test_client()

    response = ask(client, path, method)

    assert response.status_code == 401
    assert not complaints(path, method, 401, response.json)


@pytest.mark.unmeasured
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("header", [{"Host": "example.com"}, {"Origin": "https://example.com"}])
def test_every_route_turns_away_other_hosts_and_origins(
    client: FlaskClient, path: str, method: str, header: dict[str, str]
) -> None:
    response = ask(client, path, method, headers=header)

    assert response.status_code == 403
    assert not complaints(path, method, 403, response.json)


@pytest.mark.unmeasured
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_route_refuses_what_it_does_not_read_and_changes_nothing(
    client: FlaskClient, path: str, method: str
) -> None:
    ask(client, ACCOUNT, "put", json={"credit": "1.00"})
    unread = [{"query_string": {"only": "ada@example.com"}}]
    if "requestBody" not in OPERATIONS[path, method]:
        unread.append({"data": '{"login": "ada@example.com"}'})

    for given in unread:
        response = ask(client, path, method, **given)
        assert response.status_code == 400
        assert not complaints(path, method, 400, response.json)
    assert ask(client, ACCOUNT, "get").json["credit"] == "1.00"


@pytest.mark.parametrize(
    ("path", "method", "given", "where", "got"),
    [
        ("/_twin/reset", "post", {"query_string": "login=ada"}, "login", "ada"),
        (
            "/_twin/reset",
            "post",
            {"data": '{"login": "ada"}'},
            "body",
            '"{\\"login\\": \\"ada\\"}"',
        ),
        ("/_twin/rules", "head", {"query_string": "a=1"}, "a", "1"),
        (REQUESTS, "get", {"query_string": "login=ada&login=bob"}, "login", "ada, bob"),
        (PLAY, "post", {"data": "1"}, "body", '"1"'),
        (ACCOUNT, "put", {"data": '{"mode": "strict", "mode": "lenient"}'}, "body", None),
        (ACCOUNT, "put", {"data": '{"tariff": {"price": "1", "price": "2"}}'}, "body", None),
        (REQUESTS, "get", {"query_string": "rule=nothing"}, "rule", "nothing"),
    ],
)
def test_what_is_not_read_is_named(  # noqa: PLR0913, PLR0917  (what a row has)
    client: FlaskClient, path: str, method: str, given: dict[str, Any], where: str, got: str | None
) -> None:
    response = ask(client, path, method, **given, **({"id": "1-0"} if path == PLAY else {}))

    assert response.status_code == 400
    if method != "head":
        assert response.json["where"] == where
        assert got is None or response.json["got"] == got
        assert got or "stands there twice" in response.json["expected"]


EXAMPLES = {
    f"{method} {path} {name}": (path, method, example["value"])
    for (path, method), operation in OPERATIONS.items()
    for content in operation.get("requestBody", {}).get("content", {}).values()
    for name, example in content.get("examples", {}).items()
}


@pytest.mark.parametrize(("path", "method", "body"), EXAMPLES.values(), ids=EXAMPLES)
def test_every_example_is_accepted(
    client: FlaskClient, path: str, method: str, body: dict[str, Any]
) -> None:
    call = {}
    if path == PLAY:
        ask(client, ACCOUNT, "put", json={"pace": "live"})
        client.post(SEND, json=BODY, headers=SIGNED_IN)
        ask(client, PLAY, "post", id="1-0", action="answer")
        call = {"id": "1-0", "action": "press"}

    assert ask(client, path, method, json=body, **call).status_code in {200, 201}


def test_the_filters_are_those_documented(client: FlaskClient) -> None:
    names = {parameter["name"] for parameter in OPERATIONS[REQUESTS, "get"]["parameters"]}

    expected = client.get("/_twin/requests?page=2").json["expected"]

    assert set(expected.removeprefix("one of ").split(", ")) == names


@pytest.mark.parametrize("name", ["Verdict", "State", "Stakes"])
def test_the_choices_of_a_filter_are_those_documented(client: FlaskClient, name: str) -> None:
    response = client.get(f"/_twin/requests?{name.lower()}=x")

    choices = TWIN["components"]["schemas"][name]["enum"]
    assert response.json["expected"] == f"one of {', '.join(choices)}"


EVERY_FAULT: list[dict[str, Any]] = [
    {"fault": "delay", "seconds": 0},
    {"fault": "delay", "seconds": {"from": 0, "to": 0}},
    {"fault": "delay", "seconds": {"median": 1, "sigma": 0}},
    {"fault": "status", "status": 429, "retry_after": 1},
    {"fault": "answer", "answer": "forbidden"},
    {"fault": "reset"},
    {"fault": "drop_after_commit"},
    {"fault": "truncate", "bytes": 1048576},
    {"fault": "garble"},
    {"fault": "content_type", "content_type": "text/plain"},
    {"fault": "missing_field", "field": "total_cost"},
    {"fault": "receipt_lost"},
    {"fault": "receipt_late", "seconds": 1, "match": {"number": "+33612345678"}},
    {"fault": "receipt_duplicated"},
    {"fault": "receipt_out_of_order"},
]


def test_every_documented_fault_is_tried() -> None:
    mapping = TWIN["components"]["schemas"]["InjectedFault"]["discriminator"]["mapping"]

    assert {rule["fault"] for rule in EVERY_FAULT} == mapping.keys()


@pytest.mark.unmeasured
@pytest.mark.parametrize("rule", EVERY_FAULT, ids=str)
@pytest.mark.parametrize("mask", ["", "masked"])
def test_the_entry_of_an_injected_request_is_as_documented(
    twin: Twin, rule: dict[str, Any], mask: str
) -> None:
    client = create_app(twin, ServeOptions(mask=bool(mask))).test_client()
    whole = rule | {"match": {"number": "+33612345678"}, "probability": 1, "times": 3}
    faults = ask(client, FAULTS, "put", json={"faults": [whole]}).json

    with patch("time.sleep"), contextlib.suppress(ConnectionError):
        client.post(SEND, json=BODY, headers=SIGNED_IN)

    entry, rows = client.get("/_twin/requests/1").json, client.get("/_twin/requests").json
    is_about_receipts = rule["fault"].startswith("receipt_")
    assert (entry["injected"] is None) == is_about_receipts
    assert is_about_receipts or entry["injected"]["by"] == "fault"
    assert not complaints(FAULTS, "put", 200, faults)
    assert not complaints(REQUEST, "get", 200, entry)
    assert not complaints(REQUESTS, "get", 200, rows)


def test_health_is_as_documented(client: FlaskClient, twin: Twin) -> None:
    body = client.get("/_twin/health").json

    assert not complaints("/_twin/health", "get", 200, body)
    assert body["contract"]["sha256"] == twin.contract.sha256


def test_rules_are_as_documented(client: FlaskClient) -> None:
    body = client.get("/_twin/rules").json

    assert not complaints("/_twin/rules", "get", 200, body)


SENT: dict[str, dict[str, Any]] = {
    "clean": {"json": BODY},
    "sloppy": {"json": {"text": 1, "recipients": "a,0612345678", "mode": "x"}},
    "simulated": {"json": BODY | {"simulation_mode": True, "send_at": "2030-01-01T00:00:00Z"}},
    "refused": {"json": {"recipients": [], "voice_language": "xx"}},
    "unreadable": {"data": b"\xff"},
    "form": {"data": {"text": "a", "recipients": "+33612345678"}},
    "not signed in": {"json": BODY, "headers": {}},
    "preferred": {"json": BODY, "headers": SIGNED_IN | {"Prefer": "code=403"}},
    "magic": {"json": BODY | {"recipients": ["+33639980503"]}},
    "magic key": {"json": BODY, "headers": SIGNED_IN | {"api-key": "magic-unauthorized"}},
    "scheduled": {"json": BODY | {"send_at": "2030-01-01T00:00:00Z", "request_id": "one"}},
}


@pytest.mark.parametrize("given", SENT.values(), ids=SENT)
@pytest.mark.unmeasured
def test_an_entry_is_as_documented(send: Send, client: FlaskClient, given: Any) -> None:
    link = send(given.get("json"), **{k: v for k, v in given.items() if k != "json"})

    entry = client.get(link.headers["Twin-Request"]).json
    assert not complaints("/_twin/requests/{id}", "get", 200, entry)


def test_the_list_is_as_documented(send: Send, client: FlaskClient) -> None:
    send(BODY)

    body = client.get("/_twin/requests").json
    assert not complaints("/_twin/requests", "get", 200, body)
    assert [row["id"] for row in body["requests"]] == [1]


@pytest.fixture
def three(send: Send) -> Iterator[None]:
    for login in ("ada", "grace", "ada"):
        send(BODY, headers={"api-login": login, "api-key": login})
    return iter(())


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [1, 2, 3]),
        ("?login=ada", [1, 3]),
        ("?since=1", [2, 3]),
        ("?limit=2", [1, 2]),
        ("?login=ada&since=1&limit=1", [3]),
        ("?login=nobody", []),
    ],
)
@pytest.mark.usefixtures("three")
def test_the_list_can_be_narrowed(client: FlaskClient, query: str, ids: list[int]) -> None:
    rows = client.get(f"/_twin/requests{query}").json["requests"]

    assert [row["id"] for row in rows] == ids


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("since=-1", "since"),
        ("since=" + "9" * 5000, "since"),
        ("since=\uff12", "since"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=many", "limit"),
        ("verdict=sent", "verdict"),
        ("state=accepted", "state"),
        ("stakes=higher", "stakes"),
        ("after=yesterday", "after"),
        ("after=2026-11-23T12:00:00", "after"),
        ("before=2026-11-23", "before"),
        ("before=0000-01-01T00:00:00Z", "before"),
        ("wait=-1", "wait"),
        ("wait=61", "wait"),
        ("wait=NaN", "wait"),
        ("wait=1e1", "wait"),
        ("page=2", "page"),
    ],
)
def test_a_wrong_query_is_refused_by_name(client: FlaskClient, query: str, where: str) -> None:
    response = client.get(f"/_twin/requests?{query}")

    assert (response.status_code, response.json["where"]) == (400, where)
    assert not complaints("/_twin/requests", "get", 400, response.json)


@pytest.mark.parametrize("number", ["7", "0", "x", "-1"])
def test_an_unknown_id_is_not_found(client: FlaskClient, number: str) -> None:
    response = client.get(f"/_twin/requests/{number}")

    assert response.status_code == 404
    assert not complaints("/_twin/requests/{id}", "get", 404, response.json)


def test_a_reset_forgets_requests_and_accounts(send: Send, client: FlaskClient) -> None:
    send(BODY)

    assert client.post("/_twin/reset").status_code == 204
    assert client.get("/_twin/requests").json["requests"] == []
    assert send(BODY, headers=SIGNED_IN | {"api-key": "new"}).json["residual_credit"] == 149.95


def test_ids_go_on_after_a_reset(send: Send, client: FlaskClient) -> None:
    send(BODY)
    client.post("/_twin/reset")

    assert send(BODY).headers["Twin-Request"] == "/_twin/requests/2"


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "BREW"])
def test_any_other_method_is_not_found(client: FlaskClient, method: str) -> None:
    response = client.open("/_twin/health", method=method)

    assert response.status_code in {404, 405}
    assert response.is_json


@pytest.mark.parametrize("path", ["/_twin", "/_twin/", "/_twin/nothing", "/_twin/reset"])
def test_any_other_route_under_the_prefix_is_not_found(client: FlaskClient, path: str) -> None:
    response = client.get(path)

    assert (response.status_code, response.is_json) == (404, True)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8010", "LOCALHOST", "twin.localhost", "a.twin.localhost"),
        *("127.0.0.1:1", "127.9.9.9", "[::1]:8010"),
    ],
)
def test_names_of_loopback_may_ask(client: FlaskClient, host: str) -> None:
    assert client.get("/_twin/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "127.0.0.1.example.com", "localhost.example.com", "10.0.0.1", "128.0.0.1"),
        *("evillocalhost", "api.evillocalhost", "evil-localhost", "[::2]", "0.0.0.0", "[::", ""),  # noqa: S104  (a name in a test)
    ],
)
@pytest.mark.unmeasured
def test_other_names_may_not(client: FlaskClient, host: str) -> None:
    response = client.post("/_twin/reset", headers={"Host": host})

    assert response.status_code in {400, 403}
    assert response.is_json


def test_a_name_the_twin_was_started_with_may_ask(twin: Twin) -> None:
    client = create_app(twin, ServeOptions(hosts=("twin.test",))).test_client()

    assert client.get("/_twin/health", headers={"Host": "twin.test:8010"}).status_code == 200


def test_the_address_the_twin_listens_on_may_ask(twin: Twin) -> None:
    client = create_app(twin, ServeOptions(host="10.0.0.1")).test_client()

    assert client.get("/_twin/health", headers={"Host": "10.0.0.1:8010"}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://example.com", "null", "http://localhost:9", "http://[::1"]
)
def test_another_origin_may_not(client: FlaskClient, origin: str) -> None:
    response = client.post("/_twin/reset", headers={"Origin": origin})

    assert (response.status_code, response.json["where"]) == (403, "Origin")


def test_the_twins_own_origin_may(client: FlaskClient) -> None:
    assert client.get("/_twin/health", headers={"Origin": "http://localhost"}).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"), [("Bearer secret", 200), ("Bearer other", 401), ("secret", 401), ("", 401)]
)
def test_a_token_is_wanted_where_there_is_one(twin: Twin, sent: str, status: int) -> None:
    client = create_app(twin, ServeOptions(token="secret")).test_client()

    headers = {"Authorization": sent} if sent else {}
    assert client.get("/_twin/health", headers=headers).status_code == status


def test_the_imitated_api_wants_no_token(twin: Twin) -> None:
    client = create_app(twin, ServeOptions(token="secret")).test_client()

    assert client.post(SEND, json=BODY, headers=SIGNED_IN).status_code == 201


FAULT = {"fault": "reset"}
WRONG: dict[str, tuple[str, str, object, str, str]] = {
    # A name: path, method, body, where, a part of what was expected.
    "an unknown field": (ACCOUNT, "put", {"credits": 1}, "credits", "one of credit, key"),
    "a negative credit": (ACCOUNT, "put", {"credit": -1}, "credit", "euros from 0"),
    "a negative text": (ACCOUNT, "put", {"credit": "-1"}, "credit", "euros from 0"),
    "five decimals": (ACCOUNT, "put", {"credit": 0.12345}, "credit", "at most four decimals"),
    "five decimals as text": (ACCOUNT, "put", {"credit": "0.12345"}, "credit", "four decimals"),
    "a credit without end": (ACCOUNT, "put", b'{"credit": 1e999}', "credit", "euros from 0"),
    "NaN": (ACCOUNT, "put", b'{"credit": NaN}', "body", "NaN is not valid JSON"),
    "no credit": (ACCOUNT, "put", {"credit": None}, "credit", "euros from 0"),
    "a key that fits no header": (ACCOUNT, "put", {"key": "\n"}, "key", "fits a header"),
    "an empty key": (ACCOUNT, "put", {"key": ""}, "key", "fits a header"),
    "another mode": (ACCOUNT, "put", {"mode": "lax"}, "mode", "lenient or strict"),
    "a text for a truth": (ACCOUNT, "put", {"voice_addon": "yes"}, "voice_addon", "true or false"),
    "a small region": (ACCOUNT, "put", {"region": "fr"}, "region", "two capital letters"),
    "no region": (ACCOUNT, "put", {"region": "QQ"}, "region", "two capital letters"),
    "an empty tariff": (ACCOUNT, "put", {"tariff": {}}, "tariff", "an object of price"),
    "an unknown tariff": (ACCOUNT, "put", {"tariff": {"prize": 1}}, "tariff", "an object of price"),
    "a fine price": (
        ACCOUNT,
        "put",
        {"tariff": {"price": 0.00001}},
        "tariff.price",
        "at most four decimals",
    ),
    "an opt-out that is no number": (
        ACCOUNT,
        "put",
        {"opt_outs": ["+33612345678", "0612345678"]},
        "opt_outs.1",
        "a plus sign",
    ),
    "an opt-out twice": (
        ACCOUNT,
        "put",
        {"opt_outs": ["+33612345678"] * 2},
        "opt_outs",
        "a list of numbers",
    ),
    "no JSON": (ACCOUNT, "put", b"{", "body", "a JSON object"),
    "nothing": (ACCOUNT, "put", b"", "body", "a JSON object"),
    "no object": (ACCOUNT, "put", [], "body", "a JSON object"),
    "half a pair": (ACCOUNT, "put", b'{"key": "\\ud800"}', "body", "a JSON object"),
    "no UTF-8": (ACCOUNT, "put", b'{"key": "\xff"}', "body", "a JSON object"),
    "too deep for Python": (ACCOUNT, "put", b"[" * 5_000, "body", "a JSON object"),
    "too deep for a schema": (
        ACCOUNT,
        "put",
        b'{"tariff": ' + b"[" * 300 + b"]" * 300 + b"}",
        "body",
        "less depth",
    ),
    "a clock with nothing": (CLOCK, "put", {}, "body", "at least one of now, advance, frozen"),
    "yesterday": (CLOCK, "put", {"now": "yesterday"}, "now", "a date and time"),
    "no offset": (CLOCK, "put", {"now": "2026-12-24T18:00:00"}, "now", "with its offset"),
    "before our years": (CLOCK, "put", {"now": "0001-01-01T00:00:00+01:00"}, "now", "1000"),
    "the year nought": (CLOCK, "put", {"now": "0000-01-01T00:00:00Z"}, "now", "1000"),
    "after our years": (CLOCK, "put", {"now": "9999-12-31T23:59:59-01:00"}, "now", "8999"),
    "the first moment after our years": (
        CLOCK,
        "put",
        {"now": "9000-01-01T00:00:00Z"},
        "now",
        "8999",
    ),
    "behind the latest request": (
        CLOCK,
        "put",
        {"now": "2026-11-23T11:59:59Z"},
        "now",
        "not before 2026-11-23T12:00:00+00:00",
    ),
    "an advance backwards": (CLOCK, "put", {"advance": -1}, "advance", "seconds from 0"),
    "an advance without end": (CLOCK, "put", b'{"advance": 1e999}', "advance", "seconds"),
    "an advance out of our years": (
        CLOCK,
        "put",
        {"now": "8999-12-31T23:00:00Z", "advance": 3600},
        "advance",
        "before year 9000",
    ),
    "a number for a truth": (CLOCK, "put", {"frozen": 1}, "frozen", "true or false"),
    "another name of the clock": (CLOCK, "put", {"time": 1}, "time", "one of now, advance"),
    "no faults": (FAULTS, "put", {}, "faults", "a list of at most 100 faults"),
    "faults as an object": (FAULTS, "put", {"faults": FAULT}, "faults", "a list of at most"),
    "too many faults": (FAULTS, "put", {"faults": [FAULT] * 101}, "faults", "at most 100"),
    "a negative seed": (FAULTS, "put", {"faults": [], "seed": -1}, "seed", "a number from 0"),
    "an unknown member": (FAULTS, "put", {"faults": [], "sed": 1}, "sed", "one of seed, faults"),
    "a fault that is none": (FAULTS, "put", {"faults": [1]}, "faults.0", "an object"),
    "an unknown fault": (FAULTS, "post", {"fault": "rest"}, "fault", "one of delay, status"),
    "an unnamed fault": (FAULTS, "post", {}, "fault", "one of delay, status"),
    "a fault as a list": (FAULTS, "post", {"fault": []}, "fault", "one of delay, status"),
    "an unknown fault in a list": (
        FAULTS,
        "put",
        {"faults": [FAULT, {"fault": "rest"}]},
        "faults.1.fault",
        "one of delay, status",
    ),
    "another fault's option": (
        FAULTS,
        "put",
        {"faults": [FAULT | {"bytes": 5}]},
        "faults.0.bytes",
        "one of fault, times, probability, match",
    ),
    "a fault without its option": (
        FAULTS,
        "post",
        {"fault": "delay"},
        "seconds",
        "a number from 0 to 300",
    ),
    "a status of no gateway": (
        FAULTS,
        "post",
        {"fault": "status", "status": 404},
        "status",
        "429, 500, 502 or 503",
    ),
    "from above to": (
        FAULTS,
        "post",
        {"fault": "delay", "seconds": {"from": 2, "to": 1}},
        "seconds",
        "from not above to",
    ),
    "two kinds of delay": (
        FAULTS,
        "post",
        {"fault": "delay", "seconds": {"from": 2, "median": 1}},
        "seconds",
        "a number from 0 to 300",
    ),
    "an unknown answer": (
        FAULTS,
        "post",
        {"fault": "answer", "answer": "yes"},
        "answer",
        "out-of-credit",
    ),
    "no chance": (FAULTS, "post", FAULT | {"probability": 0}, "probability", "above 0"),
    "more than certain": (FAULTS, "post", FAULT | {"probability": 1.5}, "probability", "at most 1"),
    "no times": (FAULTS, "post", FAULT | {"times": 0}, "times", "a number from 1"),
    "a match of nothing": (FAULTS, "post", FAULT | {"match": {}}, "match", "at least one of"),
    "a match of another name": (
        FAULTS,
        "post",
        FAULT | {"match": {"numbr": "+33612345678"}},
        "match.numbr",
        "one of number, text, request_id",
    ),
    "a match of another type": (
        FAULTS,
        "post",
        FAULT | {"match": {"number": 33612345678}},
        "match.number",
        "a recipient's number",
    ),
    "a content type with a line end": (
        FAULTS,
        "post",
        {"fault": "content_type", "content_type": "a\nb: c"},
        "content_type",
        "a Content-Type",
    ),
    "a member that is no answer's": (
        FAULTS,
        "post",
        {"fault": "missing_field", "field": "code"},
        "field",
        "a member of CampaignAccepted",
    ),
}


def written(body: object) -> dict[str, Any]:
    return {"data": body} if isinstance(body, bytes) else {"json": body}


@pytest.mark.parametrize(("path", "method", "body", "where", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(  # noqa: PLR0913, PLR0917  (a row of the table)
    client: FlaskClient, send: Send, path: str, method: str, body: object, where: str, expected: str
) -> None:
    send(BODY)

    response = ask(client, path, method, **written(body))

    assert (response.status_code, response.json["where"]) == (400, where)
    assert expected in response.json["expected"]
    assert not complaints(path, method, 400, response.json)


@pytest.mark.unmeasured
@pytest.mark.parametrize(("path", "method", "body"), [row[:3] for row in WRONG.values()], ids=WRONG)
def test_what_is_wrong_changes_nothing(
    client: FlaskClient, send: Send, path: str, method: str, body: object
) -> None:
    ask(client, FAULTS, "put", json={"faults": [{"fault": "delay", "seconds": 0}]})
    send(BODY)
    before = [ask(client, url, "get").json for url in (ACCOUNT, CLOCK, FAULTS)]

    assert ask(client, path, method, **written(body)).status_code == 400

    assert [ask(client, url, "get").json for url in (ACCOUNT, CLOCK, FAULTS)] == before


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("path", "method", "body"),
    [row[:3] for name, row in WRONG.items() if name != "behind the latest request"],
    ids=[name for name in WRONG if name != "behind the latest request"],
)
def test_what_is_wrong_opens_no_account(
    client: FlaskClient, path: str, method: str, body: object
) -> None:
    assert ask(client, path, method, **written(body)).status_code == 400

    assert client.get("/_twin/accounts").json == {"accounts": [], "evicted": 0}


@pytest.mark.parametrize(("path", "method"), [(FAULTS, "delete"), (FAULTS, "get"), (CLOCK, "get")])
def test_asking_opens_no_account(client: FlaskClient, path: str, method: str) -> None:
    ask(client, path, method)

    assert client.get("/_twin/accounts").json["accounts"] == []


@pytest.mark.parametrize(
    "url",
    [
        "example.com",
        "ftp://localhost/",
        "http://",
        "http:///path",
        "http://localhost:99999/",
        "http://[::1/",
        "http://localhost/a b",
        "http://localhost/\n",
        "http://example.com\\@localhost/",
        "http://example.com/",
        "http://localhost@example.com/",
        "http://localhost.example.com/",
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "",
        1,
    ],
)
def test_a_callback_elsewhere_is_refused(client: FlaskClient, url: object) -> None:
    response = ask(client, ACCOUNT, "put", json={"callback_url": url})

    assert (response.status_code, response.json["where"]) == (400, "callback_url")
    assert "http or https URL on this machine" in response.json["expected"]


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "https://127.0.0.1:9/hook?a=b",
        "http://[::1]:9",
        "http://a.localhost",
        None,
    ],
)
def test_a_callback_on_this_machine_is_taken(client: FlaskClient, url: str | None) -> None:
    assert ask(client, ACCOUNT, "put", json={"callback_url": url}).json["callback_url"] == url


def test_a_callback_to_a_host_allowed_at_the_start_is_taken(twin: Twin) -> None:
    client = create_app(twin, ServeOptions(callback_hosts=("hooks.test",))).test_client()

    for host, status in (("hooks.test", 200), ("other.test", 400)):
        body = {"callback_url": f"https://{host}/x"}
        assert ask(client, ACCOUNT, "put", json=body).status_code == status


def test_the_refusal_of_a_callback_tells_the_option(client: FlaskClient) -> None:
    response = ask(client, ACCOUNT, "put", json={"callback_url": "http://example.com/"})

    assert "--allow-callback example.com" in response.json["expected"]


PAGE = "https://page.test"


@pytest.fixture
def shared(twin: Twin) -> FlaskClient:
    return create_app(twin, ServeOptions(origins=(PAGE,))).test_client()


def test_a_page_that_is_allowed_may_read(shared: FlaskClient) -> None:
    response = shared.get("/_twin/health", headers={"Origin": PAGE})

    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert response.headers["Vary"] == "Origin"


def test_a_page_that_is_allowed_may_read_why_it_was_refused(shared: FlaskClient) -> None:
    response = shared.get("/_twin/requests?limit=many", headers={"Origin": PAGE})

    assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (400, PAGE)


@pytest.mark.parametrize("origin", [None, "http://localhost", "https://other.test"])
def test_nobody_else_gets_a_cors_header(shared: FlaskClient, origin: str | None) -> None:
    response = shared.get("/_twin/health", headers={"Origin": origin} if origin else {})

    assert not [name for name in response.headers.keys() if name.startswith("Access-Control")]  # noqa: SIM118  (pairs)


def test_no_cors_header_is_sent_unless_a_page_is_named(client: FlaskClient) -> None:
    response = client.options("/_twin/health", headers={"Origin": PAGE})

    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response.headers


def test_a_preflight_is_answered_without_a_token(twin: Twin) -> None:
    client = create_app(twin, ServeOptions(origins=(PAGE,), token="secret")).test_client()

    response = client.options("/_twin/accounts/ada", headers={"Origin": PAGE})

    assert response.status_code == 204
    assert "PUT" in response.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]


def test_the_imitated_api_has_no_cors(shared: FlaskClient) -> None:
    response = shared.post(SEND, json=BODY, headers=SIGNED_IN | {"Origin": PAGE})

    assert response.status_code == 201
    assert "Access-Control-Allow-Origin" not in response.headers


def test_with_a_token_the_twin_is_known_by_any_name(twin: Twin) -> None:
    client = create_app(twin, ServeOptions(token="secret")).test_client()

    headers = {"Host": "twin.example.com", "Authorization": "Bearer secret"}
    assert client.get("/_twin/health", headers=headers).status_code == 200


def test_a_token_does_not_open_the_twin_to_another_origin(twin: Twin) -> None:
    client = create_app(twin, ServeOptions(token="secret")).test_client()

    headers = {"Origin": "https://example.com", "Authorization": "Bearer secret"}
    assert client.get("/_twin/health", headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://localhost"}])
def test_only_a_preflight_of_an_allowed_origin_needs_no_token(
    twin: Twin, headers: dict[str, str]
) -> None:
    client = create_app(twin, ServeOptions(origins=(PAGE,), token="secret")).test_client()

    assert client.options("/_twin/accounts/ada", headers=headers).status_code == 401
