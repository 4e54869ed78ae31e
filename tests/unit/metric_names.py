"""The series a worker exposes, by the names Prometheus stores them under."""

from __future__ import annotations

from prometheus_client.metrics import MetricWrapperBase

from streams import metrics


def metric_names() -> set[str]:
    """Return the names of Hark's series as Prometheus scrapes them."""
    found = {"up"}
    for value in vars(metrics).values():
        if isinstance(value, MetricWrapperBase):
            for family in value.describe():
                endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
                found.update(family.name + ending for ending in endings.get(family.type, ("",)))
    return found
