-- How much is filed without a person, and how often people disagree: a row a language and one for all.
--
-- Parameters
--   from, to Int64      event time, milliseconds since the epoch
--   confident Float64   least confidence of the sentiment that counts as settled, 0.6
--
-- automatic_rate: a topic was found and the sentiment is settled. corrected: feedback whose topic or
-- sentiment a person corrected; agreement: share of reviewed topics where the person's was among ours.
SELECT
    if(grouping(f.lang) = 1, 'all', toString(f.lang)) AS lang,
    count() AS events,
    countIf(notEmpty(f.scores.topics)) / events AS topic_rate,
    countIf(f.scores.confidence >= {confident:Float64}) / events AS settled_rate,
    countIf(notEmpty(f.scores.topics) AND f.scores.confidence >= {confident:Float64}) / events AS automatic_rate,
    countIf(l.labels > 0) AS corrected,
    countIf(l.topic != '' AND has(arrayMap(t -> toString(t), f.scores.topics), l.topic))
        / nullIf(countIf(l.topic != ''), 0) AS agreement
FROM feedback AS f
LEFT JOIN (
    SELECT feedback_id, count() AS labels,
        argMaxIf(toString(assumeNotNull(value)), occurred_at, model = 'topics' AND value IS NOT NULL) AS topic
    FROM facts WHERE event = 'label' GROUP BY feedback_id
) AS l ON l.feedback_id = f.feedback_id
WHERE f.occurred_at >= {from:Int64} AND f.occurred_at < {to:Int64}
GROUP BY GROUPING SETS ((f.lang), ())
ORDER BY lang = 'all' DESC, events DESC, lang
SETTINGS final = 1, join_use_nulls = 0
