"""From arguments to bytes: what leaves, and what does not."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from common import NOON, ROOT, SEND
from doors import AWAY, DOORS, HERE, NUMBERS, SYNC, Door, Script, Time, body_of, good, numbers
from voice_client import (
    AsyncVoiceClient,
    ConfigurationError,
    Contact,
    InvalidRequest,
    Recipient,
    VoiceCampaignOptions,
    VoiceClient,
)
from voice_client import requests as made

both = pytest.mark.parametrize("door", DOORS, ids=repr)
CONTRACT = yaml.safe_load((ROOT / "openapi" / "voice-campaign.yaml").read_text("utf-8"))
SCHEMAS = CONTRACT["components"]["schemas"]
PROPERTIES = SCHEMAS["VoiceCampaign"]["properties"]
SCHEMA = json.loads((ROOT / "generated/voice_api/request.schema.json").read_text("utf-8"))
OFF = {"validate": "off"}
PARIS = ZoneInfo("Europe/Paris")


def sent(door: Door, text: Any = "Hello.", recipients: Any = NUMBERS, **options: Any) -> Any:
    """The body of the one request that leaves."""
    script = Script(good)
    door.send(script, text, recipients, **options)
    return body_of(script.requests[0])


def refused(door: Door, text: Any = "Hello.", recipients: Any = NUMBERS, **options: Any) -> str:
    """Why nothing leaves."""
    with pytest.raises(InvalidRequest) as caught:
        door.send(Script(), text, recipients, **options)
    return str(caught.value)


# ── what leaves ──────────────────────────────────────────────────────────


@both
def test_a_request_goes_where_the_contract_says_with_both_headers(door: Door) -> None:
    script = Script(good)

    door.send(script)

    request = script.requests[0]
    (path,) = [path for path, item in CONTRACT["paths"].items() if "post" in item]
    assert (request.method, str(request.url)) == ("POST", f"{HERE}{path}")
    assert (request.headers["api-login"], request.headers["api-key"]) == (
        "ada@example.com",
        "k3y-of-ada",
    )
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"].startswith("vms-kit/")


@both
@pytest.mark.parametrize("base_url", [f"{HERE}/behind", f"{HERE}/behind/"])
def test_the_api_may_stand_below_a_path(door: Door, base_url: str) -> None:
    script = Script(good)

    door.send(script, setup={"base_url": base_url})

    assert script.requests[0].url.path == f"/behind{SEND}"


@both
def test_without_options_the_defaults_of_the_contract_are_sent(door: Door) -> None:
    defaults = {name: part["default"] for name, part in PROPERTIES.items() if "default" in part}

    assert sent(door) == {
        "text": "Hello.",
        "recipients": [{"phone_number": "+33612345678"}],
        **defaults,
    }


GOOD: dict[str, Any] = {
    "sender": "Clinique",
    "send_at": datetime(2026, 12, 1, 9, tzinfo=UTC),
    "purpose": "alert",
    "type": "voice_sms",
    "voice_gender": "male",
    "voice_language": "fr-FR",
    "auto_delete_optout_contacts": True,
    "get_back_pressed_keys": True,
    "simulation_mode": True,
    "auto_optimize_text": False,
    "list_name": "Été",
}


@both
@pytest.mark.parametrize("name", GOOD)
def test_each_option_is_sent_by_the_contracts_name(door: Door, name: str) -> None:
    value = "2026-12-01T09:00:00+00:00" if name == "send_at" else GOOD[name]

    assert sent(door, **{name: GOOD[name]})[name] == value


@both
def test_a_mark_is_sent_as_request_id(door: Door) -> None:
    assert sent(door, request_id="mine")["request_id"] == "mine"


@both
def test_numbers_and_recipients_are_sent_as_contacts_in_their_order(door: Door) -> None:
    recipients = ["+33612345678", Recipient("+33698765432", first_name="Ada", param5=None)]

    assert sent(door, recipients=iter(recipients))["recipients"] == [
        {"phone_number": "+33612345678"},
        {"phone_number": "+33698765432", "first_name": "Ada", "param5": None},
    ]


@both
def test_a_text_leaves_as_it_is(door: Door) -> None:
    text = 'Ça vaut 5 € — «\u202f"oui"\n\\ 🎉'

    assert sent(door, text)["text"] == text


ZONES: dict[str, tuple[datetime, str]] = {
    "UTC": (datetime(2026, 12, 1, 9, tzinfo=UTC), "2026-12-01T09:00:00+00:00"),
    "winter": (
        datetime(2026, 12, 1, 9, tzinfo=ZoneInfo("Europe/Paris")),
        "2026-12-01T09:00:00+01:00",
    ),
    "summer": (
        datetime(2026, 7, 1, 9, tzinfo=ZoneInfo("Europe/Paris")),
        "2026-07-01T09:00:00+02:00",
    ),
    "the second time that night": (
        datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Paris"), fold=1),
        "2026-10-25T02:30:00+01:00",
    ),
    "half an hour": (
        datetime(2026, 12, 1, 9, tzinfo=ZoneInfo("Asia/Kolkata")),
        "2026-12-01T09:00:00+05:30",
    ),
    "seconds in the offset": (
        datetime(1900, 1, 1, tzinfo=ZoneInfo("Europe/Paris")),
        "1899-12-31T23:50:39+00:00",
    ),
}


LONG_AGO = Time(begin=datetime(1880, 1, 1, tzinfo=UTC))


@both
@pytest.mark.parametrize(("moment", "text"), ZONES.values(), ids=ZONES)
def test_a_moment_is_sent_with_an_offset_of_whole_minutes(
    door: Door, moment: datetime, text: str
) -> None:
    assert sent(door, send_at=moment, time=LONG_AGO)["send_at"] == text


# ── what does not ────────────────────────────────────────────────────────

PASSED = {
    "long ago": datetime(2018, 10, 3, 7, 42, 39, tzinfo=timezone(timedelta(hours=-7))),
    "this very moment": NOON,
    "later in the day, further east": datetime(2026, 11, 23, 12, 59, tzinfo=PARIS),
}


@both
@pytest.mark.parametrize("moment", PASSED.values(), ids=PASSED)
@pytest.mark.parametrize("simulated", [False, True])
def test_a_moment_that_has_passed_is_refused_for_the_api_would_send_at_once(
    door: Door, moment: datetime, *, simulated: bool
) -> None:
    told = refused(door, send_at=moment, simulation_mode=simulated)

    assert f"send_at {moment.isoformat()} has passed" in told
    assert "leave send_at out to send now" in told


@both
def test_a_moment_that_is_still_to_come_is_sent(door: Door) -> None:
    soon = NOON + timedelta(microseconds=1)

    assert datetime.fromisoformat(sent(door, send_at=soon)["send_at"]) == soon


@both
def test_unchecked_a_moment_that_has_passed_is_left_to_the_api(door: Door) -> None:
    assert sent(door, send_at=PASSED["long ago"], setup=OFF)["send_at"].startswith("2018-10-03")


@both
@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        ("+330639981234", "write it as it is dialled from abroad: +33639981234"),
        ("+0639981234", "no country code begins with 0"),
    ],
)
def test_a_number_with_a_zero_that_is_not_dialled_is_refused_with_its_place(
    door: Door, number: str, remedy: str
) -> None:
    told = refused(door, recipients=["+33612345678", number])

    assert f"/recipients/1/phone_number: '{number}': " in told
    assert remedy in told


@both
def test_unchecked_such_a_zero_is_left_to_the_api(door: Door) -> None:
    body = sent(door, recipients=["+330639981234"], setup=OFF)

    assert body["recipients"] == [{"phone_number": "+330639981234"}]


# What is given: where it is wrong, and what leaves in its place if nobody checks.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an empty text": ({"text": ""}, "/text"),
    "a text that is too long": ({"text": "a" * 1225}, "/text"),
    "no text": ({"text": None}, "/text"),
    "nobody": ({"recipients": []}, "/recipients"),
    "too many": ({"recipients": numbers(1001)}, "/recipients"),
    "a number without plus": ({"recipients": ["33612345678"]}, "/recipients/0/phone_number"),
    "a short number": ({"recipients": [*NUMBERS, "+1"]}, "/recipients/1/phone_number"),
    "a number and a line break": (
        {"recipients": ["+33612345678\n"]},
        "/recipients/0/phone_number",
    ),
    "a first name that is none": (
        {"recipients": [Contact("+33612345678", first_name=5)]},  # type: ignore[arg-type]
        "/recipients/0/first_name",
    ),
    "a contact without number": (
        {"recipients": [Contact(None)]},  # type: ignore[arg-type]
        "/recipients/0/phone_number",
    ),
    "a short sender": ({"sender": "ab"}, "/sender"),
    "a long sender": ({"sender": "a" * 21}, "/sender"),
    "an odd sender": ({"sender": "Été 1"}, "/sender"),
    "another purpose": ({"purpose": "marketing"}, "/purpose"),
    "another type": ({"type": "vocal_sms"}, "/type"),
    "another gender": ({"voice_gender": "Male"}, "/voice_gender"),
    "another language": ({"voice_language": "fr_FR"}, "/voice_language"),
    "a word for true": ({"simulation_mode": "true"}, "/simulation_mode"),
    "a number for true": ({"get_back_pressed_keys": 1}, "/get_back_pressed_keys"),
    "no list name": ({"list_name": None}, "/list_name"),
    "a mark that is a number": ({"request_id": 5}, "request_id is 5"),
    "an empty mark": ({"request_id": ""}, "request_id is ''"),
    "a blank mark": ({"request_id": " \t"}, r"request_id is ' \t'"),
}


@both
@pytest.mark.parametrize(("wrong", "where"), WRONG.values(), ids=WRONG)
def test_nothing_leaves_that_the_contract_calls_invalid(
    door: Door, wrong: dict[str, Any], where: str
) -> None:
    assert where in refused(door, **wrong)


@pytest.mark.unmeasured
@both
@pytest.mark.parametrize("wrong", [wrong for wrong, _ in WRONG.values()], ids=WRONG)
def test_it_leaves_as_it_is_if_nobody_is_to_check(door: Door, wrong: dict[str, Any]) -> None:
    body = sent(door, setup=OFF, **wrong)

    ((name, value),) = wrong.items()
    if name == "recipients":
        contacts = [one if isinstance(one, Contact) else Contact(one) for one in value]
        value = [contact.to_dict() for contact in contacts]
    assert body[name] == value


def test_each_mistake_is_told_where_it_is_and_what_was_wanted() -> None:
    message = refused(SYNC, "", ["+1", "+33612345678"], voice_gender="loud")

    assert message.splitlines() == [
        "the contract allows no such request:",
        '/text: "" is shorter than 1 character',
        '/recipients/0/phone_number: "+1" does not match "^\\+[0-9]{7,16}$"',
        '/voice_gender: "loud" is not one of "male" or "female"',
        "(validate='off' sends it all the same, and the API repairs or ignores it)",
    ]


@pytest.mark.parametrize("more", [1, 20])
def test_of_many_mistakes_the_first_ones_are_told(more: int) -> None:
    lines = refused(SYNC, recipients=["1"] * (10 + more)).splitlines()

    assert [line[:13] for line in lines[1:11]] == [f"/recipients/{n}"[:13] for n in range(10)]
    assert lines[11] == f"and {more} more"


def test_ten_mistakes_are_all_told() -> None:
    lines = refused(SYNC, recipients=["1"] * 10).splitlines()

    assert (len(lines), "more" in lines[-2]) == (12, False)


@pytest.mark.parametrize(
    ("length", "end"), [(200, '"male" or "female"'), (201, '"male" or "female…')]
)
def test_what_is_as_long_as_is_told_is_told_whole(length: int, end: str) -> None:
    rest = ' is not one of "male" or "female"'

    line = refused(SYNC, voice_gender="a" * (length - len(rest) - 2)).splitlines()[1]

    assert line.endswith(f" is not one of {end}")


def test_a_long_value_is_not_told_whole() -> None:
    line = refused(SYNC, "a" * 5000).splitlines()[1]

    assert line == f'/text: "{"a" * 199}…'


NEVER: dict[str, tuple[dict[str, Any], str]] = {
    "an option that nobody knows": ({"mode": "simu"}, "no such option: mode; there are auto_"),
    "two of them": ({"b": 1, "a": 1}, "no such option: a, b; there are "),
    "Python's name of an option": ({"type_": "voice_sms"}, "no such option: type_"),
    "one text": ({"recipients": "+33612345678"}, "recipients is one text; wanted a list"),
    "no recipients": ({"recipients": None}, "the arguments make no request: 'NoneType'"),
    "a number of recipients": ({"recipients": 5}, "the arguments make no request: 'int'"),
    "bytes": ({"recipients": b"+33"}, "/recipients/0: 43; wanted a number as text"),
    "a number that is one": ({"recipients": [*NUMBERS, 5]}, "/recipients/1: 5; wanted a number"),
    "a moment without zone": (
        {"send_at": datetime(2026, 12, 1)},
        "00:00 has no time zone; say which: moment.replace(tzinfo=ZoneInfo('Europe/Paris'))",
    ),
    "a moment as text": ({"send_at": "2026-12-01"}, "send_at is '2026-12-01'; wanted a datetime"),
    "no moment": ({"send_at": None}, "send_at is None; wanted a datetime with a time zone"),
    "a moment before the first": (
        {"send_at": datetime(1, 1, 1, tzinfo=ZoneInfo("Europe/Paris"))},
        "send_at 0001-01-01T00:00:00+00:09:21 cannot be told in UTC",
    ),
    "an object": ({"list_name": object()}, "cannot be written as JSON: Object of type object"),
    "half a character": ({"text": "\ud800"}, "cannot be written as JSON: 'utf-8' codec"),
    "no number": (
        {"recipients": [Contact("+33612345678", param1=float("nan"))]},  # type: ignore[arg-type]
        "cannot be written as JSON: Out of range float values",
    ),
    "a recipient of another kind": ({"recipients": [{"phone_number": "+33"}]}, "/recipients/0: {"),
}


@both
@pytest.mark.parametrize("validate", ["strict", "off"])
@pytest.mark.parametrize(("wrong", "message"), NEVER.values(), ids=NEVER)
def test_arguments_that_make_no_request_never_leave(
    door: Door, validate: str, wrong: dict[str, Any], message: str
) -> None:
    assert message in refused(door, setup={"validate": validate}, **wrong)


def test_a_list_in_itself_makes_no_request() -> None:
    endless = list[Any]()
    endless.append(endless)

    assert "cannot be written as JSON" in refused(SYNC, list_name=endless)


def test_an_error_of_the_callers_own_recipients_is_the_callers() -> None:
    def failing() -> Iterator[str]:
        yield "+33612345678"
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        SYNC.send(Script(), "Hello.", failing())


def test_a_recipient_that_cannot_be_read_makes_no_request() -> None:
    class Model(Contact):
        def to_dict(self) -> dict[str, Any]:
            raise AttributeError("no member")

    assert "make no request: no member" in refused(SYNC, recipients=[Model("+33612345678")])


@both
@pytest.mark.parametrize("validate", ["Strict", "", None, True])
def test_a_slip_does_not_switch_the_checks_off(door: Door, validate: Any) -> None:
    with pytest.raises(ConfigurationError, match="wanted 'strict' or 'off'"):
        door.send(Script(), setup={"validate": validate})


# ── frames ───────────────────────────────────────────────────────────────


def test_a_frame_is_the_template_with_its_recipients() -> None:
    template = made.template("Hello.", {"list_name": "L"})

    call = template.filled(b'[{"phone_number":"+33600000000"}]', "mine-0")

    assert json.loads(call.content) == {
        **json.loads(made.call("Hello.", ["+33600000000"], {"list_name": "L"}).content),
        "request_id": "mine-0",
    }
    assert call.request_id == "mine-0"


def test_a_frame_without_a_mark_has_none() -> None:
    call = made.template("Hello.", {}).filled(b"[]", None)

    assert ("request_id" in json.loads(call.content), call.request_id) == (False, None)


@both
def test_no_frame_is_larger_than_the_contract_allows(door: Door) -> None:
    most = PROPERTIES["recipients"]["maxItems"]

    with pytest.raises(InvalidRequest, match=f"largest_frame is {most + 1}; the contract allows"):
        door.send_campaign(Script(), "Hello.", NUMBERS, largest_frame=most + 1)


@both
def test_the_largest_frame_of_the_contract_is_allowed(door: Door) -> None:
    script = Script(good)

    door.send_campaign(script, "Hello.", numbers(1000), largest_frame=1000)

    assert len(body_of(script.requests[0])["recipients"]) == 1000


@both
def test_a_larger_frame_leaves_if_nobody_is_to_check(door: Door) -> None:
    script = Script(good)

    door.send_campaign(script, "Hello.", numbers(1001), largest_frame=1001, setup=OFF)

    assert len(body_of(script.requests[0])["recipients"]) == 1001


@both
@pytest.mark.parametrize(
    "wrong", [{"text": ""}, {"voice_gender": "loud"}, {"request_id": "x"}, {"mode": "simu"}]
)
def test_nothing_of_a_campaign_leaves_that_the_contract_calls_invalid(
    door: Door, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest):
        door.send_campaign(Script(), recipients=NUMBERS, **{"text": "Hello.", **wrong})


# ── the contract ─────────────────────────────────────────────────────────

OPTIONS = PROPERTIES.keys() - {"text", "recipients", "request_id"}


def test_the_typed_options_are_those_of_the_contract() -> None:
    assert get_type_hints(VoiceCampaignOptions).keys() == OPTIONS
    assert VoiceCampaignOptions.__required_keys__ == frozenset()


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_a_typed_option_takes_the_values_of_the_contract(name: str) -> None:
    part = PROPERTIES[name]
    hint = get_type_hints(VoiceCampaignOptions)[name]

    if "enum" in part:
        assert {*get_args(hint)} == {*part["enum"]}
    elif part.get("format") == "date-time":
        assert hint is datetime
    else:
        assert hint is {"string": str, "boolean": bool}[part["type"]]


@pytest.mark.parametrize("kind", [VoiceClient, AsyncVoiceClient])
@pytest.mark.parametrize("method", ["send", "send_campaign"])
def test_a_signature_has_what_the_contract_has_and_no_more(kind: type, method: str) -> None:
    parameters = inspect.signature(getattr(kind, method)).parameters

    assert [*parameters][:3] == ["self", "text", "recipients"]
    assert parameters["options"].kind is inspect.Parameter.VAR_KEYWORD
    assert not parameters.keys() & OPTIONS


@pytest.mark.parametrize("method", ["send", "send_campaign"])
def test_both_clients_have_the_same_signatures(method: str) -> None:
    kinds = (VoiceClient, AsyncVoiceClient)
    one, other = (inspect.signature(getattr(kind, method)) for kind in kinds)

    assert one == other


@both
def test_every_option_of_the_contract_is_known(door: Door) -> None:
    assert {*GOOD} == OPTIONS
    assert sent(door, **GOOD).keys() == PROPERTIES.keys() - {"request_id"}


@given(st.data())
def test_a_good_value_of_an_enumeration_leaves(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(n for n in OPTIONS if "enum" in PROPERTIES[n])))
    value = data.draw(st.sampled_from(PROPERTIES[name]["enum"]) | st.text())

    if value in PROPERTIES[name]["enum"]:
        assert sent(SYNC, **{name: value})[name] == value
    else:
        assert f"/{name}" in refused(SYNC, **{name: value})


texts = st.text(max_size=20)
anything = st.none() | st.booleans() | st.integers() | st.floats() | texts
options = st.fixed_dictionaries(
    {},
    optional={
        "sender": texts | anything,
        "list_name": texts | anything,
        "voice_gender": st.sampled_from(["male", "female"]) | anything,
        "auto_optimize_text": st.booleans() | anything,
        "request_id": st.none() | texts,
    },
)
recipients = st.lists(
    st.from_regex(r"\+[0-9]{7,16}", fullmatch=True)
    | texts
    | st.builds(Contact, st.just("+33612345678"), first_name=texts | st.none() | st.integers()),
    max_size=3,
)


@given(texts, recipients, options)
def test_strict_lets_through_what_the_schema_lets_through(
    text: str, people: list[Any], chosen: dict[str, Any]
) -> None:
    """Held against another validator than the client's own."""
    script = Script(good)
    outcome = SYNC.told(script, text, people, **chosen)

    if isinstance(outcome, InvalidRequest):
        loose = Script(good)
        if isinstance(SYNC.told(loose, text, people, setup=OFF, **chosen), InvalidRequest):
            return  # no JSON at all
        body = body_of(loose.requests[0])
        blank = not (body.get("request_id") or "x").strip()
        others = blank or newline(body) or perhaps_with_a_trunk_zero(body)
        assert others or not jsonschema.Draft202012Validator(SCHEMA).is_valid(body)
    else:
        assert jsonschema.Draft202012Validator(SCHEMA).is_valid(body_of(script.requests[0]))


