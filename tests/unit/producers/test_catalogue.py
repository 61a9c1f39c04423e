"""The shipped catalogue as data, and what the loader says of files that are wrong."""

import re
from collections import Counter
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from marsad.errors import ConfigError
from marsad.records.ids import feed_id
from producers.catalogue import CountryCatalogue, load_catalogue, load_countries, parse_country, to_feeds

CATALOGUES = load_countries()
each_country = pytest.mark.parametrize("catalogue", CATALOGUES, ids=[catalogue.country for catalogue in CATALOGUES])

GOOD = """
country = "DZ"

[[outlet]]
id = "sample"
name = "نموذج"
name_en = "Sample"
homepage = "https://sample.example/"
kind = "paper"
weight = 2
zone = "Africa/Algiers"

[[outlet.feed]]
url = "https://sample.example/rss"
section = "sport"
kind = "rss"
seen = ""
note = "unverified"
"""


def _bare(url: str) -> str:
    """The address without what two spellings of one address differ in."""
    parts = urlsplit(url)
    return f"{parts.netloc.removeprefix('www.')}{parts.path.rstrip('/')}?{parts.query}".lower()


@each_country
def test_the_country_is_one_that_iso_knows(catalogue: CountryCatalogue) -> None:
    assert re.fullmatch(r"[A-Z]{2}", catalogue.country)
    assert catalogue.country in Locale("en").territories


@each_country
def test_every_zone_exists(catalogue: CountryCatalogue) -> None:
    for outlet in catalogue.outlets:
        assert ZoneInfo(outlet.zone).key == outlet.zone


@each_country
def test_outlets_are_sorted_by_id_and_feeds_by_address(catalogue: CountryCatalogue) -> None:
    ids = [outlet.id for outlet in catalogue.outlets]

    assert sorted(ids) == ids
    for outlet in catalogue.outlets:
        urls = [feed.url for feed in outlet.feed]
        assert sorted(urls) == urls


@each_country
def test_addresses_are_plain_ascii_and_carry_neither_tracking_parameters_nor_fragments(
    catalogue: CountryCatalogue,
) -> None:
    tracking = re.compile(r"utm_|fbclid|gclid|mc_[ce]id|igsh|ref$")
    for outlet in catalogue.outlets:
        for feed in outlet.feed:
            parts = urlsplit(feed.url)
            assert parts.scheme in {"http", "https"}
            assert feed.url.isascii()
            assert "&amp;" not in feed.url
            assert not parts.fragment
            assert parts.username is None
            assert not [key for key, _ in parse_qsl(parts.query) if tracking.match(key)]


@each_country
def test_an_address_that_nobody_reported_says_so(catalogue: CountryCatalogue) -> None:
    silent = [feed.url for outlet in catalogue.outlets for feed in outlet.feed if not feed.seen and not feed.note]

    assert not silent


@each_country
def test_outlet_names_are_written_in_arabic(catalogue: CountryCatalogue) -> None:
    latin = [outlet.name for outlet in catalogue.outlets if re.search("[A-Za-z]", outlet.name)]

    assert not latin


@pytest.mark.parametrize("field", ["id", "name", "name_en"])
def test_no_two_outlets_share_an_id_or_a_name(field: str) -> None:
    values = [getattr(outlet, field) for catalogue in CATALOGUES for outlet in catalogue.outlets]

    assert not [value for value, times in Counter(values).items() if times > 1]


def test_no_two_addresses_differ_only_in_scheme_host_prefix_case_or_final_slash() -> None:
    bare = [_bare(feed.url) for feed in load_catalogue()]

    assert len(set(bare)) == len(bare)


def test_the_catalogue_is_broad() -> None:
    feeds = load_catalogue()

    assert len(feeds) >= 100
    assert len({feed.country for feed in feeds}) >= 20
    assert {feed.language for feed in feeds} == {"ar"}


def test_no_address_is_an_aggregator_standing_in_for_an_outlet() -> None:
    assert not [feed.url for feed in load_catalogue() if urlsplit(feed.url).hostname == "news.google.com"]


def test_every_country_file_of_the_package_is_read() -> None:
    names = {file.name for file in files("producers.catalogue").iterdir() if file.name.endswith(".toml")}

    assert {f"{catalogue.country.lower()}.toml" for catalogue in CATALOGUES} == names


def test_one_country_can_be_asked_for_in_either_case() -> None:
    feeds = load_catalogue("DZ")

    assert feeds == load_catalogue("dz")
    assert feeds == tuple(feed for feed in load_catalogue() if feed.country == "DZ")


