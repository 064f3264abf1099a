-- Signs of life of who holds a lease (an entry of the journal says who that is, and in which term). Of a name and term the highest `beat` counts:
-- who wants the lease takes it when no beat comes any more.
CREATE TABLE IF NOT EXISTS lease_beats
(
    name    String,
    term    UInt64,
    beat    UInt64,
    beat_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(beat)
ORDER BY (name, term)
SETTINGS {{durable}};
