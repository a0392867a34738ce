-- The statements of tasks, by name. One statement each, so that one is one transaction and one round trip.
--
-- Rules that stand in every statement: leases are measured in database time; a write of an attempt names it and
-- needs its lease; `ended_at IS NULL` means unfinished; the hold moves in the very statement that ends the task.

-- The rank is start-time fair queueing: one more than the account's last rank or the rank started last, whichever is
-- larger; so an account's first task stands before the backlog of another. The queue takes high priorities first.
-- name: submit
WITH named AS (
    INSERT INTO idempotency_keys AS kept (account_id, key, body_hash, task_id)
    SELECT %(account_id)s, %(idempotency_key)s, %(body_hash)s, %(id)s
     WHERE %(idempotency_key)s::text IS NOT NULL
        ON CONFLICT (account_id, key) DO UPDATE
           SET body_hash = excluded.body_hash, task_id = excluded.task_id, created_at = now()
         WHERE kept.created_at < now() - interval '24 hours'
    RETURNING task_id
), account AS (
    UPDATE accounts
       SET available = available - %(price)s, held = held + %(price)s, unfinished = unfinished + 1,
           last_rank = greatest(last_rank, (SELECT last_started_rank FROM queue_state)) + 1
     WHERE id = %(account_id)s AND (NOT is_limited OR available >= %(price)s)
       AND unfinished < %(unfinished_max)s
       AND (%(idempotency_key)s::text IS NULL OR EXISTS (SELECT FROM named))
    RETURNING last_rank
), task AS (
    INSERT INTO tasks (id, account_id, api_key_id, model, generation, price_micro_usd, created_at, rank)
    SELECT %(id)s, %(account_id)s, %(api_key_id)s, %(model)s, %(generation)s::jsonb, %(price)s, %(created_at)s, last_rank
      FROM account
    RETURNING id, rank
), entry AS (
    INSERT INTO ledger_entries (account_id, task_id, movement, amount, model, api_key_id, seconds)
    SELECT %(account_id)s, id, 'hold', %(price)s, %(model)s, %(api_key_id)s,
           (%(generation)s::jsonb->>'duration_s')::integer FROM task
)
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
           'films', 'produce_video', (-rank)::integer, NULL, id,
           jsonb_build_object('task_id', id), NULL)::procrastinate_job_to_defer_v1]) IS NOT NULL
  FROM task

-- name: nudge
SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
           'films', 'produce_video', (-rank)::integer, NULL, id,
           jsonb_build_object('task_id', id), NULL)::procrastinate_job_to_defer_v1]) IS NOT NULL
  FROM tasks WHERE id = %(id)s AND ended_at IS NULL

-- name: claim
WITH claimed AS (
    UPDATE tasks
       SET status = 'processing', attempt = attempt + 1, worker = %(worker)s,
           crashes = crashes + coalesce(lease_until - make_interval(secs => %(lease_s)s)
                                        > pg_postmaster_start_time(), false)::integer,
           lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s),
           started_at = coalesce(started_at, clock_timestamp())
     WHERE id = %(id)s AND ended_at IS NULL
       AND (lease_until IS NULL OR lease_until <= clock_timestamp())
    RETURNING *
), started AS (
    UPDATE queue_state SET last_started_rank = claimed.rank
      FROM claimed WHERE last_started_rank < claimed.rank
)
SELECT * FROM claimed

-- name: renew
UPDATE tasks SET lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s)
  FROM unnest(%(ids)s::text[], %(attempts)s::integer[]) AS mine(task_id, number)
 WHERE id = mine.task_id AND attempt = mine.number AND ended_at IS NULL AND lease_until > clock_timestamp()
RETURNING id

-- name: progress
UPDATE tasks SET stage = %(stage)s, progress = greatest(progress, %(progress)s)
 WHERE id = %(id)s AND attempt = %(attempt)s AND ended_at IS NULL AND lease_until > clock_timestamp()
RETURNING id

-- name: steps
UPDATE tasks
   SET generation = generation
           || CASE WHEN %(image)s::text IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('image', %(image)s::text) END
           || CASE WHEN %(audio)s::text IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('audio', %(audio)s::text) END,
       actual_prompt = coalesce(%(actual_prompt)s, actual_prompt),
       rewrite_note = coalesce(%(rewrite_note)s, rewrite_note),
       width_px = coalesce(%(width_px)s, width_px),
       height_px = coalesce(%(height_px)s, height_px),
       engine = coalesce(%(engine)s, engine)
 WHERE id = %(id)s AND attempt = %(attempt)s AND ended_at IS NULL AND lease_until > clock_timestamp()
RETURNING *

