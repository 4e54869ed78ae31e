-- Work orders, the most pressing first.
--
-- Parameters
--   team String       one team, or '' for all
--   state String      one state, '' for all, 'unfinished' for all but resolved and closed
--   customer String   one customer, or '' for all
--   overdue UInt8                  1: only those past their deadline
--   now Int64                      milliseconds since the epoch
--   most UInt32                    rows
SELECT
    action_id, toString(kind) AS kind, toString(rule_id) AS rule_id, customer_id, toString(topic) AS topic,
    toString(urgency) AS urgency, toString(team) AS team, toString(state) AS state, level, reopened,
    opened_at, deadline, deadline <= {now:Int64} AND state NOT IN ('resolved', 'closed') AS overdue
FROM work_orders
WHERE ({team:String} = '' OR team = {team:String})
    AND ({customer:String} = '' OR customer_id = {customer:String})
    AND ({state:String} = '' OR state = {state:String}
        OR ({state:String} = 'unfinished' AND state NOT IN ('resolved', 'closed')))
    AND ({overdue:UInt8} = 0 OR overdue)
ORDER BY state IN ('resolved', 'closed'), deadline, action_id
LIMIT {most:UInt32}
SETTINGS final = 1
