-- Accounts, keys, tasks, the ledger, assets and idempotency keys. Amounts are integer micro-USD.

CREATE TABLE accounts (
    id         text PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    is_limited boolean NOT NULL DEFAULT false,
    granted    bigint NOT NULL DEFAULT 0,
    available  bigint NOT NULL DEFAULT 0,
    held       bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    captured   bigint NOT NULL DEFAULT 0 CHECK (captured >= 0),
    unfinished integer NOT NULL DEFAULT 0 CHECK (unfinished >= 0),
    last_rank  bigint NOT NULL DEFAULT 0,
    CONSTRAINT the_ledger_adds_up CHECK (granted = available + held + captured)
);

CREATE TABLE api_keys (
    id           text PRIMARY KEY,
    account_id   text NOT NULL REFERENCES accounts,
    name         text NOT NULL,
    token_hash   bytea NOT NULL UNIQUE,
    prefix       text NOT NULL,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz
);

CREATE TABLE tasks (
    id              text COLLATE "C" PRIMARY KEY,
    account_id      text NOT NULL REFERENCES accounts,
    api_key_id      text NOT NULL REFERENCES api_keys,
    model           text NOT NULL,
    generation      jsonb NOT NULL,
    price_micro_usd bigint NOT NULL CHECK (price_micro_usd >= 0),
    created_at      timestamptz NOT NULL,
    status          text NOT NULL DEFAULT 'pending'
                    CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    rank            bigint NOT NULL,
    attempt         integer NOT NULL DEFAULT 0,
    crashes         integer NOT NULL DEFAULT 0,
    lease_until     timestamptz,
    worker          text,
    stage           text NOT NULL DEFAULT 'queue',
    progress        smallint NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    started_at      timestamptz,
    ended_at        timestamptz,
    actual_prompt   text,
    rewrite_note    text,
    width_px        integer,
    height_px       integer,
    engine          text,
    result_key      text,
    result_bytes    bigint,
    expires_at      timestamptz,
    failure         jsonb,
    CONSTRAINT an_ended_task_has_an_end CHECK (
        (status IN ('completed', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE INDEX tasks_of_an_account ON tasks (account_id, id DESC);
CREATE INDEX tasks_unfinished ON tasks (rank) WHERE ended_at IS NULL;
CREATE INDEX tasks_ended ON tasks (ended_at DESC) WHERE ended_at IS NOT NULL;

-- The rank of the task that was started last: what start-time fair queueing measures new tasks against.
CREATE TABLE queue_state (
    only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_started_rank bigint NOT NULL DEFAULT 0
);
INSERT INTO queue_state DEFAULT VALUES;

CREATE TABLE ledger_entries (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts,
    task_id    text,
    movement   text NOT NULL CHECK (movement IN ('grant', 'hold', 'capture', 'release')),
    amount     bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((movement = 'grant') = (task_id IS NULL))
);
CREATE INDEX ledger_of_an_account ON ledger_entries (account_id, id);
CREATE UNIQUE INDEX a_task_is_held_once ON ledger_entries (task_id) WHERE movement = 'hold';
CREATE UNIQUE INDEX a_hold_ends_once ON ledger_entries (task_id) WHERE movement IN ('capture', 'release');

CREATE TABLE assets (
    key          text COLLATE "C" PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('result', 'upload', 'input')),
    account_id   text NOT NULL REFERENCES accounts,
    task_id      text,
    content_type text NOT NULL,
    size_bytes   bigint NOT NULL,
    filename     text NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz
);
CREATE INDEX assets_that_expire ON assets (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX assets_of_a_task ON assets (task_id) WHERE task_id IS NOT NULL;

CREATE TABLE idempotency_keys (
    account_id text NOT NULL REFERENCES accounts,
    key        text NOT NULL,
    body_hash  bytea NOT NULL,
    task_id    text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key)
);

-- Whoever waits for a task hears of each change; the notification carries the id alone.
CREATE FUNCTION tell_task_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('filmgate_task', NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER task_changed AFTER UPDATE OF status, stage, progress ON tasks
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.stage IS DISTINCT FROM NEW.stage
                       OR OLD.progress IS DISTINCT FROM NEW.progress)
    EXECUTE FUNCTION tell_task_changed();
