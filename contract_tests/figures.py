"""Numbers of a run, written down for the report: `nox -s report` reads what the suites counted.

Nothing is written unless the environment variable ``CONTRACT_FIGURES`` names a folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "CONTRACT_FIGURES"


def write(name: str, figures: Mapping[str, Any]) -> None:
    """Keep the figures of one suite, as JSON, under its name; the last of a name counts."""
    if folder := os.environ.get(FOLDER):
        path = Path(folder) / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=1, ensure_ascii=False, sort_keys=True), "utf-8")
