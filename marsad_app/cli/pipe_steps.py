"""Filters that depend on settings, made once for a run."""

from marsad.config import load_settings
from marsad.taxonomy import load_taxonomy
from marsad_app.cli.jsonlines import Step
from processors.locate import Locator
from processors.pipe import PipeGrouper
from processors.pipe_tag import TagFilter
from processors.tag import Tagger

__all__ = ["make_grouper", "make_tagger"]


def make_tagger() -> Step:
    """Tag with the topics in force: the shipped ones and those of ``process.topics_dir``.

    Raises:
        ConfigError: the settings or a topic file are wrong.
    """
    process = load_settings().process
    return TagFilter(Tagger(load_taxonomy(process.topics_dir, learned=process.learned_topics)), Locator())


def make_grouper() -> Step:
    """Group over ``process.group_days``.

    Raises:
        ConfigError: the settings are wrong.
    """
    return PipeGrouper(load_settings().process.group_days)
