"""Commands that read the store."""

import json
from pathlib import Path
from typing import Any

import pytest

from marsad.errors import StoreError
from marsad.records import SearchPage
from marsad.records.ids import split_story_id
from marsad.testing.factories import a_story, an_article
from marsad_app.embedded.search import SqliteSearch
from marsad_app.embedded.store import open_store


def test_search_lists_matching_articles_with_outlet_time_and_topics(marsad: Any, filled: Any) -> None:
    answer = marsad("search", "روسيا")
    assert answer.lines[0].split("\t") == ["published (UTC)", "outlet", "topics", "title"]
    assert answer.lines[1].split("\t") == [
        "2026-05-12 09:01",
        "المثال",
        "defense-cooperation",
        "روسيا والجزائر توقعان اتفاقا للتعاون العسكري",
    ]
    assert "1 of 1 articles" in answer.err


def test_search_as_json_gives_a_line_for_each_hit_with_highlights(marsad: Any, filled: Any) -> None:
    hits = marsad("search", "الجزائر", "--sort", "date", "--json").records
    assert [hit["title"][:5] for hit in hits] == ["سفينة", "روسيا"]
    assert all(hit["highlights"] for hit in hits)


def test_search_collapsed_shows_one_article_of_each_story(marsad: Any, filled: Any) -> None:
    assert len(marsad("search", "الجزائر", "--collapse", "--json").records) == 1


