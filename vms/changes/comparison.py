"""Puts the parts together: findings, the runs that prove them, and the next version."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from vms.changes.behaviour import Behaviour, Fate, behaviour
from vms.changes.clients import Clients
from vms.changes.findings import Finding, Severity, bump, numbers, ordered
from vms.changes.operation import Operations
from vms.changes.request import Requests
from vms.changes.sources import Side
from vms.changes.structure import structure


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two contracts held against each other."""

    old: Side
    new: Side
    findings: tuple[Finding, ...]
    structure: str
    """What the second opinion said."""
    old_callers: Behaviour
    new_callers: Behaviour
    python: tuple[str, ...] | None = None
    """What breaks for Python that imports the generated client; None if none was generated."""

    @property
    def next_version(self) -> str:
        """The lowest version number that tells what the change is."""
        return bump(self.old.contract.version, self.findings)

    @property
    def version_tells(self) -> bool:
        """Whether the new contract's own number is as high as that."""
        return numbers(self.new.contract.version) >= numbers(self.next_version)

    def counted(self, severity: Severity) -> int:
        """How many findings are as bad as this."""
        return sum(one.severity == severity for one in self.findings)

    def changelog(self) -> list[str]:
        """A line for each finding, as a changelog in Markdown has it."""
        return [f"- {one.severity.capitalize()}: {one.what}" for one in self.findings]

    def document(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "old": {"file": str(self.old.file.path), "version": self.old.contract.version},
            "new": {"file": str(self.new.file.path), "version": self.new.contract.version},
            "next_version": self.next_version,
            "version_tells": self.version_tells,
            "findings": [asdict(one) for one in self.findings],
            "structure": self.structure,
            "old_callers": asdict(self.old_callers),
            "new_callers": asdict(self.new_callers),
            "python": self.python,
            "changelog": self.changelog(),
        }


def comparison(old: Side, new: Side, generated: Clients | None = None) -> Comparison:
    """Hold two against each other, and run the callers of each against the twin of the other.

    The callers are those clients, if they were generated; else the contracts stand for them.
    """
    found = [*Requests(old, new).findings(), *Operations(old, new).findings()]
    second = structure(old, new, found)
    old_callers = behaviour(old, new, generated.old if generated else None)
    new_callers = behaviour(new, old, generated.new if generated else None)
    proven = [_proven(one, old_callers) for one in (*found, *second.findings)]
    return Comparison(
        old,
        new,
        tuple(ordered(proven)),
        second.told,
        old_callers,
        new_callers,
        generated.breakages if generated else None,
    )


def _proven(one: Finding, callers: Behaviour) -> Finding:
    if one.severity == Severity.HARMLESS:
        return one
    of_the_answer = one.rule.startswith("answer-")
    runs = (
        str(run)
        for run in callers.runs
        if (run.fate == Fate.UNREADABLE_ANSWER if of_the_answer else run.about == one.about)
    )
    return replace(one, proof=tuple(runs))
