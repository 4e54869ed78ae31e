-- What troubles most customers: complaints by reach, with the trend and what is at stake.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   most UInt32      rows, 3
--
-- change: reach against the period of equal length before, null without any; at_stake: newest known
-- lifetime value of the customers who complained.
SELECT
    topic,
    uniqExactIf(customer_id, inside) AS customers,
    countIf(inside) AS complaints,
    uniqExactIf(customer_id, inside AND urgent) AS urgent,
    avgIf(polarity, inside) AS mean_polarity,
    uniqExactIf(customer_id, NOT inside) AS customers_before,
    customers / nullIf(customers_before, 0) - 1 AS change,
    arraySum(mapValues(maxMapIf(map(customer_id, value), inside))) AS at_stake
FROM (
    SELECT
        arrayJoin(arrayMap(t -> toString(t), f.scores.topics)) AS topic,
        customer_id,
        f.scores.urgency = 'urgent' AS urgent,
        f.scores.polarity AS polarity,
        lifetime_value AS value,
        occurred_at >= {from:Int64} AS inside
    FROM feedback AS f
    WHERE occurred_at >= 2 * {from:Int64} - {to:Int64} AND occurred_at < {to:Int64} AND f.scores.polarity < -0.1
)
GROUP BY topic
HAVING customers > 0
ORDER BY customers DESC, topic
LIMIT {most:UInt32}
SETTINGS final = 1
