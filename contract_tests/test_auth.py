"""Who may send: every pair of an api-login and an api-key, each header checked apart.

Generated checks leave out both headers or one at a time; that a twin looks at one of them only is
found by the whole matrix alone.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import httpx
import pytest

from mock_server.testing.transport import InProcess
from spec import ANSWERS, PATH
from telling import told
from wire import CONTRACT, Wire, account, hello

EVIDENCE: Final = 'documented: vendor-page, "Unauthorized."; the body is the official flat shape'
BODY: Final = hello()
LOGINS: Final = {
    "right": "ada@example.com",
    "another account's": "bob@example.com",
    "unknown": "eve@example.com",
    "in capitals": "ADA@EXAMPLE.COM",
    "cut": "ada@example.co",
    "empty": "",
    "blank": "  ",
    "missing": None,
}
KEYS: Final = {
    "right": "key-of-ada",
    "another account's": "key-of-bob",
    "wrong": "key-of-eve",
    "in capitals": "KEY-OF-ADA",
    "cut": "key-of-ad",
    "the login": "ada@example.com",
    "empty": "",
    "blank": "  ",
    "missing": None,
}
MATRIX: Final = tuple(product(LOGINS, KEYS))
# Of all pairs those that belong together.
SIGNED_IN: Final = {("right", "right"), ("another account's", "another account's")}


def closed() -> Wire:
    """A twin with two accounts, which signs in nobody else."""
    return Wire(
        account("ada@example.com", "key-of-ada"),
        account("bob@example.com", "key-of-bob"),
        account("off@example.com", "key-of-off", voice_addon=False),
        closed=True,
    )


def headers(login: str | None, key: str | None) -> dict[str, str]:
    sent = {"api-login": login, "api-key": key}
    return {name: value for name, value in sent.items() if value is not None}


@pytest.mark.parametrize(("login", "key"), MATRIX, ids=" login, ".join)
def test_only_a_login_with_its_own_key_signs_in(login: str, key: str) -> None:
    sent = headers(LOGINS[login], KEYS[key])

    answer = closed().send(BODY, headers=sent)

    expected = 201 if (login, key) in SIGNED_IN else 401
    assert answer.status == expected, told(
        BODY, headers=sent, documented=expected, got=answer.status, evidence=EVIDENCE
    )


@pytest.mark.parametrize(
    ("login", "key"), [pair for pair in MATRIX if pair not in SIGNED_IN], ids=" login, ".join
)
def test_a_stranger_is_told_the_documented_words_and_never_which_header_was_wrong(
    login: str, key: str
) -> None:
    sent = headers(LOGINS[login], KEYS[key])

    answer = closed().send(BODY, headers=sent)

    assert (answer.value, answer.headers["Content-Type"]) == (
        ANSWERS["unauthorized"]["value"],
        "application/json",
    ), told(
        BODY,
        headers=sent,
        documented=ANSWERS["unauthorized"]["value"],
        got=answer.body,
        evidence=EVIDENCE,
    )


def test_no_refused_sign_in_takes_credit() -> None:
    wire = closed()
    for login, key in MATRIX:
        if (login, key) not in SIGNED_IN:
            wire.send(BODY, headers=headers(LOGINS[login], KEYS[key]))

    balances = {
        login: wire.control("GET", f"/accounts/{login}").value["credit"]
        for login in ("ada@example.com", "bob@example.com")
    }
    assert set(balances.values()) == {str(CONTRACT.terms.opening_credit)}


@pytest.mark.parametrize(("login", "key"), MATRIX, ids=" login, ".join)
def test_on_an_open_twin_the_first_key_of_a_login_is_its_key(login: str, key: str) -> None:
    wire = Wire()
    wire.send(BODY, headers=headers(LOGINS["right"], KEYS["right"]))

    answer = wire.send(BODY, headers=headers(LOGINS[login], KEYS[key]))

    sent_login, sent_key = (LOGINS[login] or "").strip(), (KEYS[key] or "").strip()
    opens = bool(sent_login and sent_key) and sent_login != LOGINS["right"]
    assert answer.status == (201 if opens or (login, key) == ("right", "right") else 401)


@pytest.mark.parametrize("names", [("API-LOGIN", "API-KEY"), ("Api-Login", "Api-Key")])
def test_the_names_of_the_headers_may_have_any_case(names: tuple[str, str]) -> None:
    sent = dict(zip(names, ("ada@example.com", "key-of-ada"), strict=True))

    assert closed().send(BODY, headers=sent).status == 201


@pytest.mark.parametrize("name", ["api-login", "api-key"])
def test_a_header_of_another_name_does_not_stand_for_it(name: str) -> None:
    sent = headers(LOGINS["right"], KEYS["right"])
    sent[f"x-{name}"] = sent.pop(name)

    assert closed().send(BODY, headers=sent).status == 401


def over_http(wire: Wire, sent: list[tuple[str, str]]) -> httpx.Response:
    """One request with the headers as they are: Flask's own client would fold them."""
    with httpx.Client(transport=InProcess(wire.app), base_url="http://localhost") as client:
        return client.post(PATH, json=BODY, headers=sent)


