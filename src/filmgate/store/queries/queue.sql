-- The statements of the queue, by name: nudges, the room that keys have, the sweep, and how the queue stands.
--
-- A waiting task that is admitted has an entry in the queue; one that is not waits until another of its key has ended.
-- The order is (rank, entry_id), as the queue's own.

-- name: nudge
WITH entry AS MATERIALIZED (
    SELECT (procrastinate_defer_jobs_v1(ARRAY[ROW(
               'films', 'produce_video', entry_priority(rank, (SELECT rank_base FROM queue_state)), NULL, id,
               jsonb_build_object('task_id', id), NULL)::procrastinate_job_to_defer_v1]))[1] AS id
      FROM tasks WHERE id = %(id)s AND ended_at IS NULL AND is_admitted
)
UPDATE tasks SET entry_id = entry.id FROM entry WHERE tasks.id = %(id)s

-- Before a key's room is looked at: whoever submits with it, or ends one of its tasks, waits.
-- name: lock_queue
SELECT FROM key_queues WHERE api_key_id = %(api_key_id)s FOR UPDATE

-- Never waits for a task: somebody who ends one, and so holds it, waits for the key's row.
-- name: admit
WITH room AS (
    SELECT coalesce(concurrent_tasks_max, %(concurrent_max)s) - (
               SELECT count(*) FROM tasks
                WHERE api_key_id = %(api_key_id)s AND ended_at IS NULL AND is_admitted) AS places
      FROM api_keys WHERE id = %(api_key_id)s
), chosen AS (
    SELECT id FROM tasks
     WHERE api_key_id = %(api_key_id)s AND ended_at IS NULL AND NOT is_admitted
     ORDER BY rank LIMIT (SELECT CASE WHEN places > 0 THEN places WHEN places <= 0 THEN 0 END FROM room)
       FOR UPDATE SKIP LOCKED
)
UPDATE tasks SET is_admitted = true FROM chosen WHERE tasks.id = chosen.id
RETURNING tasks.id

-- After a limit was lowered: those that nobody works on, the last ones first.
-- name: withdraw
WITH excess AS (
    SELECT count(*) - coalesce(concurrent_tasks_max, %(concurrent_max)s) AS places
      FROM tasks JOIN api_keys ON api_keys.id = api_key_id
     WHERE api_key_id = %(api_key_id)s AND ended_at IS NULL AND is_admitted
     GROUP BY concurrent_tasks_max
), chosen AS (
    SELECT id FROM tasks
     WHERE api_key_id = %(api_key_id)s AND ended_at IS NULL AND is_admitted AND lease_until IS NULL
     ORDER BY rank DESC LIMIT (SELECT greatest(places, 0) FROM excess)
       FOR UPDATE SKIP LOCKED
)
UPDATE tasks SET is_admitted = false FROM chosen WHERE tasks.id = chosen.id

-- What a full key is told: its tasks, and when the last ones ended.
-- name: room
SELECT unfinished, coalesce(queue_length_max, %(unfinished_max)s) AS length_max, clock_timestamp() AS now,
       (SELECT array_agg(ended_at ORDER BY ended_at DESC)
          FROM (SELECT ended_at FROM tasks WHERE api_key_id = %(api_key_id)s AND ended_at IS NOT NULL
                 ORDER BY ended_at DESC LIMIT 20) newest) AS ends
  FROM key_queues JOIN api_keys ON api_keys.id = api_key_id
 WHERE api_key_id = %(api_key_id)s

-- name: unbalanced
SELECT api_key_id
  FROM (SELECT api_key_id, count(*) FILTER (WHERE is_admitted) AS admitted,
               count(*) FILTER (WHERE NOT is_admitted) AS apart
          FROM tasks WHERE ended_at IS NULL GROUP BY api_key_id) counted
  JOIN api_keys ON api_keys.id = api_key_id
 WHERE admitted > coalesce(concurrent_tasks_max, %(concurrent_max)s)
    OR (apart > 0 AND coalesce(admitted < coalesce(concurrent_tasks_max, %(concurrent_max)s), true))

-- The clock was set back: nobody would find a dead worker's task for so long. Who lives renews it to less anyway.
-- name: shorten
UPDATE tasks SET lease_until = %(now)s + make_interval(secs => %(lease_s)s)
 WHERE ended_at IS NULL AND lease_until > %(now)s + 2 * make_interval(secs => %(lease_s)s)

-- A lease that was last renewed before this database started, or before its clock jumped, could not be renewed: no
-- fault of the task. `now` is the time that was looked at for jumps: it may have jumped since.
-- name: let_go
UPDATE tasks SET lease_until = NULL, worker = NULL,
       crashes = crashes + (NOT %(has_clock_jumped)s
                            AND lease_until - make_interval(secs => %(lease_s)s) > pg_postmaster_start_time())::integer
 WHERE ended_at IS NULL AND lease_until <= %(now)s
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
 WHERE ended_at IS NULL AND lease_until IS NULL AND is_admitted
   AND NOT EXISTS (SELECT FROM procrastinate_jobs
                    WHERE queueing_lock = tasks.id AND status = 'todo')
 ORDER BY rank LIMIT 1000

