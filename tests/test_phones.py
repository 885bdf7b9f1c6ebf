"""The short way through the numbering plans against the library's full parse."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_server.casts import phone_numbers

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = st.sampled_from([0, 1, 2, 3, 6])


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A region, and digits that are often near one of its numbers."""
    region = draw(st.sampled_from(REGIONS))
    example = phonenumbers.example_number_for_type(region, draw(KINDS))
    code = phonenumbers.country_code_for_region(region)
    prefix = draw(st.sampled_from(["", "0", "1", "8", "00", "011", str(code)]))
    number = str(example.national_number) if example else ""
    keep = draw(st.integers(0, 3))
    tail = draw(st.text("0123456789", max_size=4))
    digits = prefix + number[: len(number) - keep] + tail
    return region, digits or "0"


@settings(max_examples=1000)
@given(spellings())
def test_national_numbers_are_those_of_the_library(spelling: tuple[str, str]) -> None:
    region, digits = spelling

    expected = phone_numbers._parsed(digits, region)  # noqa: SLF001  (the long way, to compare)
    assert phone_numbers.international(digits, region) == (
        None if expected == f"+{digits}" else expected
    )


@settings(max_examples=1000)
@given(spellings())
def test_valid_numbers_are_those_of_the_library(spelling: tuple[str, str]) -> None:
    region, digits = spelling
    number = f"+{phonenumbers.country_code_for_region(region)}{digits}"

    assert phone_numbers.is_valid(number) == (phone_numbers._parsed(number, None) is not None)  # noqa: SLF001  (as above)


@pytest.mark.unmeasured
@pytest.mark.parametrize("region", REGIONS)
def test_every_regions_example_is_valid(region: str) -> None:
    example = phonenumbers.example_number(region)
    number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)

    assert phone_numbers.is_valid(number)


def test_a_region_that_does_not_exist_has_no_numbers() -> None:
    assert phone_numbers.international("0612345678", "XX") is None


def test_an_argentine_mobile_is_left_to_the_library() -> None:
    assert phone_numbers.international("01115-2345-6789".replace("-", ""), "AR") == "+5491123456789"


def test_a_number_of_an_area_without_such_numbers_is_not_valid() -> None:
    # American Samoa has 684, and nothing that begins with 684 0.
    assert not phone_numbers.is_valid("+16840000000")


def test_a_code_of_no_country_is_not_valid() -> None:
    assert not phone_numbers.is_valid("+2101234567")


def test_no_country_code_begins_with_a_zero() -> None:
    assert not phone_numbers.is_valid("+049911231234")
