-- Orders, their histories, the money that came for them, the slots they take and the numbers they get.

-- One row per order. Lines are a document inside the row: they are frozen at placement, always read whole with their
-- order and never looked for by themselves, so rows of their own would cost three inserts and an index per order and
-- buy nothing; the audit adds them up (MON-6).
CREATE TABLE orders (
    id                    TEXT PRIMARY KEY,
    feed_id               BIGINT NOT NULL,
    shop_id               TEXT NOT NULL,
    guest_id              TEXT NOT NULL,
    channel               TEXT NOT NULL,
    number                BIGINT NOT NULL,
    due_day               TEXT NOT NULL,
    state                 TEXT NOT NULL,
    version               BIGINT NOT NULL,
    payment_method        TEXT NOT NULL,
    payment_state         TEXT NOT NULL,
    paid_by               TEXT,
    paid_at               BIGINT,
    captured_minor        BIGINT NOT NULL,
    refunded_minor        BIGINT NOT NULL,
    fulfilment_kind       TEXT NOT NULL,
    is_asap               BIGINT NOT NULL,
    due_at                BIGINT NOT NULL,
    slot_from_at          BIGINT NOT NULL,
    slot_to_at            BIGINT NOT NULL,
    is_slot_held          BIGINT NOT NULL,
    time_zone             TEXT NOT NULL,
    currency              TEXT NOT NULL,
    items_minor           BIGINT NOT NULL,
    discount_minor        BIGINT NOT NULL,
    points_minor          BIGINT NOT NULL,
    delivery_minor        BIGINT NOT NULL,
    total_minor           BIGINT NOT NULL,
    converted_currency    TEXT,
    converted_total_minor BIGINT,
    conversion_rate       TEXT,
    conversion_source     TEXT,
    converted_at          BIGINT,
    lines                 TEXT NOT NULL,
    comment               TEXT,
    placed_at             BIGINT NOT NULL,
    expires_at            BIGINT NOT NULL,
    updated_at            BIGINT NOT NULL,
    -- While money that came late has its stock taken again: until then the expired order is said to live.
    retaking_until_at     BIGINT,
    CONSTRAINT orders_feed_id_unique UNIQUE (feed_id),
    CONSTRAINT orders_number_unique UNIQUE (shop_id, due_day, number),
    CONSTRAINT orders_channel_known CHECK (channel IN ('api')),
    CONSTRAINT orders_state_known CHECK
        (state IN ('placed', 'paid', 'preparing', 'ready', 'delivering', 'closed', 'expired', 'cancelled')),
    CONSTRAINT orders_payment_method_known CHECK (payment_method IN ('online', 'counter')),
    CONSTRAINT orders_payment_state_known CHECK
        (payment_state IN ('pending', 'paid', 'partially_refunded', 'refunded', 'failed')),
    CONSTRAINT orders_fulfilment_kind_known CHECK (fulfilment_kind IN ('pickup', 'delivery')),
    CONSTRAINT orders_numbers_count CHECK (number > 0 AND version > 0 AND feed_id > 0),
    CONSTRAINT orders_flags CHECK (is_asap IN (0, 1) AND is_slot_held IN (0, 1)),
    CONSTRAINT orders_due_in_slot CHECK (slot_from_at <= due_at AND due_at < slot_to_at),
    -- MON-6.
    CONSTRAINT orders_total_adds_up CHECK
        (items_minor - discount_minor - points_minor + delivery_minor = total_minor),
    CONSTRAINT orders_parts_not_negative CHECK
        (items_minor >= 0 AND discount_minor >= 0 AND points_minor >= 0 AND delivery_minor >= 0 AND total_minor >= 0),
    CONSTRAINT orders_money_not_negative CHECK (refunded_minor >= 0 AND refunded_minor <= captured_minor),
    -- MON-7: another currency comes with its rate, where it is from and its moment, or not at all.
    CONSTRAINT orders_conversion_whole CHECK (
        (converted_currency IS NULL AND converted_total_minor IS NULL AND conversion_rate IS NULL
            AND conversion_source IS NULL AND converted_at IS NULL)
        OR (converted_currency IS NOT NULL AND converted_total_minor >= 0 AND conversion_rate IS NOT NULL
            AND conversion_source IS NOT NULL AND converted_at IS NOT NULL)),
    CONSTRAINT orders_paid_has_receipt CHECK (
        (paid_by IS NULL) = (paid_at IS NULL)
        AND (state NOT IN ('placed', 'expired') OR paid_by IS NULL)
        AND (state NOT IN ('paid', 'preparing', 'ready', 'delivering', 'closed') OR paid_by IS NOT NULL)),
    CONSTRAINT orders_ended_holds_no_slot CHECK (is_slot_held = 0 OR state NOT IN ('expired', 'cancelled')),
    CONSTRAINT orders_retaking_is_expired CHECK (retaking_until_at IS NULL OR state = 'expired'),
    CONSTRAINT orders_delivering_is_delivery CHECK (state <> 'delivering' OR fulfilment_kind = 'delivery')
);

