-- What this database is: of the sandbox or of production, and which key file wraps its data keys. One row.

CREATE TABLE installation (
    id @int NOT NULL PRIMARY KEY CHECK (id = 1),
    environment @text NOT NULL CHECK (environment IN ('sandbox', 'production')),
    key_file @text,
    created_at @int NOT NULL
) @table_options;
