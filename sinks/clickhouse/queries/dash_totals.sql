-- How much was said in the period, how badly, by how many: one row.
--
-- Parameters
--   from, to Int64   event time, milliseconds since the epoch
--
-- From the hourly roll-up: counts are of distinct ids, exact to about half a percent.
SELECT
    uniqCombined64Merge(events) AS events,
    uniqMerge(voices) AS customers,
    uniqCombined64Merge(negative) / nullIf(events, 0) AS negative_share,
    uniqCombined64Merge(urgent) AS urgent,
    if(isFinite(avgMerge(polarity)), avgMerge(polarity), NULL) AS mean_polarity
FROM feedback_hourly
WHERE hour >= toDateTime(intDiv({from:Int64}, 1000), 'UTC') AND hour < toDateTime(intDiv({to:Int64}, 1000), 'UTC')
