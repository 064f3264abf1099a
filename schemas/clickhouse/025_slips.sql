-- Of an increase that was too fast: when the counter went back behind it (SPEC §2, slips), so that what was billed in between is taken back;
-- 1970-01-01 where it has not, and in rows of before.
ALTER TABLE anomalies ADD COLUMN IF NOT EXISTS back_at DateTime64(3, 'UTC') DEFAULT toDateTime64(0, 3, 'UTC');
