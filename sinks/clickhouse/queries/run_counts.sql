-- Where every event of feedback.raw went: one row.
--
-- scored: rows of `feedback`, each once; dropped: copies that ended at the scorer; dead: records of
-- feedback.raw that could not be processed. Their sum is the number of records published.
SELECT
    (SELECT count() FROM feedback) AS scored,
    (SELECT count() FROM facts WHERE event = 'dropped' AND value = 'feedback') AS duplicates,
    (SELECT count() FROM dead_letters WHERE topic = 'feedback.raw') AS dead_letters,
    (SELECT count() FROM facts WHERE event NOT IN ('dropped', 'action_status')) AS facts
SETTINGS final = 1
