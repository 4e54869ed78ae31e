-- Feedback over time by channel.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   step UInt32      seconds a row stands for, a multiple of 3600
SELECT
    toStartOfInterval(hour, toIntervalSecond({step:UInt32}), 'UTC') AS time,
    toString(channel) AS channel,
    uniqCombined64Merge(events) AS events
FROM feedback_hourly
WHERE hour >= toDateTime(intDiv({from:Int64}, 1000), 'UTC') AND hour < toDateTime(intDiv({to:Int64}, 1000), 'UTC')
GROUP BY time, channel
ORDER BY time, channel
