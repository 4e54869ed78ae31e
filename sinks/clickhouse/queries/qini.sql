-- Whom to act on: uplift by tenth of a score known at the trigger, highest first, with the Qini
-- curve and what acting on the top tenths brings.
--
-- Parameters
--   rule String     one rule
--   metric String   one metric (view metric_kinds)
--   score String    'churn', 'money', 'polarity' or 'spend_before'
--   z Float64       normal quantile, 1.959963984540054 for 95 %
--
-- Tenths go by rank, customers with equal scores together, so they may differ in size.
-- low, high: Newcombe for rates, normal for means. qini: treated outcomes of this tenth and all
-- above, less what as many held-out customers would have had.
-- Value of the policy "act down to this tenth", per customer of the whole trial: gain with its normal
-- interval (tenths are independent, their shares taken as given), cost of the actions, and for money
-- metrics net = gain - cost with its interval. Stop where gain, or net, no longer grows; the best of ten
-- cuts looks better than it is, so judge it on customers met after it was chosen.
SELECT
    tenth, n1, n0, treated, control,
    treated - control AS delta,
    if(binary, delta - sqrt(pow(treated - l1, 2) + pow(u0 - control, 2)), delta - {z:Float64} * se) AS low,
    if(binary, delta + sqrt(pow(u1 - treated, 2) + pow(control - l0, 2)), delta + {z:Float64} * se) AS high,
    sum(y1) OVER above - sum(y0) OVER above * sum(n1) OVER above / nullIf(sum(n0) OVER above, 0) AS qini,
    sum(ifNull(delta, 0) * (n1 + n0)) OVER above / sum(n1 + n0) OVER () AS gain,
    {z:Float64} * sqrt(sum(if(isNull(delta), 0, se * se) * pow(n1 + n0, 2)) OVER above) / sum(n1 + n0) OVER () AS half,
    gain - half AS gain_low, gain + half AS gain_high,
    sum(ifNull(spent / nullIf(n1, 0), 0) * (n1 + n0)) OVER above / sum(n1 + n0) OVER () AS cost,
    if(binary, NULL, gain - cost) AS net, if(binary, NULL, gain_low - cost) AS net_low,
    if(binary, NULL, gain_high - cost) AS net_high
FROM (
    SELECT
        *,
        y1 / nullIf(n1, 0) AS treated, y0 / nullIf(n0, 0) AS control,
        {z:Float64} * {z:Float64} AS z2,
        sqrt(var1 / n1 + var0 / n0) AS se,
        {z:Float64} * sqrt(treated * (1 - treated) / n1 + z2 / (4 * n1 * n1)) AS r1,
        {z:Float64} * sqrt(control * (1 - control) / n0 + z2 / (4 * n0 * n0)) AS r0,
        (treated + z2 / (2 * n1) - r1) / (1 + z2 / n1) AS l1, (treated + z2 / (2 * n1) + r1) / (1 + z2 / n1) AS u1,
        (control + z2 / (2 * n0) - r0) / (1 + z2 / n0) AS l0, (control + z2 / (2 * n0) + r0) / (1 + z2 / n0) AS u0
    FROM (
        SELECT
            toUInt8(least(intDiv(10 * (rank - 1), n), 9) + 1) AS tenth,
            any(binary) AS binary,
            toFloat64(countIf(s.treated)) AS n1, toFloat64(countIf(NOT s.treated)) AS n0,
            sumIf(assumeNotNull(value), s.treated) AS y1, sumIf(assumeNotNull(value), NOT s.treated) AS y0,
            sumIf(s.spent, s.treated) AS spent,
            varSampStableIf(assumeNotNull(value), s.treated) AS var1,
            varSampStableIf(assumeNotNull(value), NOT s.treated) AS var0
        FROM (
            SELECT *, rank() OVER (ORDER BY score DESC) AS rank, count() OVER () AS n
            FROM (
                SELECT treated, value, binary, spent,
                    multiIf({score:String} = 'churn', toNullable(toFloat64(churn)), {score:String} = 'money', money,
                        {score:String} = 'polarity', toFloat64(polarity), toFloat64(spend_before)) AS score
                FROM trial_values
                WHERE rule_id = {rule:String} AND metric = {metric:String} AND value IS NOT NULL
            )
            WHERE score IS NOT NULL
        ) AS s
        GROUP BY tenth
    )
)
WINDOW above AS (ORDER BY tenth ROWS UNBOUNDED PRECEDING)
ORDER BY tenth
SETTINGS final = 1, join_use_nulls = 1
