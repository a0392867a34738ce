-- The statements of purchases, by name.

-- One intention at a time per upstream, so that its limits are exact over all workers.
-- name: standing
SELECT count(*) FILTER (WHERE ended_at IS NULL) AS under_way,
       coalesce(sum(cost_micro_usd) FILTER (
           WHERE intended_at >= date_trunc('day', now(), 'UTC')), 0)::bigint AS today,
       coalesce(sum(cost_micro_usd) FILTER (
           WHERE intended_at >= date_trunc('month', now(), 'UTC')), 0)::bigint AS this_month
  FROM purchases
 WHERE upstream = %(upstream)s
   AND (ended_at IS NULL OR intended_at >= date_trunc('month', now(), 'UTC'))

-- Only the task's current attempt may intend. Asked again by the same attempt, as after a lost answer, it is the same;
-- what an upstream refused was never bought, and its number serves the next intention.
-- name: intend
INSERT INTO purchases AS kept (task_id, number, upstream, attempt, cost_micro_usd)
SELECT id, %(number)s, %(upstream)s, %(attempt)s, %(cost)s
  FROM tasks
 WHERE id = %(task_id)s AND attempt = %(attempt)s AND ended_at IS NULL AND lease_until > clock_timestamp()
    ON CONFLICT (task_id, number) DO UPDATE
   SET state = 'intended', upstream = excluded.upstream, attempt = excluded.attempt,
       cost_micro_usd = excluded.cost_micro_usd, intended_at = clock_timestamp(), ended_at = NULL, detail = NULL
 WHERE kept.state = 'refused'
    OR (kept.state = 'intended' AND kept.attempt = excluded.attempt AND kept.upstream = excluded.upstream)
RETURNING *

-- An id that arrives late is recorded too, whatever became of the attempt; one that was given up is open again.
-- name: bought
UPDATE purchases
   SET state = 'bought', upstream_id = %(upstream_id)s, bought_at = clock_timestamp(), ended_at = NULL, detail = NULL
 WHERE task_id = %(task_id)s AND number = %(number)s AND upstream_id IS NULL
RETURNING *

-- name: end
UPDATE purchases
   SET state = %(state)s, cost_micro_usd = coalesce(%(cost)s, cost_micro_usd), detail = coalesce(%(detail)s, detail),
       ended_at = coalesce(ended_at, clock_timestamp())
 WHERE task_id = %(task_id)s AND number = %(number)s

-- name: of_task
SELECT * FROM purchases WHERE task_id = %(task_id)s ORDER BY number

-- Orders under way whose task has ended without them. An intention is left alone while its call may still be running.
-- name: abandoned
SELECT purchases.* FROM purchases LEFT JOIN tasks ON tasks.id = purchases.task_id
 WHERE purchases.ended_at IS NULL
   AND (tasks.id IS NULL OR tasks.ended_at < now() - make_interval(secs => %(rest_s)s))
   AND (purchases.state = 'bought' OR purchases.intended_at < now() - make_interval(secs => %(call_s)s))
   AND upstream = ANY(%(upstreams)s)
 ORDER BY purchases.intended_at LIMIT %(limit)s

-- name: latest
SELECT * FROM purchases WHERE %(upstream)s::text IS NULL OR upstream = %(upstream)s
 ORDER BY intended_at DESC LIMIT %(limit)s
