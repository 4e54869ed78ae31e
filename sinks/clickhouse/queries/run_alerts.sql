-- Alerts by kind and subject.
SELECT kind, subject, count() AS count, max(magnitude) AS magnitude, any(message) AS message
FROM alerts
GROUP BY kind, subject
ORDER BY count DESC, subject
LIMIT 20
SETTINGS final = 1
