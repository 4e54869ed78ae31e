-- Eligible triggers in the period, a row a rule.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--
-- top_suppression: the reason most triggers of the rule were left alone for.
SELECT
    toString(rule_id) AS rule,
    countIf(arm = 'acted') AS acted,
    countIf(arm = 'holdout') AS held_out,
    countIf(arm = 'suppressed') AS suppressed,
    countIf(arm = 'shadow') AS shadow,
    uniqExact(customer_id) AS customers,
    sumIf(cost, arm = 'acted') AS cost,
    if(suppressed = 0, '', toString(topKIf(1)(reason, arm = 'suppressed')[1])) AS top_suppression
FROM decisions
WHERE occurred_at >= {from:Int64} AND occurred_at < {to:Int64}
GROUP BY rule
ORDER BY acted + held_out + suppressed + shadow DESC, rule
SETTINGS final = 1
