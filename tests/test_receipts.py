"""Delivery receipts: from the bytes of a POST to the contract's model, or to a helpful error."""

from __future__ import annotations

import json
import pickle
import sys
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from hypothesis import find, given, settings
from hypothesis import strategies as st

from common import ROOT
from voice_api.models import DeliveryReceipt, ReceiptDetails
from voice_api.types import UNSET
from voice_client.errors import VoiceError
from voice_client.receipts import OtherCallback, ReceiptError, delivered_at, parse_receipt

CONTRACT = yaml.safe_load((ROOT / "openapi/voice-campaign.yaml").read_text("utf-8"))
SCHEMAS = CONTRACT["components"]["schemas"]
WEBHOOK = CONTRACT["webhooks"]["deliveryReceipt"]["post"]["requestBody"]["content"]
JSON, FORM = WEBHOOK
EXAMPLE = WEBHOOK[JSON]["examples"]["delivered"]["value"]
BARE = {"message_id": "voice_5f44ebf9e47b7", "number": "+33612345678", "status": "DELIVERED"}
PROPERTIES = {
    f"/{name}": schema["type"]
    for name, schema in SCHEMAS["DeliveryReceipt"]["properties"].items()
    if name != "meta_data"
} | {
    f"/meta_data/{name}": schema["type"]
    for name, schema in SCHEMAS["ReceiptDetails"]["properties"].items()
}

# The newest is the contract's example; of the one before, it is not known where its details stand.
GENERATIONS: dict[str, dict[str, Any]] = {
    "the old voice page": BARE
    | {"delivery_date": "2018-10-03 16:42:51", "call_duration": "25", "charged_duration": "30"},
    "the unified page": BARE
    | {
        "delivery_date": "2018-10-03 16:42:51",
        "meta_data": {"call_duration": 25, "charged_duration": 30},
    },
    "the unified page, without a node": BARE
    | {"delivery_date": "2018-10-03 16:42:51", "call_duration": 25, "charged_duration": 30},
}


def body_of(members: object) -> bytes:
    return json.dumps(members).encode()


def form_of(members: dict[str, Any], write: str = "brackets") -> bytes:
    """The form of a receipt: a form has no null, and three ways to write what is inside."""
    told = {name: value for name, value in members.items() if value is not None}
    inside = {name: value for name, value in told.pop("meta_data", {}).items() if value is not None}
    match write:
        case "brackets":
            told |= {f"meta_data[{name}]": value for name, value in inside.items()}
        case "JSON":
            told |= {"meta_data": json.dumps(inside)} if inside else {}
        case "flat":
            told |= inside
    return urlencode(told).encode()


def refused(body: bytes, content_type: str | None = None) -> ReceiptError:
    with pytest.raises(ReceiptError) as caught:
        parse_receipt(body, content_type)
    return caught.value


def nested(levels: int) -> bytes:
    """A receipt with an unknown member, so many levels deep."""
    return body_of(BARE)[:-1] + b', "x": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


# ── what is read ─────────────────────────────────────────────────────


def test_the_contracts_example_is_read_as_the_model_reads_it() -> None:
    assert parse_receipt(body_of(EXAMPLE), JSON) == DeliveryReceipt.from_dict(EXAMPLE)


@pytest.mark.parametrize("write", ["brackets", "JSON", "flat"])
def test_the_contracts_example_as_a_form_is_the_same_receipt(write: str) -> None:
    assert parse_receipt(form_of(EXAMPLE, write), FORM) == DeliveryReceipt.from_dict(EXAMPLE)


@pytest.mark.parametrize("wire", [body_of, form_of])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_receipts_of_all_generations_become_the_same(generation: str, wire: Any) -> None:
    assert parse_receipt(wire(GENERATIONS[generation])) == DeliveryReceipt(
        **BARE,
        delivery_date="2018-10-03 16:42:51",
        meta_data=ReceiptDetails(call_duration=25, charged_duration=30),
    )


@pytest.mark.parametrize("path", PROPERTIES)
def test_a_text_becomes_what_the_contract_says(path: str) -> None:
    *outer, name = path[1:].split("/")
    members = BARE | ({"meta_data": {name: "7"}} if outer else {name: "7"})

    value: Any = parse_receipt(form_of(members)).to_dict()
    for key in [*outer, name]:
        value = value[key]

    wanted = PROPERTIES[path]
    types = {"string": "7", "integer": 7, "number": 7.0}
    expected = types["string" if isinstance(wanted, list) else wanted]
    assert (value, type(value)) == (expected, type(expected))


