"""The headers of a request on their way through WSGI, which folds names and keeps one of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

REPEATED: Final = "mock_server.repeated"
"""Where the environ has the names, in small letters, that came more than once."""
_WITHOUT_PREFIX: Final = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})


def in_environ(headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """What a WSGI environ has of the headers.

    One with an underscore is another name than the one with a dash; WSGI writes both alike, so it
    is left out. Of one that comes again, the values are joined by a comma (RFC 9110, 5.3).

    >>> in_environ([("api_login", "a"), ("Api-Key", "k"), ("api-key", "l")])
    {'HTTP_API_KEY': 'k, l', 'mock_server.repeated': frozenset({'api-key'})}
    """
    environ, repeated = dict[str, Any](), set[str]()
    for name, value in headers:
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        key = key if key in _WITHOUT_PREFIX else f"HTTP_{key}"
        if key in environ:
            repeated.add(name.lower())
            environ[key] += f", {value}"
        else:
            environ[key] = value
    return {**environ, REPEATED: frozenset(repeated)}
