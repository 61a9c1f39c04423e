"""What is told of a pair is what grouping judged by."""

from datetime import UTC, datetime, timedelta

import pytest

from marsad.records import Article, CountryTag, Place
from processors.grouping.explain import explain

START = datetime(2024, 3, 4, 8, 0, tzinfo=UTC)
QUAKE = (
    "ضرب زلزال بقوة ست درجات هاكوري فجر الاثنين وأصيب 41 شخصا في بلدة ميناسو وانقطع التيار عن 1800 منزل قرب الميناء."
)
OTHER = "أصيب 41 شخصا في هزة أرضية هزت هاكوري فجرا وألحقت أضرارا بمنازل في ميناسو، وتوقف القطار عند أودارا."
GRAIN = "أعلن اتحاد المزارعين أن محصول القمح في سهل البراق بلغ مليوني طن هذا الموسم بفضل أمطار الربيع."


def article(identity: str, text: str, hours: float = 0, country: str = "JP", outlet: str = "الأفق") -> Article:
    at = START + timedelta(hours=hours)
    return Article(
        article_id=identity,
        title=text[:40],
        text=text,
        outlet=outlet,
        published_at=at,
        first_seen_at=at,
        countries=(CountryTag(country, 1, "actor"),),
        places=(Place("ميناسو", country, 1.0, 1.0),),
    )


def test_the_signs_of_a_pair_add_up_to_the_odds() -> None:
    found = explain(article("1", QUAKE), article("2", QUAKE, 2, outlet="المرفأ"))
    assert sum(found.event_signs.values()) == pytest.approx(found.event)
    assert sum(found.copy_signs.values()) == pytest.approx(found.copy)
    assert found.copy > 0


def test_what_two_reports_share_is_named() -> None:
    found = explain(article("1", QUAKE), article("2", OTHER, 3, outlet="المرفأ"))
    assert (found.countries, found.places, found.numbers, found.hours) == (("JP",), ("ميناسو",), ("41",), 3)
    assert "هاكور" in found.words
    assert found.event > 0 > found.copy


def test_what_keeps_two_events_apart_weighs_against_them() -> None:
    found = explain(article("1", QUAKE), article("2", GRAIN, 30, "DZ"))
    assert found.event < 0
    assert found.event_signs["no-country-in-common"] < 0
    assert found.event_signs["same-outlet"] < 0
    assert found.event_signs["days"] < 0
    assert found.copy_signs == {}


def test_the_order_of_the_two_makes_no_difference_to_the_signs() -> None:
    one, other = article("1", QUAKE), article("2", OTHER, 3)
    assert explain(one, other).event == pytest.approx(explain(other, one).event, abs=0.3)


def test_reports_of_an_affair_that_was_told_days_before_are_less_surely_one_event() -> None:
    one, other = article("1", QUAKE), article("2", OTHER, 3, outlet="المرفأ")
    affair, elsewhere = article("0", f"{QUAKE} {GRAIN}", -72), article("0", GRAIN, -72, "DZ")
    told, new = explain(one, other, [affair]), explain(one, other, [elsewhere])
    assert told.event_signs["told-before"] < new.event_signs["told-before"] <= 0
    assert told.event < new.event


def test_where_the_days_before_are_not_known_a_pair_is_judged_as_in_an_affair() -> None:
    one, other = article("1", QUAKE), article("2", OTHER, 3, outlet="المرفأ")
    unknown, new = explain(one, other), explain(one, other, [article("0", GRAIN, -72, "DZ")])
    assert unknown.event_signs["told-before"] < new.event_signs["told-before"]


def test_what_two_reports_share_says_less_in_an_affair_and_more_where_nothing_like_it_was_told() -> None:
    one, other = article("1", QUAKE), article("2", OTHER, 3, outlet="المرفأ")
    told = explain(one, other, [article("0", f"{QUAKE} {GRAIN}", -72)])
    new = explain(one, other, [article("0", GRAIN, -72, "DZ")])
    assert told.event_signs["alike-in-an-affair"] < 0 < new.event_signs["alike-in-an-affair"]
    assert explain(one, other).event_signs["alike-in-an-affair"] == 0
