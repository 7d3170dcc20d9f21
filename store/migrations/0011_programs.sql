-- Card programs. Every client has one with its own id, of which its cards are unless they name another one; the server
-- makes it from the settings when it starts. Limits that cards share are counted on shards (counters of derived owners),
-- each with its quotas.

CREATE TABLE programs (
    client @bytes NOT NULL CHECK (length(client) = 12),
    id @bytes NOT NULL CHECK (length(id) = 12),
    name @text NOT NULL,
    status @text NOT NULL CHECK (status IN ('active', 'archived')),
    brand @text CHECK (brand IN ('Visa', 'Mastercard')),
    currency @text,
    funding_mode @text CHECK (funding_mode IN ('prefunded', 'on_demand')),
    settings @text NOT NULL,
    event_seq @int NOT NULL CHECK (event_seq >= 0),
    version @int NOT NULL CHECK (version > 0),
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    PRIMARY KEY (client, id),
    CHECK (id <> client OR status = 'active')
) @table_options;
CREATE INDEX programs_created ON programs (client, created_at, id);

-- Who has the card numbers that begin with six digits, over all clients.
CREATE TABLE number_ranges (
    bin @bytes NOT NULL PRIMARY KEY CHECK (length(bin) = 6),
    claims @text NOT NULL
) @table_options;

ALTER TABLE cards ADD COLUMN program @bytes CHECK (length(program) = 12);
UPDATE cards SET program = client;
ALTER TABLE accounts ADD COLUMN spending_limits @text;
ALTER TABLE counters ADD COLUMN quotas @text;

--@postgres
-- A server of an earlier version that still runs cannot issue cards without a program.
ALTER TABLE cards ALTER COLUMN program SET NOT NULL;
