"""Pipeline health, from Prometheus: lag, throughput, dead letters, state, sink."""

from __future__ import annotations

from ops.grafana.dashboard import Dashboard
from ops.grafana.panels import LEGEND, LINES, STACKED, Panel, metrics, store

LAG = ((None, "green"), (60.0, "yellow"), (900.0, "red"))

PANELS = (
    Panel("stat", "Workers", "Worker processes that answer.", "short",
          metrics(('sum(up{job="hark-worker"})', "workers")), 4, 4,
          {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "none"}),
    Panel("stat", "Worst lag", "Age of the newest record finished, of the partition furthest behind.", "s",
          metrics(("max(hark_lag_seconds)", "lag")), 5, 4, {"reduceOptions": {"calcs": ["lastNotNull"]}},
          steps=LAG),
    Panel("stat", "Intake", "Records taken in a second.", "ops",
          metrics(('sum(rate(hark_events_total{agent="intake"}[1m]))', "records")), 5, 4,
          {"reduceOptions": {"calcs": ["lastNotNull"]}}),
    Panel("stat", "Dead letters", "Share of all records that could not be processed, last 15 minutes.",
          "percentunit", metrics(("sum(rate(hark_dead_letters_total[15m])) / "
                                  'sum(rate(hark_events_total{agent="intake"}[15m]))', "share")), 5, 4,
          {"reduceOptions": {"calcs": ["lastNotNull"]}}, decimals=2,
          steps=((None, "green"), (0.02, "yellow"), (0.1, "red"))),
    Panel("stat", "Rows waiting", "Rows read and not yet in ClickHouse.", "short",
          metrics(("sum(hark_sink_pending_rows)", "rows")), 5, 4,
          {"reduceOptions": {"calcs": ["lastNotNull"]}}),
    Panel("timeseries", "Throughput", "Records finished a second, by agent.", "ops",
          metrics(("sum by (agent) (rate(hark_events_total[1m]))", "{{agent}}")), 12, 8, LEGEND, LINES),
    Panel("timeseries", "Lag", "Age of the newest record finished, the worst partition of each agent.", "s",
          metrics(("max by (agent) (hark_lag_seconds)", "{{agent}}")), 12, 8, LEGEND, LINES),
    Panel("timeseries", "Records waiting", "Appended and not fetched yet, by agent; learning may be behind.",
          "short", metrics(("sum by (agent) (hark_behind_records)", "{{agent}}")), 12, 8, LEGEND, LINES),
    Panel("timeseries", "Time of a slice", "From taking a slice to its ack: median and 99th percentile.", "s",
          metrics(("histogram_quantile(0.5, sum by (agent, le) (rate(hark_slice_seconds_bucket[5m])))",
                   "{{agent}} p50"),
                  ("histogram_quantile(0.99, sum by (agent, le) (rate(hark_slice_seconds_bucket[5m])))",
                   "{{agent}} p99")), 12, 8, LEGEND, LINES),
    Panel("timeseries", "Step time per event", "Processor time inside the agent's step, for each event.", "s",
          metrics(("sum by (agent) (rate(hark_step_seconds_total[5m])) / "
                   "sum by (agent) (rate(hark_events_total[5m]))", "{{agent}}")), 12, 8, LEGEND, LINES),
    Panel("timeseries", "Records in a slice", "Mean size of a slice: small means it keeps up.", "short",
          metrics(("sum by (agent) (rate(hark_slice_records_sum[5m])) / "
                   "sum by (agent) (rate(hark_slice_records_count[5m]))", "{{agent}}")), 12, 8, LEGEND,
          LINES),
    Panel("timeseries", "Since last progress", "Seconds since each partition finished a slice.", "s",
          metrics(("time() - max by (agent, topic, partition) (hark_last_progress_timestamp_seconds)",
                   "{{agent}} {{topic}}/{{partition}}")), 12, 8, LEGEND, LINES),
    Panel("timeseries", "Dead letters by reason", "Records that could not be processed, by minute.", "short",
          metrics(("sum by (agent, reason) (increase(hark_dead_letters_total[1m]))", "{{agent}} {{reason}}")),
          12, 8, LEGEND, STACKED),
    Panel("timeseries", "Dropped and repeated", "Records that rightly end (duplicates), and records seen "
          "before after a restart.", "short",
          metrics(("sum by (agent, reason) (increase(hark_dropped_total[1m]))", "{{agent}} {{reason}}"),
                  ("sum by (agent) (increase(hark_repeated_total[1m]))", "{{agent}} repeated")),
          12, 8, LEGEND, STACKED),
    Panel("timeseries", "Personal data masked", "Pieces masked, by type and minute.", "short",
          metrics(("sum by (type) (increase(hark_masked_total[1m]))", "{{type}}")), 12, 8, LEGEND, STACKED),
    Panel("timeseries", "Names the fast setting leaves", "Of what the taggers find in the sample that "
          "HARK_PII_AUDIT_SHARE reads twice, the share the fast setting left; empty without a sample.",
          "percentunit",
          metrics(('sum by (type) (increase(hark_masking_audit_total{found_by="only_thorough"}[1h])) / '
                   'sum by (type) (increase(hark_masking_audit_total{found_by=~"only_thorough|both"}[1h]))',
                   "{{type}}")), 12, 8, LEGEND, LINES),
    Panel("timeseries", "Rows stored", "Rows a second into ClickHouse, and inserts that failed and were "
          "tried again.", "ops", metrics(("sum(rate(hark_sink_rows_total[1m]))", "rows"),
                                   ("sum(rate(hark_sink_errors_total[1m]))", "failed inserts")),
          12, 8, LEGEND, LINES),
    Panel("timeseries", "State", "Keys of partition state held.", "short",
          metrics(("sum by (agent) (hark_state_keys)", "{{agent}}")), 12, 8, LEGEND, LINES),
    Panel("timeseries", "State loads", "Seconds the last load of a partition's state took.", "s",
          metrics(("max by (agent) (hark_state_load_seconds)", "{{agent}}")), 12, 8, LEGEND, LINES),
    Panel("timeseries", "Rule errors", "Conditions that failed on an event, by rule and minute.", "short",
          metrics(("sum by (rule) (increase(hark_rule_errors_total[1m]))", "{{rule}}")), 12, 8, LEGEND,
          STACKED),
    Panel("timeseries", "Dead letters in the store", "By when they were appended, from ClickHouse: the "
          "record behind the counters above.", "short", [store("dash_dead_letters", series=True)], 12,
          8, LEGEND, STACKED, interval="1m"),
)  # fmt: skip

PIPELINE = Dashboard(
    "hark-pipeline", "Pipeline health",
    "Lag, throughput, dead letters, state and sink of the workers.", PANELS, days=0, refresh="10s",
)  # fmt: skip
