"""The doctor's checks of the cluster: broker, streams, index, services, and what is in them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from marsad.clock import SystemClock
from marsad.config import Settings
from marsad.errors import StoreError
from marsad_app.cli.finding import Finding, fail, ok, warn
from marsad_app.cli.opening import existing_store
from marsad_app.cli.store_checks import what_is_in

if TYPE_CHECKING:
    from marsad_app.cluster.admin import Difference

__all__ = ["CHECKS"]

# Imported where they are needed, so that a fault in one is a finding and hides no other.
# ruff: noqa: PLC0415

_MEND: Final = "`marsad cluster check` shows them, `--fix` mends what can be mended"


def broker(settings: Settings) -> Iterator[Finding]:
    """The broker answers, and its streams are as they should be."""
    from marsad_app.cluster import admin

    try:
        there = admin.broker_streams(settings.kafka)
    except StoreError as error:
        yield fail("broker", str(error), "")
        return
    yield ok("broker", f"answers at {settings.kafka.bootstrap}")
    yield from _as_wanted("streams", admin.plan(there, settings.kafka))


def index(settings: Settings) -> Iterator[Finding]:
    """Elasticsearch answers, and its templates are as they should be."""
    from marsad_app.cluster.index_admin import template_differences
    from sinks.index.client import shown_url

    try:
        found = template_differences(settings.elasticsearch)
    except StoreError as error:
        yield fail("index", str(error), "")
        return
    yield ok("index", f"answers at {shown_url(settings.elasticsearch)}")
    yield from _as_wanted("index templates", found)


def _as_wanted(name: str, found: "Sequence[Difference]") -> Iterator[Finding]:
    missing = [one.where for one in found if one.what == "missing"]
    unusable = [one for one in found if one.kind == "partitions"]
    if missing:
        yield fail(name, f"missing: {', '.join(missing)}", "`marsad cluster init` makes them")
    elif unusable:
        one = unusable[0]
        yield fail(name, f"{one.where} has {one.found} partitions and should have {one.wanted}", one.advice)
    elif found:
        kinds = Counter(f"{one.where} {one.what}" for one in found)
        yield warn(name, f"{len(found)} settings differ: {', '.join(sorted(kinds))}", _MEND)
    else:
        yield ok(name, "all there, with the settings that they should have")


def services(settings: Settings) -> Iterator[Finding]:
    """Each stage has a process, and none is far behind."""
    from marsad_app.cluster.store import stages

    try:
        found = stages(settings, SystemClock())
    except StoreError as error:
        yield fail("services", str(error), "")
        return
    idle = [stage.stage for stage in found if not stage.members]
    behind = {stage.stage: stage.lag for stage in found if stage.lag > settings.kafka.max_lag}
    if idle:
        commands = ", ".join(f"`marsad {name}`" for name in idle)
        yield warn("services", f"no process works on {', '.join(idle)}", f"start {commands}")
    for name, lag in behind.items():
        yield warn("services", f"{lag} messages wait for {name}", f"start another `marsad {name}`, or see its log")
    if not idle and not behind:
        yield ok("services", ", ".join(f"{len(stage.members or ())} {stage.stage}" for stage in found))


def contents(settings: Settings) -> Iterator[Finding]:
    """What the streams and the index hold can work."""
    with existing_store(settings) as store:
        counts = store.counts()
        yield ok("contents", f"{counts.articles} articles in {counts.stories} stories, {counts.alerts} alerts")
        yield from what_is_in(store)


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (broker, index, services, contents)
