"""Send voice campaigns: the door to the generated client ``voice_api``. Unofficial.

>>> from voice_client import VoiceClient
>>> client = VoiceClient("ada@example.com", "a-key", base_url="http://127.0.0.1:8010")
>>> client
VoiceClient('ada@example.com', base_url='http://127.0.0.1:8010')
"""

from __future__ import annotations

from voice_api.models import (
    CampaignAccepted,
    Contact,
    DeliveryReceipt,
    FieldError,
    ReceiptDetails,
)
from voice_api.options import VoiceCampaignOptions
from voice_client.async_client import AsyncVoiceClient
from voice_client.books import CampaignSummary, FrameReport, Progress
from voice_client.client import VoiceClient
from voice_client.errors import (
    AcceptedButUnreadable,
    AuthenticationError,
    ConfigurationError,
    ForbiddenError,
    HeldBack,
    InsufficientCredit,
    InvalidRequest,
    NotSent,
    OutcomeUnknown,
    RateLimited,
    Refused,
    RepeatedRequest,
    ServerError,
    UnexpectedStatus,
    ValidationFailed,
    VoiceError,
)
from voice_client.journal import JournalError, State
from voice_client.prepared import Prepared, prepare
from voice_client.problems import SourceError
from voice_client.receipts import OtherCallback, ReceiptError, delivered_at, parse_receipt
from voice_client.settings import Retries, Timeout
from voice_client.tries import AlreadyAccepted, Runtime

Recipient = Contact
"""One person to call: the contract's contact."""

__all__ = [
    "AcceptedButUnreadable",
    "AlreadyAccepted",
    "AsyncVoiceClient",
    "AuthenticationError",
    "CampaignAccepted",
    "CampaignSummary",
    "ConfigurationError",
    "Contact",
    "DeliveryReceipt",
    "FieldError",
    "ForbiddenError",
    "FrameReport",
    "HeldBack",
    "InsufficientCredit",
    "InvalidRequest",
    "JournalError",
    "NotSent",
    "OtherCallback",
    "OutcomeUnknown",
    "Prepared",
    "Progress",
    "RateLimited",
    "ReceiptDetails",
    "ReceiptError",
    "Recipient",
    "Refused",
    "RepeatedRequest",
    "Retries",
    "Runtime",
    "ServerError",
    "SourceError",
    "State",
    "Timeout",
    "UnexpectedStatus",
    "ValidationFailed",
    "VoiceCampaignOptions",
    "VoiceClient",
    "VoiceError",
    "delivered_at",
    "parse_receipt",
    "prepare",
]
