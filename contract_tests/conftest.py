"""The contract as the twin reads it, and how hard the laws are tried."""

from __future__ import annotations

import os

import pytest
from hypothesis import Phase, settings

import node
from mock_server.contract.loader import Contract, load

# It registers itself with Schemathesis, which wants to be told once; it has no doctests.
collect_ignore = ["checks.py"]

settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    # A failure is made small but not explained: that takes a minute for a whole body.
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
# Thousands, other ones in every run (nox -s deep).
settings.register_profile(
    "deep", database=None, deadline=None, max_examples=10_000, print_blob=True
)
# As many as in ci, drawn anew with --hypothesis-seed: was it luck that a bug was found (detect.py)?
settings.register_profile("anew", settings.get_profile("ci"), derandomize=False)
# After an edit of the contract (nox -s update): soon over; all of it runs afterwards.
settings.register_profile("soon", settings.get_profile("ci"), max_examples=40)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The contract as the twin reads it."""
    return load()


@pytest.fixture(scope="session")
def _node_tools() -> None:
    """Where Prism and redocly are; without them a test is skipped, but never in CI."""
    try:
        node.installed()
    except node.CannotInstallError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"{error}; then: python contract_tests/node.py")
