-- The difference where the holdout share changed on the way (a ramp): every customer weighted by
-- one over the probability of the arm it got, so that early and late customers count alike.
--
-- Parameters
--   rule String    one rule, or '' for all
--   metric String  one metric, or '' for all that were observed
--   z Float64      normal quantile, 1.959963984540054 for 95 %
--
-- With one share throughout it equals the plain difference of uplift.sql.
SELECT
    rule_id, metric, n1, n0, shares,
    m1 AS treated,
    m0 AS control,
    m1 - m0 AS delta,
    sqrt(v1 * n1 / nullIf(n1 - 1, 0) + v0 * n0 / nullIf(n0 - 1, 0)) AS se,
    delta - {z:Float64} * se AS low,
    delta + {z:Float64} * se AS high
FROM (
    SELECT
        rule_id, metric, n1, n0, shares, m1, m0,
        -- sum of (w (y - m))^2 over (sum of w)^2, expanded so that one pass is enough
        (ww1.3 - 2 * m1 * ww1.2 + m1 * m1 * ww1.1) / (w1 * w1) AS v1,
        (ww0.3 - 2 * m0 * ww0.2 + m0 * m0 * ww0.1) / (w0 * w0) AS v0
    FROM (
        SELECT
            rule_id, metric,
            toFloat64(countIf(treated)) AS n1, toFloat64(countIf(NOT treated)) AS n0,
            uniqExact(holdout_share) AS shares,
            sumIf(weight, treated) AS w1, sumIf(weight, NOT treated) AS w0,
            sumIf(weight * y, treated) / w1 AS m1, sumIf(weight * y, NOT treated) / w0 AS m0,
            (sumIf(weight * weight, treated), sumIf(weight * weight * y, treated), sumIf(weight * weight * y * y, treated)) AS ww1,
            (sumIf(weight * weight, NOT treated), sumIf(weight * weight * y, NOT treated), sumIf(weight * weight * y * y, NOT treated)) AS ww0
        FROM (
            SELECT rule_id, metric, treated, holdout_share, observed, assumeNotNull(value) AS y,
                1 / if(treated, 1 - holdout_share, holdout_share) AS weight
            FROM trial_values
            WHERE value IS NOT NULL AND holdout_share > 0
                AND ({rule:String} = '' OR rule_id = {rule:String}) AND ({metric:String} = '' OR metric = {metric:String})
        )
        GROUP BY rule_id, metric
        HAVING n1 > 1 AND n0 > 1 AND countIf(observed) > 0
    )
)
ORDER BY rule_id, metric
SETTINGS final = 1, join_use_nulls = 1
