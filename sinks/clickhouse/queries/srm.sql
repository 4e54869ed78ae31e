-- Do the arms' sizes fit the planned shares: one row a rule and day, cumulative.
--
-- Parameters
--   rule String   one rule, or '' for all
--
-- A p below 0.001 blocks every verdict: look for what treats the arms differently before the
-- decision (a filter after the assignment, a lost topic partition), and do not read differences.
SELECT
    rule_id,
    day,
    treated,
    held_out,
    round(expected_treated, 2) AS expected_treated,
    pow(treated - expected_treated, 2) / nullIf(expected_treated, 0)
        + pow(held_out - expected_held_out, 2) / nullIf(expected_held_out, 0) AS chi2,
    erfc(sqrt(chi2 / 2)) AS p
FROM (
    SELECT
        rule_id,
        toDate(intDiv(since, 86400000)) AS day,
        toFloat64(sum(countIf(treated)) OVER past) AS treated,
        toFloat64(sum(countIf(NOT u.treated)) OVER past) AS held_out,
        sum(sum(1 - u.holdout_share)) OVER past AS expected_treated,
        sum(sum(u.holdout_share)) OVER past AS expected_held_out
    FROM trial_units AS u
    WHERE {rule:String} = '' OR rule_id = {rule:String}
    GROUP BY rule_id, day
    WINDOW past AS (PARTITION BY rule_id ORDER BY day ROWS UNBOUNDED PRECEDING)
)
ORDER BY rule_id, day
SETTINGS final = 1, join_use_nulls = 1
