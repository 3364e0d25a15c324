-- Differs from the SQLite text in how triggers are written, and in what a whole number needs no check for. Both guard
-- the same three rules: rows are only added; the entries of a transaction come first and its header last, which is
-- accepted only if they balance in each currency; after its header a transaction takes no more entries (MON-1, MON-2).
CREATE TABLE ledger_entries (
    transaction_id TEXT   NOT NULL,
    line           BIGINT NOT NULL,
    account        TEXT   NOT NULL,
    currency       TEXT   NOT NULL,
    debit_minor    BIGINT NOT NULL,
    credit_minor   BIGINT NOT NULL,
    CONSTRAINT ledger_entries_pk PRIMARY KEY (transaction_id, line),
    CONSTRAINT ledger_entries_one_side CHECK ((debit_minor > 0 AND credit_minor = 0) OR (debit_minor = 0 AND credit_minor > 0))
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

CREATE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_entries WHERE transaction_id = NEW.id)
       OR EXISTS (SELECT 1 FROM ledger_entries WHERE transaction_id = NEW.id
                  GROUP BY currency HAVING sum(debit_minor) <> sum(credit_minor)) THEN
        RAISE EXCEPTION 'the entries of % do not balance', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
    END IF;
    RETURN NEW;
END
$body$;
CREATE FUNCTION ledger_closed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_transactions WHERE id = NEW.transaction_id) THEN
        RAISE EXCEPTION 'the transaction % is closed', NEW.transaction_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_closed';
    END IF;
    RETURN NEW;
END
$body$;
CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_append_only';
END
$body$;

CREATE TRIGGER ledger_transactions_balanced BEFORE INSERT ON ledger_transactions
FOR EACH ROW EXECUTE FUNCTION ledger_balanced();
CREATE TRIGGER ledger_entries_closed BEFORE INSERT ON ledger_entries
FOR EACH ROW EXECUTE FUNCTION ledger_closed();
CREATE TRIGGER ledger_entries_keep BEFORE UPDATE OR DELETE ON ledger_entries
FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_transactions_keep BEFORE UPDATE OR DELETE ON ledger_transactions
FOR EACH ROW EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_entries_whole BEFORE TRUNCATE ON ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
CREATE TRIGGER ledger_transactions_whole BEFORE TRUNCATE ON ledger_transactions
FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only();