READ: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a status that nobody knows is kept": ({"status": "ABDUCTED"}, {"status": "ABDUCTED"}),
    "an unknown member is kept": ({"mood": {"is": ["good"]}}, {"mood": {"is": ["good"]}}),
    "an unknown detail is kept": ({"meta_data": {"x": None}}, {"meta_data": {"x": None}}),
    "a number written without quotes is a text": (
        {"number": 33612345678},
        {"number": "33612345678"},
    ),
    "keys that were pressed keep their zeros": (
        {"meta_data": {"pressed_keys_code": "007"}},
        {"meta_data": {"pressed_keys_code": "007"}},
    ),
    "a whole number may have a point": (
        {"meta_data": {"call_duration": 35.0, "charged_duration": " 35.00 "}},
        {"meta_data": {"call_duration": 35, "charged_duration": 35}},
    ),
    "a price may have an exponent": ({"unit_price": "5E-2"}, {"unit_price": 0.05}),
    "a price may be a whole number": ({"unit_price": 1}, {"unit_price": 1.0}),
    "null stays where the contract has it": (
        {"list_name": None, "meta_data": {"pressed_keys_code": None}},
        {"list_name": None, "meta_data": {"pressed_keys_code": None}},
    ),
    "null is nothing where the contract has none": (
        {"channel": None, "unit_price": None, "meta_data": {"call_duration": None}},
        {"meta_data": {}},
    ),
    "an empty number is nothing": (
        {"unit_price": " ", "meta_data": {"call_duration": ""}},
        {"meta_data": {}},
    ),
    "an empty text is a text": ({"list_name": ""}, {"list_name": ""}),
    "no details are no details": ({"meta_data": None}, {}),
    "empty details are no details": ({"meta_data": ""}, {}),
    "PHP's empty array is an object without members": ({"meta_data": []}, {"meta_data": {}}),
    "details in a text are read": (
        {"meta_data": '{"call_duration": "35"}'},
        {"meta_data": {"call_duration": 35}},
    ),
    "details beside the status join those inside": (
        {"pressed_keys_code": "35", "meta_data": {"call_duration": 25}},
        {"meta_data": {"pressed_keys_code": "35", "call_duration": 25}},
    ),
    "where both say something, those inside hold": (
        {"call_duration": "soon", "meta_data": {"call_duration": 25}},
        {"call_duration": "soon", "meta_data": {"call_duration": 25}},
    ),
    "null inside is something said": (
        {"pressed_keys_code": "35", "meta_data": {"pressed_keys_code": None}},
        {"pressed_keys_code": "35", "meta_data": {"pressed_keys_code": None}},
    ),
    "empty details beside the status are nothing": ({"call_duration": None}, {}),
    "a receipt with other dates too is a receipt": (
        {"delivery_date": "2018-10-03 16:42:51", "stop_date": "2018-10-04 09:00:00"},
        {"delivery_date": "2018-10-03 16:42:51", "stop_date": "2018-10-04 09:00:00"},
    ),
    "a date that does not say anything does not count": (
        {"reception_date": "", "stop_date": None},
        {"reception_date": "", "stop_date": None},
    ),
}


@pytest.mark.parametrize("claim", READ)
def test_what_came_is_read_as_claimed(claim: str) -> None:
    came, expected = READ[claim]

    # As JSON, where 1 is not 1.0.
    read = json.dumps(parse_receipt(body_of(BARE | came)).to_dict(), sort_keys=True)
    assert read == json.dumps(BARE | expected, sort_keys=True)


@pytest.mark.parametrize(
    "content_type",
    [None, "", JSON, f"{JSON}; charset=utf-8", FORM, f"{FORM.upper()};charset=UTF-8", "text/plain"],
)
@pytest.mark.parametrize("body", [body_of(EXAMPLE), form_of(EXAMPLE)], ids=["JSON", "form"])
def test_the_bytes_are_believed_whatever_the_content_type(
    body: bytes, content_type: str | None
) -> None:
    assert parse_receipt(body, content_type) == DeliveryReceipt.from_dict(EXAMPLE)


@pytest.mark.parametrize("body", [body_of(BARE), form_of(BARE)], ids=["JSON", "form"])
@pytest.mark.parametrize("before", ["\ufeff", " \r\n", "\ufeff\n"], ids=["mark", "blank", "both"])
def test_a_byte_order_mark_and_blanks_around_are_no_part_of_it(body: bytes, before: str) -> None:
    assert parse_receipt(before.encode() + body + b"\r\n") == DeliveryReceipt(**BARE)


