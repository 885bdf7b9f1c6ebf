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
from voice_client.errors import InvalidRequest
from voice_client.numbers import NumberError, is_normalised, known_region, normalised

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
        # A zero that is dialled from abroad, too,
        ("+39 06 698 12345", "+390669812345"),
        ("+225 07 12 34 56 78", "+2250712345678"),
        ("+250 06 123456", "+25006123456"),
        ("+378 0549 886377", "+3780549886377"),
        # and one of the country code itself.
        ("+20 100 1234567", "+201001234567"),
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
    ("+1234567.25", SPREADSHEET),
    ("+33.6.12.34.56.78,0", SPREADSHEET),
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
    ("+330639981234", r"dialled from abroad: \+33639981234$"),
    ("+33 06 39 98 12 34", r"dialled from abroad: \+33639981234$"),
    ("0033 06 39 98 12 34", r"dialled from abroad: \+33639981234$"),
    ("+4407700900123", r"dialled from abroad: \+447700900123$"),
    ("+49 0151 23456789", r"dialled from abroad: \+4915123456789$"),
    ("+2620692123456", r"dialled from abroad: \+262692123456$"),
    ("+36 06 20 123 4567", r"dialled from abroad: \+36201234567$"),
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
        ("0692 12 34 56", "FR", "+262692123456"),
        ("692123456", "fr", "+262692123456"),
        ("0639 01 23 45", "FR", "+262639012345"),
        ("0690 12 34 56", "FR", "+590690123456"),
        ("0694 12 34 56", "FR", "+594694123456"),
        ("0696 12 34 56", "FR", "+596696123456"),
        ("0508 41 23 45", "FR", "+508412345"),
        ("0708 40 12 34", "FR", "+508708401234"),
        ("06 12 34 56 78", "RE", "+33612345678"),
        ("0690 12 34 56", "MQ", "+590690123456"),
        ("41 23 45", "PM", "+508412345"),
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
        ("0508 00 23 45", "the numbering plan of FR has no such number"),
        # A number of Saint-Pierre as only Saint-Pierre dials it, and one without its plus sign.
        ("41 23 45", "the numbering plan of FR has no such number"),
        ("262692123456", "the numbering plan of FR has no such number"),
        ("+33 06 12 34 56 78", r"dialled from abroad: \+33612345678"),
        ("3.36E+10", SPREADSHEET),
        ("(0)6 12 34 56 78", ABROAD),
        ("+0612345678", "no country code begins with 0"),
        ("6 12 CALL ME", LETTERS),
    ],
)
def test_a_region_makes_nothing_of_what_is_no_number(written: str, remedy: str) -> None:
    with pytest.raises(NumberError, match=remedy):
        normalised(written, "fr")


@pytest.mark.parametrize(
    ("written", "region"),
    [
        # Of a possible length, and no area begins with 1.
        ("1234567890", "US"),
        ("0692 12 34 56", "BE"),
        # Dialled alike in four departments, each with a country code of its own.
        ("0976 12 34 56", "RE"),
    ],
)
def test_a_number_that_the_plan_does_not_have_is_refused(written: str, region: str) -> None:
    with pytest.raises(NumberError, match=f"the numbering plan of {region} has no such number"):
        normalised(written, region)


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


ALL_EXAMPLES = {
    phonenumbers.format_number(example, FORMS.E164)
    for region in phonenumbers.SUPPORTED_REGIONS
    for kind in phonenumbers.PhoneNumberType.values()
    if (example := phonenumbers.example_number_for_type(region, kind))
}
# Rwanda's satellite numbers begin with 06.
KEEP_THEIR_ZERO = {250}


def trunk_prefix(number: str) -> tuple[int, str] | None:
    """The country code of a number, and the zero that is dialled behind it within the country."""
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    code = next((code for end in (2, 3, 4) if (code := int(number[1:end])) in codes), None)
    if code is None or code in KEEP_THEIR_ZERO:
        return None
    plans = [phonenumbers.PhoneMetadata.metadata_for_region(region) for region in codes[code]]
    prefixes = {plan.national_prefix if plan else None for plan in plans}
    (prefix,) = prefixes if len(prefixes) == 1 else (None,)
    return (code, prefix) if prefix in {"0", "06"} else None


def has_trunk_zero(number: str) -> bool:
    """Whether such a zero stands in it; a second one behind it makes it part of the number."""
    known = trunk_prefix(number)
    return known is not None and bool(
        re.match(rf"\+{known[0]}0{'6' if known[1] == '06' else '[1-9]'}", number)
    )


def test_the_librarys_examples_are_left_as_they_are() -> None:
    # One is of six digits, fewer than the contract allows.
    assert {number for number in ALL_EXAMPLES if attempted(number) != number} == {"+989601"}


def test_the_zero_of_a_plan_that_dials_one_is_refused_and_the_number_without_it_named() -> None:
    told = dict[str, str]()
    for number in ALL_EXAMPLES:
        if (known := trunk_prefix(number)) and not number.startswith(f"+{known[0]}0"):
            code, prefix = known
            with pytest.raises(NumberError) as caught:
                normalised(f"+{code}{prefix}{number[len(str(code)) + 1 :]}")
            told[number] = caught.value.remedy

    assert len(told) > 500
    assert told == {number: f"write it as it is dialled from abroad: {number}" for number in told}


@pytest.mark.unmeasured
def test_every_regions_example_is_read_as_the_library_writes_it() -> None:
    read = {written: normalised(written, region) for written, (region, _) in EXAMPLES.items()}

    assert read == {written: number for written, (_, number) in EXAMPLES.items()}


# ── Laws ─────────────────────────────────────────────────────────────

NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,15}", fullmatch=True).filter(
    lambda number: not has_trunk_zero(number)
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
def test_valid_is_what_the_contract_says_but_for_zeros_that_nobody_dials(text: str) -> None:
    expected = bool(re.fullmatch(PHONE["pattern"], text)) and not text.startswith("+0")

    assert bool(is_normalised(text)) == (expected and not has_trunk_zero(text))
