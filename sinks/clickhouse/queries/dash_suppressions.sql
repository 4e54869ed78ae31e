-- Why eligible triggers were left alone.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
SELECT toString(reason) AS reason, count() AS decisions, uniqExact(customer_id) AS customers
FROM decisions
WHERE occurred_at >= {from:Int64} AND occurred_at < {to:Int64} AND arm = 'suppressed'
GROUP BY reason
ORDER BY decisions DESC, reason
SETTINGS final = 1
