"""What became of the money, from whatever comes back."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import NOON
from doors import (
    ACCEPTED,
    ASYNC,
    DOORS,
    HERE,
    OUT_OF_CREDIT,
    REPEATED,
    SYNC,
    Closed,
    Door,
    Parts,
    Time,
    raising,
)
from voice_client import (
    AcceptedButUnreadable,
    AuthenticationError,
    CampaignAccepted,
    ForbiddenError,
    InsufficientCredit,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    Refused,
    RepeatedRequest,
    Retries,
    ServerError,
    Timeout,
    UnexpectedStatus,
    ValidationFailed,
    VoiceError,
)
from voice_client.answers import euros

ONCE = {"retries": Retries(attempts=1)}
FIELDS = {
    "code": 400,
    "message": "Payload validation error.",
    "errors": {"voice_language": {"code": 442, "message": "Voice language not supported."}},
}
FLAT = {"code": 7, "message": "No."}
LONG = 1 << 20

both = pytest.mark.parametrize("door", DOORS, ids=repr)


def answered(door: Door, status: int, **given: Any) -> Any:
    """What becomes of one try with this answer."""
    return door.told(lambda _: httpx.Response(status, **given), setup=ONCE)


# ── statuses and bodies ──────────────────────────────────────────────────

BODIES: dict[str, dict[str, Any]] = {
    "good": {"json": ACCEPTED},
    "none": {},
    "garbage": {"content": b"\xff\x00<html>"},
    "an empty object": {"json": {}},
    "a list": {"json": [ACCEPTED]},
    "a text": {"json": "voice_1"},
    "null": {"json": None},
    "half": {"content": json.dumps(ACCEPTED)[:-9]},
    "nulls": {"json": dict.fromkeys(ACCEPTED)},
    "texts": {"json": {name: str(value) for name, value in ACCEPTED.items()}},
    "a number as ticket": {"json": {**ACCEPTED, "ticket_number": 5}},
    "booleans": {"json": {**ACCEPTED, "number_of_contacts": True}},
    "no number": {"content": json.dumps({**ACCEPTED, "total_cost": float("nan")})},
    "an endless number": {"content": json.dumps(ACCEPTED).replace("149.95", "1e999")},
    "too many digits": {"content": b"1" * 5000},
    "too deep": {"content": b"[" * 100_000},
    "fields": {"json": FIELDS},
    "flat": {"json": FLAT},
    "a repeat": {"json": REPEATED},
    "a repeat, flat": {"json": {"code": 120, "message": "Request already sent."}},
    "no credit": {"json": OUT_OF_CREDIT},
    "no credit, by field": {
        "json": {**FIELDS, "errors": {"recipients": {"code": 104, "message": "No."}}}
    },
    "a code that is a list": {"json": {"code": [], "message": "No."}},
    "a message that is none": {"json": {"code": 5, "message": None}},
    "a field's code that is an object": {
        "json": {**FIELDS, "errors": {"text": {"code": {}, "message": []}}}
    },
    "errors that are a list": {"json": {**FLAT, "errors": []}},
}
# Whatever the body says, the status says more.
KINDS: dict[int, type[VoiceError]] = {
    301: OutcomeUnknown,
    302: OutcomeUnknown,
    304: OutcomeUnknown,
    307: OutcomeUnknown,
    308: OutcomeUnknown,
    400: ValidationFailed,
    401: AuthenticationError,
    403: ForbiddenError,
    404: UnexpectedStatus,
    405: UnexpectedStatus,
    408: UnexpectedStatus,
    413: UnexpectedStatus,
    422: UnexpectedStatus,
    429: RateLimited,
    500: ServerError,
    502: ServerError,
    503: ServerError,
    504: ServerError,
    520: ServerError,
    600: OutcomeUnknown,
    101: OutcomeUnknown,
}


def kind_of(status: int, body: str) -> type[VoiceError]:
    """But for what these bodies say by themselves."""
    refused = 400 <= status < 500 and status != 429
    if refused and body == "no credit":
        return InsufficientCredit
    if status == 400 and body == "no credit, by field":
        return InsufficientCredit
    if status == 400 and body.startswith("a repeat"):
        return RepeatedRequest
    return KINDS[status]


def kinds(status: int) -> dict[str, type]:
    """What becomes of this status with each of the bodies."""
    return {name: type(answered(SYNC, status, **body)) for name, body in BODIES.items()}


@pytest.mark.parametrize("status", KINDS)
def test_every_status_is_one_error_whatever_the_body(status: int) -> None:
    assert kinds(status) == {body: kind_of(status, body) for body in BODIES}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 206, 299])
def test_a_2xx_is_accepted_whether_it_can_be_read_or_not(status: int) -> None:
    unreadable = dict.fromkeys(BODIES, AcceptedButUnreadable)

    assert kinds(status) == {**unreadable, "good": CampaignAccepted}


@both
def test_the_result_is_the_answer(door: Door) -> None:
    assert answered(door, 201, json=ACCEPTED).to_dict() == ACCEPTED


@both
def test_a_member_that_nobody_knows_does_no_harm(door: Door) -> None:
    assert answered(door, 201, json={**ACCEPTED, "lucky": 7})["lucky"] == 7


def test_a_whole_number_of_many_digits_is_a_cost() -> None:
    assert answered(SYNC, 201, json={**ACCEPTED, "total_cost": 10**400}).total_cost == 10**400


def test_a_refusal_names_the_parameters_at_fault() -> None:
    refusal = answered(SYNC, 400, json=FIELDS)

    assert (refusal.status, refusal.code, refusal.message) == (400, 400, FIELDS["message"])
    assert refusal.errors["voice_language"].code == 442
    assert str(refusal) == (
        "400: Payload validation error. (voice_language: 442 Voice language not supported.)"
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413])
def test_a_flat_refusal_has_code_and_message(status: int) -> None:
    refusal = answered(SYNC, status, json=FLAT)

    assert (refusal.status, refusal.code, refusal.message) == (status, 7, "No.")
    assert (refusal.errors, str(refusal)) == ({}, f"{status}: No.")


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("garbage", 403, "Forbidden"),
        ("a code that is a list", 403, "No."),
        ("a message that is none", 5, "Forbidden"),
        ("booleans", 403, "Forbidden"),
    ],
)
def test_what_a_refusal_does_not_say_is_the_status(body: str, code: int, message: str) -> None:
    refusal = answered(SYNC, 403, **BODIES[body])

    assert (refusal.code, refusal.message) == (code, message)


def test_true_is_no_code() -> None:
    assert answered(SYNC, 404, json={"code": True, "message": "No."}).code == 404


def test_a_status_without_a_phrase_is_told_as_a_number() -> None:
    assert answered(SYNC, 499).message == "status 499"


def test_a_parameter_is_named_even_if_its_code_is_none() -> None:
    assert [*answered(SYNC, 400, **BODIES["a field's code that is an object"]).errors] == ["text"]


@pytest.mark.parametrize("status", [201, 400, 401, 404, 500])
def test_what_is_told_of_a_long_answer_is_short(status: int) -> None:
    long = "ä" * 10_000
    errors = {"text": {"code": 1, "message": long}}
    body = {**dict.fromkeys(ACCEPTED, long), "code": 1, "message": long, "errors": errors}

    assert len(str(answered(SYNC, status, json=body))) < 1100


def test_bytes_that_are_no_text_are_not_shown() -> None:
    error = answered(SYNC, 201, content=b"\xff" * 1000)

    assert str(error) == (
        "201, and no readable answer: UnicodeDecodeError: "
        "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
    )


# ── Retry-After ──────────────────────────────────────────────────────────

TOLD: dict[str, float | None] = {
    "0": 0,
    "7": 7,
    " 7 ": 7,
    "86400": 86_400,
    "Mon, 23 Nov 2026 12:01:30 GMT": 90,
    "Monday, 23-Nov-26 12:01:30 GMT": 90,
    "Mon Nov 23 12:01:30 2026": 90,
    "Mon, 23 Nov 2026 13:01:30 +0100": 90,
    "Mon, 23 Nov 2026 11:00:00 GMT": 0,
    "": None,
    "soon": None,
    "-1": None,
    "1.5": None,
    "1, 2": None,
    "٣": None,
    "Mon, 99 Nov 2026 12:01:30 GMT": None,
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT": None,
    "Mon, 01 Jan 2026 00:00:00 +99999999999999999999": None,
}


@pytest.mark.parametrize("status", [429, 503, 500])
@pytest.mark.parametrize(("told", "seconds"), TOLD.items(), ids=ascii)
@pytest.mark.unmeasured
def test_either_form_of_retry_after_is_read(status: int, told: str, seconds: float | None) -> None:
    headers = [(b"retry-after", told.encode())]

    assert answered(SYNC, status, headers=headers).retry_after == seconds


@both
@pytest.mark.parametrize("status", [429, 503])
def test_without_retry_after_nothing_is_told(door: Door, status: int) -> None:
    assert answered(door, status).retry_after is None


@both
@pytest.mark.parametrize("told", [b"\xe9", b"\xff\xfe", b"\x00"])
@pytest.mark.parametrize(("status", "kind"), [(201, CampaignAccepted), (503, ServerError)])
def test_bytes_in_retry_after_do_no_harm(door: Door, told: bytes, status: int, kind: type) -> None:
    headers = [(b"retry-after", told)]

    assert type(answered(door, status, headers=headers, json=ACCEPTED)) is kind


# ── answers that have no end, or a bad one ───────────────────────────────

WHOLE = json.dumps(ACCEPTED).encode()
GZIP = {"Content-Encoding": "gzip"}
# A name: the headers, the parts of the body, and whether it can be read.
STREAMS: dict[str, tuple[dict[str, str], tuple[Any, ...], bool]] = {
    "in parts": ({}, (WHOLE[:9], b"", WHOLE[9:]), True),
    "gzip": (GZIP, (gzip.compress(WHOLE),), True),
    "as long as is allowed": ({}, (WHOLE, b" " * (LONG - len(WHOLE))), True),
    "too long": ({}, (WHOLE, b" " * (LONG - len(WHOLE) + 1)), False),
    "too long once it is decoded": (GZIP, (gzip.compress(WHOLE + b" " * LONG),), False),
    "broken gzip": (GZIP, (b"no gzip",), False),
    "gzip of garbage": (GZIP, (gzip.compress(b"{"),), False),
    "reset": ({}, (WHOLE[:9], httpx.ReadError("reset")), False),
    "silent": ({}, (WHOLE[:9], httpx.ReadTimeout("")), False),
    "cut": ({}, (WHOLE[:9], httpx.RemoteProtocolError("incomplete")), False),
    "cut at the end": ({}, (WHOLE, httpx.RemoteProtocolError("incomplete")), False),
    # What else means that nothing was sent, when a status has come.
    "strangely": ({}, (WHOLE[:9], httpx.LocalProtocolError("h11")), False),
    "more strangely": ({}, (WHOLE[:9], httpx.ConnectError("h11")), False),
}
BROKEN = [name for name, (_, _, readable) in STREAMS.items() if not readable]


def streamed(door: Door, status: int, name: str) -> Any:
    headers, parts, _ = STREAMS[name]
    return answered(door, status, headers=headers, stream=Parts(*parts))


@pytest.mark.unmeasured
@both
@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("name", STREAMS)
def test_a_2xx_that_breaks_off_is_accepted(door: Door, status: int, name: str) -> None:
    kind = CampaignAccepted if STREAMS[name][2] else AcceptedButUnreadable

    assert type(streamed(door, status, name)) is kind


@pytest.mark.unmeasured
@both
@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
@pytest.mark.parametrize("name", sorted(set(BROKEN) - {"gzip of garbage"}))
def test_any_other_answer_that_breaks_off_leaves_it_open(
    door: Door, status: int, name: str
) -> None:
    assert type(streamed(door, status, name)) is OutcomeUnknown


class Watched(Closed, Parts):
    """A body that remembers whether its connection was let go of."""


@both
@pytest.mark.parametrize("name", STREAMS)
def test_however_an_answer_ends_its_connection_is_let_go_of(door: Door, name: str) -> None:
    headers, parts, _ = STREAMS[name]
    stream = Watched(*parts)

    answered(door, 201, headers=headers, stream=stream)

    assert stream.closed


@both
@pytest.mark.parametrize(("status", "kind"), [(201, AcceptedButUnreadable), (500, OutcomeUnknown)])
@pytest.mark.parametrize(("each", "ended"), [(9, 108), (10, 110)])
def test_an_answer_that_drips_ends_with_the_total_timeout(
    door: Door, status: int, kind: type, each: int, ended: int
) -> None:
    time = Time()
    drip = Parts(*[lambda: time.passes(each)] * 20)
    setup = {**ONCE, "timeout": Timeout(total=100)}

    error = door.told(lambda _: httpx.Response(status, stream=drip), setup=setup, time=time)

    assert (type(error), time.seconds) == (kind, ended)
    assert "ReadTimeout: no end after 100 seconds" in str(error)


# Real bytes through httpcore and h11.
WIRE: dict[str, tuple[bytes, type]] = {
    "whole": (b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(WHOLE), CampaignAccepted),
    "after a 100": (
        b"HTTP/1.1 100 Continue\r\n\r\n"
        b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(WHOLE),
        CampaignAccepted,
    ),
    "until it is closed": (b"HTTP/1.0 201 Created\r\n\r\n", CampaignAccepted),
    "a phrase that is no ASCII": (b"HTTP/1.1 400 Non valid\xe9\r\n\r\n", ValidationFailed),
    "a redirect to nowhere": (
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
        OutcomeUnknown,
    ),
    "truncated": (b"HTTP/1.1 201 Created\r\nContent-Length: 999\r\n\r\n", AcceptedButUnreadable),
    "a bad chunk": (
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        AcceptedButUnreadable,
    ),
    "no HTTP": (b"hello\r\n\r\n", OutcomeUnknown),
    "only a 100": (b"HTTP/1.1 100 Continue\r\n\r\n", OutcomeUnknown),
    "a header that is none": (b"HTTP/1.1 201 Created\r\n\x00: 1\r\n\r\n", OutcomeUnknown),
    "a status of two digits": (b"HTTP/1.1 20 OK\r\n\r\n", OutcomeUnknown),
}


def wired(door: Door, before: bytes) -> Any:
    """What becomes of one try over a connection on which these bytes come, and then the end."""
    content = before + (b"" if b"chunked" in before else WHOLE)
    if door is ASYNC:
        carrier: Any = httpx.AsyncHTTPTransport()
        carrier._pool = httpcore.AsyncConnectionPool(  # noqa: SLF001  (it has no other way in)
            network_backend=httpcore.AsyncMockBackend([content])
        )
    else:
        carrier = httpx.HTTPTransport()
        carrier._pool = httpcore.ConnectionPool(  # noqa: SLF001
            network_backend=httpcore.MockBackend([content])
        )
    return door.told(raising(AssertionError()), setup={**ONCE, "transport": carrier})


@pytest.mark.unmeasured
@both
@pytest.mark.parametrize(("before", "kind"), WIRE.values(), ids=WIRE)
def test_bytes_on_the_wire_are_one_error(door: Door, before: bytes, kind: type) -> None:
    assert type(wired(door, before)) is kind


# ── no answer at all ─────────────────────────────────────────────────────


def family(kind: type[httpx.HTTPError]) -> list[type[httpx.HTTPError]]:
    return [kind, *(one for child in kind.__subclasses__() for one in family(child))]


NEVER_LEFT = {
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.LocalProtocolError,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
}


def raised(kind: type[httpx.HTTPError]) -> httpx.HTTPError:
    if kind is httpx.HTTPStatusError:
        request = httpx.Request("POST", HERE)
        return httpx.HTTPStatusError("no", request=request, response=httpx.Response(400))
    return kind("no")


@pytest.mark.unmeasured
@both
@pytest.mark.parametrize("kind", family(httpx.HTTPError))
def test_every_error_of_httpx_is_one_of_ours(door: Door, kind: type[httpx.HTTPError]) -> None:
    error = door.told(raising(raised(kind)), setup=ONCE)

    assert type(error) is (NotSent if kind in NEVER_LEFT else OutcomeUnknown)


@pytest.mark.unmeasured
@both
@pytest.mark.parametrize("kind", family(httpx.HTTPError))
def test_every_error_of_httpx_after_a_2xx_is_one_of_ours(
    door: Door, kind: type[httpx.HTTPError]
) -> None:
    error = answered(door, 201, stream=Parts(b"{", raised(kind)))

    assert type(error) is AcceptedButUnreadable


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (httpx.ReadTimeout(""), f"sent to {HERE}, no answer: ReadTimeout"),
        (httpx.ReadError("reset"), f"sent to {HERE}, no answer: ReadError: reset"),
        (httpx.ConnectError("refused"), f"nothing was sent to {HERE}: ConnectError: refused"),
        (httpx.LocalProtocolError("k3y"), f"nothing was sent to {HERE}: LocalProtocolError"),
    ],
)
def test_what_httpx_says_is_told_but_for_what_may_show_a_header(
    error: httpx.HTTPError, told: str
) -> None:
    assert str(SYNC.told(raising(error), setup=ONCE)) == told


# ── laws ─────────────────────────────────────────────────────────────────

values = st.recursive(
    st.sampled_from([None, False, True, 104, 120]) | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "message", "errors", "text"]), inner)
    ),
    max_leaves=8,
)
names = st.sampled_from(["code", "message", "errors", *ACCEPTED])
objects = st.dictionaries(names, values).map(json.dumps).map(str.encode)
half_good = st.tuples(st.sampled_from([*ACCEPTED]), values).map(
    lambda pair: json.dumps({**ACCEPTED, pair[0]: pair[1]}).encode()
)
bodies = st.binary() | objects | half_good | st.just(WHOLE)
headers = st.dictionaries(
    st.sampled_from([b"retry-after", b"location", b"content-type", b"content-encoding"]),
    st.binary() | st.sampled_from([b"gzip", b"deflate", b"identity", b"5", b"/", b"http://x"]),
)


@given(st.integers(200, 599), bodies, headers)
def test_any_answer_is_a_campaign_or_an_error_of_the_family(
    status: int, body: bytes, given_headers: dict[bytes, bytes]
) -> None:
    outcome = answered(SYNC, status, stream=Parts(body), headers=[*given_headers.items()])

    if status < 300:
        assert type(outcome) in {CampaignAccepted, AcceptedButUnreadable}
    elif 400 <= status < 500:
        assert isinstance(outcome, Refused | OutcomeUnknown)
    else:
        assert isinstance(outcome, OutcomeUnknown)


@given(st.integers(400, 499), bodies)
def test_a_refusal_has_the_types_that_it_promises(status: int, body: bytes) -> None:
    refusal = answered(SYNC, status, content=body)

    assert isinstance(refusal, Refused)
    assert (type(refusal.code), type(refusal.message)) == (int, str)
    assert refusal.status == status


@given(bodies)
def test_what_is_accepted_can_be_counted_with(body: bytes) -> None:
    outcome = answered(SYNC, 201, content=body)

    if isinstance(outcome, CampaignAccepted):
        assert euros(outcome.total_cost).is_finite()
        assert euros(outcome.residual_credit).is_finite()
        assert isinstance(int(outcome.number_of_contacts), int)


@given(st.sampled_from(["", "Mon, 01 Jan 2026 00:00:00 ", "9" * 400]), st.text())
def test_any_retry_after_is_seconds_or_nothing(before: str, told: str) -> None:
    header = [(b"retry-after", (before + told).encode(errors="replace"))]

    seconds = answered(SYNC, 503, headers=header).retry_after

    assert seconds is None or seconds >= 0


# Years of fewer digits are read as ones of our time (RFC 5322, 4.3).
@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
def test_a_date_is_the_time_from_now(moment: datetime) -> None:
    told = moment.replace(microsecond=0)
    header = format_datetime(told, usegmt=True)

    seconds = answered(SYNC, 503, headers={"Retry-After": header}).retry_after

    assert seconds == max(0.0, (told - NOON).total_seconds())


@given(st.decimals(0, 10**6, places=4))
def test_euros_are_what_the_answer_wrote(amount: Any) -> None:
    assert euros(json.loads(str(amount))) == amount
