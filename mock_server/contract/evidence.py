"""Why a rule of the contract is believed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why we believe a rule: its grade, and where it was seen or why it was assumed."""

    grade: str
    source: str | None = None
    quote: str | None = None
    date: str | None = None
    reason: str | None = None

    def document(self) -> dict[str, str]:
        """The parts that are there, by name."""
        return {name: part for name in self.__slots__ if (part := getattr(self, name)) is not None}
