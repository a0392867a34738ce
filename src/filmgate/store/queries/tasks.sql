-- The statements of tasks, by name. One statement each, so that one is one transaction and one round trip.
--
-- Rules that stand in every statement: leases are measured in database time; a write of an attempt names it and
-- needs its lease; `ended_at IS NULL` means unfinished; the hold moves in the very statement that ends the task.

-- Turns are start-time fair queueing: one more than the key's last turn, or the turn started last if that is larger; so
-- a key's first task stands before the backlog of another. A key's priority is a head start of 100 turns, or so much of
-- a lag: the first hundred waiting tasks of a key stand before all of lower priority, and then they take turns. Of
-- a key with a limit only so many tasks are admitted; the others wait without an entry (queue.sql).
-- What a key has spent is locked before its account, here and in settle, and is checked as it is once it is locked.
-- name: submit
WITH named AS (
    INSERT INTO idempotency_keys AS kept (account_id, key, body_hash, task_id)
    SELECT %(account_id)s, %(idempotency_key)s, %(body_hash)s, %(id)s
     WHERE %(idempotency_key)s::text IS NOT NULL
        ON CONFLICT (account_id, key) DO UPDATE
           SET body_hash = excluded.body_hash, task_id = excluded.task_id, created_at = now()
         WHERE kept.created_at < now() - interval '24 hours'
    RETURNING task_id
), purse AS (
    SELECT FROM key_spending JOIN api_keys ON api_keys.id = api_key_id
     WHERE api_key_id = %(api_key_id)s
       AND coalesce(total_micro_usd + %(price)s <= budget_micro_usd_total, true)
       AND coalesce(CASE WHEN month < date_trunc('month', now() AT TIME ZONE 'UTC') THEN 0 ELSE month_micro_usd END
                    + %(price)s <= budget_micro_usd_month, true)
       AND coalesce(CASE WHEN day < (now() AT TIME ZONE 'UTC')::date THEN 0 ELSE day_micro_usd END
                    + %(price)s <= budget_micro_usd_day, true)
       FOR UPDATE OF key_spending
), payer AS (
    SELECT id FROM accounts
     WHERE EXISTS (SELECT FROM purse)
       AND id = %(account_id)s AND (NOT is_limited OR available >= %(price)s)
       AND (%(idempotency_key)s::text IS NULL OR EXISTS (SELECT FROM named))
       FOR NO KEY UPDATE
), queue AS (
    INSERT INTO key_queues AS kept (api_key_id, last_turn, unfinished)
    SELECT %(api_key_id)s, (SELECT last_started_rank FROM queue_state), 1 FROM payer
        ON CONFLICT (api_key_id) DO UPDATE
           SET last_turn = greatest(kept.last_turn + 1, excluded.last_turn), unfinished = kept.unfinished + 1
         WHERE kept.unfinished < (SELECT coalesce(queue_length_max, %(unfinished_max)s)
                                    FROM api_keys WHERE id = %(api_key_id)s)
    RETURNING last_turn, unfinished
), account AS (
    UPDATE accounts
       SET available = available - %(price)s, held = held + %(price)s, unfinished = accounts.unfinished + 1
      FROM queue WHERE id = %(account_id)s
    RETURNING id
), spent AS (
    UPDATE key_spending
       SET day_micro_usd = CASE WHEN day < utc.today THEN 0 ELSE day_micro_usd END + %(price)s,
           day = greatest(day, utc.today),
           month_micro_usd = CASE WHEN month < utc.this_month THEN 0 ELSE month_micro_usd END + %(price)s,
           month = greatest(month, utc.this_month),
           total_micro_usd = total_micro_usd + %(price)s
      FROM account, (SELECT (now() AT TIME ZONE 'UTC')::date AS today,
                            date_trunc('month', now() AT TIME ZONE 'UTC')::date AS this_month) utc
     WHERE api_key_id = %(api_key_id)s
), place AS (
    SELECT last_turn AS turn, last_turn - 100 * priority AS rank,
           coalesce(unfinished <= coalesce(concurrent_tasks_max, %(concurrent_max)s), true) AS is_admitted
      FROM queue, account, api_keys WHERE api_keys.id = %(api_key_id)s
), nudge AS MATERIALIZED (
    SELECT (procrastinate_defer_jobs_v1(ARRAY[ROW(
               'films', 'produce_video', entry_priority(rank, (SELECT rank_base FROM queue_state)), NULL, %(id)s,
               jsonb_build_object('task_id', %(id)s::text), NULL)::procrastinate_job_to_defer_v1]))[1] AS entry_id
      FROM place WHERE is_admitted
), task AS (
    INSERT INTO tasks (id, account_id, api_key_id, model, generation, price_micro_usd, created_at,
                       turn, rank, is_admitted, entry_id)
    SELECT %(id)s, %(account_id)s, %(api_key_id)s, %(model)s, %(generation)s::jsonb, %(price)s, %(created_at)s,
           turn, rank, is_admitted, (SELECT entry_id FROM nudge)
      FROM place
    RETURNING id
), entry AS (
    INSERT INTO ledger_entries (account_id, task_id, movement, amount, model, api_key_id, seconds)
    SELECT %(account_id)s, id, 'hold', %(price)s, %(model)s, %(api_key_id)s,
           (%(generation)s::jsonb->>'duration_s')::integer FROM task
)
SELECT id FROM task

-- name: claim
WITH claimed AS (
    UPDATE tasks
       SET status = 'processing', attempt = attempt + 1, worker = %(worker)s,
           crashes = crashes + coalesce(lease_until - make_interval(secs => %(lease_s)s)
                                        > pg_postmaster_start_time(), false)::integer,
           lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s),
           started_at = coalesce(started_at, clock_timestamp())
     WHERE id = %(id)s AND ended_at IS NULL AND is_admitted
       AND (lease_until IS NULL OR lease_until <= clock_timestamp())
    RETURNING *
), started AS (
    UPDATE queue_state SET last_started_rank = claimed.turn
      FROM claimed WHERE last_started_rank < claimed.turn
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
       engine = coalesce(%(engine)s, engine), engine_reason = coalesce(%(engine_reason)s, engine_reason)
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
    INSERT INTO ledger_entries (account_id, task_id, movement, amount, model, api_key_id, seconds, note)
    SELECT account_id, id, %(movement)s, price_micro_usd, model, api_key_id, (generation->>'duration_s')::integer,
           CASE WHEN %(movement)s = 'release' THEN status END FROM ended
), file AS (
    INSERT INTO assets (key, kind, account_id, task_id, content_type, size_bytes, filename, created_at, expires_at)
    SELECT result_key, 'result', account_id, id, 'video/mp4', result_bytes, id || '.mp4', %(ended_at)s, expires_at
      FROM ended WHERE result_key IS NOT NULL
        ON CONFLICT (key) DO UPDATE SET size_bytes = excluded.size_bytes, expires_at = excluded.expires_at
), given_back AS (
    UPDATE key_spending spent
       SET day_micro_usd = day_micro_usd - CASE WHEN day = held_on THEN price_micro_usd ELSE 0 END,
           month_micro_usd = month_micro_usd - CASE WHEN month = date_trunc('month', held_on) THEN price_micro_usd ELSE 0 END,
           total_micro_usd = total_micro_usd - price_micro_usd
      FROM (SELECT ended.api_key_id, ended.price_micro_usd, (created_at AT TIME ZONE 'UTC')::date AS held_on
              FROM ended JOIN ledger_entries ON task_id = ended.id AND ledger_entries.movement = 'hold') released
     WHERE spent.api_key_id = released.api_key_id AND %(movement)s = 'release'
    RETURNING spent.api_key_id
), account AS (
    UPDATE accounts
       SET held = held - price_micro_usd,
           captured = captured + CASE WHEN %(movement)s = 'capture' THEN price_micro_usd ELSE 0 END,
           available = available + CASE WHEN %(movement)s = 'release' THEN price_micro_usd ELSE 0 END,
           unfinished = unfinished - 1
      FROM ended WHERE accounts.id = ended.account_id AND (SELECT count(*) FROM given_back) >= 0
    RETURNING api_key_id
), queue AS (
    UPDATE key_queues SET unfinished = unfinished - 1
      FROM account WHERE key_queues.api_key_id = account.api_key_id
    RETURNING key_queues.api_key_id, unfinished
), delivery AS (
    INSERT INTO webhook_deliveries (id, task_id, account_id, api_key_id, base_url)
    SELECT 'whd_' || substr(id, 6), id, account_id, api_key_id, generation->>'webhook'
      FROM ended WHERE status IN ('completed', 'failed') AND generation->>'webhook' IS NOT NULL
)
SELECT ended.id, EXISTS (
           SELECT FROM queue JOIN api_keys ON api_keys.id = queue.api_key_id
            WHERE unfinished >= coalesce(concurrent_tasks_max, %(concurrent_max)s)) AS is_awaited
  FROM ended

