-- Tables of the archive, one for each kind of record.
--
-- Rows are the JSON of the topics as it stands: column names are field names and times are Int64
-- milliseconds since the epoch as in the contracts (`*_time` aliases give DateTime64 for
-- charts). An unknown field is skipped, a missing or null one takes the default, so an older
-- schema takes newer records. Measured on feedback rows of 1.2 kB, one core: 37,000 rows/s with
-- every nested object typed, nulls kept and rows merged at insert; 158,000 as below. So:
--   * only `scores` is a typed tuple, because dashboards read its parts; `customer`, `masked`,
--     `models`, `reasons`, `attributes` stay JSON text (JSONExtract* reads them);
--   * null and "" are one for texts; Nullable is kept where null is not zero (rating, amounts);
--   * the sink sets optimize_on_insert = 0: repeats go at merges and at FINAL, not at insert;
--   * no aggregating projection: it cost 4 us a row.
--
-- Engine: every table is a ReplacingMergeTree whose sorting key ends in the record's own
-- deterministic id. A row written twice (by overlapping writers during a rebalance, or because
-- the record itself was produced twice after a crash) has the same key and collapses. Reading
-- needs FINAL, or `SETTINGS final = 1` as every file in queries/ has.
-- Partitions follow the append time (received_at), which producers cannot forge, so a hostile
-- event time cannot open thousands of partitions; a repeat carries the same append time.
-- Expiry counts from the insert, so that old data imported today is not expired on arrival; whole
-- parts expire (ttl_only_drop_parts), which costs nothing. Two years of words, three of
-- decisions, outcomes and actions (an uplift is argued about later than a text is read).
--
-- LowCardinality: fields with at most some thousand values (channel, language, rule, tier,
-- region, product, reason). Not ids, not texts: their dictionaries would be as long as the data.
-- Codecs: Delta + ZSTD for times and offsets, which grow; ZSTD(1) for texts and ids, at an insert
-- cost 3 % above LZ4's.
-- `by_offset`: the sink asks which offsets of a range are there; offsets grow with parts, so
-- minmax skips all but the newest.
-- `/* on cluster */` and `/* replicated */` are filled in for a cluster, see schema/__init__.py.

CREATE TABLE IF NOT EXISTS feedback /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    origin Tuple(LowCardinality(String), UInt32, UInt64) COMMENT 'topic, partition, offset of the input record',
    feedback_id String CODEC(ZSTD(1)),
    customer_id String CODEC(ZSTD(1)),
    linked Bool,
    voice String CODEC(ZSTD(1)),
    channel LowCardinality(String),
    text String CODEC(ZSTD(1)),
    lang LowCardinality(String),
    rating Nullable(Float32),
    label Nullable(Bool),
    kind LowCardinality(String),
    product LowCardinality(String),
    region LowCardinality(String),
    order_id String CODEC(ZSTD(1)),
    occurred_at Int64 CODEC(Delta, ZSTD(1)),
    received_at Int64 CODEC(Delta, ZSTD(1)),
    scored_at Int64 CODEC(Delta, ZSTD(1)),
    late Bool,
    masked String CODEC(ZSTD(1)),
    media_pending UInt16,
    attributes String CODEC(ZSTD(1)),
    scores Tuple(polarity Float32, confidence Float32, emotion LowCardinality(String), effort Bool,
        topics Array(LowCardinality(String)), kind LowCardinality(String), demand Bool,
        urgency LowCardinality(String), response_minutes UInt32, priority Float32,
        churn Float32, purchase Float32),
    customer String CODEC(ZSTD(1)),
    tier LowCardinality(String) MATERIALIZED simpleJSONExtractString(customer, 'tier'),
    money Float64 MATERIALIZED simpleJSONExtractFloat(customer, 'money'),
    lifetime_value Float64 ALIAS simpleJSONExtractFloat(customer, 'lifetime_value'),
    tenure_days Float64 ALIAS simpleJSONExtractFloat(customer, 'tenure_days'),
    cluster_id String CODEC(ZSTD(1)),
    cluster_size UInt32,
    duplicate_of String CODEC(ZSTD(1)),
    reasons String CODEC(ZSTD(1)),
    models String CODEC(ZSTD(1)),
    occurred_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(occurred_at, 'UTC'),
    received_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(received_at, 'UTC'),
    INDEX by_offset _offset TYPE minmax,
    INDEX by_time occurred_at TYPE minmax
)
ENGINE = /* replicated */ ReplacingMergeTree(_inserted_at)
PARTITION BY toYYYYMM(toDateTime(intDiv(received_at, 1000), 'UTC'))
ORDER BY (customer_id, feedback_id)
TTL toDateTime(_inserted_at) + INTERVAL 800 DAY
SETTINGS ttl_only_drop_parts = 1, min_bytes_for_wide_part = 100000000;

