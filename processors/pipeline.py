"""The steps in order: clean, tag, locate — pure, for one entry at a time — and then group, which remembers.

Both sizes run this: the embedded one in a loop, the cluster one in its agents (the first three) and its grouper. What
clean remembers of a site's layout makes it faster and changes no text of which a page alone leaves no doubt; what it remembers
of an outlet's lines takes off those that come again and again. Both can be written down for the next start.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from marsad.records import Article, Entry, Feed
from marsad.taxonomy import Taxonomy, analyse
from processors.clean import PIPELINE_VERSION, clean
from processors.extract import Extracted, extract
from processors.layouts import Layouts, Path
from processors.locate import Locator
from processors.recurring import OutletLines, RecurringLines
from processors.tag import Tagger

__all__ = ["PIPELINE_VERSION", "Pipeline"]


_REMEMBERED: Final = 1
"""Grows when layouts or lines are written otherwise, or known by other digests."""


class _Remembered(msgspec.Struct, frozen=True, array_like=True):
    version: int
    layouts: list[tuple[str, list[tuple[Path, int]]]]
    lines: dict[str, OutletLines]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(_Remembered)


class Pipeline:
    """The stateless steps, with what they know.

    Args:
        tagger: Topics.
        locator: Countries, places, people and organisations.
        topics: The topics in force; where they are others than the tagger's, a new tagger takes its place.
    """

    def __init__(self, tagger: Tagger, locator: Locator, topics: Callable[[], Taxonomy] | None = None) -> None:
        self.tagger = tagger
        self.locator = locator
        self._topics = topics
        self._layouts = Layouts()
        self._lines = RecurringLines()

    @classmethod
    def build(cls, taxonomy: Taxonomy) -> "Pipeline":
        """Make the pipeline of a taxonomy and the shipped gazetteer."""
        return cls(Tagger(taxonomy), Locator())

    @classmethod
    def following(cls, topics: Callable[[], Taxonomy]) -> "Pipeline":
        """Make a pipeline that tags each article by the topics that are in force then."""
        return cls(Tagger(topics()), Locator(), topics)

    def stateless(self, entry: Entry, feed: Feed, page: Extracted | None = None) -> Article:
        """Take an entry through clean, tag and locate.

        Args:
            entry: As the feed gave it.
            feed: Where it came from.
            page: What ``processors.extract.extract`` read from its page, where another process did that.

        Raises:
            PoisonError: the entry holds no text.
        """
        if page is None and entry.page_html:
            page = extract(entry.page_html, entry.page_url or entry.url, self._layouts)
        return self.enrich(self._lines.strip(clean(entry, feed, page=page)))

    def remembered(self) -> bytes:
        """Return what was learned of sites and outlets, for :meth:`recall` of a later run."""
        return _encoder.encode(_Remembered(_REMEMBERED, self._layouts.remembered(), self._lines.remembered()))

    def recall(self, data: bytes) -> bool:
        """Take up what an earlier run learned; False, and nothing changed, where it is of another version or damaged."""
        try:
            found = _decoder.decode(data)
        except msgspec.DecodeError:
            return False
        if found.version != _REMEMBERED:
            return False
        self._layouts.recall(found.layouts)
        self._lines.recall(found.lines)
        return True

    def enrich(self, article: Article) -> Article:
        """Return a clean article with its topics, countries, places and entities; its words are analysed once."""
        if self._topics is not None and (taxonomy := self._topics()) is not self.tagger.taxonomy:
            self.tagger = Tagger(taxonomy)
        analysed = analyse(article.title, article.lead, article.text)
        located = self.locator.locate_analysed(analysed)
        return msgspec.structs.replace(
            article,
            topics=self.tagger.tag_analysed(analysed),
            countries=located.countries,
            places=located.places,
            entities=located.entities,
            taxonomy_version=self.tagger.taxonomy.version,
        )
