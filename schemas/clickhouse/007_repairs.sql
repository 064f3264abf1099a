-- VMs whose rows from from_ms on are not yet what their samples amount to; the highest version of a VM counts, and done says that they are.
CREATE TABLE IF NOT EXISTS repairs
(
    partition_id UInt32,
    vm           String,
    from_ms      Int64,
    newest_ms    Int64,
    agent        String,
    nics         Array(String),
    samples      UInt64,
    done         UInt8,
    version      UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (vm)
SETTINGS {{durable}};

-- What waits for repair in a partition: VMs, minutes and samples of theirs that are archived and not taken in.
ALTER TABLE progress
    ADD COLUMN IF NOT EXISTS waiting_vms     UInt32 DEFAULT 0,
    ADD COLUMN IF NOT EXISTS waiting_minutes UInt64 DEFAULT 0,
    ADD COLUMN IF NOT EXISTS waiting_samples UInt64 DEFAULT 0;
