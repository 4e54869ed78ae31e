-- Actions past their promise and not resolved, most urgent first: the work list.
--
-- Parameters
--   now Int64     milliseconds since the epoch
--   most UInt32   rows
SELECT
    deadline_time AS due,
    ({now:Int64} - deadline) / 3600000 AS hours_late,
    toString(kind) AS kind,
    toString(team) AS team,
    priority,
    toString(rule_id) AS rule,
    if(s.status = '', 'unanswered', s.status) AS status,
    action_id
FROM actions AS a
LEFT JOIN (
    SELECT action_id, argMax(toString(status), (at, _offset)) AS status FROM action_status GROUP BY action_id
) AS s ON s.action_id = a.action_id
WHERE deadline < {now:Int64} AND s.status NOT IN ('resolved', 'customer_told', 'closed')
ORDER BY priority DESC, deadline, action_id
LIMIT {most:UInt32}
SETTINGS final = 1, join_use_nulls = 0
