-- How long the state of a sample holds, in seconds (SPEC §1); 0: it does not say, as rows of before. In `condition`, and in those of anomalies, 9 stands
-- for a sample that says nothing about the state.
ALTER TABLE samples ADD COLUMN IF NOT EXISTS hold_s UInt16 DEFAULT 0 CODEC(ZSTD(1));
