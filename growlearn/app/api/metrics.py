"""Figures of one API process as Prometheus text."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

METRICS_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ApiMetrics:
    """Counters of requests and rows, and the champions that answer."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter(
            "growlearn_http_requests", "Requests answered.", labels, registry=self._registry
        )
        self._seconds = Histogram(
            "growlearn_http_request_seconds",
            "Time to answer a request.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._rows = Counter(
            "growlearn_predicted_rows", "Rows answered.", ("stream", "version"), registry=self._registry
        )
        self._bad_rows = Counter(
            "growlearn_refused_rows", "Rows that could not be answered.", ("stream",), registry=self._registry
        )
        self._logged_rows = Counter(
            "growlearn_logged_rows",
            "Answered rows that the request log has written.",
            ("stream",),
            registry=self._registry,
        )
        self._unlogged_rows = Counter(
            "growlearn_unlogged_rows",
            "Answered rows that the request log has dropped.",
            ("stream", "reason"),
            registry=self._registry,
        )
        self._champion = Gauge(
            "growlearn_champion_version",
            "Version that answers as champion.",
            ("stream",),
            registry=self._registry,
        )
        self._refused = Gauge(
            "growlearn_champion_refused",
            "1 where a newer champion was refused because its stored answers are not reproduced.",
            ("stream",),
            registry=self._registry,
        )

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request; `route` is the path's template, so that their number is bounded."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def count_rows(self, stream: str, version: int, answered: int, refused: int) -> None:
        """The rows of one request to predict."""
        if answered:
            self._rows.labels(stream, str(version)).inc(answered)
        if refused:
            self._bad_rows.labels(stream).inc(refused)

    def count_logged_rows(self, stream: str, num_rows: int) -> None:
        """Rows that are in a file now."""
        self._logged_rows.labels(stream).inc(num_rows)

    def count_unlogged_rows(self, stream: str, reason: str, num_rows: int) -> None:
        """Rows that will be in no file; `reason` is one of few."""
        self._unlogged_rows.labels(stream, reason).inc(num_rows)

    def render(self, champions: Mapping[str, int], refused: Mapping[str, int]) -> bytes:
        """All figures, with the champions as they are now."""
        self._champion.clear()
        self._refused.clear()
        for stream, version in champions.items():
            self._champion.labels(stream).set(version)
            self._refused.labels(stream).set(stream in refused)
        return generate_latest(self._registry)
