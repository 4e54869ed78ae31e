-- The chance that a customer takes a new feature up, which scores carry since they are predicted; rows from
-- before have 0.
ALTER TABLE feedback /* on cluster */
    MODIFY COLUMN scores Tuple(polarity Float32, confidence Float32, emotion LowCardinality(String), effort Bool,
        topics Array(LowCardinality(String)), kind LowCardinality(String), demand Bool,
        urgency LowCardinality(String), response_minutes UInt32, priority Float32,
        churn Float32, purchase Float32, adoption Float32);
