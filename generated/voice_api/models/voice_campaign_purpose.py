from typing import Literal

VoiceCampaignPurpose = Literal["alert", "wholesale"]

VOICE_CAMPAIGN_PURPOSE_VALUES: set[VoiceCampaignPurpose] = {
    "alert",
    "wholesale",
}


def check_voice_campaign_purpose(value: str) -> VoiceCampaignPurpose:
    if value in VOICE_CAMPAIGN_PURPOSE_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {VOICE_CAMPAIGN_PURPOSE_VALUES!r}"
    )
