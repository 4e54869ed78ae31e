-- First response against target, by urgency.
--
-- Parameters
--   from, to Int64   when opened, milliseconds since the epoch
--   now Int64        milliseconds since the epoch: what is due later counts neither way
--   team String      one team, or '' for all
--
-- in_time: answered by the time promised at the opening, in the team's business hours. late: answered after
-- it, or not at all although it is over; pending: not answered, still time. share is in_time of both
-- that are decided. Minutes are wall time from the opening to the answer.
SELECT
    toString(urgency) AS urgency,
    count() AS opened,
    countIf(responded_at <= first_due) AS in_time,
    countIf(responded_at > first_due OR (isNull(responded_at) AND first_due <= {now:Int64})) AS late,
    countIf(isNull(responded_at) AND first_due > {now:Int64}) AS pending,
    if(in_time + late > 0, in_time / (in_time + late), NULL) AS share,
    quantileExactIf(0.5)((responded_at - opened_at) / 60000, isNotNull(responded_at)) AS p50_minutes,
    quantileExactIf(0.9)((responded_at - opened_at) / 60000, isNotNull(responded_at)) AS p90_minutes
FROM work_orders
WHERE opened_at >= {from:Int64} AND opened_at < {to:Int64} AND ({team:String} = '' OR team = {team:String})
GROUP BY urgency
ORDER BY indexOf(['urgent', 'normal', 'low'], urgency)
SETTINGS final = 1