-- name: give_back
UPDATE tasks SET lease_until = NULL, worker = NULL, crashes = crashes + %(is_crash)s::boolean::integer
 WHERE id = %(id)s AND attempt = %(attempt)s AND ended_at IS NULL AND lease_until > clock_timestamp()
RETURNING id

-- name: release_worker
UPDATE tasks SET lease_until = NULL, worker = NULL, crashes = crashes + 1
 WHERE worker = %(worker)s AND ended_at IS NULL AND lease_until IS NOT NULL
RETURNING id

-- name: newest_first
SELECT * FROM tasks
 WHERE account_id = %(account_id)s
   AND (%(before)s::text IS NULL OR id < %(before)s)
   AND (%(after)s::text IS NULL OR id > %(after)s)
   AND (%(status)s::text IS NULL OR status = %(status)s)
   AND (%(model)s::text IS NULL OR model = %(model)s)
 ORDER BY id DESC LIMIT %(limit)s

-- No index on prompts: it would cost every submit more than a look at the newest ones costs a search.
-- name: search
SELECT * FROM (
    SELECT * FROM tasks
     WHERE account_id = %(account_id)s AND (%(before)s::text IS NULL OR id < %(before)s)
     ORDER BY id DESC LIMIT %(searched_max)s) AS newest
 WHERE generation->>'prompt' ILIKE ALL (%(patterns)s::text[])
   AND (%(status)s::text IS NULL OR status = %(status)s)
   AND (%(model)s::text IS NULL OR model = %(model)s)
 ORDER BY id DESC LIMIT %(limit)s

-- name: searched_until
SELECT id FROM tasks
 WHERE account_id = %(account_id)s AND (%(before)s::text IS NULL OR id < %(before)s)
 ORDER BY id DESC OFFSET %(others)s LIMIT 1

-- name: oldest_first
SELECT * FROM tasks
 WHERE account_id = %(account_id)s
   AND (%(before)s::text IS NULL OR id < %(before)s)
   AND (%(after)s::text IS NULL OR id > %(after)s)
   AND (%(status)s::text IS NULL OR status = %(status)s)
   AND (%(model)s::text IS NULL OR model = %(model)s)
 ORDER BY id LIMIT %(limit)s

-- The total stands in a row of its own when the page is empty.
-- name: window
WITH found AS (
    SELECT id FROM tasks
     WHERE account_id = %(account_id)s AND id > %(after)s AND id < %(before)s
       AND (%(status)s::text IS NULL OR status = %(status)s)
       AND (%(model)s::text IS NULL OR model = %(model)s)
       AND (%(has_picture)s::boolean IS NULL OR (generation->>'image' IS NOT NULL) = %(has_picture)s)
       AND (%(api_key_id)s::text IS NULL OR api_key_id = %(api_key_id)s)
)
SELECT total, tasks.*
  FROM (SELECT count(*) AS total FROM found) counted
  LEFT JOIN (SELECT id FROM found ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s) page ON true
  LEFT JOIN tasks USING (id)
 ORDER BY id DESC

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
