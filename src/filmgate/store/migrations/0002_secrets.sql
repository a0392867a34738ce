-- Secrets that all gateways of one database share, such as the one that signs file links.

CREATE TABLE secrets (
    name       text PRIMARY KEY,
    secret     bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
