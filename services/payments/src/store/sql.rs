//! All SQL of payments: one text for both databases.

/// The columns of a payment, in the order of `payments::read`.
macro_rules! payment_columns {
    () => {
        "id, order_id, shop_id, guest_id, attempt, provider, state, currency, amount_minor, authorized_minor, \
         captured_minor, refunded_minor, refund_pending_minor, alarm, provider_ref, page_url, return_url, received_how, \
         received_reference, cancel_wanted, ask_at, asks, version, created_at, updated_at"
    };
}

/// The columns of a refund, in the order of `refunds::read`.
macro_rules! refund_columns {
    () => {
        "id, payment_id, currency, amount_minor, state, source, reason, lines, by_user, provider_ref, created_at, \
         updated_at, how"
    };
}

/// What a list of payments may be narrowed by besides what its index serves. An empty text or the far end of time is
/// a filter that is not set.
macro_rules! narrowed {
    () => {
        "($3 = '' OR state = $3) AND ($4 = '' OR provider = $4) AND created_at >= $5 AND created_at < $6 \
         AND (created_at, id) < ($8, $9) ORDER BY created_at DESC, id DESC LIMIT $10"
    };
}

/// The shops of `lists::Scope`.
macro_rules! of_shops {
    ($shops:literal) => {
        concat!("(", $shops, " = '*' OR ", $shops, " LIKE '%' || shop_id || '%')")
    };
}

/// A page of the ledger with its lines: the transactions first, so that the limit counts them.
macro_rules! ledger_page {
    ($wanted:expr) => {
        concat!(
            "SELECT t.id, t.kind, t.payment_id, t.order_id, t.shop_id, t.posted_at, e.account, e.currency, \
             e.debit_minor, e.credit_minor FROM \
             (SELECT id, kind, payment_id, order_id, shop_id, posted_at FROM ledger_transactions WHERE ",
            $wanted,
            ") t \
             JOIN ledger_entries e ON e.transaction_id = t.id ORDER BY t.posted_at, t.id, e.line"
        )
    };
}

