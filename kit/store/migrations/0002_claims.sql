-- Idempotency keys (decision 17): a claim while the request runs, its answer afterwards.
CREATE TABLE idempotency_keys (
    principal TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    token BIGINT NOT NULL,
    lease_until_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    status BIGINT,
    headers TEXT,
    body TEXT,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal, route, key),
    CONSTRAINT idempotency_keys_answer_whole CHECK ((status IS NULL) = (body IS NULL) AND (status IS NULL) = (headers IS NULL))
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Work that one instance does at a time (decision 44).
CREATE TABLE leases (
    name TEXT NOT NULL CONSTRAINT leases_pkey PRIMARY KEY,
    owner TEXT NOT NULL,
    token BIGINT NOT NULL,
    until_at BIGINT NOT NULL
);
