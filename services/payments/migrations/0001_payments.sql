-- What payments needs of an order: its own copy, frozen when the order was placed.
CREATE TABLE payment_orders (
    order_id    TEXT   NOT NULL,
    guest_id    TEXT   NOT NULL,
    shop_id     TEXT   NOT NULL,
    total_minor BIGINT NOT NULL,
    currency    TEXT   NOT NULL,
    return_url  TEXT,
    placed_at   BIGINT NOT NULL,
    -- How many units of each line were sold, as JSON: what refunds by line are held against.
    lines       TEXT   NOT NULL,
    -- The payment whose success counts. Set once, by conditional update: a second success finds it taken.
    paid_by     TEXT,
    CONSTRAINT payment_orders_pk PRIMARY KEY (order_id),
    -- Orders refuses to place an order for nothing: there would be nothing to pay and nobody to ask.
    CONSTRAINT payment_orders_total CHECK (total_minor > 0)
);

-- Orders that ended. A table of its own, since the news of the end may come before the news of the order.
CREATE TABLE payment_order_ends (
    order_id TEXT   NOT NULL,
    ended    BIGINT NOT NULL,
    version  BIGINT NOT NULL,
    CONSTRAINT payment_order_ends_pk PRIMARY KEY (order_id),
    CONSTRAINT payment_order_ends_flag CHECK (ended IN (0, 1))
);

CREATE TABLE payments (
    id                   TEXT   NOT NULL,
    order_id             TEXT   NOT NULL,
    shop_id              TEXT   NOT NULL,
    guest_id             TEXT   NOT NULL,
    attempt              BIGINT NOT NULL,
    provider             TEXT   NOT NULL,
    state                TEXT   NOT NULL,
    currency             TEXT   NOT NULL,
    amount_minor         BIGINT NOT NULL,
    authorized_minor     BIGINT NOT NULL,
    captured_minor       BIGINT NOT NULL,
    refunded_minor       BIGINT NOT NULL,
    refund_pending_minor BIGINT NOT NULL,
    -- Why a person should look; the money is safe either way.
    alarm                TEXT,
    provider_ref         TEXT,
    page_url             TEXT,
    return_url           TEXT,
    received_how         TEXT,
    received_reference   TEXT,
    cancel_wanted        BIGINT NOT NULL,
    -- When the provider is asked if it says nothing by itself; null when there is nothing to ask.
    ask_at               BIGINT,
    asks                 BIGINT NOT NULL,
    version              BIGINT NOT NULL,
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL,
    CONSTRAINT payments_pk PRIMARY KEY (id),
    CONSTRAINT payments_order FOREIGN KEY (order_id) REFERENCES payment_orders (order_id),
    CONSTRAINT payments_attempt_unique UNIQUE (order_id, attempt),
    CONSTRAINT payments_reference_unique UNIQUE (provider, provider_ref),
    CONSTRAINT payments_provider CHECK (provider IN ('sandbox', 'counter')),
    CONSTRAINT payments_state CHECK (state IN ('created', 'pending', 'authorized', 'captured', 'partially_refunded',
                                               'refunded', 'failed', 'expired', 'cancelled', 'unknown')),
    CONSTRAINT payments_received CHECK (received_how IN ('cash', 'terminal')),
    CONSTRAINT payments_cancel_flag CHECK (cancel_wanted IN (0, 1)),
    CONSTRAINT payments_amount CHECK (amount_minor > 0),
    CONSTRAINT payments_captured CHECK (captured_minor >= 0 AND captured_minor <= authorized_minor),
    CONSTRAINT payments_refunded CHECK (refunded_minor >= 0 AND refund_pending_minor >= 0
                                        AND refunded_minor + refund_pending_minor <= captured_minor),
    -- Money that counts for an order is the order's whole amount (MON-5, and the attacks on it).
    CONSTRAINT payments_captured_in_full CHECK (state NOT IN ('captured', 'partially_refunded')
                                                OR captured_minor = amount_minor),
    CONSTRAINT payments_state_and_money CHECK (
        CASE state
            WHEN 'captured' THEN refunded_minor = 0
            WHEN 'partially_refunded' THEN refunded_minor > 0 AND refunded_minor < captured_minor
            WHEN 'refunded' THEN captured_minor > 0 AND refunded_minor = captured_minor
            -- Money that does not count is taken by a payment that failed, until all of it has gone back.
            WHEN 'failed' THEN captured_minor = 0 OR refunded_minor < captured_minor
            ELSE captured_minor = 0
        END)
);
-- MON-5: at most one payment whose money counts for an order.
CREATE UNIQUE INDEX payments_one_captured ON payments (order_id) WHERE state IN ('captured', 'partially_refunded');
CREATE INDEX payments_by_time ON payments (created_at, id);
CREATE INDEX payments_by_shop ON payments (shop_id, created_at, id);
CREATE INDEX payments_to_ask ON payments (ask_at) WHERE ask_at IS NOT NULL;
CREATE INDEX payments_alarms ON payments (created_at, id) WHERE alarm IS NOT NULL;

CREATE TABLE refunds (
    id           TEXT   NOT NULL,
    payment_id   TEXT   NOT NULL,
    currency     TEXT   NOT NULL,
    amount_minor BIGINT NOT NULL,
    state        TEXT   NOT NULL,
    -- What asked for it: a request of a person, an event of the order, the rule on stray money. Never twice.
    source       TEXT   NOT NULL,
    reason       TEXT   NOT NULL,
    lines        TEXT,
    by_user      TEXT,
    provider_ref TEXT,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    CONSTRAINT refunds_pk PRIMARY KEY (id),
    CONSTRAINT refunds_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT refunds_source_unique UNIQUE (payment_id, source),
    CONSTRAINT refunds_amount CHECK (amount_minor > 0),
    CONSTRAINT refunds_state CHECK (state IN ('pending', 'unknown', 'succeeded', 'failed'))
);

-- Callbacks as they came, after their signature was found good.
CREATE TABLE payment_callbacks (
    provider     TEXT   NOT NULL,
    event_id     TEXT   NOT NULL,
    provider_ref TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    body         TEXT   NOT NULL,
    matched      BIGINT NOT NULL,
    received_at  BIGINT NOT NULL,
    CONSTRAINT payment_callbacks_pk PRIMARY KEY (provider, event_id),
    CONSTRAINT payment_callbacks_flag CHECK (matched IN (0, 1))
);
CREATE INDEX payment_callbacks_unmatched ON payment_callbacks (provider, provider_ref) WHERE matched = 0;
CREATE INDEX payment_callbacks_old ON payment_callbacks (received_at) WHERE matched = 1;
