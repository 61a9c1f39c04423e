"""Search over SQLite beyond what every adapter must do."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain

import pytest

from marsad.query import parse
from marsad.query.ast import Node
from marsad.records import Article, CountryTag, SearchPage, TopicTag
from marsad.testing.factories import NOW, a_story, an_article
from marsad_app.embedded import fts
from marsad_app.embedded import search as module
from marsad_app.embedded.store import Store


def query(text: str) -> Node:
    return parse(text, now=NOW)


def put(store: Store, *articles: Article) -> None:
    store.articles.put_articles(articles)


def report(number: int, title: str = "خبر", **fields: object) -> Article:
    """The higher the number, the older."""
    default: dict[str, object] = {"published_at": NOW - timedelta(hours=number), "text": "نص"}
    return an_article(article_id=f"{number:032x}", title=title, **{**default, **fields})


def numbers(page: SearchPage) -> list[int]:
    return [int(hit.article.article_id, 16) for hit in page.hits]


def in_stories(store: Store) -> None:
    """Story a has three articles, b two, and article 6 has no story."""
    for number, story in enumerate(("b", "a", "a", "b", "a"), start=1):
        put(store, report(number, story_id=story))
    put(store, report(6))
    store.stories.put_stories([a_story(story_id="a", size=3), a_story(story_id="b", size=2)])


@pytest.mark.parametrize("asked", ['"الولايات المتحدة"', "#الولايات_المتحدة", "المتحدة", "الولايات_المتحدة"])
def test_a_hashtag_is_found_by_its_words_and_the_words_by_a_hashtag(store: Store, asked: str) -> None:
    put(
        store,
        report(1, text="وسم #الولايات_المتحدة يتصدر"),
        report(2, text="زار الولايات المتحدة أمس"),
        report(3, text="الولايات وحدها"),
    )

    found = store.search.search(query(asked), limit=10)

    assert sorted(numbers(found)) == [1, 2]


def test_by_story_size_the_largest_story_comes_first_and_its_newest_article_before_the_others(store: Store) -> None:
    in_stories(store)

    page = store.search.search(query("خبر"), sort="story")

    assert numbers(page) == [2, 3, 5, 1, 4, 6]
    assert [hit.story_size for hit in page.hits] == [3, 3, 3, 2, 2, 1]


@pytest.mark.parametrize("text", ["خبر", "*:*", '"خبر نص"~3 OR خبر', "published:[2020-01-01 TO *]"])
def test_sorting_by_story_agrees_whatever_finds_the_articles(store: Store, text: str) -> None:
    in_stories(store)

    assert numbers(store.search.search(query(text), sort="story")) == [2, 3, 5, 1, 4, 6]


@pytest.mark.parametrize(("sort", "expected"), [("date", [1, 2, 6]), ("story", [2, 1, 6])])
def test_collapsing_keeps_the_best_of_each_story_and_counts_stories(
    store: Store, sort: str, expected: list[int]
) -> None:
    in_stories(store)

    page = store.search.search(query("خبر"), sort=sort, collapse=True)  # type: ignore[arg-type]  # one of the three

    assert numbers(page) == expected
    assert (page.total, page.exact) == (3, True)


def test_pages_of_stories_follow_one_another_without_gap_or_repetition(store: Store) -> None:
    in_stories(store)

    pages = [store.search.search(query("خبر"), sort="date", collapse=True, limit=1, offset=n) for n in range(4)]

    assert [numbers(page) for page in pages] == [[1], [2], [6], []]
    assert {page.total for page in pages} == {3}


@pytest.mark.parametrize("sort", ["date", "relevance", "story"])
@pytest.mark.parametrize("text", ["خبر", "*:*", '"خبر عاجل"~4'])
def test_pages_together_are_the_whole_result(store: Store, sort: str, text: str) -> None:
    put(store, *(report(n, f"خبر {'عاجل' * (n % 3)}", text=f"خبر {n} عاجل") for n in range(1, 30)))
    node = query(text)

    whole = numbers(store.search.search(node, sort=sort, limit=100))  # type: ignore[arg-type]
    pages = [numbers(store.search.search(node, sort=sort, limit=7, offset=at)) for at in range(0, 35, 7)]  # type: ignore[arg-type]

    assert list(chain.from_iterable(pages)) == whole
    assert sorted(whole) == list(range(1, 30))


def test_limits_and_offsets_beyond_reason_are_brought_back(store: Store) -> None:
    put(store, *(report(n) for n in range(1, 4)))

    assert len(store.search.search(query("خبر"), limit=0).hits) == 1
    assert len(store.search.search(query("خبر"), limit=10**9, offset=-5).hits) == 3
    far = store.search.search(query("خبر"), offset=10**12)
    assert (far.hits, far.total) == ((), 3)


def test_relevance_puts_a_word_in_the_title_before_the_same_word_in_the_text(store: Store) -> None:
    filler = "كلام آخر عن أشياء أخرى كثيرة"
    put(
        store,
        report(1, "عنوان", text=f"{filler} القمح"),
        report(2, "محصول القمح", text=filler),
        report(3, "عنوان آخر", text=filler),
    )

    assert numbers(store.search.search(query("القمح"))) == [2, 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("published:[2026-07-13 TO 2026-07-13]", [12, 24]),
        ("published:[2026-07-14 TO *]", [1, 2]),
        ("published:[* TO 2026-07-12]", [40]),
        ("خبر AND published:[2026-07-13 TO *]", [1, 2, 12, 24]),
        ("خبر AND NOT published:[2026-07-13 TO *]", [40]),
        ("published:[2026-07-14 TO *] OR published:[* TO 2026-07-12]", [1, 2, 40]),
        ("published:[now-3h TO now]", [1, 2]),
        ("published:[2026-07-14T07:30:00Z TO 2026-07-14T08:30:00Z]", [1, 2]),
        ("published:{2026-07-14T07:30:00Z TO 2026-07-14T08:30:00Z}", []),
    ],
)
def test_ranges_of_dates_hold_their_ends_and_nothing_beyond(store: Store, text: str, expected: list[int]) -> None:
    put(store, *(report(number) for number in (1, 2, 12, 24, 40)))

    page = store.search.search(query(text), sort="date")

    assert numbers(page) == expected
    assert page.total == len(expected)


def test_what_full_text_alone_cannot_say_is_compared_article_by_article(store: Store) -> None:
    put(
        store,
        report(1, text="مذكرة تفاهم بين البلدين"),
        report(2, text="تفاهم يسبق كل مذكرة"),
        report(3, text="مذكرة طويلة جدا عن كل شيء في العالم ولا شيء غيره ثم تفاهم"),
    )
    node = query('"مذكرة تفاهم"~2')
    assert fts.compile_query(node).needs_check

    page = store.search.search(node, sort="date")
    facets = store.search.facets(node, ["outlet"])["outlet"]

    assert 1 in numbers(page)
    assert 3 not in numbers(page)
    assert (page.total, page.exact) == (len(page.hits), True)
    assert [facet.count for facet in facets] == [page.total]


def test_a_total_beyond_what_is_compared_is_said_to_be_a_lower_bound(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHECKED", 5)
    monkeypatch.setattr(module, "_COUNTED", 5)
    put(store, *(report(n, text="مذكرة تفاهم") for n in range(1, 9)))

    for text in ('"مذكرة تفاهم"~2', "مذكرة"):
        page = store.search.search(query(text), sort="date", limit=3)
        assert (numbers(page), page.total, page.exact) == ([1, 2, 3], 5, False)
    few = store.search.search(query("مذكرة AND published:[2026-07-14T07:30:00Z TO *]"))
    assert (few.total, few.exact) == (2, True)


def test_only_the_newest_matches_are_ranked_when_there_are_very_many(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RANKED", 4)
    monkeypatch.setattr(module, "_COLLAPSED", 2)
    put(store, *(report(n, "القمح" if n == 8 else "خبر", text="القمح في المخازن") for n in range(1, 9)))

    page = store.search.search(query("القمح"))

    assert sorted(numbers(page)) == [1, 2, 3, 4]
    assert (page.total, page.ordered) == (8, 4)
    assert store.search.search(query("القمح"), sort="date").ordered == 0
    assert store.search.search(query("القمح"), collapse=True).ordered == 2


def tagged(number: int, topics: Sequence[str], countries: Sequence[str] = (), **fields: object) -> Article:
    return report(
        number,
        topics=tuple(TopicTag(topic, 1.0) for topic in topics),
        countries=tuple(CountryTag(code, 1) for code in countries),
        **fields,
    )


def test_facets_are_the_commonest_values_first_as_many_as_wanted(store: Store) -> None:
    put(
        store,
        tagged(1, ["energy", "sanctions"], ["DZ"]),
        tagged(2, ["energy"], ["DZ", "RU"]),
        tagged(3, ["sanctions", "elections"], outlet=""),
        tagged(4, ["energy"]),
    )

    facets = store.search.facets(query("خبر"), ["topic", "country", "outlet"], size=2)

    assert [(facet.value, facet.count) for facet in facets["topic"]] == [("energy", 3), ("sanctions", 2)]
    assert [(facet.value, facet.count) for facet in facets["country"]] == [("DZ", 2), ("RU", 1)]
    assert [facet.count for facet in facets["outlet"]] == [3]


def test_days_are_all_shown_in_order_whatever_the_size(store: Store) -> None:
    put(store, *(report(24 * n) for n in range(6)))

    days = store.search.facets(query("*:*"), ["day"], size=2)["day"]

    assert [day.value for day in days] == [f"2026-07-{day:02}" for day in range(9, 15)]


def test_facets_follow_the_query(store: Store) -> None:
    put(store, tagged(1, ["energy"]), tagged(2, ["sanctions"], title="آخر"))

    assert [facet.value for facet in store.search.facets(query("topic:energy"), ["topic"])["topic"]] == ["energy"]
    assert store.search.facets(query("لا-شيء"), ["topic"]) == {"topic": ()}


def test_an_article_that_was_revised_is_found_by_its_new_words_only(store: Store) -> None:
    put(store, report(1, "محصول القمح"))
    put(store, report(1, "محصول الشعير", revision=2, published_at=NOW))

    assert numbers(store.search.search(query("القمح"))) == []
    assert numbers(store.search.search(query("الشعير"))) == [1]
    assert store.search.count() == 1


def test_export_gives_articles_in_the_order_they_came_not_in_that_of_publication(store: Store) -> None:
    put(store, report(3), report(1), report(2))
    put(store, report(9))
    put(store, report(1, revision=2), report(8))

    assert [int(article.article_id, 16) for article in store.search.export()] == [3, 1, 2, 9, 8]
    assert [int(a.article_id, 16) for a in store.articles.since(NOW - timedelta(hours=9))] == [3, 1, 2, 9, 8]


def test_many_articles_of_one_second_are_all_kept(store: Store) -> None:
    # The row number holds the second and the first five letters of the id: these are all alike.
    put(store, *(report(n, published_at=NOW) for n in range(1, 20)))

    assert store.search.count() == 19
    assert sorted(numbers(store.search.search(query("خبر"), sort="date"))) == list(range(1, 20))


@pytest.mark.parametrize(("count", "every"), [(300, 7), (1_200, 1_000), (1_200, 100), (1_200, 1)])
def test_stories_that_ended_are_followed_whether_few_or_many_are_asked_about(
    store: Store, count: int, every: int
) -> None:
    into = {f"s{n}": f"s{n + count}" if n % every == 0 else "" for n in range(count)}
    store.stories.put_stories(a_story(story_id=story, merged_into=last) for story, last in into.items())

    wanted = {story: last or story for story, last in into.items()} | {"unknown": "unknown"}

    for asked in (list(wanted), list(wanted)[:600]):
        assert store.stories.living(asked) == {story: wanted[story] for story in asked}
