"""The sample outlets' feeds and pages, in the formats and with the habits of the wild. Pure."""

import email.utils
import html
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from marsad_app.newsroom.content import Outlet, Sample

__all__ = ["WINDOW", "Item", "feed", "link_of", "opml", "page"]

WINDOW = 40
"""Entries in a feed document."""
_XML = '<?xml version="1.0" encoding="{}"?>\n'


class Item(msgspec.Struct, frozen=True):
    """A sample with the instants of its appearance and of its last change."""

    sample: Sample
    published: datetime
    updated: datetime


def link_of(outlet: Outlet, sample: Sample, base: str) -> str:
    """The address of an article as its outlet's feed gives it."""
    path = f"/articles/{outlet.id}/{sample.id}.html"
    if "relative-links" in outlet.habits:
        return path
    return base + path + ("?utm_source=rss&utm_medium=feed&utm_campaign=marsad" if "tracking" in outlet.habits else "")


def feed(
    outlet: Outlet, items: Sequence[Item], base: str, *, number: int = 1, window: int = WINDOW
) -> tuple[bytes, str]:
    """A page of the outlet's feed, newest first: body and content type.

    Args:
        outlet: whose feed it is.
        items: what has appeared, oldest first.
        base: address of the newsroom, without a slash at the end.
        number: which page; 1 has the newest items.
        window: items on a page.
    """
    shown = items[::-1][(number - 1) * window : number * window]
    # RSS says nothing of older pages: like WordPress it has them all the same.
    older = f"{base}/feeds/{outlet.id}?paged={number + 1}" if len(items) > number * window else ""
    text, content_type = _FORMATS[outlet.format](outlet, shown, base, older)
    if "windows-1256" in outlet.habits:
        return text.replace('encoding="utf-8"', 'encoding="windows-1256"').encode(
            "cp1256", "xmlcharrefreplace"
        ), "text/xml"
    return text.encode(), content_type


def _date(outlet: Outlet, at: datetime) -> str:
    local = at.astimezone(ZoneInfo(outlet.zone))
    # Day first and no zone: what some sites write instead of RFC 822.
    return f"{local:%d/%m/%Y %H:%M:%S}" if "odd-dates" in outlet.habits else email.utils.format_datetime(local)


def _body(sample: Sample) -> str:
    return "".join(f"<p>{html.escape(part, quote=False)}</p>" for part in sample.paragraphs)


def _rss(outlet: Outlet, items: Sequence[Item], base: str, older: str) -> tuple[str, str]:
    broken = "broken-xml" in outlet.habits
    rows = []
    for item in items:
        sample = item.sample
        # A bare ampersand, and no end tags at all below: XML that no strict parser takes.
        title = f"{sample.title} & " if broken else html.escape(sample.title, quote=False)
        content = (
            "" if "summary-only" in outlet.habits else f"<content:encoded><![CDATA[{_body(sample)}]]></content:encoded>"
        )
        rows.append(
            f"<item><title>{title}</title><link>{html.escape(link_of(outlet, sample, base))}</link>"
            f'<guid isPermaLink="false">{sample.guid}</guid><pubDate>{_date(outlet, item.published)}</pubDate>'
            f"<category>{html.escape(sample.section)}</category><description>{html.escape(sample.lead, quote=False)}</description>{content}</item>"
        )
    end = "" if broken else "</channel></rss>\n"
    return (
        _XML.format("utf-8") + '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>{html.escape(outlet.name)}</title><link>{base}/</link><description>{html.escape(outlet.name)}</description>"
        f"<language>ar</language><ttl>1</ttl>{'<generator>https://wordpress.org/</generator>' if older else ''}{''.join(rows)}{end}"
    ), "application/rss+xml; charset=utf-8"


def _atom(outlet: Outlet, items: Sequence[Item], base: str, older: str) -> tuple[str, str]:
    rows = "".join(
        f"<entry><id>{item.sample.guid}</id><title>{html.escape(item.sample.title, quote=False)}</title>"
        f'<link href="{html.escape(link_of(outlet, item.sample, base))}"/><published>{item.published.isoformat()}</published>'
        f"<updated>{item.updated.isoformat()}</updated><author><name>{html.escape(outlet.name)}</name></author>"
        f'<category term="{html.escape(item.sample.section)}"/><summary>{html.escape(item.sample.lead, quote=False)}</summary>'
        f'<content type="html">{html.escape(_body(item.sample))}</content></entry>'
        for item in items
    )
    updated = max((item.updated for item in items), default=None)
    stamp = f"<updated>{updated.isoformat()}</updated>" if updated else ""
    link = f'<link rel="next" href="{html.escape(older)}"/>' if older else ""
    return (
        _XML.format("utf-8")
        + f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ar"><id>{base}/feeds/{outlet.id}</id>'
        f"<title>{html.escape(outlet.name)}</title>{stamp}{link}{rows}</feed>\n"
    ), "application/atom+xml"


