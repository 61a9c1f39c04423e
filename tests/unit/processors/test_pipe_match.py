"""A query over articles in JSON, as any program may write them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.errors import PoisonError, QueryError
from marsad.records import CountryTag, EntityTag, Evidence, TopicTag
from processors.pipe_match import article_from_json, pipe_match

RECORD: dict[str, Any] = {
    "id": 7,
    "title": "سفينة حربية روسية",
    "text": "غادرت السفينة ميناء الجزائر",
    "topics": [
        {"id": "sanctions", "score": 1.5, "evidence": [{"term": "سفينة", "field": "title", "start": 0, "end": 5}]}
    ],
    "countries": [{"code": "DZ", "mentions": 2, "role": "actor"}, "RU"],
    "published": "2026-07-14T09:30:00Z",
}


def test_a_match_keeps_the_record_and_adds_what_matched() -> None:
    answer = pipe_match("السفينة country:RU", RECORD)

    assert answer == {
        **RECORD,
        "matched": True,
        "evidence": [
            {"term": "سفينة", "field": "title", "start": 0, "end": 5},
            {"term": "السفينة", "field": "text", "start": 6, "end": 13},
        ],
    }


def test_an_article_that_does_not_match_gives_nothing() -> None:
    assert pipe_match("غواصة", RECORD) is None


def test_a_bad_query_is_refused() -> None:
    with pytest.raises(QueryError):
        pipe_match("(سفينة", RECORD)


def test_every_shape_of_our_own_filters_is_read() -> None:
    article = article_from_json(
        {**RECORD, "entities": ["Q1", {"id": "Q2", "name_ar": "أوبك"}], "places": ["وهران"], "feed": "f"}
    )

    assert article.article_id == "7"
    assert article.topics == (TopicTag("sanctions", 1.5, (Evidence("سفينة", "title", 0, 5),)),)
    assert article.countries == (CountryTag("DZ", 2, "actor"), CountryTag("RU", 1))
    assert article.entities == (EntityTag("Q1", "other", ""), EntityTag("Q2", "other", "أوبك"))
    assert article.places[0].name == "وهران"
    assert article.feed_ids == ("f",)
    assert article.published_at == article.first_seen_at == datetime(2026, 7, 14, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2026-07-14T09:30:00+03:00", 6),
        ("2026-07-14 09:30", 9),
        ("Tue, 14 Jul 2026 09:30:00 +0400", 5),
        (None, 0),
        ("", 0),
    ],
)
def test_times_are_read_as_feeds_and_programs_write_them(written: str | None, hour: int) -> None:
    assert article_from_json({"title": "", "published": written}).published_at.hour == hour


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ["x"]),
        ("text", {"a": 1}),
        ("published", "soon"),
        ("topics", "sanctions"),
        ("topics", [{"id": "x", "score": "high"}]),
        ("revision", []),
        ("revision", float("inf")),
    ],
)
def test_a_field_that_is_no_such_thing_is_named(field: str, value: object) -> None:
    with pytest.raises(PoisonError, match="must be"):
        article_from_json({**RECORD, field: value})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "code", "name", "field", "evidence", "score"]), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [
        "id",
        "title",
        "text",
        "lead",
        "topics",
        "countries",
        "places",
        "entities",
        "published",
        "revision",
        "feed",
        "outlet",
    ]
)


@given(st.dictionaries(FIELDS, JSON))
def test_any_record_is_read_or_refused_in_a_sentence(record: dict[str, Any]) -> None:
    try:
        pipe_match("topic:* OR country:* OR خبر", record)
    except PoisonError as error:
        assert "must be" in str(error)  # noqa: PT017  # most records are no error
