"""What a reader of sloppy values must never do: invent, contradict itself, join what is apart.

These say nothing of single casts; they hold whatever casts the contract names.
"""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bodies
import spec
from mock_server import casts
from mock_server.reading.coercion import Reading, read
from wire import CONTRACT, hello

Body = dict[str, Any]
TABLE: Final = casts.table("FR")
SENT: Final = bodies.shared((bodies.sloppy_bodies, 10), (bodies.any_bodies, 2))
WITH_CONTACTS: Final = bodies.shared((bodies.bodies_with_contacts, 4))


def reading(**parameters: object) -> Reading:
    return read(CONTRACT, hello(**parameters), TABLE)


# Ways to write one thing; each of a row has to be read alike.
ALIKE: Final = (
    ("simulation_mode", (True, "true", "TRUE", " yes ", "on", "1", 1, 1.0)),
    ("simulation_mode", (False, "false", "No", "off\n", "0", 0, 0.0)),
    ("voice_language", ("en-US", "en_us", "EN-us", " en-US ", "en", "EN")),
    ("voice_language", ("es-LA", "es_la", "es-419")),
    ("voice_gender", ("male", "MALE", " Male\n")),
    ("send_at", ("2027-01-15T09:30:00Z", 1800005400, "1800005400", "2027-01-15 09:30:00 UTC")),
    ("recipients", ("+33612345678", ["+33612345678"], {"phone_number": "+33612345678"})),
    ("recipients", ("0612345678", "0033612345678", 33612345678, "+33 (0)6 12 34 56 78")),
    ("request_id", (None, "")),
)


@pytest.mark.parametrize(("name", "spellings"), ALIKE, ids=str)
def test_the_spellings_of_one_thing_are_read_alike(name: str, spellings: tuple[Any, ...]) -> None:
    read_as = {json.dumps(reading(**{name: value}).value.get(name)) for value in spellings}

    assert len(read_as) == 1


@given(body=WITH_CONTACTS, cut=st.integers(0, 4))
def test_two_lists_of_contacts_joined_are_read_as_each_alone(body: Body, cut: int) -> None:
    contacts = body["recipients"]

    def kept(part: list[Any]) -> list[Any]:
        # A valid companion, so that the list is never refused for having nobody.
        companion = {"phone_number": "+33600000000"}
        return list(reading(recipients=[*part, companion]).value["recipients"][:-1])

    assert kept(contacts) == kept(contacts[:cut]) + kept(contacts[cut:])


@given(body=bodies.shared((bodies.valid_bodies, 2)), data=st.data())
def test_a_valid_body_without_something_optional_is_still_valid(
    body: Body, data: st.DataObject
) -> None:
    optional = sorted(body.keys() - set(spec.BODY["required"]))
    less = dict(body)
    if optional:
        del less[data.draw(st.sampled_from(optional))]
    less["recipients"] = body["recipients"][:1]

    assert read(CONTRACT, less, TABLE).repairs == ()


# A few values stand for others by a rule that says so; all else has to come from what was sent.
_BY_A_RULE: Final = frozenset(
    {"send_at", "voice_language", "purpose", "type", "voice_gender", "recipients"}
)


@given(body=SENT)
def test_no_character_of_a_text_is_invented(body: Body) -> None:
    kept = read(CONTRACT, body, TABLE).value

    for name in (kept.keys() & spec.FIELDS.keys()) - _BY_A_RULE:
        if isinstance(kept[name], str):
            sent = body[name]
            written = sent if isinstance(sent, str) else json.dumps(sent)
            # Each run of white space may become one blank.
            assert set(kept[name]) <= set(written) | {" "}


@given(body=WITH_CONTACTS)
def test_no_digit_of_a_number_is_invented_but_its_country_code(body: Body) -> None:
    sent = json.dumps(body, ensure_ascii=False)
    digits = "".join(c for c in sent if c.isdigit())

    for contact in read(CONTRACT, body, TABLE).value.get("recipients", ()):
        number = contact["phone_number"].removeprefix("+")
        assert number in digits or number.removeprefix("33") in digits


@given(one=SENT, other=SENT)
def test_the_code_of_an_error_follows_from_the_parameter_and_what_is_wrong_with_it(
    one: Body, other: Body
) -> None:
    found = dict[tuple[str, str], int]()
    for body in (one, other):
        for violation in read(CONTRACT, body, TABLE).violations:
            place = (violation.field, violation.reason)
            assert found.setdefault(place, violation.error.code) == violation.error.code
