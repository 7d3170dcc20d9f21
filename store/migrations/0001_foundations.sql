-- One text for both stores: @int, @text, @bytes, @table_options and @long_rows become each one's own words.
-- Ids are 12 bytes, hashes 32, times microseconds since 1970, amounts minor units, booleans 0 and 1.

CREATE TABLE clock (
    id @bytes NOT NULL PRIMARY KEY,
    time_offset @int NOT NULL CHECK (time_offset >= 0)
) @table_options;

CREATE TABLE commits (
    batch_id @bytes NOT NULL PRIMARY KEY,
    committed_at @int NOT NULL
) @table_options;

CREATE TABLE vault_keys (
    id @text NOT NULL PRIMARY KEY,
    purpose @text NOT NULL,
    wrapped @bytes NOT NULL,
    created_at @int NOT NULL,
    retired_at @int
) @table_options;
CREATE UNIQUE INDEX vault_keys_active ON vault_keys (purpose) WHERE retired_at IS NULL;

CREATE TABLE clients (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (id = client),
    name @text NOT NULL,
    status @text NOT NULL CHECK (status IN ('active', 'disabled')),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;

CREATE TABLE api_keys (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    name @text NOT NULL,
    hint @text NOT NULL,
    hash @bytes NOT NULL CHECK (length(hash) = 32),
    scopes @text NOT NULL,
    status @text NOT NULL CHECK (status IN ('active', 'revoked', 'expired')),
    expires_at @int,
    allowed_ips @text NOT NULL,
    last_used_at @int,
    replaced_by @bytes,
    due_at @int CHECK (due_at IS NULL OR status = 'active'),
    event_seq @int NOT NULL CHECK (event_seq >= 0),
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;
CREATE INDEX api_keys_due ON api_keys (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE api_key_hashes (
    hash @bytes NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    client @bytes NOT NULL CHECK (length(client) = 12),
    api_key @bytes NOT NULL CHECK (length(api_key) = 12)
) @table_options;

CREATE TABLE tokens (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    api_key @bytes NOT NULL CHECK (length(api_key) = 12),
    scopes @text NOT NULL,
    expires_at @int NOT NULL,
    revoked_at @int,
    created_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;
CREATE INDEX tokens_expiry ON tokens (expires_at);

CREATE TABLE idempotency (
    client @bytes NOT NULL CHECK (length(client) = 12),
    key_hash @bytes NOT NULL CHECK (length(key_hash) = 32),
    fingerprint @bytes NOT NULL CHECK (length(fingerprint) = 32),
    status @int NOT NULL CHECK (status BETWEEN 200 AND 499),
    body @bytes NOT NULL,
    etag @int,
    created_at @int NOT NULL,
    expires_at @int NOT NULL CHECK (expires_at >= created_at),
    PRIMARY KEY (client, key_hash)
) @long_rows;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

CREATE TABLE audit_log (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    actor_kind @text NOT NULL CHECK (actor_kind IN ('api_key', 'token', 'reveal_token', 'operator', 'system')),
    actor_id @bytes,
    action @text NOT NULL,
    object_type @text NOT NULL,
    object_id @text NOT NULL,
    changes @text NOT NULL,
    request_id @text NOT NULL,
    address @text,
    created_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @long_rows;

CREATE TABLE accounts (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    owner_type @text NOT NULL CHECK (owner_type IN ('user', 'business', 'system', 'provider')),
    owner_id @text,
    name @text NOT NULL,
    kind @text NOT NULL CHECK (kind IN ('savings', 'treasury', 'checking', 'credit')),
    category @text NOT NULL CHECK (category IN ('fiat', 'crypto')),
    status @text NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'closed')),
    currency @text NOT NULL,
    network @text,
    can_debit @int NOT NULL CHECK (can_debit IN (0, 1)),
    can_credit @int NOT NULL CHECK (can_credit IN (0, 1)),
    metadata @text,
    primary_bank_account @bytes,
    primary_crypto_wallet @bytes,
    live_cards @int NOT NULL CHECK (live_cards >= 0),
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;

CREATE TABLE account_details (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    account @bytes NOT NULL CHECK (length(account) = 12),
    kind @text NOT NULL CHECK (kind IN ('bank_account', 'crypto_wallet')),
    details @text,
    provider @text,
    is_primary @int NOT NULL CHECK (is_primary IN (0, 1)),
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;
CREATE INDEX account_details_account ON account_details (client, account, id);

CREATE TABLE transfers (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    from_account @bytes NOT NULL CHECK (from_account <> to_account),
    to_account @bytes NOT NULL,
    currency @text NOT NULL,
    exponent @int NOT NULL,
    amount @int NOT NULL CHECK (amount > 0),
    reversed @int NOT NULL CHECK (reversed >= 0 AND reversed <= amount),
    status @text NOT NULL CHECK (status IN ('posted', 'partially_reversed', 'reversed')),
    reference @text,
    narration @text,
    metadata @text,
    entry @bytes NOT NULL,
    last_reversal @bytes,
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;

-- What the network imposes may take a balance below its floor: available is not checked here.
CREATE TABLE balances (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    currency @text NOT NULL,
    exponent @int NOT NULL,
    ledger @int NOT NULL,
    held @int NOT NULL CHECK (held >= 0),
    credit_limit @int NOT NULL CHECK (credit_limit >= 0),
    seq @int NOT NULL CHECK (seq >= 0),
    hash @bytes NOT NULL CHECK (length(hash) = 32),
    at @int NOT NULL,
    event_seq @int NOT NULL CHECK (event_seq >= 0),
    PRIMARY KEY (client, id)
) @table_options;

CREATE TABLE ledger_entries (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    kind @text NOT NULL,
    source @bytes,
    authorization_id @bytes,
    reference @text,
    narration @text,
    forced @int NOT NULL CHECK (forced IN (0, 1)),
    at @int NOT NULL,
    digest @bytes NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (client, id)
) @table_options;

CREATE TABLE ledger_lines (
    client @bytes NOT NULL CHECK (length(client) = 12),
    account @bytes NOT NULL CHECK (length(account) = 12),
    seq @int NOT NULL CHECK (seq > 0),
    entry @bytes NOT NULL CHECK (length(entry) = 12),
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
    PRIMARY KEY (client, account, seq)
) @table_options;
CREATE INDEX ledger_lines_entry ON ledger_lines (client, entry);

CREATE TABLE ledger_system_lines (
    client @bytes NOT NULL CHECK (length(client) = 12),
    entry @bytes NOT NULL CHECK (length(entry) = 12),
    number @int NOT NULL CHECK (number >= 0),
    system @text NOT NULL CHECK (system IN ('settlement', 'network', 'fees', 'tax', 'suspense')),
    currency @text NOT NULL,
    delta @int NOT NULL,
    PRIMARY KEY (client, entry, number)
) @table_options;

CREATE TABLE events (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    kind @text NOT NULL,
    object_type @text NOT NULL,
    object_id @bytes NOT NULL CHECK (length(object_id) = 12),
    sequence @int NOT NULL CHECK (sequence > 0),
    position @int CHECK (position > 0),
    data @text NOT NULL,
    request_id @text NOT NULL,
    created_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @long_rows;
CREATE UNIQUE INDEX events_position ON events (client, position) WHERE position IS NOT NULL;
CREATE INDEX events_waiting ON events (id) WHERE position IS NULL;
CREATE INDEX events_waiting_objects ON events (client, object_id, sequence) WHERE position IS NULL;
CREATE INDEX audit_log_created ON audit_log (client, created_at, id);
CREATE INDEX accounts_created ON accounts (client, created_at, id);
CREATE INDEX transfers_created ON transfers (client, created_at, id);
CREATE INDEX events_created ON events (client, created_at, id);
