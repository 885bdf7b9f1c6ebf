"""Writes docs/what-happens-if.md: each kind of value as each parameter, by the oracle alone.

python contract_tests/table.py write
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kinds
import oracle
import spec
from kinds import ABSENT, IN_CONTACT, Cell

PAGE: Final = Path(__file__).parents[1] / "docs" / "what-happens-if.md"
_LONGEST: Final = 48
_FEW: Final = 8
_INTRO: Final = """\
# What happens if I send …

Each kind of value as each parameter, for a lenient account in its default region, at noon UTC on
23 November 2026. Worked out from `openapi/voice-campaign.yaml` by `contract_tests/oracle.py`, which
shares nothing with the twin; `contract_tests/test_table.py` asks the twin every one of these
questions three times: lenient, strict, simulated.

*As sent* is valid. Whatever is read differently, left out or replaced, the API does without a word:
the twin notes it, and `--strict` refuses it. The last column is the evidence: *documented* by the
vendor's page, *official* elsewhere, or *assumed*, which is ours and nobody has seen it.
[rules.md](rules.md) names the source of each rule.
"""


def _ladders() -> dict[str, dict[str, Any]]:
    schemas = spec.DOCUMENT["components"]["schemas"]
    body = schemas["VoiceCampaign"]["properties"]
    contact = schemas["Contact"]["properties"]
    named = {**body, **{f"{IN_CONTACT}{name}": entry for name, entry in contact.items()}}
    return {name: entry["x-lenient"] for name, entry in named.items()}


LADDERS: Final = _ladders()
"""The ``x-lenient`` of every parameter."""


def _code(value: object) -> str:
    """A value as code that keeps to one cell of a table."""
    text = json.dumps(value, ensure_ascii=False)
    for character in ("\ufeff", "\u007f"):
        text = text.replace(character, f"\\u{ord(character):04x}")
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} … {text[-8:]}"
    return f"`{text}`".replace("|", "\\|")


def _contact_is_gone(cell: Cell, verdict: oracle.Verdict) -> bool:
    """Whether the contact that the cell is about was left out of the campaign."""
    kept = verdict.kept.get("recipients", ())
    return cell.field.startswith(IN_CONTACT) and len(kept) < len(cell.body["recipients"])


def _kept(cell: Cell, verdict: oracle.Verdict) -> str:
    """What the API has of the parameter after reading."""
    owner, name = verdict.kept, cell.field
    if name.startswith(IN_CONTACT):
        if _contact_is_gone(cell, verdict):
            return "no such contact"
        owner, name = verdict.kept["recipients"][0], name.removeprefix(IN_CONTACT)
    if name not in owner:
        return "nothing"
    if cell.value is not ABSENT and oracle.written(owner[name]) == oracle.written(cell.value):
        return "as sent"
    return _code(owner[name])


_HAPPENS: Final = {
    "default": "replaced by the default",
    "ignored": "left out, and the rest is sent",
    "null_as_absent": "read as if it were left out",
    "unknown": "an unknown name: left out, and the rest is sent",
}


def _happens(cell: Cell, verdict: oracle.Verdict) -> str:
    name = cell.field.removeprefix(IN_CONTACT)
    blamed = "recipients" if cell.field.startswith(IN_CONTACT) else name
    if blamed in verdict.errors:
        code, message = verdict.errors[blamed]
        return f"**refused**: {code} {message}"
    if verdict.flat:
        return "**refused**: " + oracle.said_flat(verdict.flat)
    remarks = [remark for remark in verdict.remarks if remark.kind != "advice"]
    parts = [_HAPPENS.get(r.rule, _HAPPENS.get(r.kind, "")) for r in remarks if r.kind != "repair"]
    if _contact_is_gone(cell, verdict):
        parts = ["the contact is left out, and the others are called"]
    repairs = [f"`{remark.rule}`" for remark in remarks if remark.kind == "repair"]
    if repairs:
        parts.insert(0, "repaired by " + ", ".join(dict.fromkeys(repairs)))
    parts += [f"advice `{r.rule}`" for r in verdict.remarks if r.kind == "advice"]
    if any(remark.high_stakes for remark in verdict.remarks):
        parts.append("**high stakes**")
    return "; ".join(parts)


def _grades(cell: Cell, verdict: oracle.Verdict) -> str:
    lenient = LADDERS.get(cell.field, {})
    blamed = "recipients" if cell.field.startswith(IN_CONTACT) else cell.field
    if blamed in verdict.errors:
        code = verdict.errors[blamed][0]
        errors = LADDERS[blamed]["errors"].values()
        return next(e["evidence"]["grade"] for e in errors if e["code"] == code)
    grades = dict.fromkeys(remark.grade for remark in verdict.remarks)
    if not grades and cell.value is ABSENT and "default" in lenient:
        return str(lenient["default"]["evidence"]["grade"])
    return ", ".join(grades)


def _valid(field: str) -> str:
    """The parameter in a line: what is valid, what stands in for it, what is the last resort."""
    schema, lenient = kinds.FIELDS[field], LADDERS[field]
    parts = [
        f"{name} {_plain(value)}"
        for name, value in schema.items()
        if name not in {"items", "description", "default"}
    ]
    default = lenient.get("default", {})
    if default:
        stands_in = default.get("value", schema.get("default"))
        parts.append(f"default {_code(stands_in)}")
    last = {
        "default": "gets the default",
        "ignore": "is left out",
        "reject": "is refused",
    }[lenient["fallback"]]
    if field == "recipients[].phone_number":
        last = "leaves its contact out"
    return f"Valid: {', '.join(parts)}. What cannot be repaired {last}."


def _plain(value: object) -> str:
    shown = " or ".join(map(str, value)) if isinstance(value, list) else str(value)
    # The contract writes $ where the tests' own library needs \Z.
    return f"`{shown[:-2]}$`" if shown.endswith(r"\Z") else shown


def _section(field: str, cells: list[Cell]) -> Iterator[str]:
    rows = dict[tuple[str, str, str], list[str]]()
    for cell in cells:
        verdict = oracle.judge(cell.body)
        row = (_kept(cell, verdict), _happens(cell, verdict), _grades(cell, verdict))
        rows.setdefault(row, []).append(cell.kind.label)
    yield f"## {field or 'a parameter without a name'}"
    yield ""
    if field in LADDERS:
        yield _valid(field)
        yield ""
    yield "| You send | The API has | What it does | Evidence |"
    yield "| --- | --- | --- | --- |"
    most = max(rows, key=lambda row: len(rows[row]))
    others = [row for row in rows if row != most]
    for row in [*others, most]:
        yield f"| {_sent(rows[row], everything_else=row == most)} | {' | '.join(row)} |"
    yield ""


def _sent(labels: list[str], *, everything_else: bool) -> str:
    """The kinds in one row; of very many the first few."""
    if everything_else and len(labels) > _FEW:
        return f"anything else, such as {'; '.join(labels[:_FEW])}"
    return "; ".join(labels)


def page() -> str:
    """The whole page."""
    by_field = dict[str, list[Cell]]()
    for cell in kinds.table():
        by_field.setdefault(cell.field, []).append(cell)
    lines = [_INTRO]
    seen = dict[str, str]()
    for field, cells in by_field.items():
        if field in kinds.UNKNOWN:
            continue
        text = "\n".join(_section(field, cells))
        body = text.partition("\n")[2]
        if body in seen:
            lines += [f"## {field}", "", f"As `{seen[body]}`.", ""]
        else:
            seen[body] = field
            lines.append(text)
    lines += ["## any other name", "", "| Name | Evidence | What it does |", "| --- | --- | --- |"]
    for name in kinds.UNKNOWN:
        verdict = oracle.judge(by_field[name][1].body)
        remark = verdict.remarks[0]
        stakes = "; **high stakes**" if remark.high_stakes else ""
        does = f"{_HAPPENS['unknown']}{stakes}"
        lines.append(f"| {_code(name)} | {remark.grade} | {does} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Run the command; see the top of this file."""
    match arguments:
        case ["write"]:
            PAGE.write_text(page(), "utf-8")
            return 0
        case _:
            print(__doc__)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
