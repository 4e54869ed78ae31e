-- The trail of every work order: one row a change, with the work order as it stands after it.
CREATE TABLE IF NOT EXISTS work_order_changes /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    change_id String CODEC(ZSTD(1)),
    change LowCardinality(String),
    sequence UInt32,
    action_id String CODEC(ZSTD(1)),
    customer_id String CODEC(ZSTD(1)),
    feedback_id String CODEC(ZSTD(1)),
    rule_id LowCardinality(String),
    kind LowCardinality(String),
    topic LowCardinality(String),
    urgency LowCardinality(String),
    team LowCardinality(String),
    previous LowCardinality(String),
    state LowCardinality(String),
    by LowCardinality(String),
    reason LowCardinality(String),
    sent_action_id String CODEC(ZSTD(1)),
    level UInt16,
    reopened UInt16,
    complaints UInt16,
    failures UInt16,
    abandoned Bool,
    telling LowCardinality(String),
    opened_at Int64 CODEC(Delta, ZSTD(1)),
    response_due Int64 CODEC(Delta, ZSTD(1)),
    responded_at Nullable(Int64),
    deadline Int64 CODEC(Delta, ZSTD(1)),
    resolved_at Nullable(Int64),
    told_at Nullable(Int64),
    closed_at Nullable(Int64),
    suggestions Array(LowCardinality(String)),
    occurred_at Int64 CODEC(Delta, ZSTD(1)),
    changed_at Int64 CODEC(Delta, ZSTD(1)),
    opened_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(opened_at, 'UTC'),
    deadline_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(deadline, 'UTC'),
    occurred_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(occurred_at, 'UTC'),
    INDEX by_offset _offset TYPE minmax,
    INDEX by_customer customer_id TYPE bloom_filter(0.01)
)
ENGINE = /* replicated */ ReplacingMergeTree(_inserted_at)
PARTITION BY toYYYYMM(toDateTime(intDiv(opened_at, 1000), 'UTC'))
ORDER BY (action_id, change_id)
TTL toDateTime(_inserted_at) + INTERVAL 1200 DAY
SETTINGS ttl_only_drop_parts = 1;

-- Work orders as they stand: the row of the newest change of each. `first_due` is the first response
-- promised at the opening; later ones belong to reopenings.
CREATE OR REPLACE VIEW work_orders /* on cluster */ AS
SELECT
    action_id,
    argMax(c.customer_id, at) AS customer_id,
    argMax(c.feedback_id, at) AS feedback_id,
    argMax(c.rule_id, at) AS rule_id,
    argMax(c.kind, at) AS kind,
    argMax(c.topic, at) AS topic,
    argMax(c.urgency, at) AS urgency,
    argMax(c.team, at) AS team,
    argMax(c.state, at) AS state,
    argMax(c.change, at) AS last_change,
    argMax(c.level, at) AS level,
    argMax(c.reopened, at) AS reopened,
    argMax(c.complaints, at) AS complaints,
    argMax(c.failures, at) AS failures,
    argMax(c.abandoned, at) AS abandoned,
    argMax(c.telling, at) AS telling,
    min(c.opened_at) AS opened_at,
    argMin(c.response_due, at) AS first_due,
    tupleElement(argMax(tuple(c.responded_at), at), 1) AS responded_at,
    argMax(c.deadline, at) AS deadline,
    tupleElement(argMax(tuple(c.resolved_at), at), 1) AS resolved_at,
    tupleElement(argMax(tuple(c.told_at), at), 1) AS told_at,
    tupleElement(argMax(tuple(c.closed_at), at), 1) AS closed_at,
    argMax(c.suggestions, at) AS suggestions,
    max(c.changed_at) AS changed_at,
    countIf(c.change = 'escalated') AS escalations,
    any(c._partition) AS partition
FROM (SELECT *, (sequence, changed_at) AS at FROM work_order_changes FINAL) AS c
GROUP BY action_id;
