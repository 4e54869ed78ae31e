-- Did a rule help: one row a rule, metric and segment, acted against held out.
--
-- Parameters
--   rule String       one rule, or '' for all
--   metric String     one metric (see the view metric_kinds), or '' for all that were observed
--   by String         'tier', 'topic' or 'channel' for a row each, '' for the whole
--   covariate String  pre-period covariate of CUPED: 'churn', 'money', 'polarity' or 'spend_before'
--   z Float64         normal quantile of the intervals, 1.959963984540054 for 95 %
--   alpha Float64     1 - level of the always-valid interval, 0.05
--   plan UInt64       sample size at which the always-valid interval is tightest, 5000
--
-- Unit: customer, from the first eligible trigger. Customers whose window is not over are
-- `pending` and in no figure; those about whom nothing is known are `missing`.
-- Rates: Newcombe's interval on Wilson's; means: Welch with Satterthwaite's degrees of freedom
-- and Student's quantile by its expansion in z (Abramowitz and Stegun 26.7.5).
-- Always-valid: asymptotic confidence sequence (arXiv 2103.06476), for rates only once each arm
-- has five successes and five failures, for means once twenty values carry the variance of each arm
-- (n over the kurtosis). SRM: chi-square of the arms against the holdout share.
-- value, value_low, value_high: what the acted customers brought more, for money metrics.
WITH
    (z, df) -> z + (pow(z, 3) + z) / (4 * df) + (5 * pow(z, 5) + 16 * pow(z, 3) + 3 * z) / (96 * df * df)
        + (3 * pow(z, 7) + 19 * pow(z, 5) + 17 * pow(z, 3) - 15 * z) / (384 * df * df * df) AS student
SELECT
    rule_id, metric, segment, binary, higher_is_better,
    n1, n0, pending, missing,
    control, treated, delta, low, high, sqrt(v) AS se, df,
    if(binary, 'newcombe', 'welch') AS method,
    if(control = 0, NULL, delta / control) AS lift,
    if(speaks, delta - radius, NULL) AS sequential_low,
    if(speaks, delta + radius, NULL) AS sequential_high,
    if(speaks, least(1, root * exp(-rho2 * delta * delta * n / v / (2 * (n * rho2 + 1)))), 1) AS sequential_p,
    cuped_n, theta, cuped_delta,
    cuped_delta - cuped_t * sqrt(cuped_v1 + cuped_v0) AS cuped_low,
    cuped_delta + cuped_t * sqrt(cuped_v1 + cuped_v0) AS cuped_high,
    if(cuped_plain > 0, 1 - (cuped_v1 + cuped_v0) / cuped_plain, NULL) AS cuped_reduction,
    srm_chi2,
    if(isNull(srm_chi2), NULL, erfc(sqrt(srm_chi2 / 2))) AS srm_p,
    spent,
    if(binary, NULL, delta * n1) AS value,
    if(binary, NULL, low * n1) AS value_low,
    if(binary, NULL, high * n1) AS value_high
