-- Was it worth the money: what acted customers brought more than they would have, less what the
-- actions cost, with a 95 % interval; one row a rule.
--
-- Parameters
--   rule String            one rule, or '' for all
--   metric String          'revenue', or a rate whose success is worth something
--   worth Float64          value of one success of a rate (a retained customer's margin); 1 for revenue
--   z Float64              normal quantile, 1.959963984540054 for 95 %
--
-- Only customers whose window is over count, on both sides of the sum.
SELECT
    rule_id,
    n1 AS acted,
    n0 AS held_out,
    {worth:Float64} * n1 * (mean1 - mean0) AS value,
    cost,
    value - cost AS net,
    net - {z:Float64} * se AS net_low,
    net + {z:Float64} * se AS net_high,
    if(cost > 0, net / cost, NULL) AS return_on_cost
FROM (
    SELECT
        rule_id,
        countIf(u.treated) AS n1,
        countIf(NOT u.treated) AS n0,
        avgIf(value, u.treated) AS mean1,
        avgIf(value, NOT u.treated) AS mean0,
        sumIf(spent, u.treated) AS cost,
        {worth:Float64} * n1 * sqrt(varSampStableIf(value, u.treated) / n1 + varSampStableIf(value, NOT u.treated) / n0) AS se
    FROM trial_values AS u
    WHERE metric = {metric:String} AND value IS NOT NULL AND ({rule:String} = '' OR rule_id = {rule:String})
    GROUP BY rule_id
    HAVING n1 > 1 AND n0 > 1
)
ORDER BY net DESC
SETTINGS final = 1, join_use_nulls = 1
