"""Models and drift: how good the models are, whether scores mean what they say, what shifted."""

from __future__ import annotations

from ops.grafana.dashboard import Dashboard
from ops.grafana.panels import LEGEND, LINES, Json, Panel, metrics, store


def figure(title: str, about: str, column: str) -> Panel:
    """Return a panel of one prequential figure, a line a model."""
    asked = store("dash_models", series=True, select=f"SELECT time, model, {column} FROM {{}}")
    unit = "percentunit" if column == "accuracy" else "none"
    return Panel("timeseries", title, about, unit, [asked], 12, 8, LEGEND, LINES, decimals=3)


CURVE: Json = LEGEND | {
    "mapping": "manual",
    "series": [{"x": {"matcher": {"id": "byName", "options": "predicted"}},
                "y": {"matcher": {"id": "byName", "options": "seen"}}}],
}  # fmt: skip

PANELS = (
    figure("Accuracy", "Each example predicted before it is learned; over all examples so far.", "accuracy"),
    figure("AUC", "Chance that a positive example is ranked above a negative one, latest 2,000.", "auc"),
    figure("Log loss", "In nats over the latest 2,000 examples; lower is better.", "log_loss"),
    figure("Brier score", "Mean squared error of the probability, latest 2,000; lower is better.", "brier"),
    Panel("xychart", "Is a churn score right", "Predicted against seen by tenth of the score: on the "
          "diagonal a probability can be taken at its word. Whole store; the horizon is "
          "HARK_HORIZON_DAYS' default.", "percentunit",
          [store("dash_calibration", horizon_days="30")], 12, 9, CURVE,
          {"show": "points+lines"}, least=0.0, most=1.0, columns={"events": "short"}),
    Panel("xychart", "Is a sentiment score right", "Probability that a text is positive against the stars "
          "customers gave with it.", "percentunit", [store("dash_calibration_sentiment")], 12, 9, CURVE,
          {"show": "points+lines"}, least=0.0, most=1.0, columns={"events": "short"}),
    Panel("timeseries", "What the models are fed", "Shares of Chinese, rated and filed feedback, mean churn "
          "score and confidence: a shift here comes before one in accuracy.", "percentunit",
          [store("dash_inputs", series=True, select="SELECT * EXCEPT (mean_length) FROM {}")], 12, 8, LEGEND,
          LINES, interval="1h"),
    Panel("timeseries", "Drift found", "Changes found by ADWIN, by model and series.", "short",
          metrics(("sum by (model, series) (increase(hark_drifts_total[1h]))", "{{model}} {{series}}")), 12,
          8, LEGEND, LINES),
    Panel("table", "Drift alerts", "What drifted, since when, from what to what.", "none",
          [store("dash_alerts", kind="'drift'", most="50")], 12, 8, columns={"since": "dateTimeAsIso"},
          decimals=3),
    Panel("table", "Versions in use", "Which version of each model scored how much of the period's feedback.",
          "short", [store("dash_versions", most="40")], 12, 8, columns={"last_used": "dateTimeAsIso",
                                                                        "version": "none"}),
    Panel("timeseries", "Snapshots", "Snapshots published by learners and installed by workers, and refused "
          "ones, by hour.", "short",
          metrics(("sum by (model, what) (increase(hark_snapshots_total[1h]))", "{{model}} {{what}}"),
                  ("sum by (model) (increase(hark_snapshots_refused_total[1h]))", "{{model}} refused")),
          12, 8, LEGEND, LINES),
    Panel("timeseries", "Version by worker", "Version of each model a worker scores with; they should move "
          "together.", "none", metrics(("hark_model_version", "{{model}} {{instance}}")), 12, 8, LEGEND,
          LINES),
)  # fmt: skip

MODELS = Dashboard(
    "hark-models", "Models and drift",
    "How good the models are, whether their scores mean what they say, and what shifted.",
    PANELS, days=7, refresh="1m", alerts="drift",
)  # fmt: skip
