-- Pieces of personal data masked, by type.
SELECT found.1 AS type, sum(found.2) AS count
FROM (SELECT arrayJoin(JSONExtractKeysAndValues(masked, 'UInt32')) AS found FROM feedback WHERE masked != '{}')
GROUP BY type
ORDER BY count DESC, type
SETTINGS final = 1
