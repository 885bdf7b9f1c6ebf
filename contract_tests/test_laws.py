"""What holds for every body: the six laws of a reading, and what follows from them.

Schemas are those of spec.py and validated by a library that the twin does not use.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from copy import deepcopy
from itertools import product
from typing import Any, Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import bodies
import figures
import spec
from mock_server import casts
from mock_server.contract.loader import Contract, load
from mock_server.reading import decoding
from mock_server.reading.coercion import Kind, Note, Reading, Violation, read, read_first_level

Body = dict[str, Any]

SLOPPY: Final = bodies.shared((bodies.sloppy_bodies, 10))
ANY: Final = bodies.shared((bodies.any_bodies, 2))
SENT: Final = bodies.shared((bodies.sloppy_bodies, 10), (bodies.any_bodies, 2))
VALID: Final = bodies.shared((bodies.valid_bodies, 2))
WITH_CONTACTS: Final = bodies.shared((bodies.bodies_with_contacts, 4))
UNKNOWN: Final = bodies.shared((bodies.unknown_parameters, 2))

# Not fixtures: Hypothesis prints what a test was called with, and a contract fills pages.
CONTRACT: Final = load()
TABLE: Final = casts.table("FR")
_LENIENT: Final = spec.DOCUMENT["components"]["schemas"]["VoiceCampaign"]["properties"]
_CAN_REFUSE: Final = frozenset(
    name for name, schema in _LENIENT.items() if schema["x-lenient"]["fallback"] == "reject"
)


def written(value: object) -> str:
    """JSON text, in which 1, 1.0 and true differ and the order of names does not count."""
    return json.dumps(value, sort_keys=True)


def parts(note: Note) -> list[str]:
    """The names and numbers in the note's path."""
    return [part.replace("~1", "/").replace("~0", "~") for part in note.path.split("/")[1:]]


def schema_of(note: Note) -> dict[str, Any] | None:
    """The schema of what the note is about; none for an unknown parameter."""
    match parts(note):
        case [name]:
            return spec.FIELDS.get(name)
        case ["recipients", _]:
            return spec.CONTACT
        case ["recipients", _, name]:
            return spec.CONTACT_FIELDS.get(name)
    return None


def mends(reading: Reading) -> list[Note]:
    """The notes of casts."""
    return [note for note in reading.notes if note.kind is Kind.REPAIR]


# ── the six laws ─────────────────────────────────────────────────────────────


@given(body=SENT)
def test_what_is_kept_is_valid(body: Body) -> None:
    reading = read(CONTRACT, body, TABLE)

    assert reading.violations or spec.accepts(spec.BODY, reading.value)
    for name, value in reading.value.items():
        assert spec.accepts(spec.FIELDS[name], value), name


@given(body=SENT)
def test_reading_what_was_kept_notes_nothing_but_advice(body: Body) -> None:
    once = read(CONTRACT, body, TABLE)

    twice = read(CONTRACT, once.value, TABLE)

    assert twice.repairs == ()
    assert written(twice.value) == written(once.value)


@given(body=SENT)
def test_each_cast_note_can_be_replayed_with_the_table(body: Body) -> None:
    for note in mends(read(CONTRACT, body, TABLE)):
        assert written(TABLE[note.rule.name](note.before)) == written(note.after)


@given(body=SENT)
def test_no_notes_and_no_violations_mean_the_same_value(body: Body) -> None:
    reading = read(CONTRACT, body, TABLE)

    if not reading.repairs and not reading.violations:
        assert written(reading.value) == written(body)


@given(body=SENT)
def test_only_refused_values_are_mended_defaulted_or_ignored(body: Body) -> None:
    for note in read(CONTRACT, body, TABLE).repairs:
        schema = schema_of(note)
        if schema is not None:
            assert not spec.accepts(schema, note.before), note


