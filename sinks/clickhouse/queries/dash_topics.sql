-- What it is about: topics by volume, how badly, and against the period of equal length before.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   most UInt32      rows
--
-- By the first topic of each feedback, from the hourly roll-up. change: null without any before.
SELECT
    if(name = '', 'none found', toString(name)) AS topic,
    uniqCombined64MergeIf(said, inside) AS events,
    uniqCombined64MergeIf(bad, inside) AS negative,
    negative / nullIf(events, 0) AS negative_share,
    uniqCombined64MergeIf(said, NOT inside) AS before,
    events / nullIf(before, 0) - 1 AS change
FROM (
    SELECT topic AS name, events AS said, negative AS bad,
        hour >= toDateTime(intDiv({from:Int64}, 1000), 'UTC') AS inside
    FROM feedback_hourly
    WHERE hour >= toDateTime(intDiv(2 * {from:Int64} - {to:Int64}, 1000), 'UTC')
        AND hour < toDateTime(intDiv({to:Int64}, 1000), 'UTC')
)
GROUP BY topic
HAVING events > 0
ORDER BY events DESC, topic
LIMIT {most:UInt32}
