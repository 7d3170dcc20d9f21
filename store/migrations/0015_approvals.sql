-- Calls that wait for the approval of others, and which do.

CREATE TABLE approvals (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    action @text NOT NULL,
    status @text NOT NULL CHECK (status IN ('pending', 'approved', 'executed', 'failed', 'rejected', 'canceled', 'expired')),
    requester_kind @text NOT NULL CHECK (requester_kind IN ('api_key', 'token', 'user')),
    requester_id @bytes NOT NULL CHECK (length(requester_id) = 12),
    key_maker @bytes CHECK (length(key_maker) = 12),
    method @text NOT NULL,
    path @text NOT NULL,
    body @text NOT NULL,
    if_match @int,
    preview @text NOT NULL,
    needed @int NOT NULL CHECK (needed BETWEEN 1 AND 10),
    scopes @text NOT NULL,
    decisions @text NOT NULL,
    result_status @int CHECK ((result_status IS NOT NULL) = (status IN ('executed', 'failed'))),
    result_message @text,
    expires_at @int NOT NULL,
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @long_rows;
CREATE INDEX approvals_created ON approvals (client, created_at, id);
CREATE INDEX approvals_open ON approvals (expires_at) WHERE status IN ('pending', 'approved');

CREATE TABLE approval_policies (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (id = client),
    rules @text NOT NULL,
    version @int NOT NULL CHECK (version > 0),
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id)
) @table_options;
