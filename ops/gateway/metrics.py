"""Prometheus metrics of the gateway."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("hark_gateway_requests_total", "Requests by route and status.", ["route", "status"])
ACCEPTED = Counter("hark_gateway_events_total", "Events the broker confirmed, by sender.", ["sender"])
REFUSED = Counter("hark_gateway_refused_lines_total", "Lines refused, by reason.", ["reason"])
LIMITED = Counter("hark_gateway_limited_total", "Requests over a token's rate, by sender.", ["sender"])
REPEATED = Counter("hark_gateway_repeated_total", "Requests answered from an Idempotency-Key.")
IN_FLIGHT = Gauge("hark_gateway_in_flight", "Requests at work.")
SECONDS = Histogram(
    "hark_gateway_seconds",
    "Seconds from a request's headers to its answer.",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
