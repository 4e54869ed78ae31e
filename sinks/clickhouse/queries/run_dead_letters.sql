-- Records that could not be processed, by reason.
SELECT reason, count() AS count
FROM dead_letters
GROUP BY reason
ORDER BY count DESC, reason
SETTINGS final = 1
