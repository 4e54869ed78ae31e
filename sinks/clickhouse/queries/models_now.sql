-- Newest prequential figures of each model's champion, and of its challenger while one is tried.
SELECT toString(model) AS model, toString(role) AS role, argMax(version, at) AS version, argMax(n, at) AS examples,
    argMax(accuracy, at) AS accuracy, argMax(auc, at) AS auc, argMax(log_loss, at) AS log_loss,
    argMax(brier, at) AS brier, max(at) AS published
FROM model_metrics
GROUP BY model, role
ORDER BY model, role
SETTINGS final = 1
