"""What became of stories, as Elasticsearch is asked: against a reader that answers as its index of stories does."""

import json
from collections.abc import Mapping
from typing import Any

from marsad.query import parse
from marsad.records import encode
from marsad.testing.factories import NOW, an_article
from sinks.index.forwarding import Forwarding
from sinks.index.search import ElasticSearch

STORIES = {"a": ("b", 3), "b": ("c", 3), "c": ("", 3), "d": ("", 2), "e": ("", 1)}


class StoryRows:
    """The rows of the index of stories that meet ``terms`` and ``range`` conditions; remembers what it was asked."""

    def __init__(self, stories: Mapping[str, tuple[str, int]]) -> None:
        self._stories = stories
        self.asked: list[list[dict[str, Any]]] = []

    def search(self, **request: Any) -> dict[str, Any]:
        conditions = request["query"]["bool"]["filter"]
        self.asked.append(conditions)
        rows = [[story, *rest] for story, rest in sorted(self._stories.items())]
        hits = [{"sort": row} for row in rows if all(_meets(row, each) for each in conditions)][: request["size"]]
        return {"hits": {"hits": hits}} if hits else {}


def _meets(row: list[Any], condition: dict[str, Any]) -> bool:
    values = dict(zip(("story_id", "merged_into", "size"), row, strict=True))
    ((kind, bounds),) = condition.items()
    ((field, wanted),) = bounds.items()
    return bool(values[field] in wanted if kind == "terms" else values[field] > wanted["gt"])


class ArticleRows:
    """Answers the searches of the articles' alias, first the collapsed one, then that for sources by id."""

    def __init__(self, groups: Mapping[str, str]) -> None:
        self._groups = groups
        self.asked: list[dict[str, Any]] = []

    def search(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        firsts = {group: key for key, group in reversed(self._groups.items())}
        hits = [
            {"_id": key, "_score": None, "fields": {"search.group": [group]}}
            for key, group in self._groups.items()
            if firsts[group] == key
        ]
        return {
            "hits": {"hits": hits[: request["size"]]},
            "aggregations": {"stories": {"value": len(hits)}},
        }

    def sources(self, ids: list[str]) -> dict[str, Any]:
        return {key: _source(key, self._groups[key]) for key in ids}


def _source(key: str, story: str) -> Any:
    return json.loads(encode(an_article(article_id=key, title="خبر", story_id=story)))


def test_a_story_is_followed_through_every_step_and_an_unknown_one_stays_itself() -> None:
    rows = StoryRows(STORIES)
    assert Forwarding(rows).living(["a", "b", "d", "x", ""]) == {"a": "c", "b": "c", "d": "d", "x": "x"}
    assert len(rows.asked) == 3


def test_nothing_is_asked_about_no_story() -> None:
    rows = StoryRows(STORIES)
    assert Forwarding(rows).living([""]) == Forwarding(rows).sizes([""]) == {}
    assert Forwarding(rows).family("") == [""]
    assert rows.asked == []


def test_a_family_is_the_living_story_and_all_that_ended_in_it() -> None:
    for name in ("a", "b", "c"):
        assert Forwarding(StoryRows(STORIES)).family(name) == ["c", "b", "a"]
    assert Forwarding(StoryRows(STORIES)).family("d") == ["d"]


def test_records_that_forward_in_a_ring_are_followed_a_while_and_no_longer() -> None:
    ring = {"a": ("b", 2), "b": ("a", 2)}
    assert set(Forwarding(StoryRows(ring)).living(["a"])) == {"a"}
    assert sorted(Forwarding(StoryRows(ring)).family("a")) == ["a", "b"]


def test_only_stories_of_more_than_one_article_have_a_size_to_tell() -> None:
    assert Forwarding(StoryRows(STORIES)).sizes(["c", "d", "e"]) == {"c": 3, "d": 2}


def _search(groups: Mapping[str, str]) -> tuple[ElasticSearch, ArticleRows]:
    search, articles = object.__new__(ElasticSearch), ArticleRows(groups)
    search._articles, search._stories = articles, Forwarding(StoryRows(STORIES))
    return search, articles


def test_a_collapsed_page_holds_one_hit_for_stories_that_became_one() -> None:
    search, articles = _search({"1": "a", "2": "d", "3": "c", "4": "e", "5": "b"})
    page = search.search(parse("خبر", now=NOW), sort="date", collapse=True)
    assert [(hit.article.article_id, hit.article.story_id, hit.story_size) for hit in page.hits] == [
        ("1", "c", 3),
        ("2", "d", 2),
        ("4", "e", 1),
    ]
    assert (page.total, page.exact) == (3, True)
    assert articles.asked[0]["collapse"] == {"field": "search.group"}
    assert search.search(parse("خبر", now=NOW), sort="date", collapse=True, limit=1, offset=1).hits == page.hits[1:2]


def test_a_query_for_a_story_asks_for_the_ids_of_all_that_became_it() -> None:
    search, articles = _search({"1": "a"})
    list(search.facets(parse("story:a", now=NOW), ["outlet"]))
    terms = articles.asked[0]["query"]["bool"]["filter"][0]["bool"]["should"]
    found = [each["bool"]["filter"][0]["term"]["search.tags"] for each in terms]
    assert sorted(found) == ["story=a", "story=b", "story=c"]
