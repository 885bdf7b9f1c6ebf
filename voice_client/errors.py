"""One family of exceptions, by what became of the money.

* `VoiceError`

  * nothing was sent: `InvalidRequest`, `NotSent`, `Refused`
  * it may have been sent: `OutcomeUnknown`
  * it was sent: `AcceptedButUnreadable`
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from voice_api.models import FieldError


class VoiceError(Exception):
    """Anything that keeps `VoiceClient.send` from returning a result."""


class InvalidRequest(VoiceError):  # noqa: N818  (named by what happened, as the contract's words are)
    """The arguments make no request; nothing left this process."""


class NotSent(VoiceError):  # noqa: N818
    """No connection was made, or the request was held back; nothing was sent."""


class Refused(VoiceError):  # noqa: N818
    """The API said no; nothing was sent.

    ``status`` is the HTTP status, ``code`` and ``message`` are the API's, ``errors`` has one
    `FieldError` for each parameter at fault (empty where the API names none).
    """

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        errors: Mapping[str, FieldError] = MappingProxyType({}),
    ) -> None:
        details = "; ".join(
            f"{name}: {error.code} {error.message}" for name, error in errors.items()
        )
        super().__init__(f"{status}: {message}" + (f" ({details})" if details else ""))
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors


class OutcomeUnknown(VoiceError):  # noqa: N818
    """The request left, and no readable verdict came back: people may be called.

    Do not just send it again.
    """


class AcceptedButUnreadable(VoiceError):  # noqa: N818
    """The API accepted the campaign, but its answer could not be read. Do not send it again."""
