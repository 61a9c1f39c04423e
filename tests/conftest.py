"""Settings for the whole suite."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# No deadline: how long one example takes depends on what else the machine does.
settings.register_profile("marsad", deadline=None)
settings.load_profile("marsad")


@pytest.fixture(autouse=True)
def _logs_of_one_test() -> Iterator[None]:
    """A command run in the process sets logging up for its own captured streams: not for the next test."""
    yield
    structlog.reset_defaults()
