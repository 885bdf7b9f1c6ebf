"""The control plane, held against its own contract file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flask
import pytest
import yaml
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from common import BODY, ROOT, SEND, SIGNED_IN, Send
from mock_server.app import create_app
from mock_server.twin import Twin

TWIN = yaml.safe_load((ROOT / "openapi/twin.yaml").read_text("utf-8"))
REGISTRY: Registry[Any] = Registry().with_resource(
    "twin", Resource(contents=TWIN, specification=DRAFT202012)
)


def complaints(path: str, method: str, status: int, body: object) -> list[str]:
    """What the contract file has against an answer."""
    escaped = path.replace("/", "~1")
    answer = TWIN["paths"][path][method]["responses"][str(status)]
    pointer = answer.get("$ref", f"#/paths/{escaped}/{method}/responses/{status}")
    schema = {"$ref": f"twin{pointer}/content/application~1json/schema"}
    validator = Draft202012Validator(schema, registry=REGISTRY)
    return [error.message for error in validator.iter_errors(body)]


def test_the_contract_of_the_control_plane_is_openapi() -> None:
    validate(TWIN)


def test_every_documented_route_is_there_and_no_other(app: flask.Flask) -> None:
    served = {
        (rule.rule.replace("<number>", "{id}"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("control.") and not rule.endpoint.endswith(".nothing")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    documented = {(path, method) for path, item in TWIN["paths"].items() for method in item}
    assert served == documented


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
}


@pytest.mark.parametrize("given", SENT.values(), ids=SENT)
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
    "host", ["localhost", "localhost:8010", "127.0.0.1:1", "[::1]:8010", "twin.localhost"]
)
def test_names_of_loopback_may_ask(client: FlaskClient, host: str) -> None:
    assert client.get("/_twin/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "10.0.0.1", "[::", ""])
def test_other_names_may_not(client: FlaskClient, host: str) -> None:
    response = client.post("/_twin/reset", headers={"Host": host})

    assert response.status_code in {400, 403}
    assert response.is_json


def test_a_name_the_twin_was_started_with_may_ask(twin: Twin) -> None:
    client = create_app(twin, hosts=["twin.test"]).test_client()

    assert client.get("/_twin/health", headers={"Host": "twin.test:8010"}).status_code == 200


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
    client = create_app(twin, token="secret").test_client()  # noqa: S106

    headers = {"Authorization": sent} if sent else {}
    assert client.get("/_twin/health", headers=headers).status_code == status


def test_the_imitated_api_wants_no_token(twin: Twin) -> None:
    client = create_app(twin, token="secret").test_client()  # noqa: S106

    assert client.post(SEND, json=BODY, headers=SIGNED_IN).status_code == 201
