-- From when to when the store has feedback, event time: one row, for reports that cover everything.
SELECT min(occurred_at) AS first, max(occurred_at) AS last, count() AS events
FROM feedback
SETTINGS final = 1
