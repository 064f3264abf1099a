-- Which of the replicas that tell the same was heard, of a source and a cluster of replicas, and up to which instant of its samples. Tenures follow each
-- other: one begins where the one before it ends. Of a tenure the highest `step` counts, which makes it longer; steps of a cluster are claimed, as
-- entries of the catalog are.
CREATE TABLE IF NOT EXISTS replica_tenures
(
    source      String,
    cluster     String,
    tenure      UInt64,
    step        UInt64,
    replica     String,
    until_ms    Int64,
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(step)
ORDER BY (source, cluster, tenure)
SETTINGS {{durable}};
