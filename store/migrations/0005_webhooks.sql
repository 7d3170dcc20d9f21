CREATE TABLE webhooks (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    url @text NOT NULL,
    events @text NOT NULL,
    description @text,
    enabled @int NOT NULL CHECK (enabled IN (0, 1)),
    disabled_reason @text CHECK (disabled_reason IN ('requested', 'gone', 'failing')),
    credentials @bytes NOT NULL,
    has_token @int NOT NULL CHECK (has_token IN (0, 1)),
    previous_until @int,
    event_seq @int NOT NULL CHECK (event_seq >= 0),
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id),
    CHECK ((enabled = 1) = (disabled_reason IS NULL))
) @table_options;
CREATE INDEX webhooks_created ON webhooks (client, created_at, id);

CREATE TABLE webhook_progress (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    cursor_position @int CHECK (cursor_position >= 0),
    since @int NOT NULL,
    failing_since @int,
    recover_from @int,
    recover_to @int,
    PRIMARY KEY (client, id)
) @table_options;

CREATE TABLE deliveries (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 24),
    webhook @bytes NOT NULL CHECK (length(webhook) = 12),
    event @bytes NOT NULL CHECK (length(event) = 12),
    object_id @bytes NOT NULL CHECK (length(object_id) = 12),
    position @int NOT NULL CHECK (position > 0),
    status @text NOT NULL CHECK (status IN ('pending', 'failed')),
    attempts @int NOT NULL CHECK (attempts >= 0),
    next_attempt_at @int,
    created_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;
CREATE INDEX deliveries_pending ON deliveries (client, webhook, position) WHERE status = 'pending';
CREATE INDEX deliveries_due ON deliveries (client, webhook, next_attempt_at) WHERE status = 'pending';
CREATE INDEX deliveries_made ON deliveries (created_at);

CREATE TABLE delivery_attempts (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    webhook @bytes NOT NULL CHECK (length(webhook) = 12),
    event @bytes NOT NULL CHECK (length(event) = 12),
    kind @text NOT NULL,
    attempt @int NOT NULL CHECK (attempt > 0),
    outcome @text NOT NULL CHECK (outcome IN ('succeeded', 'failed')),
    status @int,
    latency_ms @int NOT NULL CHECK (latency_ms >= 0),
    excerpt @text,
    error @text,
    next_attempt_at @int,
    created_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;
CREATE INDEX delivery_attempts_event ON delivery_attempts (client, event, id);
CREATE INDEX delivery_attempts_made ON delivery_attempts (created_at);
