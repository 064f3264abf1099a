-- How long raw samples are to be kept, in days (0: for good), whenever it changed; the highest seq counts. A shorter time is put in force only when it is
-- confirmed by name.
CREATE TABLE IF NOT EXISTS retention
(
    seq         UInt64,
    days        UInt32,
    said        String,
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY seq
SETTINGS {{durable}};

-- What the server has let expire: raw samples from before `until`, all but those that are held. Nobody else deletes them: the tables have no TTL, which
-- would go by the clock of ClickHouse's machine.
CREATE TABLE IF NOT EXISTS expiries
(
    until       DateTime64(3, 'UTC'),
    samples     UInt64,
    vms         UInt64,
    held        UInt64,
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY recorded_at
SETTINGS {{durable}};
