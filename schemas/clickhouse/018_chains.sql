-- A counter is an interface's as one host has it, or one half of that (SPEC §1): '' and 0 where the sample says neither, as those of before. part 1: rx
-- alone, 2: tx alone. `pos` tells samples apart already.
ALTER TABLE samples
    ADD COLUMN IF NOT EXISTS host String CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS part UInt8 CODEC(ZSTD(1));

-- A row is of one chain: the traffic of an interface is the sum of those in force.
ALTER TABLE traffic
    ADD COLUMN IF NOT EXISTS host String CODEC(ZSTD(3)),
    ADD COLUMN IF NOT EXISTS part UInt8 CODEC(ZSTD(1)),
    MODIFY ORDER BY (vm, nic, minute, host, part);

-- Of first counters that were too fast a_has_counters is 0, and a_ts 1970-01-01.
ALTER TABLE anomalies
    ADD COLUMN IF NOT EXISTS host String,
    ADD COLUMN IF NOT EXISTS part UInt8,
    MODIFY ORDER BY (vm, nic, ts, kind, pos, host, part);
