"""From the arguments of a call to the bytes that leave, checked by the contract's own schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final, Literal, TypeAlias, cast, get_args

import attrs
import jsonschema_rs

from voice_api.api.voice_campaign import send_voice_campaign
from voice_api.models import Contact, VoiceCampaign
from voice_api.options import VoiceCampaignOptions
from voice_api.types import UNSET
from voice_client.errors import ConfigurationError, InvalidRequest, shortened
from voice_client.numbers import NumberError, is_normalised, normalised

Validation: TypeAlias = Literal["strict", "off"]
"""``strict``: nothing leaves that the contract calls invalid, nor what would be sent otherwise than
it says: at once for a ``send_at`` that has passed, to a number with a zero that nobody dials.
``off``: the API may repair it."""

_ATTRIBUTES: Final = attrs.fields_dict(VoiceCampaign).keys()
# Each option with the attribute that the generator makes of it: ``type`` is ``type_`` there.
_OPTIONS: Final = {
    name: name if name in _ATTRIBUTES else f"{name}_"
    for name in VoiceCampaignOptions.__annotations__
}
# The generated module's half that makes a request: path, method and media type stand in it.
_arguments = send_voice_campaign._get_kwargs  # noqa: SLF001
_SCHEMA: Final[Mapping[str, Any]] = json.loads(
    files("voice_api").joinpath("request.schema.json").read_text("utf-8")
)
_VALIDATOR: Final = jsonschema_rs.Draft202012Validator(dict(_SCHEMA), validate_formats=True)
_MOST_RECIPIENTS: Final[int] = _SCHEMA["properties"]["recipients"]["maxItems"]
# Of a frame with one mistake in each contact, the first ones are enough.
_MOST_MESSAGES: Final = 10
_REMEDY: Final = "(validate='off' sends it all the same, and the API repairs or ignores it)"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready to leave: the same bytes for every client and every try.

    ``request_id`` is None unless the API remembers it, and so refuses a repeat. ``latest`` is the
    aware ``send_at`` before which it has to leave, None if it may leave at any time.
    """

    method: str
    path: str
    media_type: str
    content: bytes
    request_id: str | None
    simulated: bool
    latest: datetime | None = None


def call(  # noqa: PLR0913  (keyword-only settings)
    text: str,
    recipients: Iterable[str | Contact],
    options: Mapping[str, Any],
    *,
    request_id: str | None = None,
    validate: Validation = "strict",
    now: datetime | None = None,
    late: bool = False,
) -> Call:
    """The request of these arguments.

    Args:
        text: what the voice reads.
        recipients: numbers and contacts.
        options: the contract's other parameters by name.
        request_id: the caller's mark of this campaign.
        validate: see `Validation`.
        now: aware; a ``send_at`` has to be later. None if it need not be.
        late: a ``send_at`` that has passed by ``now`` is sent at once.

    Raises:
        InvalidRequest: they make none, or one that the contract calls invalid.
    """
    if isinstance(recipients, str):
        raise InvalidRequest(
            "recipients is one text; wanted a list of numbers, such as ['+33612345678']"
        )
    made = _made(_body(text, _contacts(recipients), options, request_id), request_id)
    if validate == "strict":
        if request_id is not None and made.request_id is None:
            raise InvalidRequest(f"request_id is {request_id!r}, which the API would not remember")
        # What would leave, not what it is made from: the two may differ in types.
        body = json.loads(made.content)
        check(body)
        _check_numbers(body["recipients"])
        moment = options.get("send_at")
        if now is not None and not (late and has_passed(moment, now)):
            check_moment(moment, now)
            # A simulation calls nobody, whenever it leaves.
            return replace(made, latest=None if made.simulated else moment)
    return made


def check_moment(send_at: datetime | None, now: datetime) -> None:
    """Refuse to send for a moment that has passed; both are aware.

    Raises:
        InvalidRequest: it has.
    """
    if send_at is not None and has_passed(send_at, now):
        raise InvalidRequest(
            f"send_at {send_at.isoformat()} has passed, so the API would send at once; "
            "leave send_at out to send now, give a later moment, or resume what was begun in time"
        )


def has_passed(send_at: datetime | None, now: datetime) -> bool:
    """Whether there is a ``send_at`` that is not later than ``now``; both are aware."""
    # openapi/voice-campaign.yaml, x-campaign.checks.past.
    return send_at is not None and send_at <= now


def template(  # noqa: PLR0913  (keyword-only settings)
    text: str,
    options: Mapping[str, Any],
    *,
    largest: int = 1,
    validate: Validation = "strict",
    now: datetime | None = None,
    late: bool = False,
) -> Template:
    """What all frames of a campaign, of at most ``largest`` recipients, have in common.

    Args:
        text: what the voice reads.
        options: the contract's other parameters by name.
        largest: recipients in a frame.
        validate: see `Validation`.
        now: as of `call`.
        late: as of `call`.

    Raises:
        InvalidRequest: as `call`.
    """
    if validate == "strict" and largest > _MOST_RECIPIENTS:
        raise InvalidRequest(
            f"largest_frame is {largest}; the contract allows {_MOST_RECIPIENTS} in a request"
        )
    # One good number stands for all, which were checked one by one.
    stand_in = [Contact(phone_number="+33612345678")]
    made = call(text, stand_in, options, validate=validate, now=now, late=late)
    common = {
        name: value for name, value in json.loads(made.content).items() if name != "recipients"
    }
    return Template(made, _encoded(common).removesuffix(b"}"))


