-- Issues many put in nearly the same words, by reach.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   least UInt32     fewest customers, 2
--   most UInt32      rows
--
-- latest_share: how much of it came in the last quarter of the period, so growing ones show. example:
-- the earliest wording, personal data masked.
-- cluster_id: the issue's over all partitions, also of what was said before it was known to be one.
SELECT
    if(i.issue_id != '', i.issue_id, f.cluster_id) AS cluster_id,
    uniqExact(customer_id) AS customers,
    count() AS events,
    uniqExact(channel) AS channels,
    avg(f.scores.polarity) AS mean_polarity,
    toString(topKIf(1)(f.scores.topics[1], notEmpty(f.scores.topics))[1]) AS topic,
    countIf(occurred_at >= {to:Int64} - intDiv({to:Int64} - {from:Int64}, 4)) / events AS latest_share,
    fromUnixTimestamp64Milli(min(occurred_at), 'UTC') AS first_said,
    fromUnixTimestamp64Milli(max(occurred_at), 'UTC') AS last_said,
    argMin(text, (occurred_at, feedback_id)) AS example
FROM feedback AS f
LEFT JOIN cluster_issues AS i ON i.cluster_id = f.cluster_id
WHERE occurred_at >= {from:Int64} AND occurred_at < {to:Int64} AND f.cluster_id != ''
GROUP BY cluster_id
HAVING customers >= {least:UInt32}
ORDER BY customers DESC, events DESC, cluster_id
LIMIT {most:UInt32}
SETTINGS final = 1
