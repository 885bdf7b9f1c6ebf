"""Phone numbers: what is repaired, what is refused, and that nothing is guessed."""

from __future__ import annotations

import pickle
import re
import sys
import unicodedata

import phonenumbers
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from common import ROOT
from voice_api import meta
from voice_client.errors import InvalidRequest
from voice_client.numbers import (
    NumberError,
    are_normalised,
    is_normalised,
    known_region,
    normalised,
)
from voice_client.trunk_zero import begins_with_it

CONTRACT = yaml.safe_load((ROOT / "openapi" / "voice-campaign.yaml").read_text(encoding="utf-8"))
PHONE = CONTRACT["components"]["schemas"]["Contact"]["properties"]["phone_number"]
NUMBER = "+33612345678"

REPAIRED = {
    "as it is": "+33612345678",
    "blanks": "+33 6 12 34 56 78",
    "white space around it": "\t +33612345678\r\n",
    "no-break spaces": "+33\u00a06\u202f12\u200934\u205f56\u300078",
    "hyphens": "+33-6-12-34-56-78",
    "hyphens of other kinds": "+33\u20106\u201112\u201234\u201356\u221278\u2014",
    "dots": "+33.6.12.34.56.78",
    "slashes": "+33 6/12345678",
    "parentheses": "(+33) 6 (12) 345678",
    "double zero": "0033612345678",
    "double zero with blanks": "00 33 6 12 34 56 78",
    "double zero in parentheses": "(00)33612345678",
    "tel": "tel:+33612345678",
    "shouted tel": " TEL: +33-6-12-34-56-78",
    "byte order mark": "\ufeff+33612345678",
    "zero width spaces": "\u200b+336\u200b12345678\u200d",
    "marks of an address book": "\u202a+33612345678\u202c",
    "isolates": "\u2066\u200e+33 6 12 34 56 78\u2069",
    "soft hyphen": "+336\u00ad12345678",
    "invisible before white space": "\u200e +33612345678 \u200e",
    "wide characters": "\uff0b\uff13\uff13\u3000\uff16\uff0d12\uff0834\uff0956\uff0f78",
    "Arabic-Indic digits": "+\u0663\u0663\u0666\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",
    "Devanagari digits": "+33\u096c12345678",
}


@pytest.mark.parametrize("written", REPAIRED.values(), ids=REPAIRED)
def test_only_the_form_is_repaired(written: str) -> None:
    assert normalised(written) == NUMBER


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+1234567", "+1234567"),
        ("+1234567890123456", "+1234567890123456"),
        ("+111222233334444", "+111222233334444"),
        ("+41 44 668.18.00", "+41446681800"),
        ("+33.612345678", "+33612345678"),
    ],
)
def test_a_number_is_not_mistaken_for_what_it_resembles(written: str, number: str) -> None:
    assert normalised(written) == number


SPREADSHEET = "a spreadsheet wrote it as a number: format the column as text"
ABROAD = r"write it as it is dialled from abroad, without \(0\)"
NO_PLUS = r"begin with \+ and the country code, or say in which region it is dialled"
LETTERS = "write it without letters"

