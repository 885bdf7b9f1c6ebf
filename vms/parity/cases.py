"""The rows of ``contract_tests/cases`` as requests; its README says what each key means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

UNSAID: Final = object()
IN_CONTACT: Final = "recipients[]."
# Those of a real account stand in for them.
NUMBERS: Final = ("+33612345678", "+33698765432")
MINIMAL: Final[dict[str, Any]] = {
    "text": "Your parcel waits at the counter until Friday.",
    "recipients": [{"phone_number": NUMBERS[0]}],
}
_COMPANION: Final = {"phone_number": NUMBERS[1]}


@dataclass(frozen=True, slots=True)
class Case:
    """One request; ``why_not`` says why it cannot be asked, and is empty if it can."""

    label: str
    body: bytes = b""
    content_type: str = "application/json"
    why_not: str = ""


def folder() -> Path:
    """Where the rows stand: beside the installed command, or in the checkout."""
    here = Path(__file__).parents[1]
    return next(
        path for path in (here / "cases", here.parent / "contract_tests" / "cases") if path.is_dir()
    )


@cache
def _read(path: Path) -> Any:  # noqa: ANN401  (a YAML value)
    return yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)


def rows() -> Iterator[dict[str, Any]]:
    """Every row, with each ``repeat`` and ``join`` carried out."""
    for path in sorted(folder().glob("*.yaml")):
        yield from map(_expanded, _read(path))


def _expanded(value: Any) -> Any:  # noqa: ANN401  (a JSON value)
    if isinstance(value, list):
        return [_expanded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"repeat", "times"}:
        unit = _expanded(value["repeat"])
        return (unit if isinstance(unit, str) else [unit]) * value["times"]
    if value.keys() == {"join"}:
        parts = [_expanded(part) for part in value["join"]]
        return "".join(parts) if isinstance(parts[0], str) else [i for part in parts for i in part]
    return {name: _expanded(member) for name, member in value.items()}


def laid(field: str, value: object, *, dropped: bool = False) -> dict[str, Any]:
    """The minimal body with the value as this parameter; UNSAID leaves it out."""
    body = deepcopy(MINIMAL)
    owner, name = body, field
    if name.startswith(IN_CONTACT):
        owner, name = body["recipients"][0], name.removeprefix(IN_CONTACT)
        body["recipients"].append(_COMPANION)
    owner.pop(name, None)
    if value is not UNSAID:
        owner[name] = value
    elif dropped:
        del body["recipients"][0]
    return body


def as_written() -> list[Case]:
    """Every row as it stands there: for a server on this machine, which calls nobody."""
    return [
        Case(row["label"], why_not=why)
        if (why := _why_not(row))
        else Case(row["label"], *_bytes(row))
        for row in rows()
    ]


def simulated(numbers: Sequence[str]) -> list[Case]:
    """Every row as a simulation that goes to these numbers, if it can be one."""
    return [_simulated(row, numbers) for row in rows()]


def _why_not(row: dict[str, Any]) -> str:
    if "query" in row:
        return "it is about the query, and all are asked at one URL"
    return "it is about an account of another region" if "region" in row else ""


def _bytes(row: dict[str, Any]) -> tuple[bytes, str]:
    if "sent" in row:
        content_type = row.get("content_type", "application/json")
        return row["sent"].encode(row.get("encoding", "utf-8")), content_type
    return json.dumps(_body(row)).encode(), "application/json"


def _body(row: dict[str, Any]) -> Any:  # noqa: ANN401  (a JSON value)
    return row["body"] if "body" in row else laid(row["field"], row["raw"])


def _simulated(row: dict[str, Any], numbers: Sequence[str]) -> Case:
    label = row["label"]
    if why := _why_not(row):
        return Case(label, why_not=why)
    if "sent" in row:
        return Case(label, why_not="it is about bytes that no simulation_mode can be put into")
    body = _body(row)
    if "simulation_mode" in body:
        return Case(label, why_not="it is about simulation_mode, which is always true here")
    stand_ins = dict(zip(NUMBERS, numbers, strict=False))
    return Case(
        label, json.dumps(_renumbered({**body, "simulation_mode": True}, stand_ins)).encode()
    )


def _renumbered(value: Any, stand_ins: Mapping[str, str]) -> Any:  # noqa: ANN401  (a JSON value)
    if isinstance(value, dict):
        return {name: _renumbered(member, stand_ins) for name, member in value.items()}
    if isinstance(value, list):
        return [_renumbered(item, stand_ins) for item in value]
    return stand_ins.get(value, value) if isinstance(value, str) else value
