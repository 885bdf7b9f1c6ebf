"""One finding of a comparison, and what it asks of the next version."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from vms.contracts.places import Place

# Python's own limit is 4300 digits; no version has ten.
_NUMBER: Final = re.compile("[0-9]{1,9}")


class Severity(StrEnum):
    """How bad, the worst first.

    ``silent``: the old client still compiles and nothing reports that its calls mean something
    else, or are answered differently. ``breaking``: code or calls fail for everyone to see.
    ``warning``: the contract alone does not decide. ``harmless``: old callers notice nothing.
    """

    SILENT = "silent"
    BREAKING = "breaking"
    WARNING = "warning"
    HARMLESS = "harmless"


@dataclass(frozen=True, slots=True)
class Finding:
    """One change: what, who is hit, what to do, where it stands, and runs that prove it."""

    severity: Severity
    rule: str
    about: str
    """The parameter or the part of the contract, in its old name if it has two."""
    what: str
    hit: str
    remedy: str
    old: Place | None = None
    new: Place | None = None
    proof: tuple[str, ...] = ()


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Silent before breaking before harmless; among equals, who is called comes first."""
    severities = list(Severity)
    return sorted(
        findings,
        key=lambda one: (
            severities.index(one.severity),
            not one.hit.startswith("people"),
            # What only the runs show is often a consequence of the rest.
            one.old is None and one.new is None,
            one.about,
        ),
    )


def bump(old: str, findings: Iterable[Finding]) -> str:
    """The next version number after ``old``, by Semantic Versioning.

    >>> from dataclasses import replace
    >>> one = Finding(Severity.SILENT, "r", "a", "w", "h", "d")
    >>> bump("1.2.3", [one]), bump("0.2.0", [one]), bump("1.2.3", [])
    ('2.0.0', '0.3.0', '1.2.3')
    >>> [bump("1.2.3", [replace(one, severity=worst)]) for worst in list(Severity)[1:]]
    ['2.0.0', '1.3.0', '1.3.0']
    """
    found = {one.severity for one in findings}
    major, minor, patch, preliminary = numbers(old)
    if not found:
        return old if preliminary else f"{major}.{minor}.{patch}"
    if found <= {Severity.HARMLESS, Severity.WARNING} or major == 0:
        # Before 1.0 a minor number may break.
        return f"{major}.{minor + 1}.0"
    return f"{major + 1}.0.0"


def numbers(version: str) -> tuple[int, int, int, int]:
    """The numbers of a version, to compare; the last is -1 for what comes before that version.

    What is not a number counts as 0.

    >>> numbers("1.2.3"), numbers("2"), numbers("1.0.\u00b2")
    ((1, 2, 3, 0), (2, 0, 0, 0), (1, 0, 0, 0))
    >>> numbers("1.9.0") < numbers("2.0.0-rc.1") < numbers("2.0.0+today")
    True
    """
    core, dash, _ = version.partition("+")[0].partition("-")
    parts = [int(part) if _NUMBER.fullmatch(part) else 0 for part in core.split(".")[:3]]
    major, minor, patch = (*parts, 0, 0, 0)[:3]
    return major, minor, patch, -bool(dash)
