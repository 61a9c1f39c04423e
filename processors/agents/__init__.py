"""The Faust agents: the stateless steps over the entries' stream, the same number of workers as one likes."""

from processors.agents.agent import Feeds, register_tagging
from processors.agents.app import App, hear, make_app
from processors.agents.places import Part, Places
from processors.agents.shared import Shared
from processors.agents.tagging import RETAG, Incoming, Outgoing, Steps, incoming, outgoing

__all__ = [
    "RETAG",
    "App",
    "Feeds",
    "Incoming",
    "Outgoing",
    "Part",
    "Places",
    "Shared",
    "Steps",
    "hear",
    "incoming",
    "make_app",
    "outgoing",
    "register_tagging",
]
