"""The contract file itself, read here without the twin's loader, and what the twin makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

import spec
from mock_server.contract.loader import load
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import Account, digest

REGISTRY: Registry[Any] = Registry().with_resource(
    "contract", Resource(contents=spec.DOCUMENT, specification=DRAFT202012)
)
SCHEMAS = spec.DOCUMENT["components"]["schemas"]
STATUSES = {
    name: status
    for status, response in spec.OPERATION["responses"].items()
    for name in response["content"]["application/json"]["examples"]
}


def complaints(schema: str, value: object) -> list[str]:
    validator = Draft202012Validator(
        {"$ref": f"contract#/components/schemas/{schema}"},
        registry=REGISTRY,
        format_checker=FormatChecker(),
    )
    return [error.message for error in validator.iter_errors(value)]


def test_the_contract_is_openapi() -> None:
    validate(spec.DOCUMENT)


def test_it_has_the_seeds_fourteen_parameters() -> None:
    assert len(SCHEMAS["VoiceCampaign"]["properties"]) == 14


@pytest.mark.parametrize("schema", ["VoiceCampaign", "Contact"])
def test_every_request_parameter_says_what_happens_to_a_wrong_value(schema: str) -> None:
    properties = SCHEMAS[schema]["properties"]

    assert [name for name in properties if "x-lenient" not in properties[name]] == []


def test_it_has_no_default_response() -> None:
    assert set(spec.OPERATION["responses"]) == {"2XX", "400", "401", "403"}


@pytest.mark.parametrize("example", spec.REQUESTS.values(), ids=spec.REQUESTS)
def test_every_request_example_is_valid(example: dict[str, Any]) -> None:
    assert complaints("VoiceCampaign", example["value"]) == []


@pytest.mark.parametrize("name", spec.ANSWERS)
def test_every_answer_example_is_valid(name: str) -> None:
    example = spec.ANSWERS[name]
    shape = "CampaignAccepted" if STATUSES[name] == "2XX" else "ApiError"
    shape = "PayloadError" if "errors" in example["value"] else shape

    assert complaints(shape, example["value"]) == []


@pytest.mark.parametrize("name", spec.ANSWERS)
def test_every_answer_example_has_a_status_of_its_response(name: str) -> None:
    assert str(spec.ANSWERS[name]["x-status"])[0] == STATUSES[name][0]


@pytest.fixture
def client() -> FlaskClient:
    contract = load()
    accounts = [
        Account("ada", digest("ada", "k"), contract.terms.opening_credit),
        Account("off", digest("off", "k"), contract.terms.opening_credit, voice_addon=False),
        Account("poor", digest("poor", "k"), contract.terms.price * 0),
    ]
    return create_app(Twin(contract, MemoryStore(accounts))).test_client()


@pytest.mark.parametrize("example", spec.REQUESTS.values(), ids=spec.REQUESTS)
def test_every_request_example_is_accepted_without_a_note(
    client: FlaskClient, example: dict[str, Any]
) -> None:
    response = client.post(
        spec.PATH, json=example["value"], headers={"api-login": "ada", "api-key": "k"}
    )

    assert (response.status_code, response.headers["Twin-Notes"]) == (201, "0")


BODY = spec.REQUESTS["one-contact"]["value"]
REQUEST_FOR: dict[str, dict[str, Any]] = {
    "accepted": {"json": BODY},
    "simulated": {"json": spec.REQUESTS["simulation"]["value"]},
    "unsupported-language": {"json": BODY | {"voice_language": "tlh"}},
    "nothing-to-say": {"json": {}},
    "repeated-request": {"json": BODY | {"request_id": "one"}},
    "out-of-credit": {"json": BODY, "login": "poor"},
    "unreadable": {"data": b"{"},
    "unauthorized": {"json": BODY, "login": ""},
    "forbidden": {"json": BODY, "login": "off"},
}


def test_every_answer_example_has_a_request_here() -> None:
    assert REQUEST_FOR.keys() == spec.ANSWERS.keys()


@pytest.mark.parametrize("name", spec.ANSWERS)
def test_every_answer_example_is_what_the_twin_answers(client: FlaskClient, name: str) -> None:
    example = spec.ANSWERS[name]
    given = dict(REQUEST_FOR[name])
    headers = {"api-login": given.pop("login", "ada"), "api-key": "k"}
    if name == "repeated-request":
        client.post(spec.PATH, headers=headers, **given)

    response = client.post(spec.PATH, headers=headers, **given)

    expected = json.loads(json.dumps(example["value"]))
    if name == "accepted":
        expected["ticket_number"] = response.json["ticket_number"]
    assert (response.status_code, response.json) == (example["x-status"], expected)


@pytest.mark.parametrize("mistaken", ["list_name", "list-name", "listName"])
@pytest.mark.parametrize("sent", ["listName", "LIST-NAME"])
def test_a_parameter_in_another_spelling_is_meant_before_a_mistaken_name_of_another(
    tmp_path: Path, mistaken: str, sent: str
) -> None:
    text = spec.FILE.read_text("utf-8")
    assert text.count("names: [gender]") == 1
    path = tmp_path / "contract.yaml"
    path.write_text(text.replace("names: [gender]", f"names: [gender, {mistaken}]"), "utf-8")

    meant = load(path).body.meant(sent)

    assert meant is not None
    assert meant.name == "list_name"
