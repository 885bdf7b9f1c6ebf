"""Another server against the twin: what may be asked, what leaves, and what is kept."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from common import ROOT, Clock
from mock_server.contract.loader import Contract
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.testing.transport import InProcess
from vms import check
from vms.cli import vms
from vms.parity import asking, cases, snapshots
from vms.parity.asking import Access, Parity, ParityError
from vms.parity.guard import Guard, HeldBackError

pytestmark = pytest.mark.long

FOREIGN = "https://api.example.test"
URL = f"{FOREIGN}/v1/public/voice-campaign/send"
NUMBERS = ("+33700000001", "+33700000002")
ACCESS = Access(True, "me@example.com", "my-secret", NUMBERS, 600, 0)  # noqa: FBT003
HERE = "http://127.0.0.1:8010"
Answer = Callable[[httpx.Request, httpx.Response], httpx.Response]


class Server(httpx.BaseTransport):
    """The twin behind a foreign name; ``change`` plants a difference."""

    def __init__(self, contract: Contract, clock: Clock, change: Answer | None = None) -> None:
        self.inner = InProcess(create_app(Twin(contract, clock=clock)))
        self.change = change
        self.bodies: list[bytes] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.read())
        answer = self.inner.handle_request(request)
        return self.change(request, answer) if self.change else answer


def parity(
    contract: Contract, clock: Clock, change: Answer | None = None, path: Path | None = None
) -> tuple[Parity, Server]:
    server = Server(contract, clock, change)
    return Parity(contract, path, server, clock, lambda _: None), server


def test_a_twin_behind_a_foreign_name_answers_the_same(contract: Contract, clock: Clock) -> None:
    one, server = parity(contract, clock)

    result = one.asked(FOREIGN, ACCESS)

    assert (result.different, result.trouble) == ({}, "")
    assert len(result.same) > 300
    assert all(json.loads(body)["simulation_mode"] is True for body in server.bodies)
    assert not any(b"+336" in body for body in server.bodies)


@pytest.mark.unmeasured
def test_a_server_on_this_machine_is_asked_every_case_as_it_is_written(
    contract: Contract, clock: Clock, tmp_path: Path
) -> None:
    one, server = parity(contract, clock, path=tmp_path / "kept.json")

    result = one.asked(HERE, Access())

    assert result.trouble == ""
    assert len(server.bodies) > 400
    assert not (tmp_path / "kept.json").exists()


def refuses_french(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
    refused = json.loads(request.read()).get("voice_language") == "fr"
    return httpx.Response(400, json={"code": 400, "message": "No."}) if refused else answer


@pytest.mark.unmeasured
def test_a_planted_difference_is_named_with_both_verdicts_and_is_kept(
    contract: Contract, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "kept.json"
    one, _ = parity(contract, clock, refuses_french, path)
    seen = [one.asked(FOREIGN, ACCESS), one.asked(FOREIGN, ACCESS)][-1]

    assert seen.different
    assert all("status: 400, the twin has 201" in how for how in seen.different.values())
    assert one.recorded().different.keys() == seen.different.keys()
    text = path.read_text("utf-8")
    assert not any(secret in text for secret in (*NUMBERS, "my-secret", "me@example.com"))


@pytest.fixture(scope="module")
def french_refused(
    contract: Contract, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[str], str]:
    """The cases that differ, and the file, after a server that refuses French has answered."""
    path = tmp_path_factory.mktemp("kept") / "kept.json"
    one, _ = parity(contract, Clock(), refuses_french, path)
    return list(one.asked(FOREIGN, ACCESS).different), path.read_text("utf-8")


@pytest.fixture
def kept(french_refused: tuple[list[str], str], tmp_path: Path) -> Path:
    """That file, for one test alone."""
    path = tmp_path / "kept.json"
    path.write_text(french_refused[1], "utf-8")
    return path


@pytest.fixture
def different(french_refused: tuple[list[str], str]) -> list[str]:
    return french_refused[0]


def test_a_known_difference_is_told_with_its_reason(
    contract: Contract, clock: Clock, kept: Path, different: list[str]
) -> None:
    reasons = dict.fromkeys(different, "No French there.")

    result = Parity(contract, kept, clock=clock, acknowledged=reasons).recorded()

    assert (result.different, result.outdated) == ({}, {})
    assert all(
        how.startswith("No French there. (status: 400") for how in result.acknowledged.values()
    )
    assert result.acknowledged.keys() == reasons.keys()


def test_a_reason_that_nothing_needs_is_told(contract: Contract, clock: Clock, kept: Path) -> None:
    label = next(iter(Parity(contract, kept, clock=clock).recorded().same))

    one = Parity(contract, kept, clock=clock, acknowledged={label: "Once."})

    assert one.recorded().outdated == {label: "Once."}
    assert check.run(one, None, Access(), as_json=False) == 1


def test_a_case_that_has_changed_is_not_held_against_its_old_answer(
    contract: Contract, clock: Clock, kept: Path, different: list[str]
) -> None:
    label, *_ = different
    answers = snapshots.load(kept)
    snapshots.save(kept, answers | {label: replace(answers[label], request="{}")})

    result = Parity(contract, kept, clock=clock).recorded()

    assert result.unobserved[label] == "the case has changed since it was answered"


@pytest.mark.unmeasured
def test_what_another_machine_answered_is_not_held_against_this_one(
    contract: Contract, clock: Clock, kept: Path
) -> None:
    one, _ = parity(contract, clock, lambda *_: httpx.Response(503), kept)

    result = one.asked(HERE, Access())

    assert (result.same, result.different) == ({}, {})


def test_the_command_takes_reasons(tmp_path: Path) -> None:
    path = tmp_path / "acknowledged.toml"
    path.write_text('"a case" = "a reason"', "utf-8")

    assert CliRunner().invoke(vms, ["check", "--acknowledged", str(path)]).exit_code == 0


@pytest.mark.parametrize("text", ["a", "a = 1", 'a = ""'])
def test_a_file_of_reasons_wants_reasons(tmp_path: Path, text: str) -> None:
    path = tmp_path / "acknowledged.toml"
    path.write_text(text, "utf-8")

    done = CliRunner().invoke(vms, ["check", "--acknowledged", str(path)])

    assert done.exit_code == 2
    assert "acknowledged.toml" in done.output


def credit_moves() -> Answer:
    left = iter(range(999, 0, -1))

    def change(_: httpx.Request, answer: httpx.Response) -> httpx.Response:
        value = json.loads(answer.read())
        return httpx.Response(answer.status_code, json=value | {"residual_credit": next(left)})

    return change


def stops(*_: object) -> httpx.Response:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        (credit_moves(), "credit moved"),
        (lambda *_: httpx.Response(401, json={"code": 401}), "are login and key right?"),
        (lambda *_: httpx.Response(200, text="<html>"), "are login and key right?"),
        (stops, "stopped by hand"),
    ],
)
def test_trouble_is_told(contract: Contract, clock: Clock, change: Answer, trouble: str) -> None:
    one, _ = parity(contract, clock, change)

    assert trouble in one.asked(FOREIGN, ACCESS).trouble


def test_credit_that_moves_is_reported_though_no_case_was_answered(
    contract: Contract, clock: Clock
) -> None:
    moves = credit_moves()
    plain = {
        **cases.laid("simulation_mode", value=True),
        "recipients": [{"phone_number": NUMBERS[0]}],
    }

    def change(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        is_plain = json.loads(request.read()) == plain
        return moves(request, answer) if is_plain else httpx.Response(503)

    one, _ = parity(contract, clock, change)

    assert "credit moved" in one.asked(FOREIGN, replace(ACCESS, calls=4)).trouble


def test_what_was_learnt_before_the_trouble_is_kept(
    contract: Contract, clock: Clock, tmp_path: Path
) -> None:
    one, _ = parity(contract, clock, credit_moves(), tmp_path / "kept.json")

    result = one.asked(FOREIGN, replace(ACCESS, calls=5))

    assert "credit moved" in result.trouble
    assert len(snapshots.load(tmp_path / "kept.json")) == 3


@pytest.mark.parametrize(
    ("status", "trouble"),
    [(429, "429, too many requests"), (500, "no case was answered"), (503, "no case was answered")],
)
def test_a_server_that_has_enough_leaves_cases_unobserved(
    contract: Contract, clock: Clock, status: int, trouble: str
) -> None:
    one, _ = parity(contract, clock, lambda *_: httpx.Response(status))
    result = one.asked(HERE, Access())

    assert trouble in result.trouble
    assert result.unobserved
    assert not result.same


@pytest.mark.parametrize(
    "access",
    [
        Access(),
        Access(permission=True),
        Access(permission=True, login="me", key="key"),
        Access(permission=False, login="me", key="key", numbers=NUMBERS),
        Access(permission=True, login="me", key="", numbers=NUMBERS),
        Access(permission=True, login="", key="key", numbers=NUMBERS),
    ],
)
def test_a_foreign_host_is_not_asked_without_all_that_it_needs(
    contract: Contract, clock: Clock, access: Access
) -> None:
    one, server = parity(contract, clock)

    with pytest.raises(ParityError, match="was not asked; wanted"):
        one.asked(FOREIGN, access)
    assert server.bodies == []


@pytest.mark.parametrize(
    "host",
    [
        *("a.localhost", "evillocalhost", "api.evillocalhost", "localhost.example.com"),
        *("example.com", "127.0.0.1.example.com", "128.0.0.1", "[::2]", "0.0.0.0"),  # noqa: S104  (a name in a test)
    ],
)
def test_what_may_be_elsewhere_is_not_this_machine(host: str) -> None:
    assert not asking.is_this_machine(f"http://{host}/")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_what_can_only_be_here_is_this_machine(host: str) -> None:
    assert asking.is_this_machine(f"http://{host}:8010/")


SIMULATED_PLAINLY = {
    **cases.laid("simulation_mode", value=True),
    "recipients": [{"phone_number": NUMBERS[0]}],
}
SIMULATION = {"simulation_mode": True, "recipients": [{"phone_number": NUMBERS[0], "param1": "x"}]}


def guarded() -> Guard:
    inner = httpx.MockTransport(lambda _: httpx.Response(200))
    return Guard(inner, url=URL, numbers=NUMBERS, calls=1)


def held(content: bytes, **given: object) -> str:
    """Why it is held back, or an empty text if it leaves."""
    options = {"method": "POST", "url": URL, "headers": JSON, "content": content} | given
    if headers := options.pop("stream", None):
        options |= {"content": iter([content]), "headers": headers}
    with httpx.Client(transport=guarded()) as client:
        try:
            client.request(**options)
        except HeldBackError as error:
            return str(error)
    return ""


def body(**members: object) -> bytes:
    return json.dumps(SIMULATION | members).encode()


def test_a_simulation_to_an_allowed_number_leaves() -> None:
    assert held(body(send_at="2018-10-03T07:42:39-07:00", extra={"a": [1]})) == ""


@pytest.mark.parametrize("text", ["Call 12 34 56.", "At 18:30."])
def test_fewer_digits_than_a_number_has_may_stand_in_a_text(text: str) -> None:
    assert held(body(text=text)) == ""


def test_what_is_read_aloud_of_a_contact_may_have_a_few_digits() -> None:
    contact = {"phone_number": NUMBERS[0], "first_name": "112", "param5": "112"}

    assert held(body(recipients=[contact])) == ""


JSON = {"content-type": "application/json"}
STREAMED = JSON | {"content-length": "9"}
CALLS = {
    "not true": (body(simulation_mode="true"), {}, "no simulation_mode"),
    "a list": (b"[]", {}, "no simulation_mode"),
    "not true but 1": (body(simulation_mode=1), {}, "no simulation_mode"),
    "twice": (b'{"simulation_mode": true, "simulation_mode": true}', {}, "stands there twice"),
    "NaN": (b'{"simulation_mode": true, "a": NaN}', {}, "NaN is not valid JSON"),
    "a BOM": (b"\xef\xbb\xbf" + body(), {}, "not JSON"),
    "trailing": (body() + b"{}", {}, "not JSON"),
    "another number": (body(recipients=[{"phone_number": "+33612345678"}]), {}, "+33612345678"),
    "a short number": (body(recipients=[{"phone_number": "112"}]), {}, "112"),
    "seven digits": (body(text="Call 123 45 67."), {}, "123 45 67"),
    "a short number as a name": (
        body(recipients=[{"phone_number": NUMBERS[0], "112": ""}]),
        {},
        "112",
    ),
    "a short number in what is no name": (
        body(recipients=[{"phone_number": NUMBERS[0], "param6": "112"}]),
        {},
        "'param6' could be",
    ),
    "a number alone": (body(recipients="112"), {}, "112"),
    "a number as a name": (body(**{"33612345678": 1}), {}, "33612345678"),
    "a number elsewhere": (body(text="06 12 34 56 78"), {}, "06 12"),
    "another method": (body(), {"method": "PUT"}, "is not POST"),
    "another path": (body(), {"url": FOREIGN}, "is not POST"),
    "a number as a mark": (body(request_id="33612345678"), {}, "33612345678"),
    "a form": (body(), {"headers": {"content-type": "text/plain"}}, "content type"),
    "a form and JSON": (
        body(),
        {"headers": [("content-type", "text/plain"), *JSON.items()]},
        "content type",
    ),
    "gzip": (body(), {"headers": JSON | {"content-encoding": "gzip"}}, "is encoded"),
    "a length": (body(), {"headers": JSON | {"content-length": "3"}}, "as long as"),
    "a stream": (b"", {"stream": STREAMED}, "stream"),
    "chunks": (b"", {"stream": JSON}, "is encoded"),
}


@pytest.mark.parametrize(("content", "given", "why"), CALLS.values(), ids=CALLS)
def test_what_could_call_somebody_is_held_back(
    content: bytes, given: dict[str, object], why: str
) -> None:
    assert why in held(content, **given)


def test_no_more_calls_leave_than_allowed() -> None:
    with httpx.Client(transport=guarded()) as client:
        client.post(URL, content=body(), headers=JSON)

        with pytest.raises(HeldBackError, match="--calls are used up"):
            client.post(URL, content=body(), headers=JSON)


def never_answers(*_: object) -> httpx.Response:
    raise httpx.ReadTimeout("timed out")


def test_a_call_that_is_never_answered_has_left() -> None:
    left = list[httpx.Request]()

    def leaves(request: httpx.Request) -> httpx.Response:
        left.append(request)
        return never_answers()

    guard = Guard(httpx.MockTransport(leaves), url=URL, numbers=NUMBERS, calls=3)
    with httpx.Client(transport=guard) as client:
        for _ in range(10):
            with suppress(httpx.ReadTimeout, HeldBackError):
                client.post(URL, content=body(), headers=JSON)

    assert len(left) == 3


@pytest.mark.parametrize("calls", [3, 4])
def test_of_a_server_that_has_only_troubles_no_more_is_asked_than_allowed(
    contract: Contract, clock: Clock, calls: int
) -> None:
    def no_case(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        plain = request.read() == json.dumps(SIMULATED_PLAINLY).encode()
        return answer if plain else httpx.Response(503)

    one, server = parity(contract, clock, no_case)

    result = one.asked(FOREIGN, replace(ACCESS, calls=calls))

    assert len(server.bodies) == calls
    assert "no case was answered" in result.trouble


def test_a_server_that_never_answers_is_asked_no_more(contract: Contract, clock: Clock) -> None:
    one, server = parity(contract, clock, never_answers)

    result = one.asked(FOREIGN, replace(ACCESS, calls=3))

    assert len(server.bodies) <= 3
    assert "timed out" in result.trouble


def test_between_two_requests_there_is_always_a_pause(contract: Contract, clock: Clock) -> None:
    pauses = list[float]()
    one, server = parity(contract, clock)
    one.sleep = pauses.append

    one.asked(FOREIGN, replace(ACCESS, calls=4, pause=2))

    assert (len(server.bodies), pauses) == (4, [2, 2, 2])


@pytest.mark.unmeasured
def test_what_was_never_asked_is_asked_first(
    contract: Contract, clock: Clock, tmp_path: Path
) -> None:
    one, _ = parity(contract, clock, path=tmp_path / "kept.json")

    for asked in (1, 2, 3):
        one.asked(FOREIGN, replace(ACCESS, calls=3))
        assert len(snapshots.load(tmp_path / "kept.json")) == asked


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--number", "+" + "1" * 6], 2),
        (["--number", "+" + "1" * 7], 0),
        (["--number", "+" + "1" * 16], 0),
        (["--number", "+" + "1" * 17], 2),
        (["--calls", "2"], 2),
        (["--calls", "3"], 0),
        (["--calls", "200"], 0),
        (["--calls", "201"], 2),
        (["--pause", "0"], 0),
        (["--pause", "-1"], 2),
    ],
)
@pytest.mark.unmeasured
def test_the_command_takes_options_within_their_bounds(options: list[str], code: int) -> None:
    assert CliRunner().invoke(vms, ["check", *options]).exit_code == code


def test_calls_are_counted_and_the_last_asks_for_the_credit(
    contract: Contract, clock: Clock
) -> None:
    one, server = parity(contract, clock)

    result = one.asked(FOREIGN, Access(True, "me", "my-key", NUMBERS, 5, 1))  # noqa: FBT003

    assert len(server.bodies) == 5
    assert len(result.same) == 3


def test_a_contact_that_is_left_out_is_not_in_the_body() -> None:
    body = cases.laid("recipients[].param1", cases.UNSAID, dropped=True)

    assert len(body["recipients"]) == 1
    assert "text" not in cases.laid("text", cases.UNSAID)


def test_its_clock_has_a_zone(contract: Contract) -> None:
    assert Parity(contract).clock().tzinfo is not None


CALLED = st.sampled_from([*NUMBERS * 6, "+33612345678", "112", 33700000001, ["112"]])
CONTACTS = st.lists(st.fixed_dictionaries({"phone_number": CALLED}), max_size=2)
SIMULATED = st.fixed_dictionaries(
    {
        "simulation_mode": st.sampled_from([*[True] * 9, False, 1, "true", [True]]),
        "recipients": CONTACTS,
    },
    optional={
        "text": st.sampled_from([*["Hello."] * 4, "Call 0612345678.", "06 12 34 56 78"]),
        "extra": st.just({"simulation_mode": False}),
    },
)
BYTES = SIMULATED.map(lambda members: json.dumps(members).encode())


def test_no_bytes_leave_that_could_call_somebody() -> None:
    mix = Counter[bool]()

    @given(st.one_of(BYTES, st.binary()))
    def law(content: bytes) -> None:
        left = not held(content)
        mix[left] += 1
        if left:
            body = json.loads(content)
            assert body["simulation_mode"] is True
            assert {item["phone_number"] for item in body["recipients"]} <= set(NUMBERS)
            long = re.findall(r"\+?\d{7,}", content.decode())
            assert set(long) <= set(NUMBERS)

    law()

    # It is worth nothing if hardly any left.
    assert min(mix[True], mix[False]) > 0.1 * mix.total()


@pytest.mark.parametrize(
    ("content", "members"), [(b"<html>", "not JSON"), (b"[]", "no object"), (b"{}", {})]
)
def test_a_verdict_says_what_came(content: bytes, members: object) -> None:
    assert snapshots.verdict(200, content) == {"status": 200, "members": members}


def test_a_verdict_has_the_codes_of_errors_of_any_shape() -> None:
    value = snapshots.verdict(400, b'{"errors": {"a": {"code": 1}, "b": "x"}}')

    assert value["errors"] == {"a": "1", "b": "x"}


@pytest.mark.parametrize("plus", ["", "+"])
def test_a_number_of_seven_digits_is_redacted_and_one_of_six_is_a_code(plus: str) -> None:
    answer = json.dumps({"message": f"{plus}1234567", "code": f"{plus}123456"}).encode()

    assert json.loads(snapshots.redacted(answer, {})) == {
        "message": "<digits>",
        "code": f"{plus}123456",
    }
    assert snapshots.redacted(b"<p>%s1234567</p>" % plus.encode(), {}) == "<p><digits></p>"


@pytest.mark.parametrize(
    "number",
    [
        "+33 6 39 98 12 34",
        "06.39.98.12.34",
        "(06)12-34-56-78",
        "+33\u00a06\u00a039\u00a098\u00a012\u00a034",
    ],
)
def test_a_number_with_separators_is_redacted(number: str) -> None:
    answer = json.dumps({"message": f"Call {number}."}).encode()

    assert snapshots.redacted(answer, {}) == '{"message": "Call <digits>."}'


@pytest.mark.parametrize(
    "written",
    [
        "ada@example.com",
        "Ada@Example.COM",
        "ada%40example.com",
        "ADA%40example.com",
    ],
)
def test_a_login_is_redacted_however_it_is_written(written: str) -> None:
    text = f"<a href='/u?login={written}'>".encode()

    assert snapshots.redacted(text, {"ada@example.com": "<login>"}) == "<a href='/u?login=<login>'>"


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ('{"m": "key ada-secret of ada"}', '{"m": "key <key> of <login>"}'),
        ("a" * 496 + "ada-secret", "a" * 496 + "<key"),
    ],
)
def test_of_a_key_that_begins_as_the_login_does_nothing_is_kept(answer: str, kept: str) -> None:
    secrets = {"ada": "<login>", "ada-secret": "<key>"}

    assert snapshots.redacted(answer.encode(), secrets) == kept


def test_a_key_that_json_escapes_is_redacted() -> None:
    answer = json.dumps({"m": 'key a"b'}).encode()

    assert snapshots.redacted(answer, {'a"b': "<key>"}) == '{"m": "key <key>"}'


def test_a_number_that_is_no_text_is_redacted_too() -> None:
    assert snapshots.redacted(b'{"a": 1234567, "b": [33612345678]}', {}) == (
        '{"a": <digits>, "b": [<digits>]}'
    )


def test_what_is_no_json_is_cut_and_without_digits() -> None:
    assert snapshots.redacted(b"call 33612345678" + b"x" * 999, {})[:13] == "call <digits>"
    assert snapshots.redacted(b"[1]", {}) == "[1]"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"format": "other"}'])
def test_a_file_of_another_kind_is_refused_and_left_alone(
    tmp_path: Path, contract: Contract, text: str
) -> None:
    path = tmp_path / "kept.json"
    path.write_text(text, "utf-8")

    with pytest.raises(snapshots.SnapshotError):
        Parity(contract, path).recorded()
    assert path.read_text("utf-8") == text


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(snapshots.SnapshotError, match="a folder that is there"):
        snapshots.save(tmp_path / "no" / "kept.json", {})


def test_the_command_compares_what_is_kept() -> None:
    done = CliRunner().invoke(vms, ["check"])

    assert done.exit_code == 0
    assert "not yet observed" in done.output


@pytest.mark.parametrize(
    "options", [["--number", "112"], ["--base-url", FOREIGN], ["--base-url", "http://[", "--json"]]
)
def test_the_command_says_what_it_wants(options: list[str]) -> None:
    done = CliRunner().invoke(vms, ["check", *options])

    assert done.exit_code == 2
    assert "Error" in done.output


@pytest.mark.parametrize(
    ("change", "code"),
    [(refuses_french, 1), (credit_moves(), 2), (stops, 130)],
    ids=["different", "trouble", "stopped"],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_ends_with_a_code_that_tells(
    contract: Contract, clock: Clock, change: Answer, code: int, *, as_json: bool
) -> None:
    one, _ = parity(contract, clock, change)

    assert check.run(one, FOREIGN, ACCESS, as_json=as_json) == code


@pytest.mark.unmeasured
def test_the_page_says_how_many_cases_can_be_asked(contract: Contract, clock: Clock) -> None:
    page = (ROOT / "docs/how-to/check-parity.md").read_text("utf-8")
    one, _ = parity(contract, clock)

    result = one.asked(FOREIGN, ACCESS)

    asked, rows = len(result.same), len(list(cases.rows()))
    assert f"{asked} of the {rows} can" in page
    assert f"{rows} of them" in page
