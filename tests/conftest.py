"""Settings for the whole suite."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# No deadline: how long one example takes depends on what else the machine does. The gate tries the same examples each
# time; `make test ARGS=--hypothesis-profile=search` looks for new ones.
settings.register_profile("marsad", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=2_000)
settings.load_profile("marsad")


@pytest.fixture(autouse=True)
def _logs_of_one_test() -> Iterator[None]:
    """A command run in the process sets logging up for its own captured streams: not for the next test."""
    yield
    structlog.reset_defaults()