store::statements! {
    /// An order that was not heard of before.
    INSERT_ORDER = "INSERT INTO payment_orders \
        (order_id, guest_id, shop_id, total_minor, currency, return_url, placed_at, lines) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (order_id) DO NOTHING \
        RETURNING (SELECT ended FROM payment_order_ends WHERE payment_order_ends.order_id = $1)";
    /// How many of each line were sold.
    SOLD_LINES = "SELECT lines FROM payment_orders WHERE order_id = $1";
    /// An order.
    ORDER = "SELECT order_id, guest_id, shop_id, total_minor, currency, return_url, placed_at, paid_by \
        FROM payment_orders WHERE order_id = $1";
    /// An order whose money is about to move: everything about it waits here.
    LOCK_ORDER = "SELECT order_id, guest_id, shop_id, total_minor, currency, return_url, placed_at, paid_by \
        FROM payment_orders WHERE order_id = $1 FOR UPDATE";
    /// The first success takes the order; a second finds it taken.
    CLAIM_ORDER = "UPDATE payment_orders SET paid_by = $2 WHERE order_id = $1 AND paid_by IS NULL";
    /// A new order meets the news of its end, whichever comes first: both write this row, so neither misses the other.
    ENTER_ORDER = "INSERT INTO payment_order_ends (order_id, ended, version) VALUES ($1, 0, 0) \
        ON CONFLICT (order_id) DO UPDATE SET version = payment_order_ends.version";
    /// Whether an order ended, by the newest news.
    UPSERT_END = "INSERT INTO payment_order_ends (order_id, ended, version) VALUES ($1, $2, $3) \
        ON CONFLICT (order_id) DO UPDATE SET ended = excluded.ended, version = excluded.version \
        WHERE payment_order_ends.version < excluded.version";
    /// Whether an order ended.
    END = "SELECT ended FROM payment_order_ends WHERE order_id = $1";

    /// A new attempt.
    INSERT_PAYMENT = concat!("INSERT INTO payments (", payment_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
        $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)");
    /// A payment.
    PAYMENT = concat!("SELECT ", payment_columns!(), " FROM payments WHERE id = $1");
    /// A payment that is about to change.
    LOCK_PAYMENT = concat!("SELECT ", payment_columns!(), " FROM payments WHERE id = $1 FOR UPDATE");
    /// All attempts of an order.
    PAYMENTS_OF_ORDER = concat!("SELECT ", payment_columns!(), " FROM payments WHERE order_id = $1 ORDER BY attempt");
    /// All attempts of an order that are about to change.
    LOCK_ATTEMPTS = concat!("SELECT ", payment_columns!(), " FROM payments WHERE order_id = $1 ORDER BY attempt FOR UPDATE");
    /// The payment that a provider means.
    PAYMENT_OF_REFERENCE = concat!("SELECT ", payment_columns!(), " FROM payments WHERE provider = $1 AND provider_ref = $2");
    /// A payment after a change; the version that it was read with must still be there.
    SAVE_PAYMENT = "UPDATE payments SET state = $3, authorized_minor = $4, captured_minor = $5, refunded_minor = $6, \
        refund_pending_minor = $7, alarm = $8, provider_ref = $9, page_url = $10, received_how = $11, \
        received_reference = $12, cancel_wanted = $13, ask_at = $14, asks = $15, version = $16, updated_at = $17 \
        WHERE id = $1 AND version = $2";
    /// A refund takes its part of what was captured, or nothing: the three sums are compared where they are changed.
    RESERVE_REFUND = "UPDATE payments SET refund_pending_minor = refund_pending_minor + $2, version = version + 1, \
        updated_at = $3, ask_at = $4, asks = 0 \
        WHERE id = $1 AND refunded_minor + refund_pending_minor + $2 <= captured_minor";
    /// What the provider has to be asked about.
    DUE = "SELECT id FROM payments WHERE ask_at IS NOT NULL AND ask_at <= $1 ORDER BY ask_at LIMIT $2";
    /// It was asked: when again.
    ASKED = "UPDATE payments SET asks = asks + 1, ask_at = $2 WHERE id = $1 AND ask_at IS NOT NULL";

    /// A new refund; nothing when its source has asked before.
    INSERT_REFUND = concat!("INSERT INTO refunds (", refund_columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
        $11, $12, $13) ON CONFLICT (payment_id, source) DO NOTHING");
    /// A refund that is about to change.
    LOCK_REFUND = concat!("SELECT ", refund_columns!(), " FROM refunds WHERE id = $1 FOR UPDATE");
    /// The refunds of a payment.
    REFUNDS_OF = concat!("SELECT ", refund_columns!(), " FROM refunds WHERE payment_id = $1 ORDER BY created_at, id");
    /// A refund after a move.
    SAVE_REFUND = "UPDATE refunds SET state = $2, provider_ref = $3, updated_at = $4 WHERE id = $1";

    /// A callback, once per event of the provider.
    INSERT_CALLBACK = "INSERT INTO payment_callbacks \
        (provider, event_id, provider_ref, kind, body, matched, received_at) \
        VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (provider, event_id) DO NOTHING";
    /// The callbacks of a payment that is known now.
    MATCH_CALLBACKS = "UPDATE payment_callbacks SET matched = 1 \
        WHERE provider = $1 AND provider_ref = $2 AND matched = 0";
    /// The oldest callbacks that were looked into.
    PRUNE_CALLBACKS = "DELETE FROM payment_callbacks WHERE (provider, event_id) IN \
        (SELECT provider, event_id FROM payment_callbacks WHERE matched = 1 AND received_at < $1 \
         ORDER BY received_at LIMIT $2)";
    /// A line; before its header.
    INSERT_ENTRY = "INSERT INTO ledger_entries (transaction_id, line, account, currency, debit_minor, credit_minor) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    /// The header; a trigger refuses it unless its lines balance.
    INSERT_TRANSACTION = "INSERT INTO ledger_transactions (id, kind, source, payment_id, order_id, shop_id, posted_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    /// The transactions of an order.
    LEDGER_OF_ORDER = ledger_page!(concat!("order_id = $1 AND ", of_shops!("$2"),
        " AND (posted_at, id) > ($3, $4) ORDER BY posted_at, id LIMIT $5"));
    /// All transactions.
    LEDGER = ledger_page!(concat!(of_shops!("$1"), " AND (posted_at, id) > ($2, $3) ORDER BY posted_at, id LIMIT $4"));

    /// Payments, newest first.
    LIST_PAYMENTS = concat!("SELECT ", payment_columns!(), " FROM payments WHERE ", of_shops!("$1"), " AND ($2 = '' OR order_id = $2) \
        AND (CAST($7 AS BIGINT) = 0 OR alarm IS NOT NULL) AND ", narrowed!());
    /// The same of one shop, by its index.
    LIST_PAYMENTS_OF_SHOP = concat!("SELECT ", payment_columns!(), " FROM payments WHERE shop_id = $1 AND ($2 = '' OR order_id = $2) \
        AND (CAST($7 AS BIGINT) = 0 OR alarm IS NOT NULL) AND ", narrowed!());
    /// The same of one order: an index leads to its few attempts.
    LIST_PAYMENTS_OF_ORDER = concat!("SELECT ", payment_columns!(), " FROM payments WHERE order_id = $2 AND ", of_shops!("$1"), " \
        AND (CAST($7 AS BIGINT) = 0 OR alarm IS NOT NULL) AND ", narrowed!());
    /// The same that a person should look at: there are few, and an index of them alone.
    LIST_ALARMED_PAYMENTS = concat!("SELECT ", payment_columns!(), " FROM payments WHERE alarm IS NOT NULL AND ", of_shops!("$1"), " \
        AND ($2 = '' OR order_id = $2) AND CAST($7 AS BIGINT) = 1 AND ", narrowed!());
    /// What is with us of each order's money, over all its attempts.
    HELD_BY_ORDER = "SELECT order_id, CAST(SUM(captured_minor - refunded_minor) AS BIGINT), currency FROM payments \
        WHERE captured_minor > 0 GROUP BY order_id, currency ORDER BY order_id";
    /// What of an order's money is on its way back, and asked about.
    GOING_BACK_BY_ORDER = "SELECT order_id, CAST(SUM(refund_pending_minor) AS BIGINT), currency FROM payments \
        WHERE refund_pending_minor > 0 AND ask_at IS NOT NULL GROUP BY order_id, currency ORDER BY order_id";
    /// Ledger transactions whose sides differ.
    UNBALANCED = "SELECT transaction_id, CAST(SUM(debit_minor) AS BIGINT), CAST(SUM(credit_minor) AS BIGINT) \
        FROM ledger_entries GROUP BY transaction_id, currency \
        HAVING SUM(debit_minor) <> SUM(credit_minor) ORDER BY transaction_id";
    /// Lines without a header and headers without lines.
    LEDGER_HALVES = "SELECT DISTINCT transaction_id AS id FROM ledger_entries \
        WHERE NOT EXISTS (SELECT 1 FROM ledger_transactions WHERE id = transaction_id) \
        UNION SELECT id FROM ledger_transactions \
        WHERE NOT EXISTS (SELECT 1 FROM ledger_entries WHERE transaction_id = ledger_transactions.id)";
    /// Payments of which the ledger says something else than they do.
    LEDGER_DIFFERENCES = "SELECT p.id, p.captured_minor, p.refunded_minor, \
            CAST(COALESCE(l.posted_in, 0) AS BIGINT), CAST(COALESCE(l.posted_out, 0) AS BIGINT) \
        FROM payments p LEFT JOIN ( \
            SELECT t.payment_id, \
                SUM(CASE WHEN t.kind IN ('capture', 'stray') THEN e.debit_minor ELSE 0 END) AS posted_in, \
                SUM(CASE WHEN t.kind IN ('refund', 'stray_return') THEN e.debit_minor ELSE 0 END) AS posted_out \
            FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id GROUP BY t.payment_id \
        ) l ON l.payment_id = p.id \
        WHERE p.captured_minor <> COALESCE(l.posted_in, 0) OR p.refunded_minor <> COALESCE(l.posted_out, 0) \
        ORDER BY p.id";
    /// Payments whose sums are not those of their refunds, or out of bounds.
    REFUND_DIFFERENCES = "SELECT p.id, p.captured_minor, p.refunded_minor, p.refund_pending_minor, \
            CAST(COALESCE(r.succeeded, 0) AS BIGINT), CAST(COALESCE(r.under_way, 0) AS BIGINT) \
        FROM payments p LEFT JOIN ( \
            SELECT payment_id, \
                SUM(CASE WHEN state = 'succeeded' THEN amount_minor ELSE 0 END) AS succeeded, \
                SUM(CASE WHEN state IN ('pending', 'unknown') THEN amount_minor ELSE 0 END) AS under_way \
            FROM refunds GROUP BY payment_id \
        ) r ON r.payment_id = p.id \
        WHERE p.refunded_minor <> COALESCE(r.succeeded, 0) OR p.refund_pending_minor <> COALESCE(r.under_way, 0) \
           OR p.refunded_minor < 0 OR p.refund_pending_minor < 0 OR p.captured_minor > p.authorized_minor \
           OR p.refunded_minor + p.refund_pending_minor > p.captured_minor \
        ORDER BY p.id";
    /// Orders that several payments count for, or another than the one they were claimed by.
    COUNTED_TWICE = "SELECT p.order_id FROM payments p JOIN payment_orders o ON o.order_id = p.order_id \
        WHERE p.state IN ('captured', 'partially_refunded') \
        GROUP BY p.order_id \
        HAVING COUNT(*) > 1 OR SUM(CASE WHEN o.paid_by = p.id THEN 1 ELSE 0 END) = 0 ORDER BY p.order_id";
    /// Money that does not count and is not on its way back.
    STRAY_MONEY = "SELECT id, order_id, captured_minor - refunded_minor - refund_pending_minor FROM payments \
        WHERE state = 'failed' AND captured_minor > refunded_minor + refund_pending_minor ORDER BY id";
    /// Payments that the bank has to know, each with what of it went back past the bank.
    OPENED_AT_BANK = concat!("SELECT ", payment_columns!(), ", \
            (SELECT CAST(COALESCE(SUM(r.amount_minor), 0) AS BIGINT) FROM refunds r \
             WHERE r.payment_id = payments.id AND r.how = 'cash' AND r.state = 'succeeded') \
        FROM payments \
        WHERE provider = 'sandbox' AND provider_ref IS NOT NULL AND id > $1 ORDER BY id LIMIT $2");
    /// Payments made since a time, in order of id, for the audit.
    PAYMENTS_MADE = concat!("SELECT ", payment_columns!(), " FROM payments \
        WHERE id > $1 AND created_at >= $2 ORDER BY id LIMIT $3");
}
