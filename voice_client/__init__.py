"""Send voice campaigns: the door to the generated client ``voice_api``. Unofficial.

>>> from voice_client import VoiceClient
>>> client = VoiceClient("ada@example.com", "a-key", base_url="http://127.0.0.1:8010")
>>> client
VoiceClient('ada@example.com', base_url='http://127.0.0.1:8010')
"""

from __future__ import annotations

from voice_api.models import CampaignAccepted, Contact, FieldError
from voice_client.client import VoiceClient
from voice_client.errors import (
    AcceptedButUnreadable,
    InvalidRequest,
    NotSent,
    OutcomeUnknown,
    Refused,
    VoiceError,
)

__all__ = [
    "AcceptedButUnreadable",
    "CampaignAccepted",
    "Contact",
    "FieldError",
    "InvalidRequest",
    "NotSent",
    "OutcomeUnknown",
    "Refused",
    "VoiceClient",
    "VoiceError",
]
