-- How the money of a refund goes back. All that went before took the way that it had come.
ALTER TABLE refunds ADD COLUMN how TEXT NOT NULL DEFAULT 'provider'
    CONSTRAINT refunds_how CHECK (how IN ('provider', 'cash'));
