-- Differs: PostgreSQL parses and plans every CHECK of a table anew at each statement that writes it, SQLite does not.

-- Turns the CHECKs of a table into one, whose function is compiled once per connection. What it refuses, it refuses by the
-- name of the CHECK that it stands for. A migration that changes a rule of such a table, or renames, retypes or drops a column that
-- a rule speaks of, drops the constraint and the function "<table>_rules", writes all CHECKs again and calls this again.
CREATE FUNCTION compile_rules(target regclass) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    place record;
    columns text;
    rules text;
    drops text;
BEGIN
    SELECT n.nspname AS schema, c.relname AS name, c.relname || '_rules' AS rules INTO place
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = target;
    SELECT string_agg(format('%1$I CONSTANT %2$s := r.%1$I;', attname, format_type(atttypid, atttypmod)),
            E'\n    ' ORDER BY attnum)
        INTO columns
        FROM pg_attribute
        WHERE attrelid = target
            AND attnum IN (SELECT unnest(conkey) FROM pg_constraint WHERE conrelid = target AND contype = 'c');
    SELECT string_agg(format('WHEN NOT (%s) THEN %L', pg_get_expr(conbin, conrelid), conname),
            E'\n        ' ORDER BY conname),
            string_agg(format('DROP CONSTRAINT %I', conname), ', ')
        INTO rules, drops
        FROM pg_constraint
        WHERE conrelid = target AND contype = 'c';
    EXECUTE format('CREATE FUNCTION %I.%I(r %I.%I) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS %L',
        place.schema, place.rules, place.schema, place.name, format($function$
DECLARE
    %s
    "broken rule" CONSTANT text := CASE
        %s
    END;
BEGIN
    IF "broken rule" IS NOT NULL THEN
        RAISE EXCEPTION 'new row for relation "%%" violates check constraint "%%"', %L, "broken rule"
            USING ERRCODE = 'check_violation', CONSTRAINT = "broken rule", TABLE = %L, SCHEMA = %L;
    END IF;
    RETURN true;
END
$function$, columns, rules, place.name, place.name, place.schema));
    EXECUTE format('ALTER TABLE %I.%I %s, ADD CONSTRAINT %I CHECK (%I.%I(%I.*))',
        place.schema, place.name, drops, place.rules, place.schema, place.rules, place.name);
END
$body$;
