"""What other servers answered, kept without anything that is somebody's."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

from mock_server.http import masking
from mock_server.settings import toml_file

_FORMAT: Final = "vms-kit answers 1"
# Of what is no JSON so much is kept.
_LONGEST: Final = 500
_WITHOUT_MEANING: Final = {"residual_credit": "<credit>", "ticket_number": "<ticket-1>"}
_TYPES: Final = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


class SnapshotError(Exception):
    """A file of answers that cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One answer: when (aware, ISO 8601), to which request, and its verdict; all redacted."""

    at: str
    request: str
    answer: str
    verdict: dict[str, Any]

    def age(self, now: datetime) -> int:
        """How many days ago it was observed."""
        return (now - datetime.fromisoformat(self.at)).days


def verdict(status: int, content: bytes) -> dict[str, Any]:
    """What counts of an answer: status, codes, contacts, cost, and its members with their types."""
    try:
        value = json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError):
        return {"status": status, "members": "not JSON"}
    if not isinstance(value, dict):
        return {"status": status, "members": "no object"}
    found: dict[str, Any] = {"status": status}
    found["members"] = {name: _TYPES.get(type(part), "number") for name, part in value.items()}
    errors = value.get("errors")
    if isinstance(errors, dict):
        codes = {name: e.get("code") if isinstance(e, dict) else e for name, e in errors.items()}
        found["errors"] = {name: str(code) for name, code in codes.items()}
    for name in ("code", "number_of_contacts", "total_cost", "estimated_duration"):
        if isinstance(number := value.get(name), int | Decimal):
            found[name] = str(Decimal(number).normalize())
    return found


def differences(wanted: Mapping[str, Any], came: Mapping[str, Any]) -> list[str]:
    """How one verdict differs from another; nothing if they are the same."""
    return [
        f"{name}: {came.get(name)}, the twin has {wanted.get(name)}"
        for name in dict.fromkeys((*wanted, *came))
        if wanted.get(name) != came.get(name)
    ]


def redacted(content: bytes, secrets: Mapping[str, str]) -> str:
    """The text without numbers, tickets, credit and secrets; ``secrets`` maps each to its stand-in.

    What is no JSON is cut.
    """
    text, is_json = content.decode("utf-8", "replace"), False
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        if isinstance(value, dict):
            value |= {n: stand_in for n, stand_in in _WITHOUT_MEANING.items() if n in value}
        text, is_json = json.dumps(value, ensure_ascii=False), True
    # The longest first: a key may begin as the login does.
    for secret in sorted(secrets, key=len, reverse=True):
        # A login may come back in other letters, as part of a URL or of JSON.
        in_json = json.dumps(secret, ensure_ascii=False)[1:-1]
        spellings = (secret, quote(secret, safe=""), quote_plus(secret), in_json)
        written = "|".join(map(re.escape, spellings))
        text = re.sub(written, secrets[secret], text, flags=re.IGNORECASE)
    text = masking.NUMBER.sub("<digits>", text)
    return text if is_json else text[:_LONGEST]


def load(path: Path) -> dict[str, Snapshot]:
    """The answers in the file by label; none if there is no file.

    Raises:
        SnapshotError: it is another kind of file, or was cut.
    """
    if not path.exists():
        return {}
    try:
        # Bytes: of a text json.loads refuses a byte order mark.
        document = json.loads(path.read_bytes())
        if document["format"] != _FORMAT:
            raise SnapshotError(f"{path}: format {document['format']!r}; wanted {_FORMAT!r}")
        return {label: Snapshot(**entry) for label, entry in document["answers"].items()}
    except OSError as error:
        raise SnapshotError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SnapshotError(
            f"{path}: no file of answers, or a cut one ({error}); name another one, or remove it"
        ) from error


def acknowledged(path: Path | None) -> dict[str, str]:
    """The reason of each known difference, by case: a TOML file of ``"case" = "reason"``.

    Raises:
        SnapshotError: the file cannot be used.
    """
    if path is None:
        return {}
    try:
        reasons = toml_file.read(path)
    except toml_file.TomlFileError as error:
        raise SnapshotError(str(error)) from error
    if wrong := [name for name, why in reasons.items() if not isinstance(why, str) or not why]:
        raise SnapshotError(f'{path}: {wrong[0]!r} wanted a reason, as "case" = "reason"')
    return reasons


def save(path: Path, answers: Mapping[str, Snapshot]) -> None:
    """Write the file whole, or not at all.

    Raises:
        SnapshotError: it cannot be written there.
    """
    entries = {label: asdict(answers[label]) for label in sorted(answers)}
    document = {"format": _FORMAT, "answers": entries}
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, encoding="utf-8", delete=False, suffix=".part"
        ) as part:
            json.dump(document, part, indent=1, ensure_ascii=False)
            part.write("\n")
        os.replace(part.name, path)  # noqa: PTH105  (a name, as tempfile gives it)
    except OSError as error:
        raise SnapshotError(
            f"{path}: {error.strerror}; name a file in a folder that is there"
        ) from error
