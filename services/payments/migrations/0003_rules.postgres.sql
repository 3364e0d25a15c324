-- Differs: see compile_rules; payments are written with every order, and their CHECKs are long.
SELECT compile_rules('payments');
