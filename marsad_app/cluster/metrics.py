"""A service's figures for Prometheus, in a registry of their own."""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from marsad_app.cluster.health import Report

__all__ = ["service_registry"]

_PREFIX: Final = "marsad_service"


class _Figures(Collector):
    """Turns the report of the moment into metrics."""

    def __init__(self, report: Callable[[], Report]) -> None:
        self._report = report

    def collect(self) -> Iterable[Metric]:
        """All figures, labelled with the stage."""
        report = self._report()
        who, stage = ["stage"], [report.stage]
        yield _one(GaugeMetricFamily(f"{_PREFIX}_healthy", "1 if nobody need look", labels=who), stage, report.healthy)
        yield _one(GaugeMetricFamily(f"{_PREFIX}_ready", "1 if it could work now", labels=who), stage, report.ready)
        yield _one(
            CounterMetricFamily(f"{_PREFIX}_starts", "Processes begun under this name", labels=who),
            stage,
            report.starts,
        )
        yield _one(
            CounterMetricFamily(f"{_PREFIX}_skipped", "Ranges of records passed over", labels=who),
            stage,
            len(report.skipped),
        )
        yield _one(
            CounterMetricFamily(f"{_PREFIX}_holes", "Ranges of offsets looked into", labels=who), stage, report.holes
        )
        yield from _partitions(report)
        waiting = GaugeMetricFamily(f"{_PREFIX}_waiting", "1 for what it waits for", labels=["stage", "what"])
        for what in sorted(report.waiting):
            waiting.add_metric([report.stage, what], 1)
        yield waiting
        items = CounterMetricFamily(f"{_PREFIX}_items", "Items by how they ended", labels=["stage", "outcome"])
        for outcome, count in sorted(report.counts.items()):
            items.add_metric([report.stage, outcome], count)
        yield items


def _one(
    metric: GaugeMetricFamily | CounterMetricFamily, labels: list[str], value: float
) -> GaugeMetricFamily | CounterMetricFamily:
    metric.add_metric(labels, float(value))
    return metric


def _partitions(report: Report) -> Iterable[Metric]:
    labels = ["stage", "stream", "partition"]
    lag = GaugeMetricFamily(f"{_PREFIX}_lag", "Messages that wait", labels=labels)
    offset = GaugeMetricFamily(f"{_PREFIX}_offset", "The next message to be taken", labels=labels)
    end = GaugeMetricFamily(f"{_PREFIX}_end", "The end of the partition", labels=labels)
    still = GaugeMetricFamily(f"{_PREFIX}_still_seconds", "Since the last message was taken", labels=labels)
    for row in report.partitions:
        names = [report.stage, row.stream, str(row.partition)]
        lag.add_metric(names, row.lag)
        offset.add_metric(names, row.offset)
        end.add_metric(names, row.end)
        still.add_metric(names, row.moved_seconds_ago)
    yield from (lag, offset, end, still)


def service_registry(report: Callable[[], Report]) -> CollectorRegistry:
    """The service's own figures, and the process's: memory, processor time, open files.

    Args:
        report: makes the report; called at each reading.
    """
    registry = CollectorRegistry()
    registry.register(_Figures(report))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry
