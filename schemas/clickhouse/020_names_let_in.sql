-- Doors before Kafka count by partition, and several of them at once: which of them lets names in, into which partition, and how many go in with this
-- grant, whether or not they count for the key's share. recorded_at is ClickHouse's clock: doors' own may differ. instance '': the embedded door.
ALTER TABLE names_brought ADD COLUMN IF NOT EXISTS partition_id UInt32 DEFAULT 0;

ALTER TABLE names_brought ADD COLUMN IF NOT EXISTS instance String DEFAULT '';

ALTER TABLE names_brought ADD COLUMN IF NOT EXISTS let_in_vms UInt32 DEFAULT 0;

ALTER TABLE names_brought ADD COLUMN IF NOT EXISTS let_in_nics UInt32 DEFAULT 0;

ALTER TABLE names_brought ADD COLUMN IF NOT EXISTS recorded_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC');
