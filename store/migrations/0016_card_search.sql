-- People look for a card by its last four digits.

CREATE INDEX cards_last4 ON cards (client, last4, created_at, id);
