-- Which log the rows of this database come from. The highest seq counts; a log that an operator accepted in the place of another is a row more,
-- and claimed as entries of the catalog are: of several processes one writes a seq. first_position: the log's positions begin there, so that
-- versions of rows never go back.
CREATE TABLE IF NOT EXISTS log_identity
(
    seq            UInt64,
    log_id         String,
    kind           LowCardinality(String),
    name           String,
    first_position UInt64,
    recorded_at    DateTime64(3, 'UTC'),
    recorded_by    String
)
ENGINE = MergeTree
ORDER BY (seq, log_id)
SETTINGS {{durable}};

-- What is missing between what was answered and what is stored, because an operator let it pass: shown for ever. Positions from
-- from_position (included) to until_position (excluded); equal or 18446744073709551615: not known how far. samples -1: not known how many.
CREATE TABLE IF NOT EXISTS log_gaps
(
    gap_id         String,
    log_id         String,
    partition_id   UInt32,
    kind           LowCardinality(String),
    from_position  UInt64,
    until_position UInt64,
    samples        Int64,
    why            String,
    who            String,
    recorded_at    DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (recorded_at, gap_id)
SETTINGS {{durable}};

-- log_id: '' was written before logs had ids. log_check: what the log says of everything up to `position`, '' where it says nothing.
-- log_samples: samples answered since the log began, up to `position`, as the log itself counts them. reach, reach_check: rows of up to
-- here may be stored already (a step is announced before its rows are written); -1 without.
ALTER TABLE progress
    ADD COLUMN IF NOT EXISTS log_id      String DEFAULT '',
    ADD COLUMN IF NOT EXISTS log_check   String DEFAULT '',
    ADD COLUMN IF NOT EXISTS log_samples UInt64 DEFAULT 0,
    ADD COLUMN IF NOT EXISTS reach       Int64 DEFAULT -1,
    ADD COLUMN IF NOT EXISTS reach_check String DEFAULT '';

ALTER TABLE checkpoints
    ADD COLUMN IF NOT EXISTS log_id    String DEFAULT '',
    ADD COLUMN IF NOT EXISTS log_check String DEFAULT '';
