"""Records: immutable, one type for each crossing between parts, with a versioned wire codec."""

from marsad.records.alert import (
    ABOUT_FEEDS,
    CHOSEN,
    Alert,
    AlertReason,
    Cadence,
    Delivery,
    DeliveryState,
    Hit,
    QuietHours,
    Subscription,
    Trigger,
)
from marsad.records.article import Article, CountryTag, EntityTag, Evidence, Place, Precision, TextField, TopicTag
from marsad.records.codec import decode, encode
from marsad.records.entry import DateDoubt, Enclosure, Entry
from marsad.records.feed import (
    Feed,
    FeedKind,
    FeedMemory,
    FeedState,
    GapFill,
    GapMark,
    GapReason,
    GapSource,
    Health,
    PollNote,
    Rhythm,
    Seen,
    Standing,
)
from marsad.records.http import FetchRequest, FetchResponse
from marsad.records.hub import HubLink, HubNews, HubStage
from marsad.records.owner import Owner
from marsad.records.quarantine import Quarantined
from marsad.records.search import Facet, FacetName, Highlight, SearchHit, SearchPage, Sort
from marsad.records.story import Story

__all__ = [
    "ABOUT_FEEDS",
    "CHOSEN",
    "Alert",
    "AlertReason",
    "Article",
    "Cadence",
    "CountryTag",
    "DateDoubt",
    "Delivery",
    "DeliveryState",
    "Enclosure",
    "EntityTag",
    "Entry",
    "Evidence",
    "Facet",
    "FacetName",
    "Feed",
    "FeedKind",
    "FeedMemory",
    "FeedState",
    "FetchRequest",
    "FetchResponse",
    "GapFill",
    "GapMark",
    "GapReason",
    "GapSource",
    "Health",
    "Highlight",
    "Hit",
    "HubLink",
    "HubNews",
    "HubStage",
    "Owner",
    "Place",
    "PollNote",
    "Precision",
    "Quarantined",
    "QuietHours",
    "Rhythm",
    "SearchHit",
    "SearchPage",
    "Seen",
    "Sort",
    "Standing",
    "Story",
    "Subscription",
    "TextField",
    "TopicTag",
    "Trigger",
    "decode",
    "encode",
]
