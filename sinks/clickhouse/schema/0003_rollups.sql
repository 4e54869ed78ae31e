-- What dashboards ask every few seconds, kept up to date at insert.
--
-- One row an hour, channel, language and first topic. Counts are states of distinct ids, so a
-- repeated row counts once and filling the table again changes nothing; they are exact to about
-- half a percent. Read with uniqCombined64Merge(events), uniqMerge(voices), avgMerge(polarity).
CREATE TABLE IF NOT EXISTS feedback_hourly /* on cluster */
(
    hour DateTime('UTC') CODEC(Delta, ZSTD(1)),
    channel LowCardinality(String),
    lang LowCardinality(String),
    topic LowCardinality(String),
    events AggregateFunction(uniqCombined64, String),
    negative AggregateFunction(uniqCombined64, String),
    urgent AggregateFunction(uniqCombined64, String),
    voices AggregateFunction(uniq, String),
    polarity AggregateFunction(avg, Float32)
)
ENGINE = /* replicated */ AggregatingMergeTree
ORDER BY (hour, channel, lang, topic)
TTL hour + INTERVAL 1200 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS feedback_hourly_of_feedback /* on cluster */ TO feedback_hourly AS
SELECT
    toStartOfHour(toDateTime(intDiv(occurred_at, 1000), 'UTC')) AS hour,
    channel, lang,
    toLowCardinality(if(empty(scores.topics), '', toString(scores.topics[1]))) AS topic,
    uniqCombined64State(feedback_id) AS events,
    uniqCombined64StateIf(feedback_id, scores.polarity < -0.1) AS negative,
    uniqCombined64StateIf(feedback_id, scores.urgency = 'urgent') AS urgent,
    uniqState(customer_id) AS voices,
    avgState(scores.polarity) AS polarity
FROM feedback
GROUP BY hour, channel, lang, topic;

INSERT INTO feedback_hourly
SELECT
    toStartOfHour(toDateTime(intDiv(occurred_at, 1000), 'UTC')) AS hour,
    channel, lang,
    toLowCardinality(if(empty(scores.topics), '', toString(scores.topics[1]))) AS topic,
    uniqCombined64State(feedback_id) AS events,
    uniqCombined64StateIf(feedback_id, scores.polarity < -0.1) AS negative,
    uniqCombined64StateIf(feedback_id, scores.urgency = 'urgent') AS urgent,
    uniqState(customer_id) AS voices,
    avgState(scores.polarity) AS polarity
FROM feedback
GROUP BY hour, channel, lang, topic;
