-- Analysts work on figures and never see what somebody wrote: no text, masked or not, no explanation,
-- no attributes, no handle, no reason that a colleague wrote. A query that names a hidden column is refused, so SELECT * is too.
-- Parameter: password String.
CREATE ROLE IF NOT EXISTS hark_analyst;
GRANT SELECT(_topic, _partition, _offset, _inserted_at, origin, feedback_id, customer_id, linked, channel, lang, rating, label, kind, product, region, occurred_at, received_at, scored_at, late, masked, media_pending, scores, customer, tier, money, lifetime_value, tenure_days, cluster_id, cluster_size, duplicate_of, models, occurred_time, received_time) ON hark.feedback TO hark_analyst;
GRANT SELECT(_topic, _partition, _offset, _inserted_at, action_id, decision_id, feedback_id, customer_id, kind, rule_id, rule_version, team, lang, priority, deadline, received_at, decided_at, deadline_time, decided_time) ON hark.actions TO hark_analyst;
GRANT SELECT ON hark.facts TO hark_analyst;
GRANT SELECT ON hark.decisions TO hark_analyst;
GRANT SELECT(_topic, _partition, _offset, _inserted_at, action_id, customer_id, status, by, occurred_at, at) ON hark.action_status TO hark_analyst;
GRANT SELECT(_topic, _partition, _offset, _inserted_at, change_id, change, sequence, action_id, customer_id, feedback_id, rule_id, kind, topic, urgency, team, previous, state, by, sent_action_id, level, reopened, complaints, failures, abandoned, telling, opened_at, response_due, responded_at, deadline, resolved_at, told_at, closed_at, suggestions, occurred_at, changed_at, opened_time, deadline_time, occurred_time) ON hark.work_order_changes TO hark_analyst;
GRANT SELECT ON hark.assignments TO hark_analyst;
GRANT SELECT ON hark.cluster_aliases TO hark_analyst;
GRANT SELECT ON hark.cluster_issues TO hark_analyst;
GRANT SELECT ON hark.alerts TO hark_analyst;
GRANT SELECT ON hark.model_metrics TO hark_analyst;
GRANT SELECT ON hark.dead_letters TO hark_analyst;
GRANT SELECT ON hark.rule_changes TO hark_analyst;
GRANT SELECT ON hark.feedback_hourly TO hark_analyst;
GRANT SELECT ON hark.trial_units TO hark_analyst;
GRANT SELECT ON hark.trial_values TO hark_analyst;
GRANT SELECT ON hark.outcome_values TO hark_analyst;
GRANT SELECT ON hark.metric_kinds TO hark_analyst;
GRANT SELECT ON hark.event_now TO hark_analyst;
CREATE ROW POLICY IF NOT EXISTS hark_analyst ON hark.facts USING kind NOT IN ('linked', 'unlinked') TO hark_analyst;
CREATE ROW POLICY IF NOT EXISTS hark_others ON hark.facts USING 1 TO ALL EXCEPT hark_analyst;
CREATE USER IF NOT EXISTS hark_analysis IDENTIFIED WITH sha256_password BY {password:String} DEFAULT ROLE hark_analyst SETTINGS readonly = 2;
GRANT hark_analyst TO hark_analysis;