@given(body=SENT)
def test_a_cast_note_changes_something_by_type_at_least(body: Body) -> None:
    for note in mends(read(CONTRACT, body, TABLE)):
        assert written(note.before) != written(note.after), note


# ── what is said is what was done ─────────────────────────────────────────────────────────────


@given(body=SENT)
def test_a_parameter_is_kept_or_spoken_of(body: Body) -> None:
    reading = read(CONTRACT, body, TABLE)

    spoken = {note.field for note in reading.repairs} | {
        violation.field for violation in reading.violations
    }
    kept = {
        name
        for name in body.keys() & reading.value.keys()
        if written(body[name]) == written(reading.value[name])
    }
    assert body.keys() - kept == spoken & body.keys()


@given(body=SENT)
def test_the_last_note_on_a_parameter_tells_what_is_kept(body: Body) -> None:
    reading = read(CONTRACT, body, TABLE)

    last = {note.path.removeprefix("/"): note for note in reading.repairs}
    for name in last.keys() & spec.FIELDS.keys() - {"recipients"}:
        if last[name].kind is not Kind.IGNORED:
            assert written(reading.value[name]) == written(last[name].after)


@given(body=SENT)
def test_a_parameter_that_is_ignored_or_at_fault_is_not_kept(body: Body) -> None:
    reading = read(CONTRACT, body, TABLE)

    ignored = {note.path.removeprefix("/") for note in reading.notes if note.kind is Kind.IGNORED}
    at_fault = {one.field for one in reading.violations}
    assert reading.value.keys() & (ignored | at_fault) == set()


@given(body=SENT)
def test_advice_is_given_where_only_the_wider_reading_allows_what_is_kept(body: Body) -> None:
    reading = read(CONTRACT, body, TABLE)

    given_to = Counter(note.rule.name for note in reading.notes if note.kind is Kind.ADVICE)
    kept = [("VoiceCampaign", reading.value)]
    kept += [("Contact", contact) for contact in reading.value.get("recipients", ())]
    assert given_to == Counter(
        advice["name"]
        for schema, value in kept
        for name, member in spec.DOCUMENT["components"]["schemas"][schema]["properties"].items()
        for advice in member["x-lenient"].get("advice", ())
        if name in value and not spec.accepts(advice["schema"], value[name])
    )


# ── what is valid is never touched ─────────────────────────────────────────────────────────────


@given(body=VALID)
def test_a_valid_body_comes_back_with_advice_at_most(body: Body) -> None:
    reading = read(CONTRACT, body, TABLE)

    assert (reading.repairs, reading.violations) == ((), ())
    assert json.dumps(reading.value) == json.dumps(body)


@given(body=SENT)
def test_a_valid_parameter_is_kept_whatever_stands_beside_it(body: Body) -> None:
    kept = read(CONTRACT, body, TABLE).value

    for name in body.keys() & spec.FIELDS.keys():
        if spec.accepts(spec.FIELDS[name], body[name]):
            assert written(kept[name]) == written(body[name])


@given(body=WITH_CONTACTS)
def test_a_valid_contact_is_kept_whatever_stands_beside_it(body: Body) -> None:
    valid = [contact for contact in body["recipients"] if spec.accepts(spec.CONTACT, contact)]

    kept = read(CONTRACT, body, TABLE).value.get("recipients", [])

    assert Counter(map(written, valid)) <= Counter(map(written, kept))


@given(body=SENT)
def test_nothing_to_repair_means_valid_as_sent_and_the_other_way_round(body: Body) -> None:
    reading = read(CONTRACT, body, TABLE)

    assert (not reading.repairs and not reading.violations) == spec.accepts(spec.BODY, body)


@settings(max_examples=300)
@given(text=bodies.near_dates())
def test_a_date_is_valid_for_the_twin_exactly_when_it_is_one_of_rfc_3339(text: str) -> None:
    assert CONTRACT.body.members["send_at"].accepts(text) == spec.is_date_time(text)


