"""What became of stories, as Elasticsearch is asked: against a reader that answers as its index of stories does."""

import json
from collections.abc import Mapping
from typing import Any

from marsad.query import parse
from marsad.testing.factories import NOW, an_article
from sinks.index.document import document_of, story_number
from sinks.index.forwarding import Forwarding, Told
from sinks.index.search import ElasticSearch

STORIES = {"a": ("b", 3), "b": ("c", 3), "c": ("", 3), "d": ("", 2), "e": ("", 1)}


class StoryRows:
    """The rows of the index of stories that meet its conditions; remembers what it was asked."""

    def __init__(self, stories: Mapping[str, tuple[str, int]]) -> None:
        self._rows = [
            {
                "story_id": story, "merged_into": into, "size": size,
                "search.number": story_number(story), "search.into": story_number(into),
            }
            for story, (into, size) in stories.items()
        ]  # fmt: skip
        self.asked: list[list[dict[str, Any]]] = []

    def search(self, **request: Any) -> dict[str, Any]:
        conditions = request["query"]["bool"]["filter"]
        self.asked.append(conditions)
        fields = [next(iter(each)) for each in request["sort"]]
        kept = [row for row in self._rows if all(_meets(row, each) for each in conditions)]
        hits = [{"sort": row} for row in sorted([row[field] for field in fields] for row in kept)][: request["size"]]
        return {"hits": {"hits": hits}} if hits else {}


def _meets(row: dict[str, Any], condition: dict[str, Any]) -> bool:
    ((kind, told),) = condition.items()
    if kind == "bool":
        return any(_meets(row, each) for each in told["should"])
    ((field, wanted),) = told.items()
    return bool(row[field] in wanted if kind == "terms" else row[field] > wanted["gt"])


class ArticleRows:
    """Answers the searches of the articles' alias, first the collapsed one, then that for the sources of its rows."""

    def __init__(self, stories: Mapping[str, str]) -> None:
        self._sources = [_source(key, story) for key, story in stories.items()]
        self.asked: list[dict[str, Any]] = []

    def search(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        firsts = {source["search"]["story"]: source["search"] for source in reversed(self._sources)}
        hits = [{"sort": [search["order"], search["story"]]} for search in reversed(firsts.values())]
        hits.sort(key=lambda hit: -hit["sort"][0])
        return {"hits": {"hits": hits[: request["size"]]}, "aggregations": {"stories": {"value": len(hits)}}}

    def placed(self, orders: list[int]) -> dict[tuple[int, int], Any]:
        places = ((source, source["search"]) for source in self._sources)
        return {(search["order"], search["story"]): source for source, search in places if search["order"] in orders}


def _source(key: str, story: str) -> Any:
    return json.loads(document_of(an_article(article_id=key * 32, title="خبر", story_id=story)))


def test_a_story_is_followed_through_every_step_and_an_unknown_one_stays_itself() -> None:
    rows = StoryRows(STORIES)
    told = Forwarding(rows).told(["a", "b", "d", "x", ""])
    assert {story: told.now(story) for story in ("a", "b", "d", "x", "")} == {
        "a": "c", "b": "c", "d": "d", "x": "x", "": ""
    }  # fmt: skip
    assert len(rows.asked) == 3


def test_nothing_is_asked_about_no_story() -> None:
    rows = StoryRows(STORIES)
    assert Forwarding(rows).told([""]) == Forwarding(rows).numbered([0]) == Told({}, {})
    assert Forwarding(rows).family("") == [""]
    assert rows.asked == []


def test_a_family_is_the_living_story_and_all_that_ended_in_it() -> None:
    for name in ("a", "b", "c"):
        assert Forwarding(StoryRows(STORIES)).family(name) == ["c", "b", "a"]
    assert Forwarding(StoryRows(STORIES)).family("d") == ["d"]


def test_records_that_forward_in_a_ring_are_followed_a_while_and_no_longer() -> None:
    ring = {"a": ("b", 2), "b": ("a", 2)}
    assert set(Forwarding(StoryRows(ring)).told(["a"]).ended) == {"a"}
    assert sorted(Forwarding(StoryRows(ring)).family("a")) == ["a", "b"]


def test_what_a_story_is_now_holds_the_size_of_the_story_in_which_it_goes_on() -> None:
    stories = {**STORIES, "f": ("d", 1), "g": ("e", 5)}
    wanted = {"a": ("c", 3), "d": ("d", 2), "e": ("e", 1), "f": ("d", 2), "g": ("e", 1), "x": ("x", 1), "": ("", 1)}

    named = Forwarding(StoryRows(stories)).told(wanted)
    numbered = Forwarding(StoryRows(stories)).numbered(map(story_number, wanted))
    ended = Forwarding(StoryRows(stories)).numbered_ended(map(story_number, wanted))

    assert {story: (named.now(story), named.size(story)) for story in wanted} == wanted
    for story, (last, size) in wanted.items():
        number = story_number(story)
        assert (numbered.now(number), numbered.size(number)) == (story_number(last), size)
        assert ended.now(number) == story_number(last)


def _search(groups: Mapping[str, str]) -> tuple[ElasticSearch, ArticleRows]:
    search, articles = object.__new__(ElasticSearch), ArticleRows(groups)
    search._articles, search._stories = articles, Forwarding(StoryRows(STORIES))
    return search, articles


def test_a_collapsed_page_holds_one_hit_for_stories_that_became_one() -> None:
    search, articles = _search({"1": "a", "2": "d", "3": "c", "4": "e", "5": "b"})
    page = search.search(parse("خبر", now=NOW), sort="date", collapse=True)
    assert [(hit.article.article_id, hit.article.story_id, hit.story_size) for hit in page.hits] == [
        ("1" * 32, "c", 3),
        ("2" * 32, "d", 2),
        ("4" * 32, "e", 1),
    ]
    assert (page.total, page.exact) == (3, True)
    assert articles.asked[0]["collapse"] == {"field": "search.story"}
    assert search.search(parse("خبر", now=NOW), sort="date", collapse=True, limit=1, offset=1).hits == page.hits[1:2]


def test_a_query_for_a_story_asks_for_the_ids_of_all_that_became_it() -> None:
    search, articles = _search({"1": "a"})
    list(search.facets(parse("story:a", now=NOW), ["outlet"]))
    terms = articles.asked[0]["query"]["bool"]["filter"][0]["bool"]["should"]
    found = [each["bool"]["filter"][0]["term"]["search.tags"] for each in terms]
    assert sorted(found) == ["story=a", "story=b", "story=c"]
