"""Contains all the data models used in inputs/outputs"""

from .api_error import ApiError
from .campaign_accepted import CampaignAccepted
from .contact import Contact
from .delivery_receipt import DeliveryReceipt
from .field_error import FieldError
from .payload_error import PayloadError
from .payload_error_errors import PayloadErrorErrors
from .receipt_details import ReceiptDetails
from .voice_campaign import VoiceCampaign
from .voice_campaign_purpose import VoiceCampaignPurpose
from .voice_campaign_type import VoiceCampaignType
from .voice_campaign_voice_gender import VoiceCampaignVoiceGender
from .voice_campaign_voice_language import VoiceCampaignVoiceLanguage

__all__ = (
    "ApiError",
    "CampaignAccepted",
    "Contact",
    "DeliveryReceipt",
    "FieldError",
    "PayloadError",
    "PayloadErrorErrors",
    "ReceiptDetails",
    "VoiceCampaign",
    "VoiceCampaignPurpose",
    "VoiceCampaignType",
    "VoiceCampaignVoiceGender",
    "VoiceCampaignVoiceLanguage",
)
