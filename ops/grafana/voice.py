"""Voice of the customer: what is said, about what, how badly, by whom."""

from __future__ import annotations

from ops.grafana.dashboard import Dashboard
from ops.grafana.panels import LEGEND, LINES, STACKED, Panel, number, store

TOTALS = store("dash_totals")
RED_UP = ((None, "green"), (0.4, "yellow"), (0.6, "red"))

PANELS = (
    Panel("stat", "Feedback", "Feedback events in the period, each counted once (exact to half a percent).",
          "short", [TOTALS], 4, 4, number("events")),
    Panel("stat", "Customers heard", "Different customers who spoke in the period.", "short", [TOTALS], 4, 4,
          number("customers")),
    Panel("stat", "Negative", "Share of feedback with a polarity below -0.1.", "percentunit", [TOTALS], 4, 4,
          number("negative_share"), steps=RED_UP, decimals=1),
    Panel("stat", "Mean sentiment", "Mean polarity: -1 worst, 1 best.", "none", [TOTALS], 4, 4,
          number("mean_polarity"), decimals=2, steps=((None, "red"), (-0.2, "yellow"), (0.1, "green"))),
    Panel("stat", "Urgent", "Feedback about safety, money or data that has an hour to be answered.", "short",
          [TOTALS], 4, 4, number("urgent")),
    Panel("stat", "Said twice", "Share of what came in that was a copy or the same words through another "
          "channel.", "percentunit", [store("insight_duplicates")], 4, 4,
          number("duplicate_rate") | {"reduceOptions": {"calcs": ["first"], "fields": "/^duplicate_rate$/",
                                                        "values": False}}, decimals=1),
    Panel("timeseries", "Sentiment", "Mean polarity (left) and share of negative feedback over time; marks "
          "are alerts.", "none", [store("dash_sentiment", series=True, select="SELECT time, "
          "polarity, negative_share FROM {}")], 12, 9, LEGEND, LINES, {"negative_share": "percentunit"},
          {"polarity": "blue", "negative_share": "orange"}, decimals=2, interval="1h"),
    Panel("timeseries", "Volume by channel", "Feedback events over time by where they were said.", "short",
          [store("dash_channels", series=True)], 12, 9, LEGEND, STACKED, interval="1h"),
    Panel("table", "Top three issues", "Complaints by how many customers they reach, against the period of "
          "equal length before; at stake: lifetime value of those customers.", "short",
          [store("insight_top_issues", most="3")], 12, 6, columns={
              "change": "percentunit", "mean_polarity": "none", "at_stake": "locale"}),
    Panel("barchart", "Kinds", "Complaint, suggestion, praise, question or request.", "short",
          [store("dash_kinds")], 6, 6, LEGEND | {"orientation": "horizontal", "xField": "kind"}),
    Panel("barchart", "Emotions", "The strongest emotion of feedback that shows one.", "short",
          [store("dash_emotions")], 6, 6, LEGEND | {"orientation": "horizontal", "xField": "emotion"}),
    Panel("table", "Topics", "By the first topic of each feedback, against as long a period before.",
          "short", [store("dash_topics", most="25")], 12, 10,
          columns={"negative_share": "percentunit", "change": "percentunit"}),
    Panel("status-history", "Complaints by week", "Customers complaining of the twelve issues that reach "
          "most, by week from Monday; darker is more.", "short",
          [store("insight_heat_map", series=True, most="12", select="SELECT time, topic, customers "
           "FROM {}")], 12, 10,
          {"showValue": "auto", "rowHeight": 0.9, "legend": {"showLegend": False}}, {"fillOpacity": 80},
          scheme="continuous-BlPu", interval="1d"),
    Panel("geomap", "Regions on the map", "Where feedback comes from: circles grow with its number, redder "
          "is worse. Places regions named like a country or its code; the table beside has all.",
          "percentunit", [store("insight_regions")], 12, 10, {
              "view": {"id": "zero", "lat": 20, "lon": 30, "zoom": 1.6},
              "basemap": {"type": "default", "name": "Basemap"},
              "layers": [{"type": "markers", "name": "Feedback",
                          "location": {"mode": "lookup", "lookup": "region",
                                       "gazetteer": "public/gazetteer/countries.json"},
                          "config": {"showLegend": True, "style": {
                              "size": {"field": "events", "min": 4, "max": 24, "fixed": 6},
                              "color": {"field": "negative_share", "fixed": "blue"}, "opacity": 0.6}}}]},
          scheme="continuous-GrYlRd", least=0.0, most=1.0),
    Panel("table", "Regions", "Feedback by region, share negative with its 95 % interval, and what most "
          "complaints there are about.", "short", [store("insight_regions")], 12, 10, columns={
              name: "percentunit" for name in ("negative_share", "low", "high")} | {"mean_polarity": "none"}),
    Panel("table", "One issue, many mouths", "Issues put in nearly the same words, by how many customers; "
          "latest_share: how much of it came in the last quarter of the period.", "short",
          [store("insight_clusters", least="2", most="25")], 24, 9, columns={
              "latest_share": "percentunit", "mean_polarity": "none", "first_said": "dateTimeAsIso",
              "last_said": "dateTimeAsIso"}),
    Panel("table", "What comes before churn", "Topics complained of, against customers who spoke as often of "
          "other things, adjusted for tenure, tier and past behaviour: difference in the risk to leave in "
          "the two weeks after, 95 % interval, corrected q. Whole store, not the period.", "percentunit",
          [store("insight_precede", outcome="'churned'", mood="'negative'", period_days="14", least="20")],
          12, 10, columns={"customers": "short", "others": "short", "p": "none", "q": "none"}),
    Panel("table", "What comes before renewal", "Topics praised, the same way, before a renewal.",
          "percentunit", [store("insight_precede", outcome="'renewal'", mood="'positive'", period_days="14",
                                least="20")], 12, 10,
          columns={"customers": "short", "others": "short", "p": "none", "q": "none"}),
    Panel("table", "Praise and value", "Revenue in the four weeks after praising a topic, against customers "
          "who spoke at the time and did not, adjusted; whole store.", "locale",
          [store("insight_praise_value", period_days="28", least="20")], 12, 9,
          columns={"customers": "short", "p": "none", "q": "none"}),
    Panel("table", "Products and complaints that belong together", "Pairs above chance: lift, support, "
          "Fisher's exact test and corrected q.", "short", [store("insight_pairs", least="5")], 12, 9,
          columns={"support": "percentunit", "confidence": "percentunit", "p": "none", "q": "none",
                   "lift": "none"}),
    Panel("table", "What listening was worth", "Value index V = 0.35 S + 0.4 T + 0.2 R a topic: improvement "
          "adopted, reputation, lifetime value.", "none",
          [store("insight_value_index", days="30", alpha="0.35", beta="0.4", gamma="0.2", least="5")], 12, 9,
          columns={"customers": "short", "spoke_again": "short"}, decimals=1),
    Panel("table", "Coverage", "How far ears and hands reach, by channel: customers heard, known, topics "
          "found, negative feedback that some rule stood ready for and that was acted on.", "percentunit",
          [store("insight_coverage")], 12, 9, columns={
              "events": "short", "customers": "short", "negative": "short"}),
    Panel("table", "Filed without a person", "Automatic classification by language: a topic is found and the "
          "sentiment settled; corrected and agreement come from people's labels.", "percentunit",
          [store("insight_classification", confident="0.6")], 12, 7,
          columns={"events": "short", "corrected": "short"}),
    Panel("table", "Duplicates", "Copies dropped and same words marked, by channel.", "short",
          [store("insight_duplicates")], 12, 7, columns={"duplicate_rate": "percentunit"}),
    Panel("table", "Urgent, newest first", "What somebody should read now; personal data are masked.",
          "short", [store("dash_urgent", most="50")], 24, 10, columns={"priority": "percentunit"}),
)  # fmt: skip

VOICE = Dashboard(
    "hark-voice", "Voice of the customer",
    "What customers say, about what, how badly, and what follows from it. Event time, UTC.",
    PANELS, days=60, refresh="5m", alerts="burst",
)  # fmt: skip
