"""Health checks and metrics, in a registry of their own for each application."""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from marsad.errors import StoreError
from marsad.records import DeliveryState, GapFill, Health, Standing
from marsad_app.ledger import standings
from marsad_app.web.services import Services
from marsad_app.web.shell import Web

__all__ = ["Counted", "counter", "router"]

_PREFIX: Final = "marsad"
_LOOKED_AT: Final = 1_000
_FILLS: Final[tuple[GapFill, ...]] = get_args(GapFill)


class _Figures(Collector):
    """The live counters and what lies in the store, read when asked."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        """Every figure as a gauge; those by kind with the label ``kind``."""
        for name, value in self._services.status().items():
            metric = _metric(name, value)
            if metric is not None:
                yield metric
        parts = self._services.parts()
        if parts:
            up = GaugeMetricFamily(f"{_PREFIX}_up", "1 for each part that answers", labels=["part"])
            for part, problem in sorted(parts.items()):
                up.add_metric([part], 0.0 if problem else 1.0)
            yield up
        # While the index is away, all other figures are still wanted.
        with contextlib.suppress(StoreError):
            yield GaugeMetricFamily(f"{_PREFIX}_articles", "Articles in the index", value=self._services.search.count())
        yield from self._feeds()
        yield from self._outlets()

    def _outlets(self) -> Iterable[Metric]:
        """How the latest thousand deliveries went, by outlet: its kind and a key, never its address."""
        latest = self._services.deliveries.deliveries(limit=_LOOKED_AT)
        found = standings(latest, self._services.subscriptions.subscriptions(), self._services.clock.now())
        labels = ["outlet", "subscription"]
        counts = _gauge("outlet_deliveries", "Of the latest deliveries, by state", [*labels, "state"])
        retried = _gauge("outlet_retries", "Of the latest deliveries, tries after the first", labels)
        latency = _gauge("outlet_latency_seconds", "From due to taken, the median", labels)
        circuit = _gauge("outlet_circuit_open", "1 while it is left alone", labels)
        lost = _gauge("outlet_lost", "1 where it is tried no more", labels)
        for one in found:
            who = [f"{one.outlet.partition(':')[0]}:{one.key}", one.subscription_id]
            for state in DeliveryState:
                counts.add_metric([*who, state.value], one.counts.get(state.value, 0))
            retried.add_metric(who, one.retried)
            circuit.add_metric(who, float(one.open_until is not None))
            lost.add_metric(who, float(one.lost))
            if one.latency is not None:
                latency.add_metric(who, one.latency)
        yield from (counts, retried, latency, circuit, lost)

    def _feeds(self) -> Iterable[Metric]:
        """Every state of health, also those that no feed is in: an alert on a row that is missing never fires."""
        counts = dict.fromkeys(Health, 0)
        standings = dict.fromkeys(Standing, 0)
        gaps = dict.fromkeys(_FILLS, 0)
        backfilled = 0
        for state in self._services.ledger.states():
            counts[state.health] += 1
            standings[state.standing] += 1
            backfilled += state.backfilled
            for mark in state.gaps:
                gaps[mark.fill] += 1
        yield _by("feeds", "Feeds by health", "health", counts)
        yield _by("feeds_standing", "Feeds by how they have done over days", "standing", standings)
        yield _by("feed_gaps", "Gaps that feeds remember, by what became of them", "fill", gaps)
        yield GaugeMetricFamily(
            f"{_PREFIX}_feed_entries_backfilled", "Missed entries that older pages brought", value=backfilled
        )


def _gauge(name: str, words: str, labels: list[str]) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", words, labels=labels)


def _by(name: str, words: str, label: str, counts: Mapping[Any, int]) -> Metric:
    metric = GaugeMetricFamily(f"{_PREFIX}_{name}", words, labels=[label])
    for kind, count in counts.items():
        metric.add_metric([str(kind)], count)
    return metric


def _metric(name: str, value: object) -> Metric | None:
    full = f"{_PREFIX}_stage_{name}"
    if isinstance(value, (int, float)):
        return GaugeMetricFamily(full, f"{name} since the start", value=float(value))
    if not isinstance(value, Mapping):
        return None
    metric = GaugeMetricFamily(full, f"{name} since the start, by kind", labels=["kind"])
    for kind, count in value.items():
        # A sentence, such as why a stage fails, counts as one.
        metric.add_metric([str(kind)], float(count) if isinstance(count, (int, float)) else 1.0)
    return metric


class Counted:
    """Counts requests by method and status.

    Args:
        app: what answers.
        counts: the counter.
    """

    def __init__(self, app: ASGIApp, counts: Counter) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts.labels(scope["method"], str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, noted)


def counter(registry: CollectorRegistry) -> Counter:
    """The counter of requests."""
    return Counter(f"{_PREFIX}_http_requests", "Requests answered", ["method", "status"], registry=registry)


def router(web: Web, registry: CollectorRegistry) -> APIRouter:
    """``/healthz``, ``/readyz`` and ``/metrics``."""
    routes = APIRouter(tags=["operations"])
    registry.register(_Figures(web.services))

    @routes.get("/healthz", summary="The process answers")
    async def healthz() -> dict[str, str]:
        # Not in a thread: all of these may be waiting for a server that hangs.
        return {"status": "ok", **{part: problem or "ok" for part, problem in web.services.parts().items()}}

    @routes.get("/readyz", summary="What it rests on answers")
    def readyz() -> Response:
        parts = web.services.parts()
        for part, problem in parts.items():
            if problem:
                return JSONResponse({"status": part, "error": problem}, 503)
        if parts:
            return JSONResponse({"status": "ok"})
        try:
            web.services.search.count()
        except StoreError as error:
            return JSONResponse({"status": "store", "error": str(error)}, 503)
        return JSONResponse({"status": "ok"})

    @routes.get("/metrics", summary="Figures for Prometheus")
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes
