-- What a score is worth in one figure: the area between the Qini curve and its chord, per customer, with
-- its interval. Above zero, acting on the highest scores first brings more than acting at random.
--
-- Parameters
--   rule String     one rule
--   metric String   one metric (view metric_kinds)
--   score String    'churn', 'money', 'polarity' or 'spend_before'
--   z Float64       normal quantile, 1.959963984540054 for 95 %
--
-- Customers with equal scores are taken together. The spread is that of the coefficient's influence
-- function: a treated customer adds the outcome times the share of the curve it lifts, less the held-out
-- mean there; a held-out one takes as much away (`models/uplift/qini.py` has the same in Python, and a test
-- holds them together). p is two-sided, of "the score is no better than chance"; without two customers in
-- each arm low and high are empty and p is 1.
SELECT
    n1, n0, area / n - q_end / (2 * n) AS coefficient,
    if(least(n1, n0) < 2 OR NOT variance > 0, NULL, sqrt(variance / n)) AS spread,
    coefficient - {z:Float64} * spread AS low,
    coefficient + {z:Float64} * spread AS high,
    if(isNull(spread), 1, erfc(abs(coefficient) / assumeNotNull(spread) / sqrt(2))) AS p
FROM (
    SELECT
        any(n) AS n, any(n1_all) AS n1, any(n0_all) AS n0, any(end.1) AS q_end,
        sum(width * (q + q_before) / 2) AS area,
        -- What each customer adds is slope * y - base, scaled to the treated for the held out.
        sum(slope * y1 - base * g1) - ratio_all * sum(slope * y0 - base * g0) AS total,
        sum(slope * slope * yy1 - 2 * slope * base * y1 + base * base * g1)
            + ratio_all * ratio_all * sum(slope * slope * yy0 - 2 * slope * base * y0 + base * base * g0) AS squares,
        any(n1_all / nullIf(n0_all, 0)) AS ratio_all,
        (squares - total * total / n) / (n - 1) AS variance
    FROM (
        SELECT
            *,
            1 - cum_width + width / 2 - 0.5 AS slope,
            sum(width * (held + held_before) / 2) OVER () - sum(width * (held + held_before) / 2) OVER down
                + width * held / 2 - end.2 / 2 AS base
        FROM (
            SELECT
                *,
                lagInFrame(q, 1, 0) OVER whole AS q_before,
                lagInFrame(held, 1, 0) OVER whole AS held_before,
                last_value((q, held)) OVER whole AS end
            FROM (
                SELECT
                    *,
                    sum(g1) OVER down AS n1, sum(g0) OVER down AS n0,
                    sum(g1) OVER () AS n1_all, sum(g0) OVER () AS n0_all, n1_all + n0_all AS n,
                    (g1 + g0) / n AS width, sum(g1 + g0) OVER down / n AS cum_width,
                    if(n0 > 0, sum(y0) OVER down / n0, 0) AS held,
                    sum(y1) OVER down - held * n1 AS q
                FROM (
                    SELECT
                        score,
                        toFloat64(countIf(treated)) AS g1, toFloat64(countIf(NOT treated)) AS g0,
                        sumIf(y, treated) AS y1, sumIf(y, NOT treated) AS y0,
                        sumIf(y * y, treated) AS yy1, sumIf(y * y, NOT treated) AS yy0
                    FROM (
                        SELECT treated, assumeNotNull(value) AS y,
                            multiIf({score:String} = 'churn', toNullable(toFloat64(churn)), {score:String} = 'money', money,
                                {score:String} = 'polarity', toFloat64(polarity), toFloat64(spend_before)) AS score
                        FROM trial_values
                        WHERE rule_id = {rule:String} AND metric = {metric:String} AND value IS NOT NULL
                    )
                    WHERE score IS NOT NULL
                    GROUP BY score
                )
                WINDOW down AS (ORDER BY score DESC ROWS UNBOUNDED PRECEDING)
            )
            WINDOW whole AS (ORDER BY score DESC ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
        )
        WINDOW down AS (ORDER BY score DESC ROWS UNBOUNDED PRECEDING)
    )
    HAVING n1 > 0 AND n0 > 0
)
SETTINGS final = 1, join_use_nulls = 1
