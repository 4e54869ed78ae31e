-- Actions by kind.
SELECT kind, count() AS count
FROM actions
GROUP BY kind
ORDER BY count DESC, kind
SETTINGS final = 1
