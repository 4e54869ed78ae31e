-- Share of customers who learned the outcome, by team.
--
-- Parameters
--   from, to Int64   when opened, milliseconds since the epoch
--
-- Only finished work that concerns a customer counts: notices inside the company and escalations do not.
-- tell: the customer had to be told apart from the work; reached: the work itself reaches the customer.
SELECT
    toString(team) AS team,
    count() AS finished,
    countIf(isNotNull(told_at)) AS told,
    told / finished AS share,
    countIf(telling = 'tell') AS to_tell,
    countIf(telling = 'tell' AND isNotNull(told_at)) AS to_tell_told,
    countIf(telling = 'reached') AS reached,
    quantileExactIf(0.5)((told_at - resolved_at) / 60000, isNotNull(told_at)) AS p50_minutes
FROM work_orders
WHERE opened_at >= {from:Int64} AND opened_at < {to:Int64} AND isNotNull(resolved_at) AND telling != 'none'
GROUP BY team
ORDER BY finished DESC, team
SETTINGS final = 1
