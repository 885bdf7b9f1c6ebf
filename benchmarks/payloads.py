"""The bodies that the benchmarks send."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final

TEXT: Final = "Your parcel waits at the counter until Friday."
_SENTENCE: Final = "Bonjour, votre colis arrive demain entre neuf heures et midi. "
_SEED: Final = 20181003


def clean(recipients: int, characters: int) -> dict[str, Any]:
    """A valid campaign with the eleven parameters that the vendor's page names, and no remark.

    It lies in the future: the twin logs each one that does not.

    Args:
        recipients: how many numbers, of French ranges in use.
        characters: how long the text is, at most 1,224.
    """
    draw = random.Random(_SEED)  # noqa: S311  (phone numbers, the same in each run)
    numbers = [f"+33{draw.randrange(610_000_000, 630_000_000)}" for _ in range(recipients)]
    return {
        "text": (_SENTENCE * 20)[:characters],
        "recipients": [{"phone_number": number} for number in numbers],
        "sender": "Acme",
        "send_at": "2099-10-03T07:42:39-07:00",
        "purpose": "alert",
        "type": "voice_sms",
        "voice_gender": "female",
        "voice_language": "fr-FR",
        "auto_delete_optout_contacts": True,
        "get_back_pressed_keys": False,
        "simulation_mode": False,
    }


def broken(numbers: Sequence[str]) -> dict[str, Any]:
    """A campaign with every parameter wrong, and every one repairable.

    Args:
        numbers: the recipients', as people write them.
    """
    contacts = [
        {"phone_number": number, "first_name": n, "last_name": n % 2 == 0, "town": "Paris"}
        for n, number in enumerate(numbers)
    ]
    return {
        "text": f"  {TEXT}{' ' * 1224}{TEXT}\n",
        "recipients": {str(n): contact for n, contact in enumerate(contacts)},
        "sender": "Nanterre-dom",
        "send_at": "2030-10-03 07:42",
        "purpose": " ALERT ",
        "type": "VOICE_SMS",
        "voice_gender": "Female",
        "voice_language": "FR_fr",
        "auto_delete_optout_contacts": "yes",
        "get_back_pressed_keys": 1,
        "simulation_mode": "off",
        "auto_optimize_text": "TRUE",
        "list_name": 7,
        # Any other would be refused as a repeat when it comes again.
        "request_id": "",
    }
