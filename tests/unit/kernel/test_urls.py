"""One identity form for all the ways in which an article is linked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.records.urls import canonical_url, clean_url, is_web_url, shown_url

SAME = [
    ("https://example.com/a?utm_source=rss&id=7", "https://example.com/a?id=7"),
    ("http://www.example.com/a/", "https://example.com/a"),
    ("https://m.example.com/a", "https://www.example.com/a"),
    ("https://amp.example.com/a", "https://example.com/a/amp/"),
    ("https://example.com/a.amp", "https://example.com/a"),
    ("https://example.com/a.amp.html", "https://example.com/a.html"),
    ("https://example.com/a?amp=1", "https://example.com/a"),
    ("https://www.google.com/amp/s/www.example.com/a/amp", "https://example.com/a"),
    ("https://example-com.cdn.ampproject.org/c/s/www.example.com/a", "https://example.com/a"),
    ("https://example.com:443/a#top", "https://example.com/a"),
    ("https://EXAMPLE.com./a", "https://example.com/a"),
    (
        "https://example.com/أخبار/الجزائر",
        "https://example.com/%D8%A3%D8%AE%D8%A8%D8%A7%D8%B1/%d8%a7%d9%84%d8%ac%d8%b2%d8%a7%d8%a6%d8%b1",
    ),
    ("https://example.com/\u0622", "https://example.com/\u0627\u0653"),
    ("https://example.com/\u200fأخبار\u200e", "https://example.com/أخبار"),
    ("https://example.com/a?b=2&a=1", "https://example.com/a?a=1&b=2"),
    ("https://عرب.example/a", "https://xn--ngbrx.example/a"),
    ("https://example.com/amp/ar/a", "https://example.com/ar/a"),
    ("https://example.com/ar/amp/a", "https://example.com/ar/a"),
    ("https://example.com/a?ref=rss&source=RSS&from=twitter&CMP=rss_share&maca=ara-rss", "https://example.com/a"),
    ("https://example.com//a", "https://example.com/a"),
    ("https://example.com/b/.././a", "https://example.com/a"),
    ("https://example.com/a;jsessionid=0A1B?x=1&PHPSESSID=z", "https://example.com/a?x=1"),
    ("https://example.com/a?id=1&amp;cat=2", "https://example.com/a?cat=2&id=1"),
    ("https://www.google.com/url?rct=j&sa=t&url=https://example.com/a%3Fid%3D1&ct=ga", "https://example.com/a?id=1"),
    ("https://example.com/%7Euser", "https://example.com/~user"),
    ("https://example.com/a?fbclid=x&gclid=y&at_medium=RSS&ocid=z&cmpid=q", "https://example.com/a"),
]

DIFFERENT = [
    ("https://example.com/a?id=1", "https://example.com/a?id=2"),
    ("https://example.com/a%2Fb", "https://example.com/a/b"),
    ("https://example.com/a", "https://example.com/A"),
    ("https://example.com:8443/a", "https://example.com/a"),
    ("http://127.0.0.2:80/a", "http://127.0.0.3:80/a"),
    ("https://example.com/?p=1", "https://example.com/?p=2"),
    ("https://example.com/a?cid=1234", "https://example.com/a?cid=1235"),
    ("https://example.com/a?from=2020", "https://example.com/a?from=2021"),
    ("https://example.com/a?source=wire", "https://example.com/a"),
    ("https://example.com/amplifier/a", "https://example.com/a"),
    ("https://sport.example.com/a", "https://news.example.com/a"),
    ("https://m.com/a", "https://com/a"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_to_link_an_article_are_one(one: str, other: str) -> None:
    assert canonical_url(one) == canonical_url(other) != ""


def test_half_a_surrogate_pair_in_an_address_is_no_failure() -> None:
    assert canonical_url("https://example.com/\ud800a").isascii()


def test_an_address_wrapped_a_thousand_times_leads_nowhere() -> None:
    assert canonical_url("https://google.com" + "/amp/s/google.com" * 1_000 + "/a") == ""


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_articles_stay_apart(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


@pytest.mark.parametrize(
    "url", ["", "mailto:a@example.com", "javascript:alert(1)", "/relative", "https://", "http://[", "urn:x"]
)
def test_what_is_no_web_address_has_no_canonical_form(url: str) -> None:
    assert canonical_url(url) == ""
    assert not is_web_url(url)


def test_a_literal_address_keeps_its_scheme_and_port() -> None:
    assert (
        canonical_url("http://127.0.0.2:8081/article/1.html?utm_source=rss") == "http://127.0.0.2:8081/article/1.html"
    )


def test_the_clean_form_opens_the_same_page() -> None:
    url = "http://www.example.com/\u200fa/?utm_source=rss&id=7#top"

    assert clean_url(url) == "http://www.example.com/a/?id=7"


PARTS = st.sampled_from(
    ["http", "https", "://", "www.", "m.", "amp.", "example", ".com", "عرب", "/", "amp", "?", "&", "=", "#", "%", "..", ".", "//", ";jsessionid=", "&amp;", "google", "url", "%D8", "%A7",
     "%d9%93", "%2F", "%25", "%e2%80%8f", "\u200f", "\u0653", "ا", "utm_source", "id", "1", ":", "80", "[", "]", "@", " ", "é"]
)  # fmt: skip


@given(st.lists(PARTS, max_size=14).map("".join) | st.text().map("https://example.com/{}".format) | st.text())
def test_the_canonical_form_is_canonical(url: str) -> None:
    once = canonical_url(url)

    assert canonical_url(once) == once
    assert once.isascii()


@given(st.text(alphabet=st.characters(categories=["L", "Nd"]), min_size=1))
def test_raw_and_encoded_letters_are_one_address(slug: str) -> None:
    encoded = "".join(f"%{byte:02x}" for byte in slug.encode())

    assert canonical_url(f"https://example.com/{slug}") == canonical_url(f"https://example.com/{encoded}")


@given(st.text())
def test_cleaning_twice_changes_nothing(url: str) -> None:
    assert clean_url(clean_url(url)) == clean_url(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://desk:s3cret@news.example/rss?x=a@b", "https://news.example/rss?x=a@b"),
        ("HTTP://a@b:c@news.example:8080", "HTTP://news.example:8080"),
        ("https://news.example/a//b@c", "https://news.example/a//b@c"),
        ("https://news.example/@desk", "https://news.example/@desk"),
        ("mailto:desk@news.example", "mailto:desk@news.example"),
    ],
)
def test_a_login_in_an_address_is_not_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown == shown_url(shown)
