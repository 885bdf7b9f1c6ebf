"""Phone numbers: what is repaired, what is refused, and that nothing is guessed."""

from __future__ import annotations

import pickle
import re
import sys
import unicodedata
from collections.abc import Iterator
from importlib import import_module
from typing import Any

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
        ("+853 0 123 4567", "+85301234567"),
        ("+800 00 123456", "+80000123456"),
        # and one of the country code itself.
        ("+20 100 1234567", "+201001234567"),
        # Six digits behind a code of France overseas, or nine that are for films.
        ("+508 59 01 23", "+508590123"),
        ("+508 708 40 12 34", "+508708401234"),
        ("+262 692 12 34 56", "+262692123456"),
        ("+33 6 39 98 12 34", "+33639981234"),
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
    ("+36 0 20 123 4567", r"dialled from abroad: \+36201234567$"),
    # A second zero, and those of plans without a national prefix.
    ("+3300639981234", r"dialled from abroad: \+33639981234$"),
    ("+49 00 151 23456789", r"dialled from abroad: \+4915123456789$"),
    ("+34 0 612345678", r"dialled from abroad: \+34612345678$"),
    ("+351 0 912345678", r"dialled from abroad: \+351912345678$"),
    ("+1 0 201 555 0123", r"dialled from abroad: \+12015550123$"),
    # The French plan has the departments overseas, which have codes of their own.
    ("+33692123456", r"dialled from abroad: \+262692123456$"),
    ("+33 0692 12 34 56", r"dialled from abroad: \+262692123456$"),
    ("+33 (2)69 60 12 34", r"dialled from abroad: \+262269601234$"),
    ("+33 639 01 23 45", r"dialled from abroad: \+262639012345$"),
    ("+33 590 27 12 34", r"dialled from abroad: \+590590271234$"),
    ("+262 694 12 34 56", r"dialled from abroad: \+594694123456$"),
    ("+33 596 10 12 34", r"dialled from abroad: \+596596101234$"),
    ("+33 7093 5 12 34", r"dialled from abroad: \+262709351234$"),
    ("+33 508 55 12 34", r"dialled from abroad: \+508551234$"),
    ("+508 0508551234", r"dialled from abroad: \+508551234$"),
    ("+508 508551234", r"dialled from abroad: \+508551234$"),
    ("+33 708 40 12 34", r"dialled from abroad: \+508708401234$"),
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
        ("0596 10 12 34", "FR", "+596596101234"),
        ("0596 10 12 34", "RE", "+596596101234"),
        ("0269 60 12 34", "FR", "+262269601234"),
        ("0947 76 12 34", "FR", "+596947761234"),
        ("0800 12 34 56", "FR", "+33800123456"),
        ("0800 12 34 56", "RE", "+262800123456"),
        ("15112345678", "DE", "+4915112345678"),
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
        ("0976 12 34 56", "FR"),
    ],
)
def test_a_number_that_the_plan_does_not_have_is_refused(written: str, region: str) -> None:
    with pytest.raises(NumberError, match=f"the numbering plan of {region} has no such number"):
        normalised(written, region)


@pytest.mark.parametrize(
    ("written", "region", "readings"),
    [
        ("491711234567", "DE", r"\+49491711234567 or \+491711234567"),
        ("3906698123", "IT", r"\+393906698123 or \+3906698123"),
    ],
)
def test_digits_that_are_a_number_with_and_without_their_country_code_are_refused(
    written: str, region: str, readings: str
) -> None:
    with pytest.raises(NumberError, match=f"it may be {readings}; write the one that is meant"):
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
KINDS = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number")
KINDS += ("voip", "pager", "uan", "voicemail")
CODES = phonenumbers.COUNTRY_CODE_TO_REGION_CODE


def patterns(code: int) -> Iterator[str]:
    """What the numbers of a country code look like behind it."""
    for region in CODES[code]:
        plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        for kind in KINDS:
            described = getattr(plan, kind)
            if described is not None and described.national_number_pattern:
                yield described.national_number_pattern


def may_begin_with_zero(parsed: Any) -> bool:
    """Whether a pattern, as Python has parsed it, takes a text that begins with 0."""
    operation, value = parsed[0]
    match str(operation):
        case "BRANCH":
            return any(map(may_begin_with_zero, value[1]))
        case "SUBPATTERN" | "MAX_REPEAT":
            return may_begin_with_zero(value[-1])
        case "IN":
            return any(may_begin_with_zero([one]) for one in value)
        case "RANGE":
            return bool(value[0] == ord("0"))
        case "CATEGORY":
            return True
    return bool(value == ord("0"))


# Freephone numbers there begin with 00, and are dialled within the country alone.
ZEROS_AT_HOME = {62, 66, 81, 82, 91, 359, 598}


