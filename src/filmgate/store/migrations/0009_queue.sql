-- The queue: turns and a length per key, tasks that wait until their key has room, and indexes that make looking cheap.

-- A key's turn grows with each of its tasks: start-time fair queueing measures keys by it, no more by accounts.last_rank.
CREATE TABLE key_queues (
    api_key_id text PRIMARY KEY REFERENCES api_keys ON DELETE CASCADE,
    last_turn  bigint NOT NULL,
    unfinished integer NOT NULL CHECK (unfinished >= 0)
) WITH (fillfactor = 50);

INSERT INTO key_queues
SELECT api_keys.id, coalesce(max(rank), 0), count(tasks.id)
  FROM api_keys LEFT JOIN tasks ON tasks.api_key_id = api_keys.id AND ended_at IS NULL
 GROUP BY api_keys.id;

-- `turn` is the rank without the head start of its key's priority. `entry_id` is the queue's entry that nudges for the
-- task: equal ranks are taken in its order. A task that is not admitted waits for another of its key to end.
ALTER TABLE tasks
    ADD COLUMN turn        bigint NOT NULL DEFAULT 0,
    ADD COLUMN entry_id    bigint,
    ADD COLUMN is_admitted boolean NOT NULL DEFAULT true;
UPDATE tasks
   SET turn = rank, entry_id = (SELECT id FROM procrastinate_jobs WHERE queueing_lock = tasks.id AND status = 'todo')
 WHERE ended_at IS NULL;

-- `last_started_rank` is the highest turn that was started. The rank `rank_base` has priority 0 in the queue: ranks grow
-- for ever, priorities have 32 bits, so the sweep moves the base along.
ALTER TABLE queue_state ADD COLUMN rank_base bigint NOT NULL DEFAULT 0;
CREATE FUNCTION entry_priority(rank bigint, rank_base bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(-2147483648, least(2147483647, rank_base - rank))::integer
$$;

DROP INDEX tasks_unfinished;
CREATE INDEX tasks_unfinished ON tasks (api_key_id, is_admitted, rank) WHERE ended_at IS NULL;
CREATE INDEX tasks_waiting ON tasks (rank, entry_id) WHERE status = 'pending' AND is_admitted;
CREATE INDEX tasks_processing ON tasks (rank) WHERE status = 'processing';
CREATE INDEX tasks_ended_of_a_key ON tasks (api_key_id, ended_at DESC) WHERE ended_at IS NOT NULL;
