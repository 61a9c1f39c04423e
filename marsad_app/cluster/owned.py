"""The partitions of a stream that are this process's, for as long as it works."""

import contextlib
from collections.abc import Callable, Iterator

from marsad.ports import Journal
from marsad_app.cluster.service import Context
from processors.transact import Handler, Shards

__all__ = ["owned"]


@contextlib.contextmanager
def owned(
    context: Context,
    stage: str,
    source: str,
    open_handler: Callable[[Journal], Handler],
    *,
    consume: bool = True,
    may_take: Callable[[], bool] = lambda: True,
) -> Iterator[Shards]:
    """Join the stage's consumer group; let go of everything at the end.

    Args:
        context: of the service.
        stage: name of the group.
        source: the stream.
        open_handler: makes the handler of a partition that has just become ours.
        consume: False where the records are not wanted, only their partitions.
        may_take: False while the stage behind is too far behind.

    Raises:
        TransientError: there is no such stream.
    """
    shards = Shards(
        context.settings.kafka,
        stage,
        source,
        open_handler,
        instance=context.instance,
        progress=context.progress,
        consume=consume,
        may_take=may_take,
    )
    with contextlib.closing(shards):
        yield shards
