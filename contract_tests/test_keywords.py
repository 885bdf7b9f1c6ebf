"""The requests of the suite meet every keyword of the contract, kept and broken."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from itertools import product

import bodies
import figures
import keywords
import spec
import test_cases
from keywords import Keyword


def test_a_keyword_is_met_by_a_value_that_keeps_it_and_by_one_that_breaks_it() -> None:
    found = keywords.met([{"text": "a", "recipients": []}, {"text": ""}])

    assert (Keyword("text", "minLength"), True) in found
    assert (Keyword("text", "minLength"), False) in found
    assert (Keyword("recipients", "minItems"), False) in found
    assert (Keyword("recipients", "minItems"), True) not in found


def test_a_keyword_about_texts_is_not_met_by_a_number() -> None:
    assert not any(where.name == "maxLength" for where, _ in keywords.met([{"text": 5}]))


def test_an_unknown_parameter_breaks_additional_properties() -> None:
    assert (Keyword("", "additionalProperties"), False) in keywords.met([{"mode": "simu"}])


def _rows() -> Iterator[object]:
    """Whatever the rows of cases/ send that is JSON, objects or not."""
    for row in test_cases.ROWS:
        if row.unreadable is None:
            yield row.decoded().value
        else:
            with contextlib.suppress(ValueError, RecursionError):
                yield json.loads(row.sent)


def test_the_requests_of_the_suite_keep_and_break_every_keyword_of_the_contract() -> None:
    sent = [*_rows(), *bodies.drawn(bodies.sloppy_bodies, 10), *bodies.drawn(bodies.any_bodies, 2)]

    found = keywords.met(sent)

    every = keywords.every()
    missed = [
        f"{keyword} {'kept' if kept else 'broken'}"
        for keyword, kept in product(every, (True, False))
        if (keyword, kept) not in found
    ]
    figures.write(
        "keywords",
        {
            "keywords": len(every),
            "both_ways": sum({(keyword, True), (keyword, False)} <= found for keyword in every),
            "bodies": len(sent),
            "valid": sum(spec.accepts(spec.BODY, body) for body in sent),
        },
    )
    assert missed == []
