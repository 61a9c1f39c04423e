"""What a topic file may say: weighted terms, required groups, vetoes, combinations, and the examples that test it."""

import hashlib
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["Boosts", "Example", "Names", "Near", "Require", "Taxonomy", "Term", "Topic", "Veto", "rules_digest"]

Text = Annotated[str, Meta(min_length=1)]
Texts = Annotated[tuple[Text, ...], Meta(min_length=1)]
Weight = Annotated[float, Meta(gt=0, le=20)]
TopicId = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The topic's name in the languages of the user interface."""

    ar: Text
    en: Text
    fr: Text


class Boosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much more a hit weighs in the title and in the lead than once in the body."""

    title: Annotated[float, Meta(ge=0, le=20)] = 3.0
    lead: Annotated[float, Meta(ge=0, le=20)] = 2.0
    body: Annotated[float, Meta(ge=0, le=20)] = 1.0


class Inflected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the words of an item are put into their forms."""

    construct: bool | None = None
    """True: nouns that own each other (وزير دفاع); false: noun and adjectives; absent: both are tried."""
    definite: bool = True
    """False for names, which take no article."""
    proclitics: bool = True
    pronouns: bool = False
    """True: also the forms with a possessive suffix."""


class Term(Inflected, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that speak for the topic, with all their forms. Each of ``any`` is a term of its own with this weight."""

    text: str = ""
    spellings: tuple[Text, ...] = ()
    """Other spellings and plurals of ``text``: one term with it, counted and shown under ``text``."""
    any: tuple[Text, ...] = ()
    weight: Weight = 1.0


class Require(Inflected, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At least one of these must stand in the article. Weighs nothing."""

    any: Texts


class Veto(Inflected, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that mean something else: they cancel hits inside them, and take ``weight`` off the score."""

    any: Texts
    weight: Annotated[float, Meta(ge=0, le=20)] = 0.0


class Near(Inflected, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that speak for the topic when they stand together: one alternative of each group within ``within`` tokens."""

    words: Annotated[tuple[Texts, ...], Meta(min_length=2)]
    within: Annotated[int, Meta(ge=2, le=50)] = 8
    ordered: bool = False
    weight: Weight = 1.0
    states: Annotated[int, Meta(ge=0, le=5)] = 0
    """How many different states the article must name, as countries, peoples or cities."""


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A text that must, or must not, be tagged with the topic."""

    title: Text
    lead: str = ""
    text: str = ""


class Topic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One topic file."""

    id: TopicId
    names: Names
    definition: Text
    iptc: tuple[Annotated[str, Meta(pattern=r"^medtop:\d{8}$")], ...] = ()
    parent: str = ""
    threshold: Annotated[float, Meta(gt=0, le=1000)]
    """The sum of weights at which the score is 1.0."""
    boosts: Boosts = Boosts()
    passing: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """What a hit in the later half of the body weighs against one in the earlier half."""
    term: tuple[Term, ...] = ()
    require: tuple[Require, ...] = ()
    veto: tuple[Veto, ...] = ()
    near: tuple[Near, ...] = ()
    positive: tuple[Example, ...] = ()
    negative: tuple[Example, ...] = ()


def rules_digest(topics: Iterable[Topic]) -> str:
    """Return a hash of all that decides scores: names, definitions and examples may change without it."""
    rules = [
        (topic.id, topic.threshold, topic.boosts, topic.passing, topic.term, topic.require, topic.veto, topic.near)
        for topic in sorted(topics, key=lambda topic: topic.id)
    ]
    return hashlib.sha256(msgspec.json.encode(rules)).hexdigest()[:16]


class Taxonomy(msgspec.Struct, frozen=True):
    """All topics in force, by id."""

    topics: tuple[Topic, ...]
    version: str
    """Hash of the topics' content and of the learned layer: the same files give the same version everywhere."""
    learned: bool = False
    """Whether the learned layer may change the scores of the shipped topics."""
    own: frozenset[str] = frozenset()
    """Topics that are not as shipped. Their rules alone decide."""
    stale: bool = False
    """Whether the learned layer was fitted over other rules than the shipped ones: it should be trained anew."""

    def topic(self, topic_id: str) -> Topic | None:
        """One topic."""
        return next((topic for topic in self.topics if topic.id == topic_id), None)

    def name(self, topic_id: str, language: str = "ar") -> str:
        """The topic's name as readers know it; its id where the topic is unknown."""
        topic = self.topic(topic_id)
        if topic is None:
            return topic_id
        return {"ar": topic.names.ar, "fr": topic.names.fr}.get(language, topic.names.en)