def test_a_zero_is_let_through_where_the_library_has_numbers_that_begin_with_one() -> None:
    parse = import_module("re._parser").parse
    expected = {
        code for code in CODES if any(may_begin_with_zero(parse(p)) for p in patterns(code))
    }

    through = {code for code in CODES if is_normalised(f"+{code}0{'1' * 8}")}

    assert through == expected - ZEROS_AT_HOME


def code_of(number: str) -> int:
    """The country code of a number with a plus sign; one that nobody has is three digits long."""
    return next((code for end in (2, 3) if (code := int(number[1:end])) in CODES), int(number[1:4]))


KEEP_THEIR_ZERO = {
    *(39, 47, 225, 226, 227, 229, 241, 242, 247, 250, 267, 268, 378, 501, 507, 676, 679, 687),
    *(800, 853, 881, 888, 974, 992),
}


def has_trunk_zero(number: str) -> bool:
    """Whether a zero stands in it that is dialled within the country alone."""
    code = code_of(number)
    return code not in KEEP_THEIR_ZERO and number.startswith(f"+{code}0")


# Where the nine digits behind the 0 of the French plan belong, by what they begin with.
HOMES = {
    **dict.fromkeys(("262", "263", "268", "269", "639", "692", "693", "7092"), 262),
    **dict.fromkeys(("70935", "70936", "70937"), 262),
    **dict.fromkeys(("590", "5987", "690", "691", "7090"), 590),
    **dict.fromkeys(("594", "5988", "694", "70930", "70931", "70932", "70933"), 594),
    **dict.fromkeys(("596", "5989", "696", "697", "7091"), 596),
    "708": 508,
}


def is_elsewhere(number: str) -> bool:
    """Whether it has a French code, and is a number of a part of France with another one."""
    code = code_of(number)
    national = number.removeprefix(f"+{code}").lstrip("0")
    if code not in {33, *HOMES.values()} or len(national) != 9:
        return False
    begins = [home for prefix, home in HOMES.items() if national.startswith(prefix)]
    films_or_nobody = national.startswith(("63998", *(f"268{digit}" for digit in range(8))))
    return national.startswith("508") or (begins not in ([], [code]) and not films_or_nobody)


OVERSEAS = ("BL", "GF", "GP", "MF", "MQ", "PM", "RE", "YT")


@pytest.mark.unmeasured
def test_no_number_of_the_departments_overseas_is_taken_for_one_of_the_mainland() -> None:
    """What one plan overseas alone has, as any part of France dials it."""
    told = dict[str, str | None]()
    expected = dict[str, str]()
    for begins in (*range(26000, 27000), *range(59000, 60000), *range(69000, 71000)):
        found = overseas(f"{begins}1234")
        if len(found) == 1:
            (expected[f"{begins}1234"],) = found
            with pytest.raises(NumberError) as caught:
                normalised(f"+33{begins}1234")
            told[f"{begins}1234"] = caught.value.remedy.rpartition(" ")[2]

    assert len(expected) > 200
    assert told == expected


def overseas(digits: str) -> set[str]:
    parsed = (phonenumbers.parse(f"0{digits}", region) for region in OVERSEAS)
    return {
        phonenumbers.format_number(number, FORMS.E164)
        for number in parsed
        if phonenumbers.is_valid_number(number)
    }


def test_the_librarys_examples_are_left_as_they_are() -> None:
    # One is of six digits, fewer than the contract allows.
    changed = {number for number in ALL_EXAMPLES if attempted(number) != number}

    assert changed == {"+989601"} | {
        number
        for number in ALL_EXAMPLES
        if number.startswith(tuple(f"+{c}00" for c in ZEROS_AT_HOME))
    }


@pytest.mark.unmeasured
@pytest.mark.parametrize("zeros", ["0", "00"])
def test_a_zero_that_nobody_dials_is_refused_and_the_number_without_it_named(zeros: str) -> None:
    told = dict[str, str]()
    for number in ALL_EXAMPLES:
        code = code_of(number)
        if code not in KEEP_THEIR_ZERO and not number.startswith(f"+{code}0"):
            with pytest.raises(NumberError) as caught:
                normalised(f"+{code}{zeros}{number.removeprefix(f'+{code}')}")
            told[number] = caught.value.remedy

    assert len(told) > 500
    assert told == {number: f"write it as it is dialled from abroad: {number}" for number in told}


@pytest.mark.unmeasured
def test_every_regions_example_is_read_as_the_library_writes_it() -> None:
    read = {written: normalised(written, region) for written, (region, _) in EXAMPLES.items()}

    assert read == {written: number for written, (_, number) in EXAMPLES.items()}


# ── Laws ─────────────────────────────────────────────────────────────

NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,15}", fullmatch=True).filter(
    lambda number: not has_trunk_zero(number) and not is_elsewhere(number)
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
def test_valid_is_what_the_contract_says_but_for_what_nobody_dials(text: str) -> None:
    expected = bool(re.fullmatch(PHONE["pattern"], text)) and not text.startswith("+0")

    assert bool(is_normalised(text)) == (
        expected and not has_trunk_zero(text) and not is_elsewhere(text)
    )