def test_search_follows_what_comes_in_and_shows_each_article_once(
    marsad: Any, filled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def rest(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            raise KeyboardInterrupt
        if len(looks) == 1:
            store = open_store(marsad.folder)
            store.articles.put_articles([an_article(article_id="7" * 32, title="خبر لاحق عن روسيا")])
            store.close()

    monkeypatch.setattr("marsad_app.cli.search.time.sleep", rest)
    answer = marsad("search", "روسيا", "--follow", "--every", "2", "--json", status=130)

    titles = [json.loads(line)["title"] for line in answer.lines]
    assert looks == [2.0, 2.0, 2.0]
    assert len(titles) == 2
    assert titles[-1] == "خبر لاحق عن روسيا"


def test_a_search_that_follows_waits_for_a_first_match_and_outlives_a_store_that_does_not_answer(
    marsad: Any, filled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    real = SqliteSearch.search

    def search(self: SqliteSearch, *args: Any, **asked: Any) -> SearchPage:
        if len(looks) in {1, 2}:
            raise StoreError("the server is away")
        return real(self, *args, **asked)

    def rest(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            store = open_store(marsad.folder)
            store.articles.put_articles([an_article(article_id="7" * 32, title="كلمةغائبة تظهر")])
            store.close()
        if len(looks) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(SqliteSearch, "search", search)
    monkeypatch.setattr("marsad_app.cli.search.time.sleep", rest)
    answer = marsad("search", "كلمةغائبة", "--follow", "--json", status=130)

    assert [json.loads(line)["title"] for line in answer.lines] == ["كلمةغائبة تظهر"]
    assert answer.err.count("nothing matches yet") == answer.err.count("the server is away; still trying") == 1


def test_search_without_a_match_says_so_and_succeeds(marsad: Any, filled: Any) -> None:
    answer = marsad("search", "كلمةغائبة")
    assert answer.out == ""
    assert "nothing matches" in answer.err


def test_a_bad_query_is_shown_with_a_caret_below_the_fault(marsad: Any, filled: Any) -> None:
    answer = marsad("search", "a AND (b", status=1)
    query, caret, sentence = answer.err.splitlines()
    assert query == "  a AND (b"
    assert caret.index("^") == query.index("(")
    assert sentence.startswith("marsad: ")
    assert "at character 7" in sentence


@pytest.mark.parametrize("query", ["\x1b[31m(", "a\n(", "(" * 5_000, "\ud800("])
def test_a_hostile_query_is_refused_without_its_controls(marsad: Any, filled: Any, query: str) -> None:
    answer = marsad("search", query, status=1)
    assert "\x1b" not in answer.err
    assert answer.complaint


@pytest.mark.parametrize(
    "command",
    [
        ["search", "x"],
        ["feeds", "list"],
        ["feeds", "health"],
        ["feeds", "export"],
        ["stories", "list"],
        ["subscriptions", "list"],
        ["alerts", "list"],
        ["quarantine", "list"],
        ["status"],
        ["stats"],
        ["export"],
        ["web"],
        ["topics", "dry-run", "sport"],
    ],
)
def test_reading_without_a_store_says_how_to_get_one(marsad: Any, command: list[str]) -> None:
    sentence = marsad(*command, status=1).complaint
    assert f"no store at {marsad.folder / 'marsad.db'} yet: run `marsad run` first" in sentence
    assert not marsad.folder.exists()


def test_a_corrupt_store_is_one_sentence_that_says_what_to_do(marsad: Any) -> None:
    marsad.folder.mkdir()
    (marsad.folder / "marsad.db").write_bytes(b"this is no database at all" * 500)
    sentence = marsad("search", "x", status=1).complaint
    assert "marsad.db" in sentence
    assert "restore a copy" in sentence


def test_stories_are_listed_and_shown_by_the_beginning_of_their_id(marsad: Any, filled: Any) -> None:
    story = marsad("stories", "list", "--min-size", "2", "--json").records[0]
    shown = marsad("stories", "show", story["story_id"][:8], "--json").records[0]
    assert [article["url"][-1] for article in shown["articles"]] == ["1", "2"]
    assert shown["articles"][1]["duplicate_of"] == shown["articles"][0]["article_id"]
    assert "2 articles" in marsad("stories", "show", story["story_id"]).out


def test_an_unknown_story_is_one_sentence(marsad: Any, filled: Any) -> None:
    assert "no story 'ffffffff'" in marsad("stories", "show", "ffffffff", status=1).complaint


def test_alerts_are_listed_for_all_or_for_one_subscription_by_name(marsad: Any, filled: Any) -> None:
    assert len(marsad("alerts", "list", "--json").records) == 1
    assert marsad("alerts", "list", "--subscription", "Russia").lines[1].split("\t")[1] == "Russia"
    assert "no subscription" in marsad("alerts", "list", "-s", "Nobody", status=1).complaint


def test_export_writes_every_article_with_the_promised_fields(marsad: Any, filled: Any) -> None:
    records = marsad("export").records
    promised = (
        "article_id url guids title lead text language outlet published first_seen topics countries places entities"
    )
    promised += " story_id duplicate_of revision taxonomy_version partial"
    assert [record["url"][-1] for record in records] == ["1", "2", "3"]
    assert all(set(record) == set(promised.split()) for record in records)
    assert records[0]["published"] == "2026-05-12T09:01:00Z"
    assert records[0]["topics"][0]["evidence"][0]["field"] == "title"


def test_export_can_be_limited_by_a_query_and_written_to_a_file(marsad: Any, filled: Any, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    answer = marsad("export", "--query", "كرة", "--output", str(target))
    assert answer.out == ""
    assert "1 articles" in answer.err
    assert json.loads(target.read_text(encoding="utf-8"))["url"].endswith("/3")
    assert list(tmp_path.glob("*.part")) == []


def test_export_to_a_place_that_cannot_be_written_says_so(marsad: Any, filled: Any, tmp_path: Path) -> None:
    assert "cannot be written" in marsad("export", "--output", str(tmp_path / "no" / "x"), status=1).complaint


def test_status_counts_what_is_there_and_what_is_unwell(marsad: Any, filled: Any) -> None:
    status = marsad("status", "--json").records[0]
    assert status["store"]["articles"] == 3
    assert status["store"]["quarantined"] == 2
    assert status["store"]["deliveries"] == {"pending": 1}
    assert status["feeds"] == {"dns": 1, "ok": 1}
    assert "2, 1 unwell: 1 dns" in marsad("status").out


def test_stats_count_articles_by_topic_outlet_and_day(marsad: Any, filled: Any) -> None:
    stats = marsad("stats", "--json").records[0]
    assert stats["topic"] == {"defense-cooperation": 1}
    assert stats["outlet"] == {"المثال": 3}
    assert stats["day"] == {"2026-05-12": 3}
    assert "topic\tdefense-cooperation\t1" in marsad("stats", "--query", "روسيا").out


def test_titles_never_bring_terminal_controls_into_a_table(marsad: Any, store: Any, make: Any) -> None:
    store.articles.put_articles([make["article"](1, "خبر \x1b]0;owned\x07 \u202eمقلوب\u2066\r\n\tسطر")])
    line = marsad("search", "خبر").lines[1]
    assert line.endswith("خبر ]0;owned مقلوب سطر")


def test_a_topic_is_found_by_its_name_and_an_unknown_one_is_refused(marsad: Any, filled: Any) -> None:
    for query in ("topic:defense-cooperation", 'topic:"التعاون الدفاعي"', 'topic:"Defence cooperation"'):
        assert len(marsad("search", query, "--json").records) == 1
    assert 'no topic "defence-cooperation"' in marsad("search", "topic:defence-cooperation", status=1).complaint


def test_a_pair_is_explained_by_every_sign(marsad: Any, filled: Any) -> None:
    story = marsad("stories", "list", "--min-size", "2", "--json").records[0]
    one, other = (
        each["article_id"] for each in marsad("stories", "show", story["story_id"], "--json").records[0]["articles"]
    )
    found = marsad("stories", "explain", one, other, "--json").records[0]
    assert found["one_story"] is True
    assert set(found["why"]["event_signs"]) >= {"base", "words", "titles", "rare-words", "acting-countries", "days"}
    told = marsad("stories", "explain", one, story["story_id"][:8]).out
    assert told.splitlines()[2].startswith("one story")
    assert "rare-words" in told


def test_an_article_that_is_not_there_cannot_be_explained(marsad: Any, filled: Any) -> None:
    assert "no story 'ffffffff'" in marsad("stories", "explain", "ffffffff", "ffffffff", status=1).complaint


def test_a_story_that_was_split_off_says_where_it_came_from_and_is_found_by_its_first_letters(
    marsad: Any, store: Any, make: Any
) -> None:
    whole, part = "a1" * 16, split_story_id("a1" * 16)
    store.articles.put_articles(
        [make["article"](1, "سفينة في الميناء", story_id=whole), make["article"](2, "حكم المحكمة", story_id=part)]
    )
    store.stories.put_stories([a_story(story_id=whole), a_story(story_id=part, split_from=whole)])
    short = f"{whole[:8]}-split"
    assert any(line.startswith(short) for line in marsad("stories", "list").lines)
    assert f"split from {whole}" in marsad("stories", "show", short).out
    assert "split from" not in marsad("stories", "show", whole[:8]).out
    assert "two stories, split from one that told two events" in marsad("stories", "explain", whole[:8], short).out
    found = marsad("stories", "explain", whole[:8], short, "--json").records[0]
    assert (found["one_story"], found["split"]) == (False, True)
