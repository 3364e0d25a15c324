-- Differs: SQLite numbers events with AUTOINCREMENT (never again the same, decision 14), records whose each table
-- is for the fence (decision 5; on PostgreSQL a schema per service says it), and writes triggers differently.

CREATE TABLE table_owners (
    table_name TEXT NOT NULL CONSTRAINT table_owners_pkey PRIMARY KEY,
    service TEXT NOT NULL
);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL CONSTRAINT events_id_unique UNIQUE,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    time_at BIGINT NOT NULL,
    traceparent TEXT,
    payload TEXT NOT NULL
);
CREATE INDEX events_by_topic ON events (topic, seq);

CREATE TABLE audit_trail (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    shop_id TEXT,
    request_id TEXT,
    state_before TEXT,
    state_after TEXT,
    place BIGINT CONSTRAINT audit_trail_place_unique UNIQUE,
    seal TEXT,
    CONSTRAINT audit_trail_sealed_whole CHECK ((place IS NULL) = (seal IS NULL))
);
CREATE INDEX audit_trail_by_subject ON audit_trail (subject, seq);
CREATE INDEX audit_trail_unsealed ON audit_trail (seq) WHERE place IS NULL;

CREATE TRIGGER audit_trail_keeps BEFORE DELETE ON audit_trail
BEGIN
    SELECT RAISE(ABORT, 'audit_trail_append_only');
END;
-- The one change that is allowed fills in the seal of a row that has none.
CREATE TRIGGER audit_trail_stands BEFORE UPDATE ON audit_trail
WHEN OLD.place IS NOT NULL
    OR NEW.seq IS NOT OLD.seq
    OR NEW.service IS NOT OLD.service
    OR NEW.recorded_at IS NOT OLD.recorded_at
    OR NEW.actor IS NOT OLD.actor
    OR NEW.action IS NOT OLD.action
    OR NEW.subject IS NOT OLD.subject
    OR NEW.shop_id IS NOT OLD.shop_id
    OR NEW.request_id IS NOT OLD.request_id
    OR NEW.state_before IS NOT OLD.state_before
    OR NEW.state_after IS NOT OLD.state_after
BEGIN
    SELECT RAISE(ABORT, 'audit_trail_append_only');
END;
