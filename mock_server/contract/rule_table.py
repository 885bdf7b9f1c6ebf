"""Every rule of the contract as one table: for the control plane, the docs and the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mock_server.contract.evidence import Evidence
from mock_server.contract.model import Contract, Fallback, Field, Rule


def rules(contract: Contract) -> list[dict[str, Any]]:
    """The rules in the order of the contract, each with field, rule, summary, stakes, evidence.

    ``field`` is the path of a parameter (``recipients[].phone_number``), or what a rule is about
    where it holds for no single one: ``body``, ``any parameter``, ``campaign``, ``call``,
    ``answer``.
    """
    return [
        *(_row("body", rule) for rule in contract.decoding.values()),
        *(_row("any parameter", rule) for rule in contract.rules.values()),
        *_object_rules(contract, contract.body, ""),
        *_campaign_rules(contract),
        *_call_rules(contract),
        *(
            _entry(
                "answer",
                answer.name,
                f"{answer.status} {answer.value.get('message', 'accepted')}",
                answer.evidence,
            )
            for answer in contract.answers.values()
        ),
    ]


def magic_values(contract: Contract) -> list[dict[str, Any]]:
    """Every magic value: where it is sent, the value, summary, evidence."""
    magic, calls = contract.magic, contract.calls
    return [
        {
            "where": where,
            "value": value.value,
            "summary": value.summary,
            "evidence": evidence.document(),
        }
        for where, values, evidence in (
            (contract.key_header, magic.keys, magic.evidence),
            (contract.login_header, magic.logins, magic.evidence),
            ("phone_number", magic.numbers, magic.evidence),
            ("phone_number", calls.phones, calls.phones_evidence),
        )
        for value in values.values()
    ]


def _object_rules(contract: Contract, parent: Field, path: str) -> Iterator[dict[str, Any]]:
    for name, field in parent.members.items():
        here = f"{path}{name}"
        yield from _field_rules(contract, field, here)
        if field.items is not None:
            yield from _field_rules(contract, field.items, f"{here}[]")
            yield from _object_rules(contract, field.items, f"{here}[].")


def _field_rules(contract: Contract, field: Field, path: str) -> Iterator[dict[str, Any]]:
    yield _entry(path, "valid", f"Valid is {field.valid}.", field.valid_evidence)
    yield from (_row(path, rule) for rule in field.casts)
    last = contract.rules.get(field.fallback.value)
    summary = last.summary if last else "What cannot be repaired is refused."
    if field.fallback is Fallback.IGNORE and path.endswith("]"):
        summary = (
            "What cannot be repaired is left out of the list, and the request is sent to the rest."
        )
    yield _entry(path, field.fallback.value, summary, field.evidence, high_stakes=field.high_stakes)
    if field.default_evidence is not None:
        yield _entry(
            path, "absent", f"Left out, it is {_written(field.default)}.", field.default_evidence
        )
    for reason, error in field.errors.items():
        yield _entry(path, f"error:{reason}", f"{error.code} {error.message}", error.evidence)
    for spelling, evidence in field.former.items():
        yield _entry(
            path,
            f"former:{spelling}",
            f"Once called {spelling}; ignored under that name.",
            evidence,
            high_stakes=field.high_stakes,
        )
    for spelling, evidence in field.mistaken.items():
        yield _entry(
            path,
            f"mistaken:{spelling}",
            f"Often called {spelling}; ignored under that name.",
            evidence,
            high_stakes=field.high_stakes,
        )
    yield from (_row(path, advice.rule) for advice in field.advice)


def _campaign_rules(contract: Contract) -> Iterator[dict[str, Any]]:
    terms = contract.terms
    for name, evidence in terms.evidence.items():
        yield _entry(
            "campaign",
            name,
            f"{name.replace('_', ' ').capitalize()}: {getattr(terms, name)}.",
            evidence,
        )
    yield from (_row("campaign", rule) for rule in terms.checks.values())


def _call_rules(contract: Contract) -> Iterator[dict[str, Any]]:
    calls = contract.calls
    for name, evidence in calls.evidence.items():
        value = getattr(calls, name)
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
        yield _entry("call", name, f"{name.replace('_', ' ').capitalize()}: {shown}.", evidence)
    for outcome in calls.outcomes.values():
        statuses = ", ".join(f"{status} ({name})" for name, status in outcome.statuses.items())
        summary = f"{outcome.summary} In a receipt: {statuses}."
        yield _entry("call", f"outcome:{outcome.name}", summary, outcome.evidence)
    for generation in calls.generations.values():
        summary = f"{generation.summary} Statuses: {', '.join(generation.statuses)}."
        yield _entry("call", f"receipt:{generation.name}", summary, generation.evidence)


def _row(field: str, rule: Rule) -> dict[str, Any]:
    return _entry(field, rule.name, rule.summary, rule.evidence, high_stakes=rule.high_stakes)


def _entry(
    field: str, rule: str, summary: str, evidence: Evidence, *, high_stakes: bool = False
) -> dict[str, Any]:
    return {
        "field": field,
        "rule": rule,
        "summary": summary,
        "stakes": "high" if high_stakes else "normal",
        "evidence": evidence.document(),
    }


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def markdown(contract: Contract) -> str:
    """The table as a Markdown page."""
    lines = [
        "# What the API does with what it gets",
        "",
        "Every rule of the contract with its evidence. Made from `openapi/voice-campaign.yaml` by",
        "`./noxw -s generate`; the same table is at `/_twin/rules` and behind `vms rules`.",
        "",
        "| Field | Rule | What happens | Evidence |",
        "| --- | --- | --- | --- |",
    ]
    for row in rules(contract):
        stakes = " **High stakes.**" if row["stakes"] == "high" else ""
        evidence = " · ".join(
            part
            for part in (
                row["evidence"].get(key) for key in ("grade", "source", "date", "quote", "reason")
            )
            if part
        )
        cells = (f"`{row['field']}`", f"`{row['rule']}`", row["summary"] + stakes, evidence)
        lines.append(
            "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
        )
    return "\n".join(lines) + "\n"