-- With an attempt: only while that attempt holds its lease. Without one: a cancellation, or the sweep's verdict.
-- name: settle
WITH ended AS (
    UPDATE tasks
       SET status = %(status)s, stage = 'done', progress = 100, lease_until = NULL, ended_at = %(ended_at)s,
           result_key = %(result_key)s, result_bytes = %(result_bytes)s, expires_at = %(expires_at)s,
           failure = %(failure)s::jsonb
     WHERE id = %(id)s AND ended_at IS NULL
       AND ((%(attempt)s::integer IS NULL AND (%(status)s = 'cancelled' OR lease_until IS NULL))
            OR (attempt = %(attempt)s AND lease_until > clock_timestamp()))
    RETURNING id, account_id, price_micro_usd, result_key, result_bytes, expires_at, status, api_key_id, model, generation
), entry AS (
    INSERT INTO ledger_entries (account_id, task_id, movement, amount, model, api_key_id, seconds)
    SELECT account_id, id, %(movement)s, price_micro_usd, model, api_key_id, (generation->>'duration_s')::integer FROM ended
), file AS (
    INSERT INTO assets (key, kind, account_id, task_id, content_type, size_bytes, filename, created_at, expires_at)
    SELECT result_key, 'result', account_id, id, 'video/mp4', result_bytes, id || '.mp4', %(ended_at)s, expires_at
      FROM ended WHERE result_key IS NOT NULL
        ON CONFLICT (key) DO UPDATE SET size_bytes = excluded.size_bytes, expires_at = excluded.expires_at
), account AS (
    UPDATE accounts
       SET held = held - price_micro_usd,
           captured = captured + CASE WHEN %(movement)s = 'capture' THEN price_micro_usd ELSE 0 END,
           available = available + CASE WHEN %(movement)s = 'release' THEN price_micro_usd ELSE 0 END,
           unfinished = unfinished - 1
      FROM ended WHERE accounts.id = ended.account_id
), delivery AS (
    INSERT INTO webhook_deliveries (id, task_id, account_id, api_key_id, base_url)
    SELECT 'whd_' || substr(id, 6), id, account_id, api_key_id, generation->>'webhook'
      FROM ended WHERE status IN ('completed', 'failed') AND generation->>'webhook' IS NOT NULL
)
SELECT id FROM ended

-- name: give_back
UPDATE tasks SET lease_until = NULL, worker = NULL, crashes = crashes + %(is_crash)s::boolean::integer
 WHERE id = %(id)s AND attempt = %(attempt)s AND ended_at IS NULL AND lease_until > clock_timestamp()
RETURNING id

-- name: release_worker
UPDATE tasks SET lease_until = NULL, worker = NULL, crashes = crashes + 1
 WHERE worker = %(worker)s AND ended_at IS NULL AND lease_until IS NOT NULL
RETURNING id

-- A lease that was last renewed before this database started could not be renewed: no fault of the task.
-- name: let_go
UPDATE tasks SET lease_until = NULL, worker = NULL,
       crashes = crashes + (lease_until - make_interval(secs => %(lease_s)s) > pg_postmaster_start_time())::integer
 WHERE ended_at IS NULL AND lease_until <= clock_timestamp()
RETURNING *

-- Entries of workers that died stay 'doing' for ever in the queue; they are removed once their task has no lease.
-- name: drop_dead_entries
DELETE FROM procrastinate_jobs entry
 WHERE queue_name = 'films'
   AND (status IN ('succeeded', 'failed', 'cancelled', 'aborted')
        OR (status = 'doing' AND NOT EXISTS (
                SELECT FROM tasks WHERE id = entry.queueing_lock AND ended_at IS NULL AND lease_until IS NOT NULL)
            AND NOT EXISTS (
                SELECT FROM procrastinate_workers w
                 WHERE w.id = entry.worker_id AND w.last_heartbeat > now() - interval '30 seconds')))

-- name: without_entry
SELECT id FROM tasks
 WHERE ended_at IS NULL AND lease_until IS NULL
   AND NOT EXISTS (SELECT FROM procrastinate_jobs
                    WHERE queueing_lock = tasks.id AND status = 'todo')
 ORDER BY rank LIMIT 1000

-- name: overdue
SELECT * FROM tasks
 WHERE ended_at IS NULL AND lease_until IS NULL
   AND (crashes >= %(crashes_max)s
        OR (started_at IS NULL AND created_at < now() - make_interval(secs => %(queue_timeout_s)s)))
 LIMIT 100

-- name: outlook
SELECT (SELECT count(*) FROM tasks WHERE ended_at IS NULL AND status = 'pending' AND rank < %(rank)s) AS ahead,
       (SELECT count(*) FROM tasks WHERE ended_at IS NULL AND status = 'processing') AS running,
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at))
          FROM (SELECT ended_at, started_at FROM tasks
                 WHERE ended_at IS NOT NULL AND status = 'completed' AND model = %(model)s
                   AND generation->>'resolution' = %(resolution)s AND generation->'duration_s' = %(duration_s)s::text::jsonb
                 ORDER BY ended_at DESC LIMIT 20) lately) AS make_s

-- name: newest_first
SELECT * FROM tasks
 WHERE account_id = %(account_id)s
   AND (%(before)s::text IS NULL OR id < %(before)s)
   AND (%(after)s::text IS NULL OR id > %(after)s)
   AND (%(status)s::text IS NULL OR status = %(status)s)
   AND (%(model)s::text IS NULL OR model = %(model)s)
 ORDER BY id DESC LIMIT %(limit)s

-- name: oldest_first
SELECT * FROM tasks
 WHERE account_id = %(account_id)s
   AND (%(before)s::text IS NULL OR id < %(before)s)
   AND (%(after)s::text IS NULL OR id > %(after)s)
   AND (%(status)s::text IS NULL OR status = %(status)s)
   AND (%(model)s::text IS NULL OR model = %(model)s)
 ORDER BY id LIMIT %(limit)s

-- The records stay until the files are gone: whoever finds their time over removes the files first.
-- name: erase
WITH erased AS (
    DELETE FROM tasks WHERE id = %(id)s AND ended_at IS NOT NULL RETURNING id
), ended AS (
    UPDATE assets SET expires_at = least(expires_at, %(at)s)
      FROM erased WHERE task_id = erased.id
    RETURNING key
)
SELECT ended.key FROM ended
