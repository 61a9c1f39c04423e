"""Settings for the whole suite."""

from hypothesis import settings

# No deadline: how long one example takes depends on what else the machine does.
settings.register_profile("marsad", deadline=None)
settings.load_profile("marsad")
