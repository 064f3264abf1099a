-- What people and their programs are told: of an id the first row counts, whatever is written again after a crash says the same. `n` is the order in which they
-- are delivered. `data` is JSON. Kept for 400 days.
CREATE TABLE IF NOT EXISTS notices
(
    n           UInt64,
    id          String,
    type        String,
    account     String,
    at          DateTime64(3, 'UTC'),
    recorded_at DateTime64(3, 'UTC'),
    data        String
)
ENGINE = ReplacingMergeTree
ORDER BY (n, id)
TTL toDateTime(recorded_at) + INTERVAL 400 DAY
SETTINGS {{durable}};

-- What becomes of a notice for each who is to be told: of (subscription, n, notice, round) the highest version counts. `round` is '' for the first time,
-- else the request by which it is sent again.
CREATE TABLE IF NOT EXISTS deliveries
(
    subscription String,
    n            UInt64,
    notice       String,
    round        String,
    version      UInt32,
    type         String,
    account      String,
    state        String,
    attempts     UInt32,
    at           DateTime64(3, 'UTC'),
    next_at      DateTime64(3, 'UTC'),
    holds        UInt8,
    failing_from DateTime64(3, 'UTC'),
    status       UInt16,
    took_ms      UInt32,
    why          String
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (subscription, n, notice, round)
TTL toDateTime(at) + INTERVAL 400 DAY
SETTINGS {{durable}};
