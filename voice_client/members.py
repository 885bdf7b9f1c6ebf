"""The members of the contract's contact: their names, and what may stand in them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

import attrs

from voice_api.models import Contact
from voice_client.problems import FaultError

PHONE: Final = "phone_number"
"""The only member that must be there."""

# The generator adds an underscore to a name that Python keeps to itself, and one attribute of its
# own to a model that may have unknown members.
NAMES: Final = tuple(
    field.name.removesuffix("_")
    for field in attrs.fields(Contact)
    if field.name != "additional_properties"
)
"""Every member, as the contract names it."""

# openapi/voice-campaign.yaml, components.schemas.Contact.properties.phone_number, x-lenient.
_OTHER_NAMES: Final = ("number", "phone", "mobile", "msisdn", "tel", "to")
_MEANT: Final = {name: name for name in NAMES} | dict.fromkeys(_OTHER_NAMES, PHONE)


class MemberError(FaultError):
    """A member of a contact that is of another type than the contract's."""


def suggestion(name: str) -> str:
    """What to do about a name that no member has.

    >>> suggestion("mobile"), suggestion("First Name"), suggestion("shoe size")
    ('did you mean phone_number?', 'did you mean first_name?', 'rename it or leave it out')
    """
    key = name.strip().lower().replace(" ", "_")
    close = get_close_matches(key, _MEANT, n=1)
    return f"did you mean {_MEANT[close[0]]}?" if close else "rename it or leave it out"


def checked(contact: Contact) -> dict[str, str | None]:
    """The contact as a JSON object: the members that are set, each a text or (optional) null.

    Raises:
        MemberError: one is something else, which the generated model does not check.
    """
    members = contact.to_dict()
    for name, value in members.items():
        if isinstance(value, str):
            if not value.isascii() and not _is_unicode(value):
                raise MemberError(value, f"a text as {name}", "half a surrogate pair is no text")
        elif name == PHONE:
            raise MemberError(value, f"a text as {name}", "in quotes: a number loses its plus sign")
        elif value is not None:
            raise MemberError(value, f"a text as {name}", "put it in quotes")
    return members


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
