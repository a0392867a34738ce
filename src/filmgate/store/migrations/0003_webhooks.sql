-- Webhooks: signing secrets (encrypted; the key is not in the database), deliveries, and the log of their attempts.

CREATE TABLE webhook_secrets (
    api_key_id      text PRIMARY KEY REFERENCES api_keys ON DELETE CASCADE,
    sealed          bytea NOT NULL,
    created_at      timestamptz NOT NULL,
    previous_sealed bytea,
    previous_until  timestamptz
);

-- A delivery is due when next_at is over. While an attempt runs, next_at and lease_until are the end of its lease.
CREATE TABLE webhook_deliveries (
    id             text COLLATE "C" PRIMARY KEY,
    task_id        text NOT NULL REFERENCES tasks ON DELETE CASCADE,
    account_id     text NOT NULL REFERENCES accounts,
    api_key_id     text NOT NULL REFERENCES api_keys,
    base_url       text NOT NULL,
    receiver       text NOT NULL GENERATED ALWAYS AS
                   (coalesce(lower(substring(base_url FROM '^[^:]+://([^/?#]*)')), '')) STORED,
    body           text,
    state          text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts       integer NOT NULL DEFAULT 0,
    round_attempts integer NOT NULL DEFAULT 0,
    round_since    timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_until    timestamptz,
    last_status    integer,
    last_error     text,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    delivered_at   timestamptz
);
CREATE INDEX webhooks_due ON webhook_deliveries (receiver, next_at) WHERE state = 'pending';
CREATE INDEX webhooks_next ON webhook_deliveries (next_at) WHERE state = 'pending';
CREATE INDEX webhooks_leased ON webhook_deliveries (receiver) WHERE state = 'pending' AND lease_until IS NOT NULL;
CREATE INDEX webhooks_of_an_account ON webhook_deliveries (account_id, id DESC);
CREATE INDEX webhooks_of_a_task ON webhook_deliveries (task_id);

CREATE TABLE webhook_attempts (
    delivery_id text COLLATE "C" NOT NULL REFERENCES webhook_deliveries ON DELETE CASCADE,
    number      integer NOT NULL,
    at          timestamptz NOT NULL,
    status      integer,
    error       text,
    took_ms     integer NOT NULL,
    PRIMARY KEY (delivery_id, number)
);

CREATE FUNCTION tell_webhook_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('filmgate_webhook', '');
    RETURN NULL;
END $$;
CREATE TRIGGER webhook_due AFTER INSERT ON webhook_deliveries
    FOR EACH ROW EXECUTE FUNCTION tell_webhook_due();
