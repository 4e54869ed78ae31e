-- Which praise goes with higher value: revenue after praising a topic, against customers who spoke at
-- the time and did not praise it, adjusted for tier, tenure and what was spent before.
--
-- Parameters
--   period_days Float64   length of a period, 28
--   least UInt32          fewest customers who praised, 20
--   z Float64             normal quantile, 1.959963984540054 for 95 %
--
-- Unit: customer, in the first period they spoke in after which a whole period is known; value:
-- purchases less refunds in that next period. Strata: tier, tenure (under 90 days, a year, more),
-- purchases in the 90 days before (none, one, more), how often they spoke (once, more).
-- delta: difference within strata, weighted n1 n0 / n, which is least squares with a constant for each
-- stratum; its error allows for unequal variances (White 1980). q: Benjamini-Hochberg.
-- An association, not a cause: happy customers may praise because they were going to buy.
WITH
    toInt64({period_days:Float64} * 86400000) AS period,
    (SELECT at FROM event_now) AS now_at,
    (SELECT min(occurred_at) FROM feedback) AS start_at,
    money AS (
        SELECT customer_id, groupArray((v.occurred_at, v.value)) AS flows FROM outcome_values AS v
        WHERE metric = 'revenue' GROUP BY customer_id
    ),
    spoken AS (
        SELECT
            customer_id,
            intDiv(f.occurred_at - start_at, period) AS k,
            argMax(toString(f.tier), f.occurred_at) AS tier,
            multiIf(max(f.tenure_days) < 90, 0, max(f.tenure_days) < 365, 1, 2) AS tenure,
            count() AS times,
            arrayDistinct(arrayFlatten(groupArray(
                if(f.scores.polarity > 0.1, arrayMap(t -> toString(t), f.scores.topics), [])))) AS topics
        FROM feedback AS f
        GROUP BY customer_id, k
        HAVING start_at + (k + 2) * period <= now_at
        ORDER BY customer_id, k
        LIMIT 1 BY customer_id
    ),
    units AS (
        SELECT
            s.topics AS topics,
            arraySum(arrayMap(f -> f.2, arrayFilter(f -> f.1 >= start_at + (s.k + 1) * period
                AND f.1 < start_at + (s.k + 2) * period, m.flows))) AS y,
            cityHash64(s.tier, s.tenure, least(s.times, 2),
                least(arrayCount(f -> f.2 > 0 AND f.1 < start_at + s.k * period
                    AND f.1 >= start_at + s.k * period - 90 * 86400000, m.flows), 2)) AS stratum
        FROM spoken AS s LEFT JOIN money AS m ON m.customer_id = s.customer_id
    ),
    strata AS (
        SELECT stratum, toFloat64(count()) AS n, sum(y) AS all_y, sum(y * y) AS all_yy FROM units GROUP BY stratum
    )
SELECT
    topic, customers, value, value_others, delta,
    delta - {z:Float64} * se AS low,
    delta + {z:Float64} * se AS high,
    p,
    least(1, min(p * tests / place) OVER (ORDER BY p DESC, topic DESC ROWS UNBOUNDED PRECEDING)) AS q
FROM (
    SELECT *, count() OVER () AS tests, row_number() OVER (ORDER BY p, topic) AS place
    FROM (
        SELECT
            topic,
            sum(n1) AS customers,
            sum(y1) / customers AS value,
            sum(y0) / nullIf(sum(n0), 0) AS value_others,
            any(effect) AS delta,
            -- residual sums of squares of both groups, each weighted with its squared distance from the mean
            sqrt(sum(
                pow(n0 / n, 2) * greatest(yy1 - 2 * fit1 * y1 + n1 * fit1 * fit1, 0)
                + pow(n1 / n, 2) * greatest(yy0 - 2 * fit0 * y0 + n0 * fit0 * fit0, 0)))
                / nullIf(sum(n1 * n0 / n), 0) AS se,
            if(se > 0, erfc(abs(delta) / se / sqrt(2)), 1) AS p
        FROM (
            SELECT *, all_y / n + effect * n0 / n AS fit1, all_y / n - effect * n1 / n AS fit0
            FROM (
                SELECT
                    e.topic AS topic, t.n AS n, t.all_y AS all_y,
                    e.n1 AS n1, e.y1 AS y1, e.yy1 AS yy1,
                    n - n1 AS n0, all_y - y1 AS y0, t.all_yy - yy1 AS yy0,
                    sum((y1 * n0 - y0 * n1) / n) OVER (PARTITION BY topic)
                        / nullIf(sum(n1 * n0 / n) OVER (PARTITION BY topic), 0) AS effect
                FROM (
                    SELECT topic, stratum, toFloat64(count()) AS n1, sum(y) AS y1, sum(y * y) AS yy1
                    FROM units ARRAY JOIN topics AS topic GROUP BY topic, stratum
                ) AS e INNER JOIN strata AS t ON t.stratum = e.stratum
            )
            WHERE effect IS NOT NULL
        )
        GROUP BY topic
        HAVING customers >= {least:UInt32}
    )
)
ORDER BY p, topic
SETTINGS final = 1, join_use_nulls = 0
