"""Feed lists in and out."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from marsad.errors import OpmlError
from marsad.records import Feed, ListHead
from marsad.records.ids import feed_id
from producers.opml import read_opml, write_opml

LIST = """<?xml version="1.0" encoding="utf-8"?>
<opml version="2.0"><head><title>قائمتي</title></head><body>
<outline text="أخبار"><outline text="الجزائر">
<outline type="rss" text="الوكالة" title="وكالة المثال" xmlUrl="https://a.example/rss" language="ar-DZ" country="dz" category="سياسة"/>
</outline><outline text="بلا عنوان" XMLURL="https://b.example/atom" type="atom"/></outline>
<outline text="سيئ" xmlUrl="javascript:alert(1)"/>
<outline text="مكرر" xmlUrl="https://a.example/rss"/>
<outline text="c" xmlUrl=" https://c.example/feed.json " type="json" country="Egypt" language="x"/>
</body></opml>"""


def test_folders_titles_and_attributes_are_read() -> None:
    report = read_opml(LIST.encode(), "my.opml")
    first, second, third = report.feeds

    assert first == Feed(
        id=feed_id("https://a.example/rss"),
        url="https://a.example/rss",
        title="وكالة المثال",
        outlet="وكالة المثال",
        country="DZ",
        section="سياسة",
        folder="أخبار/الجزائر",
        attributes=(("text", "الوكالة"), ("language", "ar-DZ"), ("country", "dz"), ("category", "سياسة")),
    )
    assert (second.url, second.kind, second.folder) == ("https://b.example/atom", "atom", "أخبار")
    assert (third.url, third.kind, third.country, third.language, third.folder) == (
        "https://c.example/feed.json",
        "json",
        "",
        "ar",
        "",
    )


def test_what_is_no_feed_is_named_with_its_line() -> None:
    problems = read_opml(LIST.encode(), "my.opml").problems

    assert problems == (
        "my.opml:6: 'javascript:alert(1)' is no http or https address",
        "my.opml:7: https://a.example/rss is there twice",
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "my.opml:1: "),
        (b"<opml>\n<body>\n<outline>", "my.opml:3: not well-formed"),
        (b"not xml", "my.opml:1: not well-formed"),
        (b"<rss/>", "my.opml:1: the root element is <rss>, not <opml>"),
        (b"\xff\xfe\x00", "my.opml:1: "),
        (b'<!DOCTYPE o [<!ENTITY a "b">]><opml><body/></opml>', "my.opml:1: declares entities"),
    ],
)
def test_an_unreadable_list_names_file_and_line(data: bytes, message: str) -> None:
    with pytest.raises(OpmlError) as caught:
        read_opml(data, "my.opml")

    assert str(caught.value).startswith(message)


def test_entities_are_not_expanded() -> None:
    lines = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(20))
    bomb = f'<!DOCTYPE o [<!ENTITY e0 "lol">{lines}]><opml><body><outline text="&e20;"/></body></opml>'

    with pytest.raises(OpmlError):
        read_opml(bomb.encode(), "bomb.opml")


def test_a_list_without_feeds_is_empty() -> None:
    assert read_opml(b"<opml><body><outline text='x'/></body></opml>", "x").feeds == ()


WORDS = (
    st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=12).map(str.strip).filter(bool)
)
NAMES = WORDS.map(lambda text: text.replace("\\", "\\\\").replace("/", "\\/"))


@st.composite
def feeds(draw: st.DrawFn) -> Feed:
    url = f"https://{draw(st.integers(0, 10**9))}.example/feed?a=1&b=<2>"
    title = draw(WORDS)
    return Feed(
        id=feed_id(url),
        url=url,
        title=title,
        outlet=draw(st.just(title) | WORDS),
        country=draw(st.sampled_from(["", "DZ", "EG"])),
        language=draw(st.sampled_from(["ar", "fr", "ckb"])),
        section=draw(st.just("") | WORDS),
        kind=draw(st.sampled_from(["rss", "atom", "json", "sitemap"])),
        full_text=draw(st.sampled_from([None, True, False])),
        weight=draw(st.floats(0.1, 10)),
        zone=draw(st.sampled_from(["", "Africa/Algiers"])),
        enabled=draw(st.booleans()),
        folder="/".join(draw(st.lists(NAMES, max_size=3))),
    )


@given(st.lists(feeds(), max_size=8, unique_by=lambda feed: feed.url))
def test_a_list_that_is_written_reads_the_same(given_feeds: list[Feed]) -> None:
    report = read_opml(write_opml(given_feeds), "out.opml")

    assert sorted(report.feeds, key=lambda feed: feed.id) == sorted(given_feeds, key=lambda feed: feed.id)
    assert report.problems == ()


ATTRIBUTES = st.dictionaries(
    st.sampled_from(["text", "title", "Title", "htmlUrl", "description", "language", "country", "category", "section", "type",
                     "enabled", "weight", "fullText", "outlet", "zone", "version", "created", "isComment",
                     "{https://ext.example/}mark"]),
    WORDS | st.sampled_from(["yes", "0", "ar-DZ", "dz", "RSS1", "2.50", "https://a.example/?a=1&b=2", " spaced  out ", ""]),
    max_size=8,
).filter(lambda attributes: not {"title", "Title"} <= attributes.keys())  # fmt: skip


@given(st.lists(st.tuples(st.lists(WORDS, max_size=4), ATTRIBUTES), max_size=6))
def test_all_that_a_list_says_of_a_feed_comes_out_again(outlines: list[tuple[list[str], dict[str, str]]]) -> None:
    root = etree.Element("opml")
    body = etree.SubElement(root, "body")
    wanted = {}
    for number, (folders, attributes) in enumerate(outlines):
        parent = body
        for name in folders:
            parent = etree.SubElement(parent, "outline", {"text": name})
        url = f"https://{number}.example/feed?a=1&b=<2>"
        etree.SubElement(parent, "outline", {"xmlUrl": url, **attributes})
        wanted[url] = (folders, attributes)
    report = read_opml(etree.tostring(root), "in.opml")
    written = write_opml(report.feeds)

    found = {}
    for outline in etree.fromstring(written).iterfind(".//outline[@xmlUrl]"):
        above = [each.get("text") for each in outline.iterancestors("outline")][::-1]
        found[outline.get("xmlUrl")] = (above, dict(outline.attrib))
    assert found.keys() == wanted.keys()
    for url, (folders, attributes) in wanted.items():
        assert found[url][0] == folders
        assert {key: found[url][1].get(key, "") for key in attributes} == attributes
    assert write_opml(read_opml(written, "out.opml").feeds) == written


@st.composite
def trees(draw: st.DrawFn, depth: int = 2) -> list[tuple[str, dict[str, str], list[object]]]:
    """Folders with a name, more attributes, and what is in them; most hold no feed."""
    names = draw(st.lists(WORDS, max_size=3, unique=True))
    more = st.dictionaries(
        st.sampled_from(["title", "category", "isOpen", "{https://ext.example/}mark"]), WORDS, max_size=3
    )
    return [(name, draw(more), draw(trees(depth - 1)) if depth else []) for name in names]


HEADS = st.lists(
    st.tuples(
        st.sampled_from(["title", "dateCreated", "ownerName", "ownerEmail", "docs", "expansionState", "{https://ext.example/}x"]),
        st.just("") | WORDS,
        st.dictionaries(st.sampled_from(["type", "{https://ext.example/}y"]), WORDS, max_size=2),
    ),
    max_size=6,
)  # fmt: skip


@given(HEADS, trees())
def test_the_head_and_folders_without_feeds_come_out_again(
    head: list[tuple[str, str, dict[str, str]]], tree: list[tuple[str, dict[str, str], list[object]]]
) -> None:
    root = etree.Element("opml")
    top = etree.SubElement(root, "head")
    for name, text, attributes in head:
        etree.SubElement(top, name, attributes).text = text
    body = etree.SubElement(root, "body")
    _grow(body, tree)
    url = "https://a.example/feed"
    etree.SubElement(body, "outline", {"xmlUrl": url, "text": "a"})
    report = read_opml(etree.tostring(root), "in.opml")
    written = etree.fromstring(write_opml(report.feeds, report.said))

    assert report.problems == ()
    if head:
        assert [(e.tag, e.text or "", dict(e.attrib)) for e in written.find("head")] == [  # type: ignore[union-attr]
            (name, text, attributes) for name, text, attributes in head
        ]
    assert _grown(written.find("body"), url) == _grown(body, url)
    assert read_opml(etree.tostring(written), "out.opml").said == (
        report.said if head else msgspec.structs.replace(report.said, head=(ListHead("title", "Marsad"),))
    )


def _grow(parent: Any, tree: Sequence[Any]) -> None:
    for name, attributes, inside in tree:
        _grow(etree.SubElement(parent, "outline", {"text": name, **attributes}), inside)


def _grown(parent: Any, url: str) -> list[Any]:
    return [(dict(each.attrib), _grown(each, url)) for each in parent if each.get("xmlUrl") != url]


def test_more_than_is_kept_of_a_list_or_a_folder_is_told() -> None:
    many = " ".join(f'a{n}="x"' for n in range(60))
    heads = "<a/>" * 60
    deep = "<title><b>nested</b></title>"
    outline = f"<outline text='x' {many}/>"

    for head, body, told in ((heads, "", "head"), (deep, "", "head"), ("", outline, "folder")):
        report = read_opml(f"<opml><head>{head}</head><body>{body}</body></opml>".encode(), "x.opml")
        assert report.problems == (f"x.opml:1: the {told} says more than is kept of {'a list' if head else 'one'}",)
        assert max(len(report.said.head), *(len(f.attributes) for f in report.said.folders), 0) <= 40


def test_what_was_changed_here_wins_over_the_words_of_the_list() -> None:
    feed = read_opml(LIST.encode(), "my.opml").feeds[0]
    changed = msgspec.structs.replace(feed, country="EG", title="اسم آخر", enabled=False)
    (again,) = read_opml(write_opml([changed]), "out.opml").feeds

    assert (again.country, again.title, again.enabled, again.language) == ("EG", "اسم آخر", False, "ar")
    assert dict(again.attributes)["language"] == "ar-DZ"


def test_more_than_is_kept_of_a_feed_is_told() -> None:
    many = " ".join(f'a{n}="x"' for n in range(60))
    report = read_opml(f"<opml><body><outline xmlUrl='https://a.example/' {many}/></body></opml>".encode(), "x.opml")

    assert len(report.feeds[0].attributes) == 40
    assert report.problems == ("x.opml:1: https://a.example/ says more than is kept of a feed",)


@given(st.text())
def test_any_title_can_be_written(title: str) -> None:
    url = "https://a.example/feed"

    assert len(read_opml(write_opml([Feed(id=feed_id(url), url=url, title=title, outlet=title)]), "x").feeds) == 1


@given(
    st.binary(max_size=200)
    | st.text(max_size=80).map(lambda text: f"<opml><body>{text}</body></opml>".encode("utf-8", "replace"))
)
def test_any_bytes_are_a_list_or_an_error_that_names_the_file(data: bytes) -> None:
    try:
        read_opml(data, "any.opml")
    except OpmlError as error:
        assert str(error).startswith("any.opml:")  # noqa: PT017  # both outcomes are right


def test_folders_beyond_what_is_kept_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("producers.opml._MOST_FOLDERS", 2)
    outlines = "".join(f'<outline text="f{number}"/>\n' for number in range(5))

    report = read_opml(f'<opml version="2.0"><head/><body>\n{outlines}</body></opml>'.encode(), "x.opml")

    assert len(report.said.folders) == 2
    assert report.problems == ("x.opml:4: of folders without feeds only 2 are kept",)
