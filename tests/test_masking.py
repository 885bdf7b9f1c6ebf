"""Numbers of people, hidden wherever they stand."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.http.masking import masked

NUMBERS = st.integers(10**8, 10**15).map(lambda n: f"+{n}")
BETWEEN = st.sampled_from([" ", ".", "-", "/", " - ", "\u00a0", "\t", ")", "_", " ("])


@st.composite
def written(draw: st.DrawFn) -> str:
    """A number as people write it."""
    groups = re.findall("..?.?", draw(NUMBERS).removeprefix("+"))
    return draw(st.sampled_from(["", "+", "(+"])) + draw(BETWEEN).join(groups)


def digits(text: str) -> str:
    return "".join(re.findall(r"\d", text))


@given(written())
def test_a_number_loses_its_digits_however_it_is_written(number: str) -> None:
    assert len(digits(masked(number))) <= 6


WRAPPED = {
    "alone": lambda number: number,
    "in JSON": lambda number: json.dumps({"to": number}),
    "in JSON without blanks": lambda number: json.dumps({"to": [number]}, separators=(",", ":")),
    "in a form": lambda number: urlencode({"to": number}),
    "in a form with %20": lambda number: urlencode({"to": number}, quote_via=quote),
    "in a query": lambda number: f"/send?to={quote_plus(number)}",
    "as a link": lambda number: f"tel:{number}",
    "in a word": lambda number: f"call{number}now",
    "in a sentence": lambda number: f"Call {number}, please.",
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
@pytest.mark.parametrize("number", ["+33612345678", "06 12 34 56 78", "+1 (202) 555-0123"])
def test_a_number_is_found_wherever_it_stands(wrap: object, number: str) -> None:
    hidden = masked(wrap(number))

    assert "•" in hidden
    assert digits(number)[-5:] not in digits(hidden)


def test_a_bare_number_in_json_is_found() -> None:
    assert masked('{"phone_number":33612345678}') == '{"phone_number":3361•••••78}'


@pytest.mark.parametrize("number", [33612345678, -33612345678, 3.3612345678e10])
def test_a_number_as_a_number_is_hidden(number: float) -> None:
    assert "12345" not in masked(number)


@pytest.mark.parametrize(
    "plain",
    [
        "",
        "Your code is 123456.",
        "2026-12-24T18:00:00+01:00",
        "2026-12-24",
        "2026-12-24T18:00:00.123456",
        '{"send_at":"2026-12-24T18:00:00Z"}',
        "10:30",
        "/recipients/12/phone_number",
        True,
        None,
        999_999,
        0.05,
    ],
)
def test_what_is_no_number_of_people_stays(plain: object) -> None:
    assert masked(plain) == plain


@given(
    st.sampled_from(["id", "at", "ticket_number", "total_cost", "residual_credit", "send_at"]),
    st.sampled_from([12345678, "12345678.90", "voice_0012345678901"]),
)
def test_the_twins_own_values_stay(name: str, value: object) -> None:
    assert masked({name: value}) == {name: value}


@pytest.mark.parametrize("name", ["id", "code", "status", "at"])
def test_under_a_senders_own_name_nothing_is_trusted(name: str) -> None:
    for place in ("before", "after"):
        hidden = masked({"notes": [{"id": 1, place: {name: "+33612345678"}}]})

        assert "12345" not in json.dumps(hidden)


def test_names_are_hidden_too() -> None:
    assert masked({"before": {"+33612345678": 1}}) == {"before": {"+336••••••78": 1}}


def test_a_body_that_is_no_text_is_left_out() -> None:
    assert masked({"raw": "a", "raw_base64": "MDYxMjM0NTY3OA=="}) == {"raw": "a"}
