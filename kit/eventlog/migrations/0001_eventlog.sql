-- Where each consumer stands on each topic, as in a Kafka partition.
CREATE TABLE event_positions (
    consumer TEXT NOT NULL,
    topic TEXT NOT NULL,
    -- The last event that is handled or parked.
    position BIGINT NOT NULL,
    -- The window of EVT-3: of the events in (counted_from, position] so many were handled, the others are parked.
    counted_from BIGINT NOT NULL,
    handled BIGINT NOT NULL,
    moved_at BIGINT NOT NULL,
    CONSTRAINT event_positions_pkey PRIMARY KEY (consumer, topic),
    CONSTRAINT event_positions_not_negative CHECK (position >= 0 AND counted_from >= 0 AND handled >= 0)
);

-- Events that a consumer's position has passed without their being handled (decision 11).
CREATE TABLE event_retries (
    consumer TEXT NOT NULL,
    seq BIGINT NOT NULL,
    topic TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_key TEXT NOT NULL,
    -- waiting: the first of its key, tried at next_at. dead: the first of its key, its tries spent, waits for a person.
    -- behind: another event of its key stands before it.
    state TEXT NOT NULL,
    tries BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    first_seen_at BIGINT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT event_retries_pkey PRIMARY KEY (consumer, seq),
    CONSTRAINT event_retries_state CHECK (state IN ('waiting', 'behind', 'dead')),
    CONSTRAINT event_retries_tries CHECK (tries >= 0)
);
CREATE INDEX event_retries_by_time ON event_retries (consumer, state, next_at, seq);
CREATE INDEX event_retries_by_key ON event_retries (consumer, event_key, seq);
-- Pruning asks whether anybody still needs an event.
CREATE INDEX event_retries_by_event ON event_retries (seq);
