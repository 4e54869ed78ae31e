-- What rules in shadow would have done on live events, a row a rule: the backtest of what happened since.
--
-- Parameters
--   rule String   one rule, '' for all
--
-- would_act: no limit spoke against it; of these customers, who (ten of them), cost, expected_value, tiers.
-- limits: what would have stopped the others. overlap: other rules that acted on the same records. outcomes: what became of the
-- customers within the rule's attribution window, mean and number by metric, as far as it is known, without
-- any claim of cause.
SELECT
    toString(d.rule_id) AS rule,
    max(rule_version) AS version,
    count() AS eligible,
    countIf(reason = '') AS would_act,
    uniqExactIf(customer_id, reason = '') AS customers,
    arraySlice(arraySort(groupUniqArrayIf(customer_id, reason = '')), 1, 10) AS who,
    round(sumIf(d.cost, reason = ''), 2) AS cost,
    round(sumIf(d.expected_value, reason = ''), 2) AS expected_value,
    sumMapIf(map(toString(reason), 1), reason != '') AS limits,
    sumMapIf(map(if(tier = '', 'unknown', toString(tier)), 1), reason = '') AS tiers,
    sumMapIf(mapFromArrays(others, arrayMap(other -> 1, others)), reason = '') AS overlap,
    any(o.outcomes) AS outcomes
FROM decisions AS d
LEFT JOIN (
    SELECT feedback_id, groupUniqArray(toString(rule_id)) AS others
    FROM decisions WHERE arm = 'acted' GROUP BY feedback_id
) AS a ON a.feedback_id = d.feedback_id
LEFT JOIN (
    SELECT rule_id, mapFromArrays(groupArray(kind), groupArray((round(mean, 4), n))) AS outcomes
    FROM (
        SELECT s.rule_id AS rule_id, toString(f.kind) AS kind, avg(toFloat64OrNull(assumeNotNull(f.value))) AS mean, count() AS n
        FROM decisions AS s
        INNER JOIN facts AS f ON f.customer_id = s.customer_id
        WHERE s.arm = 'shadow' AND s.reason = '' AND f.event = 'outcome' AND isNotNull(f.value)
            AND f.occurred_at > s.occurred_at
            AND f.occurred_at <= s.occurred_at + toInt64(s.attribution_days * 86400000)
        GROUP BY rule_id, kind
        HAVING isNotNull(mean)
        ORDER BY kind
    )
    GROUP BY rule_id
) AS o ON o.rule_id = d.rule_id
WHERE arm = 'shadow' AND ({rule:String} = '' OR d.rule_id = {rule:String})
GROUP BY rule
ORDER BY rule
SETTINGS final = 1
