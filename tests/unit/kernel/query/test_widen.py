"""Names in queries find their other names, in whatever language, and all compilers read the same widened tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.query import MatchDoc, Node, format_query, matches, parse
from marsad.query.ast import Not, Or, Word
from marsad.query.widen import MOST_ADDED, widened
from marsad.taxonomy.synonyms import MOST_NAMES, _groups, other_names
from marsad.testing.factories import NOW, an_article

NAMES = sorted(" ".join(keys) for keys in _groups())


def read(text: str) -> Node:
    return parse(text, now=NOW, names=other_names)


def finds(query: str, text: str) -> bool:
    return matches(read(query), MatchDoc.of(an_article(title="خبر", lead="", text=text)))


@pytest.mark.parametrize("query", ["Algeria", "algérie", "الجزائر", "ALGERIA"])
@pytest.mark.parametrize("text", ["وصل الوفد إلى الجزائر", "a visit to Algeria", "en Algérie hier"])
def test_a_country_is_found_by_any_of_its_names(query: str, text: str) -> None:
    assert finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("NATO", "اجتمع حلف شمال الأطلسي أمس"),
        ("الناتو", "قال حلف شمال الأطلسي"),
        ('"United Nations"', "دعت الأمم المتحدة"),
        ('"الأمم المتحدة"', "the United Nations said"),
        ("ترمب", "قال ترامب"),
        ('"Saudi Arabia"', "في السعودية"),
        ("title:Algeria OR text:NATO", "حلف الناتو"),
    ],
)
def test_organisations_and_people_are_found_by_any_of_their_names(query: str, text: str) -> None:
    assert finds(query, text)


def test_a_name_stays_in_its_field_and_keeps_its_weight() -> None:
    node = read("title:Algeria^3")

    assert isinstance(node, Or)
    assert {(part.scope, part.boost) for part in node.parts if isinstance(part, Word)} == {("title", 3.0)}


def test_what_names_nothing_is_left_as_it_is() -> None:
    for text in ("وزير", '"وزير الدفاع"', "country:DZ", "published:>now-7d", "جزائ*", '"United Nations"~3'):
        assert read(text) == parse(text, now=NOW)


def test_what_is_forbidden_is_forbidden_by_every_name() -> None:
    assert isinstance(read("-Algeria"), Not)
    assert not finds("خبر -Algeria", "في الجزائر")


def test_a_query_of_very_many_names_is_not_widened_without_end() -> None:
    node = widened(parse(" OR ".join(f'"{name}"' for name in NAMES[:70]), now=NOW), other_names)

    assert isinstance(node, Or)
    assert len(node.parts) <= 70 + MOST_ADDED


@given(st.sampled_from(NAMES))
def test_a_widened_query_can_be_written_down_and_read_again(name: str) -> None:
    node = read(f'"{name}"')

    assert parse(format_query(node), now=NOW) == node
    assert len(other_names(tuple(name.split()))) < MOST_NAMES
