-- Newest prequential figures of each model: accuracy over all examples, the others over the window.
SELECT model, argMax(version, n) AS version, max(n) AS examples, argMax(accuracy, n) AS accuracy,
    argMax(auc, n) AS auc, argMax(log_loss, n) AS log_loss, argMax(brier, n) AS brier
FROM model_metrics
WHERE role = 'champion'
GROUP BY model
ORDER BY model
SETTINGS final = 1
