-- Eligible triggers by rule, arm and reason.
SELECT rule_id AS rule, arm, reason, count() AS count
FROM decisions
GROUP BY rule, arm, reason
ORDER BY rule, arm, reason
SETTINGS final = 1
