-- One statement a table. Every table is append-only from our side: a restated row is a new version of its key,
-- and readers take the highest version themselves (never FINAL, never a merge's timing).
-- Conditions are coded as in src/domain/condition.ts: 0 up, 1 provider, 2 third_party, 3 maintenance,
-- 4 force_majeure, 5 attack, 6 customer, 7 arrears, 8 silent.
-- Codecs were chosen by measuring (`bench/storage.ts`): ZSTD(1) packs runs of equal names twenty times worse than ZSTD(3).

-- The evidence: every accepted sample version that is not a duplicate. A conflict adds a row with a higher pos;
-- of the rows of one (vm, nic, ts) the one with the highest pos is the sample in force.
CREATE TABLE IF NOT EXISTS samples
(
    vm           String                 CODEC(ZSTD(3)),
    nic          String                 CODEC(ZSTD(3)),
    ts           DateTime64(3, 'UTC')   CODEC(DoubleDelta, ZSTD(1)),
    pos          UInt64                 CODEC(DoubleDelta, ZSTD(1)),
    condition    UInt8                  CODEC(ZSTD(1)),
    has_counters UInt8                  CODEC(ZSTD(1)),
    epoch        UInt32                 CODEC(ZSTD(1)),
    rx_bytes     UInt64                 CODEC(Delta, ZSTD(3)),
    tx_bytes     UInt64                 CODEC(Delta, ZSTD(3)),
    agent        String                 CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (vm, nic, ts, pos)
{{samples_ttl}}
SETTINGS {{durable}};

-- One row a VM and published minute that is not wholly silent (see docs in README: a long silence is not stored).
-- A row whose parts sum to zero is a withdrawn row.
CREATE TABLE IF NOT EXISTS uptime
(
    vm               String              CODEC(ZSTD(3)),
    minute           DateTime('UTC')     CODEC(DoubleDelta, ZSTD(1)),
    up_ms            UInt16              CODEC(ZSTD(1)),
    provider_ms      UInt16              CODEC(ZSTD(1)),
    third_party_ms   UInt16              CODEC(ZSTD(1)),
    maintenance_ms   UInt16              CODEC(ZSTD(1)),
    force_majeure_ms UInt16              CODEC(ZSTD(1)),
    attack_ms        UInt16              CODEC(ZSTD(1)),
    customer_ms      UInt16              CODEC(ZSTD(1)),
    arrears_ms       UInt16              CODEC(ZSTD(1)),
    silent_ms        UInt16              CODEC(ZSTD(1)),
    unavailable      UInt8               CODEC(ZSTD(1)),
    credit_nanos     UInt64              CODEC(ZSTD(1)),
    version          UInt64              CODEC(Delta, ZSTD(3))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(minute)
ORDER BY (vm, minute)
SETTINGS {{durable}};

-- One row a VM, interface and minute with traffic. Both counters zero: withdrawn.
CREATE TABLE IF NOT EXISTS traffic
(
    vm       String           CODEC(ZSTD(3)),
    nic      String           CODEC(ZSTD(3)),
    minute   DateTime('UTC')  CODEC(DoubleDelta, ZSTD(1)),
    rx_bytes UInt64           CODEC(ZSTD(3)),
    tx_bytes UInt64           CODEC(ZSTD(3)),
    version  UInt64           CODEC(Delta, ZSTD(3))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(minute)
ORDER BY (vm, nic, minute)
SETTINGS {{durable}};

-- One row an outage. end_at 1970-01-01 means still open.
CREATE TABLE IF NOT EXISTS outages
(
    vm        String                CODEC(ZSTD(3)),
    start_at  DateTime64(3, 'UTC')  CODEC(DoubleDelta, ZSTD(1)),
    end_at    DateTime64(3, 'UTC')  CODEC(DoubleDelta, ZSTD(1)),
    condition UInt8                 CODEC(ZSTD(1)),
    withdrawn UInt8                 CODEC(ZSTD(1)),
    version   UInt64                CODEC(Delta, ZSTD(3))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (vm, start_at)
SETTINGS {{durable}};

-- Quarantined increases (kind 1: a is the earlier sample, b the later, pos 0) and conflicts
-- (kind 2: a is the replaced sample, b the one in force from pos on).
CREATE TABLE IF NOT EXISTS anomalies
(
    vm             String               CODEC(ZSTD(3)),
    nic            String               CODEC(ZSTD(3)),
    ts             DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    kind           UInt8,
    pos            UInt64,
    a_ts           DateTime64(3, 'UTC'),
    a_condition    UInt8,
    a_has_counters UInt8,
    a_epoch        UInt32,
    a_rx_bytes     UInt64,
    a_tx_bytes     UInt64,
    b_condition    UInt8,
    b_has_counters UInt8,
    b_epoch        UInt32,
    b_rx_bytes     UInt64,
    b_tx_bytes     UInt64,
    withdrawn      UInt8,
    version        UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (vm, nic, ts, kind, pos)
SETTINGS {{durable}};

-- Plans, accounts, VMs and keys: every version that was ever in force, in the order of seq.
CREATE TABLE IF NOT EXISTS catalog
(
    kind        String,
    id          String,
    seq         UInt64,
    recorded_at DateTime64(3, 'UTC'),
    recorded_by String,
    body        String
)
ENGINE = MergeTree
ORDER BY (kind, id, seq)
SETTINGS {{durable}};

-- What the stored rows amount to: one row a committed step of an aggregator.
CREATE TABLE IF NOT EXISTS progress
(
    partition_id UInt32,
    position     UInt64,
    clock        Int64,
    counters     Array(UInt64)
)
ENGINE = ReplacingMergeTree(position)
ORDER BY (partition_id)
SETTINGS {{durable}};
