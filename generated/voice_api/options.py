"""The options of a VoiceCampaign by name, for type checkers."""

from __future__ import annotations

import datetime
from typing import TypedDict

from .models.voice_campaign_purpose import VoiceCampaignPurpose
from .models.voice_campaign_type import VoiceCampaignType
from .models.voice_campaign_voice_gender import VoiceCampaignVoiceGender
from .models.voice_campaign_voice_language import VoiceCampaignVoiceLanguage


class VoiceCampaignOptions(TypedDict, total=False):
    """The parameters of a VoiceCampaign that may be left out, but for request_id."""

    sender: str
    "Sender of the message (if the user allows it), alphanumeric characters. The vendor's prose says 3 to 11 characters, its field list up to 20."
    send_at: datetime.datetime
    "When you want to send the campaign, ISO 8601 with an offset (for example 2018-10-03T07:42:39-07:00). Without it the campaign is sent at once."
    purpose: VoiceCampaignPurpose
    "Campaign purpose: alert (transactional) or wholesale (marketing)."
    type: VoiceCampaignType
    "Always voice_sms; it was vocal_sms until 2022."
    voice_gender: VoiceCampaignVoiceGender
    "Voice gender."
    voice_language: VoiceCampaignVoiceLanguage
    "Voice language. One that is not supported is refused, against the general policy."
    auto_delete_optout_contacts: bool
    "True to leave out contacts who opted out."
    get_back_pressed_keys: bool
    "True to get the pressed keys back, in the delivery receipt."
    simulation_mode: bool
    "True to have the request simulated: a fake result, and only some minimal validations."
    auto_optimize_text: bool
    "False to keep the text as it is; true strips useless white space and characters. Inferred from the vendor's nameless boolean that defaults to true."
    list_name: str
    "Name of a list to make from these contacts. Inferred from the vendor's nameless string."