-- Customer events, outcomes and corrections, as they stand in the customer's log.
CREATE TABLE IF NOT EXISTS facts /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    origin Tuple(LowCardinality(String), UInt32, UInt64) COMMENT 'topic, partition, offset of the input record',
    event LowCardinality(String),
    id String CODEC(ZSTD(1)),
    customer_id String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    value Nullable(String) COMMENT 'a number as text for outcomes and sentiment, a topic id for topics',
    amount Nullable(Float64),
    quantity Nullable(Float64),
    express Nullable(Bool),
    product LowCardinality(String),
    tier LowCardinality(String),
    lifetime_value Nullable(Float64),
    since Nullable(Int64),
    time_zone LowCardinality(String),
    segment LowCardinality(String),
    region LowCardinality(String),
    feedback_id String CODEC(ZSTD(1)),
    model LowCardinality(String),
    action_id String CODEC(ZSTD(1)),
    occurred_at Int64 CODEC(Delta, ZSTD(1)),
    received_at Int64 CODEC(Delta, ZSTD(1)),
    number Nullable(Float64) ALIAS toFloat64OrNull(value),
    occurred_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(occurred_at, 'UTC'),
    received_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(received_at, 'UTC'),
    INDEX by_offset _offset TYPE minmax,
    INDEX by_time occurred_at TYPE minmax
)
ENGINE = /* replicated */ ReplacingMergeTree(_inserted_at)
PARTITION BY toYYYYMM(toDateTime(intDiv(received_at, 1000), 'UTC'))
ORDER BY (event, kind, customer_id, id)
TTL toDateTime(_inserted_at) + INTERVAL 1200 DAY
SETTINGS ttl_only_drop_parts = 1, min_bytes_for_wide_part = 100000000;

CREATE TABLE IF NOT EXISTS decisions /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    decision_id String CODEC(ZSTD(1)),
    feedback_id String CODEC(ZSTD(1)),
    customer_id String CODEC(ZSTD(1)),
    rule_id LowCardinality(String),
    rule_version UInt32,
    arm LowCardinality(String),
    reason LowCardinality(String),
    propensity Float64 COMMENT 'probability of the arm acted, given eligible',
    holdout_share Float64,
    action_kind LowCardinality(String),
    action_id String CODEC(ZSTD(1)),
    expected_value Float64,
    cost Float64,
    channel LowCardinality(String),
    tier LowCardinality(String),
    topic LowCardinality(String),
    values String CODEC(ZSTD(1)),
    models String CODEC(ZSTD(1)),
    attribution_days Float32,
    occurred_at Int64 CODEC(Delta, ZSTD(1)),
    received_at Int64 CODEC(Delta, ZSTD(1)),
    decided_at Int64 CODEC(Delta, ZSTD(1)),
    occurred_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(occurred_at, 'UTC'),
    decided_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(decided_at, 'UTC'),
    INDEX by_offset _offset TYPE minmax,
    INDEX by_time occurred_at TYPE minmax
)
ENGINE = /* replicated */ ReplacingMergeTree(_inserted_at)
PARTITION BY toYYYYMM(toDateTime(intDiv(received_at, 1000), 'UTC'))
ORDER BY (rule_id, customer_id, decision_id)
TTL toDateTime(_inserted_at) + INTERVAL 1200 DAY
SETTINGS ttl_only_drop_parts = 1, min_bytes_for_wide_part = 100000000;

CREATE TABLE IF NOT EXISTS actions /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    action_id String CODEC(ZSTD(1)),
    decision_id String CODEC(ZSTD(1)),
    feedback_id String CODEC(ZSTD(1)),
    customer_id String CODEC(ZSTD(1)),
    kind LowCardinality(String),
    rule_id LowCardinality(String),
    rule_version UInt32,
    team LowCardinality(String),
    template LowCardinality(String),
    lang LowCardinality(String),
    parameters String CODEC(ZSTD(1)),
    explanation String CODEC(ZSTD(1)),
    priority Float32,
    deadline Int64 CODEC(Delta, ZSTD(1)),
    received_at Int64 CODEC(Delta, ZSTD(1)),
    decided_at Int64 CODEC(Delta, ZSTD(1)),
    deadline_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(deadline, 'UTC'),
    decided_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(decided_at, 'UTC'),
    INDEX by_offset _offset TYPE minmax
)
ENGINE = /* replicated */ ReplacingMergeTree(_inserted_at)
PARTITION BY toYYYYMM(toDateTime(intDiv(received_at, 1000), 'UTC'))
ORDER BY (customer_id, action_id)
TTL toDateTime(_inserted_at) + INTERVAL 1200 DAY
SETTINGS ttl_only_drop_parts = 1, min_bytes_for_wide_part = 100000000;