def test_a_country_without_feeds_is_named_together_with_those_that_have_some() -> None:
    with pytest.raises(ConfigError, match=r"'XX'.* dz .* ye"):
        load_catalogue("XX")


def test_a_feed_takes_its_outlets_name_country_zone_and_weight() -> None:
    (feed,) = to_feeds([parse_country("dz.toml", GOOD)])

    assert feed.id == feed_id("https://sample.example/rss")
    assert (feed.title, feed.outlet, feed.country, feed.language) == ("نموذج: رياضة", "نموذج", "DZ", "ar")
    assert (feed.section, feed.kind, feed.zone, feed.weight) == ("sport", "rss", "Africa/Algiers", 2.0)
    assert feed.full_text is None
    assert feed.enabled
    assert feed.added_at is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('country = "DZ"', "country = ", r"^dz\.toml: no TOML: .*line 2"),
        ('country = "DZ"', 'country = "Algeria"', r"^dz\.toml: .*\$\.country"),
        ('country = "DZ"', 'country = "MA"', r"^dz\.toml: holds country 'MA'.*ma\.toml"),
        ('country = "DZ"', 'country = "DZ"\ncolour = "red"', r"^dz\.toml: .*colour"),
        ('id = "sample"\n', "", r"^dz\.toml: outlet 1: .*`id`"),
        ('id = "sample"', 'id = "Sample!"', r"^dz\.toml: outlet 1 \(Sample!\): .*\$\.id"),
        ("weight = 2", "weight = 6", r"^dz\.toml: outlet 1 \(sample\): .*\$\.weight"),
        ('kind = "paper"', 'kind = "blog"', r"^dz\.toml: outlet 1 \(sample\): .*'blog'"),
        (
            'section = "sport"',
            'section = "sports"',
            r"^dz\.toml: outlet 1 \(sample\), feed 1 \(https://sample\.example/rss\): .*'sports'",
        ),
        (
            'url = "https://sample.example/rss"\n',
            "",
            r"^dz\.toml: outlet 1 \(sample\), feed 1 \(without url\): .*`url`",
        ),
        ("https://sample.example/rss", "ftp://sample.example/rss", r"^dz\.toml: outlet 1 \(sample\), feed 1 .*\$\.url"),
        ('seen = ""', 'seen = "2026-13"', r"feed 1 .*\$\.seen"),
        ('seen = ""\n', "", r"feed 1 .*`seen`"),
        ('note = "unverified"', 'nota = "unverified"', r"feed 1 .*nota"),
        ('[[outlet.feed]]\nurl = "https://sample.example/rss"', '[other]\nurl = "x"', r"^dz\.toml: .*other"),
    ],
)
def test_a_wrong_file_is_refused_with_the_file_and_the_entry(old: str, new: str, said: str) -> None:
    assert old in GOOD

    with pytest.raises(ConfigError, match=said):
        parse_country("dz.toml", GOOD.replace(old, new, 1))


def test_an_outlet_without_feeds_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"outlet 1 \(sample\): .*`feed`"):
        parse_country("dz.toml", GOOD[: GOOD.index("[[outlet.feed]]")])


def test_an_address_in_two_outlets_is_refused_with_both() -> None:
    twin = GOOD.replace('country = "DZ"', "").replace('"sample"', '"twin"').replace("نموذج", "توأم")

    with pytest.raises(ConfigError, match=r"https://sample\.example/rss .*نموذج and توأم"):
        to_feeds([parse_country("dz.toml", GOOD + twin)])


def test_an_outlet_id_in_two_countries_is_refused_with_both() -> None:
    other = parse_country("ma.toml", GOOD.replace("DZ", "MA"))

    with pytest.raises(ConfigError, match=r"'sample' .*DZ and MA"):
        to_feeds([parse_country("dz.toml", GOOD), other])


def test_a_file_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "dz.toml").write_bytes(GOOD.encode("windows-1256"))

    with pytest.raises(ConfigError, match=r"^dz\.toml: cannot be read: .*utf-8"):
        load_countries(folder=tmp_path)


@given(st.integers(0, len(GOOD)), st.text(max_size=8))
def test_a_damaged_file_is_read_or_refused_but_never_breaks_the_reader(at: int, junk: str) -> None:
    with suppress(ConfigError):
        assert parse_country("dz.toml", GOOD[:at] + junk + GOOD[at:]).country == "DZ"
