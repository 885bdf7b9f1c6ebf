"""From what came back to a result, or to the error that says what became of the money."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, TypeGuard, cast

import httpx

from voice_api import Client, meta
from voice_api.api.voice_campaign import send_voice_campaign
from voice_api.models import ApiError, CampaignAccepted, PayloadError
from voice_client.errors import (
    AcceptedButUnreadable,
    AuthenticationError,
    ForbiddenError,
    InsufficientCredit,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    Refused,
    RepeatedRequest,
    ServerError,
    UnexpectedStatus,
    ValidationFailed,
    VoiceError,
    shortened,
)

# The generated module's half that reads an answer. Its other functions raise a KeyError on a 2xx
# with a bad body, when the money is gone and nobody knows any more that it was a 2xx.
_parsed = send_voice_campaign._parse_response  # noqa: SLF001
# It is asked for a client, and looks at nothing of it but whether to raise on its own.
_READER: Final = Client(base_url=meta.SERVER_URL)
_UNREADABLE: Final = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
# What httpx raises before a byte of the request has left.
_NEVER_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.LocalProtocolError,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


def result(response: httpx.Response, now: Callable[[], datetime]) -> CampaignAccepted:
    """What an answer that was read to its end says.

    Args:
        response: with its whole body.
        now: an aware clock, for a ``Retry-After`` that is a date.

    Raises:
        Refused, OutcomeUnknown, AcceptedButUnreadable: whichever became of the campaign.
    """
    status = response.status_code
    try:
        parsed = _parsed(client=_READER, response=response)
    except _UNREADABLE as error:
        if response.is_success:
            # Not its repr, which may have the whole answer in it.
            told = f"{type(error).__name__}: {error}"
            raise AcceptedButUnreadable(f"{status}, and no readable answer: {told}") from error
        parsed = None
    if isinstance(parsed, CampaignAccepted):
        if _is_complete(parsed):
            return parsed
        told = shortened(repr(parsed))
        raise AcceptedButUnreadable(f"{status}, and an answer of other types: {told}")
    if response.is_client_error:
        raise _refusal(response, parsed, now)
    if response.is_server_error:
        raise ServerError(status, _phrase(response), retry_after=_retry_after(response, now))
    raise OutcomeUnknown(f"{status} {_phrase(response)}, which is not documented")


def failure(error: httpx.HTTPError, base_url: str, status: int | None = None) -> VoiceError:
    """What it means that there is no whole answer.

    Args:
        error: httpx's own; its text may show a header, and then it is left out.
        base_url: where the request went.
        status: the status, if at least that had come.
    """
    told = type(error).__name__
    if not isinstance(error, httpx.LocalProtocolError) and str(error):
        told = f"{told}: {error}"
    if status is None and isinstance(error, _NEVER_LEFT):
        return NotSent(f"nothing was sent to {base_url}: {told}")
    if status is None:
        return OutcomeUnknown(f"sent to {base_url}, no answer: {told}")
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return AcceptedButUnreadable(f"{status}, and the answer broke off: {told}")
    return OutcomeUnknown(f"sent to {base_url}, {status}, and the answer broke off: {told}")


def shown(error: httpx.HTTPError) -> httpx.HTTPError | None:
    """The error as a cause, but where its text could show a header in a traceback."""
    return None if isinstance(error, httpx.LocalProtocolError) else error


def _refusal(
    response: httpx.Response,
    parsed: PayloadError | ApiError | None,
    now: Callable[[], datetime],
) -> Refused:
    """The refusal of a 4xx, whatever shape it has."""
    status = response.status_code
    parsed = parsed or _flat(response)
    # The generated models do not check the types of their members.
    code: object = parsed.code if parsed else None
    message: object = parsed.message if parsed else None
    code = code if _is_whole(code) else status
    message = message if isinstance(message, str) else _phrase(response)
    errors = parsed.errors.additional_properties if isinstance(parsed, PayloadError) else {}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(status, code, message, retry_after=_retry_after(response, now))
    codes = [code, *(error.code for error in errors.values())]
    kind: type[Refused] = UnexpectedStatus
    if meta.OUT_OF_CREDIT in codes:
        kind = InsufficientCredit
    elif status == HTTPStatus.BAD_REQUEST:
        repeated = meta.REPEATED_REQUEST_ID in codes
        kind = RepeatedRequest if repeated else ValidationFailed
    elif status == HTTPStatus.UNAUTHORIZED:
        kind = AuthenticationError
    elif status == HTTPStatus.FORBIDDEN:
        kind = ForbiddenError
    return kind(status, code, message, errors)


def _flat(response: httpx.Response) -> ApiError | None:
    """The code and message of a status that the contract does not document, if they are there."""
    try:
        body: object = response.json()
        if isinstance(body, dict):
            return ApiError.from_dict(cast("Mapping[str, Any]", body))
    except _UNREADABLE:
        pass
    return None


def _retry_after(response: httpx.Response, now: Callable[[], datetime]) -> float | None:
    """Seconds, from either form of the header (RFC 9110, 10.2.3)."""
    told = response.headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, OverflowError):
        return None
    # The oldest of the three forms that RFC 9110, 5.6.7 wants to be read names no zone.
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now()).total_seconds())


def _phrase(response: httpx.Response) -> str:
    return response.reason_phrase or f"status {response.status_code}"


def _is_complete(campaign: CampaignAccepted) -> bool:
    """Whether the members have their types, which the generated model does not check."""
    numbers = (
        campaign.total_cost,
        campaign.residual_credit,
        campaign.number_of_contacts,
        campaign.estimated_duration,
    )
    return isinstance(cast("object", campaign.ticket_number), str) and all(
        _is_whole(number) or (isinstance(number, float) and math.isfinite(number))
        for number in cast("tuple[object, ...]", numbers)
    )


def _is_whole(number: object) -> TypeGuard[int]:
    return isinstance(number, int) and not isinstance(number, bool)


def euros(amount: float) -> Decimal:
    """An amount of an answer as it was written there.

    >>> euros(0.1) + euros(0.2)
    Decimal('0.3')
    """
    return Decimal(json.dumps(amount))
