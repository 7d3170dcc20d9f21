-- Authorizations, what was posted, what was spent, what did not fit, and what messages are found by.

CREATE TABLE counters (
    client @bytes NOT NULL CHECK (length(client) = 12),
    owner @bytes NOT NULL CHECK (length(owner) = 12),
    windows @text NOT NULL,
    payments @int NOT NULL CHECK (payments >= 0),
    answered @bytes NOT NULL,
    PRIMARY KEY (client, owner)
) @table_options;

CREATE TABLE authorizations (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    card @bytes,
    card_holder @bytes,
    account @bytes,
    kind @text NOT NULL CHECK (kind IN ('purchase', 'cash_withdrawal', 'deposit', 'transfer', 'payment', 'account_verification')),
    channel @text NOT NULL CHECK (channel IN ('atm', 'pos', 'web', 'mobile')),
    status @text NOT NULL CHECK (status IN ('pending', 'approved', 'declined', 'reversed', 'expired', 'closed')),
    reason @text,
    currency @text NOT NULL,
    exponent @int NOT NULL,
    asked @int NOT NULL CHECK (asked >= 0),
    approved @int NOT NULL CHECK (approved >= 0),
    open_amount @int NOT NULL CHECK (open_amount >= 0 AND (open_amount = 0 OR status = 'approved')),
    open_fee @int NOT NULL CHECK (open_fee >= 0 AND (open_fee = 0 OR status = 'approved')),
    cleared @int NOT NULL CHECK (cleared >= 0),
    reversed @int NOT NULL CHECK (reversed >= 0),
    refunded @int NOT NULL CHECK (refunded >= 0),
    merchant_amount @int NOT NULL,
    merchant_currency @text NOT NULL,
    merchant_category @text NOT NULL,
    merchant_name @text NOT NULL,
    merchant @text NOT NULL,
    trace @text NOT NULL,
    network_transaction_id @text NOT NULL,
    stand_in @int NOT NULL CHECK (stand_in IN (0, 1)),
    fee_terms @text NOT NULL,
    decided @text NOT NULL,
    taken @text NOT NULL,
    timeline @text NOT NULL,
    expires_at @int,
    due_at @int CHECK (due_at IS NULL OR status = 'approved'),
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @long_rows;
CREATE INDEX authorizations_created ON authorizations (client, created_at, id);
CREATE INDEX authorizations_card ON authorizations (client, card, id);
CREATE INDEX authorizations_due ON authorizations (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE transactions (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    card @bytes NOT NULL CHECK (length(card) = 12),
    card_holder @bytes NOT NULL CHECK (length(card_holder) = 12),
    account @bytes NOT NULL CHECK (length(account) = 12),
    authorization_id @bytes,
    original @bytes,
    kind @text NOT NULL CHECK (kind IN ('capture', 'refund', 'refund_reversal', 'force_post')),
    usage @text NOT NULL,
    channel @text NOT NULL CHECK (channel IN ('atm', 'pos', 'web', 'mobile')),
    currency @text NOT NULL,
    exponent @int NOT NULL,
    amount @int NOT NULL,
    fee @int NOT NULL,
    vat @int NOT NULL,
    merchant_amount @int NOT NULL,
    merchant_currency @text NOT NULL,
    merchant_category @text NOT NULL,
    merchant_name @text NOT NULL,
    merchant @text NOT NULL,
    trace @text NOT NULL,
    network_transaction_id @text NOT NULL,
    refunded @int NOT NULL CHECK (refunded >= 0),
    entry @bytes NOT NULL CHECK (length(entry) = 12),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;
CREATE INDEX transactions_created ON transactions (client, created_at, id);
CREATE INDEX transactions_card ON transactions (client, card, id);

CREATE TABLE network_references (
    client @bytes NOT NULL CHECK (length(client) = 12),
    hash @bytes NOT NULL CHECK (length(hash) = 32),
    kind @text NOT NULL CHECK (kind IN ('authorization', 'posting', 'reversal')),
    object @bytes NOT NULL CHECK (length(object) = 12),
    PRIMARY KEY (client, hash)
) @table_options;

CREATE TABLE exceptions (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    kind @text NOT NULL,
    status @text NOT NULL CHECK (status IN ('open', 'resolved')),
    card @bytes,
    authorization_id @bytes,
    posting @bytes,
    amount @int NOT NULL,
    currency @text NOT NULL,
    exponent @int NOT NULL,
    trace @text NOT NULL,
    network_transaction_id @text NOT NULL,
    note @text,
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;
CREATE INDEX exceptions_created ON exceptions (client, created_at, id);
