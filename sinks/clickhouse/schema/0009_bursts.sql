-- How far an issue has spread over partitions and channels: facts of the event 'burst', in the issue's own log.
ALTER TABLE facts /* on cluster */
    ADD COLUMN IF NOT EXISTS voices Nullable(UInt32),
    ADD COLUMN IF NOT EXISTS channels Nullable(UInt32),
    ADD COLUMN IF NOT EXISTS polarity Nullable(Float64);
