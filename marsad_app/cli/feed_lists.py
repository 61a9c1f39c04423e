"""Lists of feeds: OPML in and out, and the shipped catalogue."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from marsad.clock import SystemClock
from marsad.config import load_settings
from marsad.errors import OpmlError
from marsad.records import Feed
from marsad_app.cli.opening import existing_store, made_store, read_bounded
from marsad_app.cli.output import JsonOption, json_line, note, table
from marsad_app.feed_list import KeptFeedList

__all__ = ["catalogue", "export_feeds", "import_feeds"]

_LARGEST = 50_000_000
_Json = Annotated[bool, JsonOption]


def import_feeds(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An OPML file, as feed readers export it.")],
    *,
    as_json: _Json = False,
) -> None:
    """Add the feeds of an OPML file; those that are watched already stay as they are."""
    from producers.opml import read_opml  # noqa: PLC0415 - the XML library, for these two commands alone

    report = read_opml(read_bounded(file, _LARGEST), str(file))
    if not report.feeds:
        raise OpmlError(f"{file}: holds no feed; an outline with an xmlUrl attribute is expected for each")
    added = _add(report.feeds)
    KeptFeedList(load_settings().data.dir).keep(report.said)
    known = len(report.feeds) - added
    if as_json:
        json_line({"file": str(file), "added": added, "known": known, "problems": report.problems})
        return
    for problem in report.problems:
        note(f"{file}: {problem}")
    typer.echo(f"{added} feeds added, {known} known already, {len(report.problems)} problems")


def export_feeds(*, as_json: _Json = False) -> None:
    """Write all feeds as OPML to standard output, or as JSON lines."""
    with existing_store() as store:
        feeds = store.feeds.feeds()
    if as_json:
        for feed in feeds:
            json_line(feed)
        return
    from producers.opml import write_opml  # noqa: PLC0415 - the XML library, for these two commands alone

    sys.stdout.write(write_opml(feeds, KeptFeedList(load_settings().data.dir).kept()).decode())


def catalogue(
    country: Annotated[str, typer.Option(help="Only this country's (ISO 3166-1 alpha-2).")] = "",
    *,
    add: Annotated[bool, typer.Option("--add", help="Watch the listed feeds.")] = False,
    if_none: Annotated[bool, typer.Option("--if-none", help="With --add: only where nothing is watched yet.")] = False,
    as_json: _Json = False,
) -> None:
    """The feeds that are shipped, with when each was last seen in use and what is known against it."""
    from producers.catalogue import load_countries, to_feeds  # noqa: PLC0415 - some thirty files

    countries = load_countries(country or None)
    if add:
        note(f"{_add(to_feeds(countries), if_none=if_none)} feeds added")
    rows = [(one.country, outlet, feed) for one in countries for outlet in one.outlets for feed in outlet.feed]
    if as_json:
        for code, outlet, feed in rows:
            known = {"country": code, "outlet": outlet.name, "outlet_en": outlet.name_en, "homepage": outlet.homepage}
            json_line({**known, **msgspec.to_builtins(feed)})
        return
    table(
        ("country", "section", "seen", "address", "note", "outlet"),
        (
            (
                code,
                feed.section,
                feed.seen,
                feed.url,
                feed.note or feed.encoding_note,
                f"{outlet.name} ({outlet.name_en})",
            )
            for code, outlet, feed in rows
        ),
    )


def _add(feeds: Iterable[Feed], *, if_none: bool = False) -> int:
    """Register those that are not there, or none where there is any feed; how many these were."""
    now = SystemClock().now()
    with made_store() as store:
        known = {feed.id for feed in store.feeds.feeds()}
        if known and if_none:
            return 0
        return store.feeds.put_feeds(
            msgspec.structs.replace(feed, added_at=feed.added_at or now) for feed in feeds if feed.id not in known
        )
