"""How values are shown, compared and sent again, and how forms are made of schemas."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import BODY, NOON, SEND, SIGNED_IN, Clock
from mock_server.contract.document import ContractFile, shipped
from mock_server.contract.loader import Contract
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.server import Serving
from mock_server.page import charts, forms
from mock_server.page.reference import reference
from mock_server.page.resend import MOST_BYTES, resend
from mock_server.page.sent_and_read import MOST_LINES, Line, compare
from mock_server.page.stakes import at_stake
from mock_server.page.visible import Part, compared, first_words, plain, visible, written
from mock_server.store.entries import Accepted, Entry, Request

# Half of the characters are those that matter: next to each other, too.
TEXTS = st.lists(
    st.sampled_from("<>&\"'\u202e\x00\u200b") | st.characters(exclude_categories=())
).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=4), JSON, max_size=5)


def entry(notes: object = (), body: object = None, violations: object = ()) -> dict[str, object]:
    return {"notes": list(notes), "violations": list(violations), "body": body}


# ── shown ────────────────────────────────────────────────────────────


@given(TEXTS)
def test_a_shown_text_is_the_text_with_what_cannot_be_seen_by_its_code(text: str) -> None:
    shown = str(visible(text, len(text)))
    seen = re.sub(
        r'<span class="code">U\+([0-9A-F]+)</span>', lambda one: chr(int(one[1], 16)), shown
    )

    assert html.unescape(seen).replace("\r", "") == text.replace("\r", "")


@given(TEXTS)
def test_nothing_shown_runs_hides_or_reorders(text: str) -> None:
    for shown in (str(visible(text)), str(visible(plain(text)))):
        bare = shown.replace('<span class="code">', "").replace('<span class="more">', "")
        assert "<" not in bare.replace("</span>", "")
        assert not re.search("[\x00-\x08\x1b\u202a-\u202e\u2066-\u2069\u200b\ud800-\udfff]", shown)


@pytest.mark.parametrize("text", ["<b>\u202e", "\u202e<b>", "<b>\u202e<i>\x00<u>"])
def test_markup_beside_what_cannot_be_seen_is_escaped(text: str) -> None:
    assert not re.search("<[biu]>", str(visible(text)))


def test_of_a_long_text_the_rest_is_counted() -> None:
    assert visible("ab" * 3_000, 10) == (
        'ababababab<span class="more">… 5,990 more characters</span>'
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("a b", "a b"),
        ("one  two a", "one two a"),
        ("one two ab", "one two ab"),
        ("one two abc", "one two …"),
        ("a" * 30, "a" * 10 + " …"),
        ("one two three", "one two …"),
    ],
)
def test_first_words_end_at_a_word(text: str, words: str) -> None:
    assert first_words(text, 10) == words


@pytest.mark.parametrize(("text", "shown"), [("", ""), ("ab", "ab"), ("abc", "ab…")])
def test_a_text_that_fits_an_attribute_is_not_cut(text: str, shown: str) -> None:
    assert plain(text, 2) == shown


# ── compared ─────────────────────────────────────────────────────────


@given(st.text(max_size=40), st.text(max_size=40))
def test_the_parts_of_two_texts_are_the_texts(one: str, other: str) -> None:
    parts = compared(one, other)

    assert ["".join(part.text for part in some) for some in parts] == [one, other]


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_is_not_marked_is_the_same_in_both(one: str, other: str) -> None:
    alike = [
        "".join(part.text for part in some if not part.differs) for some in compared(one, other)
    ]

    assert alike[0] == alike[1]


def test_two_empty_texts_have_no_parts() -> None:
    assert compared("", "") == ((), ())


def test_long_texts_are_compared_as_wholes() -> None:
    assert compared("a" * 500, "a" * 501)[0] == (Part("a" * 500, differs=True),)


@settings(max_examples=40)
@given(OBJECTS)
def test_a_body_that_is_read_as_sent_has_no_line_that_differs(body: dict[str, object]) -> None:
    found = compare(body, entry(body=body), {})

    assert {line.state for line in found.lines} <= {"same", "folded"}
    assert found.left_out == 0


@settings(max_examples=60)
@given(OBJECTS, OBJECTS)
def test_any_two_bodies_can_be_compared(sent: dict[str, object], read: dict[str, object]) -> None:
    found = compare(sent, entry(body=read), {"x": 1})

    tops = {line.path.split("/")[1] for line in found.lines if line.path}
    assert {name.replace("~", "~0").replace("/", "~1") for name in sent} <= tops


def lines(sent: object, read: object, *ignored: str, refused: str = "") -> list[tuple[str, str]]:
    notes = [{"path": path, "kind": "ignored"} for path in ignored]
    violations = [{"path": refused}] if refused else []
    found = compare(sent, entry(notes, read, violations), {})
    return [(line.path, line.state) for line in found.lines]


@pytest.mark.parametrize(
    ("sent", "read", "ignored", "expected"),
    [
        ({"a": 1}, {"a": 1}, (), [("/a", "same")]),
        ({"a": 1}, {"a": 2}, (), [("/a", "changed")]),
        ({"a": 1}, {"a": "1"}, (), [("/a", "changed")]),
        ({"a": 1}, {}, ("/a",), [("/a", "ignored")]),
        ({}, {"a": 1}, (), [("/a", "changed")]),
        (
            {"l": [1, 2]},
            {"l": [2]},
            ("/l/0",),
            [("/l", "same"), ("/l/0", "ignored"), ("/l/1", "same")],
        ),
        (
            {"l": [1, 2]},
            {"l": [1]},
            ("/l/9",),
            [("/l", "same"), ("/l/0", "same"), ("/l/1", "ignored")],
        ),
        ({"o": {"x": 1}}, {"o": {"x": 2}}, ("/o/x",), [("/o/x", "changed")]),
    ],
)
def test_a_line_shows_what_happened_to_a_value(
    sent: object, read: object, ignored: tuple[str, ...], expected: list[tuple[str, str]]
) -> None:
    assert lines(sent, read, *ignored) == expected


def test_a_value_that_is_refused_has_nothing_beside_it() -> None:
    assert lines({"a": 1}, {}, refused="/a") == [("/a", "refused")]


def test_of_a_list_the_items_without_a_note_are_counted() -> None:
    sent = {"list": [{"name": f"somebody {n}", "of": n} for n in range(50)]}

    found = compare(sent, entry([{"path": "/list/40/of", "kind": "repair"}], sent), {})

    assert [line.name for line in found.lines if line.depth == 1][-2:] == ["40", "…"]
    assert found.lines[-1].sent == (Part("46 more, read as they were sent"),)


def test_of_a_body_with_thousands_of_values_the_rest_is_counted() -> None:
    sent = {str(n): n for n in range(MOST_LINES + 5)}

    found = compare(sent, entry(body=sent), {})

    assert (len(found.lines), found.left_out) == (MOST_LINES, 5)


def test_a_default_stands_where_nothing_was_sent() -> None:
    found = compare({"a": None}, entry(body={}), {"a": 1, "b": True})

    assert found.lines[-1] == Line("/b", 0, "b", None, (Part("true"),), "default")
    assert [line.name for line in found.lines] == ["a", "b"]


@pytest.mark.parametrize(
    ("note", "sentence"),
    [
        (
            {"path": "/mode", "kind": "ignored", "did_you_mean": "simulation_mode"},
            "This phone rings",
        ),
        ({"path": "query/send_at", "kind": "ignored"}, "It is sent at once"),
        ({"path": "/recipients/3/phone_number", "kind": "repair"}, "Somebody else may be called"),
        ({"path": "/of_another_contract", "kind": "repair"}, "It changes who is called"),
    ],
)
def test_stakes_are_told_in_one_sentence(note: dict[str, str], sentence: str) -> None:
    assert at_stake(note).startswith(sentence)


# ── sent again ───────────────────────────────────────────────────────

BODIES = {
    "json": (json.dumps(BODY).encode(), "application/json"),
    "quotes": (b'{"text": "it\'s \\"so\\" $HOME `id`"}', "application/json"),
    "a name twice": (b'{"text": "a", "text": "b"}', "application/json"),
    "form": (b"text=Hi&recipients[0]=%2B33612345678", "application/x-www-form-urlencoded"),
    "not UTF-8": (b'{"text": "\xe9"}', "application/json; charset=iso-8859-1"),
    "null": (b'\x00{"text"', "application/json"),
    "at": (b"@/etc/passwd", "text/plain"),
    "nothing": (b"", ""),
    "lines": (b'{"text":\n "a"}', "application/json"),
    "deep": (b"[" * 5_000, "application/json"),
}


@pytest.fixture
def twin(contract: Contract, clock: Clock) -> Twin:
    return Twin(contract, clock=clock)


@pytest.fixture
def url(twin: Twin) -> Iterator[str]:
    with Serving(create_app(twin)) as serving:
        yield serving.url


def kept(twin: Twin, body: bytes, content_type: str, **given: object) -> Entry:
    headers = {**SIGNED_IN, **({"content-type": content_type} if content_type else {})}
    headers |= {"content-encoding": "identity"} if given.pop("encoded", False) else {}
    return twin.handle(Request("POST", SEND, headers, body, **given)).entry


def again(entry: Entry, contract: Contract, url: str = "http://127.0.0.1:1"):
    found = resend(entry, contract, url, 201)
    assert found is not None
    return found


@pytest.mark.parametrize("name", BODIES)
def test_curl_sends_the_same_bytes_again(
    twin: Twin, url: str, contract: Contract, name: str
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    entry = kept(twin, *BODIES[name], query="a=b")

    command = again(entry, contract, url).curl
    subprocess.run(
        ["/bin/bash", "-c", command],
        env={"API_KEY": "a-key", "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )

    other = twin.store.find(entry.id + 1)
    assert other is not None
    assert other.request == entry.request
    assert other.outcome.__class__ is entry.outcome.__class__


@pytest.mark.unmeasured
@pytest.mark.parametrize("name", BODIES)
def test_httpx_sends_the_same_body_again(
    twin: Twin, url: str, contract: Contract, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", "a-key")
    entry = kept(twin, *BODIES[name])

    exec(again(entry, contract, url).httpx, {})  # noqa: S102  (it is what a user would run)

    other = twin.store.find(entry.id + 1)
    assert other is not None
    assert twin.inbox.sent(other) == twin.inbox.sent(entry)
    assert other.request.content_type == entry.request.content_type


def test_what_cannot_be_seen_cannot_be_copied_so_curl_gets_it_in_base64(
    twin: Twin, contract: Contract
) -> None:
    sent = {**SIGNED_IN, "api-login": "a\u200bb".encode().decode("latin-1")}
    entry = twin.handle(Request("POST", SEND, sent, b"{}")).entry

    found = again(entry, contract)

    assert '-H "$(echo YXBpLWxvZ2luOiBh4oCLYg== | base64 -d)"' in found.curl
    assert r"'api-login': b'a\xe2\x80\x8bb'," in found.httpx


@pytest.mark.parametrize("program", ["curl", "httpx"])
def test_a_login_beyond_ascii_is_sent_again_byte_by_byte(
    twin: Twin, url: str, contract: Contract, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setenv("API_KEY", "a-key")
    httpx.post(url + SEND, json=BODY, headers={"api-login": "zoé".encode(), "api-key": "a-key"})
    entry = next(twin.store.newest())

    found = again(entry, contract, url)
    if program == "curl":
        subprocess.run(["/bin/bash", "-c", found.curl], check=True, capture_output=True)
    else:
        exec(found.httpx, {})  # noqa: S102  (it is what a user would run)

    other = next(twin.store.newest())
    assert other.id == entry.id + 1
    assert other.login == entry.login


def test_a_test_case_expects_no_status_where_there_was_none(twin: Twin, contract: Contract) -> None:
    found = resend(kept(twin, *BODIES["json"]), contract, "http://127.0.0.1:1", None)

    assert found is not None
    assert "status_code" not in found.test
    assert 'headers["Twin-Notes"] == "0"' in found.test


def test_php_has_the_same_bytes(twin: Twin, contract: Contract) -> None:
    quoted = again(kept(twin, *BODIES["quotes"]), contract).php
    binary = again(kept(twin, *BODIES["null"], encoded=True), contract).php

    assert 'CURLOPT_POSTFIELDS => \'{"text": "it\\\'s \\\\"so\\\\" $HOME `id`"}\'' in quoted
    assert "'api-login: ada@example.com'" in quoted
    assert "'api-key: ' . getenv('API_KEY')" in quoted
    assert "base64_decode('AHsidGV4dCI=')" in binary
    assert "'Content-Encoding: identity'" in binary


@pytest.mark.unmeasured
def test_a_test_case_for_the_fixture_passes(
    twin: Twin, contract: Contract, pytester: pytest.Pytester
) -> None:
    entry = kept(twin, *BODIES["json"])
    pytester.makepyfile(again(entry, contract).test)

    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_a_body_too_large_to_paste_is_left_out(twin: Twin, contract: Contract) -> None:
    entry = kept(twin, b"a" * (MOST_BYTES + 1), "text/plain")

    assert resend(entry, contract, "http://127.0.0.1:1", None) is None


def test_the_largest_body_that_is_pasted_is_there(twin: Twin, contract: Contract) -> None:
    assert again(kept(twin, b"a" * MOST_BYTES, "text/plain"), contract)


# ── pictures ─────────────────────────────────────────────────────────


def charged(*costs: str) -> list[Entry]:
    left, entries = Decimal(10), list[Entry]()
    for number, cost in enumerate(costs):
        left -= Decimal(cost)
        outcome = Accepted(f"t{number}", 1, Decimal(cost), 30, left, simulated=False)
        moment = NOON + timedelta(minutes=number)
        entries.append(Entry(moment, "ada", Request("POST", SEND), outcome, id=number + 1))
    return entries


def test_credit_goes_down_in_steps_from_the_first_charge_to_the_last() -> None:
    drawn = charts.ledger(charged("1", "2", "3"))

    assert drawn is not None
    assert (drawn.highest, drawn.lowest) == (Decimal(10), Decimal(4))
    ys = [float(point.split(",")[1]) for point in drawn.line.split()]
    assert ys == sorted(ys)
    assert (ys[0], ys[-1]) == (10, charts.HEIGHT - 10)


@given(st.lists(st.decimals(0, 5, places=2), min_size=1, max_size=20))
def test_every_charge_is_within_the_picture(costs: list[Decimal]) -> None:
    drawn = charts.ledger(charged(*map(str, costs)))

    assert drawn is not None
    assert all(0 <= x <= charts.WIDTH and 0 <= y <= charts.HEIGHT for x, y, *_ in drawn.charges)


def test_without_a_charge_there_is_no_picture() -> None:
    assert charts.ledger([]) is None


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 500), min_size=1))
def test_the_shares_of_outcomes_fill_the_bar(counts: dict[str, int]) -> None:
    shares = charts.shares(counts)

    assert sum(share.width for share in shares) == pytest.approx(100, abs=0.1)
    assert [share.count for share in shares] == sorted(counts.values(), reverse=True)


def call(**moments: int) -> dict[str, object]:
    names = ("due_at", "ringing_at", "answered_at", "ended_at")
    return {
        name: (NOON + timedelta(seconds=moments[name])).isoformat() if name in moments else None
        for name in names
    }


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ({"due_at": 0}, [("queued", 30)]),
        ({"due_at": 0, "ringing_at": 10}, [("queued", 10), ("ringing", 20)]),
        ({"due_at": 0, "ringing_at": 0, "ended_at": 5}, [("ringing", 5)]),
        (
            {"due_at": 0, "ringing_at": 2, "answered_at": 5, "ended_at": 20},
            [("queued", 2), ("ringing", 3), ("answered", 15)],
        ),
        ({"due_at": 60}, []),
    ],
)
def test_a_call_is_drawn_as_far_as_it_has_come(
    moments: dict[str, int], expected: list[tuple[str, int]]
) -> None:
    (line,) = charts.timelines([call(**moments)], NOON + timedelta(seconds=30))

    assert [(stretch.name, stretch.seconds) for stretch in line] == expected


# ── forms ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "maxLength": 1224}, "long"),
        ({"type": ["string", "null"]}, "text"),
        ({"type": "integer"}, "number"),
        ({"type": "boolean"}, "choice"),
        ({"enum": [429, None]}, "choice"),
        ({"type": "array", "items": {"type": "string"}}, "lines"),
        ({"type": "array", "items": {"type": "array"}}, "json"),
        ({"type": "array", "items": {"type": "object", "properties": {"a": {}}}}, "groups"),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, "group"),
        ({"type": "object"}, "json"),
        ({"oneOf": [{"type": "string"}, {"type": "number"}]}, "value"),
        ({"oneOf": [{"type": "object"}, {"type": "null"}]}, "json"),
        ({"type": ["string", "number"]}, "json"),
    ],
)
def test_a_field_is_of_the_kind_of_its_schema(schema: dict[str, object], kind: str) -> None:
    (field,) = forms.fields_of({"properties": {"a": schema}}, lambda one: one)

    assert field.kind == kind


def test_a_field_has_what_its_schema_has() -> None:
    shape = {"type": ["string", "null"], "minLength": 3, "description": "A\n name.", "default": "b"}
    schema = {"required": ["n"], "properties": {"o": {"const": 1}, "p": {"enum": [1]}, "n": shape}}

    first, second = forms.fields_of(schema, lambda one: one)

    assert (first.name, first.required, first.nullable) == ("n", True, True)
    assert (first.description, first.bounds, first.default) == (
        "A name.",
        "at least 3 characters",
        '"b"',
    )
    assert second.choices == (("1", "1"),)


def test_one_character_is_no_characters() -> None:
    (field,) = forms.fields_of({"properties": {"a": {"minLength": 1}}}, lambda one: one)

    assert field.bounds == "at least 1 character"


def test_the_reference_is_of_the_one_operation() -> None:
    about = reference(ContractFile.read(shipped("voice-campaign.yaml")))

    paths = [path for path, _ in about["parameters"]]
    assert {"text", "recipients", "recipients[].phone_number"} <= set(paths)
    assert about["method"] == "POST"
    assert len(about["answers"]) == 4


def test_a_value_is_written_as_json() -> None:
    assert written({"é": None}) == '{"é": null}'
