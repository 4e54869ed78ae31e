-- Who changed which rule and how, newest first.
--
-- Parameters
--   most UInt32   rows
SELECT time, toString(rule_id) AS rule, version, toString(status) AS status, toString(change) AS change,
    toString(author) AS author, toString(approver) AS approver, note
FROM rule_changes
ORDER BY at DESC, rule, version
LIMIT {most:UInt32}
SETTINGS final = 1
