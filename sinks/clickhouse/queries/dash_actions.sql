-- Actions of the period by kind and where they stand now.
--
-- Parameters
--   from, to Int64   when decided, milliseconds since the epoch
--
-- The state is the newest status; an action nobody has answered is 'unanswered'.
SELECT
    toString(kind) AS kind,
    count() AS actions,
    countIf(status = '') AS unanswered,
    countIf(status IN ('accepted', 'assigned', 'in_progress', 'waiting', 'delivered', 'reopened')) AS open,
    countIf(status IN ('resolved', 'customer_told', 'closed')) AS done,
    countIf(status = 'failed') AS failed
FROM actions AS a
LEFT JOIN (
    SELECT action_id, argMax(toString(status), (at, _offset)) AS status FROM action_status GROUP BY action_id
) AS s ON s.action_id = a.action_id
WHERE a.decided_at >= {from:Int64} AND a.decided_at < {to:Int64}
GROUP BY kind
ORDER BY actions DESC, kind
SETTINGS final = 1, join_use_nulls = 0
