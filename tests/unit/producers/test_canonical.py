"""Which address of its own a page may name, and what that makes of an entry."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.records.ids import article_id
from marsad.records.urls import canonical_url
from marsad.testing.factories import an_entry
from producers.canonical import canonical_of, identified

FEED_URL = "https://alofoq.example/node/48213?from=section"
OWN = "https://www.alofoq.example/news/2024/48213-barnamaj-tadreeb"
ENTRY = an_entry(url=FEED_URL, article_id=article_id(canonical_url(FEED_URL), "", ""))


def page(*heads: str) -> str:
    return f"<html><head>{''.join(heads)}</head><body><p>نص الخبر</p></body></html>"


def canonical(address: str) -> str:
    return f'<link rel="canonical" href="{address}">'


def og(address: str) -> str:
    return f'<meta property="og:url" content="{address}" />'


def test_an_entry_is_known_by_the_address_that_its_page_names() -> None:
    entry = identified(replace(ENTRY, page_html=page(canonical(OWN)), page_url=FEED_URL))

    assert entry.article_id == article_id(canonical_url(OWN), "", "")
    assert (entry.canonical, entry.url) == (OWN, FEED_URL)


def test_a_page_that_names_the_address_it_was_asked_at_changes_nothing() -> None:
    with_page = replace(ENTRY, page_html=page(canonical(FEED_URL)), page_url=FEED_URL)

    assert identified(with_page) == with_page


def test_a_revision_keeps_the_identity_that_was_handed_on() -> None:
    with_page = replace(ENTRY, page_html=page(canonical(OWN)), page_url=FEED_URL, revision=2)

    assert identified(with_page) == with_page


def test_an_entry_that_is_known_by_its_guid_stays_so() -> None:
    with_page = replace(ENTRY, article_id="by-guid", page_html=page(canonical(OWN)), page_url=FEED_URL)

    assert identified(with_page) == with_page


def test_addresses_are_read_however_the_tag_is_written() -> None:
    for tag in (
        f"<LINK HREF='{OWN}' REL='Canonical'/>",
        f"<link href={OWN} rel=canonical>",
        '<link rel="canonical" href="/news/2024/48213-barnamaj-tadreeb?a=1&amp;utm_source=x">',
    ):
        assert canonical_of(page(tag), FEED_URL).split("?")[0].replace("www.", "").endswith(OWN.split("www.")[1])


def test_another_site_a_home_page_and_a_section_are_not_believed() -> None:
    for address in (
        "https://other.example/news/48213-barnamaj-tadreeb", "https://alofoq.example/", "https://alofoq.example/siyasa",
        "javascript:alert(48213)", "http://[bad", "",
    ):  # fmt: skip
        assert canonical_of(page(canonical(address), og(address)), FEED_URL) == ""


def test_an_address_that_nothing_bears_out_is_not_believed() -> None:
    stranger = "https://alofoq.example/news/77001-akhar-khabar"

    assert canonical_of(page(canonical(stranger)), FEED_URL) == ""
    assert canonical_of(page(canonical(stranger), og(stranger)), FEED_URL) == stranger


def test_a_page_that_names_two_addresses_names_none() -> None:
    assert canonical_of(page(canonical(OWN), canonical(f"{OWN}-2")), FEED_URL) == ""
    assert canonical_of(page(canonical(OWN), canonical(f"{OWN}?utm_source=rss")), FEED_URL) == OWN


def test_a_subdomain_is_the_same_site() -> None:
    mobile = "https://mobile.alofoq.example/48213"

    assert canonical_of(page(canonical(OWN)), mobile) == OWN


def test_pages_of_opened_tags_are_read_once() -> None:
    for unit in ("<link ", "<link rel=canonical href=", "<link rel='", '<meta a="', "<link a=1 "):
        assert canonical_of(unit * 60_000, FEED_URL) == ""


@given(st.text(st.sampled_from("<>linkmetar='\" /:.canonical&#;\ud800\0"), max_size=200), st.text(max_size=30))
def test_no_page_is_too_strange(html: str, url: str) -> None:
    assert isinstance(canonical_of(html, url), str)
