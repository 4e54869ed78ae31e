-- Which version of each model scored how much of the period's feedback.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   most UInt32      rows
SELECT used.1 AS model, used.2 AS version, count() AS events, max(scored_at) AS last_used
FROM (
    SELECT arrayJoin(JSONExtractKeysAndValues(models, 'UInt32')) AS used, scored_at
    FROM feedback
    WHERE occurred_at >= {from:Int64} AND occurred_at < {to:Int64}
)
GROUP BY model, version
ORDER BY last_used DESC, model
LIMIT {most:UInt32}
SETTINGS final = 1
