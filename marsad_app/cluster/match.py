"""``marsad match``: raises the alerts of the subscriptions, each partition of articles by one process at a time."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from marsad.config import Settings
from marsad.records import Subscription
from marsad_app.cluster.aside import Aside
from marsad_app.cluster.brake import Brake
from marsad_app.cluster.owned import owned
from marsad_app.cluster.reached import MatchReach
from marsad_app.cluster.service import Context, Step, run_stage
from marsad_app.cluster.tables import Table
from marsad_app.live_topics import LiveTopics
from processors.match import Matcher
from processors.match_shard import Matching, MatchShard
from processors.spike_shard import SpikeShard

__all__ = ["matching", "run"]

_STAGE: Final = "match"
_SPIKES: Final = "match-spikes"
_BEHIND: Final = ("deliver",)


@contextlib.contextmanager
def matching(context: Context) -> Iterator[Step]:
    """The step of a matching process.

    Raises:
        TransientError: the subscriptions cannot be read.
    """
    settings, progress, clock = context.settings, context.progress, context.clock
    resolve = LiveTopics(settings.process, clock).resolve

    def make_matcher(wanted: Sequence[Subscription], before: Matcher | None) -> Matcher:
        return Matcher(wanted, now=clock.now(), resolve=resolve, reuse=before)

    with contextlib.ExitStack() as held:
        table = Table(
            settings.kafka, "subscriptions.v1", Subscription, lambda why: progress.waits("subscriptions.v1", why)
        )
        table.start()
        held.callback(table.close)
        compiled = Matching(table, make_matcher)
        brake = held.enter_context(Brake(settings.kafka, _BEHIND, progress))
        shards = held.enter_context(
            owned(
                context,
                _STAGE,
                "articles.v1",
                lambda journal: MatchShard(journal, compiled, clock, context.events),
                may_take=brake.may_take,
            )
        )
        reach = MatchReach(settings.kafka, clock)
        held.callback(reach.close)
        spikes = held.enter_context(
            owned(context, _SPIKES, "hits.v1", lambda journal: SpikeShard(journal, table, clock, context.events, reach))
        )
        # In a thread of its own, as the boards are: a consumer that waits for another's batches is slow to join its group.
        aside = Aside("spikes", [spikes.step], progress)
        aside.start()
        held.callback(aside.close)

        def step() -> int:
            aside.look()
            return shards.step()

        yield step


def run(settings: Settings) -> int:
    """Match until SIGTERM or SIGINT; the exit status.

    Raises:
        ConfigError: it cannot start: the sentence says why.
    """
    return run_stage(settings, _STAGE, matching)
