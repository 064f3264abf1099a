-- What few samples say (SPEC §1): when their counters last were zero (-1: not said), Mbit/s of their link (0: not said), and whether the counters are a
-- sum over several interfaces. Rows of before said none of it.
ALTER TABLE samples
    ADD COLUMN IF NOT EXISTS started_ms Int64 DEFAULT -1 CODEC(DoubleDelta, ZSTD(1)),
    ADD COLUMN IF NOT EXISTS link_mbps UInt32 DEFAULT 0 CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS is_sum UInt8 DEFAULT 0 CODEC(ZSTD(1));
