-- Does a sentiment probability of 80 % mean four in five: against the stars customers gave themselves.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--   z Float64        normal quantile of Wilson's interval, 1.959963984540054 for 95 %
--
-- The probability that a text is positive is (polarity + 1) / 2; middling ratings state nothing.
SELECT
    tenth, events, predicted, seen,
    (seen + z2 / (2 * events) - half) / (1 + z2 / events) AS low,
    (seen + z2 / (2 * events) + half) / (1 + z2 / events) AS high
FROM (
    SELECT
        least(toUInt8(floor((scores.polarity + 1) * 5)), 9) + 1 AS tenth,
        count() AS events,
        avg((scores.polarity + 1) / 2) AS predicted,
        avg(assumeNotNull(label)) AS seen,
        {z:Float64} * {z:Float64} AS z2,
        {z:Float64} * sqrt(seen * (1 - seen) / events + z2 / (4 * events * events)) AS half
    FROM feedback
    WHERE occurred_at >= {from:Int64} AND occurred_at < {to:Int64} AND label IS NOT NULL
    GROUP BY tenth
)
ORDER BY tenth
SETTINGS final = 1
