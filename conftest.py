"""Settings of hypothesis for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

# The same examples in every run, and no deadline: nothing here is timed.
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
# Thousands, other ones in every run (nox -s deep).
settings.register_profile("deep", database=None, deadline=None, max_examples=5000, print_blob=True)
settings.load_profile("ci")