@pytest.fixture(scope="session")
def trimming(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    """The contract with a free text of at most 7 characters, whose cast would alter valid ones."""
    document = deepcopy(spec.DOCUMENT)
    name = document["components"]["schemas"]["VoiceCampaign"]["properties"]["list_name"]
    name["maxLength"] = 7
    name["x-lenient"]["casts"] = ["text", "trim"]
    path = tmp_path_factory.mktemp("trimming") / "voice-campaign.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), "utf-8")
    return load(path)


def named(name: object, recipients: object = "+33612345678") -> Body:
    return {"text": "a", "recipients": recipients, "list_name": name}


@pytest.mark.parametrize("name", [" a ", "\ta", "a  b", "", "  "])
def test_blanks_around_a_free_text_stay_if_it_is_valid(name: str, trimming: Contract) -> None:
    reading = read(trimming, named(name), TABLE)

    assert reading.value["list_name"] == name
    assert {note.field for note in reading.notes} == {"recipients"}


def test_blanks_around_a_free_text_go_if_it_is_too_long(trimming: Contract) -> None:
    reading = read(trimming, named("  October  "), TABLE)

    assert reading.value["list_name"] == "October"
    assert [note.rule.name for note in reading.notes if note.field == "list_name"] == ["trim"]


def test_a_valid_free_text_never_loses_its_blanks(trimming: Contract) -> None:
    names = ["".join(letters) for size in range(6) for letters in product(" \ta", repeat=size)]

    assert [read(trimming, named(name), TABLE).value["list_name"] for name in names] == names


# ── one parameter, one judgement ─────────────────────────────────────────────────────────────


@given(body=SENT)
def test_reading_never_changes_what_was_sent(body: Body) -> None:
    before = json.dumps(body)

    read(CONTRACT, body, TABLE)

    assert json.dumps(body) == before


@given(body=ANY)
def test_any_json_object_is_read(body: Body) -> None:
    reading = read(CONTRACT, body, TABLE)

    assert {one.field for one in reading.violations} <= _CAN_REFUSE
    assert reading.value.keys() <= spec.FIELDS.keys()


@given(body=SENT, unknown=UNKNOWN)
def test_unknown_parameters_never_change_what_is_kept(body: Body, unknown: Body) -> None:
    alone = read(CONTRACT, body, TABLE)

    beside = read(CONTRACT, {**unknown, **body}, TABLE)

    assert written(beside.value) == written(alone.value)
    assert {one.field for one in beside.violations} == {
        violation.field for violation in alone.violations
    }


@given(body=VALID, unknown=UNKNOWN)
def test_unknown_parameters_of_a_contact_never_change_what_is_kept(
    body: Body, unknown: Body
) -> None:
    contacts = [{**unknown, **contact} for contact in body["recipients"]]

    reading = read(CONTRACT, {**body, "recipients": contacts}, TABLE)

    assert written(reading.value) == written(body)
    assert len(reading.repairs) == len(unknown) * len(contacts)


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, list):
        return [_shuffled(item, chance) for item in value]
    if not isinstance(value, dict):
        return value
    # The order of an object that is numbered like a list is that of the list.
    numbered = all(name.isdigit() for name in value)
    names = list(value) if numbered else chance.sample(list(value), len(value))
    return {name: _shuffled(value[name], chance) for name in names}


def _said(reading: Reading) -> Counter[str]:
    remarks: tuple[Note | Violation, ...] = (*reading.notes, *reading.violations)
    return Counter(written(remark.document()) for remark in remarks)


@given(body=SENT, chance=st.randoms(use_true_random=False))
def test_the_order_of_names_changes_nothing_but_the_order_of_notes(
    body: Body, chance: random.Random
) -> None:
    reading = read(CONTRACT, body, TABLE)

    shuffled = read(CONTRACT, _shuffled(body, chance), TABLE)

    assert written(shuffled.value) == written(reading.value)
    assert _said(shuffled) == _said(reading)


