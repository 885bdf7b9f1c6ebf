from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.api_error import ApiError
from ...models.campaign_accepted import CampaignAccepted
from ...models.payload_error import PayloadError
from ...models.voice_campaign import VoiceCampaign
from ...types import Response


def _get_kwargs(
    *,
    body: VoiceCampaign,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/public/voice-campaign/send",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ApiError | PayloadError | CampaignAccepted | None:
    if response.status_code == 400:

        def _parse_response_400(data: object) -> ApiError | PayloadError:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_400_type_0 = PayloadError.from_dict(data)

                return response_400_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_400_type_1 = ApiError.from_dict(data)

            return response_400_type_1

        response_400 = _parse_response_400(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ApiError.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ApiError.from_dict(response.json())

        return response_403

    if 200 <= response.status_code <= 299:
        response_2xx = CampaignAccepted.from_dict(response.json())

        return response_2xx

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ApiError | PayloadError | CampaignAccepted]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: VoiceCampaign,
) -> Response[ApiError | PayloadError | CampaignAccepted]:
    """Send a voice campaign

     Sends one text as a voice call to every contact. Invalid parameters are repaired, defaulted or
    ignored, and the
    request is sent; the rules stand beside each field under `x-lenient`.
    The path is the one on the vendor's developer pages and in its Java SDK: the vendor's page prints
    none.

    Args:
        body (VoiceCampaign): Payload to send voice campaign.
            The vendor's field list has 14 rows without names beside 11 named parameters:
            auto_optimize_text, list_name and
            request_id are matched to the three that are left, by inference from sibling pages.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiError | ApiError | PayloadError | CampaignAccepted]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: VoiceCampaign,
) -> ApiError | PayloadError | CampaignAccepted | None:
    """Send a voice campaign

     Sends one text as a voice call to every contact. Invalid parameters are repaired, defaulted or
    ignored, and the
    request is sent; the rules stand beside each field under `x-lenient`.
    The path is the one on the vendor's developer pages and in its Java SDK: the vendor's page prints
    none.

    Args:
        body (VoiceCampaign): Payload to send voice campaign.
            The vendor's field list has 14 rows without names beside 11 named parameters:
            auto_optimize_text, list_name and
            request_id are matched to the three that are left, by inference from sibling pages.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiError | ApiError | PayloadError | CampaignAccepted
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: VoiceCampaign,
) -> Response[ApiError | PayloadError | CampaignAccepted]:
    """Send a voice campaign

     Sends one text as a voice call to every contact. Invalid parameters are repaired, defaulted or
    ignored, and the
    request is sent; the rules stand beside each field under `x-lenient`.
    The path is the one on the vendor's developer pages and in its Java SDK: the vendor's page prints
    none.

    Args:
        body (VoiceCampaign): Payload to send voice campaign.
            The vendor's field list has 14 rows without names beside 11 named parameters:
            auto_optimize_text, list_name and
            request_id are matched to the three that are left, by inference from sibling pages.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ApiError | ApiError | PayloadError | CampaignAccepted]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: VoiceCampaign,
) -> ApiError | PayloadError | CampaignAccepted | None:
    """Send a voice campaign

     Sends one text as a voice call to every contact. Invalid parameters are repaired, defaulted or
    ignored, and the
    request is sent; the rules stand beside each field under `x-lenient`.
    The path is the one on the vendor's developer pages and in its Java SDK: the vendor's page prints
    none.

    Args:
        body (VoiceCampaign): Payload to send voice campaign.
            The vendor's field list has 14 rows without names beside 11 named parameters:
            auto_optimize_text, list_name and
            request_id are matched to the three that are left, by inference from sibling pages.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ApiError | ApiError | PayloadError | CampaignAccepted
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
