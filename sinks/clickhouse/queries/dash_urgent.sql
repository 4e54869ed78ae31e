-- The latest urgent feedback, words masked: what somebody should read now.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   most UInt32      rows
SELECT
    occurred_time AS time,
    toString(channel) AS channel,
    toString(tier) AS tier,
    arrayStringConcat(scores.topics, ', ') AS topics,
    scores.priority AS priority,
    text,
    feedback_id
FROM feedback
WHERE occurred_at >= {from:Int64} AND occurred_at < {to:Int64} AND scores.urgency = 'urgent'
ORDER BY occurred_at DESC, feedback_id
LIMIT {most:UInt32}
SETTINGS final = 1
