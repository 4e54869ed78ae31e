-- Work that did not settle the matter: reopened by the customer or by a service, by team and kind.
--
-- Parameters
--   from, to Int64   when opened, milliseconds since the epoch
--
-- once: work orders reopened at least once; times: reopenings; complaints: further complaints about the
-- same topic that reopened nothing, because it was open still or had been reopened as often as allowed.
SELECT
    toString(team) AS team,
    toString(kind) AS kind,
    count() AS opened,
    countIf(isNotNull(resolved_at) OR reopened > 0) AS ever_resolved,
    countIf(reopened > 0) AS once,
    if(ever_resolved > 0, once / ever_resolved, NULL) AS share,
    sum(reopened) AS times,
    sum(complaints) AS complaints
FROM work_orders
WHERE opened_at >= {from:Int64} AND opened_at < {to:Int64}
GROUP BY team, kind
ORDER BY once DESC, opened DESC, team, kind
SETTINGS final = 1
