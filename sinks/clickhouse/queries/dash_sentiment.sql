-- Volume and mood over time, a row a step.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   step UInt32      seconds a row stands for, a multiple of 3600
--
-- polarity: mean of -1 (worst) to 1 (best); negative_share: feedback below -0.1.
SELECT
    toStartOfInterval(hour, toIntervalSecond({step:UInt32}), 'UTC') AS time,
    uniqCombined64Merge(events) AS events,
    avgMerge(polarity) AS polarity,
    uniqCombined64Merge(negative) / events AS negative_share
FROM feedback_hourly
WHERE hour >= toDateTime(intDiv({from:Int64}, 1000), 'UTC') AND hour < toDateTime(intDiv({to:Int64}, 1000), 'UTC')
GROUP BY time
ORDER BY time
