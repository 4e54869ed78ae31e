-- Everything that happened to a work order, as it was recorded.
--
-- Parameters
--   action String   the action's id
SELECT
    sequence, toString(change) AS change, toString(previous) AS previous, toString(state) AS state,
    toString(team) AS team, toString(by) AS by, toString(reason) AS reason, sent_action_id, occurred_at, changed_at
FROM work_order_changes
WHERE action_id = {action:String}
ORDER BY sequence, changed_at
SETTINGS final = 1
