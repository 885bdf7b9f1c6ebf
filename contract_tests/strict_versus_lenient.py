"""Writes docs/strict-versus-lenient.md: the same requests to Prism, to a strict and a lenient twin.

python contract_tests/strict_versus_lenient.py write
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

import kinds
import prism
import spec
from wire import SIGNED_IN, Answer, Wire

PAGE: Final = Path(__file__).parents[1] / "docs" / "strict-versus-lenient.md"
_CELLS: Final = (
    ("simulation_mode", "the word true"),
    ("simulation_mode", "the number 1"),
    ("simulation_mode", "a word nobody knows"),
    ("simulation_mode", "null"),
    ("mode", "a word nobody knows"),
    ("auto_remove_blacklisted_numbers", "true"),
    ("colour", "a word nobody knows"),
    ("text", "the number 0"),
    ("text", "an empty text"),
    ("text", "1224 letters"),
    ("text", "1225 letters"),
    ("text", "nothing: it is left out"),
    ("recipients", "a number as a JSON number"),
    ("recipients", "two numbers with a comma"),
    ("recipients", "an empty list"),
    ("recipients", "a list of 501 contacts"),
    ("recipients", "a list of 1001 contacts"),
    ("recipients", "a list with a contact without a number"),
    ("recipients[].phone_number", "a number with 00"),
    ("recipients[].phone_number", "a national number"),
    ("recipients[].phone_number", "a number with punctuation"),
    ("recipients[].phone_number", "a number of 16 digits"),
    ("recipients[].phone_number", "a number of 6 digits"),
    ("sender", "a text with accents and dashes"),
    ("sender", "20 letters"),
    ("sender", "21 letters"),
    ("send_at", "a date and time without an offset"),
    ("send_at", "a date and time with a blank between"),
    ("send_at", "unix seconds"),
    ("send_at", "a date in words"),
    ("send_at", "a date and time of 2018"),
    ("purpose", "a valid value in capitals"),
    ("purpose", "a word nobody knows"),
    ("voice_language", "two letters"),
    ("voice_language", "a valid value with underscores"),
    ("voice_language", "a word nobody knows"),
    ("request_id", "an empty text"),
)
_INTRO: Final = """\
# Strict versus lenient

A mock that validates by the schema refuses what the real API repairs and sends, so it cannot show
what a caller's bug does. The same requests to three servers: `prism mock` (that is what
"prism-mock" means: `@stoplight/prism-cli`), a twin with `--strict`, and a twin as it is, which
answers as the API is documented or assumed to. All three were really asked;
`contract_tests/test_prism.py` asks again. (An unknown parameter whose name has a letter beyond
Latin-1, as ☎, ends Prism 5.14.2 itself: it names the parameter in a header, which has no such
letters.)

| Parameter | You send | Prism | Strict twin | The API | What the API does without a word |
| --- | --- | --- | --- | --- | --- |
"""

Ask = Callable[[dict[str, Any]], int]


def page(prism_says: Ask) -> str:
    """The whole page; ``prism_says`` gives Prism's status for a body."""
    cells = {(cell.field, cell.kind.label): cell for cell in kinds.table()}
    lines = list[str]()
    for place in _CELLS:
        cell = cells[place]
        lenient = Wire()
        answer, strict = lenient.send(cell.body), Wire(strict=True).send(cell.body)
        notes = [note for note in lenient.entry(answer)["notes"] if note["kind"] != "advice"]
        does = dict.fromkeys(_done(note) for note in notes) if answer.status == 201 else {}
        row = (
            f"`{cell.field}`",
            cell.kind.label,
            _word(prism_says(cell.body), ""),
            _word(strict.status, _blamed(strict)),
            _word(answer.status, _blamed(answer)),
            "; ".join(does),
        )
        lines.append(f"| {' | '.join(row)} |")
    return _INTRO + "\n".join(lines) + "\n"


def _word(status: int, why: str) -> str:
    return "accepts" if status in {200, 201} else f"refuses{why}"


def _blamed(answer: Answer) -> str:
    codes = {str(code) for code in answer.verdict[1].values()}
    return f" ({', '.join(sorted(codes))})" if codes else ""


def _done(note: dict[str, Any]) -> str:
    stakes = ", **high stakes**" if note["stakes"] == "high" else ""
    if note["kind"] == "ignored":
        is_contact = note["path"].startswith("/recipients/")
        return f"leaves {'the contact' if is_contact else 'it'} out{stakes}"
    after = json.dumps(note["after"], ensure_ascii=False)
    shown = after if len(after) <= 40 else f"{after[:39]}…"
    return f"{'takes the default' if note['kind'] == 'default' else 'reads'} `{shown}`{stakes}"


def main(arguments: list[str]) -> int:
    """Run the command; see the top of this file."""
    if arguments != ["write"]:
        print(__doc__)
        return 2
    logging.getLogger("mock_server").setLevel(logging.ERROR)
    with prism.mock() as url, httpx.Client(base_url=url, headers=SIGNED_IN) as client:
        PAGE.write_text(page(lambda body: client.post(spec.PATH, json=body).status_code), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
