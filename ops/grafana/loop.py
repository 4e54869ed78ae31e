"""Closed loop and SLA: what was promised, what was kept, who is waiting."""

from __future__ import annotations

from ops.grafana.dashboard import Dashboard
from ops.grafana.panels import LEGEND, LINES, STACKED, Panel, metrics, store

PANELS = (
    Panel("table", "Promises kept", "First answers and resolutions against their targets, by urgency, with "
          "Wilson's 95 % interval; minutes and hours from the decision.", "percentunit",
          [store("insight_targets")], 24, 7, columns={
              "actions": "short", "answer_target_minutes": "m", "answer_p50": "m", "answer_p90": "m",
              "resolve_hours_p50": "h"}),
    Panel("timeseries", "How long customers wait", "Median and 90th percentile from the decision to the "
          "first answer and to the resolution.", "m", [store("dash_response", series=True)], 12, 8, LEGEND,
          LINES, interval="1h"),
    Panel("barchart", "Actions by kind and state", "Where the actions of the period stand now.", "short",
          [store("dash_actions")], 12, 8, LEGEND | {"orientation": "horizontal", "xField": "kind",
                                                    "stacking": "normal"}, colours={
              "done": "green", "open": "blue", "unanswered": "orange", "failed": "red"},
          transformations=({"id": "organize", "options": {"excludeByName": {"actions": True}}},)),
    Panel("table", "Teams", "Shares of each team's actions answered, resolved, failed; of the resolved, told "
          "to the customer and reopened.", "percentunit", [store("dash_teams")], 12, 9,
          columns={"actions": "short"}),
    Panel("timeseries", "Broken promises", "Actions past their deadline, by team and hour.", "short",
          metrics(("sum by (team) (increase(hark_sla_breaches_total[1h]))", "{{team}}")), 12, 9, LEGEND,
          STACKED),
    Panel("table", "Work list", "Actions past their promise and not resolved, most urgent first.", "short",
          [store("dash_overdue", most="200")], 24, 10, columns={
              "priority": "percentunit", "due": "dateTimeAsIso", "hours_late": "h"}),
    Panel("timeseries", "Escalations", "Actions handed up, by level and hour.", "short",
          metrics(("sum by (level) (increase(hark_escalations_total[1h]))", "level {{level}}")), 12, 8,
          LEGEND, STACKED),
    Panel("timeseries", "Answers to unknown actions", "Statuses of actions nobody knows: a service with a "
          "wrong id, or one that answers after the state has expired.", "short",
          metrics(("sum(increase(hark_unknown_status_total[1h]))", "unknown")), 12, 8, LEGEND, LINES),
    Panel("table", "SLA alerts", "Promises broken and escalations that went out, newest first.", "none",
          [store("dash_alerts", kind="'sla'", most="50")], 24, 7, columns={"since": "dateTimeAsIso"}),
)  # fmt: skip

LOOP = Dashboard(
    "hark-loop", "Closed loop and SLA",
    "From decision to answer to resolution to telling the customer: promises, waits, teams, work list.",
    PANELS, days=7, refresh="1m", alerts="sla",
)  # fmt: skip
