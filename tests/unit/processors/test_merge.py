from datetime import UTC, datetime, timedelta
from typing import Any

from marsad.events import Outcome
from marsad.records import Article
from processors.merge import merge

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def an_article(**fields: Any) -> Article:
    base: dict[str, Any] = {
        "article_id": "a",
        "title": "عنوان",
        "text": "نص الخبر",
        "feed_ids": ("f",),
        "guids": ("g",),
        "sections": ("world",),
        "published_at": NOW,
        "first_seen_at": NOW,
    }
    return Article(**{**base, **fields})


def test_an_unknown_article_is_new() -> None:
    assert merge(None, an_article()).outcome is Outcome.INDEXED


def test_the_same_again_changes_nothing() -> None:
    merged = merge(an_article(story_id="s"), an_article())

    assert (merged.outcome, merged.changed) == (Outcome.UNCHANGED, False)


def test_a_further_feed_adds_its_section_and_keeps_the_words() -> None:
    merged = merge(
        an_article(story_id="s"),
        an_article(feed_ids=("h",), guids=("k",), sections=("politics",), text="نص آخر", title="عنوان آخر"),
    )

    assert merged.outcome is Outcome.UNCHANGED
    assert merged.changed
    assert (merged.article.text, merged.article.sections, merged.article.guids) == (
        "نص الخبر",
        ("world", "politics"),
        ("g", "k"),
    )
    assert merged.article.story_id == "s"


def test_other_words_from_the_same_feed_are_a_revision_that_keeps_its_first_times() -> None:
    merged = merge(
        an_article(),
        an_article(title="عنوان مصحح", published_at=NOW + timedelta(hours=1), first_seen_at=NOW + timedelta(hours=1)),
    )

    assert merged.outcome is Outcome.REVISED
    assert (merged.article.title, merged.article.revision) == ("عنوان مصحح", 2)
    assert merged.article.published_at == merged.article.first_seen_at == NOW


def test_a_whole_text_replaces_a_partial_one_and_never_the_reverse() -> None:
    partial, whole = an_article(partial="page: 403", text="ملخص"), an_article(feed_ids=("h",), text="النص الكامل")

    assert merge(partial, whole).article.text == "النص الكامل"
    assert merge(whole, an_article(feed_ids=("h",), partial="page: 403", text="ملخص")).article.text == "النص الكامل"
