-- Prequential figures of the models in use, as they were published.
--
-- Parameters
--   from, to Int64   when published, milliseconds since the epoch
--
-- accuracy counts every example so far, the others the latest 2,000; null where not defined.
SELECT time, toString(model) AS model, n AS examples, version, accuracy, auc, log_loss, brier
FROM model_metrics
WHERE role = 'champion' AND at >= {from:Int64} AND at < {to:Int64}
ORDER BY time, model
SETTINGS final = 1
