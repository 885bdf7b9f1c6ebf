"""What a note with high stakes means for the people who are called, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mock_server.reading.coercion import top_level

# By the parameter that is concerned, or meant, and by the kind of the note. The parameters are
# those of the shipped contract; of any other the general sentence is right.
_BY_PARAMETER: Final = {
    ("simulation_mode", "ignored"): "This phone rings although you meant to simulate.",
    ("simulation_mode", "default"): "This phone rings although you meant to simulate.",
    ("send_at", "ignored"): "It is sent at once, not at the time that you gave.",
    ("send_at", "advice"): "It is sent at once: the time that you gave has passed.",
    ("send_at", "repair"): "It may be sent at another hour than you meant.",
    ("recipients", "repair"): "Somebody else may be called: a number had no country code.",
    ("recipients", "ignored"): "Somebody on your list is not called.",
    ("auto_delete_optout_contacts", "ignored"): "People who opted out are called.",
    ("auto_delete_optout_contacts", "default"): "People who opted out are called.",
    ("request_id", "ignored"): "If you send it again, everybody is called, and paid for, again.",
}
_GENERAL: Final = "It changes who is called, when, or at what cost."


def at_stake(note: Mapping[str, Any]) -> str:
    """What is at stake where a request with this note is sent."""
    about = note.get("did_you_mean") or top_level(note["path"])
    return _BY_PARAMETER.get((about, note["kind"]), _GENERAL)
