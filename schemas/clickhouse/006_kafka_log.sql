-- The topic that carries a log. topic_uuid: the brokers' id of it, another one for a topic that was deleted and made again; '' where they have
-- none. adopted: the log is older than its id, so messages without one are its own too. starts: of each
-- partition, the offset that the log begins with; empty: it has the topic for itself.
CREATE TABLE IF NOT EXISTS log_topics
(
    log_id      String,
    topic       String,
    topic_uuid  String,
    partitions  UInt32,
    adopted     UInt8,
    starts      Array(UInt64),
    recorded_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(recorded_at)
ORDER BY (log_id, topic, topic_uuid, partitions)
SETTINGS {{durable}};

-- What the processes that append have had acknowledged, each for itself: the position after the last message that the brokers acknowledged, and
-- the samples in all of them. The highest of an instance counts.
CREATE TABLE IF NOT EXISTS log_writers
(
    log_id        String,
    partition_id  UInt32,
    instance      String,
    next_position UInt64,
    samples       UInt64,
    recorded_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(next_position)
ORDER BY (log_id, partition_id, instance)
SETTINGS {{durable}};
