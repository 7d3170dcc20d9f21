-- Whether a PIN was entered for a transaction. Of those from before it is not known: they say no, as they did.

ALTER TABLE transactions ADD COLUMN with_pin @int NOT NULL DEFAULT 0 CHECK (with_pin IN (0, 1));
