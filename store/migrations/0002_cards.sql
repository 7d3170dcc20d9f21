-- Card holders, their documents, cards and what they are found by. Sealed content is opaque here.

ALTER TABLE idempotency ADD COLUMN subject @bytes;
ALTER TABLE tokens ADD COLUMN card_holder @bytes;
ALTER TABLE tokens ADD COLUMN card @bytes;

CREATE TABLE card_holders (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    name @text NOT NULL,
    status @text NOT NULL CHECK (status IN ('active', 'inactive', 'blocked')),
    holder_key @bytes,
    personal @bytes,
    email_hash @bytes CHECK (length(email_hash) = 32),
    phone_hash @bytes CHECK (length(phone_hash) = 32),
    birth_date_hash @bytes CHECK (length(birth_date_hash) = 32),
    document_number_hash @bytes CHECK (length(document_number_hash) = 32),
    metadata @text,
    document_status @text CHECK (document_status IN ('pending', 'verified', 'rejected', 'expired')),
    document_expires @int,
    proof_status @text CHECK (proof_status IN ('pending', 'verified', 'rejected', 'expired')),
    files @text NOT NULL,
    documents @int NOT NULL CHECK (documents >= 0),
    spending_limits @text NOT NULL,
    live_cards @int NOT NULL CHECK (live_cards >= 0),
    retain_from @int NOT NULL,
    erased_at @int,
    event_seq @int NOT NULL CHECK (event_seq >= 0),
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id),
    CHECK (erased_at IS NULL OR (name = '' AND holder_key IS NULL AND personal IS NULL AND metadata IS NULL
        AND email_hash IS NULL AND phone_hash IS NULL AND birth_date_hash IS NULL AND document_number_hash IS NULL)),
    CHECK (erased_at IS NOT NULL OR (holder_key IS NOT NULL AND personal IS NOT NULL))
) @long_rows;
CREATE INDEX card_holders_created ON card_holders (client, created_at, id);
CREATE INDEX card_holders_email ON card_holders (client, email_hash) WHERE email_hash IS NOT NULL;
CREATE INDEX card_holders_phone ON card_holders (client, phone_hash) WHERE phone_hash IS NOT NULL;

CREATE TABLE documents (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    card_holder @bytes NOT NULL CHECK (length(card_holder) = 12),
    part @text NOT NULL CHECK (part IN ('documentMain', 'documentBack', 'proofOfAddress')),
    file_type @text NOT NULL CHECK (file_type IN ('image/jpeg', 'image/png', 'application/pdf')),
    size @int NOT NULL CHECK (size > 0),
    content_hash @bytes NOT NULL CHECK (length(content_hash) = 32),
    status @text NOT NULL CHECK (status IN ('pending', 'verified', 'rejected', 'expired')),
    reason @text,
    is_current @int NOT NULL CHECK (is_current IN (0, 1)),
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;
CREATE INDEX documents_card_holder ON documents (client, card_holder, id);

CREATE TABLE cards (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    debit_account @bytes NOT NULL CHECK (length(debit_account) = 12),
    card_holder @bytes NOT NULL CHECK (length(card_holder) = 12),
    kind @text NOT NULL CHECK (kind IN ('virtual', 'physical')),
    brand @text NOT NULL CHECK (brand IN ('Mastercard', 'Visa')),
    currency @text NOT NULL CHECK (currency IN ('NGN', 'USD')),
    status @text NOT NULL CHECK (status IN ('inactive', 'active', 'canceled')),
    cancellation_reason @text,
    heir @bytes,
    metadata @text,
    spending_controls @text NOT NULL,
    enable_2fa @int NOT NULL CHECK (enable_2fa IN (0, 1)),
    disposable @int NOT NULL CHECK (disposable IN (0, 1)),
    funding_mode @text NOT NULL CHECK (funding_mode IN ('prefunded', 'on_demand')),
    funds @bytes NOT NULL CHECK ((funding_mode = 'prefunded' AND funds = id) OR (funding_mode = 'on_demand' AND funds = debit_account)),
    valid_from @int,
    valid_until @int,
    merchant_lock @int NOT NULL CHECK (merchant_lock IN (0, 1)),
    locked_merchant @text,
    cancel_after @int CHECK (cancel_after > 0),
    bin @text NOT NULL CHECK (length(bin) = 6),
    last4 @text NOT NULL CHECK (length(last4) = 4),
    expiry_month @int NOT NULL CHECK (expiry_month BETWEEN 1 AND 12),
    expiry_year @int NOT NULL CHECK (expiry_year BETWEEN 2000 AND 2999),
    pin_set @int NOT NULL CHECK (pin_set IN (0, 1)),
    activated_at @int CHECK (status <> 'active' OR activated_at IS NOT NULL),
    replacement_for @bytes,
    replaced_by @bytes CHECK (replaced_by IS NULL OR status = 'canceled'),
    history @text NOT NULL,
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;
CREATE INDEX cards_created ON cards (client, created_at, id);
CREATE INDEX cards_card_holder ON cards (client, card_holder, id);
CREATE INDEX cards_debit_account ON cards (client, debit_account, id);

CREATE TABLE card_secrets (
    client @bytes NOT NULL CHECK (length(client) = 12),
    card @bytes NOT NULL CHECK (length(card) = 12),
    sealed_number @bytes NOT NULL CHECK (length(sealed_number) > 32),
    sealed_pin @bytes CHECK (length(sealed_pin) > 32),
    pin_failures @int NOT NULL CHECK (pin_failures >= 0),
    pin_set_at @int,
    PRIMARY KEY (client, card)
) @table_options;

CREATE TABLE card_fingerprints (
    fingerprint @bytes NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 32),
    client @bytes NOT NULL CHECK (length(client) = 12),
    card @bytes NOT NULL CHECK (length(card) = 12)
) @table_options;

CREATE TABLE reveal_tokens (
    hash @bytes NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    client @bytes NOT NULL CHECK (length(client) = 12),
    card @bytes NOT NULL CHECK (length(card) = 12),
    purpose @text NOT NULL CHECK (purpose IN ('reveal', 'page')),
    origin @text,
    expires_at @int NOT NULL,
    used_at @int,
    created_at @int NOT NULL
) @table_options;
CREATE INDEX reveal_tokens_expiry ON reveal_tokens (expires_at);

CREATE TABLE payment_references (
    client @bytes NOT NULL CHECK (length(client) = 12),
    hash @bytes NOT NULL CHECK (length(hash) = 32),
    card @bytes NOT NULL CHECK (length(card) = 12),
    entry @bytes NOT NULL CHECK (length(entry) = 12),
    created_at @int NOT NULL,
    PRIMARY KEY (client, hash)
) @table_options;