FROM (
    SELECT
        *,
        n1 + n0 AS n,
        treated - control AS delta,
        var1 / n1 + var0 / n0 AS v,
        nullIf(v, 0) AS v_or_null,
        -- Wilson, then Newcombe
        {z:Float64} * {z:Float64} AS z2,
        (treated + z2 / (2 * n1) - {z:Float64} * sqrt(treated * (1 - treated) / n1 + z2 / (4 * n1 * n1))) / (1 + z2 / n1) AS l1,
        (treated + z2 / (2 * n1) + {z:Float64} * sqrt(treated * (1 - treated) / n1 + z2 / (4 * n1 * n1))) / (1 + z2 / n1) AS u1,
        (control + z2 / (2 * n0) - {z:Float64} * sqrt(control * (1 - control) / n0 + z2 / (4 * n0 * n0))) / (1 + z2 / n0) AS l0,
        (control + z2 / (2 * n0) + {z:Float64} * sqrt(control * (1 - control) / n0 + z2 / (4 * n0 * n0))) / (1 + z2 / n0) AS u0,
        -- Welch
        v * v / (pow(var1 / n1, 2) / (n1 - 1) + pow(var0 / n0, 2) / (n0 - 1)) AS df,
        student({z:Float64}, df) AS t,
        if(binary, delta - sqrt(pow(treated - l1, 2) + pow(u0 - control, 2)), delta - t * sqrt(v_or_null)) AS low,
        if(binary, delta + sqrt(pow(u1 - treated, 2) + pow(control - l0, 2)), delta + t * sqrt(v_or_null)) AS high,
        -- always valid
        (-2 * log({alpha:Float64}) + log(1 - 2 * log({alpha:Float64}))) / {plan:UInt64} AS rho2,
        sqrt(n * rho2 + 1) AS root,
        sqrt(v_or_null * n) * sqrt(2 * (n * rho2 + 1) * log(root / {alpha:Float64}) / (n * n * rho2)) AS radius,
        v > 0 AND if(binary, least(s1, n1 - s1, s0, n0 - s0) >= 5, least(n1 / k1, n0 / k0) >= 20) AS speaks,
        -- CUPED
        covar / nullIf(var_x, 0) AS theta,
        (mean_y1 - theta * mean_x1) - (mean_y0 - theta * mean_x0) AS cuped_delta,
        (cvar1 + theta * theta * xvar1 - 2 * theta * covar1) / c1 AS cuped_v1,
        (cvar0 + theta * theta * xvar0 - 2 * theta * covar0) / c0 AS cuped_v0,
        pow(cuped_v1 + cuped_v0, 2) / (cuped_v1 * cuped_v1 / (c1 - 1) + cuped_v0 * cuped_v0 / (c0 - 1)) AS cuped_df,
        student({z:Float64}, cuped_df) AS cuped_t,
        cvar1 / c1 + cvar0 / c0 AS cuped_plain,
        c1 + c0 AS cuped_n,
        pow(units1 - expected1, 2) / nullIf(expected1, 0) + pow(units0 - expected0, 2) / nullIf(expected0, 0) AS srm_chi2
    FROM (
        SELECT
            rule_id, metric,
            multiIf({by:String} = 'tier', tier, {by:String} = 'topic', topic, {by:String} = 'channel', channel, '') AS segment,
            any(binary) AS binary, any(higher_is_better) AS higher_is_better,
            toFloat64(countIf(value IS NOT NULL AND u.treated)) AS n1,
            toFloat64(countIf(value IS NOT NULL AND NOT u.treated)) AS n0,
            countIf(u.pending) AS pending,
            countIf(NOT u.pending AND value IS NULL) AS missing,
            sumIf(value, u.treated) AS s1, sumIf(value, NOT u.treated) AS s0,
            avgIf(value, u.treated) AS treated, avgIf(value, NOT u.treated) AS control,
            varSampStableIf(value, u.treated) AS var1, varSampStableIf(value, NOT u.treated) AS var0,
            kurtPopIf(value, u.treated) AS k1, kurtPopIf(value, NOT u.treated) AS k0,
            sumIf(u.spent, u.treated AND NOT u.pending) AS spent,
            -- SRM is about assignment, so pending customers count
            toFloat64(countIf(u.treated)) AS units1, toFloat64(countIf(NOT u.treated)) AS units0,
            sum(1 - u.holdout_share) AS expected1, sum(u.holdout_share) AS expected0,
            countIf(both AND u.treated) AS c1, countIf(both AND NOT u.treated) AS c0,
            varSampStableIf(x, both) AS var_x, covarSampStableIf(value, x, both) AS covar,
            avgIf(value, both AND u.treated) AS mean_y1, avgIf(value, both AND NOT u.treated) AS mean_y0,
            avgIf(x, both AND u.treated) AS mean_x1, avgIf(x, both AND NOT u.treated) AS mean_x0,
            varSampStableIf(value, both AND u.treated) AS cvar1, varSampStableIf(value, both AND NOT u.treated) AS cvar0,
            varSampStableIf(x, both AND u.treated) AS xvar1, varSampStableIf(x, both AND NOT u.treated) AS xvar0,
            covarSampStableIf(value, x, both AND u.treated) AS covar1,
            covarSampStableIf(value, x, both AND NOT u.treated) AS covar0
        FROM (
            SELECT *, value IS NOT NULL AND x IS NOT NULL AS both,
                multiIf({covariate:String} = 'churn', toNullable(toFloat64(churn)), {covariate:String} = 'money', money,
                    {covariate:String} = 'polarity', toFloat64(polarity), toFloat64(spend_before)) AS x
            FROM trial_values
            WHERE ({rule:String} = '' OR rule_id = {rule:String}) AND ({metric:String} = '' OR metric = {metric:String})
        ) AS u
        GROUP BY rule_id, metric, segment
        HAVING countIf(u.observed) > 0
    )
)
ORDER BY rule_id, metric, segment
SETTINGS final = 1, join_use_nulls = 1
