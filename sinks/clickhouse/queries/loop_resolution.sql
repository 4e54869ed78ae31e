-- How many work orders are resolved, and in time, by team.
--
-- Parameters
--   from, to Int64   when opened, milliseconds since the epoch
--
-- resolved: a resolution stands (reopened ones have lost theirs). in_time: resolved by the deadline in business
-- hours, time spent waiting for the customer left out. Hours are wall time from the opening.
SELECT
    toString(team) AS team,
    count() AS opened,
    countIf(isNotNull(resolved_at)) AS resolved,
    resolved / opened AS rate,
    countIf(resolved_at <= deadline) AS in_time,
    if(resolved > 0, in_time / resolved, NULL) AS in_time_share,
    countIf(abandoned) AS abandoned,
    countIf(failures > 0) AS failed_once,
    quantileExactIf(0.5)((resolved_at - opened_at) / 3600000, isNotNull(resolved_at)) AS p50_hours
FROM work_orders
WHERE opened_at >= {from:Int64} AND opened_at < {to:Int64}
GROUP BY team
ORDER BY opened DESC, team
SETTINGS final = 1
