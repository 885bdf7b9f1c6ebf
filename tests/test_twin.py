"""The twin under several threads, and with another clock, tariff or region."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from common import BODY, ROOT, Clock
from mock_server.contract.loader import Contract, load
from mock_server.contract.model import Tariff
from mock_server.core import handler
from mock_server.core.campaign_policy import CampaignPolicy
from mock_server.core.handler import Handled, Twin, wall_clock
from mock_server.store.entries import Accepted, Request
from mock_server.store.memory import MemoryStore
from mock_server.store.protocol import Account, digest


def request(contract: Contract, login: str = "ada", **body: object) -> Request:
    headers = {"api-login": login, "api-key": "k", "content-type": "application/json"}
    return Request("POST", contract.url_path, headers, json.dumps(BODY | body).encode())


def account(credit: str, **given: object) -> Account:
    return Account("ada", digest("ada", "k"), Decimal(credit), **given)


@pytest.mark.unmeasured
def test_of_two_threads_that_spend_the_last_credit_one_is_refused(contract: Contract) -> None:
    for _ in range(50):
        twin = Twin(contract, MemoryStore([account("0.05")]))
        start = threading.Barrier(2)

        def spend(_: int, twin: Twin = twin, start: threading.Barrier = start) -> Handled:
            start.wait()
            return twin.handle(request(contract))

        with ThreadPoolExecutor(2) as pool:
            statuses = [entry.answer.status for entry in pool.map(spend, range(2))]

        assert sorted(statuses) == [201, 400]


def test_many_threads_spend_exactly_what_they_are_charged(contract: Contract) -> None:
    twin = Twin(contract, MemoryStore([account("10.00")]))

    with ThreadPoolExecutor(16) as pool:
        entries = list(pool.map(lambda _: twin.handle(request(contract)).entry, range(300)))

    sent = [one.outcome.document() for one in entries if one.verdict == "accepted"]
    assert len(sent) == 200
    assert len({campaign["ticket_number"] for campaign in sent}) == 200
    assert {Decimal(campaign["residual_credit"]) for campaign in sent} == {
        Decimal("10.00") - Decimal("0.05") * n for n in range(1, 201)
    }


def test_a_reset_while_others_send_breaks_nothing(contract: Contract) -> None:
    twin = Twin(contract)

    def send_or_reset(n: int) -> int:
        if n % 10 == 0:
            twin.store.reset()
        return twin.handle(request(contract, f"login {n % 7}")).answer.status

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(send_or_reset, range(400))) == {201}


def test_the_same_requests_get_the_same_answers_to_the_byte(contract: Contract) -> None:
    def run() -> list[bytes]:
        twin = Twin(contract, clock=Clock())
        return [twin.handle(request(contract, text="a" * n)).answer.body for n in (1, 500, 2000)]

    assert run() == run()


def test_another_tariff_can_be_handed_in(contract: Contract) -> None:
    policy = CampaignPolicy(contract, tariff=Tariff(Decimal("0.10"), 60, 10))

    entry = Twin(contract, policy=policy, clock=Clock()).handle(request(contract))

    assert (entry.answer.value["total_cost"], entry.answer.value["estimated_duration"]) == (0.1, 60)


def test_national_numbers_belong_to_the_accounts_region(contract: Contract) -> None:
    twin = Twin(contract, MemoryStore([account("1.00", region="US")]))

    entry = twin.handle(request(contract, recipients="(201) 555-0123"))

    assert entry.reading is not None
    assert entry.reading.value["recipients"] == [{"phone_number": "+12015550123"}]


def test_an_account_can_be_strict_alone(contract: Contract) -> None:
    twin = Twin(contract, MemoryStore([account("1.00", strict=True)]))

    statuses = [
        twin.handle(request(contract, login, text=1)).answer.status for login in ("ada", "grace")
    ]

    assert statuses == [400, 201]


def test_another_key_is_refused_after_the_right_one(contract: Contract) -> None:
    twin = Twin(contract, MemoryStore([account("10.00")]))
    right = request(contract)
    wrong = replace(right, headers={**right.headers, "api-key": "K"})

    answers = [twin.handle(one).answer for one in (right, wrong, right, wrong)]

    assert [answer.status for answer in answers if answer] == [201, 401, 201, 401]


def test_the_right_key_is_so_after_many_others(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "_MOST_KEYS", 2)
    twin = Twin(contract)

    found = [twin.handle(request(contract, login)) for login in ("ada", "grace", "alan", "ada")]

    assert [one.answer.status for one in found if one.answer] == [201] * 4


def test_the_wall_clock_is_aware() -> None:
    assert wall_clock().utcoffset() is not None


def test_a_contract_that_simulates_unless_told_otherwise_is_simulated(tmp_path: Path) -> None:
    text = (ROOT / "openapi/voice-campaign.yaml").read_text("utf-8")
    field = "        simulation_mode:\n          type: boolean\n          default: "
    assert f"{field}false" in text
    path = tmp_path / "contract.yaml"
    path.write_text(text.replace(f"{field}false", f"{field}true"), "utf-8")
    by_default = load(path)

    entry = Twin(by_default, clock=Clock()).handle(request(by_default)).entry

    assert isinstance(entry.outcome, Accepted)
    assert entry.outcome.simulated
