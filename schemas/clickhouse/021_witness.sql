-- Who told a sample and where it counted, once more (docs/decisions/0200): both are evidence and in no row, so nothing that is computed again would show that
-- they were changed. The server makes it when the row comes in, and not again when a row is updated. Of rows of before it is what they say now.
ALTER TABLE samples
    ADD COLUMN IF NOT EXISTS witness UInt32 DEFAULT toUInt32(cityHash64(host, agent)) CODEC(ZSTD(1));
