-- Alerts raised, newest first.
--
-- Parameters
--   kind String      'drift', 'burst', 'guardrail', 'sla', 'dead_letters', 'poison', 'model', 'rules'; '' for all
--   from, to Int64   when raised, milliseconds since the epoch
--   most UInt32      rows
SELECT raised_time AS time, toString(kind) AS kind, toString(severity) AS severity, subject, message, magnitude, done,
    since
FROM alerts
WHERE ({kind:String} = '' OR kind = {kind:String}) AND raised_at >= {from:Int64} AND raised_at < {to:Int64}
ORDER BY raised_at DESC, alert_id
LIMIT {most:UInt32}
SETTINGS final = 1
