"""The contract as the twin reads it, and how hard the laws are tried."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings

from mock_server.contract import Contract, load

settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    # A failure is made small but not explained: that takes a minute for a whole body.
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
# For a night: pytest contract_tests --hypothesis-profile=night
settings.register_profile("night", database=None, deadline=None, max_examples=5000)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The contract as the twin reads it."""
    return load()
