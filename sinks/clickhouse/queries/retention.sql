-- How long customers stay after the trigger, acted against held out: Kaplan-Meier by day.
--
-- Parameters
--   rule String   one rule
--   days UInt32   how many days to follow, 90
--   z Float64     normal quantile, 1.959963984540054 for 95 %
--
-- A customer leaves at the first `churned` outcome or cancellation after the trigger and is
-- followed no further than the newest event in the store; who is followed for less than a day counts
-- up to then, so pending is not "stayed". Limits are Greenwood's on the log-log scale.
WITH (SELECT at FROM event_now) AS now_at
SELECT
    treated, day, at_risk, lost,
    exp(sum(log(1 - lost / at_risk)) OVER past) AS retained,
    sum(lost / at_risk / nullIf(at_risk - lost, 0)) OVER past AS greenwood,
    if(retained IN (0, 1), NULL, pow(retained, exp({z:Float64} * sqrt(greenwood) / log(retained) * -1))) AS low,
    if(retained IN (0, 1), NULL, pow(retained, exp({z:Float64} * sqrt(greenwood) / log(retained)))) AS high
FROM (
    SELECT
        treated,
        day,
        toFloat64(countIf(followed >= day)) AS at_risk,
        toFloat64(countIf(left_on = day)) AS lost
    FROM (
        SELECT
            u.treated AS treated,
            if(isNull(c.left_at), NULL, toInt64(ceil((c.left_at - u.since) / 86400000))) AS left_on,
            ifNull(left_on, toInt64(floor((now_at - u.since) / 86400000))) AS followed
        FROM trial_units AS u
        LEFT JOIN (
            SELECT t.customer_id AS customer_id, toNullable(min(v.occurred_at)) AS left_at
            FROM trial_units AS t INNER JOIN outcome_values AS v ON v.customer_id = t.customer_id
            WHERE t.rule_id = {rule:String} AND v.metric = 'churned' AND v.value > 0 AND v.occurred_at > t.since
            GROUP BY customer_id
        ) AS c ON c.customer_id = u.customer_id
        WHERE u.rule_id = {rule:String}
    )
    ARRAY JOIN arrayMap(d -> toInt64(d), range(1, {days:UInt32} + 1)) AS day
    GROUP BY treated, day
    HAVING at_risk > 0
)
WINDOW past AS (PARTITION BY treated ORDER BY day ROWS UNBOUNDED PRECEDING)
ORDER BY treated, day
SETTINGS final = 1, join_use_nulls = 1