@dataclass(frozen=True, slots=True)
class Template:
    """A request without its recipients and its ``request_id``."""

    made: Call
    head: bytes
    """What is the same in each frame, but for the brace that ends it."""

    def filled(self, contacts: bytes, request_id: str | None) -> Call:
        """The request with these recipients, a JSON array in UTF-8."""
        mark = b"" if request_id is None else b',"request_id":%b' % _encoded(request_id)
        content = b'%b%b,"recipients":%b}' % (self.head, mark, contacts)
        return replace(self.made, content=content, request_id=request_id)


def validation(given: Validation) -> Validation:
    """What was given, if there is such a one; a slip must not switch the checks off.

    Raises:
        ConfigurationError: there is not.
    """
    if given not in get_args(Validation):
        raise ConfigurationError(f"validate is {given!r}; wanted 'strict' or 'off'")
    return given


def check(body: Mapping[str, Any]) -> None:
    """Hold a request's body against the contract's schema.

    Raises:
        InvalidRequest: it is not valid; each line of the message says where, what came and what
            was wanted.
    """
    if _VALIDATOR.is_valid(body):
        return
    lines = list[str]()
    for error in _VALIDATOR.iter_errors(body):
        place = "/" + "/".join(map(str, error.instance_path))
        lines.append(f"{place}: {shortened(error.message)}")
    more = len(lines) - _MOST_MESSAGES
    shown = lines[:_MOST_MESSAGES] + ([f"and {more} more"] if more > 0 else [])
    raise InvalidRequest("\n".join(("the contract allows no such request:", *shown, _REMEDY)))


def _check_numbers(contacts: Sequence[Mapping[str, str]]) -> None:
    for index, contact in enumerate(contacts):
        number = contact["phone_number"]
        if not is_normalised(number):
            try:
                normalised(number)
            except NumberError as error:
                raise InvalidRequest(
                    f"/recipients/{index}/phone_number: {error}\n{_REMEDY}"
                ) from None


def _contacts(recipients: Iterable[object]) -> list[Contact]:
    try:
        items = iter(recipients)
    except TypeError as error:
        raise InvalidRequest(f"the arguments make no request: {error}") from error
    found = list[Contact]()
    for index, item in enumerate(items):
        if isinstance(item, str):
            found.append(Contact(phone_number=item))
        elif isinstance(item, Contact):
            found.append(item)
        else:
            raise InvalidRequest(
                f"/recipients/{index}: {shortened(repr(item))}; wanted a number as text, "
                "such as '+33612345678', or a Recipient"
            )
    return found


def _body(
    text: str, contacts: list[Contact], options: Mapping[str, Any], request_id: str | None
) -> dict[str, Any]:
    if unknown := options.keys() - _OPTIONS.keys():
        raise InvalidRequest(
            f"no such option: {', '.join(sorted(unknown))}; there are {', '.join(sorted(_OPTIONS))}"
        )
    given = {_OPTIONS[name]: value for name, value in options.items()}
    if (moment := given.get("send_at", UNSET)) is not UNSET:
        given["send_at"] = _with_offset(moment)
    if request_id is not None:
        given["request_id"] = request_id
    try:
        campaign = VoiceCampaign(text=text, recipients=contacts, **given)
        return cast("dict[str, Any]", _arguments(body=campaign)["json"])
    except (AttributeError, TypeError, ValueError) as error:
        raise InvalidRequest(f"the arguments make no request: {error}") from error


def _made(body: Mapping[str, Any], request_id: str | None) -> Call:
    # The path is the same for every body; a generated model has to be made to know it.
    asked = _arguments(body=VoiceCampaign(text="", recipients=[]))
    return Call(
        str(asked["method"]).upper(),
        str(asked["url"]),
        str(asked["headers"]["Content-Type"]),
        _encoded(body),
        # The contract's blank_to_null: the API reads a blank one as none at all.
        request_id if isinstance(request_id, str) and request_id.strip() else None,
        body.get("simulation_mode") is True,
    )


def _encoded(value: object) -> bytes:
    try:
        return json.dumps(
            value, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"the arguments cannot be written as JSON: {error}") from error


def _with_offset(moment: object) -> datetime:
    if not isinstance(moment, datetime):
        raise InvalidRequest(f"send_at is {moment!r}; wanted a datetime with a time zone")
    offset = moment.utcoffset()
    if offset is None:
        raise InvalidRequest(
            f"send_at {moment.isoformat()} has no time zone; "
            "say which: moment.replace(tzinfo=ZoneInfo('Europe/Paris'))"
        )
    # RFC 3339 offsets end at minutes; zones before the 20th century do not.
    try:
        return moment if offset.total_seconds() % 60 == 0 else moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidRequest(f"send_at {moment.isoformat()} cannot be told in UTC") from error