@pytest.mark.parametrize("name", ["api-login", "api-key"])
def test_a_header_with_an_underscore_does_not_stand_for_it(name: str) -> None:
    sent = headers(LOGINS["right"], KEYS["right"])
    sent[name.replace("-", "_")] = sent.pop(name)

    assert over_http(closed(), list(sent.items())).status_code == 401


@pytest.mark.parametrize("first", [True, False])
def test_a_header_with_an_underscore_does_not_pay(*, first: bool) -> None:
    sent = list(headers(LOGINS["right"], KEYS["right"]).items())
    other = [("api_login", "bob@example.com"), ("api_key", "key-of-bob")]
    wire = closed()

    answer = over_http(wire, other + sent if first else sent + other)

    assert answer.status_code == 201
    balance = wire.control("GET", "/accounts/bob@example.com").value
    assert balance["credit"] == str(CONTRACT.terms.opening_credit)


@pytest.mark.parametrize("again", ["right", "another account's", "empty"])
@pytest.mark.parametrize("name", ["api-login", "api-key"])
def test_a_header_that_comes_twice_does_not_sign_in(name: str, again: str) -> None:
    sent = list(headers(LOGINS["right"], KEYS["right"]).items())
    second = [(name.title(), str({"api-login": LOGINS, "api-key": KEYS}[name][again]))]

    answers = [over_http(closed(), sent + second), over_http(closed(), second + sent)]

    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.parametrize("name", ["api-login", "api-key"])
def test_a_header_that_comes_twice_opens_no_account(name: str) -> None:
    wire = Wire()
    sent = headers(LOGINS["right"], KEYS["right"])

    answer = over_http(wire, [*sent.items(), (name, "another")])

    assert answer.status_code == 401
    assert wire.control("GET", "/accounts").value["accounts"] == []


@pytest.mark.parametrize("name", ["api-login", "api-key"])
def test_credentials_in_the_query_do_not_sign_in(name: str) -> None:
    sent = headers(LOGINS["right"], KEYS["right"])
    path = f"{PATH}?{name}={sent.pop(name)}"

    assert closed().send(BODY, headers=sent, path=path).status == 401


@pytest.mark.parametrize("name", ["api-login", "api-key"])
def test_credentials_in_the_body_do_not_sign_in(name: str) -> None:
    sent = headers(LOGINS["right"], KEYS["right"])
    body = BODY | {name: sent.pop(name)}

    assert closed().send(body, headers=sent).status == 401


@pytest.mark.parametrize("body", [BODY, {}, b"{", b"\xff", b""], ids=repr)
def test_whoever_is_not_signed_in_hears_nothing_about_the_body(body: object) -> None:
    assert closed().send(body, headers={}).value == ANSWERS["unauthorized"]["value"]


@pytest.mark.parametrize("body", [BODY, {}, b"{", {**BODY, "simulation_mode": True}], ids=repr)
def test_an_account_without_the_voice_addon_is_forbidden_whatever_it_sends(body: object) -> None:
    answer = closed().send(body, headers=headers("off@example.com", "key-of-off"))

    assert (answer.status, answer.value) == (403, ANSWERS["forbidden"]["value"])


def test_an_account_without_the_voice_addon_needs_its_key_like_any_other() -> None:
    assert closed().send(BODY, headers=headers("off@example.com", "key-of-ada")).status == 401


def test_no_key_is_shown_in_the_inbox() -> None:
    wire = closed()
    wire.send(BODY, headers=headers("ada@example.com", "key-of-ada"))
    wire.send(BODY, headers=headers("ada@example.com", "key-of-eve"))

    listed = wire.control("GET", "/requests").body
    entries = [wire.control("GET", f"/requests/{number}").body for number in (1, 2)]

    assert not any(b"key-of" in text for text in (listed, *entries))
