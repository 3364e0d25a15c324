-- Differs: SQLite compiles the CHECKs of a table once per connection by itself.
SELECT 1;
