"""The twin: an offline server that answers as the real API would, and shows what it repaired."""

from __future__ import annotations

__version__ = "0.1.0"
