from typing import Literal

VoiceCampaignVoiceGender = Literal["female", "male"]

VOICE_CAMPAIGN_VOICE_GENDER_VALUES: set[VoiceCampaignVoiceGender] = {
    "female",
    "male",
}


def check_voice_campaign_voice_gender(value: str) -> VoiceCampaignVoiceGender:
    if value in VOICE_CAMPAIGN_VOICE_GENDER_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {VOICE_CAMPAIGN_VOICE_GENDER_VALUES!r}"
    )