REFUSED = [
    ("3.36123E+10", SPREADSHEET),
    ("3,36E+10", SPREADSHEET),
    ("3.36e10", SPREADSHEET),
    ("3E+10", SPREADSHEET),
    ("+3.36123E+10", SPREADSHEET),
    ("\uff13.36\uff25+10", SPREADSHEET),
    ("33612345678.0", SPREADSHEET),
    ("+33612345678.0", SPREADSHEET),
    ("+33612345678,0", SPREADSHEET),
    ("+33 6 12 34 56 78.0", SPREADSHEET),
    ("+33.6.12.34.56.78.0", SPREADSHEET),
    ("+33612345678.00", SPREADSHEET),
    ("+33612345678.000", SPREADSHEET),
    ("+33612345678.25", SPREADSHEET),
    ("+33 612 345 678,00", SPREADSHEET),
    ("0033612345678\uff0e\uff10\uff10", SPREADSHEET),
    ("+33 (0)6 12 34 56 78", ABROAD),
    ("+33(0)612345678", ABROAD),
    ("0033 ( 0 ) 612345678", ABROAD),
    ("+33 \uff080\uff09612345678", ABROAD),
    ("(0)612345678", ABROAD),
    ("0612345678", NO_PLUS),
    ("33612345678", NO_PLUS),
    ("06 12 34 56 78", NO_PLUS),
    ("-33612345678", NO_PLUS),
    ("0", NO_PLUS),
    ("+33 6 CALL ME", LETTERS),
    ("+33612345678 x12", LETTERS),
    ("+33612345678;ext=12", LETTERS),
    ("n/a", LETTERS),
    ("tel:tel:+33612345678", LETTERS),
    ("+336l2345678", LETTERS),
    ("+33612345678#12", "write one number, without '#'"),
    ("+33612345678+33612345679", r"write one number, without '\+'"),
    ("+3361234\n5678901", r"write one number, without '\\n'"),
    ("+336123\t4567", r"write one number, without '\\t'"),
    ("0033612345678;0033612345679", "write one number, without ';'"),
    ("++33612345678", r"write one number, without '\+'"),
    ("+33+612345678", r"write one number, without '\+'"),
    ("'+33612345678", r"""write one number, without "'\""""),
    ("+33612345678\u00b2", "write one number, without '\u00b2'"),
    ("+3361234567\u2460", "write one number, without '\u2460'"),
    ("\u202e+33612345678", r"write one number, without '\\u202e'"),
    ("+3361234567\x00", r"write one number, without '\\x00'"),
    ("+0612345678", "no country code begins with 0"),
    ("+0033612345678", "no country code begins with 0"),
    ("000612345678", "no country code begins with 0"),
    ("+336123", "it has 6 digits, where 7 to 16 are possible"),
    ("00336123", "it has 6 digits, where 7 to 16 are possible"),
    ("+12345678901234567", "it has 17 digits, where 7 to 16 are possible"),
    ("", "there is none"),
    (" \u200b\u00a0", "there is none"),
    ("+", "there is none"),
    ("---", "there is none"),
]


@pytest.mark.parametrize(("written", "remedy"), REFUSED, ids=[repr(row[0]) for row in REFUSED])
def test_what_would_have_to_be_guessed_is_refused_with_a_remedy(written: str, remedy: str) -> None:
    with pytest.raises(NumberError, match=remedy) as caught:
        normalised(written)

    assert caught.value.found == written


def test_an_error_says_what_came_what_was_wanted_and_what_to_do() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the whole text follows)
        normalised("3.36E+10")

    assert str(caught.value) == (
        "'3.36E+10': wanted a plus sign, country code and number; "
        "a spreadsheet wrote it as a number: format the column as text"
    )


def test_an_error_of_a_long_text_is_short() -> None:
    with pytest.raises(NumberError) as caught:
        normalised("abc" * 1000)

    assert len(str(caught.value)) < 200


def test_an_error_crosses_processes() -> None:
    with pytest.raises(NumberError) as caught:
        normalised("abc")

    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


# ── Regions ──────────────────────────────────────────────────────────


@pytest.fixture
def _forgotten() -> None:
    known_region.cache_clear()


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06 12 34 56 78", "fr", "+33612345678"),
        ("612345678", "FR", "+33612345678"),
        ("33612345678", "FR", "+33612345678"),
        ("(201) 555-0123", "US", "+12015550123"),
        ("011 33 6 12 34 56 78", "US", "+33612345678"),
        ("06 6982", "IT", "+39066982"),
        ("\u0660\u0666 12 34 56 78", "FR", "+33612345678"),
    ],
)
def test_a_region_makes_national_numbers_international(
    written: str, region: str, number: str
) -> None:
    assert normalised(written, region) == number


