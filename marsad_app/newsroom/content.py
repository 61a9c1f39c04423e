"""What the sample newsroom publishes: articles, wire copies and corrections, with the truth about each."""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from importlib import resources
from typing import Any, Literal, TypeVar

import msgspec

from marsad.errors import ConfigError
from marsad.records import Subscription, Trigger
from marsad.records.ids import subscription_id

__all__ = ["Newsroom", "Outlet", "Sample", "Watch", "load"]

Format = Literal["rss", "atom", "rdf", "json"]
Habit = Literal["summary-only", "windows-1256", "broken-xml", "tracking", "busy", "relative-links", "odd-dates"]


class Outlet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One outlet with its one feed."""

    id: str
    name: str
    country: str
    zone: str
    format: Format
    habits: tuple[Habit, ...] = ()


class _Article(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    outlet: str
    section: str
    at: float
    title: str
    lead: str
    paragraphs: tuple[str, ...]
    topics: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    story: str = ""


class _Copy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    of: str
    outlet: str
    section: str
    at: float
    title: str
    keep: int | None = None
    add: tuple[str, ...] = ()


class _Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    of: str
    at: float
    title: str
    replace: tuple[tuple[str, str], ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    article: tuple[_Article, ...] = ()
    copy: tuple[_Copy, ...] = ()
    correction: tuple[_Correction, ...] = ()


class Watch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sample subscription with the events that it must be alerted to, worked out by hand from the articles."""

    name: str
    query: str
    expect: tuple[str, ...]
    """Events (see ``Newsroom.event_of``)."""
    triggers: tuple[Trigger, ...] = (Trigger.NEW_STORY,)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One article as published from ``at`` (share of the run) on; a later sample with the same id replaces it."""

    id: str
    outlet: str
    section: str
    at: float
    title: str
    lead: str
    paragraphs: tuple[str, ...]
    topics: tuple[str, ...]
    countries: tuple[str, ...]
    story: str = ""
    copy_of: str = ""
    version: int = 1

    @property
    def guid(self) -> str:
        """What its feed calls it."""
        return f"{self.outlet}:{self.id}"


class Newsroom(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that will be published."""

    outlets: tuple[Outlet, ...]
    articles: tuple[Sample, ...]
    """In order of appearance; corrections are further samples of the same id."""
    watches: tuple[Watch, ...]

    def visible(self, share: float) -> tuple[Sample, ...]:
        """The newest version of each article that has appeared after that share of the run, newest last."""
        newest: dict[str, Sample] = {}
        for sample in self.articles:
            if sample.at <= share:
                newest.pop(sample.id, None)
                newest[sample.id] = sample
        return tuple(newest.values())

    def distinct(self) -> tuple[str, ...]:
        """The ids of all articles, each once."""
        return tuple(dict.fromkeys(sample.id for sample in self.articles))

    def guids(self) -> dict[str, tuple[str, ...]]:
        """The GUIDs of each article."""
        return {sample.id: (sample.guid,) for sample in self.articles}

    def copies(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a wire copy and what it copies."""
        return tuple((sample.id, sample.copy_of) for sample in self.articles if sample.copy_of and sample.version == 1)

    def corrected_titles(self) -> dict[str, str]:
        """The last headline of each corrected article."""
        return {sample.id: sample.title for sample in self.articles if sample.version > 1}

    def event_of(self, sample_id: str) -> str:
        """The event that an article reports: its story, else what it copies, else itself."""
        sample = next(found for found in self.articles if found.id == sample_id)
        if sample.story:
            return sample.story
        return self.event_of(sample.copy_of) if sample.copy_of else sample.id

    def as_subscriptions(self, now: datetime, new_secret: Callable[[], str]) -> tuple[Subscription, ...]:
        """The watches as subscriptions; ``new_secret`` makes the unguessable part of the address of an Atom feed."""
        return tuple(
            Subscription(
                id=subscription_id("demo", watch.name, watch.query),
                name=watch.name,
                query=watch.query,
                owner="demo",
                triggers=watch.triggers,
                created_at=now,
                secret=new_secret(),
            )
            for watch in self.watches
        )

    def expected_alerts(self) -> set[tuple[str, str]]:
        """Name of the subscription and event of every alert that must come, once."""
        return {(watch.name, event) for watch in self.watches for event in watch.expect}


_T = TypeVar("_T")


def _read(name: str, text: str, kind: type[_T]) -> _T:
    try:
        data: dict[str, Any] = tomllib.loads(text)
        return msgspec.convert(data, kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"sample newsroom: {name}: {error}") from error


class _Outlets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outlet: tuple[Outlet, ...]


class _Watches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    watch: tuple[Watch, ...]


def load() -> Newsroom:
    """Read the shipped newsroom.

    Raises:
        ConfigError: a data file is wrong; the message names it.
    """
    data = resources.files("marsad_app.newsroom") / "data"
    outlets = _read("outlets.toml", (data / "outlets.toml").read_text("utf-8"), _Outlets).outlet
    watches = _read("subscriptions.toml", (data / "subscriptions.toml").read_text("utf-8"), _Watches).watch
    files = [
        _read(path.name, path.read_text("utf-8"), _File)
        for path in sorted((data / "articles").iterdir(), key=lambda path: path.name)
        if path.name.endswith(".toml")
    ]
    return build(outlets, files, watches)


def build(outlets: Sequence[Outlet], files: Iterable[_File], watches: Sequence[Watch]) -> Newsroom:
    """Put the files together: copies and corrections become samples of their own.

    Raises:
        ConfigError: an unknown outlet, an id used twice, a copy of nothing, a correction that replaces nothing.
    """
    files = list(files)
    samples = {article.id: _original(article) for file in files for article in file.article}
    if len(samples) != sum(len(file.article) for file in files):
        raise ConfigError("sample newsroom: an article id is used twice")
    for copy in (copy for file in files for copy in file.copy):
        if copy.id in samples or copy.of not in samples:
            raise ConfigError(f"sample newsroom: copy {copy.id}: its id is taken or {copy.of} is no article")
        samples[copy.id] = _copied(copy, samples[copy.of])
    corrections = [_corrected(correction, samples) for file in files for correction in file.correction]
    known = {outlet.id for outlet in outlets}
    for sample in samples.values():
        if sample.outlet not in known:
            raise ConfigError(f"sample newsroom: {sample.id}: unknown outlet {sample.outlet}")
    ordered = sorted((*samples.values(), *corrections), key=lambda sample: (sample.at, sample.id))
    return Newsroom(outlets=tuple(outlets), articles=tuple(ordered), watches=tuple(watches))


def _original(article: _Article) -> Sample:
    return Sample(**{name: getattr(article, name) for name in _Article.__struct_fields__})


def _copied(copy: _Copy, of: Sample) -> Sample:
    return msgspec.structs.replace(
        of,
        id=copy.id,
        outlet=copy.outlet,
        section=copy.section,
        at=copy.at,
        title=copy.title,
        paragraphs=(*of.paragraphs[: copy.keep], *copy.add),
        copy_of=of.id,
    )


def _corrected(correction: _Correction, samples: dict[str, Sample]) -> Sample:
    sample = samples.get(correction.of)
    if sample is None or correction.at <= sample.at:
        raise ConfigError(f"sample newsroom: correction of {correction.of}: no such article, or it is not later")
    lead, paragraphs = sample.lead, sample.paragraphs
    for old, new in correction.replace:
        if not any(old in part for part in (lead, *paragraphs)):
            raise ConfigError(f"sample newsroom: correction of {correction.of}: {old!r} does not occur")
        lead, paragraphs = lead.replace(old, new), tuple(part.replace(old, new) for part in paragraphs)
    return msgspec.structs.replace(
        sample, at=correction.at, title=correction.title, lead=lead, paragraphs=paragraphs, version=2
    )