-- Ids grow with time, so lists go by id: no sort key of its own, and the cursor is the id.
CREATE INDEX orders_by_guest ON orders (guest_id, id);
CREATE INDEX orders_by_shop ON orders (shop_id, id);
CREATE INDEX orders_on_board ON orders (shop_id, state, due_at) WHERE state IN ('placed', 'paid', 'preparing', 'ready');
CREATE INDEX orders_unpaid ON orders (expires_at) WHERE state = 'placed';

-- What happened to an order, one row per version; never changed. The first row of an id is written by whoever is
-- first: placement ('placed'), or a question about an order that nobody knows ('entombed', decision 32). The primary
-- key lets only one of them be, so an order that was declared dead cannot be placed later.
CREATE TABLE order_history (
    order_id      TEXT NOT NULL,
    version       BIGINT NOT NULL,
    state         TEXT NOT NULL,
    payment_state TEXT NOT NULL,
    moved_by      TEXT NOT NULL,
    reason        TEXT,
    at            BIGINT NOT NULL,
    CONSTRAINT order_history_once PRIMARY KEY (order_id, version),
    CONSTRAINT order_history_state_known CHECK
        (state IN ('entombed', 'placed', 'paid', 'preparing', 'ready', 'delivering', 'closed', 'expired', 'cancelled')),
    CONSTRAINT order_history_begins CHECK
        ((version = 1 AND state IN ('entombed', 'placed')) OR (version > 1 AND state <> 'entombed')),
    CONSTRAINT order_history_moved_by_known CHECK (moved_by IN ('guest', 'staff', 'system'))
);

-- Every attempt to pay as payments last told it; an older version is not heard any more.
CREATE TABLE order_payments (
    order_id       TEXT NOT NULL,
    payment_id     TEXT NOT NULL,
    attempt        BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    state          TEXT NOT NULL,
    currency       TEXT NOT NULL,
    captured_minor BIGINT NOT NULL,
    refunded_minor BIGINT NOT NULL,
    CONSTRAINT order_payments_once PRIMARY KEY (order_id, payment_id),
    CONSTRAINT order_payments_of_order FOREIGN KEY (order_id) REFERENCES orders (id),
    CONSTRAINT order_payments_refunds_within CHECK (refunded_minor >= 0 AND refunded_minor <= captured_minor)
);

-- The places of a slot that are taken, where the shop limits them. `capacity` is the shop's word at the last time a
-- place was taken: less capacity later refuses new orders and never breaks old ones. After a change of the slots' length
-- or of the hours old and new slots overlap: `elsewhere` is what the others that overlap this one had taken when that was
-- last counted.
CREATE TABLE order_slots (
    shop_id   TEXT NOT NULL,
    from_at   BIGINT NOT NULL,
    to_at     BIGINT NOT NULL,
    taken     BIGINT NOT NULL,
    elsewhere BIGINT NOT NULL,
    capacity  BIGINT NOT NULL,
    CONSTRAINT order_slots_once PRIMARY KEY (shop_id, from_at),
    CONSTRAINT order_slots_some_time CHECK (from_at < to_at),
    CONSTRAINT order_slots_not_oversold CHECK (taken >= 0 AND elsewhere >= 0 AND taken <= capacity)
);

-- How many unpaid orders a guest has open, by method: the cap is a conditional update here, since counting rows
-- would let two placements at once both find room.
CREATE TABLE order_guests (
    guest_id       TEXT NOT NULL,
    payment_method TEXT NOT NULL,
    unpaid         BIGINT NOT NULL,
    CONSTRAINT order_guests_once PRIMARY KEY (guest_id, payment_method),
    CONSTRAINT order_guests_not_negative CHECK (unpaid >= 0)
);

-- How far numbers are handed out, in blocks: pickup numbers per shop and day, feed ids.
CREATE TABLE order_sequences (
    name  TEXT PRIMARY KEY,
    taken BIGINT NOT NULL
);
