"""Puts the parts together: findings, the runs that prove them, and the next version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from vms.changes.behaviour import ANSWER, Behaviour, Fate, behaviour
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
    second = structure(old, new, [one for one in found if one.severity != Severity.HARMLESS])
    old_callers = behaviour(old, new, generated.old if generated else None)
    new_callers = behaviour(new, old, generated.new if generated else None)
    # A figure of every campaign that a term changes proves nothing else.
    figures = tuple(
        name for one in found if one.rule == "term-changed" for name in _SHOWN_BY.get(one.about, ())
    )
    proven = [_proven(one, old_callers, figures) for one in (*found, *second.findings)]
    claimed = {told for one in proven for told in one.proof}
    others = _unclaimed(old_callers, claimed, proven)
    return Comparison(
        old,
        new,
        tuple(ordered((*proven, *others))),
        second.told,
        old_callers,
        new_callers,
        generated.breakages if generated else None,
    )


def _unclaimed(
    callers: Behaviour, claimed: set[str], proven: Iterable[Finding]
) -> Iterator[Finding]:
    """What the runs show and no rule has found: the rules are not the last word."""
    worst = list(Severity)
    told = dict[str, int]()
    for one in proven:
        told[one.about] = min(told.get(one.about, len(worst)), worst.index(one.severity))
    runs = [run for run in callers.runs if str(run) not in claimed]
    for about in dict.fromkeys(run.about for run in runs):
        mine = [run for run in runs if run.about == about]
        loud = all(run.fate != Fate.READ_DIFFERENTLY for run in mine)
        severity = Severity.BREAKING if loud else Severity.SILENT
        if all(run.difference.startswith("advice") for run in mine):
            # An advice is the twin's; the calls are what they were.
            severity = Severity.HARMLESS
        if about != ANSWER and told.get(about, len(worst)) <= worst.index(severity):
            continue  # A rule has told of it, as of something no better.
        yield Finding(
            severity,
            "read-otherwise" if not loud else "no-longer-works",
            about or "the body",
            f"What old callers send as {about or 'a request'} is not what it was; see what ran.",
            "client code, and perhaps people being called",
            "Look for the change that does it; no rule knows it.",
            proof=tuple(map(str, mine)),
        )


# What a term changes shows in these figures of a campaign.
_SHOWN_BY: Final = {
    "price": ("total_cost",),
    "billing_step": ("estimated_duration", "total_cost"),
    "characters_a_second": ("estimated_duration", "total_cost"),
    "opt_out_flag": ("number_of_contacts", "total_cost", "advice"),
}


def _proven(one: Finding, callers: Behaviour, figures: tuple[str, ...]) -> Finding:
    if one.severity == Severity.HARMLESS:
        return one
    if one.rule == "term-changed":
        shown = _SHOWN_BY.get(one.about)
        runs = [run for run in callers.runs if shown and run.difference.startswith(shown)]
    elif one.rule == "answer-meaning-changed":
        runs = [run for run in callers.runs if run.about == ANSWER]
    elif one.rule.startswith("answer-"):
        member = one.about.rpartition(".")[2]
        unread = [run for run in callers.runs if run.fate == Fate.UNREADABLE_ANSWER]
        runs = [run for run in unread if member in run.difference] or unread
    else:
        mine = [run for run in callers.runs if run.about == one.about]
        runs = [run for run in mine if not (figures and run.difference.startswith(figures))]
    return replace(one, proof=tuple(map(str, runs)))
