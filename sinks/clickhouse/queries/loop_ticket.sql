-- One work order as it stands, with the words of its action.
--
-- Parameters
--   action String   the action's id, or the beginning of it
SELECT w.*, a.template AS template, a.explanation AS explanation, toString(a.lang) AS lang
FROM (SELECT * FROM work_orders WHERE startsWith(action_id, {action:String})) AS w
LEFT JOIN (
    SELECT action_id, template, explanation, lang FROM actions WHERE startsWith(action_id, {action:String})
) AS a ON a.action_id = w.action_id
ORDER BY w.action_id
LIMIT 2
SETTINGS final = 1
