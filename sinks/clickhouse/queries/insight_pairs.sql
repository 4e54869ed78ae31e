-- Products and complaints that occur together more often than chance would have it.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   least UInt32     fewest customers with the pair, 5
--
-- Unit: a customer complaining about a product, once however often they say it. support: share of the
-- units with the pair; confidence: share of the product's with the complaint; lift: the pair against
-- independence. p: Fisher's exact test, one-sided; q: Benjamini-Hochberg over the pairs shown.
WITH
    complaints AS (
        SELECT customer_id, toString(product) AS product,
            arrayDistinct(arrayFlatten(groupArray(arrayMap(t -> toString(t), f.scores.topics)))) AS topics
        FROM feedback AS f
        WHERE f.occurred_at >= {from:Int64} AND f.occurred_at < {to:Int64} AND f.product != '' AND f.scores.polarity < -0.1
            AND notEmpty(f.scores.topics)
        GROUP BY customer_id, product
    ),
    pairs AS (
        SELECT product, topic, count() AS customers
        FROM complaints ARRAY JOIN topics AS topic GROUP BY product, topic
    ),
    of_product AS (SELECT product, count() AS n FROM complaints GROUP BY product),
    of_topic AS (SELECT topic, sum(customers) AS n FROM pairs GROUP BY topic),
    assumeNotNull((SELECT count() FROM complaints)) AS total,
    (n, k) -> lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) AS choose
SELECT
    product, topic, customers, expected, support, confidence, lift, p,
    least(1, min(p * tests / place) OVER (ORDER BY p DESC, product DESC, topic DESC ROWS UNBOUNDED PRECEDING)) AS q
FROM (
    SELECT *, count() OVER () AS tests, row_number() OVER (ORDER BY p, product, topic) AS place
    FROM (
        SELECT
            a.product AS product, a.topic AS topic, a.customers AS customers,
            r.n AS with_product, c.n AS with_topic,
            with_product * with_topic / total AS expected,
            customers / total AS support,
            customers / with_product AS confidence,
            customers / expected AS lift,
            least(1, arraySum(arrayMap(
                i -> exp(choose(toFloat64(with_topic), toFloat64(i))
                    + choose(toFloat64(total - with_topic), toFloat64(with_product - i))
                    - choose(toFloat64(total), toFloat64(with_product))),
                arrayFilter(i -> with_product - i <= total - with_topic,
                    range(toUInt32(customers), toUInt32(least(with_product, with_topic)) + 1))))) AS p
        FROM pairs AS a
        INNER JOIN of_product AS r ON r.product = a.product
        INNER JOIN of_topic AS c ON c.topic = a.topic
        WHERE a.customers >= {least:UInt32}
    )
)
ORDER BY p, lift DESC, product, topic
SETTINGS final = 1, join_use_nulls = 0
