-- How long customers' actions wait for a first answer and for being resolved, over time.
--
-- Parameters
--   from, to Int64   when decided, milliseconds since the epoch
--   step UInt32      seconds a row stands for
--
-- Minutes from the decision; actions without an answer are in no percentile, see dash_teams.
SELECT
    toStartOfInterval(a.decided_time, toIntervalSecond({step:UInt32}), 'UTC') AS time,
    quantileExactIfOrNull(0.5)(answered, answered >= 0) AS answer_p50,
    quantileExactIfOrNull(0.9)(answered, answered >= 0) AS answer_p90,
    quantileExactIfOrNull(0.5)(resolved, resolved >= 0) AS resolve_p50,
    quantileExactIfOrNull(0.9)(resolved, resolved >= 0) AS resolve_p90
FROM (
    SELECT
        decided_time,
        if(s.first_at = 0, -1, greatest(0, s.first_at - decided_at) / 60000) AS answered,
        if(s.resolved_at = 0, -1, greatest(0, s.resolved_at - decided_at) / 60000) AS resolved
    FROM actions
    LEFT JOIN (
        SELECT action_id, toUnixTimestamp64Milli(min(at)) AS first_at,
            toUnixTimestamp64Milli(minIf(at, status = 'resolved')) AS resolved_at
        FROM action_status GROUP BY action_id
    ) AS s ON s.action_id = actions.action_id
    WHERE decided_at >= {from:Int64} AND decided_at < {to:Int64}
) AS a
GROUP BY time
HAVING countIf(answered >= 0) > 0
ORDER BY time
SETTINGS final = 1, join_use_nulls = 0
