-- How much is said or sent twice: a row a channel and one for all.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--
-- repeated: copies of an event already seen, dropped (their channel is not kept, so only for all);
-- same_words: the same customer saying the same through another channel within a day, kept and marked;
-- duplicate_rate: both against everything that came in.
SELECT
    channel,
    events + repeated AS received,
    repeated,
    same_words,
    (repeated + same_words) / received AS duplicate_rate
FROM (
    SELECT
        if(grouping(f.channel) = 1, 'all', toString(f.channel)) AS channel,
        count() AS events,
        countIf(f.duplicate_of != '') AS same_words,
        if(channel = 'all', (
            SELECT count() FROM facts AS d
            WHERE d.event = 'dropped' AND toString(d.value) = 'feedback' AND d.kind = 'duplicate'
                AND d.occurred_at >= {from:Int64} AND d.occurred_at < {to:Int64}), 0) AS repeated
    FROM feedback AS f
    WHERE f.occurred_at >= {from:Int64} AND f.occurred_at < {to:Int64}
    GROUP BY GROUPING SETS ((f.channel), ())
)
ORDER BY channel = 'all' DESC, received DESC, channel
SETTINGS final = 1
