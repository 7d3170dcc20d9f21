-- Wrong expiries and codes of a card, and the day they were tried on: days since 1970-01-01 in UTC.

ALTER TABLE card_secrets ADD COLUMN wrong_tries @int NOT NULL DEFAULT 0;
ALTER TABLE card_secrets ADD COLUMN wrong_tries_day @int NOT NULL DEFAULT 0;
