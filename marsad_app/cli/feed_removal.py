"""Removing a feed, and taking that back: what is removed is kept in a file of the data folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from marsad.config import load_settings
from marsad.errors import CodecError, ConfigError, StoreError
from marsad.records import Feed, decode, encode
from marsad_app.cli.feed_choice import FeedArgument, find_feed, say_done
from marsad_app.cli.opening import existing_store, made_store, pick
from marsad_app.cli.output import JsonOption, json_line, note, table

__all__ = ["remove", "restore"]

_FILE: Final = "removed-feeds.jsonl"
_MOST: Final = 1_000
_Json = Annotated[bool, JsonOption]


def remove(feed: FeedArgument, *, as_json: _Json = False) -> None:
    """Forget a feed and what is known about polling it; its articles stay. `marsad feeds restore` takes it back."""
    with existing_store() as store:
        found = find_feed(store, feed)
        _keep([*(one for one in _kept() if one.id != found.id), found])
        store.feeds.remove_feed(found.id)
    say_done(found, "removed", as_json=as_json)
    note(f"`marsad feeds restore {found.id[:8]}` takes that back")


def restore(
    feed: Annotated[str, typer.Argument(metavar="FEED", help="As for remove; without it all are listed.")] = "",
    *,
    as_json: _Json = False,
) -> None:
    """Watch a removed feed again, as it was described; it is polled as a new one. Without FEED: what was removed here."""
    kept = _kept()
    if not feed:
        _show(kept, as_json=as_json)
        return
    by_address = [one for one in kept if one.url == feed.strip()]
    try:
        found = by_address[0] if by_address else pick("removed feed", feed, ((one.id, one) for one in kept))
    except ConfigError as error:
        raise ConfigError(f"{error}; `marsad feeds restore` shows them") from error
    with made_store() as store:
        if store.feeds.feed(found.id) is None:
            store.feeds.put_feeds([found])
    _keep([one for one in kept if one.id != found.id])
    say_done(found, "restored", as_json=as_json)


def _show(kept: Sequence[Feed], *, as_json: bool) -> None:
    if as_json:
        for one in kept:
            json_line(one)
    elif kept:
        table(("id", "address", "outlet"), ((one.id[:8], one.url, one.outlet) for one in reversed(kept)))
    else:
        note("no feed was removed with this data folder")


def _path() -> Path:
    return load_settings().data.dir / _FILE


def _kept() -> list[Feed]:
    """The removed feeds, the latest last; a line that cannot be read is passed over."""
    try:
        lines = _path().read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{_path()}: cannot be read: {error.strerror}") from error
    return [feed for line in lines if (feed := _read(line)) is not None]


def _read(line: bytes) -> Feed | None:
    try:
        return decode(Feed, line)
    except CodecError:
        return None


def _keep(feeds: Sequence[Feed]) -> None:
    path = _path()
    half = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(b"".join(encode(feed) + b"\n" for feed in feeds[-_MOST:]))
        half.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written, so nothing was removed or restored: {error.strerror}") from error
