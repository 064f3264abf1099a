-- What admins had forgotten, for ever: a row a VM and forgetting (the entry of the catalog with this seq), written before its rows are deleted.
-- samples: versions of raw samples that went, conflicts: those of them that a later one had replaced. expired: some had expired before. A step that
-- is done again may find fewer: the highest count is what there was.
CREATE TABLE IF NOT EXISTS names_forgotten
(
    seq          UInt64,
    partition_id UInt32,
    vm           String,
    position     UInt64,
    samples      UInt64,
    conflicts    UInt64,
    expired      UInt8,
    first_ts     Int64,
    last_ts      Int64,
    agents       Array(String)
)
ENGINE = ReplacingMergeTree(samples)
ORDER BY (seq, vm)
SETTINGS {{durable}};

-- That a forgetting took place in a partition, after the record with this position, written after the rows above: what had been counted as
-- duplicate and conflict until then, which a step that is done again can no longer find out.
CREATE TABLE IF NOT EXISTS forgettings
(
    seq          UInt64,
    partition_id UInt32,
    position     UInt64,
    duplicate    UInt64,
    conflict     UInt64
)
ENGINE = ReplacingMergeTree(duplicate)
ORDER BY (seq, partition_id)
SETTINGS {{durable}};

-- Shares of names begin anew with a forgetting: the seq of the newest one when a grant was made.
ALTER TABLE names_brought ADD COLUMN IF NOT EXISTS forgetting UInt64 DEFAULT 0;
