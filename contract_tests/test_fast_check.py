"""What the compiled check accepts is valid as sent, under any contract; and it accepts nearly all.

The general path (decoding, coercion) and jsonschema are what it is compared with.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import bodies
import spec
from mock_server import casts
from mock_server.contract.fast_check import FastCheck
from mock_server.contract.loader import Contract, load
from mock_server.core.handler import Twin
from mock_server.json_values import same
from mock_server.reading import decoding
from mock_server.reading.coercion import read
from mock_server.reading.decoding import Decoded
from mock_server.store.entries import Request
from vms.parity import cases
from wire import CONTRACT

TABLE: Final = casts.table("FR")
SENT: Final = bodies.shared((bodies.sloppy_bodies, 3), (bodies.any_bodies, 1))
VALID: Final = bodies.shared((bodies.valid_bodies, 4))
CONTRACTS: Final = {
    "now": CONTRACT,
    **{path.stem: load(path) for path in (spec.FILE.parent / "versions").glob("*.yaml")},
}
# How clients write JSON: as Python does, as JavaScript does, and for people.
STYLES: Final = (
    {},
    {"ensure_ascii": False, "separators": (",", ":")},
    {"indent": 2, "sort_keys": True},
)


def is_clean(contract: Contract, raw: bytes) -> bool:
    """Whether the general path keeps the body as it is, without a note or a violation."""
    decoded = decoding.decode(raw, contract.media_type, contract.media_type)
    if not isinstance(decoded, Decoded) or decoded.warnings:
        return False
    reading = read(contract, decoded.value, TABLE)
    return not reading.notes and not reading.violations and same(reading.value, decoded.value)


def assert_sound(contract: Contract, raw: bytes) -> None:
    """That what is accepted is clean, and decoded to the very value that was sent."""
    assert contract.fast_check is not None
    accepted = contract.fast_check(raw)
    if accepted is not None:
        assert is_clean(contract, raw), raw
        assert same(msgspec.to_builtins(accepted), json.loads(raw)), raw


@pytest.mark.parametrize("number", CONTRACT.magic.numbers)
def test_a_magic_number_is_one_however_it_is_written(number: str) -> None:
    body = {"text": "Hello.", "recipients": [{"phone_number": number}]}
    plain = json.dumps(body)
    escaped = plain.replace(number, "".join(f"\\u{ord(one):04x}" for one in number))
    headers = {"api-login": "ada", "api-key": "k", "content-type": CONTRACT.media_type}

    handled = [
        Twin(CONTRACT).handle(Request(CONTRACT.method, CONTRACT.url_path, headers, raw.encode()))
        for raw in (plain, escaped)
    ]

    assert [one.injected for one in handled if one.injected] == [handled[0].injected] * 2


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
@given(body=VALID | SENT, style=st.sampled_from(STYLES))
def test_what_is_accepted_is_valid_as_sent(
    contract: Contract, body: Any, style: dict[str, Any]
) -> None:
    assert_sound(contract, json.dumps(body, **style).encode("utf-8", "replace"))


@given(body=VALID, data=st.data())
def test_so_is_a_valid_body_after_a_slip_of_the_pen(body: Any, data: st.DataObject) -> None:
    raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 3)))
    put = data.draw(st.sampled_from([b"", b'"', b"\\", b"\n", b" ", b"1", b"\xff", b'","text":"']))

    assert_sound(CONTRACT, raw[:start] + put + raw[end:])


@given(body=VALID, data=st.data())
def test_a_name_that_stands_twice_is_never_accepted(body: Any, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(body)))
    raw = json.dumps(body)
    twice = f"{raw[:-1]}, {json.dumps(name)}: {json.dumps(body[name])}}}".encode()

    assert CONTRACT.fast_check is not None
    assume(CONTRACT.fast_check(raw.encode()) is not None)
    assert CONTRACT.fast_check(twice) is None


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_every_row_that_is_accepted_is_valid_as_sent(contract: Contract) -> None:
    for row in cases.rows():
        if "sent" in row:
            raw = row["sent"].encode(row.get("encoding", "utf-8"))
        else:
            body = row.get("body")
            if body is None:
                body = cases.laid(row["field"], row.get("raw", cases.UNSAID))
            raw = json.dumps(body).encode()
        assert_sound(contract, raw)


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_at_least_95_percent_of_the_valid_bodies_are_accepted(contract: Contract) -> None:
    """Nearly all are; those left take the general path and are answered alike."""
    raws = [json.dumps(body).encode() for body in bodies.drawn(bodies.valid_bodies, 4)]
    clean = [raw for raw in raws if is_clean(contract, raw)]

    accepted = sum(contract.fast_check(raw) is not None for raw in clean)

    assert len(clean) >= 30
    assert accepted / len(clean) >= 0.95


@pytest.mark.parametrize("path", [contract.path for contract in CONTRACTS.values()], ids=CONTRACTS)
def test_no_parameter_of_a_published_contract_is_left_to_the_general_path(path: Path) -> None:
    contract = load(path)

    assert contract.fast_check is not None
    assert contract.fast_check.attributes.keys() == contract.body.members.keys()


# ── any contract ─────────────────────────────────────────────────────


PATTERNS: Final = (
    "^[a-z]*$",
    "^a[0-9]{2,3}$",
    "[0-9]",
    "^voice_",
    r"^\+\d{1,3}$",
    "x$",
    "^(?:a|b)$",
    "^[^a]$",
    "^.$",
    "^a+b+$",
    r"^\w$",
    "^$",
    "a?b",
)
TEXTS: Final = st.sampled_from(
    (
        "",
        "a",
        "ab",
        "a1",
        "a12",
        "a1234",
        "x",
        "x\n",
        "voice_1",
        "+1",
        "+٣",
        "é",
        "a\nb",
        "\n",
        "😀",
    )
) | st.text("abx019+_\n", max_size=5)
DATES: Final = bodies.near_dates()
MEMBERS: Final = st.one_of(
    st.builds(
        lambda more: {"type": "string", **more},
        st.fixed_dictionaries(
            {},
            optional={
                "minLength": st.integers(0, 2),
                "maxLength": st.integers(1, 4),
                "pattern": st.sampled_from(PATTERNS),
            },
        ),
    ),
    st.just({"type": "string", "format": "date-time"}),
    st.just({"type": ["string", "null"], "maxLength": 2, "pattern": "^[a-z]*$"}),
    st.just({"type": "string", "enum": ["a", "ab", "x"]}),
    st.just({"enum": ["a", 1]}),
    st.just({"enum": ["a", None], "type": ["string", "null"]}),
    st.just({"type": "boolean"}),
    st.just({"type": ["boolean", "null"]}),
    st.just({"type": ["integer", "string"]}),
    st.just({"type": "number"}),
    st.just({"type": "number", "minimum": 0.5}),
    st.just({}),
    st.builds(
        lambda low: {"type": "integer", "minimum": low, "maximum": low + 3}, st.integers(-2, 2)
    ),
    st.just({"type": "string", "maxLength": 4, "allOf": [{"maxLength": 2}, {"pattern": "^a"}]}),
    st.just({"type": "string", "pattern": "^a", "allOf": [{"pattern": "b$"}]}),
    st.just({"type": "object"}),
)
NAMES: Final = st.sampled_from(("a", "text", "class", "x-y", "_1", "é", ""))


def objects(members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def made(properties: dict[str, Any], required: int) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": properties,
            "required": sorted(properties)[:required],
        }

    return st.builds(made, st.dictionaries(NAMES, members, max_size=4), st.integers(0, 2))


def lists(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    bounds = st.fixed_dictionaries(
        {}, optional={"minItems": st.integers(0, 1), "maxItems": st.integers(1, 3)}
    )
    return st.builds(lambda item, more: {"type": "array", "items": item, **more}, items, bounds)


SCHEMAS: Final = objects(MEMBERS | lists(MEMBERS | objects(MEMBERS)) | objects(MEMBERS))
VALUES: Final = st.one_of(
    TEXTS, DATES, st.sampled_from([None, True, False, 0, 1, 1.0, 0.5, -1, 2**53 + 1, 10**400])
)


@st.composite
def near(draw: st.DrawFn, schema: Any) -> Any:
    """A value that is mostly of the schema's shape."""
    if not isinstance(schema, dict) or draw(st.integers(0, 19)) == 0:
        return draw(VALUES)
    if schema.get("type") == "object":
        required = schema.get("required", [])
        return {
            name: draw(near(member))
            for name, member in schema.get("properties", {}).items()
            if name in required or draw(st.booleans())
        } | draw(st.sampled_from([{}, {}, {}, {"other": 1}]))
    if schema.get("type") == "array":
        return draw(st.lists(near(schema["items"]), max_size=4))
    return draw(VALUES)


