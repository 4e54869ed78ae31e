-- The strongest emotion of each feedback that shows one.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
SELECT toString(scores.emotion) AS emotion, count() AS events
FROM feedback
WHERE occurred_at >= {from:Int64} AND occurred_at < {to:Int64} AND scores.emotion != ''
GROUP BY emotion
ORDER BY events DESC, emotion
SETTINGS final = 1
