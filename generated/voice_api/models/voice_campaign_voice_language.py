from typing import Literal

VoiceCampaignVoiceLanguage = Literal[
    "de-DE",
    "el-GR",
    "en-GB",
    "en-US",
    "es-ES",
    "es-LA",
    "fr-FR",
    "hu-HU",
    "it-IT",
    "pl-PL",
    "pt-BR",
    "ru-RU",
    "sv-SE",
]

VOICE_CAMPAIGN_VOICE_LANGUAGE_VALUES: set[VoiceCampaignVoiceLanguage] = {
    "de-DE",
    "el-GR",
    "en-GB",
    "en-US",
    "es-ES",
    "es-LA",
    "fr-FR",
    "hu-HU",
    "it-IT",
    "pl-PL",
    "pt-BR",
    "ru-RU",
    "sv-SE",
}


def check_voice_campaign_voice_language(value: str) -> VoiceCampaignVoiceLanguage:
    if value in VOICE_CAMPAIGN_VOICE_LANGUAGE_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {VOICE_CAMPAIGN_VOICE_LANGUAGE_VALUES!r}"
    )
