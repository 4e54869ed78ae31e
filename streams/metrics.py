"""Every Prometheus metric of a worker, named and explained once; added to per slice, never per event.

`ops/docs/metrics.md` is generated from this module.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from models.events.signals import ALERT_KINDS

EVENTS = Counter("hark_events_total", "Input records an agent has finished, by topic.", ["agent", "topic"])
EMITTED = Counter("hark_emitted_total", "Records an agent has written and seen confirmed.", ["agent"])
DROPPED = Counter("hark_dropped_total", "Records that rightly end, by reason.", ["agent", "reason"])
PARKED = Gauge(
    "hark_parked_actions",
    "Actions whose topic does not take them, kept in partition state until it does.",
    ["agent", "topic"],
)
DEAD = Counter(
    "hark_dead_letters_total", "Records that could not be processed, by reason.", ["agent", "reason"]
)
REPEATED = Counter(
    "hark_repeated_total", "Records seen before at the same origin, after a restart.", ["agent"]
)
MISSED = Counter(
    "hark_missed_total",
    "Records never read, because retention took them before or their topic was deleted and made anew.",
    ["agent", "topic"],
)
MASKED = Counter("hark_masked_total", "Pieces of personal data masked, by type.", ["type"])
AUDITED = Counter(
    "hark_masking_audit_total",
    "Names and addresses in the texts HARK_PII_AUDIT_SHARE samples, by type and by which setting finds "
    "them: both, only_fast, only_thorough. The last over its sum with both is what the fast one leaves.",
    ["type", "found_by"],
)
MEDIA_PENDING = Counter(
    "hark_media_pending_total", "Attachments that went on without a text, until `hark media` reads them."
)
SLICE_SECONDS = Histogram(
    "hark_slice_seconds",
    "Seconds from taking what a poll brought, a slice a partition, to its ack.",
    ["agent"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
CPU_SECONDS = Counter("hark_step_seconds_total", "Seconds of processing inside the agent's step.", ["agent"])
SLICE_RECORDS = Histogram(
    "hark_slice_records",
    "Records a poll brought, over all partitions.",
    ["agent"],
    buckets=(1, 5, 20, 50, 100, 200, 500, 1000, 2000),
)
LOOP_LAG_SECONDS = Histogram(
    "hark_loop_lag_seconds",
    "How late the event loop came to a timer: every agent of the worker waited so long.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
TASKS = Gauge("hark_tasks", "Tasks of the worker's event loop.")
LAG_SECONDS = Gauge(
    "hark_lag_seconds",
    "Age of the newest record finished, by partition; 0 where none waits.",
    ["agent", "topic", "partition"],
)
BEHIND_RECORDS = Gauge(
    "hark_behind_records",
    "Records appended and not fetched yet, of the partitions this worker has.",
    ["agent", "topic"],
)
LAST_PROGRESS = Gauge(
    "hark_last_progress_timestamp_seconds",
    "When a partition last finished a slice.",
    ["agent", "topic", "partition"],
)
STATE_KEYS = Gauge("hark_state_keys", "Keys of partition state held.", ["agent", "partition"])
STATE_LOAD_SECONDS = Gauge("hark_state_load_seconds", "Seconds the last load of a partition took.", ["agent"])
DECISIONS = Counter("hark_decisions_total", "Decisions by rule and arm.", ["rule", "arm"])
RULE_ERRORS = Counter("hark_rule_errors_total", "Conditions that failed on an event.", ["rule"])
RULES_VERSION = Gauge("hark_rules_live", "Live rules of this worker.")
MODEL_VERSION = Gauge("hark_model_version", "Version of each model in use.", ["model"])
MODEL_ACCURACY = Gauge("hark_model_accuracy", "Prequential accuracy, fading window.", ["model"])
DRIFTS = Counter("hark_drifts_total", "Drifts found, by model and series.", ["model", "series"])
SNAPSHOTS = Counter("hark_snapshots_total", "Snapshots published or installed.", ["model", "what"])
SNAPSHOT_REFUSED = Counter(
    "hark_snapshots_refused_total", "Snapshots refused; the last good one stays.", ["model"]
)
SINK_ROWS = Counter("hark_sink_rows_total", "Rows stored, by table.", ["table"])
SINK_BEHIND = Gauge("hark_sink_pending_rows", "Rows read and not stored yet.")
SINK_ERRORS = Counter(
    "hark_sink_errors_total", "Questions and inserts the store failed that were tried again."
)
ALERTS = Counter("hark_alerts_total", "Alerts written, by kind.", ["kind"])
for _kind in ALERT_KINDS:
    ALERTS.labels(_kind)  # so that the first alert is an increase
SLA_BREACHES = Counter("hark_sla_breaches_total", "Actions past their deadline.", ["team"])
ESCALATIONS = Counter("hark_escalations_total", "Escalations, by level.", ["level"])
UNKNOWN_STATUS = Counter("hark_unknown_status_total", "Statuses of actions nobody knows.")
