-- The difference as it stood at every day, with its always-valid interval: for people who look
-- every day. Once the interval leaves zero it may be believed, whenever that is.
--
-- Parameters
--   rule String    one rule
--   metric String  one metric (view metric_kinds)
--   alpha Float64  1 - level, 0.05
--   plan UInt64    customers at which the interval is tightest, 5000
--
-- Days are those at which customers' windows ended. Rates speak only once each arm has five
-- successes and five failures, means once twenty values carry the variance of each arm (n over the
-- kurtosis); before that low and high are null and p is 1.
SELECT
    day, n1, n0,
    y1 / n1 AS treated,
    y0 / n0 AS control,
    treated - control AS delta,
    if(speaks, delta - radius, NULL) AS low,
    if(speaks, delta + radius, NULL) AS high,
    if(speaks, least(1, root * exp(-rho2 * delta * delta * n / v / (2 * (n * rho2 + 1)))), 1) AS p
FROM (
    SELECT
        *,
        n1 + n0 AS n,
        (yy1 - y1 * y1 / n1) / nullIf(n1 - 1, 0) / n1 + (yy0 - y0 * y0 / n0) / nullIf(n0 - 1, 0) / n0 AS v,
        (-2 * log({alpha:Float64}) + log(1 - 2 * log({alpha:Float64}))) / {plan:UInt64} AS rho2,
        sqrt(n * rho2 + 1) AS root,
        sqrt(greatest(v, 0) * n) * sqrt(2 * (n * rho2 + 1) * log(root / {alpha:Float64}) / (n * n * rho2)) AS radius,
        ifNull(v > 0, 0) 
            AND if(binary, least(y1, n1 - y1, y0, n0 - y0) >= 5, least(n1 / k1, n0 / k0) >= 20) AS speaks
    FROM (
        SELECT
            toDate(intDiv(until, 86400000)) AS day,
            max(binary) AS binary,
            toFloat64(sum(countIf(treated)) OVER past) AS n1,
            toFloat64(sum(countIf(NOT treated)) OVER past) AS n0,
            ifNull(sum(sumIf(value, treated)) OVER past, 0) AS y1,
            ifNull(sum(sumIf(value, NOT treated)) OVER past, 0) AS y0,
            ifNull(sum(sumIf(value * value, treated)) OVER past, 0) AS yy1,
            ifNull(sum(sumIf(value * value, NOT treated)) OVER past, 0) AS yy0,
            kurtPopMerge(kurtPopStateIf(assumeNotNull(value), treated)) OVER past AS k1,
            kurtPopMerge(kurtPopStateIf(assumeNotNull(value), NOT treated)) OVER past AS k0
        FROM trial_values
        WHERE rule_id = {rule:String} AND metric = {metric:String} AND value IS NOT NULL
        GROUP BY day
        WINDOW past AS (ORDER BY day ROWS UNBOUNDED PRECEDING)
    )
    WHERE n1 > 0 AND n0 > 0
)
ORDER BY day
SETTINGS final = 1, join_use_nulls = 1
