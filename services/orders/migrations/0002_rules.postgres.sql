-- Differs: see compile_rules; orders and their histories are written with every order, and their CHECKs are long.
SELECT compile_rules('orders');
SELECT compile_rules('order_history');