def newline(body: Any) -> bool:
    """Whether Python's $ matches before a last line break, where the schema's does not."""
    numbers_ = [one["phone_number"] for one in body["recipients"]]
    return any(str(text).endswith("\n") for text in [*numbers_, body.get("sender")])


def perhaps_with_a_trunk_zero(body: Any) -> bool:
    """Whether a number has a zero where a country code, or the number behind one, begins."""
    numbers_ = [str(one["phone_number"]) for one in body["recipients"]]
    return any(re.match(r"\+(?:[0-9]{2,3})?0", number) for number in numbers_)


places = ["Europe/Paris", "Africa/Monrovia", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]
day = timedelta(hours=23, minutes=59)
zones = st.sampled_from(places).map(ZoneInfo) | st.timedeltas(-day, day).map(timezone)


@given(st.datetimes(datetime(1890, 1, 1), datetime(2100, 1, 1), timezones=zones))
def test_a_moment_that_leaves_is_the_same_moment(moment: datetime) -> None:
    told = datetime.fromisoformat(sent(SYNC, send_at=moment, time=LONG_AGO)["send_at"])

    assert told.astimezone(UTC) == moment.astimezone(UTC)
    assert str(told)[-6] in "+-"  # hours and minutes, no seconds


class Nowhere(tzinfo):
    """A zone that does not know its offset."""

    def utcoffset(self, _: datetime | None) -> timedelta | None:
        return None

    dst = tzname = utcoffset  # type: ignore[assignment]


def test_a_zone_without_an_offset_is_none() -> None:
    assert "has no time zone" in refused(SYNC, send_at=datetime(2026, 12, 1, tzinfo=Nowhere()))


@given(texts, recipients, options, st.sampled_from([HERE, AWAY]))
def test_what_is_refused_never_leaves(
    text: str, people: list[Any], chosen: dict[str, Any], where: str
) -> None:
    script = Script(good)
    outcome = SYNC.told(script, text, people, setup={"base_url": where}, **chosen)

    assert isinstance(outcome, Exception) == (script.requests == [])


@pytest.mark.parametrize(
    ("other", "where"),
    [({"text": None}, "/text: "), ({"send_at": "soon"}, "/send_at: "), ({"mode": "simu"}, "/: ")],
    ids=str,
)
def test_a_body_can_be_checked_by_itself(other: dict[str, Any], where: str) -> None:
    body = {"text": "Hi.", "recipients": [{"phone_number": "+33612345678"}]}
    made.check(body)

    with pytest.raises(InvalidRequest, match=where):
        made.check({**body, **other})
