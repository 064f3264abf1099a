-- Answers to requests that are carried out once (an entry `once` of the catalog says that one was), sealed by the key that asked: who asks again hears the
-- same. Of an id the newest counts. They are of use for a day.
CREATE TABLE IF NOT EXISTS answers
(
    id      String,
    sealed  String,
    kept_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(kept_at)
ORDER BY id
TTL toDateTime(kept_at) + INTERVAL 2 DAY
SETTINGS {{durable}};
