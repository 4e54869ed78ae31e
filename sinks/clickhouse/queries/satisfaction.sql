-- Do customers speak better of us after the action: change of mean polarity from the thirty days
-- before the trigger (trigger included) to the attribution window, acted against held out.
--
-- Parameters
--   rule String   one rule, or '' for all
--   z Float64     normal quantile, 1.959963984540054 for 95 %
--
-- Only customers who spoke in both periods count; that many did is itself an outcome (spoke1,
-- spoke0), so read the difference with it.
SELECT
    rule_id,
    countIf(treated AND both) AS n1,
    countIf(NOT treated AND both) AS n0,
    countIf(treated AND both) / nullIf(countIf(treated), 0) AS spoke1,
    countIf(NOT treated AND both) / nullIf(countIf(NOT treated), 0) AS spoke0,
    avgIf(after - before, treated AND both) AS change1,
    avgIf(after - before, NOT treated AND both) AS change0,
    change1 - change0 AS delta,
    sqrt(varSampStableIf(after - before, treated AND both) / n1 + varSampStableIf(after - before, NOT treated AND both) / n0) AS se,
    delta - {z:Float64} * se AS low,
    delta + {z:Float64} * se AS high
FROM (
    SELECT
        u.rule_id AS rule_id,
        u.customer_id AS customer_id,
        any(u.treated) AS treated,
        avgIf(f.scores.polarity, f.occurred_at <= u.since AND f.occurred_at > u.since - 30 * 86400000) AS before,
        avgIf(f.scores.polarity, f.occurred_at > u.since AND f.occurred_at <= u.until) AS after,
        isFinite(before) AND isFinite(after) AS both
    FROM trial_units AS u
    INNER JOIN feedback AS f ON f.customer_id = u.customer_id
    WHERE ({rule:String} = '' OR u.rule_id = {rule:String}) AND u.until <= (SELECT at FROM event_now)
    GROUP BY rule_id, customer_id
)
GROUP BY rule_id
ORDER BY rule_id
SETTINGS final = 1, join_use_nulls = 0
