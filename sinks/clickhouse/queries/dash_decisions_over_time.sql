-- Eligible triggers over time by arm.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   step UInt32      seconds a row stands for
SELECT
    toStartOfInterval(occurred_time, toIntervalSecond({step:UInt32}), 'UTC') AS time,
    toString(arm) AS arm,
    count() AS decisions
FROM decisions
WHERE occurred_at >= {from:Int64} AND occurred_at < {to:Int64}
GROUP BY time, arm
ORDER BY time, arm
SETTINGS final = 1