@given(body=SENT)
def test_each_parameter_is_judged_by_its_own_value_alone(body: Body) -> None:
    together = read(CONTRACT, body, TABLE)

    for name in body.keys() & spec.FIELDS.keys():
        alone = read(CONTRACT, {name: body[name]}, TABLE)
        assert written(alone.value) == written(
            {name: together.value[name]} if name in together.value else {}
        )
        assert [f.document() for f in alone.violations if f.field == name] == [
            f.document() for f in together.violations if f.field == name
        ]
        assert [n.document() for n in alone.notes if n.field == name] == [
            n.document() for n in together.notes if n.field == name
        ]


def _sent(body: Body, note: Note) -> object:
    """What stands in the body where the note's path points."""
    value: Any = body
    for part in parts(note):
        if isinstance(value, dict):
            value = value.get(part, "nothing")
        elif isinstance(value, list) and int(part) < len(value):
            value = value[int(part)]
        else:
            return "nothing"
    return value


@given(body=WITH_CONTACTS)
def test_a_note_tells_what_stood_where_its_path_points(body: Body) -> None:
    first = dict[str, Note]()
    for note in read(CONTRACT, body, TABLE).notes:
        first.setdefault(note.path, note)

    for note in first.values():
        assert written(note.before) == written(_sent(body, note)), note.path


@given(body=SLOPPY)
def test_notes_stand_in_the_order_of_the_body_and_advice_after_them(body: Body) -> None:
    notes = read(CONTRACT, body, TABLE).notes
    in_body = list(body)

    order = [(note.kind is Kind.ADVICE, in_body.index(note.field)) for note in notes]

    assert order == sorted(order)


# ── a simulation checks the first level only ──────────────────────────────────────────


@given(body=SENT)
def test_a_simulation_refuses_nothing_that_a_real_send_accepts(body: Body) -> None:
    real = {one.field for one in read(CONTRACT, body, TABLE).violations}

    simulated = {
        violation.field for violation in read_first_level(CONTRACT, body, TABLE).violations
    }

    assert simulated <= real
    assert real - simulated <= {"recipients"}


@given(body=SENT)
def test_a_simulation_keeps_what_a_real_send_keeps_but_for_the_recipients(body: Body) -> None:
    real = {**read(CONTRACT, body, TABLE).value, "recipients": None}

    simulated = {**read_first_level(CONTRACT, body, TABLE).value, "recipients": None}

    assert written(simulated) == written(real)


@given(body=WITH_CONTACTS)
def test_a_simulation_speaks_of_no_single_contact(body: Body) -> None:
    reading = read_first_level(CONTRACT, body, TABLE)

    assert (reading.repairs, reading.violations) == ((), ())
    assert written(reading.value) == written(body)


# ── decoding ─────────────────────────────────────────────────────────────


@given(raw=st.binary(max_size=60), content_type=bodies.content_types())
def test_any_bytes_are_decoded_or_unreadable(raw: bytes, content_type: str) -> None:
    decoded = decoding.decode(raw, content_type)

    assert isinstance(decoded, decoding.Unreadable) or isinstance(decoded.value, dict)


@given(text=st.text("abtextrecipients[]01=&%+2B\u00e9", max_size=40))
def test_any_form_is_decoded_or_unreadable(text: str) -> None:
    decoded = decoding.decode(text.encode(), "application/x-www-form-urlencoded")

    assert isinstance(decoded, decoding.Unreadable) or isinstance(decoded.value, dict)


def _depth(value: object) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        parent, depth = waiting.pop()
        if isinstance(parent, dict | list):
            deepest = max(deepest, depth)
            inner = parent.values() if isinstance(parent, dict) else parent
            waiting += [(child, depth + 1) for child in inner]
    return deepest


