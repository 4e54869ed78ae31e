-- Where it is said and how badly: a row a region, for a map.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   z Float64        normal quantile of Wilson's interval, 1.959963984540054 for 95 %
--
-- The feedback's own region, else the customer's; 'unknown' where neither is told. A map places what
-- is a country's name or code. top_issue: the topic of most complaints.
SELECT
    region, events, customers, negative_share,
    (negative_share + z2 / (2 * events) - half) / (1 + z2 / events) AS low,
    (negative_share + z2 / (2 * events) + half) / (1 + z2 / events) AS high,
    mean_polarity,
    top_issue
FROM (
    SELECT
        multiIf(f.region != '', toString(f.region), simpleJSONExtractString(f.customer, 'region') != '',
            simpleJSONExtractString(f.customer, 'region'), 'unknown') AS region,
        count() AS events,
        uniqExact(f.customer_id) AS customers,
        countIf(f.scores.polarity < -0.1) / events AS negative_share,
        avg(f.scores.polarity) AS mean_polarity,
        toString(topKIf(1)(f.scores.topics[1], f.scores.polarity < -0.1 AND notEmpty(f.scores.topics))[1]) AS top_issue,
        {z:Float64} * {z:Float64} AS z2,
        {z:Float64} * sqrt(negative_share * (1 - negative_share) / events + z2 / (4 * events * events)) AS half
    FROM feedback AS f
    WHERE f.occurred_at >= {from:Int64} AND f.occurred_at < {to:Int64}
    GROUP BY region
)
ORDER BY events DESC, region
SETTINGS final = 1
