CREATE TABLE IF NOT EXISTS payments (
    id           TEXT    PRIMARY KEY,
    order_id     TEXT    NOT NULL,
    amount       INTEGER NOT NULL CHECK (amount > 0),
    currency     TEXT    NOT NULL,
    captured     INTEGER NOT NULL DEFAULT 0 CHECK (captured >= 0),
    state        TEXT    NOT NULL CHECK (state IN ('pending', 'authorized', 'captured', 'declined', 'cancelled', 'expired')),
    capture      TEXT    NOT NULL CHECK (capture IN ('automatic', 'manual')),
    return_url   TEXT,
    callback_url TEXT,
    card         TEXT,
    code_due     INTEGER NOT NULL DEFAULT 0 CHECK (code_due IN (0, 1)),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS payments_by_order ON payments (order_id, id);
CREATE INDEX IF NOT EXISTS payments_open ON payments (expires_at) WHERE state = 'pending';

CREATE TABLE IF NOT EXISTS refunds (
    id         TEXT    PRIMARY KEY,
    payment_id TEXT    NOT NULL REFERENCES payments (id),
    amount     INTEGER NOT NULL CHECK (amount > 0),
    state      TEXT    NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed')),
    reference  TEXT    NOT NULL,
    settles_at INTEGER NOT NULL,
    UNIQUE (payment_id, reference)
) STRICT;
CREATE INDEX IF NOT EXISTS refunds_unsettled ON refunds (settles_at) WHERE state = 'pending';

-- The answer to every Idempotency-Key, written with the effect.
CREATE TABLE IF NOT EXISTS answers (
    key     TEXT    PRIMARY KEY,
    request BLOB    NOT NULL,
    status  INTEGER NOT NULL,
    body    TEXT    NOT NULL
) STRICT;

-- What is to be posted to the shop. A row whose done_at is null is still owed.
CREATE TABLE IF NOT EXISTS callbacks (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    payment_id TEXT    NOT NULL,
    url        TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    forged     INTEGER NOT NULL CHECK (forged IN (0, 1)),
    held       INTEGER NOT NULL CHECK (held IN (0, 1)),
    due_at     INTEGER NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0,
    under_way  INTEGER NOT NULL DEFAULT 0 CHECK (under_way IN (0, 1)),
    done_at    INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS callbacks_owed ON callbacks (due_at) WHERE done_at IS NULL;

CREATE TABLE IF NOT EXISTS faults (
    kind        TEXT    PRIMARY KEY,
    probability REAL    NOT NULL,
    seed        INTEGER NOT NULL,
    delay_ms    INTEGER NOT NULL,
    chances     INTEGER NOT NULL DEFAULT 0
) STRICT;
