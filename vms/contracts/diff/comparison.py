"""Puts the parts together: findings, the runs that prove them, and the next version."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from mock_server.contract.document import ContractError
from vms.contracts.diff.changes import Change, Role
from vms.contracts.diff.document_differ import DocumentDiffer
from vms.contracts.diff.findings import Finding, Severity, bump, numbers, ordered
from vms.contracts.diff.generated_clients import Clients
from vms.contracts.diff.leniency import Leniency
from vms.contracts.diff.reach import Reach
from vms.contracts.diff.replay import ANSWER, Behaviour, Outcome, behaviour
from vms.contracts.diff.rules import RULES
from vms.contracts.loaded import Document, place
from vms.contracts.openapi import without_collection

JSON_VERSION: Final = 2
"""That of `Comparison.document`; it is raised when a member goes or means something else."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two documents, compared."""

    old: Document
    new: Document
    findings: tuple[Finding, ...]
    old_callers: Behaviour | None = None
    """What requests of the old contract met at the new twin; None where one has no leniency."""
    new_callers: Behaviour | None = None
    python: tuple[str, ...] | None = None
    """What breaks for Python that imports the generated client; None if none was generated."""

    @property
    def next_version(self) -> str:
        """The lowest version number that shows what the change is."""
        return bump(self.old.version, self.findings)

    @property
    def version_shows(self) -> bool:
        """Whether the new document's own number is as high as that."""
        return numbers(self.new.version) >= numbers(self.next_version)

    def counted(self, severity: Severity) -> int:
        """How many findings are as bad as this."""
        return sum(one.severity == severity for one in self.findings)

    def changelog(self) -> list[str]:
        """A line for each finding, as a changelog in Markdown has it."""
        return [f"- {one.severity.capitalize()}: {one.what}" for one in self.findings]

    def document(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "version": JSON_VERSION,
            **{
                name: {"file": str(one.openapi.path), "version": one.version}
                for name, one in (("old", self.old), ("new", self.new))
            },
            "next_version": self.next_version,
            "version_shows": self.version_shows,
            "findings": [asdict(one) for one in self.findings],
            "old_callers": self.old_callers and asdict(self.old_callers),
            "new_callers": self.new_callers and asdict(self.new_callers),
            "python": self.python,
            "changelog": self.changelog(),
        }


def comparison(old: Document, new: Document, generated: Clients | None = None) -> Comparison:
    """Compare two documents; where both have leniency, run the callers of each at the other's twin.

    The callers are those clients, if they were generated; else the contracts stand for them.

    Raises:
        ContractError: a reference leads nowhere, in a circle, or out of the file.
    """
    with without_collection():
        changes = _changes(old, new)
        if old.lenient is None or new.lenient is None:
            return Comparison(old, new, tuple(ordered(_strict(changes, old, new))))
    leniency = Leniency(old.lenient, new.lenient)
    rated = [_finding(change, leniency) for change in changes]
    known = {(one.rule, one.about) for one in rated}
    # A default is both a keyword of the schema and what the API takes.
    more = [one for one in leniency.findings() if (one.rule, one.about) not in known]
    found_all = [*rated, *more]
    old_callers = behaviour(old.lenient, new.lenient, generated.old if generated else None)
    new_callers = behaviour(new.lenient, old.lenient, generated.new if generated else None)
    # A figure of every campaign that a term changes proves nothing else.
    figures = tuple(
        name
        for one in found_all
        if one.rule == "term-changed"
        for name in _SHOWN_BY.get(one.about, ())
    )
    proven = [_proven(one, old_callers, figures) for one in found_all]
    claimed = {shown for one in proven for shown in one.proof}
    others = _unclaimed(old_callers, claimed, proven)
    return Comparison(
        old,
        new,
        tuple(ordered((*proven, *others))),
        old_callers,
        new_callers,
        generated.breakages if generated else None,
    )


def _changes(old: Document, new: Document) -> list[Change]:
    today = dt.datetime.now(dt.UTC).date()
    try:
        return list(DocumentDiffer(old.openapi, new.openapi, today).changes())
    except RecursionError:
        raise ContractError(
            f"{new.openapi.path}: schemas within schemas, deeper than can be compared; "
            "expected fewer levels"
        ) from None


def _strict(changes: Iterable[Change], old: Document, new: Document) -> Iterator[Finding]:
    """Each change as it is where nothing is repaired, with how many operations it reaches."""
    before, after = Reach(old.openapi), Reach(new.openapi)
    for change in changes:
        one = _finding(change, None)
        # A component is compared once, with the first operation that uses it.
        users = (change.new and after.operations(change.new)) or (
            change.old and before.operations(change.old)
        )
        more = f" Operations that use it, too: {users - 1}." if users and users > 1 else ""
        yield replace(one, what=one.what + more)


def _finding(change: Change, leniency: Leniency | None) -> Finding:
    rule = RULES[change.role][change.kind]
    about = change.about
    if leniency is not None:
        rule = leniency.rated(change, rule)
        # There is one operation; who reads this knows which.
        short = about._replace(operation="", part="" if about.part == "body" else about.part)
        about = short if any(short) else about
    words = {"about": str(about), "before": change.before, "after": change.after}
    return Finding(
        rule.severity,
        change.kind,
        # What a request was about, is known by the path of the parameter alone.
        (change.role is Role.REQUEST and leniency and about.member) or str(about),
        f"{rule.what} {rule.then}".strip().format_map(words),
        rule.hit,
        rule.remedy.format_map(words),
        change.old and place(change.old),
        change.new and place(change.new),
    )


def _unclaimed(
    callers: Behaviour, claimed: set[str], proven: Iterable[Finding]
) -> Iterator[Finding]:
    """What the runs show and no rule has found: the rules are not the last word."""
    worst = list(Severity)
    shown = dict[str, int]()
    for one in proven:
        shown[one.about] = min(shown.get(one.about, len(worst)), worst.index(one.severity))
    runs = [run for run in callers.runs if str(run) not in claimed]
    for about in dict.fromkeys(run.about for run in runs):
        mine = [run for run in runs if run.about == about]
        loud = all(run.outcome != Outcome.READ_DIFFERENTLY for run in mine)
        severity = Severity.BREAKING if loud else Severity.SILENT
        if all(run.difference.startswith("advice") for run in mine):
            # An advice is the twin's; the calls are what they were.
            severity = Severity.HARMLESS
        if about != ANSWER and shown.get(about, len(worst)) <= worst.index(severity):
            continue  # A rule has shown of it, as of something no better.
        yield Finding(
            severity,
            "read-differently" if not loud else "no-longer-works",
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
    elif one.about[:1].isdigit():
        # A member of an answer stands behind its status.
        member = re.split(r"[ .]", one.about)[-1]
        unread = [run for run in callers.runs if run.outcome == Outcome.UNREADABLE_ANSWER]
        runs = [run for run in unread if member in run.difference] or unread
    else:
        mine = [run for run in callers.runs if run.about == one.about]
        runs = [run for run in mine if not (figures and run.difference.startswith(figures))]
    return replace(one, proof=tuple(map(str, runs)))
