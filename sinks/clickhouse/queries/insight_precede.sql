-- Which topics come before churn or renewal: customers who brought a topic up against customers who
-- spoke as often about other things, adjusted for tenure, tier and past behaviour.
--
-- Parameters
--   outcome String        'churned', 'renewal' or another metric that happens or not (view metric_kinds)
--   mood String           'negative', 'positive' or 'any': how the topic was spoken of
--   period_days Float64   length of a period, 14
--   least UInt32          fewest customer-periods with the topic, 20
--   z Float64             normal quantile, 1.959963984540054 for 95 %
--
-- Unit: a customer in a period in which they spoke; outcome: within the period of equal length after
-- it. Periods do not overlap and who has left is not at risk, so this is a discrete-time survival
-- analysis. Periods whose next one is not over are left out: pending is not "no".
-- Strata: tier, tenure (under 90 days, a year, more), how often they spoke in the period (1, 2, more),
-- purchases in the 90 days before it (none, one, more), the period itself.
-- delta: Mantel-Haenszel risk difference (Mantel and Haenszel 1959; Greenland and Robins 1985) with
-- Sato's variance (Biometrics 1989), valid for many small strata as for few large ones. p: the
-- Cochran-Mantel-Haenszel test; q: Benjamini-Hochberg over the topics shown.
-- It is an association: what is not in the strata is not adjusted for. Only a holdout shows causes.
WITH
    toInt64({period_days:Float64} * 86400000) AS period,
    (SELECT at FROM event_now) AS now_at,
    (SELECT min(occurred_at) FROM feedback) AS start_at,
    known AS (
        -- Left when, the outcome in which periods, bought when: one pass over what became of customers.
        SELECT
            customer_id,
            minIf(v.occurred_at, metric = 'churned') AS left_at,
            groupUniqArrayIf(intDiv(v.occurred_at - start_at, period), metric = {outcome:String}) AS periods,
            groupArrayIf(v.occurred_at, metric = 'purchase') AS times
        FROM outcome_values AS v
        WHERE value > 0 AND metric IN ('churned', 'purchase', {outcome:String})
        GROUP BY customer_id
    ),
    units AS (
        SELECT
            s.topics AS topics,
            has(o.periods, s.k + 1) AS y,
            cityHash64(s.k, s.tier, s.tenure, least(s.times, 3),
                least(arrayCount(t -> t < start_at + s.k * period AND t >= start_at + s.k * period - 90 * 86400000,
                    o.times), 2)) AS stratum
        FROM (
            SELECT
                customer_id,
                intDiv(f.occurred_at - start_at, period) AS k,
                argMax(toString(f.tier), f.occurred_at) AS tier,
                multiIf(max(f.tenure_days) < 90, 0, max(f.tenure_days) < 365, 1, 2) AS tenure,
                count() AS times,
                arrayDistinct(arrayFlatten(groupArray(if(
                    {mood:String} = 'any' OR {mood:String} = 'negative' AND f.scores.polarity < -0.1
                        OR {mood:String} = 'positive' AND f.scores.polarity > 0.1,
                    arrayMap(t -> toString(t), f.scores.topics), [])))) AS topics
            FROM feedback AS f
            GROUP BY customer_id, k
        ) AS s
        LEFT JOIN known AS o ON o.customer_id = s.customer_id
        WHERE start_at + (s.k + 2) * period <= now_at AND (o.left_at = 0 OR o.left_at >= start_at + (s.k + 1) * period)
    )
SELECT
    topic, customers, others, rate, rate_others, delta,
    delta - {z:Float64} * se AS low,
    delta + {z:Float64} * se AS high,
    p,
    least(1, min(p * tests / place) OVER (ORDER BY p DESC, topic DESC ROWS UNBOUNDED PRECEDING)) AS q
FROM (
    SELECT
        topic, customers, others, rate, rate_others, delta, p,
        sqrt(greatest(delta * sato_p + sato_q, 0)) / weight AS se,
        count() OVER () AS tests,
        row_number() OVER (ORDER BY p, topic) AS place
    FROM (
        SELECT
            topic,
            sum(n1) AS customers,
            any(whole_n) - customers AS others,
            sum(y1) / customers AS rate,
            (any(whole_y) - sum(y1)) / nullIf(others, 0) AS rate_others,
            sum(n1 * n0 / n) AS weight,
            sum((y1 * n0 - y0 * n1) / n) / nullIf(weight, 0) AS delta,
            sum((n1 * n1 * y0 - n0 * n0 * y1 + n1 * n0 * (n0 - n1) / 2) / (n * n)) AS sato_p,
            sum((y1 * (n0 - y0) + y0 * (n1 - y1)) / (2 * n)) AS sato_q,
            sum(if(n > 1, n1 * n0 * all_y * (n - all_y) / (n * n * (n - 1)), 0)) AS v,
            if(v > 0, erfc(sqrt(pow(sum(y1 - n1 * all_y / n), 2) / v / 2)), 1) AS p
        FROM (
            -- `units` costs the most by far and a name is worked out where it stands: so it stands once.
            SELECT
                topic, toFloat64(n1) AS n1, toFloat64(y1) AS y1, n - n1 AS n0, all_y - y1 AS y0, n, all_y,
                whole_n, whole_y
            FROM (
                SELECT
                    toFloat64(count()) AS n,
                    toFloat64(sum(y)) AS all_y,
                    sum(n) OVER () AS whole_n,
                    sum(all_y) OVER () AS whole_y,
                    sumMap(topics, arrayMap(t -> toUInt64(1), topics), arrayMap(t -> toUInt64(y), topics)) AS seen
                FROM units GROUP BY stratum
            )
            ARRAY JOIN seen.1 AS topic, seen.2 AS n1, seen.3 AS y1
        )
        GROUP BY topic
        HAVING customers >= {least:UInt32} AND weight > 0
    )
)
ORDER BY p, topic
SETTINGS final = 1, join_use_nulls = 0
