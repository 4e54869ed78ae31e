-- How far Hark's ears and hands reach: a row a channel and one for all.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--
-- heard_share: customers the store knows who spoke in the period. linked_share: feedback whose
-- customer is known. topic_share: with a topic. eligible_share: negative feedback at least one rule
-- stood ready for; acted_share: negative feedback something was done about.
SELECT
    if(grouping(f.channel) = 1, 'all', toString(f.channel)) AS channel,
    count() AS events,
    uniqExact(f.customer_id) AS customers,
    if(channel = 'all', uniqExactIf(f.customer_id, f.linked) / nullIf((
        SELECT uniqExact(customer_id) FROM (
            SELECT customer_id FROM facts WHERE event = 'customer'
            UNION ALL SELECT customer_id FROM feedback WHERE linked)), 0), NULL) AS heard_share,
    countIf(f.linked) / events AS linked_share,
    countIf(notEmpty(f.scores.topics)) / events AS topic_share,
    countIf(f.scores.polarity < -0.1) AS negative,
    countIf(f.scores.polarity < -0.1 AND d.triggers > 0) / nullIf(negative, 0) AS eligible_share,
    countIf(f.scores.polarity < -0.1 AND d.acted > 0) / nullIf(negative, 0) AS acted_share
FROM feedback AS f
LEFT JOIN (
    SELECT feedback_id, count() AS triggers, countIf(arm = 'acted') AS acted FROM decisions GROUP BY feedback_id
) AS d ON d.feedback_id = f.feedback_id
WHERE f.occurred_at >= {from:Int64} AND f.occurred_at < {to:Int64}
GROUP BY GROUPING SETS ((f.channel), ())
ORDER BY channel = 'all' DESC, events DESC, channel
SETTINGS final = 1, join_use_nulls = 0