@given(data=st.data())
def test_any_schema_is_compiled_soundly_or_left_to_the_general_path(data: st.DataObject) -> None:
    schema = data.draw(SCHEMAS)
    check = FastCheck.of(schema)
    if check is None:
        return
    value = data.draw(near(schema))
    raw = json.dumps(value).encode()

    if check(raw) is not None:
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        assert validator.is_valid(value), (schema, value)
        assert same(msgspec.to_builtins(check(raw)), json.loads(raw))
        assert decoding.decode(raw, "application/json") == Decoded(json.loads(raw))


def test_the_schemas_and_values_that_are_drawn_are_of_every_kind() -> None:
    """Else the law above would hold because nothing is ever accepted."""
    pairs = bodies.drawn(lambda: SCHEMAS.flatmap(lambda s: st.tuples(st.just(s), near(s))), 4)
    checks = [(FastCheck.of(schema), json.dumps(value).encode()) for schema, value in pairs]

    compiled = [(check, raw) for check, raw in checks if check is not None]
    accepted = sum(check(raw) is not None for check, raw in compiled)

    assert 0.5 < len(compiled) / len(checks) < 1
    assert 0.15 < accepted / len(compiled) < 0.85


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("^[a-z]*$", "a\n"), (r"^\d$", "٣"), ("x$", "x\n")],
)
def test_a_pattern_is_not_read_as_python_reads_it(pattern: str, text: str) -> None:
    """Python's $ matches before a last line's end, and its digits are those of all scripts."""
    schema = {"type": "string", "pattern": pattern}
    check = FastCheck.of(
        {"type": "object", "additionalProperties": False, "properties": {"a": schema}}
    )

    assert check is not None
    assert check(json.dumps({"a": text}).encode()) is None
    assert check(json.dumps({"a": text[:-1] or "1"}).encode()) is not None


def test_two_items_are_not_taken_for_one_with_a_line_break() -> None:
    items = {"type": "array", "items": {"type": "string", "pattern": "^[ab]$"}}
    check = FastCheck.of(
        {"type": "object", "additionalProperties": False, "properties": {"a": items}}
    )

    assert check is not None
    assert check(b'{"a": ["a", "b"]}') is not None
    assert check(rb'{"a": ["a\nb"]}') is None
