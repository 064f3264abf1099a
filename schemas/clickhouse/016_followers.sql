-- How far those who follow the journal have come: every entry up to `seq` was delivered to the follower of this name. Of a name the highest
-- `term` counts: a position that is older makes entries come once more, never be left out.
CREATE TABLE IF NOT EXISTS followers
(
    name    String,
    seq     UInt64,
    term    UInt64,
    kept_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(term)
ORDER BY name
SETTINGS {{durable}};
