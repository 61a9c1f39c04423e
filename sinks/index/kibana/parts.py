"""What a dashboard is made of. Texts are pairs: Arabic and English."""

from typing import Literal

import msgspec

__all__ = [
    "By",
    "Column",
    "Control",
    "Dashboard",
    "Is",
    "Listing",
    "Measure",
    "Note",
    "Over",
    "Panel",
    "Search",
    "Size",
    "Text",
    "View",
]

Text = tuple[str, str]
"""In Arabic and in English."""
ViewName = Literal["articles", "stories", "feeds", "alerts"]


class Column(msgspec.Struct, frozen=True):
    """A field as readers see it.

    Attributes:
        name: of the field in the index.
        label: what it is called.
        shown: how its values are shown: by their names (of topics, countries, states …), as a link, a span, a number.
    """

    name: str
    label: Text
    shown: Literal[
        "", "topic", "country", "health", "standing", "reason", "fault", "role", "entity", "link", "seconds", "count"
    ] = ""


class View(msgspec.Struct, frozen=True):
    """A data view over one index or alias.

    Attributes:
        name: the last part of the index's name.
        label: what it is called.
        time: the field that the time range is about; empty where all documents are about the present.
        columns: fields with labels.
    """

    name: ViewName
    label: Text
    time: str
    columns: tuple[Column, ...]


class Is(msgspec.Struct, frozen=True):
    """A condition: the field has the value; ``wanted`` False turns it round, ``above`` asks for more than that instead."""

    field: str
    value: str = ""
    wanted: bool = True
    above: float | None = None


class Search(msgspec.Struct, frozen=True):
    """A saved search: documents in order, with columns."""

    id: str
    title: Text
    view: ViewName
    columns: tuple[str, ...]
    sort: str
    where: tuple[Is, ...] = ()
    explains: Text = ("", "")


class Measure(msgspec.Struct, frozen=True):
    """A number: of documents, or over a field."""

    label: Text
    kind: Literal["count", "unique", "sum", "average", "median", "max", "percentile"] = "count"
    field: str = ""
    percentile: int = 95


class By(msgspec.Struct, frozen=True):
    """A group for each of the commonest values of a field."""

    field: str
    label: Text
    size: int = 10


class Over(msgspec.Struct, frozen=True):
    """A group for each stretch of time; ``every`` as Kibana writes it, or ``auto``."""

    field: str
    label: Text
    every: str = "auto"


Kind = Literal["number", "bars", "columns", "lines", "shares", "heat", "table", "words"]


class Size(msgspec.Struct, frozen=True):
    """Of 48 columns, and in rows."""

    width: int
    height: int


class Panel(msgspec.Struct, frozen=True):
    """A chart or table.

    Attributes:
        kind: ``columns`` stand along the first group, ``bars`` lie; ``heat`` takes two groups.
        groups: the outer one first; a second one divides what the first counts.
    """

    id: str
    kind: Kind
    title: Text
    view: ViewName
    measures: tuple[Measure, ...]
    size: Size
    groups: tuple[By | Over, ...] = ()
    where: tuple[Is, ...] = ()


class Note(msgspec.Struct, frozen=True):
    """A text for the reader."""

    id: str
    text: Text
    size: Size


class Listing(msgspec.Struct, frozen=True):
    """A saved search on a dashboard."""

    search: str
    size: Size


class Control(msgspec.Struct, frozen=True):
    """A list to choose values of a field from."""

    field: str
    label: Text
    view: ViewName
    chosen: tuple[str, ...] = ()


class Dashboard(msgspec.Struct, frozen=True):
    """A page; its panels lie side by side while there is room."""

    id: str
    title: Text
    explains: Text
    since: str
    panels: tuple[Panel | Note | Listing, ...]
    controls: tuple[Control, ...] = ()
    refresh_s: int = 60
