-- Promises kept: first answers and resolutions against their targets, a row an urgency.
--
-- Parameters
--   from, to Int64   when decided, milliseconds since the epoch
--   now Int64        milliseconds since the epoch: what is past its target and silent has missed it
--   z Float64        normal quantile of Wilson's interval, 1.959963984540054 for 95 %
--
-- Answer target: the urgency's (urgent one hour, normal four); from the decision to the first status.
-- Resolution target: the action's own deadline, counted from the time the deadline was set by (the
-- event's where rules run on event time, as in replays and the demo). Actions still within their
-- target are in no share.
SELECT
    urgency, actions, answer_target_minutes, answer_p50, answer_p90,
    answered_in_time / nullIf(answer_known, 0) AS answer_share,
    (answer_share + z2 / (2 * answer_known) - half) / (1 + z2 / answer_known) AS answer_low,
    (answer_share + z2 / (2 * answer_known) + half) / (1 + z2 / answer_known) AS answer_high,
    resolved_in_time / nullIf(resolve_known, 0) AS resolve_share,
    resolve_hours_p50
FROM (
    SELECT
        if(urgency = '', 'unknown', urgency) AS urgency,
        count() AS actions,
        max(answer_target) / 60000 AS answer_target_minutes,
        quantileExactIfOrNull(0.5)(answered, answered >= 0) / 60000 AS answer_p50,
        quantileExactIfOrNull(0.9)(answered, answered >= 0) / 60000 AS answer_p90,
        countIf(answered >= 0 OR waited > answer_target) AS answer_known,
        countIf(answered >= 0 AND answered <= answer_target) AS answered_in_time,
        countIf(resolved >= 0 OR waited > resolve_target) AS resolve_known,
        countIf(resolved >= 0 AND resolved <= resolve_target) AS resolved_in_time,
        quantileExactIfOrNull(0.5)(resolved, resolved >= 0) / 3600000 AS resolve_hours_p50,
        {z:Float64} * {z:Float64} AS z2,
        {z:Float64} * sqrt(answered_in_time / nullIf(answer_known, 0) * (1 - answered_in_time / nullIf(answer_known, 0))
            / nullIf(answer_known, 0) + z2 / (4 * answer_known * answer_known)) AS half
    FROM (
        SELECT
            toString(f.urgency) AS urgency,
            toInt64(if(f.minutes = 0, 240, f.minutes)) * 60000 AS answer_target,
            a.deadline - if(a.deadline > a.received_at OR d.occurred_at = 0, a.received_at, d.occurred_at) AS resolve_target,
            if(s.first_at = 0, -1, greatest(0, s.first_at - a.decided_at)) AS answered,
            if(s.resolved_at = 0, -1, greatest(0, s.resolved_at - a.decided_at)) AS resolved,
            {now:Int64} - a.decided_at AS waited
        FROM actions AS a
        LEFT JOIN (
            SELECT feedback_id, any(scores.urgency) AS urgency, any(scores.response_minutes) AS minutes
            FROM feedback GROUP BY feedback_id
        ) AS f ON f.feedback_id = a.feedback_id
        LEFT JOIN (SELECT decision_id, any(occurred_at) AS occurred_at FROM decisions GROUP BY decision_id) AS d
            ON d.decision_id = a.decision_id
        LEFT JOIN (
            SELECT action_id, toUnixTimestamp64Milli(min(at)) AS first_at,
                toUnixTimestamp64Milli(minIf(at, status = 'resolved')) AS resolved_at
            FROM action_status GROUP BY action_id
        ) AS s ON s.action_id = a.action_id
        WHERE a.decided_at >= {from:Int64} AND a.decided_at < {to:Int64}
    )
    GROUP BY urgency
)
ORDER BY answer_target_minutes, urgency
SETTINGS final = 1, join_use_nulls = 0
