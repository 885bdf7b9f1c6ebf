"""Which voice of espeak-ng reads which language and gender (``x-voices`` of openapi/twin.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mock_server.contract.document import shipped_document


class NoVoiceError(Exception):
    """Nothing reads this language or gender: where it was asked for, and what is read."""

    def __init__(self, where: str, got: str, known: list[str]) -> None:
        super().__init__(f"{where}: got {got}; expected one of {', '.join(known)}")
        self.where, self.got = where, got
        self.expected = f"one with a voice of espeak-ng: {', '.join(known)}"


def table() -> Mapping[str, Any]:
    """``languages`` and ``genders``, each with its part of a voice's name, and their evidence."""
    voices: dict[str, Any] = shipped_document("twin.yaml")["x-voices"]
    return voices


def voice(language: str, gender: str) -> str:
    """The voice of espeak-ng that reads a language in a gender.

    >>> voice("es-LA", "male"), voice("fr-FR", "female")
    ('es-419', 'fr+f2')

    Raises:
        NoVoiceError: no voice of espeak-ng is known for one of them.
    """
    given = {"languages": language, "genders": gender}
    parts = list[str]()
    for kind, name in given.items():
        known = table()[kind]
        if name not in known:
            raise NoVoiceError(f"voice_{kind[:-1]}", name, list(known))
        parts.append(known[name])
    return "".join(parts)
