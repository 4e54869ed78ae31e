-- How many customers complained of what in which week.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   most UInt32      topics, those with most complaining customers in the period
--
-- Weeks begin on Monday, UTC. Weeks without a complaint of a topic have no row.
SELECT
    toStartOfWeek(f.occurred_time, 1) AS week,
    toDateTime(week, 'UTC') AS time,
    toString(topic) AS topic,
    uniqExact(f.customer_id) AS customers
FROM feedback AS f
ARRAY JOIN f.scores.topics AS topic
WHERE f.occurred_at >= {from:Int64} AND f.occurred_at < {to:Int64} AND f.scores.polarity < -0.1
    AND toString(topic) IN (
        SELECT toString(t) FROM (
            SELECT t, uniqExact(g.customer_id) AS reach
            FROM feedback AS g ARRAY JOIN g.scores.topics AS t
            WHERE g.occurred_at >= {from:Int64} AND g.occurred_at < {to:Int64} AND g.scores.polarity < -0.1
            GROUP BY t ORDER BY reach DESC, t LIMIT {most:UInt32}))
GROUP BY week, topic
ORDER BY week, topic
SETTINGS final = 1
