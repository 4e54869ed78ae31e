"""Rules and uplift: what rules decide, whether it helps, whom, and what it is worth."""

from __future__ import annotations

from ops.grafana.dashboard import Dashboard, Variable
from ops.grafana.panels import LEGEND, LINES, STACKED, Panel, store

VARIABLES = (
    Variable("rule", "Rule", "One rule, or every rule in the tables.",
             sql="SELECT 'every rule' AS rule UNION ALL SELECT rule FROM (SELECT DISTINCT "
                 "toString(rule_id) AS rule FROM decisions ORDER BY rule)", first="every rule"),
    Variable("metric", "Metric", "What became of customers.",
             ("retained", "churned", "purchase", "revenue", "renewal", "feature_adoption", "reply", "visit",
              "satisfaction")),
    Variable("by", "Segment", "A row each, corrected for looking at several.",
             ("whole", "tier", "topic", "channel")),
    Variable("score", "Score", "By which customers are put into tenths.",
             ("churn", "money", "polarity", "spend_before")),
)  # fmt: skip

ONE = "choose one rule above"
PANELS = (
    Panel("timeseries", "Decisions", "Eligible triggers over time: acted on, held out, suppressed, shadow.",
          "short", [store("dash_decisions_over_time", series=True)], 12, 8, LEGEND, STACKED, interval="1h",
          colours={"acted": "blue", "holdout": "orange", "suppressed": "#9aa7b5"}),
    Panel("barchart", "Why triggers were left alone", "Suppressed triggers by the limit that stopped them.",
          "short", [store("dash_suppressions")], 12, 8, LEGEND | {"orientation": "horizontal",
                                                                  "xField": "reason"}),
    Panel("table", "Rules", "Triggers of each rule in the period and what they cost.", "short",
          [store("dash_decisions")], 24, 9, columns={"cost": "locale"}),
    Panel("table", "Did it help", "Acted against held out: difference with its 95 % interval (Newcombe for "
          "rates, Welch for means), the always-valid interval for daily looks, CUPED, and the check of the "
          "arms' sizes: below 0.001 do not read the row. Whole store; customers whose window runs are "
          "pending.", "none", [store("uplift")], 24, 10, columns={
              "n1": "short", "n0": "short", "pending": "short", "missing": "short", "spent": "locale",
              "value": "locale", "value_low": "locale", "value_high": "locale"}, decimals=4),
    Panel("timeseries", "Day by day, always valid", f"The difference as it stood each day with an interval "
          f"that may be looked at every day; {ONE}.", "none",
          [store("sequential", series=True, select="SELECT toDateTime(day, 'UTC') AS time, delta, low, high "
           "FROM {} ORDER BY time")], 12, 9, LEGEND, LINES, decimals=3),
    Panel("table", "Are the arms as planned", "Sample-ratio check by rule and day, cumulative: p below 0.001 "
          "blocks every verdict.", "short", [store("srm")], 12, 9, columns={"p": "none", "chi2": "none"}),
    Panel("table", "Was it worth the money", "Incremental value less cost with its 95 % interval, for "
          "revenue.", "locale", [store("money", metric="'revenue'", worth="1")], 12, 8,
          columns={"acted": "short", "held_out": "short", "return_on_cost": "percentunit"}),
    Panel("table", "Do they speak better of us", "Change of mean polarity from before the trigger to the "
          "window, acted against held out, with the shares who spoke in both.", "none",
          [store("satisfaction")], 12, 8, columns={"n1": "short", "n0": "short", "spoke1": "percentunit",
                                                   "spoke0": "percentunit"}, decimals=3),
    Panel("trend", "How long they stay", f"Share of customers still here by day after the trigger "
          f"(Kaplan-Meier); {ONE}.", "percentunit", [store("retention", days="90", select="SELECT day, "
          "anyIf(retained, treated) AS acted, anyIf(retained, NOT treated) AS held_out FROM {} GROUP BY day "
          "ORDER BY day")], 12, 9, LEGEND | {"xField": "day"}, LINES, {"day": "none"}, {"acted": "blue",
          "held_out": "orange"}),
    Panel("barchart", "Whom to act on", f"Uplift by tenth of a score, highest first, and what acting down "
          f"to it brings: stop where it no longer grows; {ONE}.", "none",
          [store("qini", score="${score:sqlstring}", select="SELECT toString(tenth) AS tenth, delta, gain, "
           "gain_low, gain_high FROM {}")], 12, 9, LEGEND | {"xField": "tenth"}, decimals=3),
    Panel("table", "Ramps", "The difference where the holdout share changed on the way, every customer "
          "weighted by one over the chance of the arm.", "none", [store("uplift_weighted")], 12, 8, columns={
              "n1": "short", "n0": "short", "shares": "short"}, decimals=4),
    Panel("table", "Guardrails and rule alerts", "Rules paused by themselves because they hurt; never "
          "un-paused by themselves.", "none", [store("dash_alerts", kind="'guardrail'", most="20")], 12, 8,
          columns={"since": "dateTimeAsIso"}),
    Panel("table", "Changes of rules", "Who changed which rule and how, newest first.", "none",
          [store("dash_rule_changes", most="50")], 24, 8),
)  # fmt: skip

UPLIFT = Dashboard(
    "hark-uplift", "Rules and uplift",
    "What rules decided, whether it helped, whom, and whether it was worth the money.",
    PANELS, VARIABLES, days=60, refresh="5m", alerts="guardrail",
)  # fmt: skip
