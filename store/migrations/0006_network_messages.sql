-- Parts of authorizations and transactions by the running total, what refunds gave to windows, messages that wait for somebody
-- to resolve their exception, and ended cards that await money or owe some.

ALTER TABLE authorizations ADD COLUMN merchant_settled @int NOT NULL DEFAULT 0;
ALTER TABLE authorizations ADD COLUMN rate @text;

ALTER TABLE transactions ADD COLUMN merchant_refunded @int NOT NULL DEFAULT 0;
ALTER TABLE transactions ADD COLUMN taken @text NOT NULL DEFAULT '[]';
-- What was refunded before this was counted, where it is in the currency of the transaction.
UPDATE transactions SET merchant_refunded = refunded WHERE refunded > 0 AND merchant_currency = currency;

ALTER TABLE exceptions ADD COLUMN deferred @text;
ALTER TABLE exceptions ADD COLUMN entry @bytes;

ALTER TABLE accounts ADD COLUMN unsettled_cards @int NOT NULL DEFAULT 0 CHECK (unsettled_cards >= 0);
UPDATE accounts SET unsettled_cards = (
    SELECT count(*) FROM cards
    JOIN balances ON balances.client = cards.client AND balances.id = cards.id
    WHERE cards.client = accounts.client AND cards.debit_account = accounts.id AND cards.status = 'canceled'
        AND (balances.ledger <> 0 OR balances.held <> 0)
) WHERE EXISTS (
    SELECT 1 FROM cards WHERE cards.client = accounts.client AND cards.debit_account = accounts.id AND cards.status = 'canceled'
);
