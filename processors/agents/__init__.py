"""The Faust agents."""

import faust  # noqa: F401
