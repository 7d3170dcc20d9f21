-- SQLite: what a payment writes is appended. A line lies beside its entry, and the two look-ups whose keys are random, of
-- lines by account and of authorizations by card, are tables that the write-back cache fills in key order.
-- Lines of an account are read from account_lines on both stores.

--@sqlite
ALTER TABLE ledger_lines RENAME TO ledger_lines_by_account;
CREATE TABLE ledger_lines (
    client @bytes NOT NULL CHECK (length(client) = 12),
    entry @bytes NOT NULL CHECK (length(entry) = 12),
    account @bytes NOT NULL CHECK (length(account) = 12),
    seq @int NOT NULL CHECK (seq > 0),
    kind @text NOT NULL,
    authorization_id @bytes,
    currency @text NOT NULL,
    exponent @int NOT NULL,
    delta @int NOT NULL,
    held_delta @int NOT NULL,
    ledger_after @int NOT NULL,
    held_after @int NOT NULL CHECK (held_after >= 0),
    credit_limit @int NOT NULL CHECK (credit_limit >= 0),
    forced @int NOT NULL CHECK (forced IN (0, 1)),
    at @int NOT NULL,
    hash @bytes NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (client, entry, account, seq)
) @table_options;
INSERT INTO ledger_lines (client, entry, account, seq, kind, authorization_id, currency, exponent, delta, held_delta,
    ledger_after, held_after, credit_limit, forced, at, hash)
SELECT client, entry, account, seq, kind, authorization_id, currency, exponent, delta, held_delta,
    ledger_after, held_after, credit_limit, forced, at, hash
FROM ledger_lines_by_account ORDER BY client, entry, account, seq;
CREATE TABLE line_look_ups (
    client @bytes NOT NULL CHECK (length(client) = 12),
    account @bytes NOT NULL CHECK (length(account) = 12),
    seq @int NOT NULL CHECK (seq > 0),
    entry @bytes NOT NULL CHECK (length(entry) = 12),
    PRIMARY KEY (client, account, seq)
) @table_options;
INSERT INTO line_look_ups (client, account, seq, entry)
SELECT client, account, seq, entry FROM ledger_lines_by_account ORDER BY client, account, seq;
DROP TABLE ledger_lines_by_account;
CREATE VIEW account_lines AS
SELECT k.client, k.account, k.seq, k.entry, l.kind, l.authorization_id, l.currency, l.exponent, l.delta, l.held_delta,
    l.ledger_after, l.held_after, l.credit_limit, l.forced, l.at, l.hash
FROM line_look_ups k
JOIN ledger_lines l ON l.client = k.client AND l.entry = k.entry AND l.account = k.account AND l.seq = k.seq;

CREATE TABLE authorization_look_ups (
    client @bytes NOT NULL CHECK (length(client) = 12),
    card @bytes NOT NULL CHECK (length(card) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    PRIMARY KEY (client, card, id)
) @table_options;
INSERT INTO authorization_look_ups (client, card, id)
SELECT client, card, id FROM authorizations WHERE card IS NOT NULL ORDER BY client, card, id;
DROP INDEX authorizations_card;

--@postgres
CREATE VIEW account_lines AS SELECT * FROM ledger_lines;
