-- Does a churn score of 30 % mean that three in ten leave: by tenth of the score, predicted against seen.
--
-- Parameters
--   horizon_days Float64   how long after the score a churn counts, as the workers' HARK_HORIZON_DAYS
--   z Float64              normal quantile of Wilson's interval, 1.959963984540054 for 95 %
--
-- Scores whose horizon is not over are left out, and so are scores given after the customer had left.
-- Repeated feedback of a customer counts each time: the interval is a little narrow.
SELECT
    tenth, events, predicted, seen,
    (seen + z2 / (2 * events) - half) / (1 + z2 / events) AS low,
    (seen + z2 / (2 * events) + half) / (1 + z2 / events) AS high
FROM (
    SELECT
        least(toUInt8(floor(score * 10)), 9) + 1 AS tenth,
        count() AS events,
        avg(score) AS predicted,
        avg(left_at > at AND left_at <= at + toInt64({horizon_days:Float64} * 86400000)) AS seen,
        {z:Float64} * {z:Float64} AS z2,
        {z:Float64} * sqrt(seen * (1 - seen) / events + z2 / (4 * events * events)) AS half
    FROM (
        SELECT f.occurred_at AS at, f.scores.churn AS score, c.left_at AS left_at
        FROM feedback AS f
        LEFT JOIN (
            SELECT customer_id, min(v.occurred_at) AS left_at FROM outcome_values AS v
            WHERE metric = 'churned' AND value > 0 GROUP BY customer_id
        ) AS c ON c.customer_id = f.customer_id
        WHERE f.occurred_at <= (SELECT at FROM event_now) - toInt64({horizon_days:Float64} * 86400000)
            AND (c.left_at = 0 OR c.left_at > f.occurred_at)
    )
    GROUP BY tenth
)
ORDER BY tenth
SETTINGS final = 1, join_use_nulls = 0