@given(text=bodies.odd_json_texts(), content_type=bodies.content_types())
def test_what_is_decoded_and_what_was_lost_on_the_way_can_be_written_again(
    text: str, content_type: str
) -> None:
    decoded = decoding.decode(text.encode(), content_type)

    if isinstance(decoded, decoding.Decoded):
        lost = [warning.before for warning in decoded.warnings]
        for value in (decoded.value, *lost):
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
            assert _depth(value) <= 64


@given(text=bodies.json_texts())
def test_what_is_decoded_is_what_any_reader_of_json_makes_of_it(text: str) -> None:
    decoded = decoding.decode(text.encode(), "application/json")

    assert isinstance(decoded, decoding.Decoded)
    assert json.dumps(decoded.value) == json.dumps(json.loads(text))
    assert {warning.rule for warning in decoded.warnings} <= {"duplicate"}


@given(body=SENT)
def test_a_body_that_is_written_and_decoded_is_the_same_body(body: Body) -> None:
    decoded = decoding.decode(json.dumps(body).encode(), "application/json")

    assert isinstance(decoded, decoding.Decoded)
    assert (decoded.warnings, json.dumps(decoded.value)) == ((), json.dumps(body))


# ── are the generators any good? ─────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def thousand() -> list[Body]:
    """The sloppy bodies that the laws are tried on."""
    return bodies.drawn(bodies.sloppy_bodies, 10)


@pytest.fixture(scope="session")
def readings(thousand: list[Body]) -> list[Reading]:
    return [read(CONTRACT, body, TABLE) for body in thousand]


def test_most_kept_bodies_were_mended_and_some_were_valid_as_sent(readings: list[Reading]) -> None:
    kept = [reading for reading in readings if not reading.violations]
    mended = sum(bool(reading.repairs) for reading in kept)

    assert len(kept) >= 0.5 * len(readings)
    assert mended >= 0.7 * len(kept)
    assert len(kept) - mended >= 0.1 * len(kept)


_FATES: Final = ("valid", "repaired", "lost")


def _fates(body: Body, reading: Reading) -> set[tuple[str, str]]:
    """Each parameter of the body with what became of it: valid, repaired or lost."""
    lost = {note.path for note in reading.notes if note.kind in {Kind.DEFAULT, Kind.IGNORED}}
    lost |= {violation.path for violation in reading.violations}
    repaired = {note.path for note in mends(reading)} - lost

    def fate(path: str) -> str:
        return "lost" if path in lost else "repaired" if path in repaired else "valid"

    fates = {(name, fate(f"/{name}")) for name in body.keys() & spec.FIELDS.keys()}
    contacts = body.get("recipients")
    for index, contact in enumerate(contacts if isinstance(contacts, list) else ()):
        path = f"/recipients/{index}"
        if path in lost:
            fates |= {("[].phone_number", "lost")}
        elif isinstance(contact, dict):
            known = contact.keys() & spec.CONTACT_FIELDS.keys()
            fates |= {(f"[].{name}", fate(f"{path}/{name}")) for name in known}
    return fates


@pytest.mark.whole
def test_each_parameter_is_often_valid_often_repaired_and_often_lost(
    thousand: list[Body], readings: list[Reading]
) -> None:
    pairs = zip(thousand, readings, strict=True)
    fates = Counter(fate for pair in pairs for fate in _fates(*pair))
    names = [*spec.FIELDS, *(f"[].{name}" for name in spec.CONTACT_FIELDS)]

    figures.write(
        "mix",
        {name: {fate: fates[name, fate] / len(readings) for fate in _FATES} for name in names},
    )
    rare = {
        (name, fate): fates[name, fate]
        for name, fate in product(names, _FATES)
        # What Hypothesis draws moves with the constants that it finds in all of our modules.
        if fates[name, fate] < 0.04 * len(readings)
    }

    assert rare == {}


@pytest.mark.whole
def test_each_cast_of_the_contract_mends_something_in_a_thousand_bodies(
    readings: list[Reading],
) -> None:
    assert spec.CASTS - {note.rule.name for reading in readings for note in mends(reading)} == set()
