"""Which injected faults a request meets, and what they do to its answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.contract.loader import Contract
from mock_server.core.injection import Facts, Injection, Preference, alone, meet
from mock_server.core.responses import Answer, encoded
from mock_server.store.injection_plan import Count, InjectionPlan

FACTS = Facts(
    accepted=True, numbers=frozenset({"+33612345678"}), text="Your code.", request_id="one"
)
REFUSED = FACTS._replace(accepted=False)
RESET = {"fault": "reset"}
SUCCESS = Answer(201, encoded({"ticket_number": "voice_1", "total_cost": 0.05}))


def injected(
    rules: Iterable[dict[str, Any]], requests: Iterable[Facts], seed: int = 0
) -> tuple[list[Injection | None], dict[int, Count]]:
    """What one request after the other meets, and the counts in the end."""
    plan, counts, met = (
        InjectionPlan().only(seed, rules),
        dict[int, Count](),
        list[Injection | None](),
    )
    for facts in requests:
        hit, changed = meet(plan, counts, facts)
        counts |= changed
        met.append(hit)
    return met, counts


def hits(rule: dict[str, Any], requests: int, seed: int = 0) -> list[bool]:
    return [hit is not None for hit in injected([rule], [FACTS] * requests, seed)[0]]


def test_without_times_a_fault_is_met_each_time() -> None:
    assert hits(RESET, 3) == [True] * 3


@given(st.integers(1, 10), st.integers(0, 15))
def test_a_fault_is_met_so_many_times_and_no_more(times: int, requests: int) -> None:
    assert hits(RESET | {"times": times}, requests) == [n < times for n in range(requests)]


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1))
def test_the_same_seed_meets_the_same_faults(seed: int, chance: float) -> None:
    rule = RESET | {"probability": chance}

    assert hits(rule, 20, seed) == hits(rule, 20, seed)


def test_another_seed_meets_other_faults() -> None:
    rule = RESET | {"probability": 0.5}

    assert len({tuple(hits(rule, 30, seed)) for seed in range(10)}) == 10


@pytest.mark.parametrize("chance", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.unmeasured
def test_about_as_many_meet_it_as_was_asked_for(chance: float) -> None:
    met = sum(hits(RESET | {"probability": chance}, 5_000, seed=1))

    assert abs(met / 5_000 - chance) < 0.03


def test_times_counts_what_was_met_and_not_what_was_tried() -> None:
    rule = RESET | {"probability": 0.2, "times": 2}

    (_, counts) = injected([rule], [FACTS] * 100)

    assert counts == {1: Count(tried=100, met=2)}


def test_two_rules_of_one_chance_are_not_met_together_each_time() -> None:
    delay = {"fault": "delay", "seconds": 1, "probability": 0.5}

    met, _ = injected([delay, delay], [FACTS] * 50)

    assert {hit.delay if hit else 0 for hit in met} == {0, 1, 2}


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"number": "+33612345678"}, True),
        ({"number": "+33612345679"}, False),
        ({"text": "code"}, True),
        ({"text": "Code"}, False),
        ({"request_id": "one"}, True),
        ({"request_id": "on"}, False),
        ({"number": "+33612345678", "text": "code", "request_id": "one"}, True),
        ({"number": "+33612345678", "text": "code", "request_id": "two"}, False),
    ],
)
def test_a_fault_is_met_by_what_matches(match: dict[str, str], fits: bool) -> None:  # noqa: FBT001
    assert hits(RESET | {"match": match}, 1) == [fits]


def test_what_does_not_match_is_not_counted() -> None:
    rule = RESET | {"match": {"text": "another"}}

    assert injected([rule], [FACTS]) == ([None], {})


def test_a_match_by_request_id_wants_one() -> None:
    rule = RESET | {"match": {"request_id": "one"}}

    assert injected([rule], [FACTS._replace(request_id=None)]) == ([None], {})


@pytest.mark.parametrize(
    "rule", [{"fault": "drop_after_commit"}, {"fault": "missing_field", "field": "total_cost"}]
)
def test_some_faults_are_for_accepted_campaigns_alone(rule: dict[str, Any]) -> None:
    met, counts = injected([rule], [REFUSED, FACTS])

    assert [hit is not None for hit in met] == [False, True]
    assert counts == {1: Count(1, 1)}


@pytest.mark.parametrize("name", ["delay", "status", "answer", "reset", "truncate", "garble"])
def test_the_others_are_for_refusals_too(name: str) -> None:
    assert injected([{"fault": name, "seconds": 1}], [REFUSED])[0] != [None]


def test_the_first_fault_ends_the_search() -> None:
    met, counts = injected([RESET, {"fault": "garble"}], [FACTS])

    assert met == [Injection("fault", RESET)]
    assert counts == {1: Count(1, 1)}


def test_delays_add_up_and_go_on() -> None:
    rules = [{"fault": "delay", "seconds": 1}, {"fault": "delay", "seconds": 0.5}, RESET]

    assert injected(rules, [FACTS])[0] == [Injection("fault", RESET, 1.5)]


def test_a_delay_after_the_fault_is_not_reached() -> None:
    assert injected([RESET, {"fault": "delay", "seconds": 9}], [FACTS])[0][0].delay == 0


def test_delays_alone_are_no_fault() -> None:
    assert injected([{"fault": "delay", "seconds": 2}], [FACTS])[0] == [Injection("fault", None, 2)]


@pytest.mark.parametrize("last", [[], [RESET]])
def test_no_delay_is_longer_than_five_minutes(last: list[dict[str, Any]]) -> None:
    met, _ = injected([{"fault": "delay", "seconds": 200}] * 3 + last, [FACTS])

    assert met[0].delay == 300


@given(st.integers(0, 2**32 - 1), st.floats(0, 300), st.floats(0, 300))
def test_a_delay_lies_within_its_bounds(seed: int, one: float, other: float) -> None:
    low, high = sorted([one, other])
    rule = {"fault": "delay", "seconds": {"from": low, "to": high}}

    # A bound itself may be off by the last digit of a double.
    assert low - 1e-9 <= injected([rule], [FACTS], seed)[0][0].delay <= high + 1e-9


@given(st.integers(0, 2**32 - 1), st.floats(0.001, 300), st.floats(0, 3))
def test_a_lognormal_delay_is_never_negative_nor_endless(
    seed: int, median: float, sigma: float
) -> None:
    rule = {"fault": "delay", "seconds": {"median": median, "sigma": sigma}}

    assert 0 < injected([rule], [FACTS], seed)[0][0].delay <= 300


def test_half_of_the_lognormal_delays_are_above_the_median() -> None:
    rule = {"fault": "delay", "seconds": {"median": 2, "sigma": 1}}

    delays = [hit.delay for hit in injected([rule], [FACTS] * 2_000)[0]]

    assert 900 < sum(delay > 2 for delay in delays) < 1_100


def test_delays_differ_from_request_to_request() -> None:
    rule = {"fault": "delay", "seconds": {"from": 0, "to": 1}}

    assert len({hit.delay for hit in injected([rule], [FACTS] * 20)[0]}) == 20


def test_a_plan_that_is_set_anew_starts_new_counts() -> None:
    plan = InjectionPlan().only(0, [RESET]).only(0, [RESET])

    assert [rule.id for rule in plan.rules] == [2]


def test_a_plan_keeps_what_was_there_when_one_more_is_added() -> None:
    plan = InjectionPlan().only(7, [RESET]).and_also({"fault": "garble"})

    assert [rule.rule["fault"] for rule in plan.rules] == ["reset", "garble"]
    assert plan.seed == 7


# ── what stands in the API's place ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rule", "status", "headers"),
    [
        ({"fault": "status", "status": 429}, 429, {}),
        ({"fault": "status", "status": 429, "retry_after": 0}, 429, {"Retry-After": "0"}),
        ({"fault": "status", "status": 500}, 500, {}),
        ({"fault": "status", "status": 502}, 502, {}),
        ({"fault": "status", "status": 503, "retry_after": 60}, 503, {"Retry-After": "60"}),
        ({"fault": "answer", "answer": "out-of-credit"}, 400, {}),
        ({"fault": "answer", "answer": "accepted"}, 201, {}),
    ],
)
def test_an_answer_stands_in_the_apis_place(
    contract: Contract, rule: dict[str, Any], status: int, headers: dict[str, str]
) -> None:
    fault = Injection("fault", rule)

    answer = fault.answer(contract)

    assert fault.instead
    assert (answer.status, answer.headers) == (status, headers)


def test_after_a_reset_there_is_no_answer(contract: Contract) -> None:
    assert Injection("fault", RESET).answer(contract) is None


@pytest.mark.parametrize(
    "rule", [None, {"fault": "drop_after_commit"}, {"fault": "truncate"}, {"fault": "garble"}]
)
def test_the_others_leave_the_decision_to_the_api(rule: dict[str, Any] | None) -> None:
    assert not Injection("fault", rule).instead


@pytest.mark.parametrize(
    ("rule", "ends"),
    [
        (None, (False, False)),
        ({"fault": "garble"}, (False, False)),
        (RESET, (True, True)),
        ({"fault": "drop_after_commit"}, (True, False)),
    ],
)
def test_only_two_faults_end_the_connection(
    rule: dict[str, Any] | None, ends: tuple[bool, bool]
) -> None:
    injection = Injection("fault", rule, 2)

    assert (injection.hang_up, injection.reset) == ends


def test_a_rule_alone_is_met_where_it_fits() -> None:
    drop = {"fault": "drop_after_commit"}

    assert alone("magic", drop, FACTS) == Injection("magic", drop)
    assert alone("magic", drop, REFUSED) is None


def test_a_delay_alone_is_a_delay() -> None:
    rule = {"fault": "delay", "seconds": 2}

    assert alone("magic", rule, FACTS) == Injection("magic", None, 2)


# ── what leaves ────────────────────────────────────────────────────────


@pytest.mark.parametrize("rule", [None, RESET, {"fault": "drop_after_commit"}])
def test_without_a_fault_of_the_body_the_answer_leaves_as_it_is(
    rule: dict[str, Any] | None,
) -> None:
    assert Injection("fault", rule).changed(SUCCESS) == ("application/json", SUCCESS.body)


@given(st.integers(0, 1_048_576))
def test_a_cut_body_is_the_beginning_of_the_whole(size: int) -> None:
    assert (
        Injection("fault", {"fault": "truncate", "bytes": size}).changed(SUCCESS).body
        == SUCCESS.body[:size]
    )


def test_half_of_the_body_is_left_unless_said() -> None:
    assert (
        len(Injection("fault", {"fault": "truncate"}).changed(SUCCESS).body)
        == len(SUCCESS.body) // 2
    )


@given(st.dictionaries(st.text(), st.text(), max_size=5))
def test_a_garbled_body_is_as_long_as_before_and_no_json(value: dict[str, str]) -> None:
    answer = Answer(201, encoded(value))

    body = Injection("fault", {"fault": "garble"}).changed(answer).body

    assert len(body) == len(answer.body)
    with pytest.raises(ValueError, match=r".*"):
        json.loads(body)


def test_a_garbled_body_is_always_the_same() -> None:
    assert Injection("fault", {"fault": "garble"}).changed(SUCCESS) == Injection(
        "fault", {"fault": "garble"}
    ).changed(SUCCESS)


@pytest.mark.parametrize(
    ("rule", "content_type"),
    [({}, "text/html; charset=utf-8"), ({"content_type": "text/csv"}, "text/csv")],
)
def test_another_content_type_leaves_the_body(rule: dict[str, str], content_type: str) -> None:
    assert Injection("fault", {"fault": "content_type"} | rule).changed(SUCCESS) == (
        content_type,
        SUCCESS.body,
    )


def test_a_missing_field_is_left_out_alone() -> None:
    body = (
        Injection("fault", {"fault": "missing_field", "field": "ticket_number"})
        .changed(SUCCESS)
        .body
    )

    assert json.loads(body) == {"total_cost": 0.05}


# ── Prefer ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        ("", {}),
        ("code=403", {"code": "403"}),
        ("CODE = 403", {"code": "403"}),
        ('code="403"', {"code": "403"}),
        ("code=403, example=forbidden", {"code": "403", "example": "forbidden"}),
        ('example="out-of-credit"; foo=bar', {"example": "out-of-credit"}),
        ("respond-async, wait=10, dynamic=true", {}),
        ("code=403, code=500", {"code": "403"}),
    ],
)
def test_a_preference_is_read(header: str, asked: dict[str, str]) -> None:
    assert Preference.of(header).asked == asked


@given(st.text())
def test_any_header_is_read(header: str) -> None:
    assert Preference.of(header).asked.keys() <= {"code", "example"}


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ("code=403", "forbidden"),
        ("code=400", "unsupported-language"),
        ("code=400, example=out-of-credit", "out-of-credit"),
        ("example=unauthorized", "unauthorized"),
        ("code=503", "unavailable"),
    ],
)
def test_a_preference_is_for_an_answer_of_the_contract(
    contract: Contract, header: str, answer: str
) -> None:
    assert Preference.of(header).rule(contract) == {"fault": "answer", "answer": answer}


def test_no_preference_is_for_none(contract: Contract) -> None:
    assert Preference.of("wait=3").rule(contract) is None


@pytest.mark.parametrize("header", ["code=418", "code=403, example=accepted", "example=x", "code="])
def test_what_the_contract_does_not_have_cannot_be_preferred(
    contract: Contract, header: str
) -> None:
    with pytest.raises(LookupError, match="403 forbidden"):
        Preference.of(header).rule(contract)