@pytest.mark.parametrize(
    "body",
    [
        body_of(BARE)[:-1] + b', "status": "DELIVERED", "x": 1, "x": 2}',
        form_of(BARE) + b"&status=DELIVERED&x=1&x=2",
    ],
    ids=["JSON", "form"],
)
def test_a_member_may_come_twice_if_it_says_the_same_or_nobody_knows_it(body: bytes) -> None:
    receipt = parse_receipt(body)

    assert (receipt.status, str(receipt["x"])) == ("DELIVERED", "2")


def test_brackets_that_nobody_knows_stay_in_the_name() -> None:
    receipt = parse_receipt(form_of(BARE) + b"&tags[]=a&meta_data[a][b]=c&meta_data=")

    assert receipt.additional_properties == {"tags[]": "a", "meta_data[a][b]": "c"}


def test_a_body_of_one_mebibyte_is_read_and_a_longer_one_is_not() -> None:
    body = body_of(BARE).ljust(2**20)

    assert parse_receipt(body) == DeliveryReceipt(**BARE)
    error = refused(body + b" ")
    assert (error.where, error.came) == ("body", "1048577 bytes")
    assert error.wanted == "at most 1048576 bytes"


def test_a_body_thirty_two_deep_is_read_and_a_deeper_one_is_not() -> None:
    assert parse_receipt(nested(32)).message_id == BARE["message_id"]
    assert refused(nested(33)).came == "lists or objects more than 32 deep"


def test_a_form_of_a_thousand_fields_is_read_and_a_longer_one_is_not() -> None:
    body = form_of(BARE | {f"x{number}": 0 for number in range(1_000 - len(BARE))})

    assert len(parse_receipt(body).additional_properties) == 1_000 - len(BARE)
    assert refused(body + b"&y=0").came == "a form of more than 1000 fields"


# ── what is refused ──────────────────────────────────────────────────


@pytest.mark.parametrize("wire", [body_of, form_of])
@pytest.mark.parametrize("name", SCHEMAS["DeliveryReceipt"]["required"])
def test_a_required_member_is_missed(name: str, wire: Any) -> None:
    rest = {other: value for other, value in BARE.items() if other != name}

    error = refused(wire(rest))

    assert (error.where, error.came, error.wanted) == (f"/{name}", "nothing", "a text")
    assert error.advice.startswith(f"there are {json.dumps(list(rest))}; keep the body")


