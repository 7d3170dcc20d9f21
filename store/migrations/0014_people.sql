-- People who use the console. They belong to the installation, whose client is twelve zero bytes; a membership is a role in one client, or in every client.

CREATE TABLE users (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    -- One user has it, because user_emails has its hash once.
    email @text NOT NULL CHECK (email <> ''),
    name @text NOT NULL,
    status @text NOT NULL CHECK (status IN ('invited', 'active', 'disabled')),
    memberships @text NOT NULL,
    last_sign_in_at @int,
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;

CREATE TABLE user_emails (
    hash @bytes NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    user_id @bytes NOT NULL CHECK (length(user_id) = 12)
) @table_options;

CREATE TABLE user_secrets (
    client @bytes NOT NULL CHECK (length(client) = 12),
    user_id @bytes NOT NULL CHECK (length(user_id) = 12),
    password @text CHECK (password LIKE '$argon2id$%'),
    former_passwords @text NOT NULL,
    totp @bytes,
    totp_step @int NOT NULL CHECK (totp_step >= 0),
    recovery_codes @text NOT NULL,
    link @bytes CHECK (length(link) = 32),
    link_until @int CHECK ((link_until IS NULL) = (link IS NULL)),
    tries @int NOT NULL CHECK (tries >= 0),
    locked_until @int,
    PRIMARY KEY (client, user_id)
) @long_rows;

CREATE TABLE sessions (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    user_id @bytes NOT NULL CHECK (length(user_id) = 12),
    hash @bytes NOT NULL CHECK (length(hash) = 32),
    shown_client @bytes NOT NULL CHECK (length(shown_client) = 12),
    is_partial @int NOT NULL CHECK (is_partial IN (0, 1)),
    proven_at @int NOT NULL,
    seen_at @int NOT NULL,
    since @int NOT NULL,
    address @text NOT NULL,
    agent @text NOT NULL,
    PRIMARY KEY (client, id)
) @long_rows;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_seen ON sessions (seen_at);

-- A user is an actor of the audit log. SQLite cannot change a constraint without copying the table.
--@sqlite
CREATE TABLE audit_entries (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    actor_kind @text NOT NULL CHECK (actor_kind IN ('api_key', 'token', 'user', 'reveal_token', 'operator', 'system')),
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
INSERT INTO audit_entries SELECT client, id, actor_kind, actor_id, action, object_type, object_id, changes, request_id,
    address, created_at FROM audit_log;
DROP TABLE audit_log;
ALTER TABLE audit_entries RENAME TO audit_log;
CREATE INDEX audit_log_created ON audit_log (client, created_at, id);
--@postgres
ALTER TABLE audit_log DROP CONSTRAINT audit_log_actor_kind_check;
ALTER TABLE audit_log ADD CONSTRAINT audit_log_actor_kind_check
    CHECK (actor_kind IN ('api_key', 'token', 'user', 'reveal_token', 'operator', 'system'));
