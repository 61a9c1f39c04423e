"""Topics and names as data: read, checked, expanded into all their forms and found in one pass."""

from marsad.taxonomy.analysed import AnalysedText, Weighing, Zone, ZoneKind, analyse
from marsad.taxonomy.compiled import CompiledTerm, CompiledTopics, Role
from marsad.taxonomy.learned import Adjusted, LearnedLayer, load_learned
from marsad.taxonomy.loader import load_taxonomy, read_topic
from marsad.taxonomy.matcher import Automaton, Hit
from marsad.taxonomy.schema import Taxonomy, Topic

__all__ = [
    "Adjusted",
    "AnalysedText",
    "Automaton",
    "CompiledTerm",
    "CompiledTopics",
    "Hit",
    "LearnedLayer",
    "Role",
    "Taxonomy",
    "Topic",
    "Weighing",
    "Zone",
    "ZoneKind",
    "analyse",
    "load_learned",
    "load_taxonomy",
    "read_topic",
]
