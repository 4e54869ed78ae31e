-- Records that could not be processed, over time by reason.
--
-- Parameters
--   from, to Int64   when appended, milliseconds since the epoch
--   step UInt32      seconds a row stands for
SELECT
    toStartOfInterval(appended_time, toIntervalSecond({step:UInt32}), 'UTC') AS time,
    toString(reason) AS reason,
    count() AS records
FROM dead_letters
WHERE appended_at >= {from:Int64} AND appended_at < {to:Int64}
GROUP BY time, reason
ORDER BY time, reason
SETTINGS final = 1
