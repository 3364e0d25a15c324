-- Differs: PostgreSQL keeps the xid that a reader of the log needs (decision 10) and writes triggers differently.

CREATE TABLE events (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid BIGINT NOT NULL,
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
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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

CREATE FUNCTION audit_trail_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_trail_append_only';
END
$body$;
CREATE TRIGGER audit_trail_keeps BEFORE DELETE ON audit_trail
FOR EACH ROW EXECUTE FUNCTION audit_trail_refuse();
CREATE TRIGGER audit_trail_whole BEFORE TRUNCATE ON audit_trail
FOR EACH STATEMENT EXECUTE FUNCTION audit_trail_refuse();
-- The one change that is allowed fills in the seal of a row that has none.
CREATE TRIGGER audit_trail_stands BEFORE UPDATE ON audit_trail
FOR EACH ROW WHEN (
    OLD.place IS NOT NULL
    OR (NEW.seq, NEW.service, NEW.recorded_at, NEW.actor, NEW.action, NEW.subject, NEW.shop_id, NEW.request_id,
        NEW.state_before, NEW.state_after)
    IS DISTINCT FROM
    (OLD.seq, OLD.service, OLD.recorded_at, OLD.actor, OLD.action, OLD.subject, OLD.shop_id, OLD.request_id,
        OLD.state_before, OLD.state_after)
)
EXECUTE FUNCTION audit_trail_refuse();
