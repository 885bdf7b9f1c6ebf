"""`VoiceClient`: sign in, send, raise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Self, cast

import attrs
import httpx

from voice_api import AuthenticatedClient, meta
from voice_api.api.voice_campaign import send_voice_campaign
from voice_api.models import ApiError, CampaignAccepted, Contact, PayloadError, VoiceCampaign
from voice_api.types import UNSET
from voice_client.errors import (
    AcceptedButUnreadable,
    InvalidRequest,
    NotSent,
    OutcomeUnknown,
    Refused,
)
from voice_client.guard import SimulationGuard

_OPTIONS: Final = frozenset(name.removesuffix("_") for name in attrs.fields_dict(VoiceCampaign)) - {
    "text",
    "recipients",
}
# The generated module's two halves, and not its sync_detailed: only so is the status known when an
# answer cannot be parsed, and with it whether the campaign was accepted.
_arguments = send_voice_campaign._get_kwargs  # noqa: SLF001
_parsed = send_voice_campaign._parse_response  # noqa: SLF001
# The generated client has none at all; a frame of 500 contacts needs a slow server's patience.
_TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)


# What httpx raises before a byte of the request has left.
_NEVER_LEFT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.LocalProtocolError,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class VoiceClient:
    """Sends campaigns under one account.

    Args:
        login: the account's ``api-login``.
        key: its ``api-key``; never shown.
        base_url: the real API by default, or a twin, such as ``http://127.0.0.1:8010``.
        real_calls: allow sends to another machine without ``simulation_mode: true``.
            They call people for money.
        timeout: by default 5 seconds to connect and 30 to read.
        transport: what carries the requests, for tests (``httpx.WSGITransport``).

    Use it as a context manager, or `close` it.
    """

    def __init__(  # noqa: PLR0913  (keyword-only settings)
        self,
        login: str,
        key: str,
        *,
        base_url: str = meta.SERVER_URL,
        real_calls: bool = False,
        timeout: httpx.Timeout | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        for name, value in ((meta.LOGIN_HEADER, login), (meta.KEY_HEADER, key)):
            if not _fits_a_header(value):
                raise InvalidRequest(f"{name} is empty or no plain text; it stands in your account")
        if not base_url.startswith(("http://", "https://")):
            raise InvalidRequest(f"base_url {base_url!r} has no http:// or https:// before it")
        self._login = login
        self._base_url = base_url
        carrier = transport or httpx.HTTPTransport()
        self._client = AuthenticatedClient(
            base_url=base_url,
            token=key,
            prefix="",
            auth_header_name=meta.KEY_HEADER,
            headers={meta.LOGIN_HEADER: login},
            timeout=timeout or _TIMEOUT,
            raise_on_unexpected_status=False,
            httpx_args={"transport": carrier if real_calls else SimulationGuard(carrier)},
        )

    def __repr__(self) -> str:
        return f"VoiceClient({self._login!r}, base_url={self._base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.get_httpx_client().close()

    def send(
        self,
        text: str,
        recipients: Iterable[str | Contact],
        **options: Any,  # noqa: ANN401  (one type for each of the contract's parameters)
    ) -> CampaignAccepted:
        """Send one campaign and return what the API answered.

        Args:
            text: what the voice reads, 1 to 1224 characters.
            recipients: phone numbers with a plus sign and the country code, or `Contact`s.
            options: the contract's other parameters by name, such as ``voice_language="fr-FR"``;
                ``send_at`` is a datetime with a time zone.

        Raises:
            InvalidRequest: the arguments make no request.
            NotSent: nothing was sent.
            Refused: the API said no.
            OutcomeUnknown: it may have been sent.
            AcceptedButUnreadable: it was sent, and the answer is no good.
        """
        request = self._request(text, recipients, options)
        try:
            response = self._client.get_httpx_client().send(request)
        except _NEVER_LEFT as error:
            # Without httpx's own error where it could show a header, in a traceback too.
            shows_a_header = isinstance(error, httpx.LocalProtocolError)
            why = "" if shows_a_header else f": {error}"
            cause = None if shows_a_header else error
            raise NotSent(f"nothing was sent to {self._base_url}{why}") from cause
        except httpx.HTTPError as error:
            raise OutcomeUnknown(
                f"sent to {self._base_url}, no answer: {type(error).__name__} {error}".rstrip()
            ) from error
        return self._result(response)

    def _request(
        self, text: str, recipients: Iterable[str | Contact], options: Mapping[str, Any]
    ) -> httpx.Request:
        try:
            client = self._client.get_httpx_client()
            if client.is_closed:
                raise InvalidRequest("this client is closed; make another one")
            campaign = _campaign(text, recipients, options)
            return client.build_request(**_arguments(body=campaign))
        except (AttributeError, TypeError, ValueError, httpx.InvalidURL) as error:
            raise InvalidRequest(f"the arguments make no request: {error}") from error

    def _result(self, response: httpx.Response) -> CampaignAccepted:
        status = response.status_code
        try:
            parsed = _parsed(client=self._client, response=response)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            if response.is_success:
                raise AcceptedButUnreadable(
                    f"{status}, and no readable answer: {error!r}"
                ) from error
            parsed = None
        match parsed:
            case CampaignAccepted() if _is_complete(parsed):
                return parsed
            case CampaignAccepted():
                raise AcceptedButUnreadable(f"{status}, and an answer of other types: {parsed!r}")
            case PayloadError():
                errors = parsed.errors.additional_properties
                raise Refused(status, parsed.code, parsed.message, errors)
            case ApiError():
                raise Refused(status, parsed.code, parsed.message)
            case _ if response.is_client_error:
                raise Refused(status, status, response.reason_phrase)
            case _:
                raise OutcomeUnknown(f"{status} {response.reason_phrase}, which is not documented")


def _campaign(
    text: str, recipients: Iterable[str | Contact], options: Mapping[str, Any]
) -> VoiceCampaign:
    if unknown := options.keys() - _OPTIONS:
        raise InvalidRequest(
            f"no such option: {', '.join(sorted(unknown))}; there are {', '.join(sorted(_OPTIONS))}"
        )
    if isinstance(recipients, str):
        raise InvalidRequest(
            "recipients is one text; wanted a list of numbers, such as ['+33612345678']"
        )
    options = {("type_" if name == "type" else name): value for name, value in options.items()}
    if (moment := options.get("send_at", UNSET)) is not UNSET:
        options["send_at"] = _with_offset(moment)
    contacts = [
        Contact(phone_number=item) if isinstance(item, str) else item for item in recipients
    ]
    return VoiceCampaign(text=text, recipients=contacts, **options)


def _fits_a_header(value: object) -> bool:
    if not isinstance(value, str) or value != value.strip():
        return False
    return bool(value) and value.isascii() and value.isprintable()


def _is_complete(campaign: CampaignAccepted) -> bool:
    """Whether the members have their types, which the generated model does not check."""
    numbers = (
        campaign.total_cost,
        campaign.residual_credit,
        campaign.number_of_contacts,
        campaign.estimated_duration,
    )
    return isinstance(cast("object", campaign.ticket_number), str) and all(
        isinstance(number, int | float) and not isinstance(number, bool)
        for number in cast("tuple[object, ...]", numbers)
    )


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
    return moment if offset.total_seconds() % 60 == 0 else moment.astimezone(UTC)
