-- Differs: on SQLite the store counts the rows that a statement touched before it goes on.

-- Refuses a statement that did not touch the one row that it has to touch, so that a COMMIT may travel behind it.
CREATE FUNCTION not_one_row() RETURNS integer LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'the statement did not touch the one row that it has to touch' USING ERRCODE = 'ZS001';
END
$body$;
-- A claim is inserted short and becomes long with its answer. Pages that are filled to a tenth by claims have room for
-- their answers, so that no index hears of them.
ALTER TABLE idempotency_keys SET (fillfactor = 10);
