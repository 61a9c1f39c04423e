from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.records import Feed
from processors.published import COUNTRY_ZONES, published, zone_of

SEEN = datetime(2024, 5, 12, 12, 0, tzinfo=UTC)


def feed(country: str = "SA", zone: str = "") -> Feed:
    return Feed(id="f", url="https://alofoq.example/rss", title="الأفق", outlet="الأفق", country=country, zone=zone)


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("Sun, 12 May 2024 10:00:00 GMT", "SA", "2024-05-12T10:00:00+00:00"),
        ("Sun, 12 May 2024 10:00:00 +0400", "SA", "2024-05-12T06:00:00+00:00"),
        ("2024-05-12 10:00", "SA", "2024-05-12T07:00:00+00:00"),
        ("2024-05-12 10:00", "DZ", "2024-05-12T09:00:00+00:00"),
        ("2024-05-12 10:00", "", "2024-05-12T07:00:00+00:00"),
        ("12 أيار/مايو 2024", "LB", "2024-05-11T21:00:00+00:00"),
        ("منذ ساعتين", "EG", "2024-05-12T10:00:00+00:00"),
    ],
)
def test_a_date_is_read_in_the_outlets_zone(raw: str, country: str, expected: str) -> None:
    found = published(raw, "", feed(country), first_seen=SEEN, now=SEEN)
    assert (found.at.isoformat(), found.problem) == (expected, "")


def test_the_feeds_own_zone_comes_before_its_countrys() -> None:
    assert zone_of(feed("SA", "Europe/London")).key == "Europe/London"


def test_a_zone_that_is_none_falls_back_to_the_country() -> None:
    assert zone_of(feed("TN", "Mars/Base")).key == "Africa/Tunis"


def test_every_country_has_a_zone_that_exists() -> None:
    assert all(zone_of(feed(country)).key == zone for country, zone in COUNTRY_ZONES.items())


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("", "missing"),
        ("قريبا", "unreadable"),
        ("0000-00-00 00:00:00", "unreadable"),
        ("Thu, 01 Jan 1970 00:00:00 GMT", "zero date"),
        ("1990-06-01", "before there were feeds"),
        ("2024-05-12T12:16:00Z", "future"),
    ],
)
def test_an_impossible_date_gives_way_to_first_sight_and_says_why(raw: str, problem: str) -> None:
    found = published(raw, "", feed(), first_seen=SEEN, now=SEEN)
    assert (found.at, found.precision, found.problem, found.raw) == (SEEN, "seen", problem, raw)


def test_a_clock_that_goes_a_little_fast_is_believed() -> None:
    found = published("2024-05-12T12:14:00Z", "", feed(), first_seen=SEEN, now=SEEN)
    assert found.at == SEEN + timedelta(minutes=14)


def test_the_page_is_asked_only_where_the_feed_has_no_usable_date() -> None:
    assert published("2024-05-10", "2024-05-11", feed(), first_seen=SEEN, now=SEEN).raw == "2024-05-10"
    fallback = published("", "2024-05-11T08:00:00Z", feed(), first_seen=SEEN, now=SEEN)
    assert fallback.at.isoformat() == "2024-05-11T08:00:00+00:00"
    assert fallback.problem == "missing: the page's date is used"


@pytest.mark.parametrize("doubt", ["frozen", "always now"])
def test_a_date_that_says_nothing_gives_way_and_the_article_says_why(doubt: str) -> None:
    found = published("2024-05-01T08:00:00Z", "", feed(), first_seen=SEEN, now=SEEN, doubt=doubt)
    assert (found.at, found.precision, found.problem, found.raw) == (SEEN, "seen", doubt, "2024-05-01T08:00:00Z")
    paged = published("2024-05-01T08:00:00Z", "2024-05-11T08:00:00Z", feed(), first_seen=SEEN, now=SEEN, doubt=doubt)
    assert paged.at.isoformat() == "2024-05-11T08:00:00+00:00"
    assert paged.problem == f"{doubt} (2024-05-01T08:00:00Z): the page's date is used"


@given(st.text(max_size=60))
def test_no_text_raises_and_no_date_is_ahead_of_now(raw: str) -> None:
    found = published(raw, "", feed(), first_seen=SEEN, now=SEEN)
    assert found.at <= SEEN + timedelta(minutes=15)
    assert found.at.tzinfo is UTC
