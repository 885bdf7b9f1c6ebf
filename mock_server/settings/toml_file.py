"""TOML files as people save them: UTF-8, with a byte order mark or without."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


class TomlFileError(Exception):
    """The file cannot be read; the message has the place and the reason, on one line."""


def read(path: Path) -> dict[str, Any]:
    """The document in the file.

    Raises:
        TomlFileError: the file is missing, or is not TOML in UTF-8.
    """
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise TomlFileError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise TomlFileError(f"{path}: is not valid TOML in UTF-8 ({error})") from error
