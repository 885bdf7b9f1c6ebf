"""What forces an outcome by itself (``x-magic``), as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mock_server.contract.evidence import Evidence
from mock_server.json_values import Json


@dataclass(frozen=True, slots=True)
class MagicValue:
    """A value that forces an outcome: the answer's name, the account's settings, or the fault."""

    value: str
    summary: str
    does: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Magic:
    """Every magic value (``x-magic``), by the value itself."""

    keys: Mapping[str, MagicValue]
    logins: Mapping[str, MagicValue]
    """By the end of a login, or of its part before the @."""
    numbers: Mapping[str, MagicValue]
    ranges: tuple[Mapping[str, str], ...]
    """Where regulators keep numbers for fiction: prefix, reserved_by, where."""
    evidence: Evidence

    def login(self, login: str) -> MagicValue | None:
        """The magic value that a login ends with, if any.

        >>> value = MagicValue("+strict", "", {})
        >>> magic = Magic({}, {"+strict": value}, {}, (), Evidence("assumed"))
        >>> magic.login("ada+strict@example.com") is magic.login("ada+strict") is value
        True
        """
        name = login.partition("@")[0]
        return next((value for end, value in self.logins.items() if name.endswith(end)), None)
