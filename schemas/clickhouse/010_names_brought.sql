-- How many new names keys have brought since more than half of the room for names was taken: a row a grant, never taken back. A key's
-- share of the rest is counted by these, through every restart.
CREATE TABLE IF NOT EXISTS names_brought
(
    key_id     String,
    vms        UInt32,
    nics       UInt32,
    granted_at DateTime64(3, 'UTC')
)
ENGINE = MergeTree
ORDER BY (key_id, granted_at)
SETTINGS {{durable}};
