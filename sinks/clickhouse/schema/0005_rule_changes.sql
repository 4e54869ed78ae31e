-- Who changed which rule: the fields as records of rules.catalog have them.
--
-- `state` tells a proposal from a rule in force; `rule` is the whole rule as written, which
-- `hark rules rollback` falls back on once compaction has taken the record. The older columns
-- fill themselves from these.
ALTER TABLE rule_changes /* on cluster */
    ADD COLUMN IF NOT EXISTS state LowCardinality(String),
    ADD COLUMN IF NOT EXISTS comment String CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS rule String CODEC(ZSTD(1));

ALTER TABLE rule_changes /* on cluster */
    MODIFY COLUMN status LowCardinality(String) DEFAULT simpleJSONExtractString(rule, 'status');

ALTER TABLE rule_changes /* on cluster */
    MODIFY COLUMN note String DEFAULT comment;

ALTER TABLE rule_changes /* on cluster */
    MODIFY COLUMN definition String DEFAULT rule;
