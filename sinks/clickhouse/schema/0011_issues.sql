-- Which clusters of near-identical texts are one issue over all partitions, newest word of each cluster.
--
-- Feedback scored before that was known holds the id its partition gave it; `cluster_issues` resolves it.
CREATE TABLE IF NOT EXISTS cluster_aliases /* on cluster */
(
    _topic LowCardinality(String),
    _partition UInt32,
    _offset UInt64 CODEC(Delta, ZSTD(1)),
    _inserted_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    cluster_id String CODEC(ZSTD(1)),
    issue_id String CODEC(ZSTD(1)),
    at Int64 CODEC(Delta, ZSTD(1)),
    INDEX by_offset _offset TYPE minmax
)
ENGINE = /* replicated */ ReplacingMergeTree(_inserted_at)
ORDER BY cluster_id
TTL toDateTime(_inserted_at) + INTERVAL 800 DAY;

-- The issue of every cluster that is part of another's, up to three aliases on where an issue became part of a later one
-- (that takes a week of silence between them; models.topics.issues says why there are no circles).
CREATE VIEW IF NOT EXISTS cluster_issues /* on cluster */ AS
SELECT
    a.cluster_id AS cluster_id,
    multiIf(c.issue_id != '', c.issue_id, b.issue_id != '', b.issue_id, a.issue_id) AS issue_id
FROM (SELECT cluster_id, issue_id FROM cluster_aliases FINAL) AS a
LEFT JOIN (SELECT cluster_id, issue_id FROM cluster_aliases FINAL) AS b ON b.cluster_id = a.issue_id
LEFT JOIN (SELECT cluster_id, issue_id FROM cluster_aliases FINAL) AS c ON c.cluster_id = b.issue_id
WHERE a.cluster_id != a.issue_id;
