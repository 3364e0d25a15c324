-- Differs: the store counts the rows that a statement touched before it goes on.
SELECT 1;
