"""One article, however it is linked: from section feeds, by addresses that its page gives up for its own."""

from msgspec.structs import replace

from marsad.clock import FrozenClock
from marsad.records import Entry
from marsad.records.ids import article_id, entry_id
from marsad.records.urls import canonical_url
from marsad.taxonomy import Taxonomy
from marsad.testing.factories import NOW, a_feed, an_entry
from marsad_app.embedded.store import Store
from marsad_app.embedded.testing import Recorder, RiggedPipeline, processor_over
from producers.canonical import identified

OWN = "https://www.news.example/2026/48213-barnamaj-tadreeb"
PAGE = (
    f'<html><head><link rel="canonical" href="{OWN}"></head><body><article><h1>برنامج تدريب</h1>'
    "<p>أعلنت الوزارة صباح اليوم برنامجا للتدريب المشترك يستمر ثلاثة أشهر ويشارك فيه مئة ضابط من البلدين.</p>"
    "<p>ويشمل البرنامج دورات في الملاحة والإنقاذ وصيانة السفن، بحسب بيان نشر على موقع الوزارة.</p></article></body></html>"
)


def an_entry_of(feed: str, url: str, **fields: object) -> Entry:
    return an_entry(
        entry_id=entry_id(feed, url),
        article_id=article_id(canonical_url(url), "", ""),
        feed_id=feed,
        url=url,
        guid=url,
        guids=(url,),
        title="برنامج تدريب",
        summary_html="",
        content_html="",
        **fields,
    )


def with_page(entry: Entry) -> Entry:
    return identified(replace(entry, page_html=PAGE, page_url=entry.url))


def through(
    store: Store, pipeline: RiggedPipeline, taxonomy: Taxonomy, clock: FrozenClock, events: Recorder, *entries: Entry
) -> None:
    for entry in entries:
        store.queue.put(entry, wants_page=True)
        (item,) = store.queue.wanting_page(NOW, 10)
        store.queue.page_read(item.seq, entry)
    while processor_over(store, pipeline, taxonomy, clock, events).step():
        pass


def test_section_feeds_with_addresses_of_their_own_lead_to_one_article(
    store: Store, pipeline: RiggedPipeline, taxonomy: Taxonomy, clock: FrozenClock, events: Recorder
) -> None:
    feeds = [a_feed(id=f"feed-{section}", section=section) for section in ("defence", "world", "top")]
    store.feeds.put_feeds(feeds)
    entries = [
        with_page(an_entry_of("feed-defence", "https://news.example/node/48213?from=defence")),
        with_page(an_entry_of("feed-world", "https://m.news.example/world/48213")),
        with_page(an_entry_of("feed-top", OWN)),
    ]

    through(store, pipeline, taxonomy, clock, events, *entries)

    assert store.counts().articles == 1
    article = store.articles.article(article_id(canonical_url(OWN), "", ""))
    assert article is not None
    assert article.sections == ("defence", "world", "top")
    assert len(article.feed_ids) == len(article.guids) == 3
    assert article.url == OWN


def test_a_revision_whose_page_cannot_be_had_is_of_the_same_article(
    store: Store, pipeline: RiggedPipeline, taxonomy: Taxonomy, clock: FrozenClock, events: Recorder
) -> None:
    store.feeds.put_feeds([a_feed()])
    first = an_entry_of("feed-1", "https://news.example/node/48213")
    later = replace(first, revision=2, title="برنامج تدريب: تصحيح", page_problem="HTTP 503")

    through(store, pipeline, taxonomy, clock, events, with_page(first), later)

    assert store.counts().articles == 1


def test_an_article_that_was_known_by_its_link_stays_so_when_its_page_comes_later(
    store: Store, pipeline: RiggedPipeline, taxonomy: Taxonomy, clock: FrozenClock, events: Recorder
) -> None:
    store.feeds.put_feeds([a_feed()])
    first = an_entry_of("feed-1", "https://news.example/node/48213", page_problem="HTTP 503")
    later = with_page(replace(first, revision=2, title="برنامج تدريب: تصحيح", page_problem=""))

    through(store, pipeline, taxonomy, clock, events, first, later)

    assert store.counts().articles == 1
    article = store.articles.article(first.article_id)
    assert article is not None
    assert "الملاحة" in article.text
