"""The examples of topic files, tagged: they are the files' unit tests."""

import msgspec

from marsad.taxonomy import Taxonomy
from processors.tag import Tagger

__all__ = ["FailingExample", "failing_examples"]


class FailingExample(msgspec.Struct, frozen=True):
    """An example that is not tagged as its file says."""

    topic: str
    problem: str
    title: str


def failing_examples(taxonomy: Taxonomy) -> list[FailingExample]:
    """Tag every example of every topic by the rules alone, which it tests; those that come out wrong."""
    tagger = Tagger(msgspec.structs.replace(taxonomy, learned=False))
    failures = []
    for topic in taxonomy.topics:
        for wanted, examples in ((True, topic.positive), (False, topic.negative)):
            problem = "a positive example is not tagged" if wanted else "a negative example is tagged"
            failures += [
                FailingExample(topic.id, problem, example.title)
                for example in examples
                if (topic.id in {tag.id for tag in tagger.tag(example.title, example.lead, example.text)}) is not wanted
            ]
    return failures
