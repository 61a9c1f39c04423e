"""``marsad group``: puts tagged articles into stories; one process at a time, others stand by."""

import contextlib
from collections.abc import Iterator
from typing import Final

from marsad.config import Settings
from marsad.ports import Journal
from marsad_app.cluster.reading import partitions_of
from marsad_app.cluster.service import Context, Step, run_stage
from marsad_app.cluster.shelf import open_shelf
from processors.group import Grouper
from processors.group_shard import GroupShard
from processors.transact import Shards

__all__ = ["grouping", "run"]

_STAGE: Final = "group"
_ARTICLES: Final = "articles.v1"


class _Holding(GroupShard):
    """A shard that closes what it was given."""

    held: contextlib.ExitStack

    def close(self) -> None:
        super().close()
        self.held.close()


@contextlib.contextmanager
def grouping(context: Context) -> Iterator[Step]:
    """The step of a grouping process."""
    settings, progress = context.settings, context.progress

    def open_shard(journal: Journal) -> GroupShard:
        path = settings.data.dir / f"group-{settings.kafka.prefix}-{journal.partition}.db"
        topics = {number: topic for (_, number), topic in partitions_of(settings.kafka, [_ARTICLES]).items()}
        with contextlib.ExitStack() as opening:
            shelf = open_shelf(path, journal, topics)
            opening.callback(shelf.close)
            shard = _Holding(
                journal,
                shelf,
                lambda: Grouper(days=settings.process.group_days),
                context.clock,
                context.events,
                partitions=settings.kafka.partitions,
                group_days=settings.process.group_days,
            )
            shard.held = opening.pop_all()
        return shard

    shards = Shards(settings.kafka, _STAGE, "tagged.v1", open_shard, instance=context.instance, progress=progress)
    with contextlib.closing(shards):
        yield shards.step


def run(settings: Settings) -> int:
    """Group until SIGTERM or SIGINT; the exit status.

    Raises:
        ConfigError: it cannot start: the sentence says why.
    """
    return run_stage(settings, _STAGE, grouping)
