-- What is unfinished and past its deadline now, by team.
--
-- Parameters
--   now Int64   milliseconds since the epoch
--
-- near: the deadline is less than an hour away. level: highest level asked so far.
SELECT
    toString(team) AS team,
    count() AS unfinished,
    countIf(deadline <= {now:Int64}) AS overdue,
    countIf(deadline > {now:Int64} AND deadline <= {now:Int64} + 3600000) AS near,
    overdue / unfinished AS share,
    maxIf(({now:Int64} - deadline) / 3600000, deadline <= {now:Int64}) AS longest_hours,
    max(level) AS level
FROM work_orders
WHERE state NOT IN ('resolved', 'closed')
GROUP BY team
ORDER BY overdue DESC, unfinished DESC, team
SETTINGS final = 1
