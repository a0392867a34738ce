-- Browsers that are signed in. Only a hash of the session's token is kept, beside that of the key it stands for.

CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,
    key_hash   bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_that_expire ON sessions (expires_at);