def _rdf(outlet: Outlet, items: Sequence[Item], base: str, older: str) -> tuple[str, str]:
    rows = "".join(
        f'<item rdf:about="{item.sample.guid}"><title>{html.escape(item.sample.title, quote=False)}</title>'
        f"<link>{html.escape(link_of(outlet, item.sample, base))}</link><dc:identifier>{item.sample.guid}</dc:identifier>"
        f"<dc:date>{item.published.astimezone(ZoneInfo(outlet.zone)).isoformat()}</dc:date><dc:subject>{html.escape(item.sample.section)}</dc:subject>"
        f"<description>{html.escape(item.sample.lead, quote=False)}</description><content:encoded><![CDATA[{_body(item.sample)}]]></content:encoded></item>"
        for item in items
    )
    return (
        _XML.format("utf-8")
        + '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f'<channel rdf:about="{base}/feeds/{outlet.id}"><title>{html.escape(outlet.name)}</title><link>{base}/</link>'
        f"<description>{html.escape(outlet.name)}</description></channel>{rows}</rdf:RDF>\n"
    ), "application/rdf+xml"


def _json(outlet: Outlet, items: Sequence[Item], base: str, older: str) -> tuple[str, str]:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.name,
        "home_page_url": f"{base}/",
        "feed_url": f"{base}/feeds/{outlet.id}",
        **({"next_url": older} if older else {}),
        "language": "ar",
        "items": [
            {
                "id": item.sample.guid,
                "url": link_of(outlet, item.sample, base),
                "title": item.sample.title,
                "summary": item.sample.lead,
                "content_html": _body(item.sample),
                "date_published": item.published.isoformat(),
                "date_modified": item.updated.isoformat(),
                "tags": [item.sample.section],
            }
            for item in items
        ],
    }
    return json.dumps(document, ensure_ascii=False), "application/feed+json"


_FORMATS: dict[str, Callable[[Outlet, Sequence[Item], str, str], tuple[str, str]]] = {
    "rss": _rss,
    "atom": _atom,
    "rdf": _rdf,
    "json": _json,
}


def page(outlet: Outlet, item: Item, others: Sequence[Item], base: str) -> bytes:
    """The article's page: navigation, share bar, the text, related links, a footer."""
    sample = item.sample
    paragraphs = "\n".join(f"<p>{html.escape(part, quote=False)}</p>" for part in sample.paragraphs)
    related = "".join(
        f'<li><a href="/articles/{outlet.id}/{other.sample.id}.html">{html.escape(other.sample.title)}</a></li>'
        for other in others[:5]
    )
    meta = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": sample.title,
        "datePublished": item.published.astimezone(ZoneInfo(outlet.zone)).isoformat(),
        "dateModified": item.updated.astimezone(ZoneInfo(outlet.zone)).isoformat(),
        "author": {"@type": "Organization", "name": outlet.name},
    }
    block = json.dumps(meta, ensure_ascii=False).replace("</", "<\\/")
    return f"""<!doctype html>
<html lang="ar" dir="rtl"><head><meta charset="utf-8"><title>{html.escape(sample.title)} - {html.escape(outlet.name)}</title>
<link rel="canonical" href="{base}/articles/{outlet.id}/{sample.id}.html">
<script type="application/ld+json">{block}</script></head>
<body><header><nav><ul><li>الرئيسية</li><li>سياسة</li><li>اقتصاد</li><li>رياضة</li></ul></nav></header>
<main><article><h1>{html.escape(sample.title)}</h1><div class="share">شارك عبر فيسبوك تويتر واتساب</div>
{paragraphs}
</article><aside class="related"><h3>اقرأ أيضا</h3><ul>{related}</ul></aside></main>
<footer>جميع الحقوق محفوظة {html.escape(outlet.name)}</footer></body></html>
""".encode()


def opml(outlets: Sequence[Outlet], base: str) -> bytes:
    """All feeds as a list that ``marsad run --feeds`` takes."""
    rows = "".join(
        f'<outline type="{"atom" if outlet.format == "atom" else "rss"}" text="{html.escape(outlet.name)}" title="{html.escape(outlet.name)}" '
        f'xmlUrl="{base}/feeds/{outlet.id}" language="ar" country="{outlet.country}"/>'
        for outlet in outlets
    )
    return f'{_XML.format("utf-8")}<opml version="2.0"><head><title>Marsad sample newsroom</title></head><body>{rows}</body></opml>\n'.encode()