OBJECT, ANY = "a JSON object", "a JSON object or a form"
REFUSED: dict[str, tuple[bytes, str, str, str]] = {
    "nothing": (b"", "body", "nothing", ANY),
    "blanks": (b"\xef\xbb\xbf \n", "body", "nothing", ANY),
    "another encoding": ("{é".encode("latin-1"), "body", "byte 0xe9 at 1", "UTF-8"),
    "UTF-16": ("{}".encode("utf-16"), "body", "byte 0xff at 0", "UTF-8"),
    "another encoding in a form": (b"list_name=%E9", "body", "a form with %E9", "UTF-8"),
    "half of a character in a form": (b"list_name=%ED%A0%BD", "body", "a form with %ED", "UTF-8"),
    "a list": (b'["a=b"]', "body", '["a=b"]', ANY),
    "a text": (b'"a=b"', "body", '"a=b"', ANY),
    "null": (b"null", "body", "null", ANY),
    "a word": (
        *(b"DELIVERED", "body"),
        *("no JSON: Expecting value: line 1 column 1", OBJECT),
    ),
    "half of an object": (
        *(b'{"status":', "body"),
        *("no JSON: Expecting value: line 1 column 11", OBJECT),
    ),
    "half of a character": (
        *(body_of(BARE | {"x": {"y": "\ud83d"}}), "body", "half of a character, \\ud83d", OBJECT),
    ),
    "half of a character in a name": (
        *(body_of(BARE | {"\udead": 1}), "body", "half of a character, \\udead", OBJECT),
    ),
    "no number": (
        *(body_of(BARE | {"x": float("nan")}), "body"),
        *("no JSON: Out of range float values are not JSON compliant", OBJECT),
    ),
    "a number out of range": (
        *(body_of(BARE)[:-1] + b', "x": 1e999}', "body"),
        *("no JSON: Out of range float values are not JSON compliant", OBJECT),
    ),
    "lists without end": (b"[" * 2**20, "body", "lists or objects more than 32 deep", OBJECT),
    "objects without end": (
        *(b'{"a":' * 200_000, "body", "lists or objects more than 32 deep", OBJECT),
    ),
    "a member with two values": (
        *(body_of(BARE)[:-1] + b', "status": "BUSY"}', "status"),
        *('"DELIVERED", and "BUSY" too', "one value"),
    ),
    "a field with two values": (
        *(form_of(BARE) + b"&status=BUSY", "status", '"DELIVERED", and "BUSY" too', "one value"),
    ),
    "a detail with two values": (
        *(form_of(EXAMPLE) + b"&meta_data[call_duration]=1", "call_duration"),
        *('"25", and "1" too', "one value"),
    ),
    "details in two places": (
        *(form_of(BARE) + b"&meta_data[call_duration]=25&meta_data={}", "meta_data"),
        '"{}", and {"call_duration": "25"} too',
        "one value",
    ),
    "a status that is no word": (body_of(BARE | {"status": True}), "/status", "true", "a text"),
    "a status that is null": (body_of(BARE | {"status": None}), "/status", "nothing", "a text"),
    "an object for a number": (body_of(BARE | {"number": {}}), "/number", "{}", "a text"),
    "a fraction for a text": (body_of(BARE | {"channel": 1.5}), "/channel", "1.5", "a text"),
    "a price with a comma": (
        *(body_of(BARE | {"unit_price": "0,05"}), "/unit_price", '"0,05"', "a number"),
    ),
    "a price that is no number": (
        *(form_of(BARE | {"unit_price": "NaN"}), "/unit_price", '"NaN"', "a number"),
    ),
    "a price out of range": (
        *(form_of(BARE | {"unit_price": "1e999"}), "/unit_price", '"1e999"', "a number"),
    ),
    "a boolean for a price": (
        *(body_of(BARE | {"unit_price": True}), "/unit_price", "true", "a number"),
    ),
    "a list for a price": (body_of(BARE | {"unit_price": [1]}), "/unit_price", "[1]", "a number"),
    "half a second": (
        *(body_of(BARE | {"meta_data": {"call_duration": 0.5}}), "/meta_data/call_duration"),
        *("0.5", "a whole number"),
    ),
    "a duration in words": (
        *(form_of(EXAMPLE | {"meta_data": {"call_duration": "35 s"}}), "/meta_data/call_duration"),
        *('"35 s"', "a whole number"),
    ),
    "a duration of other digits": (
        *(body_of(BARE | {"call_duration": "٣٥"}), "/call_duration"),
        *('"\\u0663\\u0665"', "a whole number"),
    ),
    "a duration of thousands of digits": (
        *(form_of(BARE | {"call_duration": "1" * 5_000}), "/call_duration"),
        *('"' + "1" * 79 + "…", "a whole number"),
    ),
    "a duration of yes": (
        *(body_of(BARE | {"charged_duration": True}), "/charged_duration"),
        *("true", "a whole number"),
    ),
    "details that are a list": (
        *(body_of(BARE | {"meta_data": [{}]}), "/meta_data", "[{}]", "an object"),
    ),
    "details that are a number": (
        *(form_of(BARE) + b"&meta_data=35", "/meta_data", '"35"', "an object"),
    ),
    "details that are a word": (
        *(form_of(BARE) + b"&meta_data=none", "/meta_data"),
        *("no JSON: Expecting value: line 1 column 1", OBJECT),
    ),
    "details without end": (
        *(form_of(BARE) + b"&meta_data=" + b"[" * 100_000, "/meta_data"),
        *("lists or objects more than 32 deep", OBJECT),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_receipt_is_refused_in_so_many_words(what: str) -> None:
    body, where, came, wanted = REFUSED[what]

    error = refused(body)

    assert (error.where, error.wanted) == (where, wanted)
    # The decoder's own words go on, and differ from one Python to the next.
    assert error.came.startswith(came) if came.startswith("no JSON") else error.came == came


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    assert "4300 digits" in refused(body_of(BARE)[:-1] + b', "x": ' + b"1" * 5_000 + b"}").came


def test_a_whole_number_out_of_range_is_no_price() -> None:
    error = refused(body_of(BARE | {"unit_price": 10**400}))

    assert (error.where, error.came) == ("/unit_price", "1" + 79 * "0" + "…")


def test_a_word_that_is_said_to_be_a_form_is_one() -> None:
    error = refused(b"DELIVERED", f"{FORM.upper()} ; charset=utf-8")

    assert error.advice.startswith('there are ["DELIVERED"]')
    assert refused(b"DELIVERED", JSON).came.startswith("no JSON")


@pytest.mark.parametrize("body", [b"", b"\xff"])
def test_a_body_that_a_framework_has_used_up_is_asked_for(body: bytes) -> None:
    assert refused(body).advice == "hand over the bytes before your framework reads them"


@pytest.mark.parametrize("wire", [body_of, form_of])
@pytest.mark.parametrize(("name", "kind"), [("reception_date", "inbound"), ("stop_date", "stop")])
def test_a_callback_of_another_kind_is_told_apart(name: str, kind: str, wire: Any) -> None:
    members = {"message_id": "17", "number": "+33612345678", "text": "STOP"}

    error = refused(wire(members | {name: "2018-10-03 16:42:51"}))

    assert isinstance(error, OtherCallback)
    assert (error.where, error.kind, error.wanted) == (f"/{name}", kind, "a delivery receipt")
    assert error.came.endswith(f"so this is the callback of kind {kind}")


def test_a_date_of_delivery_that_is_null_does_not_make_a_receipt() -> None:
    body = body_of(BARE | {"delivery_date": None, "reception_date": "2018-10-03 16:42:51"})

    assert isinstance(refused(body), OtherCallback)


def test_an_error_says_where_what_came_what_was_wanted_and_what_to_do() -> None:
    assert str(refused(form_of(BARE | {"unit_price": "free"}))) == (
        '/unit_price: "free"; wanted a number; '
        "keep the body: the contract (DeliveryReceipt) may have to learn what is sent now"
    )


def test_an_error_belongs_to_the_clients_family() -> None:
    assert isinstance(refused(b""), VoiceError)


@pytest.mark.parametrize("body", [b"", b"stop_date=now"])
def test_an_error_survives_a_queue(body: bytes) -> None:
    error = refused(body)

    again = pickle.loads(pickle.dumps(error))  # noqa: S301  (its own)

    assert (type(again), vars(again), str(again)) == (type(error), vars(error), str(error))


# ── laws ─────────────────────────────────────────────────────────────

NAMES = ["message_id", "number", "status", "reception_date", "stop_date", *EXAMPLE]
NAMES += EXAMPLE["meta_data"]
WHOLE = st.integers(-(10**30), 10**30)
PRICES = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
DETAILS = st.fixed_dictionaries(
    {},
    optional={
        "pressed_keys_code": st.none() | st.text(),
        "call_duration": WHOLE,
        "charged_duration": WHOLE,
        "x": st.text(),
    },
)
RECEIPTS = st.fixed_dictionaries(
    {"message_id": st.text(), "number": st.text(), "status": st.text()},
    optional={
        "channel": st.text(),
        "list_name": st.none() | st.text(),
        "unit_price": PRICES,
        "delivery_date": st.text(),
        "meta_data": DETAILS,
        "x": st.text(),
        "": st.text(),
    },
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner),
    max_leaves=8,
)
FIELDS = st.lists(
    st.tuples(
        st.sampled_from([*NAMES, "meta_data[call_duration]", "meta_data[x]"]) | st.text(),
        st.sampled_from(["", "35", "{}", "[]"]) | st.text() | st.binary(),
    )
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A receipt with some bytes cut out, and others in their place."""
    receipt = draw(RECEIPTS)
    body = draw(st.sampled_from([body_of, form_of]))(receipt)
    start = draw(st.integers(0, len(body)))
    return body[:start] + draw(st.binary(max_size=4)) + body[start + draw(st.integers(0, 4)) :]


BODIES = st.one_of(
    st.binary(),
    damaged(),
    st.builds(body_of, VALUES),
    st.builds(
        lambda receipt, more: body_of(receipt | more),
        RECEIPTS,
        st.dictionaries(st.sampled_from(NAMES) | st.text(), VALUES),
    ),
    st.builds(lambda fields: urlencode(fields).encode(), FIELDS),
    st.builds(
        lambda receipt, fields: form_of(receipt) + b"&" + urlencode(fields).encode(),
        RECEIPTS,
        FIELDS,
    ),
)
CONTENT_TYPES = st.sampled_from([None, JSON, FORM]) | st.text()


def outcome(body: bytes, content_type: str | None = None) -> DeliveryReceipt | ReceiptError:
    try:
        return parse_receipt(body, content_type)
    except ReceiptError as error:
        return error


@given(BODIES, CONTENT_TYPES)
def test_any_bytes_are_a_receipt_or_an_error_of_few_words(body: bytes, sent_as: str | None) -> None:
    result = outcome(body, sent_as)

    assert isinstance(result, DeliveryReceipt) or len(str(result).encode()) < 500


@given(BODIES)
def test_a_receipt_that_is_written_again_is_read_as_the_same(body: bytes) -> None:
    result = outcome(body)

    if isinstance(result, DeliveryReceipt):
        assert parse_receipt(body_of(result.to_dict())) == result


@given(RECEIPTS)
def test_what_the_contract_knows_is_read_as_the_model_reads_it(receipt: dict[str, Any]) -> None:
    assert parse_receipt(body_of(receipt)) == DeliveryReceipt.from_dict(receipt)


@given(RECEIPTS, st.sampled_from(["brackets", "JSON", "flat"]))
def test_a_form_is_read_as_its_json_is(receipt: dict[str, Any], write: str) -> None:
    read = parse_receipt(form_of(receipt, write)).to_dict()

    told = {name: value for name, value in receipt.items() if value is not None}
    inside = {n: v for n, v in told.pop("meta_data", {}).items() if v is not None}
    if write == "flat" and "x" in inside:
        told["x"] = inside.pop("x")
    assert read == told | ({"meta_data": inside} if inside else {})


@pytest.mark.unmeasured
@pytest.mark.parametrize("wanted", [DeliveryReceipt, OtherCallback, ReceiptError])
def test_the_drawn_bodies_have_every_outcome(wanted: type) -> None:
    find(BODIES, lambda body: type(outcome(body)) is wanted, settings=settings(max_examples=500))


# ── when it was delivered ────────────────────────────────────────────


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param("2018-01-03 16:42:51", "2018-01-03T16:42:51+01:00", id="winter"),
        pytest.param("2018-10-03 16:42:51", "2018-10-03T16:42:51+02:00", id="summer"),
        pytest.param(" 2018-10-03T16:42:51.5\n", "2018-10-03T16:42:51.500000+02:00", id="blanks"),
        pytest.param("2018-10-28 02:30:00", "2018-10-28T02:30:00+02:00", id="twice"),
        pytest.param("2018-03-25 02:30:00", "2018-03-25T02:30:00+01:00", id="skipped"),
        pytest.param("2018-10-03T16:42:51Z", "2018-10-03T16:42:51+00:00", id="with a zone"),
        pytest.param("2018-10-03 16:42:51-07:00", "2018-10-03T16:42:51-07:00", id="with an offset"),
    ],
)
def test_a_date_without_a_zone_is_that_of_paris(told: str, expected: str) -> None:
    moment = delivered_at(DeliveryReceipt(**BARE, delivery_date=told))

    assert moment.isoformat() == expected


def test_the_moment_of_the_contracts_example_can_be_compared() -> None:
    receipt = parse_receipt(body_of(EXAMPLE))

    assert delivered_at(receipt) == datetime(2018, 10, 3, 14, 42, 51, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "soon",
        "2018-10-03",
        "0000-00-00 00:00:00",
        "2018-10-03 16:42",
        "2018-10-03 16:42:51 CET",
    ],
)
def test_a_date_that_is_no_time_is_shown(told: str) -> None:
    receipt = parse_receipt(body_of(BARE | {"delivery_date": told}))

    with pytest.raises(ReceiptError, match="take the time at which the receipt came") as caught:
        delivered_at(receipt)

    assert (caught.value.where, caught.value.came) == ("/delivery_date", json.dumps(told))


@pytest.mark.parametrize("told", [UNSET, None])
def test_a_date_that_is_not_there_is_missed(told: Any) -> None:
    with pytest.raises(ReceiptError, match="/delivery_date: nothing; wanted a time such as"):
        delivered_at(DeliveryReceipt(**BARE, delivery_date=told))


@pytest.fixture
def no_time_zones(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system without them, and without the package tzdata."""
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath([])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.usefixtures("no_time_zones")
def test_a_system_without_time_zones_is_told_what_to_install() -> None:
    with pytest.raises(
        ReceiptError, match="no time zones; wanted Europe/Paris; pip install tzdata"
    ):
        delivered_at(parse_receipt(body_of(EXAMPLE)))


@pytest.mark.usefixtures("no_time_zones")
def test_a_date_with_a_zone_needs_none_of_the_systems() -> None:
    receipt = DeliveryReceipt(**BARE, delivery_date="2018-10-03T16:42:51+02:00")

    assert delivered_at(receipt) == datetime(2018, 10, 3, 14, 42, 51, tzinfo=UTC)
