"""What a reading says beside what it keeps."""

from __future__ import annotations

import pytest

from common import BODY
from mock_server import casts
from mock_server.contract.loader import Contract
from mock_server.reading.coercion import read

TABLE = casts.table("FR")


@pytest.mark.parametrize(("sender", "advice"), [("October", []), ("a" * 12, ["sender_over_11"])])
def test_advice_is_given_for_what_only_the_wider_reading_allows(
    contract: Contract, sender: str, advice: list[str]
) -> None:
    reading = read(contract, {**BODY, "sender": sender, "mode": "simu"}, TABLE)

    assert [note.rule.name for note in reading.notes] == ["unknown", *advice]


def test_a_parameter_without_a_name_is_not_the_whole_body(contract: Contract) -> None:
    (note,) = read(contract, {**BODY, "": 1}, TABLE).notes

    assert (note.path, note.field) == ("/", "")


def test_the_same_unknown_name_in_two_contacts_is_noted_twice(contract: Contract) -> None:
    contacts = [{"phone_number": "+33612345678", "phone": "x"} for _ in range(2)]

    notes = read(contract, {**BODY, "recipients": contacts}, TABLE).notes

    assert [(note.path, note.did_you_mean) for note in notes] == [
        ("/recipients/0/phone", "phone_number"),
        ("/recipients/1/phone", "phone_number"),
    ]
