"""One family of exceptions, by what became of the money.

* `VoiceError`

  * nothing was sent

    * `ConfigurationError`: login, key or address make no client
    * `InvalidRequest`: the arguments are not what the contract wants; nothing left this process
    * `NotSent`: no connection was made

      * `HeldBack`: the client itself kept a real send from leaving this machine

    * `Refused`: the API said no

      * `AuthenticationError` (401), `ForbiddenError` (403)
      * `ValidationFailed` (400): ``errors`` tells which parameters

        * `RepeatedRequest`: this ``request_id`` was used before

      * `InsufficientCredit`
      * `RateLimited` (429): ``retry_after`` tells when
      * `UnexpectedStatus`: another 4xx, which the contract does not document

  * it may have been sent: `OutcomeUnknown`

    * `ServerError` (5xx)

  * it was sent, and the answer is no good: `AcceptedButUnreadable`
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from voice_api.models import FieldError

_NONE: Mapping[str, FieldError] = MappingProxyType({})
# A server may answer anything, and what is told goes into logs and journals.
_LONGEST_REFUSAL = 1000


def shortened(text: str, longest: int = 200) -> str:
    """The text, cut where nobody would read on."""
    return text if len(text) <= longest else f"{text[:longest]}…"


class VoiceError(Exception):
    """Anything that keeps this package from doing what it was asked to."""


class ConfigurationError(VoiceError):
    """Login, key, address or settings make no client; nothing was sent."""


class InvalidRequest(VoiceError):  # noqa: N818  (named by what happened, as the contract's words are)
    """The arguments make no request that the contract allows; nothing left this process."""


class NotSent(VoiceError):  # noqa: N818
    """No connection was made; nothing was sent."""


class HeldBack(NotSent):
    """The request would have left this machine, and is no simulation; nothing was sent."""


class Refused(VoiceError):  # noqa: N818
    """The API said no; nothing was sent.

    ``status`` is the HTTP status, ``code`` and ``message`` are the API's, ``errors`` has one
    `FieldError` (``code``, ``message``) for each parameter at fault, empty where the API names
    none.
    """

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        errors: Mapping[str, FieldError] = _NONE,
    ) -> None:
        details = "; ".join(
            f"{name}: {error.code} {error.message}" for name, error in errors.items()
        )
        told = f"{status}: {message}" + (f" ({details})" if details else "")
        super().__init__(shortened(told, _LONGEST_REFUSAL))
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors


class AuthenticationError(Refused):
    """401: login or key are not those of an account."""


class ForbiddenError(Refused):
    """403: the account may not do this; is the VOICE SMS add-on switched on?"""


class ValidationFailed(Refused):
    """400: what was sent is no campaign; ``errors`` says which parameters, where the API does."""


class RepeatedRequest(ValidationFailed):
    """This ``request_id`` was used before; the campaign of that request stands."""


class InsufficientCredit(Refused):
    """The account cannot pay for the campaign."""


class RateLimited(Refused):
    """429: too many requests; ``retry_after`` is how many seconds to wait, None if not told."""

    def __init__(
        self, status: int, code: int, message: str, *, retry_after: float | None = None
    ) -> None:
        super().__init__(status, code, message)
        self.retry_after = retry_after


class UnexpectedStatus(Refused):
    """A 4xx that the contract does not document; is the address right?"""


class OutcomeUnknown(VoiceError):  # noqa: N818
    """The request left, and no verdict came back: people may be called, and money may be gone.

    Do not just send it again.
    """


class ServerError(OutcomeUnknown):
    """5xx: it may have been sent. ``retry_after`` is in seconds, None if not told."""

    def __init__(self, status: int, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{status} {message}".rstrip())
        self.status = status
        self.retry_after = retry_after


class AcceptedButUnreadable(VoiceError):  # noqa: N818
    """The API accepted the campaign, but its answer could not be read. Do not send it again."""
