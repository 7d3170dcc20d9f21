-- Responders, the questions that are open, the log of calls, and what fallbacks approved. An authorization that awaits an
-- answer is pending and holds its amount.

CREATE TABLE responders (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    kind @text NOT NULL,
    url @text NOT NULL,
    description @text,
    switch @text NOT NULL CHECK (switch IN ('active', 'paused', 'disabled')),
    verified_at @int,
    credentials @bytes NOT NULL,
    previous_until @int,
    timeout_ms @int NOT NULL CHECK (timeout_ms > 0),
    settings @text NOT NULL,
    event_seq @int NOT NULL CHECK (event_seq >= 0),
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;
CREATE INDEX responders_created ON responders (client, created_at, id);

CREATE TABLE responder_questions (
    client @bytes NOT NULL CHECK (length(client) = 12),
    authorization_id @bytes NOT NULL CHECK (length(authorization_id) = 12),
    responder @bytes NOT NULL CHECK (length(responder) = 12),
    call @bytes NOT NULL CHECK (length(call) = 12),
    asked_at @int NOT NULL,
    deadline @int NOT NULL,
    PRIMARY KEY (client, authorization_id)
) @table_options;
CREATE INDEX responder_questions_deadline ON responder_questions (deadline);

CREATE TABLE responder_calls (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    responder @bytes NOT NULL CHECK (length(responder) = 12),
    about @text NOT NULL CHECK (about IN ('authorization', 'increment', 'test')),
    authorization_id @bytes,
    outcome @text NOT NULL,
    decided_by @text,
    status @int,
    latency_ms @int NOT NULL CHECK (latency_ms >= 0),
    late @int NOT NULL CHECK (late IN (0, 1)),
    answer @text,
    currency @text NOT NULL,
    request @text,
    excerpt @text,
    error @text,
    created_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @long_rows;
CREATE INDEX responder_calls_responder ON responder_calls (client, responder, created_at, id);
CREATE INDEX responder_calls_made ON responder_calls (created_at);

CREATE TABLE responder_budgets (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 32),
    responder @bytes NOT NULL CHECK (length(responder) = 12),
    owner @bytes NOT NULL CHECK (length(owner) = 12),
    currency @text NOT NULL,
    hour @int NOT NULL,
    amount @int NOT NULL CHECK (amount >= 0),
    count @int NOT NULL CHECK (count >= 0),
    PRIMARY KEY (client, id)
) @table_options;

ALTER TABLE authorizations ADD COLUMN responder @text;

--@sqlite
-- The only way to change a CHECK of a table without copying it: https://sqlite.org/lang_altertable.html#otheralter
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql,
    'open_amount = 0 OR status = ''approved''', 'open_amount = 0 OR status IN (''approved'', ''pending'')'),
    'open_fee = 0 OR status = ''approved''', 'open_fee = 0 OR status IN (''approved'', ''pending'')')
WHERE type = 'table' AND name = 'authorizations';
PRAGMA writable_schema = RESET;

--@postgres
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT conname FROM pg_constraint
        WHERE conrelid = 'authorizations'::regclass AND contype = 'c'
            AND (pg_get_constraintdef(oid) LIKE '%open_amount%' OR pg_get_constraintdef(oid) LIKE '%open_fee%')
    LOOP
        EXECUTE format('ALTER TABLE authorizations DROP CONSTRAINT %I', found.conname);
    END LOOP;
END $$;
-- Not validated: what was stored before met the narrower constraint.
ALTER TABLE authorizations
    ADD CONSTRAINT authorizations_open_amount
        CHECK (open_amount >= 0 AND (open_amount = 0 OR status IN ('approved', 'pending'))) NOT VALID,
    ADD CONSTRAINT authorizations_open_fee
        CHECK (open_fee >= 0 AND (open_fee = 0 OR status IN ('approved', 'pending'))) NOT VALID;
