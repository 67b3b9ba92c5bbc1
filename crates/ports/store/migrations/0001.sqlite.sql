-- The root key, wrapped by what the operator keeps outside: Key Vault or a key file.
CREATE TABLE door_root (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    generation INTEGER NOT NULL,
    wrap TEXT NOT NULL,
    wrapped BLOB NOT NULL
) STRICT;

-- Every other thing is a row of this table. The columns are what rows are looked up by; all of them are bound into the
-- seal of the body.
CREATE TABLE door_rows (
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    scope TEXT NOT NULL,
    person TEXT,
    client TEXT,
    grant_id BLOB,
    expires INTEGER,
    generation INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;

CREATE INDEX door_rows_scope ON door_rows (scope);
CREATE INDEX door_rows_person ON door_rows (person, kind) WHERE person IS NOT NULL;
CREATE INDEX door_rows_client ON door_rows (client, kind) WHERE client IS NOT NULL;
CREATE INDEX door_rows_grant ON door_rows (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX door_rows_expires ON door_rows (expires) WHERE expires IS NOT NULL;
