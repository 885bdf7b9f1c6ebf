"""The twin: an offline server that answers as the real API would, and shows what it repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_server.testing.account import running

__all__ = ["__version__", "running"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401  (whatever the name stands for)
    # Not above: a plugin that pytest loads unasked must not bring all of the twin with it.
    if name == "running":
        from mock_server.testing.account import running

        return running
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
