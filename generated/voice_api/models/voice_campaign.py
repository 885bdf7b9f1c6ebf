from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.voice_campaign_purpose import (
    VoiceCampaignPurpose,
    check_voice_campaign_purpose,
)
from ..models.voice_campaign_type import VoiceCampaignType, check_voice_campaign_type
from ..models.voice_campaign_voice_gender import (
    VoiceCampaignVoiceGender,
    check_voice_campaign_voice_gender,
)
from ..models.voice_campaign_voice_language import (
    VoiceCampaignVoiceLanguage,
    check_voice_campaign_voice_language,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.contact import Contact


T = TypeVar("T", bound="VoiceCampaign")


@_attrs_define
class VoiceCampaign:
    """Payload to send voice campaign.
    The vendor's field list has 14 rows without names beside 11 named parameters: auto_optimize_text, list_name and
    request_id are matched to the three that are left, by inference from sibling pages.

    """

    text: str
    """ Message text (from 1 to 1224 characters). """
    recipients: list[Contact]
    """ The contacts to call, 200 to 500 in one request for a large campaign.
    The vendor's prose says up to 500, its field list up to 1000.
     """
    sender: str | Unset = UNSET
    """ Sender of the message (if the user allows it), alphanumeric characters.
    The vendor's prose says 3 to 11 characters, its field list up to 20.
     """
    send_at: datetime.datetime | Unset = UNSET
    """ When you want to send the campaign, ISO 8601 with an offset (for example 2018-10-03T07:42:39-07:00).
    Without it the campaign is sent at once.
     """
    purpose: VoiceCampaignPurpose | Unset = UNSET
    """ Campaign purpose: alert (transactional) or wholesale (marketing). """
    type_: VoiceCampaignType | Unset = UNSET
    """ Always voice_sms; it was vocal_sms until 2022. """
    voice_gender: VoiceCampaignVoiceGender | Unset = UNSET
    """ Voice gender. """
    voice_language: VoiceCampaignVoiceLanguage | Unset = UNSET
    """ Voice language. One that is not supported is refused, against the general policy. """
    auto_delete_optout_contacts: bool | Unset = False
    """ True to leave out contacts who opted out. """
    get_back_pressed_keys: bool | Unset = False
    """ True to get the pressed keys back, in the delivery receipt. """
    simulation_mode: bool | Unset = False
    """ True to have the request simulated: a fake result, and only some minimal validations.
     """
    auto_optimize_text: bool | Unset = True
    """ False to keep the text as it is; true strips useless white space and characters.
    Inferred from the vendor's nameless boolean that defaults to true.
     """
    list_name: str | Unset = UNSET
    """ Name of a list to make from these contacts.
    Inferred from the vendor's nameless string.
     """
    request_id: None | str | Unset = UNSET
    """ Your own idempotency key for this request, remembered for 24 hours: a repeat is refused.
    Inferred from the vendor's nameless "string | null".
     """

    def to_dict(self) -> dict[str, Any]:
        text = self.text

        recipients = []
        for recipients_item_data in self.recipients:
            recipients_item = recipients_item_data.to_dict()
            recipients.append(recipients_item)

        sender = self.sender

        send_at: str | Unset = UNSET
        if not isinstance(self.send_at, Unset):
            send_at = self.send_at.isoformat()

        purpose: str | Unset = UNSET
        if not isinstance(self.purpose, Unset):
            purpose = self.purpose

        type_: str | Unset = UNSET
        if not isinstance(self.type_, Unset):
            type_ = self.type_

        voice_gender: str | Unset = UNSET
        if not isinstance(self.voice_gender, Unset):
            voice_gender = self.voice_gender

        voice_language: str | Unset = UNSET
        if not isinstance(self.voice_language, Unset):
            voice_language = self.voice_language

        auto_delete_optout_contacts = self.auto_delete_optout_contacts

        get_back_pressed_keys = self.get_back_pressed_keys

        simulation_mode = self.simulation_mode

        auto_optimize_text = self.auto_optimize_text

        list_name = self.list_name

        request_id: None | str | Unset
        if isinstance(self.request_id, Unset):
            request_id = UNSET
        else:
            request_id = self.request_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "text": text,
                "recipients": recipients,
            }
        )
        if sender is not UNSET:
            field_dict["sender"] = sender
        if send_at is not UNSET:
            field_dict["send_at"] = send_at
        if purpose is not UNSET:
            field_dict["purpose"] = purpose
        if type_ is not UNSET:
            field_dict["type"] = type_
        if voice_gender is not UNSET:
            field_dict["voice_gender"] = voice_gender
        if voice_language is not UNSET:
            field_dict["voice_language"] = voice_language
        if auto_delete_optout_contacts is not UNSET:
            field_dict["auto_delete_optout_contacts"] = auto_delete_optout_contacts
        if get_back_pressed_keys is not UNSET:
            field_dict["get_back_pressed_keys"] = get_back_pressed_keys
        if simulation_mode is not UNSET:
            field_dict["simulation_mode"] = simulation_mode
        if auto_optimize_text is not UNSET:
            field_dict["auto_optimize_text"] = auto_optimize_text
        if list_name is not UNSET:
            field_dict["list_name"] = list_name
        if request_id is not UNSET:
            field_dict["request_id"] = request_id

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.contact import Contact  # noqa: PLC0415

        d = dict(src_dict)
        text = d.pop("text")

        recipients = []
        _recipients = d.pop("recipients")
        for recipients_item_data in _recipients:
            recipients_item = Contact.from_dict(recipients_item_data)

            recipients.append(recipients_item)

        sender = d.pop("sender", UNSET)

        _send_at = d.pop("send_at", UNSET)
        send_at: datetime.datetime | Unset
        if isinstance(_send_at, Unset):
            send_at = UNSET
        else:
            send_at = datetime.datetime.fromisoformat(_send_at)

        _purpose = d.pop("purpose", UNSET)
        purpose: VoiceCampaignPurpose | Unset
        if isinstance(_purpose, Unset):
            purpose = UNSET
        else:
            purpose = check_voice_campaign_purpose(_purpose)

        _type_ = d.pop("type", UNSET)
        type_: VoiceCampaignType | Unset
        if isinstance(_type_, Unset):
            type_ = UNSET
        else:
            type_ = check_voice_campaign_type(_type_)

        _voice_gender = d.pop("voice_gender", UNSET)
        voice_gender: VoiceCampaignVoiceGender | Unset
        if isinstance(_voice_gender, Unset):
            voice_gender = UNSET
        else:
            voice_gender = check_voice_campaign_voice_gender(_voice_gender)

        _voice_language = d.pop("voice_language", UNSET)
        voice_language: VoiceCampaignVoiceLanguage | Unset
        if isinstance(_voice_language, Unset):
            voice_language = UNSET
        else:
            voice_language = check_voice_campaign_voice_language(_voice_language)

        auto_delete_optout_contacts = d.pop("auto_delete_optout_contacts", UNSET)

        get_back_pressed_keys = d.pop("get_back_pressed_keys", UNSET)

        simulation_mode = d.pop("simulation_mode", UNSET)

        auto_optimize_text = d.pop("auto_optimize_text", UNSET)

        list_name = d.pop("list_name", UNSET)

        def _parse_request_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        request_id = _parse_request_id(d.pop("request_id", UNSET))

        voice_campaign = cls(
            text=text,
            recipients=recipients,
            sender=sender,
            send_at=send_at,
            purpose=purpose,
            type_=type_,
            voice_gender=voice_gender,
            voice_language=voice_language,
            auto_delete_optout_contacts=auto_delete_optout_contacts,
            get_back_pressed_keys=get_back_pressed_keys,
            simulation_mode=simulation_mode,
            auto_optimize_text=auto_optimize_text,
            list_name=list_name,
            request_id=request_id,
        )

        return voice_campaign
