"""The feeds: of a subscription (Atom and JSON Feed), of a topic, of a search."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from marsad.query.ast import Keyword
from marsad.records import Article, Feed, Subscription
from marsad.records.ids import digest
from marsad.records.urls import shown_url
from marsad_app.web.criteria import Criteria, read_criteria
from marsad_app.web.services import Services
from marsad_app.web.shell import Web
from marsad_app.web.texts import Language, Texts, language_of
from producers.history import HealthChange, health_changes
from sinks.alerts.atom import AtomEntry, AtomFeed, alert_entry, article_entry, write_atom
from sinks.alerts.jsonfeed import write_json_feed
from sinks.alerts.wording import spike_figures

__all__ = ["router"]

_ENTRIES: Final = 50
# An empty feed did not change yet: one instant for all of them, so that it stays the same from one request to the next.
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TYPE: Final = "application/atom+xml; charset=utf-8"
_JSON: Final = "application/feed+json; charset=utf-8"


def _base(services: Services, request: Request) -> str:
    return services.settings.web.base_url.rstrip("/") or str(request.base_url).rstrip("/")


def _topics(services: Services, topics: Sequence[str], language: Language) -> list[tuple[str, str]]:
    return [(topic, services.taxonomy.name(topic, language)) for topic in topics]


def _answer(request: Request, feed: AtomFeed, write: Callable[[AtomFeed], bytes] = write_atom) -> Response:
    """The feed, or that it did not change since the reader last asked."""
    body = write(feed)
    tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "private, max-age=60", "x-robots-tag": "noindex"}
    if tag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=_TYPE if write is write_atom else _JSON, headers=headers)


def _subscription(services: Services, name: str) -> Subscription | None:
    """The subscription whose id and secret these are; both may hold hyphens."""
    for at in (at for at, char in enumerate(name) if char == "-"):
        one = services.subscriptions.subscription(name[:at])
        if one is not None and one.secret and hmac.compare_digest(one.secret.encode(), name[at + 1 :].encode()):
            return one
    return None


def _alerts_feed(services: Services, request: Request, one: Subscription) -> AtomFeed:
    base = _base(services, request)
    language = language_of(one.language)
    texts = Texts(language, services.clock.now())
    entries = tuple(
        alert_entry(
            alert,
            base,
            reason=" · ".join(
                filter(None, (texts(f"subscriptions.reason-{alert.reason.value}"), spike_figures(language, alert)))
            ),
            matched=texts("subscriptions.matched"),
            names=_topics(services, alert.topics, language),
        )
        for alert in services.alerts.alerts(subscription_id=one.id, limit=_ENTRIES)
    )
    return AtomFeed(
        id=f"urn:marsad:subscription:{one.id}",
        title=f"{texts('site.name')}: {one.name}",
        updated=one.created_at,
        self_link=f"{base}{request.url.path}",
        link=f"{base}/subscriptions/{one.id}",
        subtitle=one.query,
        language=language,
        entries=entries,
    )


def _articles_feed(
    web: Web, request: Request, articles: Sequence[Article], title: str, key: str, criteria: Criteria
) -> AtomFeed:
    """The newest articles that meet the criteria, whose page is that of the search."""
    services = web.services
    base = _base(services, request)
    language = language_of(request.query_params.get("lang"))
    texts = Texts(language, services.clock.now())
    entries = tuple(
        article_entry(article, base, _topics(services, [topic.id for topic in article.topics], language))
        for article in articles
    )
    address = f"{base}{request.url.path}" + (f"?{request.url.query}" if request.url.query else "")
    return AtomFeed(
        id=key,
        title=f"{texts('site.name')}: {title}",
        updated=_NEVER,
        self_link=address,
        link=base + criteria.but(page=1).address(),
        language=language,
        entries=entries,
    )


def _health_feed(services: Services, request: Request) -> AtomFeed:
    """Which feeds fell ill and which have recovered, the latest first; each change is an entry that stays as it is."""
    base = _base(services, request)
    language = language_of(request.query_params.get("lang"))
    texts = Texts(language, services.clock.now())
    feeds = {feed.id: feed for feed in services.registry.feeds()}
    changes = (
        (change, feeds[state.feed_id])
        for state in services.ledger.states()
        if state.feed_id in feeds
        for change in health_changes(state)
    )
    latest = sorted(changes, key=lambda found: (found[0].at, found[1].id), reverse=True)[:_ENTRIES]
    return AtomFeed(
        id="urn:marsad:feed-health",
        title=f"{texts('site.name')}: {texts('feeds.changes')}",
        updated=_NEVER,
        self_link=f"{base}{request.url.path}" + (f"?{request.url.query}" if request.url.query else ""),
        link=f"{base}/feeds",
        language=language,
        entries=tuple(_change(feed, change, base, texts) for change, feed in latest),
    )


def _change(feed: Feed, change: HealthChange, base: str, texts: Texts) -> AtomEntry:
    name = texts(f"health.{change.health.value}")
    said = texts("feeds.recovered") if change.recovered else name
    return AtomEntry(
        id=f"urn:marsad:feed-health:{feed.id}:{change.health.value}:{int(change.at.timestamp())}",
        title=f"{feed.outlet}: {said}",
        updated=change.at,
        link=f"{base}/feeds/{feed.id}",
        original=shown_url(feed.url),
        summary=texts(f"advice.{change.health.value}"),
        author=feed.outlet,
        categories=((change.health.value, name),),
    )


def router(web: Web) -> APIRouter:
    """``/feeds/….atom``."""
    routes = APIRouter(prefix="/feeds", include_in_schema=False)
    services = web.services

    @routes.get("/subscriptions/{name}.atom")
    def subscription(request: Request, name: str) -> Response:
        one = _subscription(services, name[:400]) or web.missing("subscriptions.gone")
        return _answer(request, _alerts_feed(services, request, one))

    @routes.get("/subscriptions/{name}.json")
    def subscription_json(request: Request, name: str) -> Response:
        one = _subscription(services, name[:400]) or web.missing("subscriptions.gone")
        return _answer(request, _alerts_feed(services, request, one), write_json_feed)

    @routes.get("/topics/{topic}.atom")
    def topic(request: Request, topic: str) -> Response:
        if services.taxonomy.topic(topic) is None:
            web.missing("error.not-found")
        page = services.search.search(Keyword("topic", topic), sort="date", limit=_ENTRIES)
        title = services.taxonomy.name(topic, language_of(request.query_params.get("lang")))
        articles = [hit.article for hit in page.hits]
        of_topic = Criteria(topic=(topic,))
        return _answer(request, _articles_feed(web, request, articles, title, f"urn:marsad:topic:{topic}", of_topic))

    @routes.get("/search.atom")
    def search(request: Request) -> Response:
        criteria = read_criteria(request.query_params.getlist)
        node = criteria.node(services.parse)
        page = services.search.search(node, sort="date", limit=_ENTRIES, collapse=criteria.collapse)
        key = f"urn:marsad:search:{digest(criteria.but(page=1, sort=None).address())}"
        texts = web.pages.texts(request)
        title = criteria.standing() or texts("search.latest")
        articles = [hit.article for hit in page.hits]
        return _answer(request, _articles_feed(web, request, articles, title, key, criteria))

    @routes.get("/health.atom")
    def health(request: Request) -> Response:
        return _answer(request, _health_feed(services, request))

    return routes
