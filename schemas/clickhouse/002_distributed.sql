-- What separate processes need: state that any of them can read, and several writers of the catalog.

-- The number of the newest entry is asked for by every request of an API process.
ALTER TABLE catalog ADD INDEX IF NOT EXISTS seq_range seq TYPE minmax GRANULARITY 1;

-- A writer claims a seq by the token of its insert; the window is how many entries a writer may have slept through.
ALTER TABLE catalog MODIFY SETTING non_replicated_deduplication_window = 10000;

-- One row a step of an aggregator and partition, and one when its state changes without a step; the highest (position, stored_at) counts.
-- state: '' takes samples in, 'capacity_full' waits for a raised limit. checkpoint: position of the newest whole one, -1 without.
ALTER TABLE progress
    ADD COLUMN IF NOT EXISTS vms         UInt32 DEFAULT 0,
    ADD COLUMN IF NOT EXISTS vm_slots    UInt32 DEFAULT 0,
    ADD COLUMN IF NOT EXISTS nic_slots   UInt32 DEFAULT 0,
    ADD COLUMN IF NOT EXISTS quarantined UInt64 DEFAULT 0,
    ADD COLUMN IF NOT EXISTS catalog_seq UInt64 DEFAULT 0,
    ADD COLUMN IF NOT EXISTS checkpoint  Int64  DEFAULT -1,
    ADD COLUMN IF NOT EXISTS state       LowCardinality(String) DEFAULT '',
    ADD COLUMN IF NOT EXISTS instance    String DEFAULT '',
    ADD COLUMN IF NOT EXISTS stored_at   DateTime64(3, 'UTC') DEFAULT toDateTime64(0, 3, 'UTC');

-- Kernels' memory in chunks. sha256 is of the whole state, so that two writers' chunks of one position don't mix: a checkpoint is
-- whole when one (partition_id, position, sha256) has `total` distinct chunks. Each is a partition of its own: dropped in one piece.
CREATE TABLE IF NOT EXISTS checkpoints
(
    partition_id UInt32,
    position     UInt64,
    sha256       FixedString(32),
    chunk        UInt32,
    total        UInt32,
    layout       UInt32,
    instance     String,
    stored_at    DateTime64(3, 'UTC'),
    bytes        String              CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY (partition_id, position)
ORDER BY (sha256, chunk)
SETTINGS {{durable}};

-- How many partitions a topic had when it was first used: a VM's place follows from the number, so it must not change.
CREATE TABLE IF NOT EXISTS log_partitions
(
    topic       String,
    partitions  UInt32,
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(recorded_at)
ORDER BY (topic, partitions)
SETTINGS {{durable}};

-- Empty after every start of the server. A token of an insert counts for one life: the server notes a token before it keeps the
-- rows, so after a crash in between the token is on record and the rows are not (tried).
CREATE TABLE IF NOT EXISTS server_life (id UUID) ENGINE = Memory;