-- name: overdue
SELECT * FROM tasks
 WHERE ended_at IS NULL AND lease_until IS NULL
   AND (crashes >= %(crashes_max)s
        OR (started_at IS NULL AND created_at < now() - make_interval(secs => %(queue_timeout_s)s)))
 LIMIT 100

-- A billion ranks fit between the base and the end of the priorities, ten times what may wait with any head start.
-- name: move_base
UPDATE queue_state SET rank_base = last_started_rank WHERE last_started_rank - rank_base > 1000000000

-- name: reprioritise
UPDATE procrastinate_jobs entry SET priority = entry_priority(rank, rank_base)
  FROM tasks, queue_state
 WHERE only_row AND queueing_lock = tasks.id AND queue_name = 'films' AND entry.status = 'todo'
   AND priority <> entry_priority(rank, rank_base)

-- One scan of the index over all asked: each is counted from the one before it. Tasks that were given back wait, too.
-- name: outlooks
WITH asked AS (
    SELECT id, api_key_id, is_admitted, rank, coalesce(entry_id, 9223372036854775807) AS entry_id
      FROM tasks WHERE id = ANY(%(ids)s) AND status = 'pending'
), stretches AS (
    SELECT *, lag(rank, 1, -9223372036854775808) OVER line AS rank_before,
           lag(entry_id, 1, 0::bigint) OVER line AS entry_before
      FROM asked WINDOW line AS (ORDER BY rank, entry_id)
), counted AS (
    SELECT stretches.*, (
               SELECT count(*) FROM tasks
                WHERE status = 'pending' AND tasks.is_admitted
                  AND (tasks.rank, tasks.entry_id) < (stretches.rank, stretches.entry_id)
                  AND (tasks.rank, tasks.entry_id) >= (rank_before, entry_before)) AS between
      FROM stretches
)
SELECT counted.id,
       (sum(between) OVER (ORDER BY counted.rank, counted.entry_id)
        + (SELECT count(*) FROM tasks back
            WHERE status = 'processing' AND lease_until IS NULL
              AND (back.rank, back.entry_id) < (counted.rank, counted.entry_id)))::integer AS line_ahead,
       CASE WHEN is_admitted THEN 0 ELSE (
           SELECT count(*) FROM tasks sibling
            WHERE sibling.api_key_id = counted.api_key_id AND sibling.ended_at IS NULL
              AND NOT sibling.is_admitted AND sibling.rank < counted.rank) END AS apart_ahead,
       CASE WHEN NOT is_admitted THEN coalesce(concurrent_tasks_max, %(concurrent_max)s) END AS at_once_max
  FROM counted JOIN api_keys ON api_keys.id = counted.api_key_id

-- What was seen lately, what is under way and what waits, in one row. A kind is [model, resolution, duration_s].
-- name: pace
WITH lately AS (
    SELECT status, started_at, ended_at, jsonb_build_array(model, generation->'resolution', generation->'duration_s') AS kind
      FROM tasks WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 500
), made AS (
    SELECT *, row_number() OVER (PARTITION BY kind ORDER BY ended_at DESC) AS number,
           row_number() OVER (ORDER BY ended_at DESC) AS number_of_all
      FROM lately WHERE status = 'completed'
), kinds AS (
    SELECT kind, percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at)) AS make_s
      FROM made WHERE number <= 20 GROUP BY kind
), line AS (
    SELECT created_at, jsonb_build_array(model, generation->'resolution', generation->'duration_s') AS kind, rank, entry_id
      FROM tasks WHERE status = 'pending' AND is_admitted ORDER BY rank, entry_id LIMIT %(line_max)s
)
SELECT (SELECT jsonb_agg(jsonb_build_array(kind, make_s)) FROM kinds) AS kinds,
       (SELECT jsonb_agg(jsonb_build_array(
                   jsonb_build_array(model, generation->'resolution', generation->'duration_s'),
                   extract(epoch FROM started_at)))
          FROM tasks WHERE status = 'processing' AND lease_until IS NOT NULL) AS running,
       (SELECT jsonb_agg(kind ORDER BY rank, entry_id) FROM line) AS line,
       (SELECT min(created_at) FROM line) AS waiting_since,
       (SELECT max(at_once) FROM (
            SELECT count(*) AS at_once FROM made one JOIN made other
                ON other.started_at <= one.started_at AND other.ended_at > one.started_at
             WHERE one.number_of_all <= 50 AND other.number_of_all <= 50 GROUP BY one.number_of_all) counted) AS at_once,
       (SELECT array_agg(ended_at ORDER BY ended_at DESC) FROM (
            SELECT ended_at FROM lately ORDER BY ended_at DESC LIMIT 20) newest) AS ends
