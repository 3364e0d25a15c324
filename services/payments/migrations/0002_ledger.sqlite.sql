-- Two texts, because triggers are written differently. Both guard the same three rules: rows are only added; the
-- entries of a transaction come first and its header last, which is accepted only if they balance in each currency;
-- after its header a transaction takes no more entries (MON-1, MON-2).
CREATE TABLE ledger_entries (
    transaction_id TEXT   NOT NULL,
    line           BIGINT NOT NULL,
    account        TEXT   NOT NULL,
    currency       TEXT   NOT NULL,
    debit_minor    BIGINT NOT NULL,
    credit_minor   BIGINT NOT NULL,
    CONSTRAINT ledger_entries_pk PRIMARY KEY (transaction_id, line),
    CONSTRAINT ledger_entries_one_side CHECK ((debit_minor > 0 AND credit_minor = 0) OR (debit_minor = 0 AND credit_minor > 0)),
    CONSTRAINT ledger_entries_whole CHECK (typeof(debit_minor) = 'integer' AND typeof(credit_minor) = 'integer')
);

CREATE TABLE ledger_transactions (
    id         TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    -- The fact that is posted (the capture of a payment, one refund): posted once.
    source     TEXT   NOT NULL,
    payment_id TEXT   NOT NULL,
    order_id   TEXT   NOT NULL,
    shop_id    TEXT   NOT NULL,
    posted_at  BIGINT NOT NULL,
    CONSTRAINT ledger_transactions_pk PRIMARY KEY (id),
    CONSTRAINT ledger_transactions_source_unique UNIQUE (source),
    CONSTRAINT ledger_transactions_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT ledger_transactions_kind CHECK (kind IN ('capture', 'refund', 'stray', 'stray_return'))
);
CREATE INDEX ledger_transactions_by_order ON ledger_transactions (order_id, posted_at, id);
CREATE INDEX ledger_transactions_by_time ON ledger_transactions (posted_at, id);
CREATE INDEX ledger_transactions_by_payment ON ledger_transactions (payment_id);

CREATE TRIGGER ledger_transactions_balanced BEFORE INSERT ON ledger_transactions BEGIN
    SELECT RAISE(ABORT, 'ledger_balanced')
    WHERE NOT EXISTS (SELECT 1 FROM ledger_entries WHERE transaction_id = NEW.id)
       OR EXISTS (SELECT 1 FROM ledger_entries WHERE transaction_id = NEW.id
                  GROUP BY currency HAVING sum(debit_minor) <> sum(credit_minor));
END;
CREATE TRIGGER ledger_entries_closed BEFORE INSERT ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'ledger_closed') WHERE EXISTS (SELECT 1 FROM ledger_transactions WHERE id = NEW.transaction_id);
END;
CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries BEGIN SELECT RAISE(ABORT, 'ledger_append_only'); END;
CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries BEGIN SELECT RAISE(ABORT, 'ledger_append_only'); END;
CREATE TRIGGER ledger_transactions_no_update BEFORE UPDATE ON ledger_transactions BEGIN SELECT RAISE(ABORT, 'ledger_append_only'); END;
CREATE TRIGGER ledger_transactions_no_delete BEFORE DELETE ON ledger_transactions BEGIN SELECT RAISE(ABORT, 'ledger_append_only'); END;
