-- Who keeps promises: a row a team.
--
-- Parameters
--   from, to Int64   when decided, milliseconds since the epoch
--
-- told: resolved actions after which the customer was told; reopened: share of the resolved.
SELECT
    toString(team) AS team,
    count() AS actions,
    countIf(s.answers > 0) / actions AS answered_share,
    countIf(s.resolved) / actions AS resolved_share,
    countIf(s.resolved AND s.told) / nullIf(countIf(s.resolved), 0) AS told_share,
    countIf(s.reopened) / nullIf(countIf(s.resolved), 0) AS reopened_share,
    countIf(s.failed) / actions AS failed_share
FROM actions AS a
LEFT JOIN (
    SELECT action_id, count() AS answers, max(status = 'resolved') AS resolved, max(status = 'customer_told') AS told,
        max(status = 'reopened') AS reopened, max(status = 'failed') AS failed
    FROM action_status GROUP BY action_id
) AS s ON s.action_id = a.action_id
WHERE a.decided_at >= {from:Int64} AND a.decided_at < {to:Int64}
GROUP BY team
ORDER BY actions DESC, team
SETTINGS final = 1, join_use_nulls = 0
