-- What guardrails are judged by: customers, mean, variance and kurtosis of a metric in each arm.
--
-- Parameters
--   rule String    one rule
--   metric String  one metric (view metric_kinds)
--   since UInt64   customers whose first eligible trigger was at or after this event time, ms since the epoch
--
-- One row, none where nobody's window is over. Pending customers are in no figure.
SELECT
    max(binary) AS binary,
    countIf(treated) AS n1,
    countIf(NOT treated) AS n0,
    avgIf(value, treated) AS mean1,
    avgIf(value, NOT treated) AS mean0,
    ifNull(varSampStableIf(value, treated), 0) AS var1,
    ifNull(varSampStableIf(value, NOT treated), 0) AS var0,
    if(var1 > 0, kurtPopIf(value, treated), 0) AS kurtosis1,
    if(var0 > 0, kurtPopIf(value, NOT treated), 0) AS kurtosis0
FROM (
    SELECT binary, treated, assumeNotNull(value) AS value
    FROM trial_values
    WHERE rule_id = {rule:String} AND metric = {metric:String} AND since >= toInt64({since:UInt64}) AND value IS NOT NULL
)
HAVING n1 > 0 AND n0 > 0
SETTINGS final = 1, join_use_nulls = 1
