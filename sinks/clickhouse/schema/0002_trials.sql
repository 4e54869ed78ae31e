-- Every rule with a holdout is a randomised trial; these views lay it out for analysis.

-- One row a rule and customer: the first eligible trigger, in both arms alike. Suppressed and
-- shadow decisions are no part of the trial. `until` ends the attribution window, event time.
CREATE OR REPLACE VIEW trial_units /* on cluster */ AS
SELECT
    rule_id,
    customer_id,
    first.1 AS decision_id,
    first.2 AS feedback_id,
    first.3 = 'acted' AS treated,
    first.4 AS holdout_share,
    first.5 AS propensity,
    first.6 AS tier,
    first.7 AS topic,
    first.8 AS channel,
    first.9 AS attribution_days,
    since,
    since + toInt64(attribution_days * 86400000) AS until,
    spent,
    triggers
FROM (
    SELECT
        rule_id,
        customer_id,
        argMin((d.decision_id, d.feedback_id, d.arm, d.holdout_share, d.propensity, d.tier, d.topic, d.channel,
            d.attribution_days), (d.occurred_at, d.decision_id)) AS first,
        min(d.occurred_at) AS since,
        sumIf(d.cost, d.arm = 'acted') AS spent,
        count() AS triggers
    FROM decisions AS d FINAL
    WHERE d.arm IN ('acted', 'holdout')
    GROUP BY rule_id, customer_id
);

-- What became of customers, one row an observation: outcomes as published, `retained` also from
-- its opposite, what customers did themselves, and `revenue` from purchases less refunds.
CREATE OR REPLACE VIEW outcome_values /* on cluster */ AS
SELECT customer_id, pair.1 AS metric, pair.2 AS value, occurred_at
FROM (
    SELECT
        customer_id,
        occurred_at,
        toString(kind) AS name,
        ifNull(number, nan) AS n,
        ifNull(amount, nan) AS money,
        multiIf(
            event = 'outcome' AND name = 'churned', [('churned', n), ('retained', 1 - n)],
            event = 'outcome', [(name, n)],
            name = 'purchase', [('purchase', 1.), ('revenue', money)],
            name = 'refund', [('revenue', -money)],
            name = 'cancellation', [('churned', 1.), ('retained', 0.)],
            [(name, 1.)]) AS pairs
    FROM facts FINAL
    WHERE event = 'outcome'
        OR event = 'customer' AND kind IN ('purchase', 'refund', 'visit', 'renewal', 'cancellation')
)
ARRAY JOIN pairs AS pair
WHERE isFinite(pair.2);

-- Metrics and how observations inside the window become one value of a customer:
--   any   a thing that happens or not: 1 when it was observed with a value above 0
--   all   a state: 0 when it was ever observed as lost
--   sum   money
--   mean  a score
-- `silent` is the value of a customer about whom nothing was said by the end of the window:
-- silence is "no" for things that happen and no money for money, and unknown (null) otherwise.
CREATE OR REPLACE VIEW metric_kinds /* on cluster */ AS
SELECT * FROM values(
    'metric String, how String, silent Nullable(Float64), binary UInt8, higher_is_better UInt8',
    ('retained', 'all', NULL, 1, 1), ('churned', 'any', 0, 1, 0), ('purchase', 'any', 0, 1, 1),
    ('feature_adoption', 'any', 0, 1, 1), ('renewal', 'any', 0, 1, 1), ('reply', 'any', 0, 1, 1),
    ('visit', 'any', 0, 1, 1), ('satisfaction', 'mean', NULL, 0, 1), ('revenue', 'sum', 0, 0, 1));

-- The newest event time the store has seen: what "now" means to a pending window.
CREATE OR REPLACE VIEW event_now /* on cluster */ AS
SELECT greatest((SELECT max(occurred_at) FROM facts), (SELECT max(occurred_at) FROM feedback)) AS at;

-- One row a rule, customer and metric. `pending`: the window is not over, so the value is null
-- whatever was observed; taking early yeses but no early noes would lie.
-- Covariates are from before the trigger: the scores and money known at it, and what was spent
-- in the ninety days before it.
CREATE OR REPLACE VIEW trial_values /* on cluster */ AS
WITH (SELECT at FROM event_now) AS now_at
SELECT
    u.rule_id AS rule_id, u.customer_id AS customer_id, u.treated AS treated,
    u.holdout_share AS holdout_share, u.tier AS tier, u.topic AS topic, u.channel AS channel,
    u.since AS since, u.until AS until, u.spent AS spent,
    k.metric AS metric, k.binary AS binary, k.higher_is_better AS higher_is_better,
    u.until > now_at AS pending,
    arrayMap(pair -> pair.2, arrayFilter(pair -> pair.1 = k.metric, o.inside)) AS seen,
    notEmpty(seen) AS observed,
    multiIf(
        pending, NULL,
        empty(seen), k.silent,
        k.how = 'any', toFloat64(arrayMax(seen) > 0),
        k.how = 'all', toFloat64(arrayMin(seen) > 0),
        k.how = 'sum', arraySum(seen),
        arrayAvg(seen)) AS value,
    f.churn AS churn, f.money AS money, f.polarity AS polarity, ifNull(o.spend, 0) AS spend_before
FROM trial_units AS u
LEFT JOIN (
    SELECT t.rule_id AS rule_id, t.customer_id AS customer_id,
        groupArrayIf((v.metric, v.value), v.occurred_at > t.since) AS inside,
        toNullable(sumIf(v.value, v.metric = 'revenue' AND v.occurred_at <= t.since)) AS spend
    FROM trial_units AS t INNER JOIN outcome_values AS v ON v.customer_id = t.customer_id
    WHERE v.occurred_at > t.since - 90 * 86400000 AND v.occurred_at <= t.until
    GROUP BY rule_id, customer_id
) AS o ON o.rule_id = u.rule_id AND o.customer_id = u.customer_id
LEFT JOIN (
    SELECT feedback_id, toNullable(any(scores.churn)) AS churn, toNullable(any(money)) AS money,
        toNullable(any(scores.polarity)) AS polarity
    FROM feedback GROUP BY feedback_id
) AS f ON f.feedback_id = u.feedback_id
CROSS JOIN metric_kinds AS k;
