"""``marsad group``: puts tagged articles into stories. One process works, others stand by to take over."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Final

from marsad.config import KafkaSettings, Settings
from marsad.errors import StoreError, TransientError
from marsad.ports import Journal
from marsad_app.cluster.brake import Brake
from marsad_app.cluster.owned import owned
from marsad_app.cluster.reading import StreamReader
from marsad_app.cluster.service import Context, Step, run_stage
from marsad_app.cluster.shelf import open_shelf
from marsad_app.cluster.view import Span
from processors.article_stream import ARTICLES
from processors.group_shard import GroupShard
from processors.story_window import StoryWindow

__all__ = ["grouping", "open_shard", "run"]

_STAGE: Final = "group"
_BEHIND: Final = ("index", "match")


def open_shard(context: Context, journal: Journal) -> GroupShard:
    """The shard of a partition that has just become this process's, with the shelf read to the end of the stream.

    Raises:
        TransientError: the stream cannot be read, or the shelf cannot be opened for now.
    """
    settings = context.settings
    path = settings.data.dir / f"group-{settings.kafka.prefix}-{journal.partition}.db"
    try:
        shelf = open_shelf(path, journal, _spans(settings.kafka))
    except StoreError as error:
        raise TransientError(str(error)) from error
    try:
        return GroupShard(
            journal,
            shelf,
            lambda: StoryWindow(days=settings.process.group_days),
            context.clock,
            context.events,
            partitions=settings.kafka.partitions,
            group_days=settings.process.group_days,
        )
    except BaseException:
        shelf.close()
        raise


def _spans(kafka: KafkaSettings) -> Mapping[int, Span]:
    with contextlib.closing(StreamReader(kafka, [ARTICLES])) as reader:
        return {number: span for (_, number), span in reader.spans().items()}


@contextlib.contextmanager
def grouping(context: Context) -> Iterator[Step]:
    """The step of a grouping process."""
    with (
        Brake(context.settings.kafka, _BEHIND, context.progress) as brake,
        owned(
            context, _STAGE, "tagged.v1", lambda journal: open_shard(context, journal), may_take=brake.may_take
        ) as shards,
    ):
        yield shards.step


def run(settings: Settings) -> int:
    """Group until SIGTERM or SIGINT; the exit status.

    Raises:
        ConfigError: it cannot start: the sentence says why.
    """
    return run_stage(settings, _STAGE, grouping)