-- What services answered. They may write any usual time, or none, and may say the same thing
-- twice on purpose (reopened, resolved, reopened), so a row's identity is where it stands.
CREATE TABLE IF NOT EXISTS action_status /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    action_id String CODEC(ZSTD(1)),
    customer_id String CODEC(ZSTD(1)),
    status LowCardinality(String),
    by LowCardinality(String),
    reason LowCardinality(String),
    occurred_at String CODEC(ZSTD(1)),
    at DateTime64(3, 'UTC') MATERIALIZED multiIf(
        occurred_at = '', _inserted_at,
        toFloat64OrZero(occurred_at) >= 1e11, fromUnixTimestamp64Milli(toInt64(toFloat64OrZero(occurred_at)), 'UTC'),
        toFloat64OrZero(occurred_at) > 0, fromUnixTimestamp64Milli(toInt64(1000 * toFloat64OrZero(occurred_at)), 'UTC'),
        ifNull(parseDateTime64BestEffortOrNull(occurred_at, 3, 'UTC'), _inserted_at)),
    INDEX by_offset _offset TYPE minmax
)
ENGINE = /* replicated */ ReplacingMergeTree(_inserted_at)
ORDER BY (action_id, _topic, _partition, _offset)
TTL toDateTime(_inserted_at) + INTERVAL 1200 DAY;

-- Sticky arms, newest word of each customer and rule.
CREATE TABLE IF NOT EXISTS assignments /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    customer_id String CODEC(ZSTD(1)),
    rule_id LowCardinality(String),
    arm LowCardinality(String),
    share Float64,
    salt LowCardinality(String),
    INDEX by_offset _offset TYPE minmax
)
ENGINE = /* replicated */ ReplacingMergeTree(_offset)
ORDER BY (rule_id, customer_id);

CREATE TABLE IF NOT EXISTS alerts /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    alert_id String,
    kind LowCardinality(String),
    subject String,
    message String CODEC(ZSTD(1)),
    severity LowCardinality(String),
    since Int64 CODEC(Delta, ZSTD(1)),
    magnitude Float64,
    done String CODEC(ZSTD(1)),
    raised_at Int64 CODEC(Delta, ZSTD(1)),
    raised_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(raised_at, 'UTC'),
    INDEX by_offset _offset TYPE minmax
)
ENGINE = /* replicated */ ReplacingMergeTree(_inserted_at)
ORDER BY (kind, alert_id)
TTL toDateTime(_inserted_at) + INTERVAL 800 DAY;

CREATE TABLE IF NOT EXISTS model_metrics /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    model LowCardinality(String),
    version UInt32,
    role LowCardinality(String),
    n UInt64,
    accuracy Nullable(Float64),
    auc Nullable(Float64),
    log_loss Nullable(Float64),
    brier Nullable(Float64),
    window UInt32,
    at Int64 CODEC(Delta, ZSTD(1)),
    time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(at, 'UTC'),
    INDEX by_offset _offset TYPE minmax
)
ENGINE = /* replicated */ ReplacingMergeTree(_inserted_at)
ORDER BY (model, role, version, n, window)
TTL toDateTime(_inserted_at) + INTERVAL 800 DAY;

-- Coordinates and reasons of bad events, never their content.
CREATE TABLE IF NOT EXISTS dead_letters /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    topic LowCardinality(String),
    partition UInt32,
    offset UInt64 CODEC(Delta, ZSTD(1)),
    reason LowCardinality(String),
    field LowCardinality(String),
    agent LowCardinality(String),
    appended_at Int64 CODEC(Delta, ZSTD(1)),
    rejected_at Int64 CODEC(Delta, ZSTD(1)),
    appended_time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(appended_at, 'UTC'),
    INDEX by_offset _offset TYPE minmax
)
ENGINE = /* replicated */ ReplacingMergeTree(_inserted_at)
ORDER BY (topic, partition, offset, agent)
TTL toDateTime(_inserted_at) + INTERVAL 400 DAY;

-- Who changed which rule and how; fed from rules.catalog.
CREATE TABLE IF NOT EXISTS rule_changes /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    rule_id LowCardinality(String),
    version UInt32,
    status LowCardinality(String),
    change LowCardinality(String),
    author LowCardinality(String),
    approver LowCardinality(String),
    note String CODEC(ZSTD(1)),
    definition String CODEC(ZSTD(1)),
    at Int64 CODEC(Delta, ZSTD(1)),
    time DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(at, 'UTC'),
    INDEX by_offset _offset TYPE minmax
)
ENGINE = /* replicated */ ReplacingMergeTree(_inserted_at)
ORDER BY (rule_id, _topic, _partition, _offset);

-- Pseudonym of a channel handle → customer, as the newest feedback had it; no handle is stored.
CREATE TABLE IF NOT EXISTS links /* on cluster */
(
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    voice String CODEC(ZSTD(1)),
    customer_id String CODEC(ZSTD(1)),
    channel LowCardinality(String),
    received_at Int64 CODEC(Delta, ZSTD(1)),
    INDEX by_customer customer_id TYPE bloom_filter(0.01)
)
ENGINE = /* replicated */ ReplacingMergeTree(received_at)
ORDER BY voice
TTL toDateTime(_inserted_at) + INTERVAL 800 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS links_of_feedback /* on cluster */ TO links AS
SELECT voice, customer_id, channel, received_at
FROM feedback
WHERE linked AND voice != '';
