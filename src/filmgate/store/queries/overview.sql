-- What those who manage see of the whole, by name.

-- Captures are finished videos; the note of a release says whether its task failed or was cancelled.
-- name: totals
SELECT CASE WHEN %(by_day)s::boolean THEN width_bucket(entry.created_at, %(boundaries)s::timestamptz[]) - 1 END AS day_index,
       CASE WHEN %(by_model)s::boolean THEN coalesce(entry.model, 'unknown') END AS model,
       CASE WHEN %(by_key)s::boolean THEN entry.api_key_id END AS api_key_id,
       CASE WHEN %(by_key)s::boolean THEN api_keys.name END AS key_name,
       CASE WHEN %(by_account)s::boolean THEN entry.account_id END AS account_id,
       CASE WHEN %(by_account)s::boolean THEN accounts.name END AS account_name,
       count(*) FILTER (WHERE movement = 'capture') AS videos,
       coalesce(sum(seconds) FILTER (WHERE movement = 'capture'), 0)::bigint AS seconds,
       coalesce(sum(amount) FILTER (WHERE movement = 'capture'), 0)::bigint AS amount_micro_usd,
       count(*) FILTER (WHERE note = 'failed') AS failures,
       count(*) FILTER (WHERE note = 'cancelled') AS cancelled
  FROM ledger_entries entry
  JOIN accounts ON accounts.id = entry.account_id
  LEFT JOIN api_keys ON api_keys.id = entry.api_key_id
 WHERE movement IN ('capture', 'release')
   AND (%(account_id)s::text IS NULL OR entry.account_id = %(account_id)s)
   AND (%(api_key_id)s::text IS NULL OR entry.api_key_id = %(api_key_id)s)
   AND entry.created_at >= %(start)s AND entry.created_at < %(end)s
 GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 6, 4, 3

-- name: counts
SELECT now() AS at,
       (SELECT count(*) FROM tasks WHERE ended_at IS NULL AND status = 'pending') AS pending,
       (SELECT count(*) FROM tasks WHERE ended_at IS NULL AND status = 'processing') AS processing,
       (SELECT min(created_at) FROM tasks WHERE ended_at IS NULL AND status = 'pending') AS oldest_pending_at,
       (SELECT count(*) FROM webhook_deliveries WHERE state = 'pending') AS webhooks_pending,
       (SELECT count(*) FROM webhook_deliveries
         WHERE state = 'delivered' AND delivered_at > now() - interval '1 day') AS webhooks_delivered_last_day,
       (SELECT count(*) FROM webhook_deliveries
         WHERE state = 'failed' AND next_at > now() - interval '1 day') AS webhooks_failed_last_day,
       (SELECT count(*) FROM assets) AS files,
       (SELECT coalesce(sum(size_bytes), 0)::bigint FROM assets) AS files_bytes

-- A worker's name stands at its tasks; the queue knows of it by number, also while it has none.
-- name: workers
SELECT coalesce(max(tasks.worker), 'worker ' || workers.id) AS name, workers.last_heartbeat AS last_heartbeat_at,
       coalesce(jsonb_agg(jsonb_build_object(
           'id', tasks.id, 'model', model, 'stage', stage, 'progress', progress, 'attempt', tasks.attempt,
           'started_at', tasks.started_at) ORDER BY tasks.id) FILTER (WHERE tasks.id IS NOT NULL), '[]') AS tasks
  FROM procrastinate_workers workers
  LEFT JOIN procrastinate_jobs entry ON entry.worker_id = workers.id AND entry.status = 'doing'
  LEFT JOIN tasks ON tasks.id = entry.queueing_lock AND ended_at IS NULL AND lease_until IS NOT NULL
 WHERE workers.last_heartbeat > now() - interval '5 minutes'
 GROUP BY workers.id, workers.last_heartbeat ORDER BY 1

-- name: failures
SELECT tasks.id AS task_id, accounts.name AS account_name, api_keys.name AS key_name, model, engine, ended_at, failure
  FROM (SELECT * FROM tasks WHERE ended_at > now() - interval '7 days' AND status = 'failed'
         ORDER BY ended_at DESC LIMIT %(limit)s) tasks
  JOIN accounts ON accounts.id = tasks.account_id
  JOIN api_keys ON api_keys.id = tasks.api_key_id
 ORDER BY ended_at DESC
