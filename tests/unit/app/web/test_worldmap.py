"""The map of a story: what is drawn, and that it is always within the world."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.records import Article, Place
from marsad.testing.factories import an_article
from marsad_app.web.worldmap import WorldMap, story_map

ALGIERS = Place("الجزائر العاصمة", "DZ", 36.75, 3.06)
MOSCOW = Place("موسكو", "RU", 55.75, 37.62)


def about(*places: Place) -> Article:
    return msgspec.structs.replace(an_article(), places=places)


def mapped(*articles: Article) -> WorldMap:
    found = story_map(articles)
    assert found is not None
    return found


def test_a_story_without_places_has_no_map() -> None:
    assert story_map([about(), about()]) is None


def test_a_place_is_where_it_lies_and_counts_the_articles_that_name_it() -> None:
    drawn = mapped(about(ALGIERS, ALGIERS), about(ALGIERS, MOSCOW))
    assert [(point.name, point.x, point.y, point.articles) for point in drawn.points] == [
        ("الجزائر العاصمة", 31, -368, 2),
        ("موسكو", 376, -558, 1),
    ]


def test_land_is_drawn_around_the_places_only() -> None:
    near, far = mapped(about(ALGIERS)), mapped(about(Place("سيدني", "AU", -33.87, 151.2)))
    assert near.land.startswith("M")
    assert far.land
    assert far.land != near.land


def test_of_two_names_in_one_spot_the_one_of_more_articles_is_written() -> None:
    beside = msgspec.structs.replace(ALGIERS, name="بومرداس", lon=3.2)
    drawn = mapped(about(ALGIERS, beside), about(beside))
    assert [(point.name, point.labelled) for point in drawn.points] == [("بومرداس", True), ("الجزائر العاصمة", False)]


PLACES = st.builds(
    Place,
    name=st.text(min_size=1, max_size=12),
    country=st.just("DZ"),
    lat=st.floats(-90, 90),
    lon=st.floats(-180, 180),
)


@given(st.lists(PLACES, min_size=1, max_size=30))
def test_every_view_lies_in_the_world_and_its_points_are_few(places: list[Place]) -> None:
    drawn = mapped(about(*places))
    assert drawn.x >= -1800
    assert drawn.x + drawn.width <= 1800
    assert drawn.y >= -850
    assert drawn.y + drawn.height <= 600
    assert 1 <= len(drawn.points) <= 12


@pytest.mark.parametrize("lon", [-180.0, 180.0])
def test_a_place_at_the_edge_of_the_world_is_shown(lon: float) -> None:
    drawn = mapped(about(Place("سوفا", "FJ", -18.1, lon)))
    (point,) = drawn.points
    assert drawn.x <= point.x <= drawn.x + drawn.width
    assert drawn.y <= point.y <= drawn.y + drawn.height