@pytest.mark.parametrize("written", ["+44 20 7946 0018", "0044 20 7946 0018"])
def test_a_region_changes_nothing_about_international_numbers(written: str) -> None:
    assert normalised(written, "FR") == "+442079460018"


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("06 12", "the numbering plan of FR has no such number"),
        ("1" * 40, "the numbering plan of FR has no such number"),
        ("0", "the numbering plan of FR has no such number"),
        ("0912345678901", "the numbering plan of FR has no such number"),
        ("3.36E+10", SPREADSHEET),
        ("(0)6 12 34 56 78", ABROAD),
        ("+0612345678", "no country code begins with 0"),
        ("6 12 CALL ME", LETTERS),
    ],
)
def test_a_region_makes_nothing_of_what_is_no_number(written: str, remedy: str) -> None:
    with pytest.raises(NumberError, match=remedy):
        normalised(written, "fr")


@pytest.mark.parametrize("region", ["XX", "UK", "", "FRA", "33"])
def test_a_region_without_a_numbering_plan_is_invalid(region: str) -> None:
    with pytest.raises(InvalidRequest, match=f"region '{region}' has no numbering plan"):
        normalised("0612345678", region)


@pytest.mark.usefixtures("_forgotten")
def test_a_missing_library_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)

    with pytest.raises(InvalidRequest, match="pip install phonenumberslite"):
        normalised("0612345678", "FR")


def test_without_a_region_the_library_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)

    assert normalised("0033612345678") == NUMBER


FORMS = phonenumbers.PhoneNumberFormat
EXAMPLES = {
    phonenumbers.format_number(example, FORMS.NATIONAL): (
        region,
        phonenumbers.format_number(example, FORMS.E164),
    )
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
    if (example := phonenumbers.example_number_for_type(region, kind))
}


def test_every_regions_example_is_read_as_the_library_writes_it() -> None:
    read = {written: normalised(written, region) for written, (region, _) in EXAMPLES.items()}

    assert read == {written: number for written, (_, number) in EXAMPLES.items()}


# ── Laws ─────────────────────────────────────────────────────────────

NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,15}", fullmatch=True).filter(
    lambda number: not begins_with_it(number)
)
SEPARATORS = st.text(" -\u00a0\u2011\u200b", max_size=2)
AROUND = st.text(" \t\n\u00a0\u200b\u200e\ufeff", max_size=3)


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A number, and one of the ways in which people write it."""
    number = draw(NUMBERS)
    prefix = draw(st.sampled_from(["+", "00", "tel:+", "(+"]))
    digits = "".join(digit + draw(SEPARATORS) for digit in number[1:])
    return number, draw(AROUND) + prefix + digits + draw(AROUND)


@st.composite
def near_numbers(draw: st.DrawFn) -> str:
    """Something that may be a number, made of what numbers are made of."""
    prefix = draw(st.sampled_from(["+", "00", "0", "", "tel:+", "(0)", "+33 (0)"]))
    parts = st.sampled_from([*"0123456789" * 3, *" .-/()+,eE;", "\u00a0", "\u0663", "\uff10", "0."])
    return prefix + "".join(draw(st.lists(parts, min_size=5, max_size=18)))


def attempted(text: str) -> str | None:
    try:
        return normalised(text)
    except NumberError:
        return None


def digits_of(text: str) -> str:
    return "".join(str(unicodedata.decimal(char)) for char in text if char.isdecimal())


@given(spellings())
def test_every_spelling_of_a_number_is_that_number(spelling: tuple[str, str]) -> None:
    number, written = spelling

    assert normalised(written) == number


@given(NUMBERS)
def test_what_is_valid_is_not_touched(number: str) -> None:
    assert normalised(number) is number


@given(st.one_of(near_numbers(), st.text()))
def test_a_result_is_one_of_the_contracts_and_no_other_result(text: str) -> None:
    number = attempted(text)

    assert number is None or re.search(PHONE["pattern"], number)
    assert number is None or normalised(number) == number


@given(st.one_of(near_numbers(), st.text("+0123456789 ()./-")))
def test_digits_are_neither_invented_nor_lost_nor_moved(text: str) -> None:
    number = attempted(text)

    if number is not None:
        assert digits_of(text) in {number[1:], f"00{number[1:]}"}


@given(near_numbers())
def test_a_number_without_plus_or_double_zero_is_never_completed(text: str) -> None:
    if "+" not in text and not digits_of(text).startswith("00"):
        assert attempted(text) is None


@given(NUMBERS, st.sampled_from([".0", ",0", ".00", "E+10", "(0)", "x1", "+1", ";1"]))
def test_a_number_with_a_tail_that_means_something_is_refused(number: str, tail: str) -> None:
    assert attempted(number + tail) is None


@given(NUMBERS, st.integers(1, 3))
def test_a_zero_in_parentheses_is_never_dialled(number: str, at: int) -> None:
    assert attempted(f"{number[: at + 1]}(0){number[at + 1 :]}") is None


# ── One fact, one place ──────────────────────────────────────────────


@given(st.one_of(NUMBERS, near_numbers(), st.from_regex(PHONE["pattern"])))
def test_valid_is_what_the_contract_says_but_for_country_codes_that_do_not_exist(text: str) -> None:
    in_contract = bool(re.fullmatch(PHONE["pattern"], text))

    possible = not text.startswith("+0") and not begins_with_it(text)
    assert bool(is_normalised(text)) == (in_contract and possible)


# ── the zero that is dialled at home ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "number", ["+330639981234", "+4402079460018", "+49030901820", "+70123456789"]
)
def test_a_trunk_zero_after_the_country_code_is_refused(number: str) -> None:
    """+330… and +33… would be two people to a list, and one telephone."""
    with pytest.raises(NumberError, match="leave out the 0 after the country code"):
        normalised(number)


@pytest.mark.parametrize("number", ["+390612345678", "+2250712345678", "+2420612345678"])
def test_a_zero_that_belongs_to_the_number_stays(number: str) -> None:
    assert normalised(number) == number
    assert are_normalised([number])


def test_one_trunk_zero_among_many_is_seen() -> None:
    assert not are_normalised(["+33612345678", "+330612345678"])


def test_no_plan_has_a_number_that_is_taken_for_one_with_a_trunk_zero() -> None:
    """Every example of every plan and kind of number is left as it is."""
    numbers = list[str]()
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in phonenumbers.PhoneNumberType.values():
            if (number := phonenumbers.example_number_for_type(region, kind)) is not None:
                numbers.append(
                    phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                )

    possible = [number for number in numbers if re.fullmatch(meta.PHONE_NUMBER, number)]
    assert len(possible) > 1_000
    assert [number for number in possible if normalised(number) != number] == []


# ── plans beyond the mainland ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("dialled", "number"),
    [
        ("0692 12 34 56", "+262692123456"),
        ("0690 12 34 56", "+590690123456"),
        ("0696 20 12 34", "+596696201234"),
        ("0594 12 34 56", "+594594123456"),
        ("06 12 34 56 78", "+33612345678"),
        ("02 69 61 23 45", "+33269612345"),
    ],
)
def test_a_number_is_read_as_it_is_dialled_in_france(dialled: str, number: str) -> None:
    assert normalised(dialled, "FR") == number


@pytest.mark.parametrize(
    ("number", "region"),
    [("1234567890", "US"), ("0123456789", "GB"), ("0639981234", "FR"), ("0692123456", "BE")],
)
def test_a_possible_length_is_not_enough_for_a_plan(number: str, region: str) -> None:
    with pytest.raises(NumberError, match=f"the numbering plan of {region} has no such number"):
        normalised(number, region)
