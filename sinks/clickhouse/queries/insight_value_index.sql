-- What listening to a topic was worth: V = alpha S + beta T + gamma R, a row a topic.
--
-- Parameters
--   from, to Int64               event time of the complaints and suggestions, milliseconds since the epoch
--   days Float64                 how far before and after to look, 30
--   alpha, beta, gamma Float64   weights, 0.35, 0.40 and 0.20 (`models.value_index.ValueWeights`)
--   least UInt32                 fewest customers, 5
--
-- Customers count from their first complaint, suggestion or request about the topic.
-- improvement S: share of them with an action on it resolved, percent. reputation T: mean polarity
-- after less before (the complaint included), points of a hundred, over those who spoke again; 0 when
-- nobody did. lifetime R: newest lifetime value against that at the complaint, percent.
SELECT
    topic, customers, spoke_again,
    improvement, reputation, lifetime,
    round({alpha:Float64} * improvement + {beta:Float64} * reputation + {gamma:Float64} * lifetime, 4) AS value
FROM (
    SELECT
        u.topic AS topic,
        count() AS customers,
        countIf(u.after_n > 0) AS spoke_again,
        100 * countIf(r.customer_id != '') / customers AS improvement,
        if(spoke_again = 0, 0, 100 * sumIf(u.after - u.before, u.after_n > 0) / spoke_again) AS reputation,
        100 * (sum(if(p.newest > 0, p.newest, u.worth)) / nullIf(sum(u.worth), 0) - 1) AS change,
        ifNull(change, 0) AS lifetime
    FROM (
        SELECT
            c.topic AS topic, c.customer_id AS customer_id, any(c.worth) AS worth,
            avgIf(g.scores.polarity, g.occurred_at <= c.since) AS before,
            countIf(g.occurred_at > c.since) AS after_n,
            avgIf(g.scores.polarity, g.occurred_at > c.since) AS after
        FROM (
            SELECT toString(topic) AS topic, customer_id, min(f.occurred_at) AS since,
                argMin(f.lifetime_value, f.occurred_at) AS worth
            FROM feedback AS f ARRAY JOIN f.scores.topics AS topic
            WHERE f.occurred_at >= {from:Int64} AND f.occurred_at < {to:Int64}
                AND f.scores.kind IN ('complaint', 'suggestion', 'request')
            GROUP BY topic, customer_id
        ) AS c
        INNER JOIN feedback AS g ON g.customer_id = c.customer_id
        WHERE g.occurred_at > c.since - toInt64({days:Float64} * 86400000)
            AND g.occurred_at <= c.since + toInt64({days:Float64} * 86400000)
        GROUP BY topic, customer_id
    ) AS u
    LEFT JOIN (
        SELECT customer_id, argMax(assumeNotNull(lifetime_value), occurred_at) AS newest
        FROM facts WHERE event = 'customer' AND lifetime_value IS NOT NULL GROUP BY customer_id
    ) AS p ON p.customer_id = u.customer_id
    LEFT JOIN (
        SELECT DISTINCT toString(topic) AS topic, f.customer_id AS customer_id
        FROM feedback AS f ARRAY JOIN f.scores.topics AS topic
        INNER JOIN actions AS a ON a.feedback_id = f.feedback_id
        INNER JOIN action_status AS s ON s.action_id = a.action_id
        WHERE s.status = 'resolved' AND f.occurred_at >= {from:Int64} AND f.occurred_at < {to:Int64}
    ) AS r ON r.topic = u.topic AND r.customer_id = u.customer_id
    GROUP BY topic
    HAVING customers >= {least:UInt32}
)
ORDER BY value DESC, topic
SETTINGS final = 1, join_use_nulls = 0
