-- What the models are fed and what they say of it, over time: a shift here comes before a shift in accuracy.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   step UInt32      seconds a row stands for
SELECT
    toStartOfInterval(occurred_time, toIntervalSecond({step:UInt32}), 'UTC') AS time,
    countIf(lang = 'zh') / count() AS chinese_share,
    countIf(label IS NOT NULL) / count() AS rated_share,
    countIf(notEmpty(scores.topics)) / count() AS topic_found_share,
    avg(scores.churn) AS mean_churn,
    avg(scores.confidence) AS mean_confidence,
    avg(lengthUTF8(text)) AS mean_length
FROM feedback
WHERE occurred_at >= {from:Int64} AND occurred_at < {to:Int64}
GROUP BY time
ORDER BY time
SETTINGS final = 1
