from typing import Literal

VoiceCampaignType = Literal["voice_sms"]

VOICE_CAMPAIGN_TYPE_VALUES: set[VoiceCampaignType] = {
    "voice_sms",
}


def check_voice_campaign_type(value: str) -> VoiceCampaignType:
    if value in VOICE_CAMPAIGN_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {VOICE_CAMPAIGN_TYPE_VALUES!r}")
