-- Complaint, suggestion, praise, question or request: how many in the period.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
SELECT if(scores.kind = '', 'unsure', toString(scores.kind)) AS kind, count() AS events
FROM feedback
WHERE occurred_at >= {from:Int64} AND occurred_at < {to:Int64}
GROUP BY kind
ORDER BY events DESC, kind
SETTINGS final = 1
