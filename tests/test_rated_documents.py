"""Each change of an OpenAPI document outside its schemas, and how bad it is.

What `vms.contracts.diff.document_differ` and `vms.contracts.diff.access_differ` make of it.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openapi_documents import THING, Gone, edited, findings, rated
from vms.contracts.diff.changes import Role
from vms.contracts.diff.findings import Severity
from vms.contracts.diff.rules import RULES

PUT = ("paths", "/things/{id}", "put")
LIST = {"type": "array", "items": {"type": "string"}}
QUERY = {"name": "q", "in": "query", "schema": LIST}
REQUEST = (*PUT, "requestBody")
ANSWERS = (*PUT, "responses")
ANSWER = (*ANSWERS, "200", "content")
WEBHOOK = ("webhooks", "changed", "post")
JSON = "application/json"
V1 = {"v": {"default": "v1"}}
GET = {"responses": {"200": {"description": "It."}}}
SCHEMES = ("components", "securitySchemes")


def query(**more: Any) -> dict[tuple[str | int, ...], Any]:
    """The only parameter of the operation."""
    return {(*PUT, "parameters"): [QUERY | more]}


def security(*ways: Any) -> dict[tuple[str | int, ...], Any]:
    return {(*PUT, "security"): list(ways)}


# Each: edits of the old document, edits of the new one, and what comes of it and of its reverse.
CHANGED: dict[str, tuple[Any, Any, str, str]] = {
    # Paths and operations
    "a path": (
        {},
        {("paths", "/more"): {"get": GET}},
        "harmless path-added",
        "breaking path-removed",
    ),
    "an operation": (
        {},
        {("paths", "/things/{id}", "get"): GET},
        "harmless operation-added",
        "breaking operation-removed",
    ),
    "an operation that was to go": (
        {("paths", "/things/{id}", "get"): GET | {"deprecated": True}},
        {},
        "warning operation-removed-as-announced",
        "harmless operation-added",
    ),
    **{
        f"an operation by {method.upper()}": (
            {("paths", "/things/{id}", method): GET},
            {},
            "breaking operation-removed",
            "harmless operation-added",
        )
        for method in ("post", "delete", "options", "head", "patch", "trace", "query")
    },
    "an operation before its sunset": (
        {("paths", "/things/{id}", "get"): GET | {"deprecated": True, "x-sunset": "2999-01-01"}},
        {},
        "breaking operation-removed",
        "harmless operation-added",
    ),
    "an operation after its sunset": (
        {("paths", "/things/{id}", "get"): GET | {"deprecated": True, "x-sunset": "2020-01-01"}},
        {},
        "warning operation-removed-as-announced",
        "harmless operation-added",
    ),
    "an operation of a sunset that is not a date": (
        {("paths", "/things/{id}", "get"): GET | {"deprecated": True, "x-sunset": "soon"}},
        {},
        "breaking operation-removed",
        "harmless operation-added",
    ),
    "a path that was to go": (
        {("paths", "/more"): {"get": GET | {"deprecated": True}}},
        {},
        "warning path-removed-as-announced",
        "harmless path-added",
    ),
    "the end is announced": ({}, {(*PUT, "deprecated"): True}, "harmless operation-deprecated", ""),
    "another name of a part of the path": (
        {("paths",): {"/{a}": {"get": GET}}},
        {("paths",): {"/{b}": {"get": GET}}},
        "harmless path-parameter-renamed",
        "harmless path-parameter-renamed",
    ),
    "another operationId": (
        {},
        {(*PUT, "operationId"): "change"},
        "warning operation-id-changed",
        "warning operation-id-changed",
    ),
    "no operationId": (
        {},
        {(*PUT, "operationId"): Gone},
        "warning operation-id-changed",
        "warning operation-id-set",
    ),
    "an end that comes sooner": (
        {(*PUT, "deprecated"): True, (*PUT, "x-sunset"): "2999-06-01"},
        {(*PUT, "deprecated"): True, (*PUT, "x-sunset"): "2998-06-01"},
        "warning sunset-sooner",
        "",
    ),
    "an end that is no longer announced": (
        {(*PUT, "deprecated"): True, (*PUT, "x-sunset"): "2999-06-01"},
        {(*PUT, "deprecated"): True},
        "warning sunset-sooner",
        "",
    ),
    # Servers
    "another address": (
        {},
        {("servers",): [{"url": "https://api.test/v2"}]},
        "breaking server-changed",
        "breaking server-changed",
    ),
    "one more server": (
        {},
        {("servers",): [{"url": "https://api.test/v1/"}, {"url": "https://eu.test"}]},
        "harmless server-added",
        "breaking server-removed",
    ),
    "an address as a variable": (
        {},
        {
            ("servers",): [
                {"url": "https://{host}/v1", "variables": {"host": {"default": "api.test"}}}
            ]
        },
        "",
        "",
    ),
    "an address in capitals, with its port": (
        {},
        {("servers",): [{"url": "https://API.test:443/v1/"}]},
        "",
        "",
    ),
    "an address that is none": (
        {("servers",): [{"url": "https://api.test:x/v1"}]},
        {("servers",): [{"url": "https://api.test:y/v1"}]},
        "breaking server-changed",
        "breaking server-changed",
    ),
    "another default of a variable": (
        {("servers",): [{"url": "https://{h}/{v}", "variables": {"h": {"default": "a"}} | V1}]},
        {("servers",): [{"url": "https://{h}/{v}", "variables": {"h": {"default": "b"}} | V1}]},
        "breaking server-changed",
        "breaking server-changed",
    ),
    "one value less of a variable": (
        {
            ("servers",): [
                {"url": "https://{h}", "variables": {"h": {"default": "a", "enum": ["a", "b"]}}}
            ]
        },
        {
            ("servers",): [
                {"url": "https://{h}", "variables": {"h": {"default": "a", "enum": ["a"]}}}
            ]
        },
        "breaking server-removed",
        "",
    ),
    "the same servers at each operation": (
        {},
        {("servers",): Gone, (*PUT, "servers"): [{"url": "https://api.test/v1"}]},
        "",
        "",
    ),
    "other servers where each operation has its own": (
        {(*PUT, "servers"): [{"url": "https://put.test"}]},
        {
            (*PUT, "servers"): [{"url": "https://put.test"}],
            ("servers",): [{"url": "https://b.test"}],
        },
        "",
        "",
    ),
    "servers without operations": (
        {("paths",): {}},
        {("paths",): {}, ("servers",): [{"url": "https://b.test"}]},
        "breaking server-changed",
        "breaking server-changed",
    ),
    "a server of one operation": (
        {},
        {(*PUT, "servers"): [{"url": "https://put.test"}]},
        "breaking server-changed",
        "breaking server-changed",
    ),
    # Parameters
    "an optional parameter": (
        {(*PUT, "parameters"): []},
        query(),
        "harmless parameter-added",
        "warning parameter-removed",
    ),
    "a required parameter": (
        {(*PUT, "parameters"): []},
        query(required=True),
        "breaking required-parameter-added",
        "warning parameter-removed",
    ),
    "a parameter that must be there": (
        query(),
        query(required=True),
        "breaking parameter-became-required",
        "harmless parameter-became-optional",
    ),
    "a parameter in another place": (
        query(),
        query(**{"in": "cookie"}),
        "breaking parameter-moved",
        "breaking parameter-moved",
    ),
    "a parameter that will go": (
        query(),
        query(deprecated=True),
        "harmless parameter-deprecated",
        "",
    ),
    "a list otherwise on the wire": (
        query(),
        query(style="spaceDelimited"),
        "breaking parameter-serialisation-changed",
        "breaking parameter-serialisation-changed",
    ),
    "a list not repeated": (
        query(),
        query(explode=False),
        "breaking parameter-serialisation-changed",
        "breaking parameter-serialisation-changed",
    ),
    "a text of the path with a dot before it": (
        {},
        {("paths", "/things/{id}", "parameters", 0, "style"): "label"},
        "breaking parameter-serialisation-changed",
        "breaking parameter-serialisation-changed",
    ),
    "a list in a header, which is the same": (
        query(**{"in": "header"}),
        query(**{"in": "header", "explode": True}),
        "",
        "",
    ),
    "a number that may be any text": (
        query(schema={"type": "integer"}),
        query(schema={"type": "string"}),
        "harmless type-widened",
        "breaking type-changed",
    ),
    "another default of what must be sent": (
        query(required=True, schema={"default": 1}),
        query(required=True, schema={"default": 2}),
        "",
        "",
    ),
    "a text otherwise, which is the same": (
        query(schema={"type": "string"}),
        query(schema={"type": "string"}, explode=False),
        "",
        "",
    ),
    "a parameter as JSON": (
        query(),
        {(*PUT, "parameters"): [{"name": "q", "in": "query", "content": {JSON: {"schema": LIST}}}]},
        "breaking parameter-serialisation-changed",
        "breaking parameter-serialisation-changed",
    ),
    "a parameter as JSON of another type": (
        {(*PUT, "parameters"): [{"name": "q", "in": "query", "content": {JSON: {"schema": LIST}}}]},
        {
            (*PUT, "parameters"): [
                {"name": "q", "in": "query", "content": {JSON: {"schema": THING}}}
            ]
        },
        "breaking type-changed",
        "breaking type-changed",
    ),
    "an empty value": (
        query(allowEmptyValue=True),
        query(),
        "breaking empty-value-refused",
        "",
    ),
    "characters that must be encoded": (
        query(allowReserved=True),
        query(),
        "warning reserved-refused",
        "",
    ),
    "another default in the address": (
        query(schema={"default": 1}),
        query(schema={"default": 2}),
        "breaking default-changed",
        "breaking default-changed",
    ),
    "another spelling of a header": (
        query(**{"in": "header", "name": "X-Trace"}),
        query(**{"in": "header", "name": "x-trace"}),
        "",
        "",
    ),
    "a header that OpenAPI says to ignore": (
        {(*PUT, "parameters"): []},
        query(**{"in": "header", "name": "Accept", "required": True}),
        "",
        "",
    ),
    "a parameter of the path": (
        {},
        {("paths", "/things/{id}", "parameters", 0, "schema"): {"type": "string", "maxLength": 5}},
        "warning bound-set",
        "harmless bound-dropped",
    ),
    "a parameter of the path that is described": (
        {("paths", "/things/{id}", "parameters"): []},
        {},
        "",
        "",
    ),
    "parts of a form without a schema": (
        {(*REQUEST, "content", JSON): {}},
        {(*REQUEST, "content", JSON): {"encoding": {"name": {"contentType": "text/plain"}}}},
        "breaking encoding-changed",
        "breaking encoding-changed",
    ),
    # Bodies
    "a body": ({REQUEST: Gone}, {}, "harmless body-added", "breaking body-removed"),
    "a body that must be there": (
        {REQUEST: Gone},
        {(*REQUEST, "required"): True},
        "breaking required-body-added",
        "breaking body-removed",
    ),
    "a body that may be missing": (
        {(*REQUEST, "required"): True},
        {},
        "harmless body-became-optional",
        "breaking body-became-required",
    ),
    "another form of a request": (
        {},
        {(*REQUEST, "content", "text/csv"): {}},
        "harmless media-type-added",
        "breaking media-type-removed",
    ),
    "a schema for what had none": (
        {(*REQUEST, "content", JSON): {}},
        {},
        "warning schema-set",
        "harmless schema-dropped",
    ),
    "a charset": (
        {},
        {(*REQUEST, "content"): {"application/JSON; charset=UTF-8": {"schema": THING}}},
        "",
        "",
    ),
    "another version of a media type": (
        {(*REQUEST, "content"): {"application/json;v=1": {"schema": THING}}},
        {(*REQUEST, "content"): {"application/json; v=2": {"schema": THING}}},
        "breaking media-type-removed",
        "breaking media-type-removed",
    ),
    "any form of a request": (
        {},
        {(*REQUEST, "content"): {"application/*": {"schema": THING}}},
        "",
        "breaking media-type-removed",
    ),
    "parts of a form otherwise": (
        {},
        {(*REQUEST, "content", JSON, "encoding"): {"name": {"contentType": "text/plain"}}},
        "breaking encoding-changed",
        "breaking encoding-changed",
    ),
    # Answers
    "another success": (
        {},
        {(*ANSWERS, "202"): {"description": "Later."}},
        "harmless status-added",
        "breaking success-removed",
    ),
    "a refusal": (
        {},
        {(*ANSWERS, "409"): {"description": "No."}},
        "harmless status-added",
        "harmless error-removed",
    ),
    "a class of answers becomes one": (
        {(*ANSWERS, "5XX"): {"description": "Broken."}},
        {(*ANSWERS, "503"): {"description": "Broken."}},
        "harmless status-narrowed",
        "harmless status-added",
    ),
    "one form of many": (
        {(*ANSWER,): {"*/*": {"schema": THING}}},
        {},
        "",
        "breaking media-type-removed",
    ),
    "a class of answers for one": (
        {},
        {(*ANSWERS, "2XX"): {"description": "It."}, (*ANSWERS, "200"): Gone},
        "breaking media-type-removed required-header-removed status-widened",
        "harmless header-added media-type-added status-narrowed",
    ),
    "the answer to all else": (
        {},
        {(*ANSWERS, "default"): {"description": "No."}},
        "harmless status-added",
        "harmless error-removed",
    ),
    "another form of an answer": (
        {},
        {(*ANSWER, "text/csv"): {}},
        "harmless media-type-added",
        "breaking media-type-removed",
    ),
    "an answer that is described": (
        {(*ANSWER, JSON): {}},
        {},
        "harmless schema-set",
        "breaking schema-dropped",
    ),
    "a header of an answer": (
        {},
        {(*ANSWERS, "200", "headers", "link"): {"schema": {"type": "string"}}},
        "harmless header-added",
        "warning header-removed",
    ),
    "a required header of an answer": (
        {},
        {(*ANSWERS, "200", "headers"): Gone},
        "breaking required-header-removed",
        "harmless header-added",
    ),
    "a header that may be missing": (
        {},
        {(*ANSWERS, "200", "headers", "etag", "required"): False},
        "breaking header-became-optional",
        "harmless header-became-required",
    ),
    "a header of another type": (
        {},
        {(*ANSWERS, "200", "headers", "ETag"): {"required": True, "schema": {"type": "integer"}}}
        | {(*ANSWERS, "200", "headers", "etag"): Gone},
        "breaking type-changed",
        "breaking type-changed",
    ),
    "the content type as a header, which OpenAPI says to ignore": (
        {},
        {(*ANSWERS, "200", "headers", "Content-Type"): {"required": True, "schema": {}}},
        "",
        "",
    ),
    "a header of any type": (
        {},
        {(*ANSWERS, "200", "headers", "etag", "schema"): Gone},
        "breaking schema-dropped",
        "harmless schema-set",
    ),
    "a header as JSON of another type": (
        {(*ANSWERS, "200", "headers", "etag"): {"content": {JSON: {"schema": LIST}}}},
        {(*ANSWERS, "200", "headers", "etag"): {"content": {JSON: {"schema": THING}}}},
        "breaking type-changed",
        "breaking type-changed",
    ),
    # Webhooks and callbacks
    "a webhook": (
        {},
        {("webhooks", "gone"): {"post": GET}},
        "harmless webhook-added",
        "breaking webhook-removed",
    ),
    "a method of a webhook": (
        {},
        {("webhooks", "changed"): {"put": GET}},
        "breaking webhook-removed",
        "breaking webhook-removed",
    ),
    "a body of a webhook": (
        {(*WEBHOOK, "requestBody"): Gone},
        {},
        "harmless body-added",
        "breaking body-removed",
    ),
    "a form of a webhook": (
        {},
        {(*WEBHOOK, "requestBody", "content", "text/csv"): {}},
        "harmless media-type-added",
        "breaking media-type-removed",
    ),
    "what a webhook is answered": (
        {},
        {(*WEBHOOK, "responses"): {"204": {"description": "Taken."}}},
        "breaking success-removed",
        "breaking success-removed",
    ),
    "what must stand in the answer to a webhook": (
        {(*WEBHOOK, "responses", "200", "content"): {JSON: {"schema": THING}}},
        {
            (*WEBHOOK, "responses", "200", "content"): {
                JSON: {"schema": THING | {"required": ["name"]}}
            }
        },
        "breaking member-became-required",
        "harmless member-became-optional",
    ),
    "what a callback is answered": (
        {},
        {
            (*PUT, "callbacks", "done", "{$url}", "post", "responses"): {
                "202": {"description": "Taken."}
            }
        },
        "breaking success-removed",
        "breaking success-removed",
    ),
    "a callback": (
        {},
        {(*PUT, "callbacks", "failed"): {"{$url}": {"post": GET}}},
        "harmless webhook-added",
        "breaking webhook-removed",
    ),
    # Security
    "signing in": (
        security(),
        security({"key": []}),
        "breaking sign-in-required",
        "warning sign-in-dropped",
    ),
    "signing in where that was optional": (
        security({}, {"key": []}),
        security({"key": []}),
        "breaking sign-in-required",
        "warning sign-in-dropped",
    ),
    "another way to sign in": (
        security({"key": []}),
        security({"key": []}, {"token": []}),
        "harmless sign-in-added",
        "breaking sign-in-removed",
    ),
    "two ways at once": (
        security({"key": []}),
        security({"key": [], "token": []}),
        "breaking sign-in-required-too",
        "harmless sign-in-eased",
    ),
    "a scope": (
        security({"oauth": []}),
        security({"oauth": ["write"]}),
        "warning scope-added",
        "harmless sign-in-eased",
    ),
    "the key in another header": (
        {},
        {(*SCHEMES, "key", "name"): "x-secret"},
        "breaking scheme-changed",
        "breaking scheme-changed",
    ),
    "another name of a scheme": (
        {},
        {
            (*SCHEMES, "other"): {"type": "apiKey", "in": "header", "name": "X-Key"},
            ("security",): [{"other": []}],
        },
        "",
        "",
    ),
    "another name of a scheme of OAuth": (
        security({"oauth": ["a"]}),
        security({"token": ["a"]})
        | {(*SCHEMES, "token"): {"type": "oauth2", "flows": {}}, (*SCHEMES, "oauth"): Gone},
        "breaking sign-in-removed",
        "breaking scheme-changed",
    ),
    "a flow less": (
        security({"oauth": []}) | {(*SCHEMES, "oauth", "flows"): {"implicit": {}, "password": {}}},
        security({"oauth": []}) | {(*SCHEMES, "oauth", "flows"): {"implicit": {}}},
        "breaking flow-removed",
        "",
    ),
    "another address for tokens": (
        security({"oauth": []})
        | {(*SCHEMES, "oauth", "flows"): {"password": {"tokenUrl": "https://a.test"}}},
        security({"oauth": []})
        | {(*SCHEMES, "oauth", "flows"): {"password": {"tokenUrl": "https://b.test"}}},
        "breaking flow-changed",
        "breaking flow-changed",
    ),
    "a scope that nobody grants": (
        security({"oauth": []})
        | {(*SCHEMES, "oauth", "flows"): {"password": {"scopes": {"a": "A.", "b": "B."}}}},
        security({"oauth": []})
        | {(*SCHEMES, "oauth", "flows"): {"password": {"scopes": {"a": ""}}}},
        "warning scope-removed",
        "",
    ),
    "a scheme that nobody describes": (
        security({"none": []}),
        security({"nobody": []}),
        "breaking sign-in-removed",
        "breaking sign-in-removed",
    ),
}


@pytest.mark.parametrize(("old", "new", "there", "back"), CHANGED.values(), ids=CHANGED)
def test_a_change_of_a_document_is_rated_both_ways(
    old: Any, new: Any, there: str, back: str
) -> None:
    one, other = edited(old), edited(new)

    assert (rated(findings(one, other)), rated(findings(other, one))) == (there, back)


def test_a_scheme_of_oauth_that_is_only_called_something_else_is_no_change() -> None:
    old = edited(security({"oauth": ["a"]}))
    new = edited(
        security({"login": ["a"]})
        | {(*SCHEMES, "login"): {"type": "oauth2", "flows": {}}, (*SCHEMES, "oauth"): Gone}
    )

    assert findings(old, new) == ()


def test_a_path_that_is_a_reference_has_its_parameters_compared() -> None:
    def item(name: str, kind: str) -> Any:
        one = {"name": name, "in": "path", "required": True, "schema": {"type": kind}}
        return {"parameters": [one], "get": GET}

    old = edited({("paths",): {"/{id}": item("id", "string")}})
    new = edited(
        {
            ("paths",): {"/{key}": {"$ref": "#/components/pathItems/one"}},
            ("components", "pathItems", "one"): item("key", "integer"),
        }
    )

    assert rated(findings(old, new)) == "breaking type-changed"


def test_a_document_is_as_itself() -> None:
    assert findings(edited({}), edited({})) == ()


# Two changes of these at once are one: the ways to sign in are compared as a whole, and what
# belongs to a path that is another goes with it.
TOGETHER = {
    frozenset({"the key in another header", name})
    for name in CHANGED
    if (CHANGED[name][0].keys() | CHANGED[name][1].keys()) & {(*PUT, "security"), ("security",)}
} | {frozenset({"another name of a part of the path", name}) for name in CHANGED}


def are_apart(one: str, other: str) -> bool:
    """Whether two changes have nothing to do with each other."""
    places = [[*CHANGED[name][0], *CHANGED[name][1]] for name in (one, other)]
    return frozenset({one, other}) not in TOGETHER and not any(
        a[: len(b)] == b or b[: len(a)] == a for a in places[0] for b in places[1]
    )


PAIRS = [pair for pair in combinations(CHANGED, 2) if are_apart(*pair)]


@given(st.sampled_from(PAIRS))
def test_two_changes_of_a_document_are_rated_as_each(pair: tuple[str, str]) -> None:
    def of(*names: str) -> set[tuple[str, str, str]]:
        old, new = (
            {at: value for name in names for at, value in CHANGED[name][side].items()}
            for side in (0, 1)
        )
        found = findings(edited(old), edited(new))
        return {(one.rule, one.about, str(one.severity)) for one in found}

    assert of(*pair) == of(pair[0]) | of(pair[1])


@pytest.mark.parametrize("role", RULES)
def test_every_rule_that_is_worse_than_harmless_has_who_is_hit_and_what_to_do(role: Role) -> None:
    lacking = [
        kind
        for kind, rule in RULES[role].items()
        if rule.severity is not Severity.HARMLESS
        and (rule.hit == "nobody" or rule.remedy == "Nothing.")
    ]

    assert lacking == []
